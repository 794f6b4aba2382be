"""Who looks on while a run climbs: progress displays implement these methods; none of them changes the run."""

from __future__ import annotations

from deepworth.types import Candidate, Dataset, Plan, Profile, Splits, Trial, TrialResult, Verdict


class Watch:
    """Sees everything, does nothing."""

    def opened(self, dataset: Dataset, splits: Splits, profile: Profile) -> None:
        """The source is read, divided and profiled."""

    def planned(self, plan: Plan) -> None:
        """The candidates, their order and estimates are known."""

    def started(self, candidate: Candidate, trial: Trial, seconds_left: float) -> None:
        """A trial begins; `seconds_left` of the whole run."""

    def progress(self, trial_key: str, share: float, message: str) -> None:
        """A trial tells how far it is, 0 to 1."""

    def finished(self, result: TrialResult) -> None:
        """A trial ended: done, skipped, failed or stopped."""

    def repeating(self, trial: Trial, which: str, expected: float, seconds_left: float) -> None:
        """A trial is made again: `which` seed, fold or subset, and the seconds it is expected to take."""

    def repeated(self, result: TrialResult) -> None:
        """A repeat ended."""

    def judged(self, verdict: Verdict) -> None:
        """The verdict stands."""

    def note(self, message: str) -> None:
        """Something worth a line."""
