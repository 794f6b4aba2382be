"""Keeps the libraries that load networks silent and offline."""

from __future__ import annotations

import functools
import logging
import os
import sys
import warnings

from deepworth.weights._torchvision import ensure_torchvision

OFFLINE_BY_USER = os.environ.get("HF_HUB_OFFLINE", "").upper() in {
    "1",
    "ON",
    "YES",
    "TRUE",
}  # before we set it ourselves
LIBRARIES = ("nncf", "openvino", "timm", "transformers", "huggingface_hub", "torch.export", "torch.onnx")


@functools.cache
def quiet_imports() -> None:
    """Call before transformers, timm, openvino or nncf are imported: no log lines, no progress bars, no network.

    The network is reached only by `_hub`, for an id that the user named. openvino and nncf would report their use to
    Intel by a forked process: besides telling, it stops OpenBLAS for good in whoever forked, and counts as its memory.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # "cannot be imported": both do without
    for name, value in {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
        "TQDM_DISABLE": "1",  # transformers 5 shows a bar while it loads weights
    }.items():
        os.environ.setdefault(name, value)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(torch|torchvision|timm|transformers|nncf|openvino)(\.|$)")
    ensure_torchvision()
