"""Judges made of judges: what a panel and a cascade say, once their members have spoken.

Nothing is asked here. The members judge first, as judges of their own whose verdicts stay on record; a composed verdict is a
pure function of theirs. It costs no call and no second of its own, so what members cost is not counted twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isclose
from typing import Any, Literal

from judging.judges.base import API_ERROR, OK, PARSE_ERROR, REFUSED, SKIPPED, TRUNCATED, Exhibit, Verdict

ASK: Literal["ask"] = "ask"
"""What `cascade_next` says where the next member is to be asked."""

EQUAL, SEATS, LEARNT = "equal", "seats", "learnt"
WEIGHTS = (EQUAL, SEATS, LEARNT)
MAJORITY, MEAN = "majority", "mean"
DECIDE = (MAJORITY, MEAN)
TRUSTED_FIRST = ("rule", "metric", "python_tests")
"""Kinds of judge whose readable verdict stands alone at the beginning of a cascade: they compute and do not opine."""

OWN_FAMILY = "a model of its own family wrote one of the answers"
NO_WEIGHT = "its voice has no weight"
NEVER_LEARNT = "its weights were never learnt: every voice counts the same"
FAILURES = (API_ERROR, PARSE_ERROR, TRUNCATED, REFUSED)


@dataclass(frozen=True, slots=True)
class Voice:
    """What one member said: its name, the family of its model ("" where unknown or none), its weight and its kind."""

    judge: str
    family: str
    weight: float
    verdict: Verdict
    kind: str = ""

    @property
    def is_readable(self) -> bool:
        return self.verdict.status == OK


@dataclass(frozen=True, slots=True)
class Panel:
    """How a panel decides. `quorum` None: more than half of those who may vote, without those who skipped.

    `weights`: "equal" (one voice each), "seats" (those of the seats), "learnt" (those of the seats, which
    `rating.panel_weights` wrote there; where nobody did, each verdict says so). `decide` is for pairs: the side with most weight, or the mean of all; marks are always
    weighted means. Raises ValueError.
    """

    quorum: int | None = None
    weights: str = SEATS
    decide: str = MAJORITY

    def __post_init__(self) -> None:
        if self.quorum is not None and not _is_count(self.quorum):
            raise ValueError(f"quorum is a whole number from 1, not {self.quorum!r}")
        _one_of("weights", self.weights, WEIGHTS)
        _one_of("decide", self.decide, DECIDE)


@dataclass(frozen=True, slots=True)
class Cascade:
    """When a cascade stops: `agree` readable verdicts that agree suffice, marks no further apart than `band` points.

    Fewer suffice where fewer members before the last have a way to judge: who skipped is not waited for. The first members
    that are of a kind in `trust_first` stand alone where they can judge; () trusts none. Raises ValueError.
    """

    agree: int = 2
    band: float = 1.0
    trust_first: tuple[str, ...] = TRUSTED_FIRST

    def __post_init__(self) -> None:
        object.__setattr__(self, "trust_first", tuple(self.trust_first))
        if not _is_count(self.agree):
            raise ValueError(f"agree is a whole number from 1, not {self.agree!r}")
        if isinstance(self.band, bool) or not isinstance(self.band, int | float) or not 0 <= self.band < float("inf"):
            raise ValueError(f"band is a number of points from 0, not {self.band!r}")


PANEL_OPTIONS = frozenset(Panel.__dataclass_fields__)
CASCADE_OPTIONS = frozenset(Cascade.__dataclass_fields__)


def panel_verdict(voices: Sequence[Voice], exhibit: Exhibit, how: Panel | None = None) -> Verdict:
    """What a panel says of an exhibit.

    A member whose model's family wrote one of the answers has no voice there; an unknown family ("") keeps nobody out.
    Members who skipped what they have no way to judge are not waited for. With fewer readable voices than the quorum the
    verdict failed, by what failed most: it is never a tie. A side needs more weight than any other; where two are
    level the panel is split, which is a tie. `reply` and `details["members"]` tell what each said and whether it counted.
    """
    how = how or Panel()
    weighed = [(voice, 1.0 if how.weights == EQUAL else voice.weight) for voice in voices]
    barred = [_barred(voice, weight, exhibit) for voice, weight in weighed]
    allowed = [pair for pair, why in zip(weighed, barred, strict=True) if not why]
    told = _told([(*pair, why) for pair, why in zip(weighed, barred, strict=True)], exhibit)
    if how.weights == LEARNT and never_learnt(voice.weight for voice in voices):
        told["reply"] += f"\n({NEVER_LEARNT})"
        told["details"]["weights"] = NEVER_LEARNT
    problem = _short_of(how.quorum, [voice for voice, _ in allowed])
    if problem:
        return _failed(*problem, told)
    heard = [pair for pair in allowed if pair[0].is_readable]
    if not exhibit.is_pair:
        return _graded(heard, told)
    return _by_mean(heard, told) if how.decide == MEAN else _by_majority(heard, told)


def never_learnt(weights: Iterable[float]) -> bool:
    """Whether the weights of a panel's members are all the same, as they are where nobody has learnt any."""
    return len(set(weights)) <= 1


