"""Gates: what a model has to reach to pass, and whether it does, each with the reason in words.

A gate is a mapping as a profile keeps it:

`kind`       board | score | safety | speed | win_rate
`benchmark`  name of a benchmark, with or without its version ("kitchen", "kitchen v2"); of a score, as it was loaded
`category`   key of a category; empty: all
`metric`     board: bt (default) or score · score, safety: as it was loaded, or unsafe_rate, over_refusal_rate of rule judges ·
             speed: first_token, seconds, per_second, each also with _p95, or as it was loaded
`source`     board, win_rate: people, judges, all (default) · else where it was measured, empty: wherever
`at`         the end of the interval that counts: low, value (default), high
`op`, `value`  >= or <=, and the limit
`min_n`      fewer are not enough data
`against`    another model, "NAME" or "NAME VERSION": what counts is the difference to it; of win_rate: how often it is beaten
`tolerance`  by how much the limit may be missed

What is unknown, missing or too little is NOT ENOUGH DATA and never PASS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from rating.reporting.report import Measure, RatedLine, Report, Timing

KINDS = ("board", "score", "safety", "speed", "win_rate")
ENDS = ("low", "value", "high")
OPS = (">=", "<=")
SOURCES = ("people", "judges", "all")
METHODS = ("bt", "score")
TIMINGS = ("first_token", "seconds", "per_second")
FIELDS = (
    "name", "kind", "benchmark", "category", "metric", "source", "at", "op", "value", "min_n", "against", "tolerance"
)  # fmt: skip


class Outcome(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    NOT_ENOUGH_DATA = "NOT ENOUGH DATA"


@dataclass(frozen=True)
class Gated:
    """One gate and how it came out; `reason` says it in the reader's language, with value, interval, n and limit."""

    name: str
    outcome: Outcome
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Gates:
    """How a profile's gates came out for one model: FAIL if one failed, else NOT ENOUGH DATA if one lacks them, else PASS."""

    profile: str
    rows: tuple[Gated, ...]

    @property
    def outcome(self) -> Outcome:
        """NOT ENOUGH DATA also of a profile without gates: nothing was asked."""
        there = {row.outcome for row in self.rows}
        if Outcome.FAIL in there:
            return Outcome.FAIL
        return Outcome.PASS if there == {Outcome.PASS} else Outcome.NOT_ENOUGH_DATA

    def as_json(self) -> dict[str, Any]:
        rows = [{**asdict(row), "outcome": row.outcome.value} for row in self.rows]
        return {"profile": self.profile, "outcome": self.outcome.value, "gates": rows}


# --- what is wrong with gates


def problems(gates: Any) -> list[str]:
    """All that keeps these from being gates, each naming the row, from 1, and the field; empty when they can be used."""
    if not isinstance(gates, list):
        return ["gates: are a list of objects"]
    return [f"gate {number}, {told}" for number, gate in enumerate(gates, 1) for told in _problems(gate)]


def _problems(gate: Any) -> Iterable[str]:
    if not isinstance(gate, Mapping):
        yield "row: is an object with kind, op and value"
        return
    for field in gate:
        if field not in FIELDS:
            yield f"{field}: is not a field of a gate; there are: {', '.join(FIELDS)}"
    for field, choices, needed in (("kind", KINDS, True), ("op", OPS, True), ("at", ENDS, False)):
        if (needed or field in gate) and gate.get(field) not in choices:
            yield f"{field}: is one of {', '.join(choices)}, not {gate.get(field)!r}"
    for field, needed in (("value", True), ("tolerance", False)):
        if (needed or gate.get(field) is not None) and not _is_number(gate.get(field)):
            yield f"{field}: is a number, not {gate.get(field)!r}"
    if _is_number(gate.get("tolerance")) and gate["tolerance"] < 0:
        yield "tolerance: is not below 0"
    least = gate.get("min_n")
    if least is not None and (not isinstance(least, int) or isinstance(least, bool) or least < 0):
        yield f"min_n: is a whole number from 0, not {least!r}"
    for field in ("name", "benchmark", "category", "metric", "source", "against"):
        if gate.get(field) is not None and not isinstance(gate[field], str):
            yield f"{field}: is a text, not {gate[field]!r}"
    yield from _missing(gate)


