"""The least that a site can do with a vote: a bare Django view that inserts one row, on the database the product has.

`python -m bench.calls.ballot_bare PORT` serves it as the product serves itself; it is what votes are compared with.
"""

from __future__ import annotations

import sys

import uvicorn
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from arena.settings import DATABASES

settings.configure(
    DATABASES=DATABASES, ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="of a bench", MIDDLEWARE=[]
)

TABLE = "CREATE TABLE IF NOT EXISTS bench_bare (id {key}, token varchar(40), choice varchar(10), at {time})"
KEYS = {"sqlite": "integer PRIMARY KEY", "postgresql": "bigserial PRIMARY KEY"}


def insert(request):
    from django.db import connection, transaction
    from django.utils import timezone

    with transaction.atomic(), connection.cursor() as cursor:
        row = ["a token as long as one of ours would be", request.POST.get("choice", ""), timezone.now()]
        cursor.execute("INSERT INTO bench_bare (token, choice, at) VALUES (%s, %s, %s)", row)
    return HttpResponse("inserted")


urlpatterns = [path("insert/", insert)]


def main() -> None:
    import django
    from django.core.asgi import get_asgi_application
    from django.db import connection

    django.setup()
    with connection.cursor() as cursor:
        cursor.execute(TABLE.format(key=KEYS[connection.vendor], time="timestamp with time zone"))
    connection.close()
    print("serving", flush=True)
    uvicorn.run(get_asgi_application(), port=int(sys.argv[1]), log_level="warning", lifespan="off")


if __name__ == "__main__":
    sys.modules["bench.calls.ballot_bare"] = sys.modules[__name__]
    main()
