"""leaderboard: a board on the terminal, as JSON, or as a file such as the page offers."""

from __future__ import annotations

import json
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.db.models import F, Max

from arena.migrating import migrated
from arena.models import Benchmark
from arena.sheets import as_csv
from rating import board_files, boards, snapshots
from rating.models import Leaderboard, Rating
from rating.printing import table
from rating.win_rate import METHOD as WIN_RATE
from rating.win_rate import NoBaseline, WinRates, win_rates

HEAD = ("rank", "range", "model", "rating", "low", "high", "n", "failed", "win rate")
FIELDS = ("rank", "rank_low", "rank_high", "model", "rating", "low", "high", "n", "n_failed", "win_rate")
WHOLE_FILES = ("txt", "md", "parquet")
WON_HEAD = ("model", "win rate", "low", "high", "error", "won", "lost", "drawn", "n", "failed")
WON = ("model", "win_rate", "low", "high", "standard_error", "n_wins", "n_wins_base", "n_draws", "n", "n_failed")


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
            "--method",
            choices=(*Rating.Method.values, WIN_RATE),
            help="default: bt, or score where there are no pairs; win_rate: how often each model beats the baseline, "
            "from the judgments as they are now",
        )
        parser.add_argument(
            "--baseline", metavar="MODEL", help="for win_rate (default: the one of the runs against a baseline)"
        )
        parser.add_argument("--refresh", action="store_true", help="take a new snapshot first")
        parser.add_argument("--language", default="", help="of the questions, such as zh (default: all)")
        parser.add_argument(
            "--format",
            choices=("table", "json", "csv", *WHOLE_FILES),
            default="table",
            help="txt, md and parquet hold all that the page's own files hold",
        )
        parser.add_argument("--out", metavar="FILE", help="write it there; of parquet this is needed")

    def handle(self, *args, **options):
        migrated()
        benchmark = chosen_benchmark(options["benchmark"])
        if options["method"] == WIN_RATE:
            if options["format"] in WHOLE_FILES or options["out"]:
                raise CommandError("rates of wins come as table, json or csv, on the terminal")
            self.stdout.write(self._won(benchmark, options))
            return
        if options["baseline"]:
            raise CommandError("--baseline goes with --method win_rate")
        if options["refresh"] or not Leaderboard.objects.filter(benchmark=benchmark, snapshots__isnull=False).exists():
            snapshots.take(benchmark)
        snapshot = boards.latest(benchmark)
        method = options["method"] or boards.choices(snapshot).method(options["source"])
        try:
            board = boards.board(
                benchmark,
                category=options["category"],
                source=options["source"],
                method=method,
                language=options["language"],
            )
        except boards.NoSuchBoard as error:
            raise CommandError(str(error)) from None
        self._check(options["source"], snapshot, board)
        self._write(board, options["format"], options["out"])

    def _write(self, board: boards.Board, form: str, out: str | None) -> None:
        if form == "parquet" and not out:
            raise CommandError("--format parquet needs --out FILE")
        if form in WHOLE_FILES and board.snapshot is None:
            raise CommandError("nothing has been rated yet")
        told = self._whole(board, form) if form in WHOLE_FILES else (self._told(board, form) + "\n").encode()
        if not out:
            self.stdout.write(told.decode(), ending="")
            return
        try:
            Path(out).write_bytes(told)
        except OSError as error:
            raise CommandError(f"{out}: {error.strerror}") from None

    @staticmethod
    def _whole(board: boards.Board, form: str) -> bytes:
        return board_files.FORMATS[form].write(boards.Shown(board, boards.Wanted()))

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
             line.rating.n, line.rating.n_failed, line.rating.win_rate)
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

    @staticmethod
    def _won(benchmark: Benchmark, options: dict) -> str:
        """The rates of wins against the baseline, in the format asked for. Raises CommandError."""
        try:
            found = win_rates(
                benchmark, baseline=options["baseline"], category=options["category"], source=options["source"]
            )
        except (NoBaseline, boards.NoSuchBoard) as error:
            raise CommandError(str(error)) from None
        told = found.as_json()
        if options["format"] == "json":
            return json.dumps(told, ensure_ascii=False)
        if options["format"] == "csv":
            names = (*WON, "discrete_win_rate")
            return as_csv(names, [[row[name] for name in names] for row in told["rows"]])
        return _won_for_people(found, told)


def _won_for_people(found: WinRates, told: dict) -> str:
    against = found.baseline or "several baselines"
    title = (
        f"{told['benchmark']} · {told['category']} · votes: {told['source']} · wins against {against} · n = {told['n']}"
    )
    rows = [[row[name] for name in WON] for row in told["rows"]]
    parts = [title + (" · DEMO DATA" if found.benchmark.is_demo else ""), ""]
    parts.append(table(WON_HEAD, rows) if rows else "nothing was judged against it")
    parts.append(
        "low and high are the 95 % interval; n counts questions; failed verdicts are in none of the other numbers"
    )
    if found.baselines:
        named = "; ".join(f"{key}: {model}" for key, model in found.baselines.items())
        parts.append(f"note: each question counts against the baseline of its category: {named}")
    if found.is_uneven:
        parts.append("note: the models were not judged on equally many questions")
    parts += [f"left out: {n} {reason}" for reason, n in found.left_out]
    return "\n".join(parts)
