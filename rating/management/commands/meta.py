"""meta: judges compared with people on the same pairs, with the policy for ties, flips and unread replies printed."""

from __future__ import annotations

import json

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from rating.management.commands.leaderboard import chosen_benchmark
from rating.meta import FLIPS, LEAVE_OUT, UNREAD, WRONG, Policy, compare
from rating.printing import as_csv, table

FIELDS = (
    "judge", "category", "agreement", "low", "high", "n", "no_ties", "n_no_ties", "kappa", "consistency", "n_both",
    "n_flipped", "n_failed",
)  # fmt: skip
HEAD = (
    "judge", "category", "agreement", "low", "high", "n", "no ties", "n", "kappa", "consistency", "n", "flips", "failed",
)  # fmt: skip


class Command(BaseCommand):
    help = "Compare each machine judge with the people who judged the same pairs: agreement, Cohen's κ, consistency of both orders."

    def add_arguments(self, parser):
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--judge", metavar="NAME", help="this one alone")
        parser.add_argument(
            "--flips", choices=FLIPS, default=WRONG, help="a verdict that changes with the order (default: wrong)"
        )
        parser.add_argument("--unread", choices=UNREAD, default=LEAVE_OUT, help="a reply that could not be read")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        migrated()
        policy = Policy(flips=options["flips"], unread=options["unread"])
        rows = [
            row.as_json()
            for row in compare(chosen_benchmark(options["benchmark"]), judge=options["judge"], policy=policy)
        ]
        if options["judge"] and not rows:
            raise CommandError(f"no judge {options['judge']!r} has judged pairs here that people agree on")
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        cells = [[row[name] for name in FIELDS] for row in rows]
        if options["format"] == "csv":
            self.stdout.write(as_csv(FIELDS, cells))
        elif rows:
            self.stdout.write(table(HEAD, [[row[0], row[1] or "all", *row[2:]] for row in cells]))
            self.stdout.write(f"policy: {policy}")
        else:
            self.stdout.write("no machine has judged a pair here that people agree on")
