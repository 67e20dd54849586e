"""evaluate CONFIG.yaml: answers, judgments and ratings as a recipe says, resumed where they stopped."""

from __future__ import annotations

import json
import time
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.db import transaction

from arena.loading import BadInput, Report
from arena.migrating import migrated
from arena.stopping import ctrl_c
from judging.estimating import estimate
from judging.models import Run
from judging.preparing import prepare
from judging.progress import Line, Progress, progress, without_verdict
from judging.recipes import Recipe, read_recipe
from judging.running import cancel, carry_out_in_turn, retry_failed
from rating import boards, snapshots
from rating.printing import table

STAGES = ("answers", "judgments", "ratings")
EVERY = 2.0  # seconds between progress lines


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
        try:
            recipe = read_recipe(options["config"])
            if options["estimate"]:
                self._estimate(recipe, options)
            else:
                self._carry_out(recipe, options)
        except BadInput as error:
            raise CommandError(f"{error}\nnothing was written") from None
        except KeyboardInterrupt:
            raise CommandError("stopped: what was saved stays; `evaluate` again goes on", returncode=130) from None

    def _estimate(self, recipe: Recipe, options: dict) -> None:
        """Everything is prepared as for the run, counted, and taken back."""
        with transaction.atomic():
            run = prepare(recipe, Report(), dry_run=options["dry_run"], limit=options["limit"], stages=())
            told = estimate(run).as_json()
            transaction.set_rollback(True)
        if options["format"] == "json":
            self.stdout.write(json.dumps(told))
            return
        rows = [(row["judge"], row["calls"], row["tokens_in"], row["cost"]) for row in told["judges"]]
        self.stdout.write(f"answers still to collect: {told['answers']} ({told['answer_calls']} calls)")
        self.stdout.write(table(("judge", "calls", "tokens in (about)", "cost of prompts"), rows))
        self.stdout.write("nothing was written")

    def _carry_out(self, recipe: Recipe, options: dict) -> None:
        report = Report()
        stages = tuple(stage for stage in recipe.stages if options["stage"] in (stage, "all"))
        run = prepare(recipe, report, dry_run=options["dry_run"], limit=options["limit"], stages=stages)
        self._quiet = options["format"] == "json"
        for note in (*recipe.notes, *report.notes):
            self._say(f"note: {note}")
        if options["retry_failed"]:
            self._say(f"{retry_failed(run)} failed before and are asked again")
        if asked := tuple(stage for stage in stages if stage != "ratings"):
            self._work(run, asked)
        snapshot = None
        if "ratings" in stages:
            snapshot = snapshots.take(run.benchmark)
        self._tell(run, snapshot, options)

    def _work(self, run: Run, stages: tuple[str, ...]) -> None:
        before = self._counts(run)
        run.enqueue(stages=stages)
        self._last = time.monotonic()
        try:
            with ctrl_c() as self._heard:
                carry_out_in_turn(run, stages=stages, watch=self._watch, waiting=self._say)
        except KeyboardInterrupt:
            if run.status == Run.Status.QUEUED:  # ours: a person stopped it, and no worker of `up` is to go on
                cancel(run)
            raise
        if self._counts(run) == before:
            self._say("nothing was missing: nobody was asked")
        kept = "what was saved stays; `evaluate` again goes on"
        if run.status == Run.Status.FAILED:
            raise CommandError(f"run {run.pk} stopped: {run.error}\n{kept}")
        if run.status != Run.Status.DONE and "judgments" in stages:
            raise CommandError(f"run {run.pk} is {run.get_status_display()}, not done: {kept}")
        if run.status not in (Run.Status.DONE, Run.Status.DRAFT):
            raise CommandError(f"run {run.pk} is {run.get_status_display()}: {kept}")

    @staticmethod
    def _counts(run: Run) -> tuple:
        now = progress(run)
        return now.answers, now.lines

    def _watch(self, run: Run) -> None:
        self._heard()
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        now = progress(run)
        for line in _all_lines(now):
            self._say(f"{line.label}: {line.done} of {line.total}" + without_verdict(line, now.skips))

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.stdout.write(text)

    def _tell(self, run: Run, snapshot, options: dict) -> None:
        now = progress(run)
        method = boards.choices(snapshot).method("all")
        board = boards.board(run.benchmark, method=method) if snapshot else None
        if options["format"] == "json":
            told = {
                "run": run.pk,
                "status": run.status,
                "judges": [
                    {"judge": line.label, "done": line.done, "failed": line.failed, "total": line.total}
                    for line in now.lines
                ],
                "failures": now.failures,
                "skips": now.skips,
                "leaderboard": board.as_json() if board else None,
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        if now.lines:
            rows = [(line.label, line.done, line.failed, line.skipped, line.total) for line in _all_lines(now)]
            self.stdout.write(table(("who", "done", "failed", "skipped", "of"), rows))
        for failure in (*now.failures, *now.skips):
            self.stdout.write(f"{failure['n']} × {failure['status']} by {failure['judge']}: {failure['error']}")
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


def _all_lines(now: Progress) -> list[Line]:
    """The line of the answers, where the run collects them, and those of the judges."""
    return [*([now.answers] if now.answers else []), *now.lines]
