"""What the confidence of a judge is worth, shaped for reading: in words, as a table of its levels and as a chart of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from rating.data import STRENGTH
from rating.stats.confidence import FEW, LESS, MORE
from rating.words import in_words

BASES = {
    "probabilities": _("the probability of the word it chose"),
    "samples": _("the share of its samples that say the same"),
    "members": _("the share of its members' votes that say the same"),
    STRENGTH: _("how much better it calls the one it prefers"),
}
"""What confidence is read from, by the name in a judge's health."""
STRENGTHS = {1.0: _("simply better"), 2.0: _("much better")}

SIDE, BEGIN, LEFT, TOP = 200.0, 10.0, 34.0, 8.0
"""Of the chart, in units of its viewBox: length of an axis, room left of the first place, and where the axes begin."""


@dataclass(frozen=True)
class Step:
    """One level of confidence: its name, its figures, and where its point and interval stand in the chart."""

    name: Any
    told: Mapping[str, Any]
    x: str
    y: str
    low: str
    high: str
    radius: str

    @property
    def n(self) -> int:
        return int(self.told["n"])

    @property
    def is_told(self) -> bool:
        return self.told["share"] is not None


@dataclass(frozen=True)
class Sureness:
    """A judge's confidence in one place, from `told["confidence"]` of its health."""

    told: Mapping[str, Any]

    @property
    def basis(self) -> Any:
        return BASES[self.told["basis"]]

    @property
    def is_share(self) -> bool:
        """Whether confidence claims a share of people who agree, and not only more than less."""
        return self.told["basis"] != STRENGTH

    @property
    def is_few(self) -> bool:
        return self.told["word"] == FEW

    @property
    def is_more(self) -> bool:
        return self.told["word"] == MORE

    @property
    def is_less(self) -> bool:
        return self.told["word"] == LESS

    @property
    def word(self) -> str:
        return in_words(self.told["word"])

    @property
    def claims(self) -> str:
        """ "much" where it claims surely more than people grant it, "little" where less, "" where neither is sure."""
        low, high = self.told["gap_low"], self.told["gap_high"]
        if low is None or high is None:
            return ""
        return "much" if low > 0 else "little" if high < 0 else ""

    @property
    def steps(self) -> list[Step]:
        levels = self.told["levels"]
        return [self._step(level, place, len(levels)) for place, level in enumerate(levels)]

    def _step(self, level: Mapping[str, Any], place: int, levels: int) -> Step:
        along = level["sure"] if self.is_share else (place + 0.5) / levels
        low, high = (level[end] if level[end] is not None else level["share"] for end in ("low", "high"))
        radius = 3 + 5 * (level["n"] / self.told["n"]) ** 0.5
        return Step(self._name(level), level, _across(along), _up(level["share"]), _up(low), _up(high), f"{radius:.1f}")

    def _name(self, level: Mapping[str, Any]) -> Any:
        start, end = level["start"], level["end"]
        if not self.is_share:
            return STRENGTHS[start]
        return f"{100 * start:.0f}%" if start == end else f"{100 * start:.0f}–{100 * end:.0f}%"

    @property
    def diagonal(self) -> str:
        """The path on which a judge lies that claims what people grant it; "" where it claims no share."""
        return f"M{_across(0)} {_up(0)}L{_across(1)} {_up(1)}" if self.is_share else ""

    @property
    def ticks(self) -> list[Mapping[str, Any]]:
        """Marks of the axes; those across are the names of the steps where confidence is no share."""
        return [{"name": f"{place}%", "x": _across(place / 100), "y": _up(place / 100)} for place in (0, 50, 100)]

    def as_text(self) -> str:
        """The levels in one cell: mean confidence, share of people who agree and n of each, as "0.55:0.5:12 0.93:0.71:40"."""
        return " ".join(
            ":".join("" if number is None else f"{number:.4g}" for number in (step["sure"], step["share"], step["n"]))
            for step in self.told["levels"]
        )


def _across(share: float) -> str:
    return f"{LEFT + BEGIN + SIDE * share:.1f}"


def _up(share: float | None) -> str:
    return "" if share is None else f"{TOP + SIDE * (1 - share):.1f}"
