"""What each column of a table is: number, category, boolean, date, text, media, id or constant."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data import forms
from deepworth.data.tidy import plain
from deepworth.types import Column, Kind

SAMPLE = 20_000  # rows looked at for everything that is not exact
BLOCKS = 20  # the sample is that many runs of rows, spread evenly: cheap, and sorted tables are seen whole
FORM_SAMPLE = 2_000  # different values that are tried as numbers and dates

IMAGE = r"(?i)\.(jpe?g|png|webp|gif|bmp|tiff?)$"
SOUND = r"(?i)\.(wav|flac|ogg|oga|mp3)$"
URL = r"(?i)^(https?|ftp|s3|gs)://"
ADDRESS = URL + r"|^[^@\s]+@[^@\s]+\.[^@\s]+$"  # of a page or of a letter
CODE = r"^[\w.:/#@|+\-]*\d[\w.:/#@|+\-]*$"  # one word with a digit in it
SAID = r"^[^\d@_/\\]*$"  # letters, spaces and marks of a sentence
LOWER = r"(^|\s)\p{Ll}"  # a word that is no name
UNLIKE = 0.98  # share of different values from which a column can only name its rows
COUNTED = 10  # rows from which whole numbers without a gap count them; fewer may be chance
WORDS = {"true": True, "yes": True, "y": True, "t": True, "on": True, "1": True, "1.0": True,
         "false": False, "no": False, "n": False, "f": False, "off": False, "0": False, "0.0": False}  # fmt: skip
PAIRS = [{"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"}, {"1", "0"}, {"1.0", "0.0"}]
ID_NAME = re.compile(
    r"(?i:^(ids?|idx|index|uuid|guid|key|row|row_?(id|no|num|number|names?)|record_?id|#|no\.?|nr\.?)$"
    r"|^(unnamed: 0|__index_level_0__)?$"  # without a name: the rows' own, as pandas writes it
    r"|.*[_\s.\-]ids?$)|.*[a-z]I[Dd]$|.*(uuid|UUID|guid|GUID)$"
)
PLACE_NAME = re.compile(r"(?i)(.*[_\s.\-])?(zip|zip[_\s\-]?code|post[_\s\-]?code|postal[_\s\-]?code|plz)s?")


def find_kind(name: str, values: pa.ChunkedArray) -> Column:
    """The column's kind and the reason for it; an empty name is that of a first column which has none in the source.

    `distinct` is counted on at most `SAMPLE` rows.
    """
    sample = plain(take_sample(values))
    if pt.is_floating(sample.type):
        if has_strange(sample):
            sample = pc.if_else(pc.is_nan(sample), pa.scalar(None, sample.type), sample)
        distinct = len(np.unique(np.asarray(sample.drop_null())))  # in a fifth of the time of hashing floats
    else:
        distinct = len(sample.drop_null().unique())
    missing = share_missing(values)
    kind, why, form = _decide(name, values, sample, distinct, missing)
    return Column(name=name, kind=kind, missing=missing, distinct=distinct, why=why, form=form)


def find_form(kind: Kind, values: pa.ChunkedArray) -> str:
    """How the strings of a column whose kind the user gave are read."""
    sample = plain(take_sample(values))
    if not pt.is_string(sample.type):
        return ""
    seen = forms.known(sample.unique().slice(0, FORM_SAMPLE))
    return forms.number_form(seen) if kind == "number" else forms.date_form(seen)[0] if kind == "datetime" else ""


def take_sample(values: pa.ChunkedArray) -> pa.Array:
    """At most `SAMPLE` values in `BLOCKS` runs."""
    if len(values) > SAMPLE:
        run = SAMPLE // BLOCKS
        starts = [i * (len(values) - run) // (BLOCKS - 1) for i in range(BLOCKS)]
        values = pa.chunked_array([chunk for start in starts for chunk in values.slice(start, run).chunks], values.type)
    joined = values.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def share_missing(values: pa.ChunkedArray) -> float:
    """Share of the rows without a value: null, or NaN."""
    if not len(values):
        return 0.0
    absent = values.null_count
    if pt.is_floating(values.type) and not pt.is_float16(values.type) and has_strange(values):
        absent += pc.sum(pc.is_nan(values)).as_py() or 0
    return absent / len(values)


def has_strange(floats: pa.Array | pa.ChunkedArray) -> bool:
    """Whether NaN or infinite values may be among them: the sum of the bytes as they lie, gaps included, tells it.

    In a fifth of the time of asking each value.
    """
    chunks = floats.chunks if isinstance(floats, pa.ChunkedArray) else [floats]
    with np.errstate(over="ignore", invalid="ignore"):
        return not all(np.isfinite(_bare(chunk).sum()) for chunk in chunks if len(chunk))


def _bare(floats: pa.Array) -> np.ndarray:
    """The values of a chunk without a copy; anything where one is missing."""
    dtype = np.dtype(floats.type.to_pandas_dtype())
    return np.frombuffer(floats.buffers()[1], dtype, len(floats), floats.offset * dtype.itemsize)


Decision = tuple[Kind, str, str]


def _decide(name: str, values: pa.ChunkedArray, sample: pa.Array, distinct: int, missing: float) -> Decision:
    if missing == 1 or pt.is_null(values.type):
        return "constant", "every value is missing", ""
    if distinct <= 1 and missing == 0 and count_different(values) <= 1:
        return "constant", "every row has the same value", ""
    kind = sample.type
    if pt.is_boolean(kind):
        return "boolean", "true and false", ""
    if pt.is_timestamp(kind):
        return "datetime", "typed as dates in the source", ""
    if pt.is_string(kind):
        return _strings(name, values, sample)
    return _number(name, values, sample, distinct)


def _number(name: str, values: pa.ChunkedArray, sample: pa.Array, distinct: int) -> Decision:
    if pt.is_temporal(values.type):
        return "number", "a time of day or a duration, in seconds", ""
    if pt.is_decimal(values.type):
        return "number", "numbers", ""
    bits = distinct == 2 and set(sample.drop_null().unique().to_pylist()) == {0, 1}
    if bits and pc.all(pc.is_in(values.drop_null(), value_set=pa.array([0, 1], values.type))).as_py():
        return "boolean", "0 and 1", ""
    if (
        pt.is_integer(values.type)
        and not values.null_count
        and (why := _counts_rows(name, values, distinct == len(sample)))
    ):
        return "id", why, ""
    if pt.is_integer(values.type) and PLACE_NAME.fullmatch(name):
        return "category", "whole numbers that name places", ""
    return "number", "whole numbers" if pt.is_integer(values.type) else "numbers", ""


def _counts_rows(name: str, values: pa.ChunkedArray, unlike: bool) -> str:
    """Why whole numbers only name their rows: all different, and either counting up from 0 or 1 or called an id."""
    rows = len(values)
    if not unlike or rows < 3:
        return ""
    ends = pc.min_max(values).as_py()
    dense = rows >= COUNTED and ends["min"] in (0, 1) and ends["max"] - ends["min"] < 1.05 * rows
    if not (dense or ID_NAME.match(name)) or count_different(values) < rows:
        return ""
    if dense:
        return f"counts the rows from {ends['min']}"
    return "a different number in every row, and " + ("called an id" if name else "without a name")


def _strings(name: str, values: pa.ChunkedArray, sample: pa.Array) -> Decision:
    seen = forms.known(sample)
    if not len(seen):
        return "constant", "no value but blanks and signs for missing ones", ""
    unique = seen.unique()
    few = unique.slice(0, FORM_SAMPLE)
    if media := _media(few):
        return media
    if {v.lower() for v in unique.slice(0, 10).to_pylist()} in PAIRS and len(unique) <= 6 and _all_words(values):
        return "boolean", " and ".join(sorted(unique.to_pylist())), ""
    if form := forms.number_form(few):
        why = "numbers as text" if form == "1234.5" else f"numbers written like {form}"
        return "number", why, form
    form, remark = forms.date_form(few)
    if form:
        return "datetime", f"dates written like {few[0].as_py()!r}" + (f"; {remark}" if remark else ""), form
    return _words(name, values, seen, unique)


def _media(few: pa.Array) -> Decision | None:
    patterns: dict[Kind, str] = {"image": IMAGE, "audio": SOUND}
    for kind, pattern in patterns.items():
        if _share(few, pattern) >= 0.9:
            if pc.any(pc.match_substring_regex(few, URL)).as_py():
                return "id", f"addresses of {kind} files on the network, which are not fetched", ""
            return kind, f"paths of {kind} files", ""
    return None


def _all_words(values: pa.ChunkedArray) -> bool:
    words = {v.strip().lower() for v in plain(take_unique(values)).drop_null().to_pylist()}
    return words - set(forms.MISSING) <= set(WORDS)


def count_different(values: pa.ChunkedArray) -> int:
    """How many different values a column has, over every row, missing ones not counted."""
    if pt.is_dictionary(values.type):
        return len(take_unique(values).drop_null())
    return pc.count_distinct(values, mode="only_valid").as_py()


def take_unique(values: pa.ChunkedArray) -> pa.Array:
    """The different values of a column, dictionaries decoded."""
    unique = values.unique()
    return unique.dictionary_decode() if pt.is_dictionary(unique.type) else unique


def _words(name: str, values: pa.ChunkedArray, seen: pa.Array, unique: pa.Array) -> Decision:
    """Id, text or category: from how many values differ, and from how long they are, in words and in bytes.

    Bytes, not characters, so that scripts without spaces, three bytes a character, count as the longer texts they are.
    """
    share = len(unique) / len(seen)
    some = seen.take(pa.array(range(0, len(seen), 1 + len(seen) // FORM_SAMPLE)))
    length = pc.mean(pc.binary_length(some)).as_py()
    words = 1 + pc.mean(pc.count_substring_regex(some, r"\S\s+\S")).as_py()
    code, address = _share(some, CODE), _share(some, ADDRESS)
    named = bool(name and ID_NAME.match(name)) and words < 4
    if (
        share >= UNLIKE
        and len(seen) >= 3
        and (named or address > 0.9 or (code > 0.9 and length <= 80))
        and _unlike(values)
    ):
        return "id", "a different code in nearly every row" + (", and called an id" if named else ""), ""
    if _is_text(share, length, words) or (share >= UNLIKE and words >= 1.5 and _is_said(some)):
        return "text", f"{words:.0f} words and {length:.0f} characters on average, {share:.0%} of them different", ""
    if share >= UNLIKE and len(seen) >= 50 and _unlike(values):
        return "id", "a different name in nearly every row", ""
    return "category", f"words that repeat: each in {1 / share:.0f} rows on average" if share < 0.67 else "words", ""


def _share(strings: pa.Array, pattern: str) -> float:
    return pc.mean(pc.match_substring_regex(strings, pattern).cast(pa.float64())).as_py()


def _is_text(share: float, length: float, words: float) -> bool:
    sentences = words >= 3 and length >= 18 and share >= 0.3
    titles = words >= 2.2 and length >= 12 and share >= UNLIKE  # of books, of pictures
    passages = length >= 60 and words >= 5 and share >= 0.05
    unspaced = length >= 20 and words < 3 and share >= 0.9  # Chinese sentences, SMILES
    return sentences or titles or passages or (unspaced and (words < 1.5 or length >= 40))


def _is_said(some: pa.Array) -> bool:
    """Whether most are words as people say them, such as `waving hand`: no codes, and not names alone."""
    letters, lower = (pc.match_substring_regex(some, pattern) for pattern in (SAID, LOWER))
    return pc.mean(pc.and_(letters, lower).cast(pa.float64())).as_py() > 0.67


def _unlike(values: pa.ChunkedArray) -> bool:
    """Whether nearly all values differ, counted over every row."""
    present = len(values) - values.null_count
    return count_different(values) >= UNLIKE * present
