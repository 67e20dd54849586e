"""What a person's votes leave planned in the connection to the PostgreSQL of DATABASE_URL; prints it as JSON."""

from __future__ import annotations

import json

import django

django.setup()

from django.core.management import call_command  # noqa: E402  the apps are ready only now
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from judging.models import Preference  # noqa: E402
from tests.judging import voting  # noqa: E402

VOTES = 12
PLANNED = "SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0 AND statement LIKE %s"


def planned(begins: str) -> int:
    """How many statements that begin so have a plan that is kept."""
    with connection.cursor() as cursor:
        cursor.execute(PLANNED, [f"{begins}%"])
        return cursor.fetchone()[0]


def main() -> None:
    call_command("migrate", verbosity=0)
    run, user = voting.open_run(questions=VOTES + 1), voting.person("ann")
    tab = Client(SERVER_NAME="127.0.0.1", headers={"HX-Request": "true"})
    tab.force_login(user)
    tab.get(reverse("ballot", args=[run.pk]))
    for _ in range(VOTES):
        tab.post(reverse("cast", args=[voting.seat_in_hand(run, user).token]), {"choice": "a"})
    told = {"seat": planned('SELECT "judging_assignment"'), "vote": planned('INSERT INTO "judging_preference"')}
    print(json.dumps({"votes": Preference.objects.count(), "planned": told, "outside": planned("SELECT count(*)")}))


if __name__ == "__main__":
    main()
