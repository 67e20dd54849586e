"""What a person does with a seat: a vote counted, an item skipped or flagged. The ballot's page and the API both come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.border import asked
from judging import assignment, reading_ballots
from judging.access import lets_vote, may_adjudicate
from judging.filled import why
from judging.models import Assignment, AuditEntry, Judge, Membership, Run
from judging.people import guest_may_vote
from judging.reading_ballots import Unreadable
from judging.schedule import Member, Practice, close_practice, practised
from judging.voting import FLAG_CAUSES, SKIP_CAUSES, Voting

Seat = Assignment.Status
For = Assignment.Purpose


@dataclass(frozen=True)
class Said:
    """What the person is told beside the next item; `word` is the same for programs."""

    text: str = ""
    level: int = messages.SUCCESS
    word: str = ""

    @property
    def is_warning(self) -> bool:
        return self.level >= messages.WARNING


Act = Callable[[Mapping[str, str], Assignment, Member, Any], Said]


def voter(seat: Assignment, user: Any) -> Member | None:
    """What the run knows of the person who holds this seat; None for somebody who may not vote in it, or no longer may.

    The seat is one of `assignment.open_seats`. One query where the person has a membership.
    """
    row = Membership.objects.filter(pk=seat.member).first() if seat.member else None
    if not lets_vote(seat.run, row, annotates=seat.annotates, leads=seat.leads or user.is_superuser):
        return None
    return Member.of(seat.run, row)


def beat(token: UUID, user: Any) -> bool:
    """Hold on to a seat while its page is looked at; whether it is still this person's, who may still say something of its item.

    Two queries; one more where a voter has a membership, up to three more for an adjudicator.
    """
    seat = assignment.seats_to_hold().filter(token=token, judge__user=user).first()
    return seat is not None and _may_stay(seat, user) and assignment.beat(seat)


def _may_stay(seat: Assignment, user: Any) -> bool:
    """Whether the run has this person at such a seat: it is open for their votes and they are not paused, or they adjudicate."""
    if seat.purpose == For.ADJUDICATION:
        return may_adjudicate(user, seat.run)
    if seat.run.status != Run.Status.OPEN:
        return False
    member = voter(seat, user)
    return member is not None and not member.paused_at


def why_not(post: Mapping[str, str], seat: Assignment, member: Member, user: Any) -> Said | None:
    """What is said where nothing can be done with this seat; None where it can."""
    if (
        seat.status == Seat.DONE and seat.purpose != For.ADJUDICATION
    ):  # sent again: it counts, though the run was closed since
        return already(seat)
    if seat.run.status != Run.Status.OPEN:
        told = _("This run was closed meanwhile; your last choice was not recorded.")
        return Said(told, messages.WARNING, "closed")
    if seat.status != Seat.LEASED or seat.purpose == For.ADJUDICATION:
        return already(seat)
    if post.get("rubric", str(seat.run.rubric_id)) != str(seat.run.rubric_id):
        told = _("The guidelines changed while you were looking; nothing was recorded. Read them and choose again.")
        return Said(told, messages.WARNING, "rubric")
    if member.is_guest and not guest_may_vote(user):
        told = _("Guests may vote so many times a minute and no more: wait a little. Nothing was recorded.")
        return Said(told, messages.WARNING, "wait")
    return None


def already(seat: Assignment) -> Said:
    """What is said of a seat that was left before."""
    if seat.status == Seat.DONE:
        text = _("You have voted on that one already; that vote stands. Undo it to change it.")
    else:
        text = _("You have left that one already. Undo to come back to it.")
    return Said(text, messages.WARNING, "already")


def count(post: Mapping[str, str], seat: Assignment, member: Member, user: Any) -> Said:
    """Count this vote. Raises Unreadable with all that is wrong with it."""
    cast = reading_ballots.read(post, seat)
    late = seat.lease_until < timezone.now()
    judgment = assignment.cast(seat, cast.verdicts, note=cast.note, reasons=cast.reasons, active_ms=cast.active_ms)
    if seat.purpose == For.PRACTICE:
        return _practised(seat, member)
    if late:
        return Said(_("Recorded. You were away for a while; your vote counts all the same."), word="recorded")
    if seat.answer_id:
        return Said(_("Recorded: %(total).2f in all.") % {"total": judgment.score}, word="recorded")
    return Said(_("Recorded."), word="recorded")


def _practised(seat: Assignment, member: Member) -> Said:
    """Whether a practice vote was right, why, and how the round went where this was its end."""
    gold = seat.run.golds.filter(is_practice=True, **seat.item).first()
    (said,) = practised(seat.run, seat.judge, [seat.answer_id or seat.battle_id]).values()
    right = gold is not None and gold.is_right(said)
    told = [_("Right.") if right else _("That is not what we are looking for here: %s.") % _truth(seat, gold)]
    told += [gold.why] if gold and gold.why else []
    if result := close_practice(seat.run, seat.judge, member):
        told.append(_end_of_practice(result))
    return Said(" ".join(told), messages.SUCCESS if right else messages.WARNING, "practised")


def _truth(seat: Assignment, gold: Any) -> str:
    """What would have been right, as it was shown to this person."""
    if gold is None:
        return _("this item is practice no longer")
    if seat.answer_id:
        return _("a mark from %(lowest)g to %(highest)g") % {"lowest": gold.lowest, "highest": gold.highest}
    low, high = sorted((-gold.lowest, -gold.highest) if seat.swapped else (gold.lowest, gold.highest))
    told = [(high > 0, _("A is better")), (low <= 0 <= high, _("a tie")), (low < 0, _("B is better"))]
    return _(" or ").join(word for holds, word in told if holds)


def _end_of_practice(result: Practice) -> str:
    facts = {"right": result.right, "items": result.items}
    if result.passed:
        return _("Practice is over: %(right)d of %(items)d right. From here on your votes count.") % facts
    if result.is_last:
        return _("That was the end of your last round: %(right)d of %(items)d right, which is too few.") % facts
    return _("That was the end of this round: %(right)d of %(items)d right, which is too few. Try once more.") % facts


def skip(post: Mapping[str, str], seat: Assignment, member: Member, user: Any) -> Said:
    """Leave this item without a vote: this person cannot judge it."""
    told = why(post, "skip")
    assignment.leave(
        seat,
        Seat.SKIPPED,
        cause=told["cause"] if told["cause"] in SKIP_CAUSES else "",
        reason=asked(told, "reason"),
        active_ms=reading_ballots.active_ms(post),
    )
    return Said(_left(_("Skipped."), seat, member), word="skipped")


def flag(post: Mapping[str, str], seat: Assignment, member: Member, user: Any) -> Said:
    """Leave this item because it is broken. Raises Unreadable where nothing says why."""
    told = why(post, "flag")
    cause, reason = told["cause"], asked(told, "reason")
    if not reason and (cause not in FLAG_CAUSES or Voting.of(seat.run).flag_needs_words):
        raise Unreadable({"reason": _("Say what is broken, so that the lead can mend it.")})
    assignment.leave(
        seat,
        Seat.FLAGGED,
        cause=cause if cause in FLAG_CAUSES else "other",
        reason=reason,
        active_ms=reading_ballots.active_ms(post),
    )
    AuditEntry.note("item_flagged", actor=user, run=seat.run, seat=str(seat.token), cause=seat.cause)
    return Said(_left(_("Flagged: the lead will see your reason."), seat, member), word="flagged")


def _left(told: str, seat: Assignment, member: Member) -> str:
    """What is said of an item left without a vote; in practice it is not right, and may end the round."""
    result = close_practice(seat.run, seat.judge, member) if seat.purpose == For.PRACTICE else None
    return f"{told} {_end_of_practice(result)}" if result else told


def no_room(full: assignment.NoRoom) -> Said:
    """What is said where Undo cannot bring back what was left last."""
    if full.why == "quota":
        told = _(
            "What you left last does not come back: what you voted on and have in hand is all that is asked of you."
        )
    else:
        told = _("What you left last does not come back: enough others have it by now, or it was taken out.")
    more = _("Undo again takes back the one before it.") if full.before else ""
    return Said(f"{told} {more}".strip(), messages.WARNING, "full")


@dataclass(frozen=True)
class Given:
    """What a person is shown next: a seat, or why there is none ("" where nothing is left); and how far they are."""

    now: assignment.Standing
    why: str
    seat: Assignment | None = None


def next_for(run: Run, judge: Judge, member: Member) -> Given:
    """The seat this person holds or is given now. The standing is a query of its own on SQLite, for nobody need wait while it counts."""
    with transaction.atomic() if connection.vendor == "postgresql" else nullcontext():
        now = assignment.standing(run, judge, member=member, gives=True)
        if why := nothing_because(run, member, now):
            return Given(now, why)
        seat, now = assignment.given(run, judge, member, now)
        if seat:
            return Given(now, "", seat)
        now = assignment.standing(run, judge, member=member)  # this person's other tab may have used up a quota
        return Given(now, nothing_because(run, member, now))


def nothing_because(run: Run, member: Member, now: assignment.Standing) -> str:
    """Why a person is shown nothing: "closed", "paused", "day", "run"; "" where they are."""
    if run.status != Run.Status.OPEN:
        return "closed"
    if member.paused_at:
        return "paused"
    return "" if now.held else now.exhausts(member)
