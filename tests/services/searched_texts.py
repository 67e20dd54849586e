"""What a search on the PostgreSQL of DATABASE_URL finds otherwise by pieces than at once, and what it looks at; prints it as JSON."""

from __future__ import annotations

import json

import django

django.setup()

from django.core.management import call_command  # noqa: E402  the apps are ready only now
from django.db import connection  # noqa: E402
from django.db.models import QuerySet  # noqa: E402

from arena.listing import is_listed  # noqa: E402
from arena.models import Answer  # noqa: E402
from judging import searching  # noqa: E402
from tests.judging import searched  # noqa: E402


def looked_at(rows: QuerySet[Answer]) -> int:
    """How many texts are compared for these rows: of the others PostgreSQL must not even unpack the text."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE looks")
        body = "BEGIN RETURN nextval('looks') > 0; END"
        cursor.execute(f"CREATE FUNCTION looked() RETURNS boolean LANGUAGE plpgsql COST 3 AS $${body}$$")
    list(rows.extra(where=["looked()"]).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM looks")
        return cursor.fetchone()[0]


def main() -> None:
    call_command("migrate", verbosity=0)
    searching.PIECE = 20
    wrong = searched.wrong(seed=20261127, number=40)
    ids = list(Answer.objects.order_by("pk").values_list("pk", flat=True)[:40])
    looked = looked_at(Answer.objects.order_by().filter(is_listed(Answer, ids)))
    print(json.dumps({"wrong": wrong, "answers": Answer.objects.count(), "looked": looked}))


if __name__ == "__main__":
    main()
