"""agreement: how far people and judges agree, on the terminal, as JSON or as CSV."""

from __future__ import annotations

import json

from django.core.management import BaseCommand

from arena.migrating import migrated
from arena.sheets import as_csv
from rating import boards, snapshots
from rating.management.commands.leaderboard import chosen_benchmark
from rating.models import Leaderboard
from rating.printing import table

BETWEEN = ("people", "people_judge", "judges")
WITH_ITSELF = ("orders", "flips", "first_slot")


class Command(BaseCommand):
    help = "Print the agreement among people, of people with judges and between judges, as it was last computed."

    def add_arguments(self, parser):
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--by", choices=("category",), help="a row for each category too")
        parser.add_argument(
            "--consistency", action="store_true", help="of each judge with itself instead: orders, first slot"
        )
        parser.add_argument("--refresh", action="store_true", help="take a new snapshot first")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        migrated()
        benchmark = chosen_benchmark(options["benchmark"])
        if options["refresh"] or not Leaderboard.objects.filter(benchmark=benchmark, snapshots__isnull=False).exists():
            snapshots.take(benchmark)
        found = boards.agreement_rows(benchmark)
        relations = WITH_ITSELF if options["consistency"] else BETWEEN
        rows = [row for row in found.of(*relations) if options["by"] or row.category_id is None]
        chosen = boards.Agreements(benchmark, found.snapshot, rows)
        if options["format"] == "json":
            self.stdout.write(json.dumps(chosen.as_json(), ensure_ascii=False))
            return
        if options["format"] == "csv":
            told = chosen.as_json()["rows"]
            names = ("category", "judges", *boards.NUMBERS)
            self.stdout.write(as_csv(names, [[row[name] for name in names] for row in told]))
            return
        head = ("category", "judges", "about", "n", "raw", "kappa", "alpha", "low", "high", "note")
        cells = [
            (boards.key_of(row.category), row.judges, f"{row.kind}, {row.relation}", row.n, row.raw, row.kappa, row.alpha,
             row.low, row.high, row.note)
            for row in rows
        ]  # fmt: skip
        self.stdout.write(table(head, cells) if cells else f"nobody has judged the same item of {benchmark} twice yet")
