"""Small makers of a record: a benchmark with answers, judges, runs, judgments, and people with roles."""

from __future__ import annotations

from django.contrib.auth.models import Group, User

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question
from judging.models import Grade, Judge, Preference, Rubric, Run

PASSWORD = "a long enough password"


def person(name: str, *roles: str, password: str | None = None) -> User:
    """A user in these groups; without a password (hashing one takes time) they sign in by `force_login` only."""
    user = User.objects.create_user(name, password=password)
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


def benchmark(name: str = "pantry", **fields) -> Benchmark:
    return Benchmark.objects.create(name=name, **{"title_en": "Pantry", "title_zh": "储藏室", **fields})


def category(key: str = "cooking", **fields) -> Category:
    names = {"name_en": key.capitalize(), "name_zh": "烹饪", **fields}
    return Category.objects.get_or_create(key=key, defaults=names)[0]


def question(of: Benchmark, key: str = "q1", *turns: str, **fields) -> Question:
    place = {"position": of.questions.count(), "category": fields.pop("category", None) or category()}
    return Question.objects.create(
        benchmark=of, key=key, turns=list(turns or ["How long does an egg boil?"]), **{**place, **fields}
    )


def model(name: str, **fields) -> LanguageModel:
    return LanguageModel.objects.get_or_create(name=name, version="1", defaults={"vendor": "Northmoor", **fields})[0]


def answer(to: Question, by: LanguageModel, *turns: str, **fields) -> Answer:
    return Answer(question=to, model=by, turns=list(turns or ["Six minutes."]), **fields).rendered()


def answered(of: Benchmark, *names: str, questions: int = 1) -> list[Question]:
    """Questions q1, q2 … of the benchmark, each answered by the models of these names."""
    models = [model(name) for name in names or ("Ash", "Birch")]
    made = [question(of, f"q{of.questions.count() + 1}") for _ in range(questions)]
    Answer.objects.bulk_create([answer(one, by) for one in made for by in models])
    return made


def battle(on: Question) -> Battle:
    """The battle of the question's first two answers."""
    return Battle.objects.pair([tuple(on.answers.order_by("pk")[:2])])[0]


def judge(name: str = "steady", kind: str = "rule", **fields) -> Judge:
    return Judge.objects.get_or_create(name=name, defaults={"kind": kind, **fields})[0]


def llm_judge(name: str = "oracle", **fields) -> Judge:
    return judge(name, kind="llm", model=model(f"{name}-model", provider="openai", **fields))


def rubric(name: str = "helpful", **fields) -> Rubric:
    return Rubric.objects.get_or_create(name=name, defaults={"title_en": "Helpful", "title_zh": "有用", **fields})[0]


def run(of: Benchmark, *names: str, judges=(), **fields) -> Run:
    """A pairwise run of the models of these names; done, unless `status` says otherwise."""
    defaults = {"name": "first look", "mode": "pairwise", "status": "done", "rubric": rubric()}
    made = Run.objects.create(benchmark=of, **{**defaults, **fields})
    made.candidates.set([model(name) for name in names or ("Ash", "Birch")])
    made.judges.set(judges)
    return made


def preference(on: Battle, by: Judge | None = None, **fields) -> Preference:
    if "error" not in fields:
        fields = {"value": 1, "status": "ok", **fields}
    return Preference.objects.create(battle=on, judge=by or judge(), **{"rubric": rubric(), **fields})


def grade(on: Answer, by: Judge | None = None, **fields) -> Grade:
    if "error" not in fields:
        fields = {"score": 7, "status": "ok", **fields}
    return Grade.objects.create(answer=on, judge=by or judge(), **{"rubric": rubric(), **fields})
