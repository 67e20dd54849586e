"""up: serve the site, with its worker, until Ctrl-C."""

import contextlib
import os

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command

from arena.setup import port_problem


class Command(BaseCommand):
    help = (
        "Serve the site with a worker in the same process (JURYROOM_WORKER=0: the site alone). Ctrl-C ends all of it."
    )

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--threads", type=int, default=4, help="of the worker (default: 4)")

    def handle(self, *args, host, port, threads, **options):
        if problem := port_problem(host, port):
            raise CommandError(problem)
        call_command("migrate", verbosity=0, interactive=False)
        if not get_user_model().objects.exists():
            self.stdout.write("Nobody can sign in yet: `python3 manage.py createsuperuser` makes the first lead.")
        self.serve(host, port, threads)

    def serve(self, host: str, port: int, threads: int = 4) -> None:
        """Serve with the worker until Ctrl-C; the address is printed when it is about to answer."""
        from arena.serving import serve, worker

        if host not in ("127.0.0.1", "localhost", "::1") and "*" not in settings.ALLOWED_HOSTS:
            names = ", ".join(settings.ALLOWED_HOSTS)
            self.stdout.write(f"Answers only to {names}; set JURYROOM_HOSTS to the names that others use.")
        alone = os.environ.get("JURYROOM_WORKER") == "0"
        self.stdout.write(
            f"Juryroom is at http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/  (Ctrl-C ends it)"
        )
        self.stdout.flush()
        with contextlib.nullcontext() if alone else worker(threads):
            serve(host, port)
        self.stdout.write("stopped")
