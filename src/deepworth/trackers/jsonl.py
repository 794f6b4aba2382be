"""The log every training leaves in its trial's folder."""

from __future__ import annotations

from deepworth.registry import TrackerSpec

SPECS = [
    TrackerSpec(
        name="jsonl",
        summary="log.jsonl in the folder of the trial: step, loss, rate, score and seconds, a line each",
        tracker="deepworth.trackers._jsonl:Jsonl",
        order=10,
    )
]
