"""What the commands that let a judge learn begin with."""

from __future__ import annotations

from django.core.management import CommandError

from arena.migrating import migrated
from judging.models import Judge
from rating.learning import Lesson, NothingToLearn, lesson
from rating.management.commands.leaderboard import chosen_benchmark

NAMES = {Judge.Kind.PANEL: "panel", Judge.Kind.REWARD: "reward model"}


def lesson_for(name: str, benchmark: str | None, *, kind: Judge.Kind) -> Lesson:
    """What the newest version of the judge of this name and kind would learn. Raises CommandError where there is no such judge,
    it is of another kind, or there is nothing to learn."""
    migrated()
    judge = Judge.objects.filter(name=name).order_by("-version").first()
    if judge is None:
        raise CommandError(f"there is no judge {name!r}")
    if judge.kind != kind:
        raise CommandError(f"judge {judge} is no {NAMES[kind]}")
    try:
        return lesson(judge, chosen_benchmark(benchmark))
    except NothingToLearn as error:
        raise CommandError(str(error)) from None
