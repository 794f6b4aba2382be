"""What drives the winner: the columns of a table, and the parts of a text, a picture or a recording it goes by."""

from __future__ import annotations

import math
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deepworth.climb.model import Model
from deepworth.data.examples import Examples
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.report.examples import LETTERS, Example, jpeg, open_picture, open_sound
from deepworth.report.quality import Rows, losses
from deepworth.types import record

ROWS = 1_000  # test rows whose columns are shuffled
ROUNDS = 10  # shuffles of a column at most: what is left of their chance is small beside that of the rows
SHOWN = 12
WORDS = 60  # of a sentence that are left out in turn
LEAST = 0.3  # log-odds: a part that moves them less is not marked in full
GRID, PIXELS = 6, 320  # parts of a picture a side, and its longer side
WINDOWS, HEARD = 12, 10.0  # parts of a recording, and seconds of it


@record
class Driver:
    """How much the loss of the winner grows when a column is shuffled, with its 95 % interval over the rows."""

    column: str
    increase: float
    low: float
    high: float
    rounds: int


def importance(
    model: Model, rows: Rows, metric: str, until: float, columns: Sequence[str] = (), seed: int = 0
) -> tuple[Driver, ...]:
    """Permutation importance on test rows (Breiman 2001; Fisher, Rudin and Dominici 2019), the strongest first.

    Ends at `until` (`time.monotonic()`): all columns are shuffled as often as time allows, none where it allows less
    than two rounds. Only `columns` are shuffled where some are named. Columns that stand for one another share their
    importance, so each may look weak.
    """
    random = np.random.default_rng(seed)
    some = random.choice(len(rows.labels), min(ROWS, len(rows.labels)), replace=False)
    some.sort()
    test, labels = replace(rows.test.take(some), labels=None), rows.labels[some]
    task, names = test.dataset.task, test.dataset.features
    table = pa.table({name: test.column(name) for name in names})

    def lost(changed: pa.Table) -> np.ndarray:
        view = replace(test, table=changed, rows=np.arange(len(some)))
        return losses(metric, task, labels, model.learner.predict(view))[0]

    if time.monotonic() > until:
        return ()
    plain, grown = lost(table), {name: np.zeros(len(some)) for name in columns or names}
    rounds = 0
    start = time.monotonic()
    while rounds < ROUNDS:
        spent = (time.monotonic() - start) / rounds if rounds else 0.0
        if time.monotonic() + 1.2 * spent > until and rounds != 0:
            break
        for name in grown:
            if time.monotonic() > until:
                return _drivers(grown, rounds) if rounds >= 2 else ()
            order = pa.array(random.permutation(len(some)))
            shuffled = table.set_column(names.index(name), name, table.column(name).take(order))
            grown_now = lost(shuffled) - plain
            grown[name] += (grown_now - grown[name]) / (rounds + 1)
        rounds += 1
    return _drivers(grown, rounds) if rounds >= 2 else ()


def _drivers(grown: dict[str, np.ndarray], rounds: int) -> tuple[Driver, ...]:
    found = []
    for name, rows in grown.items():
        middle, half = float(rows.mean()), 1.96 * float(rows.std(ddof=1)) / math.sqrt(len(rows))
        found.append(Driver(column=name, increase=middle, low=middle - half, high=middle + half, rounds=rounds))
    return tuple(sorted(found, key=lambda d: -d.increase)[:SHOWN])