def _missing(gate: Mapping[str, Any]) -> Iterable[str]:
    """What this kind of gate needs besides."""
    kind, metric, source = gate.get("kind"), gate.get("metric") or "", gate.get("source") or ""
    if kind in KINDS and not gate.get("benchmark"):
        yield "benchmark: is missing"
    if kind in ("score", "safety", "speed") and not metric:
        yield "metric: is missing"
    if kind in ("board", "win_rate") and source and source not in SOURCES:
        yield f"source: is one of {', '.join(SOURCES)}, not {source!r}"
    if kind == "board" and metric and metric not in METHODS:
        yield f"metric: of a board is one of {', '.join(METHODS)}, not {metric!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# --- whether a model passes


@dataclass(frozen=True)
class Facts:
    """What gates are judged by: the model's report, and how to have another's and what is counted between the two.

    `report_of(name)` is None where no model, or more than one, is called that. `won(gate, name)` is how often the model beat that one
    by the battles on record; None where they never met. `half(mine, theirs, report)` is half the width of the interval of the
    difference of two lines of one board, the second from that report; None where what they have in common is not kept.
    It raises Unknown where the board has no one scale for the two.
    """

    report: Report
    report_of: Callable[[str], Report | None]
    won: Callable[[Mapping[str, Any], str], Measure | None]
    half: Callable[[RatedLine, RatedLine, Report], float | None]


class Unknown(Exception):
    """There is no such number; the message says why."""


def judged(name: str, gates: Sequence[Mapping[str, Any]], facts: Facts) -> Gates:
    """How each gate of the profile of this name comes out."""
    return Gates(name, tuple(_judged(gate, number, facts) for number, gate in enumerate(gates, 1)))


def _judged(gate: Mapping[str, Any], number: int, facts: Facts) -> Gated:
    name = gate.get("name") if isinstance(gate, Mapping) and isinstance(gate.get("name"), str) else ""
    name = name or _("gate %(number)d") % {"number": number}
    wrong = list(_problems(gate))
    if wrong:
        return Gated(name, Outcome.NOT_ENOUGH_DATA, _("the gate cannot be read: %(why)s") % {"why": "; ".join(wrong)})
    try:
        found, note = _measured(gate, facts)
    except Unknown as error:
        return Gated(name, Outcome.NOT_ENOUGH_DATA, str(error), limit=_limit(gate))
    return _held(name, gate, found, note)


def _limit(gate: Mapping[str, Any]) -> float:
    """The limit, moved by the tolerance."""
    slack = float(gate.get("tolerance") or 0)
    return float(gate["value"]) + (-slack if gate["op"] == ">=" else slack)


def _held(name: str, gate: Mapping[str, Any], found: Measure, note: str) -> Gated:
    """The gate against what was measured; `note` is what must be said of its interval."""
    limit, at = _limit(gate), gate.get("at") or "value"
    seen = getattr(found, at)
    about = {"value": found.value, "low": found.low, "high": found.high, "n": found.n, "limit": limit}
    told = _said(found, note)
    least = gate.get("min_n") or 0
    if found.value is None:
        reason = _("nothing was measured")
    elif least and found.n is None:
        reason = _("%(told)s: how many this is of is not known, and at least %(least)d are wanted")
    elif least and found.n < least:
        reason = _("%(told)s: at least %(least)d are wanted")
    elif seen is None:
        reason = _("%(told)s: there is no interval whose end could be held against the limit")
    else:
        passes = seen >= limit if gate["op"] == ">=" else seen <= limit
        reason = _("%(told)s: %(end)s is %(seen)s, %(op)s %(limit)s is wanted")
        filled = reason % {
            "told": told,
            "end": END_WORDS[at](),
            "seen": number(seen),
            "op": _op(gate),
            "limit": number(limit),
        }
        return Gated(name, Outcome.PASS if passes else Outcome.FAIL, filled, **about)
    return Gated(name, Outcome.NOT_ENOUGH_DATA, reason % {"told": told, "least": least}, **about)


END_WORDS = {
    "low": lambda: _("the low end of the interval"),
    "value": lambda: _("the value"),
    "high": lambda: _("the high end of the interval"),
}


