"""gate MODEL --profile P: whether a model passes a profile's gates; the exit code says it too."""

from __future__ import annotations

import json
import sys

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from rating.gates import Gates, Outcome
from rating.models import Profile
from rating.printing import table
from rating.reporting.building import report_of
from rating.reporting.gating import NoSuchModel, gates_of, model_called
from rating.reporting.report import BASES, WEIGHTED

CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.NOT_ENOUGH_DATA: 2}
WRONG = 3
"""What was asked for is not there: no outcome at all."""


class Command(BaseCommand):
    help = "Hold a model against a profile's gates. Exit code 0: PASS, 1: FAIL, 2: NOT ENOUGH DATA, 3: no such model or profile."

    def create_parser(self, prog_name, subcommand, **fields):
        """A parser in which --version is the model's, and not Django's own."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **fields)

    def add_arguments(self, parser):
        parser.add_argument("model", metavar="MODEL", help="its name")
        parser.add_argument("--profile", required=True, metavar="P", help="whose gates apply")
        parser.add_argument(
            "--version", dest="model_version", default="", metavar="V", help="of the model, where there are several"
        )
        parser.add_argument(
            "--basis", choices=BASES, default=WEIGHTED, help="of totals over categories (default: weighted_avg)"
        )
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args, **options):
        migrated()
        try:
            model = model_called(options["model"], options["model_version"])
        except NoSuchModel as error:
            raise CommandError(str(error), returncode=WRONG) from None
        profile = Profile.objects.filter(name=options["profile"]).first()
        if profile is None:
            there = ", ".join(Profile.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"there is no profile {options['profile']!r}; there are: {there}", returncode=WRONG)
        found = gates_of(model, profile, report=report_of(model, basis=options["basis"]))
        self.stdout.write(_told(f"{model.name} {model.version}", found, options["format"]))
        if CODES[found.outcome]:
            sys.exit(CODES[found.outcome])


def _told(name: str, found: Gates, form: str) -> str:
    if form == "json":
        return json.dumps({"model": name, **found.as_json()}, ensure_ascii=False)
    rows = [(row.name, row.outcome.value, row.reason) for row in found.rows]
    lines = [f"{name} · profile {found.profile} · {found.outcome.value}"]
    return "\n".join([*lines, "", table(("gate", "outcome", "why"), rows) if rows else "the profile has no gates"])
