"""Numbers and dates that stand in a table as text: which form they have, and their values."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from deepworth.errors import UserError

ENOUGH = 0.98  # share of the values that must fit a form; the others are read as missing
MISSING = ("", "-", "--", "?", ".", "na", "n/a", "#n/a", "nan", "none", "null", "nil", "missing", "nat")
LONGEST = 4 * max(map(len, MISSING))  # bytes of a value that may be one of them; longer texts are left alone
AROUND = r"^[\s$€£¥]+|[\s%$€£¥]+$"  # currency and percent signs say nothing about the order of the values

# form -> (the pattern of a value, the marks to remove); a comma that is left is the decimal mark. The earlier wins
# a tie: "1,234" is over a thousand, unless some value of its column says otherwise
NUMBERS = {
    "1234.5": (r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", ""),
    "1,234.5": (r"^[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?$", ","),
    "1234,5": (r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$", ""),
    "1.234,5": (r"^[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d*)?$", "."),
    "1 234.5": (r"^[+-]?([1-9]\d{0,2}([ '’\x{a0}\x{202f}]\d{3})+|\d+)(\.\d*)?$", " '’\u00a0\u202f"),
    "1 234,5": (r"^[+-]?([1-9]\d{0,2}([ '’\x{a0}\x{202f}]\d{3})+|\d+)(,\d*)?$", " '’\u00a0\u202f"),
}
CODE = r"^[+-]?0\d"  # leading zeros: a code, no amount

ISO = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"
DAYS = (
    "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y",
)  # fmt: skip
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
DATES = ("iso", "iso zone", "%Y-%m", *(day + clock for day in DAYS for clock in CLOCKS), "%a %b %d %H:%M:%S %Y")


def known(strings: pa.Array) -> pa.Array:
    """The values that are not missing, trimmed; `strings` of type string."""
    trimmed = pc.utf8_trim_whitespace(strings)
    short = pc.if_else(pc.less(pc.binary_length(trimmed), LONGEST), trimmed, pa.scalar(None, pa.string()))
    absent = pc.is_in(pc.utf8_lower(short), value_set=pa.array(MISSING))
    return (trimmed.filter(pc.invert(absent)) if pc.any(absent).as_py() else trimmed).drop_null()


def number_form(sample: pa.Array) -> str:
    """The form nearly all values of `sample` (known ones) have as numbers, or an empty string."""
    bare = pc.replace_substring_regex(sample, AROUND, "")
    if not len(bare) or pc.any(pc.match_substring_regex(bare, CODE)).as_py():
        return ""
    shares = {form: _share(pc.match_substring_regex(bare, pattern)) for form, (pattern, _) in NUMBERS.items()}
    best = max(shares, key=lambda form: shares[form])
    return best if shares[best] >= ENOUGH else ""


def numbers(strings: pa.Array, form: str) -> pa.Array:
    """float64 values; what has not the form is null."""
    pattern, marks = NUMBERS[form or "1234.5"]
    bare = pc.replace_substring_regex(strings, AROUND, "")
    bare = pc.if_else(pc.match_substring_regex(bare, pattern), bare, pa.scalar(None, pa.string()))
    if marks:
        bare = pc.replace_substring_regex(bare, f"[{marks}]", "")
    if form.endswith(",5"):
        bare = pc.replace_substring(bare, ",", ".")
    return bare.cast(pa.float64())


def date_form(sample: pa.Array) -> tuple[str, str]:
    """The form nearly all values of `sample` have as dates, or an empty string; and a remark where it is a guess."""
    if not len(sample) or _share(pc.match_substring_regex(sample, r"\d.*[-/. :].*\d")) < ENOUGH:
        return "", ""
    first = sample.slice(0, 50)
    fits = [f for f in DATES if _share(dates(first, f).is_valid()) >= ENOUGH]
    fits = [f for f in fits if _share(dates(sample, f).is_valid()) >= ENOUGH]
    if not fits:
        return "", ""
    sure = [f for f in fits if _plausible(dates(sample, f))]
    if not sure:
        return "", ""
    swapped = [f for f in sure[1:] if sorted(re.findall("%[dm]", f)) == sorted(re.findall("%[dm]", sure[0]))]
    if not swapped or "%d" not in sure[0]:
        return sure[0], ""
    ordered = [f for f in (sure[0], swapped[0]) if _ascends(dates(sample, f))]
    if len(ordered) == 1:
        return ordered[0], ""
    return sure[0], f"{'month' if sure[0].startswith('%m') else 'day'} first is a guess: no day is above 12"


def dates(strings: pa.Array, form: str) -> pa.Array:
    """timestamp[us] values, without a zone (in UTC where they have one); what has not the form is null."""
    kind = pa.timestamp("us")
    if not form.startswith("iso"):
        return pc.strptime(pc.utf8_trim_whitespace(strings), format=form or "%Y-%m-%d", unit="us", error_is_null=True)
    pattern = ISO + (ZONE if form == "iso zone" else "$")
    fit = pc.if_else(pc.match_substring_regex(strings, pattern), strings, pa.scalar(None, pa.string()))
    target = pa.timestamp("us", "UTC") if form == "iso zone" else kind
    try:
        return fit.cast(target).cast(kind)
    except pa.ArrowInvalid:  # a 13th month, nanoseconds: the second is enough, and impossible dates become missing
        day = pc.strptime(pc.utf8_slice_codeunits(fit, 0, 10), format="%Y-%m-%d", unit="us", error_is_null=True)
        text = pc.replace_substring(pc.utf8_slice_codeunits(fit, 0, 19), "T", " ")
        return pc.coalesce(pc.strptime(text, format="%Y-%m-%d %H:%M:%S", unit="us", error_is_null=True), day)


def refuse_strange(name: str, strings: pa.Array, values: pa.Array, what: str) -> None:
    """Raise UserError when a user's own word makes most values of a column missing."""
    before = len(known(strings))
    after = len(values) - values.null_count
    if after < before / 2:
        shown = ", ".join(repr(v[:40]) for v in known(strings).unique().slice(0, 3).to_pylist())
        raise UserError(
            f"the column {name!r} cannot be read as {what}: only {after:,} of {before:,} values are one ({shown}); "
            "mend them, or take it for another kind"
        )


def _share(mask: pa.Array) -> float:
    return (pc.sum(mask).as_py() or 0) / max(1, len(mask))


def _plausible(values: pa.Array) -> bool:
    """Years 1000 to 2999: `%Y` takes the 20 of 1/2/20 for a year, too."""
    years = pc.year(values.drop_null())
    return bool(pc.all(pc.and_(pc.greater_equal(years, 1000), pc.less(years, 3000))).as_py())


def _ascends(values: pa.Array) -> bool:
    values = values.drop_null().cast(pa.int64())
    return bool(len(values) > 2 and pc.all(pc.greater_equal(values.slice(1), values.slice(0, len(values) - 1))).as_py())
