"""A simulated crowd as rows: a run with a pair for each item, and real votes, seats and gold items by people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from arena.models import Answer, Battle, Benchmark, Category, Question
from judging.models import Assignment, Gold, Judge, KeptOut, Preference, Run
from tests.judging import recorded
from tests.rating import simulated

ENDS = {0: (-2.0, -0.5), 1: (0.0, 0.0), 2: (0.5, 2.0)}
TAKEN_OUT = {simulated.GOLD: KeptOut.GOLD, simulated.REPEAT: KeptOut.REPEAT, simulated.VOTE: ""}


def put(made: simulated.Crowd, *, status: str = "open", told_active: float = 0.5) -> tuple[Run, list[Judge]]:
    """The crowd's run and its people in their order; the first `told_active` of them had a page that told active time."""
    benchmark = Benchmark.objects.create(name="crowd", title_en="Crowd", title_zh="人群")
    battles = _battles(benchmark, made.size)
    run = recorded.run(benchmark, status=status, name="a crowd votes")
    judges = [_person(f"{kind} {number}") for number, kind in enumerate(made.kinds)]
    golds = {item: truth for item, truth in zip(made.item, made.truth, strict=True) if truth >= 0}
    Gold.objects.bulk_create(
        Gold(run=run, battle=battles[item], lowest=ENDS[truth][0], highest=ENDS[truth][1])
        for item, truth in golds.items()
    )
    _votes(made, run, battles, judges, tellers=int(told_active * len(judges)))
    return run, judges


def _battles(benchmark: Benchmark, size) -> list[Battle]:
    kinds = [recorded.category(key) for key in ("maths", "prose")]
    Category.objects.filter(key="maths").update(name_zh="数学")
    asked = Question.objects.bulk_create(
        Question(benchmark=benchmark, category=kinds[n % 2], key=f"q{n}", turns=[f"Which is item {n}?"], position=n)
        for n in range(len(size))
    )
    models = [recorded.model(name) for name in ("Ash", "Birch")]
    answers = Answer.objects.bulk_create(
        Answer(question=question, model=model, turns=["So."], length=max(int(length) // 2, 1))
        for question, length in zip(asked, size, strict=True)
        for model in models
    )
    return Battle.objects.bulk_create(
        Battle(
            question=question,
            first=answers[2 * n],
            second=answers[2 * n + 1],
            first_model=models[0],
            second_model=models[1],
        )
        for n, question in enumerate(asked)
    )


def _person(name: str) -> Judge:
    user = User.objects.create(username=name)
    return Judge.objects.create(name=name, kind=Judge.Kind.PERSON, user=user)


def _votes(made, run, battles, judges, *, tellers: int) -> None:
    seats, votes, now = [], [], timezone.now()
    for row, who in enumerate(made.who):
        at, purpose = datetime.fromtimestamp(made.at[row], tz=UTC), made.purpose[row]
        same = {
            "run": run,
            "judge": judges[who],
            "battle": battles[made.item[row]],
            "trial": int(purpose == simulated.REPEAT),
            "swapped": made.swapped[row],
        }
        active = round(1000 * made.seconds[row]) if who < tellers else None
        seats.append(
            Assignment(
                **same, purpose=purpose, status="done", holds=purpose == "vote", active_ms=active, closed_at=at,
                lease_until=now + timedelta(minutes=10), created_at=at,
            )
        )  # fmt: skip
        votes.append(
            Preference(
                **same, rubric=run.rubric, status="ok", value=made.value[row] - 1.0, kept_out=TAKEN_OUT[purpose],
                created_at=at,
            )
        )  # fmt: skip
    Assignment.objects.bulk_create(seats)
    Preference.objects.bulk_create(votes)
