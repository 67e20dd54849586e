"""The demo: five fictional models answer fifty questions; scripted judges, rules and simulated people judge them.

Only the questions, the answers and the notes on them are ours; everything else goes the way of real data: the scripted
judges are asked with the real prompts, in both orders, and their replies are read by the real parser.
"""

from __future__ import annotations

import json
import random
import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from arena.loading import FORMATS, Report, write
from arena.loading.own import answer
from arena.loading.records import ModelRecord, Row
from arena.loading.writing import Target, model_row
from arena.models import Battle, Benchmark, LanguageModel, Provenance
from judging.items import battles_of
from judging.judges.base import OK, Verdict
from judging.judges.rules import validate_check
from judging.models import Assignment, Judge, Preference, Run
from judging.preparing import standard_rubric

FOLDER = settings.BASE_DIR / "fixtures" / "demo"
NAME = "demo"
ACCOUNTS = (("lead", "lead"), ("annotator", "annotator"), ("biaozhu", "annotator"))
JUDGES = {
    "Fair judge (scripted)": {"noise": 0.35, "tie_band": 0.6, "seed": 11},
    "Leaning judge (scripted)": {"lean_first": 1.6, "lean_length": 3.2, "noise": 0.35, "tie_band": 0.3, "seed": 12},
}
PEOPLE = ("Simulated person 1", "Simulated person 2", "Simulated person 3", "Simulated person 4")
VOTES_PER_BATTLE = 3
SEED = 20_260
# How much a reader's liking of an answer's warmth weighs against its quality, and how far people differ (in marks):
# facts are seen alike, comfort is not.
TASTE = {
    "knowledge": (0.0, 0.7),
    "maths": (0.0, 0.4),
    "code": (0.0, 0.7),
    "tools": (0.0, 0.8),
    "safety": (0.5, 1.5),
    "instructions": (0.3, 0.9),
    "speakers": (0.2, 0.9),
    "writing": (2.0, 2.5),
    "chat": (2.5, 4.0),
    "persona": (2.5, 4.0),
}
TIE_BAND = 0.8


def is_loaded() -> bool:
    return Benchmark.objects.filter(name=NAME, provenance=Provenance.DEMO).exists()


@transaction.atomic
def load() -> list[Run]:
    """Load questions, answers, judges and people, and return the runs that machine judges are to carry out.

    One transaction: a demo is there whole or not at all. Raises BadInput if our own files are damaged.
    """
    benchmark = _questions_and_answers()
    models = list(LanguageModel.objects.filter(answers__question__benchmark=benchmark).distinct())
    machines = [_scripted(name, options) for name, options in JUDGES.items()]
    rules = Judge.objects.get_or_create(name="Rules", version=1, defaults={"kind": Judge.Kind.RULE})[0]
    runs = [
        _run(benchmark, models, "Demo: scripted judges, all pairs", Run.Mode.PAIRWISE, machines, order=Run.Order.BOTH),
        _run(benchmark, models, "Demo: rules, all pairs", Run.Mode.PAIRWISE, [rules], order=Run.Order.FIXED),
        _run(benchmark, models, "Demo: fair judge scores each answer", Run.Mode.SINGLE, machines[:1]),
    ]
    people = _run(benchmark, models, "Demo: people vote on pairs", Run.Mode.PAIRWISE, [], status=Run.Status.OPEN)
    people.limits = {"overlap": VOTES_PER_BATTLE + 1}
    people.save(update_fields=["limits"])
    _simulate_people(people)
    scoring = _run(benchmark, models, "Demo: people score single answers", Run.Mode.SINGLE, [], status=Run.Status.OPEN)
    scoring.limits = {"overlap": 2}
    scoring.save(update_fields=["limits"])
    return runs


def unfinished() -> list[Run]:
    """The demo's own runs of machine judges that are not done, in the order they were made; a lead's are left alone."""
    ours = Run.objects.filter(benchmark__name=NAME, provenance=Provenance.DEMO, created_by=None)
    undone = ours.exclude(status=Run.Status.DONE).filter(judges__kind__in=Judge.WITH_ENGINE)
    return list(undone.distinct().order_by("pk"))


def accounts() -> dict[str, str]:
    """Make the demo's user accounts that are not there yet; their names and random passwords."""
    made = {}
    for name, role in ACCOUNTS:
        user, new = get_user_model().objects.get_or_create(username=name)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        if new:
            made[name] = secrets.token_urlsafe(9)
            user.set_password(made[name])
            user.save(update_fields=["password"])
    return made