def _op(gate: Mapping[str, Any]) -> str:
    return "≥" if gate["op"] == ">=" else "≤"


def _said(found: Measure, note: str) -> str:
    """ "measured 0.45 (0.44 to 0.46), n = 120 (the interval is …)" """
    value = number(found.value)
    if found.has_interval:
        ends = {"value": value, "low": number(found.low), "high": number(found.high)}
        value = _("%(value)s (%(low)s to %(high)s)") % ends
    n = _("n is not known") if found.n is None else _("n = %(n)s") % {"n": f"{found.n:,}"}
    told = _("measured %(value)s, %(n)s") % {"value": value, "n": n}
    return _("%(told)s (%(note)s)") % {"told": told, "note": note} if note else told


def number(value: float | None) -> str:
    """A number with four digits that count, and a true minus sign."""
    if value is None:
        return "—"
    written = f"{value:.1f}" if abs(value) >= 1000 else f"{value:.4g}"
    return written.replace("-", "−")


def _measured(gate: Mapping[str, Any], facts: Facts) -> tuple[Measure, str]:
    """The number the gate is about, and what must be said of its interval; with `against` the difference to the other model's.

    Raises Unknown.
    """
    against = gate.get("against") or ""
    if gate["kind"] == "win_rate":
        return _won(gate, against, facts), ""
    if not against:
        return MEASURES[gate["kind"]](gate, facts.report), ""
    other = facts.report_of(against)
    if other is None:
        raise Unknown(_("there is no one model called %(name)s to compare with") % {"name": against})
    if gate["kind"] == "board":
        return _ahead_on_board(gate, other, facts)
    mine, theirs = (MEASURES[gate["kind"]](gate, report) for report in (facts.report, other))
    found = difference(mine, theirs)
    return found, _("the interval takes the two as independent") if found.has_interval else ""


def _ahead_on_board(gate: Mapping[str, Any], other: Report, facts: Facts) -> tuple[Measure, str]:
    """The difference on one board, by what the two have in common there. Raises Unknown."""
    method = gate.get("metric") or "bt"
    mine, theirs = (_rated(gate, report, method) for report in (facts.report, other))
    found, half = _cautious(mine.measure, theirs.measure), facts.half(mine, theirs, other)
    if not found.has_interval:
        return found, ""
    if half is None:
        return found, _("the interval is wider than it need be: the snapshot does not say what the two have in common")
    ahead = {"low": found.value - half, "high": found.value + half}
    return replace(found, **ahead), _("the interval takes into account what the two have in common")


def _cautious(mine: Measure, other: Measure) -> Measure:
    """Mine − other; its interval holds for any dependence of the two, and is wider than it need be."""
    if mine.value is None or other.value is None:
        return Measure(None)
    known = mine.has_interval and other.has_interval
    low, high = (mine.low - other.high, mine.high - other.low) if known else (None, None)
    return Measure(mine.value - other.value, low, high, _fewer(mine, other))


def difference(mine: Measure, other: Measure) -> Measure:
    """Mine − other of two that are measured apart, whose intervals need not be even about the value: those of shares are not.

    On the same questions, which are hard or easy for both, the interval is rather too wide. Newcombe (1998), Statistics in
    Medicine 17, method 10.
    """
    if mine.value is None or other.value is None:
        return Measure(None)
    apart, low, high = mine.value - other.value, None, None
    if mine.has_interval and other.has_interval:
        low = apart - math.hypot(mine.value - mine.low, other.high - other.value)
        high = apart + math.hypot(mine.high - mine.value, other.value - other.low)
    return Measure(apart, low, high, _fewer(mine, other))


def _fewer(mine: Measure, other: Measure) -> int | None:
    return None if mine.n is None or other.n is None else min(mine.n, other.n)


def _won(gate: Mapping[str, Any], against: str, facts: Facts) -> Measure:
    if against:
        found = facts.won(gate, against)
        if found is None:
            raise Unknown(_("there are no battles against %(name)s that count here") % {"name": against})
        return found
    row = _rated(gate, facts.report, "bt")
    return share_at(row.win_rate, row.n, row.inflation)


