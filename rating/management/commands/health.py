"""health: what each machine judge is worth, as text, JSON or CSV."""

from __future__ import annotations

import json

from django.core.management import BaseCommand

from arena.migrating import migrated
from arena.sheets import as_csv
from rating import snapshots, worth
from rating.boards import key_of
from rating.management.commands.leaderboard import chosen_benchmark
from rating.models import Leaderboard
from rating.printing import table

HEAD = (
    "judge", "about", "category", "here", "why", "n", "alpha", "people's", "flips", "first slot", "no verdict", "longer wins",
    "own family",
)  # fmt: skip


class Command(BaseCommand):
    help = (
        "Print where each machine judge may be trusted, and its health: agreement with people, the order, failures, what it "
        "favours, cost and drift, as they were last computed."
    )

    def add_arguments(self, parser):
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--refresh", action="store_true", help="take a new snapshot first")
        parser.add_argument("--format", choices=("text", "json", "csv"), default="text")

    def handle(self, *args, **options):
        migrated()
        benchmark = chosen_benchmark(options["benchmark"])
        if options["refresh"] or not Leaderboard.objects.filter(benchmark=benchmark, snapshots__isnull=False).exists():
            snapshots.take(benchmark)
        panel = worth.judges(benchmark)
        if options["format"] == "json":
            self.stdout.write(json.dumps(panel.as_json(), ensure_ascii=False))
        elif options["format"] == "csv":
            rows = [one.flat() for one in panel.worths]
            self.stdout.write(as_csv(worth.HEAD, [[row[name] for name in worth.HEAD] for row in rows]))
        elif panel.worths:
            self.stdout.write(table(HEAD, [_cells(one) for one in sorted(panel.worths, key=_of_one_judge)]))
        else:
            self.stdout.write(f"no machine has judged {benchmark} yet")


def _of_one_judge(one: worth.Worth) -> tuple[str, str]:
    return str(one.judge), one.kind


def _cells(one: worth.Worth) -> tuple:
    row = one.flat()
    shares = ("flips", "first_slot", "mute", "longer", "own_family")
    return (
        row["judge"], row["kind"], key_of(one.category), str(one.standing.label), row["reasons"], row["people_judge_n"],
        row["people_judge_alpha"], row["people_alpha"], *(row[f"{name}_share"] for name in shares),
    )  # fmt: skip