def cascade_next(
    voices: Sequence[Voice], seats: int, *, exhibit: Exhibit, how: Cascade | None = None
) -> Literal["ask"] | Verdict:
    """The cascade's verdict after the members at its first places have spoken, or ASK for the next of its `seats`.

    In this order: a member of a trusted kind, with none of another kind before it, stands alone where it can judge.
    The last member's verdict stands when it was asked, and fails with it. Else `agree` readable verdicts that all decide
    for one side (for marks: lie within `band`) are enough, and their mean is said; where so many members before the last have
    skipped that `agree` cannot be had, the others must all have a verdict and agree. Else the next is asked.
    Raises ValueError without seats, or with more voices than seats.
    """
    how = how or Cascade()
    if not 0 < len(voices) <= seats:
        if voices or not seats:
            raise ValueError(f"{len(voices)} verdicts for a cascade of {seats} members")
        return ASK
    told = _told([(voice, 1.0, "") for voice in voices], exhibit)
    trusted = next((voice for voice in _leading(voices, how.trust_first) if voice.is_readable), None)
    if trusted is not None:
        return _echoed(trusted, told)
    if len(voices) == seats:
        return _echoed(voices[-1], told)
    readable = [voice for voice in voices if voice.is_readable]
    skipped = sum(voice.verdict.status == SKIPPED for voice in voices)
    needed = max(1, min(how.agree, seats - 1 - skipped))
    if len(readable) < needed or not _agree(readable, exhibit, how.band):
        return ASK
    heard = [(voice, 1.0) for voice in readable]
    return _by_mean(heard, told) if exhibit.is_pair else _graded(heard, told)


def is_of_own_family(family: str, exhibit: Exhibit) -> bool:
    """Whether a judge of this model family would judge an answer of its own; never where the family is unknown."""
    return any(is_same_family(family, other) for other in exhibit.families)


def is_same_family(one: str, other: str) -> bool:
    """Whether two names are of one model family, however they are written; never where one is unknown ("")."""
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()


def _barred(voice: Voice, weight: float, exhibit: Exhibit) -> str:
    """Why this member has no voice; empty when it has one."""
    if is_of_own_family(voice.family, exhibit):
        return OWN_FAMILY
    return "" if weight > 0 else NO_WEIGHT


def _short_of(quorum: int | None, allowed: Sequence[Voice]) -> tuple[str, str] | None:
    """Status and reason of the failure where too few of those who may vote can be read; None where enough can."""
    if not allowed:
        return SKIPPED, "no member may judge this exhibit"
    waited = [voice for voice in allowed if voice.verdict.status != SKIPPED]
    if not waited:
        return SKIPPED, f"all {len(allowed)} members that may vote skipped it"
    readable = sum(voice.is_readable for voice in waited)
    needed = len(waited) // 2 + 1 if quorum is None else quorum
    if readable >= needed:
        return None
    failed = Counter(voice.verdict.status for voice in waited if not voice.is_readable)
    # where nobody failed, the panel has too few seats for its quorum: asking again brings nothing
    status = max(FAILURES, key=lambda one: failed[one]) if failed else SKIPPED
    return status, f"only {readable} of the {len(allowed)} members that may vote gave a verdict, {needed} are needed"


def _failed(status: str, error: str, told: Mapping[str, Any]) -> Verdict:
    return Verdict(status=status, error=error, **told)


def _by_majority(heard: Sequence[tuple[Voice, float]], told: Mapping[str, Any]) -> Verdict:
    """The mean of the side that has most weight; a split panel is a tie."""
    sides = {sign: [pair for pair in heard if _sign(pair[0]) == sign] for sign in (1, 0, -1)}
    weights = {sign: fsum(weight for _, weight in side) for sign, side in sides.items()}
    most = max(weights.values())
    ahead = [sign for sign, weight in weights.items() if isclose(weight, most, rel_tol=1e-9)]
    if len(ahead) > 1:
        return Verdict(status=OK, value=0.0, **told)
    return _by_mean(sides[ahead[0]], told)


