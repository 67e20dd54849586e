"""judge_anchors JUDGE: whether a judge drifts on its anchor set, and asking it again."""

from __future__ import annotations

import json

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from arena.models import Benchmark
from judging import anchors
from judging.judging_again import CannotJudge
from judging.models import Judge, Run
from judging.running import carry_out_in_turn
from rating import drift, snapshots
from rating.boards import key_of
from rating.printing import table

HEAD = (
    "category", "asked", "drift", "n", "changed", "low", "high", "differs from itself", "difference", "low", "high", "shift",
)  # fmt: skip


class Command(BaseCommand):
    help = (
        "Ask a judge again, twice, about the same items that it has judged, and print whether it says something else than it did "
        "by more than it differs from itself. Nothing of it counts in ratings. What was stopped goes on."
    )

    def create_parser(self, prog_name, subcommand, **fields):
        """A parser in which --version is the judge's, and not Django's own."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **fields)

    def add_arguments(self, parser):
        parser.add_argument("judge", metavar="JUDGE", help="its name")
        parser.add_argument(
            "--version", dest="judge_version", type=int, metavar="V", help="of the judge (default: the newest)"
        )
        parser.add_argument("--benchmark", metavar="B", help="default: the one it judged last")
        parser.add_argument(
            "--items", type=int, metavar="N", help=f"in the anchor set, where it is new (default: {anchors.ITEMS})"
        )
        parser.add_argument("--show", action="store_true", help="print what is on record; ask nobody")
        parser.add_argument("--estimate", action="store_true", help="say how many calls it would take; write nothing")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        migrated()
        judge = _judge(options["judge"], options["judge_version"])
        benchmark = _benchmark(judge, options["benchmark"])
        if not options["show"]:
            plan = _plan(judge, benchmark, options["items"])
            if options["estimate"]:
                self.stdout.write(_estimated(plan, options["format"]))
                return
            try:
                self._ask(plan)
            except KeyboardInterrupt:
                raise CommandError(
                    "stopped: what was saved stays; `judge_anchors` again goes on", returncode=130
                ) from None
        self.stdout.write(_told(judge, benchmark, options["format"]))

    def _ask(self, plan: anchors.Asking) -> None:
        try:
            runs = anchors.under_way(plan.judge, plan.like.benchmark) or anchors.start(plan)
        except CannotJudge as error:
            raise CommandError(str(error)) from None
        for run in runs:
            carry_out_in_turn(run, waiting=self.stderr.write)
        if short := [run for run in runs if run.status != Run.Status.DONE]:
            raise CommandError("; ".join(f"run {run.pk} is {run.status}: {run.error or 'stopped'}" for run in short))
        snapshots.take(plan.like.benchmark)


def _judge(name: str, version: int | None) -> Judge:
    found = Judge.objects.filter(name=name, kind__in=anchors.MAY_DRIFT).order_by("-version")
    judge = (found if version is None else found.filter(version=version)).first()
    if judge is None:
        there = (
            Judge.objects.filter(kind__in=anchors.MAY_DRIFT).order_by("name").values_list("name", flat=True).distinct()
        )
        named = name if version is None else f"{name} v{version}"
        raise CommandError(
            f"there is no judge {named!r} that asks a language model; there are: {', '.join(there) or 'none yet'}"
        )
    return judge


def _benchmark(judge: Judge, name: str | None) -> Benchmark:
    there = anchors.judged_on(judge)
    found = next((one for one in there if name is None or one.name == name), None)
    if found is None:
        judged = ", ".join(dict.fromkeys(one.name for one in there)) or "nothing yet"
        raise CommandError(
            f"{judge} has not judged {name!r}; it has judged: {judged}" if name else f"{judge} has judged nothing yet"
        )
    return found


def _plan(judge: Judge, benchmark: Benchmark, items: int | None) -> anchors.Asking:
    if items is not None and not anchors.FEWEST <= items <= anchors.MOST:
        raise CommandError(f"--items: is not from {anchors.FEWEST} to {anchors.MOST}")
    plan = anchors.asking(judge, benchmark, items=items or anchors.ITEMS)
    if plan is None:
        raise CommandError(f"{judge} has no verdict on {benchmark} that it could be asked again")
    if items is not None and not plan.is_first and items != len(plan.items):
        raise CommandError(f"--items: the anchor set is there, of {len(plan.items)} items, and stays as it is")
    return plan


def _estimated(plan: anchors.Asking, form: str) -> str:
    told = {"items": len(plan.items), "calls": plan.calls, "is_first": plan.is_first}
    if form == "json":
        return json.dumps(told)
    return f"{told['items']} items, each asked {anchors.TIMES} times: {told['calls']} calls at the most\nnothing was written"


def _told(judge: Judge, benchmark: Benchmark, form: str) -> str:
    places = [(key_of(category), told) for category, told in drift.places(benchmark, judge)]
    if form == "json":
        rows = [{"category": key, **told} for key, told in places]
        return json.dumps({"judge": str(judge), "benchmark": benchmark.name, "rows": rows}, ensure_ascii=False)
    if not places:
        return f"{judge} was not asked again on {benchmark} yet"
    rows = [
        (key, one["at"], _word(one["word"]), one["n"], *(one["changed"][name] for name in ("share", "low", "high")),
         one["noise"]["share"], one["difference"], one["low"], one["high"], one["shift"])
        for key, told in places for one in told["askings"]
    ]  # fmt: skip
    return "\n".join([f"{judge} on {benchmark}", "", table(HEAD, rows)])


def _word(word: str) -> str:
    return "not enough data" if word == drift.FEW else word
