"""Who takes part in a run: let in by a link, as a guest, paused and resumed; and who has done how much."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Max, Q
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.frame import LEADS
from arena.models import storable
from arena.signing_in import counted, held_back
from judging.models import Assignment, AuditEntry, Invitation, Membership, Run

GUESTS_AN_HOUR = 5  # from one address
VOTES_A_MINUTE = 40  # of one guest

Seat = Assignment.Status


class NotLetIn(ValueError):
    """A link that lets nobody in; the text says why."""


@dataclass(frozen=True)
class Person:
    """What one person did in a run: votes, today's, skips, flags, median active seconds of a vote (None unknown), last act."""

    user: Any
    membership: Membership | None
    votes: int
    today: int
    skipped: int
    flagged: int
    seconds: float | None
    last: datetime | None


def invitation_of(token: str) -> Invitation:
    """The invitation of a link that still works. Raises NotLetIn, which says what became of it. One query."""
    found = Invitation.objects.select_related("run__benchmark").filter(digest=Invitation.digest_of(token)).first()
    if found is None:
        raise NotLetIn(_("There is no such invitation: is the link whole?"))
    if found.revoked_at:
        raise NotLetIn(_("This invitation was taken back. Ask whoever sent it to you."))
    if found.used_at:
        raise NotLetIn(_("This invitation was used already; each lets in one person."))
    if found.expires_at <= timezone.now():
        raise NotLetIn(_("This invitation is too old. Ask for a new one."))
    return found


def accept(token: str, user: Any) -> Membership:
    """Let this person in by an invitation, which is used up by it. Raises NotLetIn.

    Of two who use it at once one is let in: the row is changed only where it is unused still.
    """
    with transaction.atomic():
        invitation = invitation_of(token)
        mine = Invitation.objects.valid().filter(pk=invitation.pk)
        if not mine.update(used_at=timezone.now(), used_by=user):
            raise NotLetIn(_("This invitation was used already; each lets in one person."))
        told = {"role": invitation.role, "languages": invitation.languages, "is_guest": False}
        membership, new = Membership.objects.get_or_create(run=invitation.run, user=user, defaults=told)
        if not new:
            Membership.objects.filter(pk=membership.pk).update(**told)
        AuditEntry.note(
            "invitation_used", actor=user, run=invitation.run, invitation=invitation.pk, role=invitation.role
        )
    return membership


@transaction.atomic
def come_as_guest(run: Run, address: str) -> Any:
    """A new account for a guest of this run, which nobody else can sign in to. Raises NotLetIn for too many from one address."""
    if counted("guest", address, within=3600) > GUESTS_AN_HOUR:
        raise NotLetIn(_("Enough guests came from here within the hour. Try again later, or sign in."))
    user = get_user_model()(username=f"guest-{secrets.token_hex(6)}")
    user.set_unusable_password()
    user.save()
    Membership.objects.create(run=run, user=user, is_guest=True)
    AuditEntry.note("guest_came", actor=user, run=run)
    return user


@receiver(held_back)
def note_held_back(sender: Any, *, name: str, address: str, **more: Any) -> None:
    """Put on record that sign-ins are held back; a name only where an account has it: it may be a password in the wrong field."""
    user = get_user_model().objects.filter(username__iexact=storable(name)).first() if name else None
    known = {"person": user.get_username()} if user else {}
    AuditEntry.note("signed_in_throttled", address=storable(address), **known)


def guest_may_vote(user: Any) -> bool:
    """Whether this guest has a vote left in this minute; asking takes one."""
    return counted("guest vote", user.pk, within=60) <= VOTES_A_MINUTE


@transaction.atomic
def pause(run: Run, user: Any, *, why: str, by: Any) -> None:
    """Give this person nothing more to judge in the run; what they said stays as it is."""
    membership, _new = Membership.objects.get_or_create(run=run, user=user)
    Membership.objects.filter(pk=membership.pk).update(paused_at=timezone.now(), paused_why=why, paused_by=by)
    AuditEntry.note("person_paused", actor=by, run=run, person=user.get_username(), why=why)


@transaction.atomic
def resume(run: Run, user: Any, *, by: Any) -> None:
    """Let this person go on; whoever did not pass practice gets new tries."""
    told = {"paused_at": None, "paused_why": "", "paused_by": None}
    if Membership.objects.filter(run=run, user=user, paused_at__isnull=False).update(**told):
        AuditEntry.note("person_resumed", actor=by, run=run, person=user.get_username())


def people_of(run: Run) -> list[Person]:
    """All who were let in to the run or judged something in it, the busiest first. Four queries."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    seats = Assignment.objects.filter(run=run, judge__user__isnull=False)
    done = Q(status=Seat.DONE) & ~Q(purpose=Assignment.Purpose.PRACTICE)
    rows = (
        seats.order_by()
        .values("judge__user")
        .annotate(
            votes=Count("pk", filter=done),
            today=Count("pk", filter=done & Q(closed_at__gte=midnight)),
            skipped=Count("pk", filter=Q(status=Seat.SKIPPED)),
            flagged=Count("pk", filter=Q(status=Seat.FLAGGED)),
            last=Max("closed_at"),
        )
    )
    facts = {row.pop("judge__user"): row for row in rows}
    seconds = _seconds(seats)
    members = {one.user_id: one for one in Membership.objects.filter(run=run)}
    users = get_user_model().objects.filter(pk__in={*facts, *members}).order_by("username")
    nothing = {"votes": 0, "today": 0, "skipped": 0, "flagged": 0, "last": None}
    found = [
        Person(user, members.get(user.pk), seconds=seconds.get(user.pk), **facts.get(user.pk, nothing))
        for user in users
    ]
    return sorted(found, key=lambda person: -person.votes)


def _seconds(seats: Any) -> dict[int, float]:
    """The median of active seconds by user, from at most 50,000 votes."""
    times: dict[int, list[int]] = defaultdict(list)
    timed = seats.filter(status=Seat.DONE, active_ms__isnull=False).order_by("-pk")
    for user, ms in timed.values_list("judge__user", "active_ms")[:50_000]:
        times[user].append(ms)
    return {user: median(each) / 1000 for user, each in times.items()}


def may_get_link(user: Any, *, by: Any, run: Run) -> bool:
    """Whether `by`, a lead, may make a link to a new password for this person: nobody whose rights are above an annotator's."""
    above = user.is_staff or user.is_superuser or user.groups.filter(name__in=LEADS).exists()
    takes_part = Membership.objects.filter(run=run, user=user).exists() or Assignment.objects.filter(
        run=run, judge__user=user
    )
    return by.is_superuser or (not above and bool(takes_part))
