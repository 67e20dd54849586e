"""What each member of a panel is worth, learnt from the people who judged the same battles."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import log
from typing import Any

from django.utils.translation import gettext as _

from arena.models import Benchmark
from judging.editing_judges import Member, mark, said_of, save
from judging.judges.composed import LEARNT
from judging.models import Judge
from rating.boards import ALL
from rating.meta import TIE, NothingToCompare, Policy, compare

FEWEST = 30  # battles that both a member and the people decided; fewer teach nothing


@dataclass(frozen=True)
class Learnt:
    """A member's weight, from 0 to 1 for the best: how often it decides as the people do (`agreement`) over `n` battles."""

    judge: str
    weight: float
    agreement: float
    n: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class NothingToLearn(ValueError):
    """The judge is no panel, or people and its members have not decided enough battles together; the message says which."""


def learn(panel: Judge, benchmark: Benchmark) -> list[Learnt]:
    """The weight of each member, in the order of the seats: the log of the odds that it decides as most people do.

    For voices that err apart from each other these weights make the best majority (Nitzan and Paroush 1982, International
    Economic Review 23). One more hit and one more miss than there were keep a short record modest; a member that is no better
    than a coin weighs nothing. Raises NothingToLearn.
    """
    if panel.kind != Judge.Kind.PANEL:
        raise NothingToLearn(_("judge %(judge)s is no panel") % {"judge": panel})
    members = [seat.member for seat in panel.seats.select_related("member")]
    told = {str(member): _of(member, benchmark) for member in members}
    best = max((odds for odds, _agreement, _n in told.values()), default=0.0)
    if best <= 0:
        text = _("no member of %(panel)s decides as the people do more often than a coin")
        raise NothingToLearn(text % {"panel": panel})
    return [Learnt(name, odds / best, agreement, n) for name, (odds, agreement, n) in told.items()]


def _of(member: Judge, benchmark: Benchmark) -> tuple[float, float, int]:
    """Log odds (at least 0), agreement where both decide, and over how many battles."""
    try:
        rows = compare(benchmark, judge=str(member), policy=Policy(flips=TIE)).rows
    except NothingToCompare as error:
        raise NothingToLearn(str(error)) from None
    row = next(row for row in rows if row.category == ALL)
    if row.agreement_no_ties is None or row.n_no_ties < FEWEST:
        text = _("%(judge)s and the people have decided %(n)d battles together; %(fewest)d are needed")
        raise NothingToLearn(text % {"judge": member, "n": row.n_no_ties, "fewest": FEWEST})
    hits = row.agreement_no_ties * row.n_no_ties
    odds = (hits + 1) / (row.n_no_ties - hits + 1)
    return max(0.0, log(odds)), row.agreement_no_ties, row.n_no_ties


def next_version(panel: Judge, learnt: list[Learnt]) -> Judge:
    """The panel with these weights, as its next version: what was judged by the one before stays its word. Raises Meanwhile."""
    said = said_of(panel)
    members = tuple(Member(seat.judge, one.weight) for seat, one in zip(said.members, learnt, strict=True))
    options = {**said.options, "weights": LEARNT}
    return save(panel, replace(said, options=options, members=members), base=mark(panel), as_next=True)
