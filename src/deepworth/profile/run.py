"""The profile of a prepared run folder: facts about the data, and concerns to look at before believing a score."""

from __future__ import annotations

from pathlib import Path

from deepworth.profile.broken import broken_files
from deepworth.profile.facts import facts
from deepworth.profile.leaks import leaks
from deepworth.profile.rows import balance, conflicts, duplicates, outliers
from deepworth.profile.structure import groups, times
from deepworth.profile.view import View
from deepworth.types import Profile

# View -> concerns, the gravest first
CHECKS = (leaks, groups, times, duplicates, conflicts, balance, outliers, broken_files)


def profile_data(folder: Path) -> Profile:
    """Facts and concerns about what `data/prepare.py` wrote; of the labels only those of the training rows are read."""
    return profile_of(View.open(folder))


def profile_of(view: View) -> Profile:
    return Profile(facts=tuple(facts(view)), concerns=tuple(concern for check in CHECKS for concern in check(view)))