def explained(
    model: Model, rows: Rows, positions: np.ndarray, examples: tuple[Example, ...], until: float
) -> tuple[Example, ...]:
    """The examples with what speaks for the wrong answer, by occlusion (Zeiler and Fergus 2014).

    Words are left out, parts of a picture greyed, parts of a recording silenced, one at a time; the share of a part is
    the log-odds with it less those without it: of a sure answer the probability hardly moves. Examples for which the
    time is over stay as they are.
    """
    column = next((c for c in rows.test.dataset.feature_columns if c.kind in ("text", "image", "audio")), None)
    if column is None:
        return examples
    made, taken = list(examples), 0.0
    with tempfile.TemporaryDirectory(prefix="deepworth-") as folder:
        for i, position in enumerate(positions):
            begun = time.monotonic()
            if begun + taken > until:
                break
            one = rows.test.take(np.array([position]))
            value = one.strings(column.name)[0]
            try:
                names, variants, show = PARTS[column.kind](value, Path(folder) / str(i))
            except UserError:  # the file cannot be read, and the page says so
                continue
            given = logit(_given(model, one, column.name, variants)[:, int(rows.said[position])])
            made[i] = replace(made[i], **show(names, given[0] - given[1:]))
            taken = max(taken, time.monotonic() - begun)
    return tuple(made)


def logit(probability: np.ndarray) -> np.ndarray:
    """Log-odds, of nothing surer than one in a million."""
    held = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(held / (1 - held))


def _given(model: Model, one: Examples, column: str, variants: list[str]) -> np.ndarray:
    """(variants, classes) probabilities of one row with other values in a column."""
    many = one.take(np.zeros(len(variants), int))
    columns = {name: many.column(name) for name in one.dataset.features}
    table = pa.table({**columns, column: pa.array(variants, columns[column].type)})
    return model.learner.predict(replace(many, table=table, rows=np.arange(len(variants)), labels=None))


Show = Callable[[list[str], np.ndarray], dict[str, Any]]
Parts = tuple[list[str], list[str], Show]  # names of parts; the whole and it without each; their shares as fields


def _pieces(names: list[str], shares: np.ndarray) -> dict[str, Any]:
    return {"pieces": tuple(zip(names, shares.tolist(), strict=True))}


def _words(text: str, folder: Path) -> Parts:
    pieces = re.findall(r"\S+\s*", text[:LETTERS])[:WORDS]
    return pieces, [text, *("".join(pieces[:i] + pieces[i + 1 :]) for i in range(len(pieces)))], _pieces


def _patches(path: str, folder: Path) -> Parts:
    from PIL import Image

    whole = open_picture(read_bytes(path), PIXELS)
    grey = tuple(int(v) for v in np.asarray(whole).reshape(-1, 3).mean(0))
    folder.mkdir()
    variants = [str(folder / "whole.png")]
    whole.save(variants[0])
    for i in range(GRID * GRID):
        x, y = i % GRID, i // GRID
        left, top = x * whole.width // GRID, y * whole.height // GRID
        part = whole.copy()
        part.paste(grey, (left, top, (x + 1) * whole.width // GRID, (y + 1) * whole.height // GRID))
        variants.append(str(folder / f"{i}.png"))
        part.save(variants[-1])

    def show(names: list[str], shares: np.ndarray) -> dict[str, Any]:
        strength = np.clip(shares / max(LEAST, float(shares.max())), 0, 1).reshape(GRID, GRID)
        mask = Image.fromarray((170 * strength).astype(np.uint8)).resize(whole.size, Image.Resampling.BILINEAR)
        return {"heat": jpeg(Image.composite(Image.new("RGB", whole.size, (220, 40, 20)), whole, mask))}

    return [""] * (GRID * GRID), variants, show


def _seconds(path: str, folder: Path) -> Parts:
    import soundfile

    wave, rate = open_sound(read_bytes(path), HEARD)
    folder.mkdir()
    edges = np.linspace(0, len(wave), WINDOWS + 1).astype(int)
    variants = [str(folder / "whole.wav")]
    soundfile.write(variants[0], wave, rate)
    for i, (start, end) in enumerate(pairwise(edges)):
        part = wave.copy()
        part[start:end] = 0
        variants.append(str(folder / f"{i}.wav"))
        soundfile.write(variants[-1], part, rate)
    return [f"{a / rate:.2f} to {b / rate:.2f} s" for a, b in pairwise(edges)], variants, _pieces


PARTS: dict[str, Callable[[str, Path], Parts]] = {"text": _words, "image": _patches, "audio": _seconds}
