"""Nested state in one safetensors file, written atomically: tensors as they are, the rest as JSON beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write dicts, lists, tensors and JSON values. A process killed meanwhile leaves the old file whole."""
    tensors: dict[str, Tensor] = {}
    shape = _pack(state, tensors, {})
    fresh = path.with_suffix(".tmp")
    safetensors.torch.save_file(tensors, fresh, metadata={"state": json.dumps(shape)})
    os.replace(fresh, path)


def read_state(path: Path) -> dict[str, Any]:
    """What `write_state` wrote, tensors on the CPU, tuples as lists."""
    with safetensors.safe_open(path, framework="pt") as file:
        return _unpack(json.loads(file.metadata()["state"]), {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no dict)


def _pack(value: Any, tensors: dict[str, Tensor], names: dict[Any, str]) -> Any:
    if isinstance(value, Tensor):
        same = (value.data_ptr(), value.dtype, value.shape, value.stride(), value.device)
        if value.numel() == 0 or same not in names:  # tied weights are stored once
            names[same] = str(len(tensors))
            tensors[names[same]] = value.detach().to("cpu", copy=True).contiguous()
        packed = {"tensor": names[same]}
        return packed if value.is_contiguous() or value.dim() != 4 else packed | {"strides": list(value.stride())}
    if isinstance(value, dict):  # as pairs: optimisers count their parameters in integers, which JSON keys are not
        return {"pairs": [[key, _pack(item, tensors, names)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_pack(item, tensors, names) for item in value]
    return value


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if "tensor" not in value:
            return {key: _unpack(item, tensors) for key, item in value["pairs"]}
        saved = tensors[value["tensor"]]
        if "strides" not in value:
            return saved
        # channels last: a fused optimiser walks weights and moments side by side through memory, whatever their strides
        return torch.empty_strided(saved.shape, value["strides"], dtype=saved.dtype).copy_(saved)
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    return value
