"""doctor: is everything here that the site needs?"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator

from django.conf import settings
from django.core.management import BaseCommand
from django.db import DatabaseError, connection

from arena.keys import NoKey, key_of
from arena.migrating import unreachable, waiting
from arena.models import LanguageModel

OK, WARNING, PROBLEM = "ok", "note", "PROBLEM"


class Command(BaseCommand):
    help = "Look at Python, the database, Redis, the data folder and the models' keys; exit code 1 with any problem."

    def add_arguments(self, parser):
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        findings = list(self.findings())
        if options["format"] == "json":
            self.stdout.write(json.dumps([dict(zip(("state", "what", "says"), row, strict=True)) for row in findings]))
        else:
            for state, what, says in findings:
                self.stdout.write(f"{state:>8}  {what:<14} {says}")
        if any(state == PROBLEM for state, _, _ in findings):
            raise SystemExit(1)

    def findings(self) -> Iterator[tuple[str, str, str]]:
        yield OK, "python", f"{platform.python_version()} on {platform.system()}"
        yield self._data_folder()
        yield from self._database()
        yield self._redis()
        yield from self._keys()

    def _data_folder(self) -> tuple[str, str, str]:
        folder = settings.DATA_DIR
        if not os.access(folder, os.W_OK):
            return PROBLEM, "data folder", f"{folder} cannot be written to; set JURYROOM_DATA to a folder that can"
        free = shutil.disk_usage(folder).free / 1e9
        return (OK if free > 1 else WARNING), "data folder", f"{folder}, {free:.1f} GB free"

    def _database(self) -> Iterator[tuple[str, str, str]]:
        try:
            reason = unreachable()
            left = 0 if reason else waiting()
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
        if reason:
            yield PROBLEM, "database", f"{connection.vendor}: {reason}"
            return
        yield OK, "database", connection.vendor
        if left:
            yield PROBLEM, "migrations", f"{left} to apply: `python3 manage.py migrate`"
        else:
            yield OK, "migrations", "all applied"

    def _redis(self) -> tuple[str, str, str]:
        if not settings.REDIS_URL:
            return OK, "redis", "not used: queue and sockets are inside the one process"
        import redis

        try:
            redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3).ping()
        except (redis.RedisError, ValueError) as error:
            return PROBLEM, "redis", f"does not answer: {error}"
        return OK, "redis", "answers"

    def _keys(self) -> Iterator[tuple[str, str, str]]:
        """The keys of models that have one; nothing where the database cannot tell, which was said above."""
        try:
            if unreachable():
                return
            models = list(LanguageModel.objects.exclude(key_env=""))
        except DatabaseError:
            return
        for model in models:
            try:
                key_of(model)
                yield OK, "key", f"{model.key_env} is set, for {model.name}"
            except NoKey as error:
                yield WARNING, "key", f"{model.name} cannot be asked. {error.told}"
