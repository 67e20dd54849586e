"""How a report writes numbers; what is not there is a dash, never NaN and never 0."""

from __future__ import annotations

from django.utils.translation import gettext as _

from rating.reporting.document import NOTHING
from rating.reporting.report import SHARE, Measure


def plain(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals and a true minus sign."""
    return NOTHING if value is None else f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 2) -> str:
    """The same with its sign; what is written as 0 has none."""
    if value is None:
        return NOTHING
    written = f"{value:+,.{digits}f}"
    return written[1:] if float(written.replace(",", "")) == 0 else written.replace("-", "−")


def count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def measured(value: float | None, unit: str) -> str:
    """A value in its unit: a share in per cent."""
    if value is None:
        return NOTHING
    if unit in (SHARE, "%"):
        return f"{plain(100 * value if unit == SHARE else value)} %"
    digits = 0 if abs(value) >= 1000 else 2 if abs(value) >= 10 else 4
    return f"{_short(plain(value, digits))} {unit}".rstrip()


def difference(value: float | None, unit: str) -> str:
    """A difference of two values in this unit: of shares and per cents in points."""
    if value is None:
        return NOTHING
    if unit in (SHARE, "%"):
        return _("%(points)s points") % {"points": signed(100 * value if unit == SHARE else value)}
    digits = 0 if abs(value) >= 1000 else 2 if abs(value) >= 10 else 4
    return f"{_short(signed(value, digits))} {unit}".rstrip()


def _short(written: str) -> str:
    return written.rstrip("0").rstrip(".") if "." in written else written


def between(low: str, high: str) -> str:
    return _("(%(low)s to %(high)s)") % {"low": low, "high": high}


def interval(measure: Measure, unit: str = "", *, digits: int | None = None) -> str:
    """The interval in brackets, empty where there is none."""
    if not measure.has_interval:
        return ""
    if digits is not None:
        return between(plain(measure.low, digits), plain(measure.high, digits))
    low, high = (measured(end, unit) for end in (measure.low, measure.high))
    return between(low.removesuffix(" %"), high)


def per_cent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f} %"
