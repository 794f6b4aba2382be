"""Numbers as people read them: durations, scores, shares, sizes and money, the same wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from deepworth.types import Range, TrialResult


def duration(seconds: float) -> str:
    """0.43 s, 12.3 s, 4 m 05 s, 2 h 03 m."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def clock(seconds: float) -> str:
    """A remaining time: 0:07, 4:05, 2:03:00; never negative."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def added(ranges: Iterable[Range]) -> Range:
    """The sum: low with low and high with high, as if all were off in the same way."""
    ranges = list(ranges)
    return Range(low=sum(r.low for r in ranges), likely=sum(r.likely for r in ranges), high=sum(r.high for r in ranges))


def scaled(span: Range, by: float) -> Range:
    """All three numbers times `by`."""
    return Range(low=span.low * by, likely=span.likely * by, high=span.high * by)


def span(seconds: Range) -> str:
    """An estimate with its interval, short: ~12 s [6..24]."""
    if seconds.high <= 0:
        return ""
    if seconds.high < 0.1:
        return "<0.1 s"
    if seconds.likely >= 7200:
        return _span(seconds, 3600, "h")
    if seconds.likely >= 100:
        return _span(seconds, 60, "m")
    return _span(seconds, 1, "s")


def _span(seconds: Range, unit: float, name: str) -> str:
    """Whole numbers, with a digit more where they are small."""
    digits = 0 if seconds.likely >= 3 * unit else 1
    low = seconds.low / unit
    return (
        f"~{seconds.likely / unit:.{digits}f} {name} "
        f"[{low:.{1 if low < 0.95 else digits}f}..{seconds.high / unit:.{digits}f}]"
    )


def score(value: float | None) -> str:
    """Four digits that matter; a dash where there is no value."""
    if value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.5g}" if abs(value) < 1e5 else f"{value:,.0f}"


def percent(value: float, signed: bool = True) -> str:
    """A share as per cent; three digits at most."""
    shown = 100 * value
    digits = 1 if abs(shown) < 100 else 0
    return f"{shown:{'+' if signed else ''},.{digits}f}%"


def portion(value: float) -> str:
    """A share of rows: 27%, 0.5%, 99.5%, <0.1%; 0% and 100% only where it is none or all."""
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{value:.1%}" if 0 < value < 0.0095 or 0.9905 <= value < 1 else f"{value:.0%}"


def amount(value: float) -> str:
    """A value of a column: four digits that matter, all those before the point, an exponent only far out."""
    return f"{value:,.0f}" if 9_999.5 <= abs(value) < 1e12 else f"{value:,.4g}"


def count(number: int, noun: str) -> str:
    """1 column, 1,234 columns, 2 categories."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def are(number: int) -> str:
    """The verb after a count."""
    return "is" if number == 1 else "are"


def have(number: int) -> str:
    """The verb after a count."""
    return "has" if number == 1 else "have"


def money(usd: float) -> str:
    """$0.004, $0.53, $12, $1,250: two digits that matter below a dollar."""
    if usd < 0.0005:
        return "under $0.001"
    if usd < 0.995:
        return f"${usd:.3f}" if usd < 0.1 else f"${usd:.2f}"
    return f"${usd:,.2f}" if usd < 9.995 else f"${usd:,.0f}"


def money_span(usd: Range) -> str:
    """Dollars with their interval: $0.005 [$0.002..$0.011]; under $0.001 where all of it is."""
    if usd.high < 0.0005:
        return money(usd.high)
    low, high = ("$0" if end < 0.0005 else money(end) for end in (usd.low, usd.high))
    return f"{money(usd.likely)} [{low}..{high}]"


def megabytes(size: float) -> str:
    """A size on disk: 1.4 MB, 32 kB."""
    return f"{size:,.1f} MB" if size >= 0.095 else f"{1000 * size:.3g} kB"


def by_reason(trials: Iterable[TrialResult]) -> list[tuple[str, str, str]]:
    """(status, models, reason) of trials that were not done or left a remark; models that share it share a line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for trial in trials:
        if trial.reason:
            lines.setdefault((trial.status, trial.reason), []).append(trial.model)
    return [(status, ", ".join(models), reason) for (status, reason), models in lines.items()]
