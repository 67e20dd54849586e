"""Several tabs of one person that ask for an item at the same moment, none of them having one yet."""

from __future__ import annotations

import threading

from django.contrib.auth.models import User
from django.db import connection

from judging import assignment
from judging.models import Assignment, Gold, Run

TABS = 6
PATIENCE = 60.0  # seconds


def with_practice(run: Run) -> Run:
    """The run, which now begins with two items of practice."""
    Run.objects.filter(pk=run.pk).update(voting={"practice": 2})
    for item in run.items.order_by("pk")[:2]:
        Gold.objects.create(run=run, battle=item.battle, lowest=1, highest=2, is_practice=True)
    run.refresh_from_db()
    return run


def seats_of_tabs(run: Run, user: User) -> dict[str, int]:
    """How many seats there are after all tabs were answered, how many of them were shown, and how many tabs failed."""
    judge, member = assignment.judge_of(user), assignment.member_of(run, user)
    looked, shown = threading.Barrier(TABS), []

    def reload() -> None:
        try:
            on_its_own = (
                connection.vendor != "postgresql"
            )  # which counts when it is this tab's turn, see `casting.next_for`
            now = assignment.standing(run, judge, member=member) if on_its_own else None
            looked.wait(PATIENCE)
            shown.append(assignment.next_seat(run, judge, member=member, now=now).pk)
        finally:
            connection.close()

    tabs = [threading.Thread(target=reload) for _ in range(TABS)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(2 * PATIENCE)
    seats = Assignment.objects.filter(run=run, judge=judge).count()
    return {"seats": seats, "shown": len(set(shown)), "failed": TABS - len(shown)}
