"""Eight people voting at once on the database of JURYROOM_DATA; prints what came of it as JSON."""

from __future__ import annotations

import json
import threading

import django

django.setup()

from django.core.management import call_command  # noqa: E402  the apps are ready only now
from django.db import connection, transaction  # noqa: E402

from judging import assignment  # noqa: E402
from judging.judges.base import OK, Verdict  # noqa: E402
from judging.models import Assignment, Preference  # noqa: E402
from tests.judging import voting  # noqa: E402

PEOPLE = 8


def vote_until_nothing_is_open(run, judge, start: threading.Barrier, errors: list[str]) -> None:
    try:
        start.wait(20)
        while seat := assignment.next_seat(run, judge):
            with transaction.atomic():
                assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=1.0))
    except Exception as error:
        errors.append(repr(error))
    finally:
        connection.close()


def main() -> None:
    call_command("migrate", verbosity=0)
    run = voting.open_run(questions=10)
    judges = [voting.judge(f"person{number}") for number in range(PEOPLE)]
    start, errors = threading.Barrier(PEOPLE), []
    threads = [
        threading.Thread(target=vote_until_nothing_is_open, args=(run, judge, start, errors)) for judge in judges
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    seats = [Assignment.objects.filter(battle=battle).count() for battle in assignment.pool(run)]
    print(json.dumps({"errors": errors, "seats": seats, "votes": Preference.objects.current().count()}))


if __name__ == "__main__":
    main()
