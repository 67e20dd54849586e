"""How numbers are written: ratings, shares and coefficients; what is not there is a dash, never NaN and never 0."""

import math

from django import template

register = template.Library()
NOTHING = "—"


def _is_missing(value) -> bool:
    return value is None or value == "" or math.isnan(value)


@register.filter
def points(value, method="bt") -> str:
    """A rating: whole points on the Elo scale, two decimals for a mean score."""
    return NOTHING if _is_missing(value) else f"{value:.2f}" if method == "score" else f"{value:.0f}"


@register.filter
def percent(value, digits=0) -> str:
    """A share 0..1 as "63%", or with so many decimals."""
    return NOTHING if _is_missing(value) else f"{100 * value:.{digits}f}%"


@register.filter
def coefficient(value) -> str:
    """Two decimals with a true minus sign."""
    return NOTHING if _is_missing(value) else f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


@register.filter
def points_of_share(value) -> str:
    """A difference of two shares in percentage points, with its sign: "−3.2"."""
    if _is_missing(value):
        return NOTHING
    written = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if written in ("+0.0", "−0.0") else written


@register.filter
def amount(value, digits=2) -> str:
    """A price or a speed: at most so many decimals, none that say nothing, "1,250" in thousands."""
    if _is_missing(value):
        return NOTHING
    written = f"{value:,.{digits}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


@register.filter
def signed(value, method="bt") -> str:
    """A difference of ratings with its sign: "+12", "−0.31"; 0 has none."""
    if _is_missing(value):
        return NOTHING
    written = (f"{value:+.2f}" if method == "score" else f"{value:+.0f}").replace("-", "−")
    return written[1:] if not float(written[1:]) else written
