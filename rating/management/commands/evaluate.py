"""evaluate CONFIG.yaml: answers, judgments and ratings as a recipe says, resumed where they stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from arena.loading import BadInput
from arena.migrating import migrated
from judging.awaited import loaded_for
from judging.models import Run
from judging.progress import Line, Progress, progress, without_verdict
from judging.purse import spent
from rating.evaluating import STAGES, Outcome, Unfinished, estimated, run
from rating.printing import table

EVERY = 2.0  # seconds between progress lines
LULL = 30.0  # seconds after which what has not changed is told again, then after twice as many, and so on


class Command(BaseCommand):
    help = (
        "Carry out a recipe: load its files, collect missing answers, make missing judgments, rate. "
        "Again does only what is missing. Ours and llmuses's YAML are both understood."
    )

    def add_arguments(self, parser):
        parser.add_argument("config", metavar="CONFIG.yaml", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="random verdicts, nobody is called, nothing counts")
        parser.add_argument("--estimate", action="store_true", help="say how many calls it would take; write nothing")
        parser.add_argument("--limit", type=int, metavar="N", help="the first N questions only")
        parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
        parser.add_argument("--retry-failed", action="store_true", help="judge again what failed before")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        migrated()
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit: is below 1")
        self._quiet, self._last, self._news = options["format"] == "json", time.monotonic(), News()
        try:
            if options["estimate"]:
                self._estimate(options)
            else:
                self._carry_out(options)
        except BadInput as error:
            raise CommandError(f"{error}\nnothing was written") from None
        except Unfinished as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("stopped: what was saved stays; `evaluate` again goes on", returncode=130) from None

    def _estimate(self, options: dict) -> None:
        told = estimated(options["config"], dry_run=options["dry_run"], limit=options["limit"])
        if self._quiet:
            self.stdout.write(json.dumps(told.as_json()))
            return
        for note in told.notes:
            self.stdout.write(f"note: {note}")
        rows = [
            (bill.judge, bill.calls, bill.calls_at_most, bill.cached, bill.tokens_in, bill.cost) for bill in told.judges
        ]
        self.stdout.write(f"answers still to collect: {told.answers} ({told.answer_calls} calls)")
        header = ("judge", "calls", "at most", "on record", "tokens in (about)", "cost of prompts")
        self.stdout.write(table(header, rows))
        self.stdout.write("nothing was written")

    def _carry_out(self, options: dict) -> None:
        stages = STAGES if options["stage"] == "all" else (options["stage"],)
        outcome = run(
            options["config"],
            dry_run=options["dry_run"],
            limit=options["limit"],
            stages=stages,
            retry=options["retry_failed"],
            watch=self._watch,
            say=self._say,
        )
        if self._quiet:
            self.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False))
        else:
            self._tell(outcome, options)
        now = outcome.progress
        if now.failed and not now.done and "judgments" in stages:
            raise CommandError(f"run {outcome.run.pk}: no verdict could be had; `--retry-failed` asks again")

    def _watch(self, run: Run) -> None:
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        now = progress(run)
        loads = loaded_for(run)
        lines = [
            f"{line.label}: {line.done} of {line.total}" + without_verdict(line, now.skips) for line in _all_lines(now)
        ]
        for text in self._news.of([*lines, *([f"loading the weights of {', '.join(loads)}"] if loads else [])]):
            self._say(text)

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.stdout.write(text)
            self.stdout.flush()  # into a file, too, progress comes while it is news

    def _tell(self, outcome: Outcome, options: dict) -> None:
        now, board = outcome.progress, outcome.board
        if now.lines:
            rows = [(line.label, line.done, line.failed, line.skipped, line.total) for line in _all_lines(now)]
            self.stdout.write(table(("who", "done", "failed", "skipped", "of"), rows))
        for failure in (*now.failures, *now.skips):
            self.stdout.write(f"{failure['n']} × {failure['status']} by {failure['judge']}: {failure['error']}")
        if now.failed:
            self.stdout.write("`--retry-failed` asks again for what failed")
        paid = spent(outcome.run)
        self.stdout.write(f"run {outcome.run.pk}" + (f", spent on judges: {paid:.4f}" if paid else ""))
        if board:
            rows = [
                (
                    line.ranks,
                    line.rating.model.name,
                    line.rating.rating,
                    line.rating.low,
                    line.rating.high,
                    line.rating.n,
                )
                for line in board.lines
            ]
            self.stdout.write("\n" + table(("rank", "model", "rating", "low", "high", "n"), rows))
        elif options["dry_run"]:
            self.stdout.write("a dry run: its verdicts are random, and no rating reads them")


class News:
    """Lines of progress as they are told on a terminal: what is new, and what has not changed more and more seldom."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: list[str] = []
        self._since = self._due = clock()
        self._pause = LULL

    def of(self, lines: list[str]) -> list[str]:
        """Those of these lines to be told now; where nothing has changed for long, all of them and for how long."""
        at = self._clock()
        if fresh := [line for line in lines if line not in self._told]:
            self._told, self._since, self._pause = lines, at, LULL
            self._due = at + LULL
            return fresh
        if at < self._due:
            return []
        self._pause *= 2
        self._due = at + self._pause
        return [f"{line}, as it was {at - self._since:.0f} s ago" for line in lines]


def _all_lines(now: Progress) -> list[Line]:
    """The line of the answers, where the run collects them, and those of the judges."""
    return [*([now.answers] if now.answers else []), *now.lines]
