"""A trained model on disk, ready to predict on any source that has its columns."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from deepworth.climb.trial import checksums
from deepworth.data.drift import Seen, differences
from deepworth.data.examples import Examples
from deepworth.data.media import unreadable_files
from deepworth.data.open import FILE, MEDIA, open_again
from deepworth.errors import DeepworthError, Drifted, UnreadRows, UserError
from deepworth.models.learner import Learner
from deepworth.registry import build, find
from deepworth.store import write
from deepworth.types import Dataset, Label, dump, load, record

AGAIN = "copy the folder again, or train the model again"
TOLD = 5  # columns a warning names


@record
class Manifest:
    """What `model.json` says: which model, made from what, by which versions, under which licence."""

    model: str
    dataset: Dataset
    licence: str
    versions: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 of every other file; none: saved before 0.1
    seen: tuple[Seen, ...] = ()  # the feature columns of the training rows
    threshold: float | None = None  # probability from which on the second of two classes is said; None: the higher one


def keep_threshold(folder: Path, threshold: float | None) -> None:
    """Write the threshold into the `model.json` of a folder, where it is another one there."""
    path = folder / "model.json"
    if not path.exists():
        return
    manifest = msgspec.json.decode(path.read_bytes())
    if manifest.get("threshold") != threshold:
        write(path, dump(manifest | {"threshold": threshold}))


class Model:
    """The winner of a run. Loaded on first use; needs nothing but its folder."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "model.json").exists():
            raise UserError(f"{folder} holds no trained model")
        self.folder = folder
        try:
            self.manifest = load(Manifest, folder / "model.json")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{folder / 'model.json'} is damaged: {error}; {AGAIN}") from error
        self._learner: Learner | None = None

    @property
    def key(self) -> str:
        """The key of the trial that trained it."""
        return self.folder.parent.name

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels in the order of the probabilities; empty for a regression."""
        return self.manifest.dataset.task.classes

    @property
    def learner(self) -> Learner:
        """Raises UserError for a file that is not as it was saved; nothing that lies in the folder is ever executed."""
        if self._learner is None:
            self._check()
            kind = build(find("models", self.manifest.model))
            try:
                self._learner = kind.load(self.folder)
            except DeepworthError:
                raise
            # The border to what files hold: each library that reads one has errors of its own, or raises Exception.
            except Exception as error:
                raise UserError(
                    f"{self.folder} does not hold what a {self.manifest.model} model does "
                    f"({type(error).__name__}: {error}); {AGAIN}"
                ) from error
        return self._learner

    def _check(self) -> None:
        """That the files are those that were saved. A checksum finds damage, not malice: who can write one can both."""
        saved = self.manifest.files
        if not saved:
            return
        found = checksums(self.folder)
        for name in sorted(saved.keys() | found.keys()):
            if name not in found:
                raise UserError(f"{self.folder / name} is not there, but belongs to the model; {AGAIN}")
            if name not in saved:
                raise UserError(f"{self.folder / name} does not belong to the model: move it out of the folder")
            if found[name] != saved[name]:
                raise UserError(f"{self.folder / name} is not as it was saved (its checksum differs); {AGAIN}")

    def predict(self, source: Any) -> np.ndarray:
        """(n,) labels in their original type, or values, for the rows of a path, frame or array-like table.

        Columns are found by name: their order is free, others are ignored, and a missing one is refused by name. Values
        are brought to the types of training (numbers and dates from text, by the form they had there); what cannot be
        counts as missing, and a column of which most cannot is refused. A category never seen counts as unknown; images
        of any mode become RGB, recordings of any rate are resampled. Warns (errors.Drifted) of columns that are unlike
        those of training, and (errors.UnreadRows) of rows whose image or recording cannot be read: they get a value
        here, as if it were grey or silent, and none in `table`.
        """
        scores, _, _ = self._scores(source)
        return self._said(scores) if self.classes else scores

    def predict_proba(self, source: Any) -> np.ndarray:
        """(n, classes) probabilities in the order of `classes`. Raises UserError for a regression."""
        if not self.classes:
            raise UserError(
                f"{self.key} predicts {self.manifest.dataset.task.target}, a number: it has no probabilities"
            )
        return self._scores(source)[0]

    def table(self, source: Any) -> pa.Table:
        """`prediction`, and `p_<class>` for each class, beside each other for every row.

        The prediction is the class of the highest probability, or what the threshold says that `fit` was asked for.
        Rows whose image or recording cannot be read have nulls, and a column `refused` says why. Where the rows are the
        files of a folder or an archive, the first column, `file`, names them. Warns as `predict`.
        """
        scores, why, files = self._scores(source)
        named = {} if files is None else {"file": files}
        unread = np.array([reason is not None for reason in why], bool)
        refused = {"refused": pa.array(why, pa.string())} if unread.any() else {}
        if not self.classes:
            return pa.table(named | {"prediction": pa.array(scores, mask=unread)} | refused)
        columns = named | {"prediction": pa.array(self._said(scores), mask=unread)}
        return pa.table(
            columns
            | {f"p_{label}": pa.array(scores[:, i].copy(), mask=unread) for i, label in enumerate(self.classes)}
            | refused
        )

    def _said(self, scores: np.ndarray) -> np.ndarray:
        """The label of each row: of the highest probability, or by the threshold that was chosen."""
        if self.manifest.threshold is None:
            return np.asarray(self.classes)[scores.argmax(1)]
        return np.asarray(self.classes)[(scores[:, 1] >= self.manifest.threshold).astype(int)]

    def _scores(self, source: Any) -> tuple[np.ndarray, list[str | None], pa.Array | None]:
        """What the learner predicts; for each row why a media file of it could not be read, None where it could; and
        the files that the rows are, if they are.
        """
        with tempfile.TemporaryDirectory(prefix="deepworth-") as folder:
            notes: list[str] = []
            examples: Examples = open_again(source, self.manifest.dataset, Path(folder), notes)
            notes += differences(self.manifest.seen, examples)
            with unreadable_files() as broken:
                scores = self.learner.predict(examples)
            why = _refusals(examples, broken)
            files = pa.array(examples.strings(FILE)) if FILE in examples.table.column_names else None
        if notes:
            more = f"; and {len(notes) - TOLD} more" if len(notes) > TOLD else ""
            warnings.warn(
                f"these rows differ from those the model learned from: {'; '.join(notes[:TOLD])}{more}",
                Drifted,
                stacklevel=3,
            )
        unread = [row for row, reason in enumerate(why) if reason is not None]
        if unread:
            warnings.warn(
                f"{len(unread):,} of {len(why):,} rows have no image or recording that can be read (the first is "
                f"row {unread[0] + 1:,}: {why[unread[0]]}): a prediction for them means nothing",
                UnreadRows,
                stacklevel=3,
            )
        return scores, why, files

    def __repr__(self) -> str:
        return (
            f"<deepworth model {self.key}: {self.manifest.dataset.task.kind} of {self.manifest.dataset.task.target!r}>"
        )


def _refusals(examples: Examples, broken: dict[str, str]) -> list[str | None]:
    """For each row why its image or recording could not be read, None where it could."""
    why: list[str | None] = [None] * len(examples)
    for column in examples.dataset.feature_columns:
        if column.kind in MEDIA:
            absent = f"the {column.kind} that {column.name!r} names is not there, is empty, or is no file"
            for row, path in enumerate(examples.strings(column.name)):
                why[row] = why[row] or broken.get(path) if path else absent
    return why
