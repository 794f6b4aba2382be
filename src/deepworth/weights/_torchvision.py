"""Makes timm and transformers importable where the installed torchvision was built for another torch."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@functools.cache
def ensure_torchvision() -> bool:
    """Call before the first import of timm or transformers. True: torchvision's own native operators are there.

    The torchvision of PyPI is a CUDA build. On a torch for CPUs its library does not load, and `import torchvision`
    - with it timm and every model class of transformers - dies on the missing operator `torchvision::nms`. Declaring
    the two operators is enough for transforms and models; calling nms itself then fails. Where the library loads
    (a CUDA machine) nothing is declared.
    """
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return False
    libraries = sorted(Path(found.origin).parent.glob("_C*.so"))
    try:
        for library in libraries:
            torch.ops.load_library(str(library))
    except OSError:
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", SIGNATURE)
        return False
    return bool(libraries)
