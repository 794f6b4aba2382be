"""When a climb has seen enough: nothing is left to gain, or the next step is not expected to pay for its seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deepworth.decide.experience import experience_for
from deepworth.decide.stop import Bought, Offer, next_step, price, sampling_unit, weighed
from deepworth.metrics.scores import Metric
from deepworth.types import Candidate, Dataset, Goals, Splits, TrialResult


def seen_enough(
    candidate: Candidate, results: Sequence[TrialResult], dataset: Dataset, splits: Splits, goals: Goals, metric: Metric
) -> str:
    """Why `candidate` is not worth its price after these results, or "".

    Nothing is left out before both sides of the comparison are tried; which steps must then pay for their seconds, and
    how much, is what the plan said (`weighed`, `price`).
    """
    tried = [r for r in results if r.status == "done" and r.rung != "floor" and metric.name in r.valid]
    rungs = {r.rung for r in tried}
    if "classical" not in rungs or len(rungs) < 2:
        return ""
    errors = [float(metric.to_error(r.valid[metric.name])) for r in tried]
    if min(errors) <= 0:
        return f"nothing is left to gain: {metric.name} is perfect on the validation rows"
    if not weighed(candidate.rung, rungs, goals):
        return ""
    bounded = metric.name not in ("rmse", "mae", "r2")
    bought = [
        Bought(kind=r.model, error=error, unit=sampling_unit(error, splits.valid, bounded), seconds=r.seconds)
        for r, error in zip(tried, errors, strict=True)
    ]
    offer = Offer(kind=candidate.model, seconds=candidate.estimate.seconds.likely)
    experience = experience_for(dataset.modality, splits.protocol)
    step = next_step(experience, bought, [offer], price=price(goals), left=math.inf)
    return "" if step.offer else step.reason
