"""Concerns about rows: the same in two parts or with two labels, classes that are rare, amounts that outweigh all."""

from __future__ import annotations

import numpy as np

from deepworth.data.duplicates import repeated, shared_rows
from deepworth.profile.view import View
from deepworth.types import Concern
from deepworth.words import amount, count, have, portion

SMALL_SHARE = 0.1  # a binary class below it is called rare ...
LARGE_RATIO = 10  # ... as is a class that many times smaller than the largest
TOLERATED = 0.001  # share of the training rows in conflict that is not worth a word
SHOWN = 3  # examples
MOSTLY = 0.5  # share of the test rows that have a twin from which columns are to blame, not copies
FEW_ROWS = 20  # training rows below which nothing is known about a class
DECIDE = 5, 0.1  # rows, and share of the rows, below which those that count are too few to judge a regression by
HEAVY = 0.05  # share of the squared spread from which a row is named
ROBUST = ("mae",)  # metrics that no single row decides


def duplicates(view: View) -> list[Concern]:
    """Test rows whose features stand among the training or validation rows too."""
    test, others = view.rows["test"], np.concatenate([view.rows["train"], view.rows["valid"]])
    stands = shared_rows(view.hashes, test, others)
    shared = int(stands.sum())
    if not shared:
        return []
    why = "a model that remembers them looks better than it is"
    if shared > MOSTLY * len(test):
        why = "the columns that are read hardly tell rows apart"
    first = test[stands][:SHOWN]
    twins = [int(others[view.hashes[others] == view.hashes[row]][0]) for row in first]
    return [
        Concern(
            id="duplicates",
            message=f"{shared:,} of {count(len(test), 'test row')} ({shared / len(test):.1%}) "
            f"{have(shared)} the same features as a training or validation row: {why}",
            rows=shared,
            examples=tuple(f"row {row} and row {twin}" for row, twin in zip(first, twins, strict=True)),
        )
    ]


def conflicts(view: View) -> list[Concern]:
    """Training rows with the same features and another class: what no model can get right."""
    if not view.dataset.task.is_classification:
        return []
    num_classes = len(view.dataset.task.classes)
    hashes = view.hashes[view.rows["train"]]
    again = repeated(hashes)
    rows, labels = view.rows["train"][again], view.labels[again]
    _, content_of_row = np.unique(hashes[again], return_inverse=True)
    pairs, counts = np.unique(content_of_row * num_classes + labels, return_counts=True)  # (content, class) met
    content = pairs // num_classes
    torn = np.bincount(content)[content] > 1  # the same content with several classes
    content, counts = content[torn], counts[torn]
    most = np.zeros(content.max(initial=0) + 1, np.int64)  # rows of each content's most common class
    np.maximum.at(most, content, counts)
    lost = int(counts.sum() - most.sum())
    if lost < max(1, TOLERATED * len(view.labels)):
        return []
    groups = [rows[content_of_row == same][:SHOWN] for same in np.unique(content)[:SHOWN]]
    return [
        Concern(
            id="conflict",
            message=f"{counts.sum():,} training rows share their features with rows of another class: {lost:,} of them "
            "no model can get right; labels are wrong, or the columns do not tell the classes apart",
            rows=int(counts.sum()),
            examples=tuple("rows " + ", ".join(map(str, rows)) for rows in groups),
        )
    ]


def balance(view: View) -> list[Concern]:
    """Classes much smaller than the others, and classes with too few rows to learn from."""
    task = view.dataset.task
    if not task.is_classification:
        return []
    counts = np.bincount(view.labels, minlength=len(task.classes))
    found = []
    rarest = int(counts.argmin())
    share = counts[rarest] / counts.sum()
    if (task.kind == "binary" and share < SMALL_SHARE) or counts.max() > LARGE_RATIO * max(counts[rarest], 1):
        found.append(
            Concern(
                id="imbalance",
                message=f"the rarest class {task.classes[rarest]!r} has {count(int(counts[rarest]), 'training row')} "
                f"({share:.1%}), the commonest {counts.max():,}: accuracy flatters here, look at macro_f1 or log_loss",
                rows=int(counts[rarest]),
            )
        )
    few = np.flatnonzero(counts < FEW_ROWS)
    if len(few):
        names = ", ".join(f"{task.classes[c]!r} ({counts[c]})" for c in few[:5]) + (", ..." if len(few) > 5 else "")
        found.append(
            Concern(
                id="rare",
                message=f"{count(len(few), 'class')} {have(len(few))} fewer than {FEW_ROWS} training rows: {names}",
                rows=int(counts[few].sum()),
            )
        )
    return found


def outliers(view: View) -> list[Concern]:
    """Amounts so far out that a handful of training rows decides every squared error.

    How many rows count is Kish's effective number, (sum e)^2 / sum e^2, of the squared distances e to the median.
    """
    task, amounts = view.dataset.task, view.labels
    if task.is_classification or task.metric in ROBUST:
        return []
    middle = float(np.median(amounts))
    apart = np.abs(amounts - middle)
    if not apart.max():
        return []
    spread = (apart / apart.max()) ** 2
    spread /= spread.sum()
    if 1 / (spread**2).sum() >= min(DECIDE[0], DECIDE[1] * len(amounts)):
        return []
    heavy = np.flatnonzero(spread >= HEAVY)
    heavy = heavy[np.argsort(-spread[heavy], kind="stable")]
    first = heavy[:SHOWN]
    return [
        Concern(
            id="outliers",
            message=f"{len(heavy):,} of {count(len(amounts), 'training row')} {'hold' if len(heavy) > 1 else 'holds'} "
            f"{portion(spread[heavy].sum())} of the squared spread of {task.target!r} (median "
            f"{amount(middle)}) and with it any squared error: mend what is wrong there, or choose by --metric mae",
            columns=(task.target,),
            rows=len(heavy),
            examples=tuple(f"row {view.rows['train'][i]}: {amount(amounts[i])}" for i in first),
        )
    ]
