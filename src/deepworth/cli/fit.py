"""`deepworth fit`: the main job."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

from deepworth.cli.options import (
    Jobs,
    Json,
    Memory,
    Metric,
    Models,
    Quiet,
    Resume,
    Rungs,
    RunOut,
    Seed,
    Threshold,
    Time,
    Weights,
    Worth,
    names,
    reads_source,
)
from deepworth.cli.results import show_run
from deepworth.errors import DeepworthError


@reads_source
def fit(
    about: dict[str, Any],
    limit: Time = "5m",
    memory: Memory = None,
    jobs: Jobs = 1,
    metric: Metric = None,
    threshold: Threshold = None,
    seed: Seed = 0,
    rungs: Rungs = None,
    models: Models = None,
    weights: Weights = None,
    worth: Worth = "1%",
    out: RunOut = None,
    resume: Resume = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find out whether deep learning is worth it on SOURCE, and train the model that is.

    Columns that were taken for the wrong thing are named again: --text COL, --category COL, ... as often as needed.
    A run that was killed goes on with --resume RUN, or with the same command and its --out.
    """
    started = time.monotonic()  # the limit counts from here: loading the libraries is part of it
    from deepworth import verbs
    from deepworth.climb.watch import Watch
    from deepworth.progress import Progress

    with nullcontext(Watch()) if quiet else Progress() as watch:
        if resume is not None:
            run = verbs.resume(resume, watch=watch, started=started)
        else:
            run = verbs.fit(
                **about,
                time=limit,
                out=out,
                metric=metric,
                threshold=threshold,
                rungs=names(rungs),
                models=names(models),
                weights=weights,
                worth=worth,
                memory_gb=memory,
                jobs=jobs,
                seed=seed,
                watch=watch,
                started=started,
            )
    show_run(run, as_json)
    if run.no_page:
        raise DeepworthError(run.no_page)
