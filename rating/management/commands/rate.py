"""rate FILE: a published battle file rated on the spot, without a database."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from rating import stats
from rating.files import BadFile, read
from rating.files.boards import ALL, METHODS, FileBoard, How, board
from rating.printing import as_csv, table
from rating.words import in_words

HEAD = ("rank", "range", "model", "rating", "low", "high", "n", "win rate")
FIELDS = ("rank", "rank_low", "rank_high", "model", "rating", "low", "high", "n", "win_rate")
JUDGE = "judge:"


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


class Command(BaseCommand):
    help = (
        "Rate a file of battles without touching the database: CSV, JSON lines, JSON (each also as .gz) or Parquet with "
        "the columns model_a, model_b and winner (model_a, model_b, tie, tie (bothbad), or A>>B to B>>A); it may have "
        "judge, question_id, category, tstamp, anony, and pairs of numbers such as length_a and length_b."
    )
    requires_system_checks: list = []
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--group", metavar="COLUMN", help="one more board for each value of this column")
        parser.add_argument("--method", choices=tuple(METHODS), default="bt", help="default: bt, Bradley–Terry")
        parser.add_argument("--source", type=source, default=ALL, help="all, or judge:NAME by the column judge")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")
        parser.add_argument("--anonymous-only", action="store_true", help="only rows whose column anony is true")
        parser.add_argument("--k", type=float, default=32.0, help="Elo's K (default: 32)")
        parser.add_argument("--level", type=float, default=0.95, help="of the intervals, as a share (default: 0.95)")
        parser.add_argument(
            "--anchor", type=anchor, metavar="MODEL=RATING", help="move the scale so that MODEL has RATING"
        )
        parser.add_argument(
            "--clustered",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="battles on one question are not independent (the default where the file names questions)",
        )
        parser.add_argument(
            "--cluster", metavar="COLUMN", help="the column that names the question (default: question_id, question)"
        )
        parser.add_argument(
            "--strong", type=int, choices=(1, 3), default=1, help="how much a much better answer counts (default: 1)"
        )
        parser.add_argument(
            "--rank-rule",
            choices=("difference", "overlap"),
            default="difference",
            help="ranks from intervals of differences (default), or from intervals that do not overlap",
        )

    def handle(self, *args, **options):
        how = How(
            method=options["method"],
            source=options["source"],
            level=options["level"],
            k=options["k"],
            anchor=options["anchor"],
            clustered=options["clustered"],
            strong=options["strong"],
            rule=options["rank_rule"],
        )
        path = options["file"]
        try:
            file = read(
                path,
                anonymous_only=options["anonymous_only"],
                judge=how.source.removeprefix(JUDGE) if how.source != ALL else None,
                group=options["group"],
                cluster=options["cluster"],
                style=how.method == "style",
                in_order=how.method == "elo",
            )
            found = board(file, how)
        except BadFile as error:
            raise CommandError(str(error), returncode=2) from None
        except stats.StatsError as error:
            raise CommandError(f"{path}: {error}", returncode=2) from None
        self._tell(found, options["format"])

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
    parts += [f"note: {in_words(note)}" for note in one.notes]
    return "\n".join(parts)


def _range(row: dict) -> str:
    if row["rank"] is None or row["rank_low"] == row["rank_high"]:
        return str(row["rank_low"] or "—")
    return f"{row['rank_low']}–{row['rank_high']}"
