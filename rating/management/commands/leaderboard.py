"""leaderboard: a board on the terminal, as JSON or as CSV."""

from __future__ import annotations

import json

from django.core.management import BaseCommand, CommandError
from django.db.models import F, Max

from arena.migrating import migrated
from arena.models import Benchmark
from rating import boards, snapshots
from rating.models import Leaderboard, Rating
from rating.printing import as_csv, table

HEAD = ("rank", "range", "model", "rating", "low", "high", "n", "win rate")
FIELDS = ("rank", "rank_low", "rank_high", "model", "rating", "low", "high", "n", "win_rate")


def chosen_benchmark(name: str | None) -> Benchmark:
    """The benchmark of this name (newest version), or the one that was rated last. Raises CommandError."""
    found = Benchmark.objects.all()
    if name:
        found = found.filter(name=name)
    rated = found.annotate(last=Max("leaderboard__snapshots")).order_by(F("last").desc(nulls_last=True), "-pk")
    newest = rated.first()
    if newest is None:
        there = ", ".join(sorted(set(Benchmark.objects.values_list("name", flat=True)))) or "none yet"
        raise CommandError(
            f"there is no benchmark {name!r}; there are: {there}" if name else "there is no benchmark yet: load one"
        )
    return newest


class Command(BaseCommand):
    help = "Print a leaderboard as it was last rated; --refresh rates what has come since."

    def add_arguments(self, parser):
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--category", metavar="C", default="all")
        parser.add_argument(
            "--source",
            default=Rating.ALL,
            help="people, judges, all, calibrated (people, helped by judges), or judge:NAME (default: all)",
        )
        parser.add_argument(
            "--method", choices=Rating.Method.values, help="default: bt, or score where there are no pairs"
        )
        parser.add_argument("--refresh", action="store_true", help="take a new snapshot first")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        migrated()
        benchmark = chosen_benchmark(options["benchmark"])
        if options["refresh"] or not Leaderboard.objects.filter(benchmark=benchmark, snapshots__isnull=False).exists():
            snapshots.take(benchmark)
        snapshot = boards.latest(benchmark)
        method = options["method"] or boards.choices(snapshot).method(options["source"])
        try:
            board = boards.board(benchmark, category=options["category"], source=options["source"], method=method)
        except boards.NoSuchBoard as error:
            raise CommandError(str(error)) from None
        self._check(options["source"], snapshot, board)
        self.stdout.write(self._told(board, options["format"]))

    @staticmethod
    def _check(source: str, snapshot, board) -> None:
        known = sorted({held for held, _, _ in boards.choices(snapshot).held})
        if not board.rows and source not in (*boards.SOURCES, *known):
            raise CommandError(f"there is no source {source!r}; there are: {', '.join(known) or 'none'}")

    @staticmethod
    def _told(board: boards.Board, form: str) -> str:
        told = board.as_json()
        if form == "json":
            return json.dumps(told, ensure_ascii=False)
        if form == "csv":
            return as_csv(FIELDS, [[row[name] for name in FIELDS] for row in told["rows"]])
        rows = [
            (line.rating.rank, line.ranks, line.rating.model.name, line.rating.rating, line.rating.low, line.rating.high,
             line.rating.n, line.rating.win_rate)
            for line in board.lines
        ]  # fmt: skip
        title = (
            f"{told['benchmark']} · {told['category']} · votes: {told['source']} · {told['method']} · n = {told['n']}"
        )
        parts = [title + (" · DEMO DATA" if board.benchmark.is_demo else ""), ""]
        parts.append(table(HEAD, rows) if rows else "nothing has been rated this way")
        parts += [f"note: {note}" for note in board.notes]
        parts += [f"left out: {n} {reason}" for reason, n in board.left_out]
        return "\n".join(parts)
