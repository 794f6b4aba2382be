"""What people call the parts of a data set: folders, files and values of a split column."""

from __future__ import annotations

NAMES = {
    "train": ("train", "training"),
    "valid": ("valid", "validation", "val", "dev"),
    "test": ("test", "testing"),
}
PARTS = {name: part for part, names in NAMES.items() for name in names}


def part_of(name: str) -> str | None:
    """ "train", "valid" or "test", or None for a name that is none of them."""
    return PARTS.get(name.strip().lower())
