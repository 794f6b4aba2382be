"""A run that was made: its records, its models and its page."""

from __future__ import annotations

from pathlib import Path

from deepworth.climb.model import Model
from deepworth.errors import UserError, nearest
from deepworth.store import RunFolder
from deepworth.types import Dataset, Plan, Profile, Verdict


def open_run(path: str | Path) -> Run:
    """A run that was made before. Raises UserError when the folder is none."""
    return Run(RunFolder.open(path))


class Run:
    """A run folder and what is in it."""

    def __init__(self, folder: RunFolder, no_page: str = "") -> None:
        self._folder = folder
        self.no_page = no_page  # why a fit ended without a report page, and what to do; else empty

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def verdict(self) -> Verdict:
        return self._folder.verdict

    @property
    def best(self) -> Model:
        """The model the verdict recommends."""
        return self.model(self.verdict.winner)

    def model(self, key: str) -> Model:
        """The model of any trial that is done. Raises UserError when there is none."""
        done = [r.key for r in self.verdict.trials if r.status == "done"]
        if key not in done:
            raise UserError(f"no trained model {key!r} in {self.folder}{nearest(key, done)}")
        return Model(self._folder.trial(key) / "model")

    @property
    def plan(self) -> Plan:
        return self._folder.plan

    @property
    def dataset(self) -> Dataset:
        return self._folder.dataset

    @property
    def profile(self) -> Profile:
        return self._folder.profile

    @property
    def report(self) -> Path:
        """The page to show. A fit that could not make it says so in `no_page`."""
        return self.folder / "report.html"

    def __repr__(self) -> str:
        verdict = self.verdict
        return f"<deepworth run {self.folder}: {verdict.verdict}; winner {verdict.winner}>"

    def _repr_html_(self) -> str:
        from deepworth.report.build import fragment

        return fragment(self.folder)
