"""Adjudicators at one run at once, on the database of JURYROOM_DATA; prints what came of it as JSON.

All ask for an item at once; then each item is decided by two at once, one from a seat whose lease ran out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import django

django.setup()

from django.core.management import call_command  # noqa: E402  the apps are ready only now
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from judging import adjudication, assignment  # noqa: E402
from judging.judges.base import OK, Verdict  # noqa: E402
from judging.models import Assignment, Preference, VotingItem  # noqa: E402
from judging.models.assignment import LEASE  # noqa: E402
from tests.judging import voting  # noqa: E402

PEOPLE = 6


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """What each of these says, begun together in threads of their own."""
    start, told = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        start.wait(20)
        try:
            told.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told


def decided(seat: Assignment) -> str:
    try:
        adjudication.decide(seat, [(0, Verdict(status=OK, value=1.0))], why="so", reasons=[], saw_votes=False)
    except adjudication.TooLate:
        return "late"
    return "decided"


def main() -> None:
    call_command("migrate", verbosity=0)
    run = voting.open_run(questions=PEOPLE)
    VotingItem.objects.filter(run=run).update(is_split=True)
    judges = [voting.judge(f"judge {number}") for number in range(PEOPLE)]
    held = at_once([lambda judge=judge: adjudication.next_case(run, judge).battle_id for judge in judges])
    first = Assignment.objects.order_by("pk").first()
    late = {"purpose": "adjudication", "lease_until": timezone.now() + LEASE}
    Assignment.objects.create(run=run, judge=voting.judge("late"), battle=first.battle, **late)
    seats = list(assignment.open_seats().filter(battle=first.battle))
    told = at_once([lambda seat=seat: decided(seat) for seat in seats])
    stand = Preference.objects.filter(kept_out="adjudication").count()
    print(json.dumps({"held": len(held), "items": len(set(held)), "told": sorted(told), "stand": stand}))


if __name__ == "__main__":
    main()
