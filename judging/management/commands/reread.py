"""reread RUN: the replies of a run read again by today's parser; nobody is asked, and nothing is paid."""

from __future__ import annotations

import json
from dataclasses import asdict

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from judging.models import Run
from judging.rereading import reread


class Command(BaseCommand):
    help = (
        "Read a run's replies again by today's parser: those that could not be read, and those that an older parser read. "
        "Nobody is asked and nothing is paid; a verdict that changes takes the place of the earlier one, which stays on record."
    )

    def add_arguments(self, parser):
        parser.add_argument("run", metavar="RUN", type=int, help="the run's number, as in the address of its page")
        parser.add_argument("--every", action="store_true", help="read all replies, also those of today's parser")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        migrated()
        run = Run.objects.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"there is no run {options['run']}")
        try:
            told = reread(run, every=options["every"])
        except ValueError as error:
            raise CommandError(f"run {run.pk}: {error}") from None
        if options["format"] == "json":
            self.stdout.write(json.dumps({"run": run.pk, **asdict(told)}))
            return
        self.stdout.write(f"{told.read:>8}  replies read again")
        self.stdout.write(f"{told.changed:>8}  verdicts changed")
        self.stdout.write(f"{told.another_prompt:>8}  left as they are: another prompt would be sent now")
        if told.composed:
            self.stdout.write(f"{told.composed:>8}  verdicts of panels and cascades composed anew")
        if told.to_compose:
            self.stdout.write(
                f"{told.to_compose:>8}  verdicts of panels and cascades set aside: the next go asks the members they wait for"
            )
