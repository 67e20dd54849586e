"""agree FILE: how far the votes of a file agree, without a database.

manage.py agree votes.csv --values 3                          words, of which there may be three
manage.py agree votes.jsonl.gz --level ordinal --by category  marks in an order, a row for each category
manage.py agree votes.parquet --annotators --format json      who stands apart from the others
manage.py agree pairs.csv --values 3 --tie tie                the share without ties too
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from arena.sheets import as_csv
from rating.files import read_votes
from rating.files.agreement import FEW, FileAgreement, agreement
from rating.management.commands.rate import FileCommand, refused
from rating.printing import progress, table
from rating.words import in_words

HEAD = ("category", "judges", "n", "raw", "kappa", "alpha", "low", "high", "note")
ONES = ("annotator", "votes", "shared", "agreement", "low", "high", "severity", "drift", "pace", "flags")


def several(text: str) -> int:
    """A number of values that leaves a choice."""
    if text.isdecimal() and int(text) >= 2:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2")


class Command(FileCommand):
    help = (
        "Say how far the votes in a file agree, without touching the database.\n\n"
        "FILE is CSV, JSON lines or JSON (each also as .gz) or Parquet. Columns: item, annotator (or judge, or worker)\n"
        "and value. It may have category, question_id (or question, or cluster), so that questions are what varies and\n"
        "not items, and time (or tstamp). A file that cannot be used is one line and exit code 2."
    )

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
        parser.add_argument(
            "--tie", metavar="VALUE", help="the value that decides nothing: the share without it is told too"
        )
        parser.add_argument("--by", choices=("category",), help="a row for each category too")
        parser.add_argument("--annotators", action="store_true", help="a row for each annotator too")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        path, level, values = options["file"], options["level"], options["values"]
        with refused(path):
            with progress(self.stderr, "rows read") as seen:
                file = read_votes(path, level=level, values=values, category=options["by"] == "category", seen=seen)
            found = agreement(file, values=values, tie=options["tie"], annotators=options["annotators"])
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
    rows = [[_note(row) if name == "note" else row[name] for name in HEAD] for row in found.rows]
    parts = [table(HEAD, rows)]
    if found.annotators is not None:
        parts += ["", table(ONES, [[_cell(row[name]) for name in ONES] for row in found.annotators])]
    return "\n".join([*parts, *(f"note: {note}" for note in found.notes)])


def _note(row: dict) -> str:
    return f"few items: about {row['wanted']} more are needed" if row["note"] == FEW else in_words(row["note"])


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