def share_at(share: float | None, n: int, inflation: float | None) -> Measure:
    """A share of n judgments with Wilson's interval, as wide as the board's own interval is for judgments on common questions."""
    from rating.stats import wilson

    if share is None or n <= 0:
        return Measure(None, n=n)
    effective = n / max(inflation or 1.0, 1.0)
    low, high = wilson(share * effective, effective)
    return Measure(share, float(low), float(high), n)


def _board(gate: Mapping[str, Any], report: Report) -> Measure:
    return _rated(gate, report, gate.get("metric") or "bt").measure


def _rated(gate: Mapping[str, Any], report: Report, method: str) -> RatedLine:
    source, category = gate.get("source") or "all", gate.get("category") or ""
    found = [
        line
        for line in report.ratings
        if (line.source, line.method, line.category) == (source, method, category)
        and _is_called(line.benchmark_key, gate["benchmark"])
    ]
    return _one(found, gate, by=lambda line: line.benchmark_key)


def _score(gate: Mapping[str, Any], report: Report) -> Measure:
    """A loaded score; of a whole benchmark that has no number of its own, the total of its categories on the report's basis."""
    lines = [line for group in report.scores for line in group.lines]
    found = _named(gate, lines)
    if found or gate.get("category"):
        return _one(found, gate, by=lambda line: line.source).measure
    totals = [total for group in report.scores for total in group.totals]
    total = _one(_named(gate, totals), gate, by=lambda line: line.source)
    from rating.reporting.scores import interval

    low, high = (None, None) if total.value is None else interval(total.value, total.unit, total.n)
    return Measure(total.value, low, high, total.n)


def _safety(gate: Mapping[str, Any], report: Report) -> Measure:
    found = _named(gate, report.safety, is_called=_is_called)
    return _one(found, gate, by=lambda line: (line.benchmark, line.source, line.provenance)).measure


def _speed(gate: Mapping[str, Any], report: Report) -> Measure:
    name, metric = gate["benchmark"], gate["metric"]
    plain = metric.removesuffix("_p95")
    if plain not in TIMINGS:
        return _one(_named(gate, report.measured_speed), gate, by=lambda line: line.source).measure
    lines = [line for line in report.speed if _is_called(line.benchmark_key, name)]
    told: Timing = getattr(_one(lines, gate, by=lambda line: line.benchmark_key), plain)
    if not told.n:
        raise Unknown(_("no answer was timed here"))
    if metric.endswith("_p95"):
        return Measure(told.p95, told.p95_low, told.p95_high, told.n)
    return Measure(told.median, told.low, told.high, told.n)


MEASURES: Mapping[str, Callable[[Mapping[str, Any], Report], Measure]] = {
    "board": _board,
    "score": _score,
    "safety": _safety,
    "speed": _speed,
}


def _named(
    gate: Mapping[str, Any],
    lines: Iterable[Any],
    *,
    is_called: Callable[[str, str], bool] = str.__eq__,
) -> list[Any]:
    """The lines of this benchmark, metric, category (of a total: none) and source (empty: of any)."""
    category, source = gate.get("category") or "", gate.get("source") or ""
    return [
        line
        for line in lines
        if is_called(line.benchmark, gate["benchmark"])
        and line.metric == gate["metric"]
        and getattr(line, "category", "") == category
        and source in ("", line.source)
    ]


def _is_called(key: str, name: str) -> bool:
    """Whether a benchmark known as "name v1" is meant by this name, with or without its version."""
    return name in (key, key.rpartition(" v")[0])


def _one(found: Sequence[Any], gate: Mapping[str, Any], *, by: Callable[[Any], Any]) -> Any:
    """The only line there is. Raises Unknown where there is none, or where the gate leaves open which."""
    if not found:
        raise Unknown(_("nothing was measured: there is no such number of this model"))
    if len(found) > 1:
        names = ", ".join(sorted({str(by(line)) for line in found}))
        raise Unknown(_("the gate leaves open which of several is meant: %(names)s") % {"names": names})
    return found[0]


__all__ = ["FIELDS", "KINDS", "Facts", "Gated", "Gates", "Outcome", "judged", "problems"]
