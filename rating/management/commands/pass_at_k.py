"""pass_at_k: how likely one of k answers of a model passes its tests, from those that were run."""

from __future__ import annotations

import json

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from arena.sheets import as_csv
from rating.management.commands.leaderboard import chosen_benchmark
from rating.pass_rates import KS, pass_rates
from rating.printing import table

HEAD = ("judge", "model", "category", "k", "pass@k", "low", "high", "questions", "answers")
FIELDS = ("judge", "model", "category", "k", "rate", "low", "high", "questions", "answers")


class Command(BaseCommand):
    help = "Print pass@k of each model, by category, from the judges of kind python_tests (runs in mode single)."

    def add_arguments(self, parser):
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--k", type=int, nargs="+", default=list(KS), help="how many answers (default: 1 5 10)")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        migrated()
        try:
            rates = pass_rates(chosen_benchmark(options["benchmark"]), ks=options["k"])
        except ValueError as error:
            raise CommandError(f"--k: {error}") from None
        self.stdout.write(_told([rate.as_json() for rate in rates], options["format"]))


def _told(rows: list[dict], form: str) -> str:
    if form == "json":
        return json.dumps(rows, ensure_ascii=False)
    cells = [[row[name] for name in FIELDS] for row in rows]
    if form == "csv":
        return as_csv(FIELDS, cells)
    if not rows:
        return "no answer has been tested: a run in mode single with a judge of kind python_tests does it"
    return table(HEAD, [["all" if name is None else name for name in row[:3]] + row[3:] for row in cells])
