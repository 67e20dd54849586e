"""A person's tabs that are reloaded at once, on the PostgreSQL of DATABASE_URL; prints what came of it as JSON."""

from __future__ import annotations

import json

import django

django.setup()

from django.core.management import call_command  # noqa: E402  the apps are ready only now

from tests.judging import voting  # noqa: E402
from tests.judging.at_once import seats_of_tabs, with_practice  # noqa: E402

PEOPLE = 5


def main() -> None:
    call_command("migrate", verbosity=0)
    run = voting.open_run(questions=40)
    people = [voting.person(f"person{number}") for number in range(2 * PEOPLE)]
    votes = [seats_of_tabs(run, user) for user in people[:PEOPLE]]
    run = with_practice(run)
    practice = [seats_of_tabs(run, user) for user in people[PEOPLE:]]
    print(json.dumps({"votes": votes, "practice": practice}))


if __name__ == "__main__":
    main()
