"""Text networks that ship inside packages."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from deepworth.registry import find
from deepworth.weights._files import digest, package_folder
from deepworth.weights._networks import TextNetwork
from deepworth.weights._quiet import quiet_imports


def load_minilm(package: str) -> TextNetwork:
    """The MiniLM sentence encoder in `package`. Its tokenizer is read without transformers' (slower) wrapper."""
    quiet_imports()
    from transformers import BertModel

    folder = package_folder(package) / "model"
    return TextNetwork(
        module=BertModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False).eval(),
        tokenizer=bare_tokenizer(str(folder / "tokenizer.json")),
        pad=0,
        width=384,
        max_tokens=256,
        pooling="mean",
        name="minilm",
        digest=digest(folder / "model.safetensors"),
        licence=find("weights", "minilm").licence,
    )


def load_wordllama(package: str) -> TextNetwork:
    """The static table in `package`, read directly: the package's own loader looks for its tokenizer on a hub."""
    from safetensors.torch import load_file

    folder = package_folder(package)
    file = folder / "weights" / "l2_supercat_256.safetensors"
    table = load_file(file)["embedding.weight"].float()
    return TextNetwork(
        module=StaticEncoder(table).eval(),
        tokenizer=bare_tokenizer(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json")),
        pad=0,
        width=table.shape[1],
        max_tokens=4096,
        pooling="mean",
        name="wordllama",
        digest=digest(file),
        licence=find("weights", "wordllama").licence,
    )


def bare_tokenizer(path: str) -> Tokenizer:
    """The tokenizer of a tokenizer.json, with neither padding nor truncation."""
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


class StaticEncoder(nn.Module):
    """A table of token embeddings that answers as an encoder does: its "hidden states" are the rows looked up."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.embeddings = nn.Embedding.from_pretrained(table, freeze=False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, output_hidden_states: bool = False) -> Any:
        """(n, tokens) ids -> (n, tokens, width)."""
        from transformers.modeling_outputs import BaseModelOutput

        states = self.embeddings(input_ids)
        return BaseModelOutput(last_hidden_state=states, hidden_states=(states,) if output_hidden_states else None)
