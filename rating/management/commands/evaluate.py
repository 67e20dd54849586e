"""evaluate CONFIG.yaml: answers, judgments and ratings as a recipe says, resumed where they stopped."""

from __future__ import annotations

import json
import time
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from arena.loading import BadInput, Report
from arena.migrating import migrated
from judging.estimating import estimate
from judging.models import Run
from judging.preparing import prepare
from judging.progress import progress
from judging.recipes import Recipe, read_recipe
from judging.running import carry_out, retry_failed
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
            run = prepare(recipe, Report(), dry_run=options["dry_run"], limit=options["limit"])
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
        run = prepare(recipe, report, dry_run=options["dry_run"], limit=options["limit"])
        self._quiet = options["format"] == "json"
        for note in (*recipe.notes, *report.notes):
            self._say(f"note: {note}")
        stages = tuple(stage for stage in recipe.stages if options["stage"] in (stage, "all"))
        if options["retry_failed"]:
            self._say(f"{retry_failed(run)} failed before and are asked again")
        if {"answers", "judgments"} & set(stages):
            self._work(run, stages)
        snapshot = None
        if "ratings" in stages:
            snapshot = snapshots.take(run.benchmark)
        self._tell(run, snapshot, options)

    def _work(self, run: Run, stages: tuple[str, ...]) -> None:
        run.enqueue()
        run.refresh_from_db()
        self._last = time.monotonic()
        if not carry_out(run, stages=stages, watch=self._watch) and not self._carry_out_after(run, stages):
            raise CommandError(f"run {run.pk} is being carried out by another worker; `up` shows it")
        if run.status == Run.Status.FAILED:
            raise CommandError(f"run {run.pk} stopped: {run.error}\nwhat was saved stays; `evaluate` again goes on")

    def _carry_out_after(self, run: Run, stages: tuple[str, ...]) -> bool:
        """Try again when the lease of whoever has the run has run out: a worker that was killed does not renew it."""
        run.refresh_from_db()
        left = (run.lease_until - timezone.now()).total_seconds() if run.lease_until else 0
        self._say(f"another worker has run {run.pk}, or died with it: looking again in {max(0, left):.0f} s")
        time.sleep(max(0, left) + 0.1)
        return carry_out(run, stages=stages, watch=self._watch)

    def _watch(self, run: Run) -> None:
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        for line in progress(run).lines:
            self._say(f"{line.label}: {line.done} of {line.total}" + (f", {line.failed} failed" if line.failed else ""))

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
                "leaderboard": board.as_json() if board else None,
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        if now.lines:
            rows = [(line.label, line.done, line.failed, line.total) for line in now.lines]
            self.stdout.write(table(("judge", "judged", "failed", "of"), rows))
        for failure in now.failures:
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
