"""What a person's other tab does while a vote is just being recorded, on the PostgreSQL of DATABASE_URL; prints what came of it as JSON."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402  the apps are ready only now
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from judging import assignment  # noqa: E402
from judging.judges.base import OK, Verdict  # noqa: E402
from judging.models import Assignment, Membership, Preference, Run, VotingItem  # noqa: E402
from tests.judging import voting  # noqa: E402

PATIENCE = 20.0  # seconds
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
ACTS: dict[str, Callable[[Client, Run, Assignment], str]] = {
    "reload": lambda tab, run, seat: tab.get(reverse("ballot", args=[run.pk])).text,
    "vote": lambda tab, run, seat: tab.post(reverse("cast", args=[seat.token]), {"choice": "b"}, follow=True).text,
    "skip": lambda tab, run, seat: tab.post(reverse("skip", args=[seat.token]), {}, follow=True).text,
}


def record(seat: Assignment, recorded: threading.Event, waited: list[bool]) -> None:
    """Vote, and commit only when somebody waits for it, or nobody came."""
    with transaction.atomic():
        mine = assignment.open_seats().select_for_update(of=("self",)).get(pk=seat.pk)
        assignment.cast(mine, Verdict(status=OK, value=1.0))
        recorded.set()
        waited.append(_somebody_waits())
    connection.close()


def _somebody_waits() -> bool:
    end = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return True
            time.sleep(0.02)
    return False


def meanwhile(act: str, run: Run, user: User) -> dict:
    """The facts after this act came while a vote on the seat was being recorded."""
    tab = Client(SERVER_NAME="127.0.0.1")
    tab.force_login(user)
    tab.get(reverse("ballot", args=[run.pk]))
    seat = voting.seat_in_hand(run, user)
    recorded, waited = threading.Event(), []
    vote = threading.Thread(target=record, args=(seat, recorded, waited))
    vote.start()
    recorded.wait(PATIENCE)
    page = ACTS[act](tab, run, seat)
    vote.join(2 * PATIENCE)
    seat.refresh_from_db()
    said = Preference.objects.filter(battle=seat.battle, judge__user=user)
    return {
        "waited": waited,
        "status": seat.status,
        "votes": said.count(),
        "standing": said.current().count(),
        "done": VotingItem.objects.get(run=run, battle=seat.battle).done,
        "shows": f'data-token="{voting.seat_in_hand(run, user).token}"' in page,
    }


def bring_back(run: Run, user: User, undone: threading.Event, waited: list[bool]) -> None:
    """Undo a skip, and commit only when somebody waits for it, or nobody came."""
    with transaction.atomic():
        assignment.undo(run, assignment.judge_of(user), member=assignment.member_of(run, user))
        undone.set()
        waited.append(_somebody_waits())
    connection.close()


def reload_while_undone(run: Run, user: User) -> dict:
    """The facts after a page was opened, by somebody whose quota is one vote, while their other tab brings back what they skipped."""
    Membership.objects.create(run=run, user=user, per_person=1)
    tab = Client(SERVER_NAME="127.0.0.1")
    tab.force_login(user)
    tab.get(reverse("ballot", args=[run.pk]))
    seat = voting.seat_in_hand(run, user)
    with transaction.atomic():
        assignment.leave(seat, Assignment.Status.SKIPPED)
    undone, waited = threading.Event(), []
    undo = threading.Thread(target=bring_back, args=(run, user, undone, waited))
    undo.start()
    undone.wait(PATIENCE)
    page = tab.get(reverse("ballot", args=[run.pk])).text
    undo.join(2 * PATIENCE)
    seats = Assignment.objects.filter(run=run, judge__user=user)
    return {"waited": waited, "seats": seats.count(), "shows": f'data-token="{seat.token}"' in page}


def main() -> None:
    call_command("migrate", verbosity=0)
    run, user = voting.open_run(questions=8), voting.person("ann")
    told = {act: meanwhile(act, run, user) for act in ACTS}
    print(json.dumps(told | {"undo": reload_while_undone(run, voting.person("ben"))}))


if __name__ == "__main__":
    main()
