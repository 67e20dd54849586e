"""Eight people using one invitation at once on the database of JURYROOM_DATA; prints what came of it as JSON."""

from __future__ import annotations

import json
import threading

import django

django.setup()

from django.core.management import call_command  # noqa: E402  the apps are ready only now
from django.db import connection  # noqa: E402

from judging.models import Invitation, Membership  # noqa: E402
from judging.people import NotLetIn, accept  # noqa: E402
from tests.judging import voting  # noqa: E402

PEOPLE = 8


def main() -> None:
    call_command("migrate", verbosity=0)
    run = voting.open_run(questions=1)
    users = [voting.person(f"person{number}") for number in range(PEOPLE)]
    _, token = Invitation.issue(run, role="annotator", created_by=None)
    start, outcomes = threading.Barrier(PEOPLE), []

    def use(user) -> None:
        start.wait(20)
        try:
            accept(token, user)
            outcomes.append("let in")
        except NotLetIn:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    told = {word: outcomes.count(word) for word in ("let in", "refused")}
    print(json.dumps({**told, "members": Membership.objects.count()}))


if __name__ == "__main__":
    main()
