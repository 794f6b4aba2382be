"""Networks of the Hugging Face hub: fetched into the user's own cache, then loaded as the folder they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deepworth.errors import UserError
from deepworth.weights import _folder
from deepworth.weights._networks import AudioNetwork, ImageNetwork, TextNetwork
from deepworth.weights._quiet import OFFLINE_BY_USER, quiet_imports

FILES = ["*.json", "*.safetensors", "1_Pooling/*.json", "vocab.txt", "merges.txt"]


def load_text(source: str) -> TextNetwork:
    """The text encoder `owner/name`. Raises UserError when the hub does not answer or has no such network."""
    return _named(_folder.load_text(fetch(source)), source)


def load_image(source: str) -> ImageNetwork:
    """The image network `owner/name`, e.g. `timm/resnet18.a1_in1k`. Raises UserError."""
    return _named(_folder.load_image(fetch(source)), source)


def load_audio(source: str) -> AudioNetwork:
    """The Whisper model `owner/name`. Raises UserError."""
    return _named(_folder.load_audio(fetch(source)), source)


def fetch(source: str) -> str:
    """The local folder of the hub repository `source`. Raises UserError."""
    quiet_imports()
    from huggingface_hub import constants, errors, snapshot_download

    constants.HF_HUB_OFFLINE = OFFLINE_BY_USER  # quiet_imports switched it on for everybody who did not ask for the hub
    try:
        return snapshot_download(source, allow_patterns=FILES)
    except (errors.HFValidationError, errors.RepositoryNotFoundError) as error:
        raise UserError(f"the hub has no network {source!r}: {error}") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, errors.HfHubHTTPError, OSError) as error:
        raise UserError(
            f"cannot fetch {source!r}: it is not in the Hugging Face cache and the hub cannot be reached "
            f"({type(error).__name__}); give a local folder with --weights, or leave it out to use the packaged network"
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = True


def _named(network: Any, source: str) -> Any:
    return replace(network, name=source)
