"""A database of a given size, filled by hand: models, questions, answers, battles, and what judges said of them."""

from __future__ import annotations

import numpy as np
from django.contrib.auth.models import User
from django.db import connection, transaction

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question
from judging.models import Judge, Preference, Rubric, Run

BATCH = 50_000


def judged(
    n: int, *, models: int = 100, categories: int = 10, questions: int = 2000, people: int = 20, seed: int = 20261121
) -> Benchmark:
    """A benchmark with `n` preferences: six in ten are votes of `people`, three a battle; the others a language model's,
    both ways round. Strengths are normal, ties as Davidson has them; each question favours some models."""
    random = np.random.default_rng(seed)
    benchmark = Benchmark.objects.create(name=f"bench {n}", title_en=f"{n:,} judgments")
    kinds = [Category.objects.get_or_create(key=f"kind {k}", defaults={"position": k})[0] for k in range(categories)]
    made = [
        LanguageModel.objects.get_or_create(name=f"model {k}", version="1", defaults={"vendor": "bench"})[0]
        for k in range(models)
    ]
    asked = Question.objects.bulk_create(
        Question(benchmark=benchmark, category=kinds[k % categories], key=f"q{k}", turns=["?"], position=k)
        for k in range(questions)
    )
    rubric = Rubric.objects.get_or_create(name="bench", defaults={"title_en": "Bench"})[0]
    machine = Judge.objects.get_or_create(name="bench judge", defaults={"kind": "imported"})[0]
    persons = [_person(k) for k in range(people)]
    run = Run.objects.create(
        name="bench", benchmark=benchmark, mode="pairwise", rubric=rubric, order="both", status="done"
    )
    strength, taste = random.normal(0, 0.7, models), random.normal(0, 0.5, (questions, models))
    voted = n * 6 // 10 // 3
    seen = (n - 3 * voted) // 2
    first_answer = _answers(asked, made)
    pairs = _pairs(random, max(voted, seen), models, questions)
    battles = _battles(pairs, first_answer, asked, made)
    chance = strength[pairs[1]] + taste[pairs[0], pairs[1]] - strength[pairs[2]] - taste[pairs[0], pairs[2]]
    _preferences(random, battles, chance, voted, seen, machine=machine, people=persons, rubric=rubric, run=run)
    return benchmark


def _person(k: int) -> Judge:
    user = User.objects.get_or_create(username=f"bench {k}")[0]
    return Judge.objects.get_or_create(name=f"bench person {k}", defaults={"kind": "person", "user": user})[0]


