"""rate FILE: a published battle file rated on the spot, without a database.

manage.py rate battles.csv                                      Bradley–Terry, intervals by question
manage.py rate battles.jsonl.gz --group category --format json  one more board for each category
manage.py rate battles.parquet --style length,bold              length and bold held equal
manage.py rate battles.json --method elo --anonymous-only       as the table of May 2023 was made
manage.py rate battles.csv --method win_rate --baseline gpt-4   as AlpacaEval and Arena-Hard report it
"""

from __future__ import annotations

import argparse
import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import DjangoHelpFormatter

from arena.sheets import as_csv
from rating import stats
from rating.files import BadFile, read
from rating.files.boards import FileBoard, board
from rating.files.methods import ALL, METHODS, How
from rating.printing import progress, shown, table
from rating.words import in_words

HEAD = ("rank", "range", "model", "rating", "low", "high", "n", "win rate")
FIELDS = ("rank", "rank_low", "rank_high", "model", "rating", "low", "high", "n", "win_rate")
JUDGE = "judge:"


class Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's help, with the examples as they stand."""


class FileCommand(BaseCommand):
    """A command on a file, which touches no database; its help ends with the examples of its module."""

    requires_system_checks: list = []
    requires_migrations_checks = False

    def create_parser(self, prog_name, subcommand, **kwargs):
        _, _, examples = (sys.modules[type(self).__module__].__doc__ or "").partition("\n\n")
        told = {"epilog": "examples:\n" + indent(dedent(examples), "  "), "formatter_class": Formatter}
        return super().create_parser(prog_name, subcommand, **told, **kwargs)


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """A file that cannot be used ends the command with one line and exit code 2."""
    try:
        yield
    except BadFile as error:
        raise CommandError(str(error), returncode=2) from None
    except stats.StatsError as error:
        raise CommandError(f"{path}: {error}", returncode=2) from None


def anchor(text: str) -> tuple[str, float]:
    """MODEL=RATING as a pair; the model's name may hold an = itself."""
    model, _, rating = text.rpartition("=")
    try:
        pair = model, float(rating)
    except ValueError:
        pair = "", 0.0
    if not pair[0]:
        raise argparse.ArgumentTypeError(f"{text!r} is not MODEL=RATING")
    return pair