def _by_mean(heard: Sequence[tuple[Voice, float]], told: Mapping[str, Any]) -> Verdict:
    """The weighted mean of preferences; a tie is one in which both are bad where most of the weight says so."""
    value = _mean((_value(voice), weight) for voice, weight in heard)
    bad = fsum(weight for voice, weight in heard if voice.verdict.both_bad)
    both_bad = value == 0 and 2 * bad > fsum(weight for _, weight in heard)
    return Verdict(status=OK, value=value, both_bad=both_bad, **told)


def _graded(heard: Sequence[tuple[Voice, float]], told: Mapping[str, Any]) -> Verdict:
    """The weighted mean of the marks, and of those for each dimension over the members who gave one for it."""
    keys = dict.fromkeys(key for voice, _ in heard for key in voice.verdict.scores)
    scores = {
        key: _mean((voice.verdict.scores[key], weight) for voice, weight in heard if key in voice.verdict.scores)
        for key in sorted(keys)
    }
    value = _mean((_value(voice), weight) for voice, weight in heard)
    return Verdict(status=OK, value=value, scores=scores, **told)


def _mean(weighted: Iterable[tuple[float, float]]) -> float:
    """The weighted mean, the same in whatever order the members come, and never outside what they said."""
    pairs = list(weighted)
    mean = fsum(value * weight for value, weight in pairs) / fsum(weight for _, weight in pairs)
    values = [value for value, _ in pairs]
    if abs(mean) < 1e-12 * max(map(abs, values), default=0.0):
        mean = 0.0  # weights such as .1 + .2 against .3 are level
    return min(max(mean, min(values)), max(values))


def _echoed(voice: Voice, told: Mapping[str, Any]) -> Verdict:
    """The verdict of one member as the cascade's own."""
    said = voice.verdict
    if not voice.is_readable:
        return _failed(said.status, f"{voice.judge}: {said.error or said.status}", told)
    return Verdict(
        status=OK, value=said.value, both_bad=said.both_bad, scores=dict(said.scores), points=said.points, **told
    )


def _leading(voices: Sequence[Voice], kinds: Collection[str]) -> list[Voice]:
    """The members at the beginning that are of these kinds."""
    stop = next((place for place, voice in enumerate(voices) if voice.kind not in kinds), len(voices))
    return list(voices[:stop])


def _agree(readable: Sequence[Voice], exhibit: Exhibit, band: float) -> bool:
    if exhibit.is_pair:
        return len({_sign(voice) for voice in readable}) == 1
    values = [_value(voice) for voice in readable]
    return max(values) - min(values) <= band + 1e-9


def _sign(voice: Voice) -> int:
    value = _value(voice)
    return (value > 0) - (value < 0)


def _value(voice: Voice) -> float:
    if voice.verdict.value is None:
        raise ValueError(f"{voice.judge} gave no verdict to count")
    return voice.verdict.value


def _told(voices: Sequence[tuple[Voice, float, str]], exhibit: Exhibit) -> dict[str, Any]:
    """What a composed verdict says of its members, for the record and in words."""
    members = [
        {
            "judge": voice.judge,
            "status": voice.verdict.status,
            "value": voice.verdict.value,
            "weight": weight,
            "counted": voice.is_readable and not why,
            **({"why": why} if why else {}),
        }
        for voice, weight, why in voices
    ]
    lines = [f"{voice.judge}: {_in_words(voice, why, exhibit)}" for voice, _, why in voices]
    return {"reply": "\n".join(lines), "details": {"members": members}}


def _in_words(voice: Voice, why: str, exhibit: Exhibit) -> str:
    if why:
        return f"does not vote, because {why}"
    if not voice.is_readable:
        return f"no verdict ({voice.verdict.status}: {voice.verdict.error or 'no reason given'})"
    value = _value(voice)
    if not exhibit.is_pair:
        return f"gives {value:g}"
    if value == 0:
        return "a tie, both bad" if voice.verdict.both_bad else "a tie"
    return f"prefers the {'first' if value > 0 else 'second'} answer ({abs(value):g})"


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name} is one of {', '.join(known)}, not {value!r}")
