"""Whether there is room for an item that somebody left, were it in hand again: in their quotas, and among the people it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from judging.models import Assignment, Judge, Run, VotingItem
from judging.schedule import Member
from judging.standing import in_hand, standing
from judging.voting import Voting
from judging.voting_items import field_of

Seat = Assignment.Status
For = Assignment.Purpose


class NoRoom(Exception):
    """The seat left last cannot be in hand again. `why` is "quota" or "item"; `before` is the seat that was left before it."""

    def __init__(self, why: str, *, before: UUID | None) -> None:
        super().__init__(why)
        self.why = why
        self.before = before


@dataclass(frozen=True)
class Room:
    """Which quotas of a person are full with what they voted on and have in hand, and how many items that is in hand.

    What is in hand may be voted on whatever the quota says, so that it counts like a vote.
    """

    in_hand: int
    is_day_full: bool
    is_run_full: bool
    full_languages: frozenset[str]

    @classmethod
    def of(cls, run: Run, judge: Judge, member: Member) -> Room:
        """Two queries, one more where languages have quotas."""
        hand = in_hand(run, judge).exclude(purpose=For.PRACTICE)
        held = list(hand.values_list("purpose", f"{field_of(run)}__question__language"))
        now = standing(
            run, judge, member=member
        )  # after what is in hand: voted on meanwhile, an item is counted twice and not at all
        ordinary = Counter(language for purpose, language in held if purpose == For.VOTE)
        voted = _voted_by_language(run, judge)
        most = Voting.of(run).per_language.items()
        return cls(
            in_hand=len(held),
            is_day_full=bool(member.per_day) and now.today + len(held) >= member.per_day,
            is_run_full=bool(member.per_person) and now.votes + ordinary.total() >= member.per_person,
            full_languages=frozenset(name for name, many in most if voted.get(name, 0) + ordinary[name] >= many),
        )

    def lacks(self, seat: Assignment) -> str:
        """Where there is no room for this seat: in a "quota", or among the people the "item" is for; "" where there is.

        A vote that is taken back takes no more room than it did. The item is locked until the transaction ends. One query at most.
        """
        voted = seat.status == Seat.DONE
        if self.is_day_full and not (voted and timezone.localdate(seat.closed_at) == timezone.localdate()):
            return "quota"
        if voted or not seat.is_for_the_count:
            return ""
        if self.is_run_full or (seat.answer or seat.battle).question.language in self.full_languages:
            return "quota"
        items = VotingItem.objects.open().filter(run=seat.run_id, **seat.item)
        return "" if items.select_for_update(no_key=True).values("pk").first() else "item"


def _voted_by_language(run: Run, judge: Judge) -> Mapping[str, int]:
    """How many votes on questions in each language that has a quota."""
    limited = Voting.of(run).per_language
    if not limited:
        return {}
    language = f"{field_of(run)}__question__language"
    voted = Assignment.objects.filter(run=run, judge=judge, purpose=For.VOTE, status=Seat.DONE)
    voted = voted.filter(**{f"{language}__in": list(limited)}).order_by()
    return dict(voted.values_list(language).annotate(Count("pk")))
