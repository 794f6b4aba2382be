"""Results to Verdict: the answers of a run, with their intervals, prices and what would decide what is open."""

from deepworth.verdict.judge import judge

__all__ = ["judge"]