def source(text: str) -> str:
    """A source that a file can have: it does not say who is a person."""
    if text == ALL or text.removeprefix(JUDGE) not in ("", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is neither {ALL} nor {JUDGE}NAME")


def share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if 0 < value < 1:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")


def draws(text: str) -> int:
    """How often battles are drawn: twice or more, or there is no interval."""
    if text.isdecimal() and int(text) >= 2:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2")


def features(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


class Command(FileCommand):
    help = (
        "Rate a file of battles without touching the database.\n\n"
        "FILE is CSV, JSON lines or JSON (each also as .gz) or Parquet. Columns: model_a, model_b and winner,\n"
        "which is model_a, model_b, tie, tie (bothbad) or both_bad, or A>>B, A>B, A=B, B>A, B>>A. It may have\n"
        "judge, question_id (or question), tstamp, anony, category or any other to group by, and pairs of\n"
        "numbers such as length_a and length_b for style. A file that cannot be used is one line and exit code 2."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--method",
            choices=tuple(METHODS),
            help="bt: Bradley–Terry, a tie is half a win (default); elo: in the order of tstamp; style: bt with style held "
            "equal; davidson, rao_kupper: a tie is an outcome of its own; win_rate",
        )
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")
        self._which_battles(parser.add_argument_group("which battles"))
        self._of_methods(parser.add_argument_group("for some methods"))
        self._of_intervals(parser.add_argument_group("intervals and ranks"))

    @staticmethod
    def _which_battles(group):
        group.add_argument("--group", metavar="COLUMN", help="one more board for each value of this column")
        group.add_argument("--source", type=source, default=ALL, help="all, or judge:NAME by the column judge")
        group.add_argument("--anonymous-only", action="store_true", help="only rows whose column anony is true")

    @staticmethod
    def _of_methods(group):
        group.add_argument("--k", type=float, default=32.0, help="Elo's K (default: 32)")
        group.add_argument(
            "--style",
            type=features,
            metavar="NAMES",
            help="length,bold … : what to hold equal (default: all there are)",
        )
        group.add_argument(
            "--centred",
            action="store_true",
            help="hold style equal at the average difference of the two sides, not at none",
        )
        group.add_argument("--baseline", metavar="MODEL", help="win rates against this model only")
        group.add_argument(
            "--anchor", type=anchor, metavar="MODEL=RATING", help="move the scale so that MODEL has RATING"
        )
        group.add_argument(
            "--strong", type=int, choices=(1, 3), default=1, help="how much a much better answer counts (default: 1)"
        )

    @staticmethod
    def _of_intervals(group):
        group.add_argument("--level", type=share, default=0.95, help="of the intervals, as a share (default: 0.95)")
        group.add_argument(
            "--clustered",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="battles on one question are not independent (the default where the file names questions)",
        )
        group.add_argument(
            "--cluster", metavar="COLUMN", help="the column that names the question (default: question_id, question)"
        )
        group.add_argument(
            "--bootstrap",
            type=draws,
            default=0,
            metavar="N",
            help="intervals from N draws of the questions or battles (bt)",
        )
        group.add_argument(
            "--rank-rule",
            choices=("difference", "overlap"),
            default="difference",
            help="ranks from intervals of differences (default), or from intervals that do not overlap, as for elo and win_rate",
        )

    def handle(self, *args, **options):
        path, how = options["file"], self._how(options)
        try:
            how.check()
        except stats.StatsError as error:
            raise CommandError(str(error), returncode=2) from None
        with refused(path):
            with progress(self.stderr, "rows read") as seen:
                file = read(
                    path,
                    anonymous_only=options["anonymous_only"],
                    judge=how.source.removeprefix(JUDGE) if how.source != ALL else None,
                    group=options["group"],
                    cluster=options["cluster"],
                    style=(options["style"] or ()) if how.method == "style" else None,
                    in_order=how.method == "elo",
                    seen=seen,
                )
            found = board(file, how)
        self._tell(found, options["format"])

    @staticmethod
    def _how(options) -> How:
        method = options["method"] or ("style" if options["style"] else "win_rate" if options["baseline"] else "bt")
        if options["style"] and method != "style":
            raise CommandError(f"--style goes with method style, not {method}", returncode=2)
        return How(
            method=method,
            source=options["source"],
            level=options["level"],
            k=options["k"],
            anchor=options["anchor"],
            baseline=options["baseline"],
            clustered=options["clustered"],
            centred=options["centred"],
            strong=options["strong"],
            draws=options["bootstrap"],
            rule=options["rank_rule"],
        )

    def _tell(self, found: FileBoard, form: str) -> None:
        boards = [found, *(found.groups or ())]
        if form == "table":
            self.stdout.write("\n\n".join(map(_table, boards)))
            return
        if form == "json":
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
        else:
            self.stdout.write(_csv(boards, grouped=found.groups is not None))
        for one in boards:
            for note in one.notes:
                self.stderr.write(f"note: {one.category}: {in_words(note)}")


def _csv(boards: list[FileBoard], *, grouped: bool) -> str:
    head = ("category", *FIELDS) if grouped else FIELDS
    cells = [{"category": one.category, **row} for one in boards for row in one.rows]
    return as_csv(head, [[row[name] for name in head] for row in cells])


def _table(one: FileBoard) -> str:
    told = one.as_json()
    parts = [
        f"{told['benchmark']} · {told['category']} · votes: {told['source']} · {told['method']} · n = {told['n']}",
        "",
    ]
    rows = [(row["rank"], _range(row), *(row[name] for name in FIELDS[3:])) for row in one.rows]
    parts.append(table(HEAD, rows) if rows else "nothing could be rated this way")
    parts += [_said(name, more) for name, more in one.more.items()]
    parts += [f"note: {in_words(note)}" for note in one.notes]
    return "\n".join(parts)


def _said(name: str, more: Any) -> str:
    """What the method says beside the ratings: a table, or a line."""
    if isinstance(more, list):
        return "\n" + table([key.replace("_", " ") for key in more[0]], [list(row.values()) for row in more]) + "\n"
    return f"{name}: " + ", ".join(f"{key.replace('_', ' ')} {shown(value)}" for key, value in more.items())


def _range(row: dict) -> str:
    if row["rank"] is None or row["rank_low"] == row["rank_high"]:
        return str(row["rank_low"] or "—")
    return f"{row['rank_low']}–{row['rank_high']}"