def _insert(table: type, names: tuple[str, ...], columns: list) -> None:
    """Rows by the database's own statement, in batches; what is not named has its default."""
    others = [field for field in table._meta.concrete_fields if not (field.null or field.primary_key)]
    others = [field for field in others if field.name not in names]
    fields = [*(table._meta.get_field(name).column for name in names), *(field.column for field in others)]
    size = len(columns[0])
    columns = [*columns, *([field.get_db_prep_save(field.get_default(), connection)] * size for field in others)]
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {table._meta.db_table} ({', '.join(fields)}) VALUES ({marks})"  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, size, BATCH):
            part = [column[start : start + BATCH] for column in columns]
            rows = list(zip(*(p.tolist() if hasattr(p, "tolist") else p for p in part), strict=True))
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table._meta.db_table} ({', '.join(fields)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                cursor.executemany(sql, rows)


def _next(table: type) -> int:
    return (table.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1


def _moved(table: type) -> None:
    """Let PostgreSQL's sequence go on behind the ids given by hand."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            name = table._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")  # noqa: S608


def _answers(asked: list[Question], made: list[LanguageModel]) -> int:
    """An answer of every model to every question; the id of the first, the others follow by question, then model."""
    start = _next(Answer)
    size = len(asked) * len(made)
    question = np.repeat([row.pk for row in asked], len(made))
    model = np.tile([row.pk for row in made], len(asked))
    texts = {
        "turns": '["!"]',
        "html": "[]",
        "reasoning": "[]",
        "trace": "[]",
        "error": "",
        "finish": "",
        "provenance": "real",
    }
    names = ("id", "question", "model", "sample", "html_version", "attempts", "created_at", *texts)
    zero = np.zeros(size, dtype=int)
    now = ["2026-11-24 00:00:00+00:00"] * size
    columns = [np.arange(start, start + size), question, model, zero, zero, zero, now]
    _insert(Answer, names, [*columns, *([text] * size for text in texts.values())])
    _moved(Answer)
    return start


def _pairs(random: np.random.Generator, size: int, models: int, questions: int) -> np.ndarray:
    """Different (question, model, model) with first < second: (3, size)."""
    each = models * (models - 1) // 2
    chosen = np.sort(random.choice(questions * each, size=size, replace=False))
    first, second = np.triu_indices(models, 1)
    return np.stack([chosen // each, first[chosen % each], second[chosen % each]])


def _battles(pairs: np.ndarray, first_answer: int, asked: list[Question], made: list[LanguageModel]) -> np.ndarray:
    start = _next(Battle)
    question, one, other = pairs
    ids = np.arange(start, start + pairs.shape[1])
    model = np.array([row.pk for row in made])
    answer = first_answer + question * len(made)
    names = ("id", "question", "first", "second", "first_model", "second_model")
    _insert(
        Battle,
        names,
        [ids, np.array([row.pk for row in asked])[question], answer + one, answer + other, model[one], model[other]],
    )
    _moved(Battle)
    return ids


def _preferences(random, battles, chance, voted: int, seen: int, *, machine, people, rubric, run) -> None:
    """Votes of people on the first battles and both orders of the machine on the last, shuffled in time."""
    size = 3 * voted + 2 * seen
    place = np.concatenate([np.repeat(np.arange(voted), 3), np.repeat(np.arange(len(battles) - seen, len(battles)), 2)])
    human = np.arange(size) < 3 * voted
    who = np.where(human, 0, machine.pk)
    seats = (np.arange(voted)[:, None] * 7 + np.arange(3)) % len(people)
    who[: 3 * voted] = np.array([judge.pk for judge in people])[seats].ravel()
    swapped = np.where(human, random.integers(0, 2, size), np.arange(size) % 2).astype(bool)
    value = _verdicts(random, chance[place] + np.where(human, 0.0, np.where(swapped, -0.3, 0.3)))
    order = random.permutation(size)
    start = _next(Preference)
    texts = {
        "status": "ok",
        "error": "",
        "note": "",
        "reply": "",
        "reasoning": "",
        "prompt": "[]",
        "provenance": "real",
    }
    names = (
        "id",
        "battle",
        "judge",
        "rubric",
        "run",
        "swapped",
        "value",
        "both_bad",
        "trial",
        "asked",
        "counted",
        "created_at",
        *texts,
    )
    no = np.zeros(size, dtype=bool)
    columns = [
        np.arange(start, start + size), battles[place][order], who[order], np.full(size, rubric.pk), np.full(size, run.pk),
        swapped[order], value[order], no, no.astype(int), no.astype(int), no, ["2026-11-24 00:00:00+00:00"] * size,
    ]  # fmt: skip
    _insert(Preference, names, [*columns, *([text] * size for text in texts.values())])
    _moved(Preference)


def _verdicts(random: np.random.Generator, ahead: np.ndarray) -> np.ndarray:
    """A win, a tie or a loss for each, with Davidson's chances at ν = 0.5."""
    win, loss = np.exp(ahead / 2), np.exp(-ahead / 2)
    total = win + loss + 0.5
    drawn = random.random(len(ahead)) * total
    return np.where(drawn < win, 1.0, np.where(drawn < win + 0.5, 0.0, -1.0))
