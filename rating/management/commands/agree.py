"""agree FILE: how far the votes of a file agree, without a database."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from rating import stats
from rating.files import BadFile, read_votes
from rating.files.agreement import FileAgreement, agreement
from rating.printing import as_csv, table
from rating.words import in_words

HEAD = ("category", "judges", "n", "raw", "kappa", "alpha", "low", "high", "note")
ONES = ("annotator", "votes", "shared", "agreement", "low", "high", "severity", "drift", "pace", "flags")


def several(text: str) -> int:
    """A number of values that leaves a choice."""
    if text.isdecimal() and int(text) >= 2:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2")


class Command(BaseCommand):
    help = (
        "Print the agreement of the votes in a file without touching the database: CSV, JSON lines, JSON (each also as "
        ".gz) or Parquet with the columns item, annotator (or judge, or worker) and value; it may have category, "
        "question_id (or question, or cluster) and time (or tstamp)."
    )
    requires_system_checks: list = []
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--level",
            choices=("nominal", "ordinal", "interval"),
            default="nominal",
            help="what the values are: words (default), numbers in an order, or numbers on a scale",
        )
        parser.add_argument(
            "--values", type=several, metavar="N", help="how many values there may be (default: those that occur)"
        )
        parser.add_argument("--by", choices=("category",), help="a row for each category too")
        parser.add_argument("--annotators", action="store_true", help="a row for each annotator too")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        path, level, values = options["file"], options["level"], options["values"]
        try:
            file = read_votes(path, level=level, values=values, category=options["by"] == "category")
            found = agreement(file, values=values, annotators=options["annotators"])
        except BadFile as error:
            raise CommandError(str(error), returncode=2) from None
        except stats.StatsError as error:
            raise CommandError(f"{path}: {error}", returncode=2) from None
        if options["format"] == "table":
            self.stdout.write(_table(found))
            return
        told = json.dumps(found.as_json(), ensure_ascii=False) if options["format"] == "json" else _csv(found)
        self.stdout.write(told)
        for note in found.notes:
            self.stderr.write(f"note: {note}")


def _csv(found: FileAgreement) -> str:
    """The annotators where they were asked for, else the rows of agreement: a CSV is one table."""
    rows = found.rows if found.annotators is None else found.annotators
    head = list(rows[0])
    return as_csv(head, [[_cell(row[name]) for name in head] for row in rows])


def _table(found: FileAgreement) -> str:
    rows = [[in_words(row[name]) if name == "note" else row[name] for name in HEAD] for row in found.rows]
    parts = [table(HEAD, rows)]
    if found.annotators is not None:
        parts += ["", table(ONES, [[_cell(row[name]) for name in ONES] for row in found.annotators])]
    return "\n".join([*parts, *(f"note: {note}" for note in found.notes)])


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
