"""Small rows for tests of the ballot: people, runs that are open for votes, and answers that name nobody."""

from __future__ import annotations

from django.contrib.auth.models import Group, User

from arena.models import Answer, Benchmark, Category, LanguageModel, Question
from judging.assignment import judge_of, prepare
from judging.models import Assignment, Judge, Rubric, Run

NAMES = [
    ("Zephyrion", "Quorlabs"),
    ("Blatherskite", "Ostrakon Works"),
    ("Mumblecrust", "Fenwick Guild"),
    ("Ixtlan", "Harbour Nine"),
]
DIMENSIONS = [
    {"key": "right", "weight": 3, "name_en": "Right", "name_zh": "正确", "description_en": "Are the facts right?"},
    {"key": "kind", "weight": 1, "name_en": "Kind", "name_zh": "友善"},
]


def person(name: str = "ann", *, role: str = "annotator") -> User:
    """A user with this role ("" for none)."""
    user = User.objects.create(username=name)
    if role:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def model(number: int) -> LanguageModel:
    name, vendor = NAMES[number]
    return LanguageModel.objects.create(
        name=name,
        version=f"v{number}.77",
        vendor=vendor,
        family=f"fam{name}",
        aliases=[f"aka{name}"],
        endpoint_model=f"ep{name}",
    )


def open_run(
    *,
    questions: int = 4,
    models: int = 2,
    mode: str = "pairwise",
    text: str = "",
    turns: int = 1,
    dimensions=DIMENSIONS,
    **fields,
) -> Run:
    """A run that is open for votes, with answers by all its models to questions of three categories."""
    benchmark = Benchmark.objects.create(name="tiny", version=str(Benchmark.objects.count()), title_en="Tiny set")
    categories = [
        Category.objects.get_or_create(key=key, defaults={"name_en": key.title()})[0]
        for key in ("maths", "prose", "chat")
    ]
    candidates = [model(number) for number in range(models)]
    asked = [
        Question.objects.create(
            benchmark=benchmark,
            category=categories[number % 3],
            key=f"q{number}",
            turns=[f"What is {number} plus {turn}?" for turn in range(turns)],
            position=number,
        )
        for number in range(questions)
    ]
    for question in asked:
        for number, candidate in enumerate(candidates):
            said = [text or f"It is what text {number} says." for _turn in range(turns)]
            Answer(question=question, model=candidate, turns=said).rendered().save()
    rubric = Rubric.objects.create(
        name="plain",
        version=Rubric.objects.count() + 1,
        dimensions=dimensions,
        lowest=1,
        highest=5,
        instructions_en="Read both.",
    )
    baseline = candidates[0] if mode == "baseline" else None
    run = Run.objects.create(
        name="Zephyrion takes on the rest",
        benchmark=benchmark,
        mode=mode,
        rubric=rubric,
        baseline=baseline,
        status=Run.Status.OPEN,
        **fields,
    )
    run.candidates.set(candidates)
    prepare(run)
    return run


def judge(name: str = "ann") -> Judge:
    """The judge of a new annotator."""
    return judge_of(person(name))


def seat_in_hand(run: Run, user: User) -> Assignment:
    return Assignment.objects.filter(run=run, judge__user=user, status="leased").earliest("pk")
