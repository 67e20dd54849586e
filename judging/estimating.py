"""What carrying out a run would take, before anybody is called: counted in one place, for the form and for the command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from arena.models import Answer, Battle, LanguageModel, Question
from arena.pairing import against, all_pairs
from judging.items import Item, chunks, judged_keys, questions_of, ways
from judging.judges.dry_run import prompt_tokens
from judging.models import Judge, Run
from judging.prompts import render

SAMPLE = 200  # prompts whose length is looked at

Shown = tuple[int | None, ...]
"""Ids of the answers a judge sees at once; None for one that is still to be collected."""


@dataclass(frozen=True)
class Work:
    """What one judge has to do: of `total` judgments `known` are on record; `todo` is what it sees in the others."""

    judge: Judge
    total: int
    todo: list[Shown]

    @property
    def known(self) -> int:
        return self.total - len(self.todo)

    @property
    def calls(self) -> int:
        """How often a model is asked: retries and repairs come on top; rules and dry runs ask nobody."""
        return len(self.todo) if self.judge.kind == Judge.Kind.LLM else 0


@dataclass(frozen=True)
class Count:
    """What there is to judge: `items` are answers (single) or battles, each seen `orders` times by each judge.

    `missing` lists (model, n) with answers that are not there; of those, `answers` will be collected, in
    `answer_calls` calls (one a turn), from the models `asked`.
    """

    questions: int
    items: int
    orders: int
    works: list[Work]
    missing: list[tuple[LanguageModel, int]]
    asked: list[LanguageModel]
    answers: int
    answer_calls: int


def count(run: Run, candidates: Iterable[LanguageModel], judges: Iterable[Judge]) -> Count:
    """What carrying out `run` would take now; the run may be unsaved, and nothing is written.

    Answers still to be collected count as if every one came. Four queries, and one more for each judge.
    """
    candidates = list(candidates)
    models = {model.pk: model for model in candidates}
    if run.baseline_id:
        models.setdefault(run.baseline_id, run.baseline)
    turns = {pk: len(texts) for pk, texts in questions_of(run).values_list("pk", "turns")}
    there = _answers(run, models, turns)
    missing = {pk: [question for question in turns if pk not in there[question]] for pk in models}
    asked = [pk for pk in models if run.collects and models[pk].provider and missing[pk]]
    collected = [(pk, question) for pk in asked for question in missing[pk]]
    for pk, question in collected:
        there[question][pk] = None
    items = [item for question in turns for item in _items(run, [model.pk for model in candidates], there[question])]
    return Count(
        questions=len(turns),
        items=len(items),
        orders=run.orders,
        works=_works(run, items, models, judges),
        missing=[(models[pk], len(questions)) for pk, questions in missing.items() if questions],
        asked=[models[pk] for pk in asked],
        answers=len(collected),
        answer_calls=sum(turns[question] for _pk, question in collected),
    )


def _answers(run: Run, models: Iterable[int], questions: Iterable[int]) -> dict[int, dict[int, int | None]]:
    """Question → model → the id of its good answer. One query."""
    there: dict[int, dict[int, int | None]] = {question: {} for question in questions}
    good = Answer.objects.ok().filter(question__benchmark=run.benchmark, model__in=list(models), sample=0)
    for pk, question, model in good.values_list("pk", "question", "model"):
        if question in there:
            there[question][model] = pk
    return there


def _items(run: Run, candidates: list[int], answers: dict[int, int | None]) -> list[Shown]:
    """What there is to judge on one question that these models answered."""
    if run.is_single:
        return [(pk,) for pk in answers.values()]
    pairs = against(run.baseline_id, candidates) if run.mode == Run.Mode.BASELINE else all_pairs(candidates)
    return [(answers[one], answers[other]) for one, other in pairs if one in answers and other in answers]


def _works(run: Run, items: list[Shown], models: dict[int, LanguageModel], judges: Iterable[Judge]) -> list[Work]:
    """What each judge has to do; battles are looked up only where there are judgments of any."""
    known = {judge: judged_keys(run, judge) for judge in judges}
    battles = _battles(run, models) if any(known.values()) and not run.is_single else {}
    seen = [(item, key) for item in items for key in _keys(run, item, battles)]
    return [
        Work(judge, len(seen), [item for item, key in seen if key is None or key not in mine])
        for judge, mine in known.items()
    ]


def _battles(run: Run, models: dict[int, LanguageModel]) -> dict[tuple[int, ...], Battle]:
    """The battles these models have on the benchmark, by their answers, with who answered. One query."""
    rows = Battle.objects.filter(
        question__benchmark=run.benchmark, first__model__in=models, second__model__in=models
    ).values_list("pk", "question__position", "first", "first__model", "second", "second__model")
    return {
        (first, second): Battle(
            pk=pk,
            question=Question(position=position),
            first=Answer(pk=first, model=models[one]),
            second=Answer(pk=second, model=models[other]),
        )
        for pk, position, first, one, second, other in rows
    }


def _keys(run: Run, item: Shown, battles: dict[tuple[int, ...], Battle]) -> list[tuple | None]:
    """The keys of `Item.key` under which a judge sees this, one for each order; None where it cannot be on record."""
    if None in item:
        return [None] * run.orders
    if run.is_single:
        return [(*item, 0)]
    battle = battles.get(tuple(sorted(item)))
    if battle is None:
        return [None] * run.orders
    return [(battle.pk, swapped, 0) for swapped in ways(run, battle)]


@dataclass(frozen=True)
class Bill:
    """What one judge would be asked: calls, tokens of all prompts (about), and their price; None where unknown."""

    judge: str
    calls: int
    tokens_in: int | None
    cost: float | None


@dataclass(frozen=True)
class Estimate:
    """Answers still to be collected, the calls they take (one a turn), and each judge's bill."""

    answers: int
    answer_calls: int
    judges: list[Bill]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate(run: Run) -> Estimate:
    """The calls that carrying out `run` would make now; retries and repairs come on top. Nothing is written."""
    judges = run.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model")
    found = count(run, run.candidates.all(), judges)
    return Estimate(found.answers, found.answer_calls, [_bill(run, work) for work in found.works])


def _bill(run: Run, work: Work) -> Bill:
    """Whoever asks no model sends no token and costs nothing."""
    tokens = _tokens(run, work) if work.calls else 0
    cost = work.judge.model.cost(tokens, 0) if work.judge.model_id else 0.0
    return Bill(str(work.judge), work.calls, tokens, cost)


def _tokens(run: Run, work: Work) -> int | None:
    """Tokens of the judge's prompts, from the mean of the first that can be rendered; None when there is none yet."""
    looked_at = [item for item in work.todo if None not in item][:SAMPLE]
    if not looked_at:
        return None
    rubric, answers = run.rubric.text(), _texts(looked_at)
    how = {"language": work.judge.options.get("language"), "schema_bound": bool(work.judge.options.get("schema_bound"))}
    tokens = sum(
        prompt_tokens(render(_item([answers[pk] for pk in item]).exhibit(), rubric, **how)) for item in looked_at
    )
    return round(tokens * work.calls / len(looked_at))


def _texts(items: list[Shown]) -> dict[int, Answer]:
    """The answers of these items, with question and category, by id. A query for each 200."""
    wanted = dict.fromkeys(pk for item in items for pk in item)
    rows = Answer.objects.select_related("question__category")
    return {answer.pk: answer for some in chunks(wanted) for answer in rows.filter(pk__in=some)}


def _item(answers: list[Answer]) -> Item:
    if len(answers) == 1:
        return Item(answer=answers[0])
    first, second = answers
    return Item(battle=Battle(question=first.question, first=first, second=second))