def _questions_and_answers() -> Benchmark:
    report = Report()
    about = {row["key"]: row for row in _json("models.json")}
    batch = FORMATS["juryroom"]([FOLDER / "questions.jsonl"], report)
    for row in about.values():
        model_row(
            ModelRecord(row["name"], row["version"], row["vendor"]),
            provenance=Provenance.DEMO,
            **{name: value for name, value in row.items() if name not in ("key", "name", "version", "vendor")},
        )
    batch.categories = _json("categories.json")
    rows = [json.loads(line) for line in (FOLDER / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    batch.answers = _answers(rows, about, report)
    target = Target(NAME, "1", "Demo: ten kinds of question", "演示：十类问题", Provenance.DEMO)
    return write(batch, target, report, check_problems=validate_check)


def _answers(rows: list[dict], about: dict[str, dict], report: Report) -> list:
    path = FOLDER / "answers.jsonl"
    records = []
    for line, row in enumerate(rows, start=1):
        model = about[row["model"]]
        record = ModelRecord(model["name"], model["version"], model["vendor"])
        records.append(answer(Row(path, line, row, report), record))
    return records


def _json(name: str) -> list[dict]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def _scripted(name: str, options: dict) -> Judge:
    model = LanguageModel.objects.get_or_create(
        name=name,
        version="1",
        defaults={
            "vendor": "Juryroom demo",
            "provider": LanguageModel.Provider.SCRIPTED,
            "endpoint_model": "demo_judge",
            "options": options,
            "provenance": Provenance.DEMO,
        },
    )[0]
    return Judge.objects.get_or_create(
        name=name, version=1, defaults={"kind": Judge.Kind.LLM, "model": model, "provenance": Provenance.DEMO}
    )[0]


def _run(benchmark: Benchmark, models: list, name: str, mode: str, judges: list[Judge], **fields) -> Run:
    fields = {"status": Run.Status.QUEUED, "provenance": Provenance.DEMO, **fields}
    run = Run.objects.create(name=name, benchmark=benchmark, mode=mode, rubric=standard_rubric(mode), **fields)
    run.candidates.set(models)
    run.judges.set(judges)
    return run


def marks() -> dict[tuple[str, str], dict]:
    """Our notes: question key and model name → mark (1 to 10) and warmth (0 to 1)."""
    names = {row["key"]: row["name"] for row in _json("models.json")}
    rows = map(json.loads, (FOLDER / "marks.jsonl").read_text(encoding="utf-8").splitlines())
    return {(row["question"], names[row["model"]]): row for row in rows}


def _simulate_people(run: Run) -> None:
    """Seats and votes of people who are not there, by a fixed seed: labelled simulated wherever they show."""
    notes = marks()
    dice = random.Random(SEED)
    judges = [
        Judge.objects.get_or_create(
            name=name, version=1, defaults={"kind": Judge.Kind.SIMULATED, "provenance": Provenance.DEMO}
        )[0]
        for name in PEOPLE
    ]
    seats, votes = [], []
    now = timezone.now()
    for place, battle in enumerate(sorted(battles_of(run), key=lambda battle: battle.pk)):
        for offset in range(VOTES_PER_BATTLE):
            judge = judges[(place + offset) % len(judges)]
            swapped = dice.random() < 0.5
            verdict = _vote(battle, notes, dice, swapped=swapped)
            done = {"status": Assignment.Status.DONE, "holds": True, "lease_until": now, "closed_at": now}
            seats.append(Assignment(run=run, judge=judge, battle=battle, swapped=swapped, **done))
            where = {"judge": judge, "rubric": run.rubric, "run": run, "provenance": Provenance.DEMO}
            votes.append(Preference.record(verdict, battle=battle, swapped=swapped, **where))
    Assignment.objects.bulk_create(seats, batch_size=500)
    Preference.objects.bulk_create(votes, batch_size=500)


def _vote(battle: Battle, notes: dict, dice: random.Random, *, swapped: bool) -> Verdict:
    """What one simulated person says of a battle: quality, warmth by the category's taste, and chance."""
    warmth, spread = TASTE[battle.question.category.key]
    liked = []
    for shown in battle.shown(swapped=swapped):
        note = notes[battle.question.key, shown.model.name]
        liked.append(note["mark"] + warmth * note["warmth"] + dice.gauss(0, spread / 2**0.5))
    lead = liked[0] - liked[1]
    if abs(lead) >= TIE_BAND:
        return Verdict(OK, value=1.0 if lead > 0 else -1.0)
    return Verdict(OK, value=0.0, both_bad=max(liked) < 4)
