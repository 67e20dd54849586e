"""A whole evaluation as one call: a recipe from YAML or from Python carried out, resumed where it stopped.

from rating.evaluating import run
outcome = run("first.yaml")            # or the same keys as a dict
outcome.leaderboard                    # rows of the board that it leads to
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from django.db import transaction

from arena.loading import Report
from arena.stopping import ctrl_c
from judging.billing import Estimate, estimate
from judging.models import Run
from judging.opening import reopen
from judging.preparing import prepare
from judging.progress import Progress, progress
from judging.recipes import Recipe, read_recipe, recipe_of
from judging.running import cancel, carry_out_in_turn, retry_failed
from rating import boards, snapshots
from rating.models import Snapshot

STAGES = ("answers", "judgments", "ratings")
KEPT = "what was saved stays; `evaluate` again goes on"
Config = str | Path | Mapping[str, Any] | Recipe
Say = Callable[[str], None]


class Unfinished(Exception):
    """The run stopped before its end; the message is the reason. What was saved stays, and running again goes on."""


@dataclass(frozen=True)
class Outcome:
    """What an evaluation came to: its run, how far that is, and the snapshot it led to (None without a rating)."""

    run: Run
    snapshot: Snapshot | None
    notes: tuple[str, ...] = ()

    @cached_property
    def progress(self) -> Progress:
        return progress(self.run)

    @cached_property
    def board(self) -> boards.Board | None:
        """The board of all votes together; None where nothing is rated."""
        if self.snapshot is None:
            return None
        method = boards.choices(self.snapshot).method("all")
        return boards.board(self.run.benchmark, method=method)

    @property
    def leaderboard(self) -> dict[str, Any] | None:
        """The board as plain data, as `leaderboard --format json` prints it."""
        return self.board.as_json() if self.board else None

    @property
    def settings(self) -> dict[str, Any]:
        """The effective settings, as they are echoed into the run."""
        return dict(self.run.recipe)

    def as_json(self) -> dict[str, Any]:
        """How the run ended, what each judge did, what failed and why, and the leaderboard."""
        now = self.progress
        lines = [
            {"judge": line.label, "done": line.done, "failed": line.failed, "total": line.total} for line in now.lines
        ]
        return {
            "run": self.run.pk,
            "status": self.run.status,
            "judges": lines,
            "failures": now.failures,
            "skips": now.skips,
            "leaderboard": self.leaderboard,
        }


def run(
    config: Config,
    *,
    dry_run: bool = False,
    limit: int | None = None,
    stages: tuple[str, ...] = STAGES,
    retry: bool = False,
    watch: Callable[[Run], None] | None = None,
    say: Say = lambda _text: None,
) -> Outcome:
    """Carry out a recipe: load its files, collect missing answers, make missing judgments, rate. Again does only what is missing.

    `config` is a YAML file (ours or llmuses's), or the same keys as a mapping, whose paths are relative to the working
    directory. `limit` looks at the first questions only, `stages` limits the recipe's own, `retry` asks again what failed
    before. `watch` is called after every batch, `say` with notes in words. Raises BadInput with nothing written, and
    Unfinished; an interrupt leaves the run to go on from.
    """
    recipe = _recipe(config)
    report = Report()
    stages = tuple(stage for stage in recipe.stages if stage in stages)
    made = prepare(recipe, report, dry_run=dry_run, limit=limit, stages=stages)
    notes = (*recipe.notes, *report.notes)
    for note in notes:
        say(f"note: {note}")
    if retry:
        say(f"{retry_failed(made)} failed before and are asked again")
    if recipe.voting is not None:
        _open(made, stages, watch, say)
    elif asked := tuple(stage for stage in stages if stage != "ratings"):
        _work(made, asked, watch, say)
    return Outcome(made, snapshots.take(made.benchmark) if "ratings" in stages else None, notes)


def estimated(config: Config, *, dry_run: bool = False, limit: int | None = None) -> Estimate:
    """The calls that `run` would make now. Everything is prepared as for the run, counted, and taken back. Raises BadInput."""
    with transaction.atomic():
        recipe, report = _recipe(config), Report()
        told = estimate(prepare(recipe, report, dry_run=dry_run, limit=limit, stages=()))
        transaction.set_rollback(True)
    return replace(told, notes=(*recipe.notes, *report.notes))


def _recipe(config: Config) -> Recipe:
    if isinstance(config, Recipe):
        return config
    return recipe_of(config) if isinstance(config, Mapping) else read_recipe(Path(config))


def _work(made: Run, stages: tuple[str, ...], watch: Callable[[Run], None] | None, say: Say) -> None:
    """Carry out these stages. Raises Unfinished."""
    before = _counts(made)
    made.enqueue(stages=stages)
    try:
        with ctrl_c() as heard:

            def beat(run: Run) -> None:
                heard()
                if watch:
                    watch(run)

            carry_out_in_turn(made, stages=stages, watch=beat, waiting=say)
    except KeyboardInterrupt:
        if made.status == Run.Status.QUEUED:  # ours: a person stopped it, and no worker of the site is to go on
            cancel(made)
        raise
    if made.status == Run.Status.FAILED:
        raise Unfinished(f"run {made.pk} stopped: {made.error}\n{KEPT}")
    if made.is_paused and made.error:
        raise Unfinished(f"run {made.pk} is paused: {made.error}\n{KEPT}")
    if made.status != Run.Status.DONE and "judgments" in stages:
        raise Unfinished(f"run {made.pk} is {made.get_status_display()}, not done: {KEPT}")
    if made.status not in (Run.Status.DONE, Run.Status.DRAFT):
        raise Unfinished(f"run {made.pk} is {made.get_status_display()}: {KEPT}")
    if _counts(made) == before:
        say("nothing was missing: nobody was asked")


def _open(made: Run, stages: tuple[str, ...], watch: Callable[[Run], None] | None, say: Say) -> None:
    """Open the run for votes once the answers it lacks are there; one that is open stays so. Raises Unfinished."""
    if made.status == Run.Status.OPEN:
        return
    if made.collects and "answers" in stages:
        _work(made, ("answers",), watch, say)
    if "judgments" in stages and reopen(made):
        made.refresh_from_db()
        say(f"run {made.pk} is open for votes by people")


def _counts(made: Run) -> tuple:
    now = progress(made)
    return now.answers, now.lines
