"""What carrying out a run would take, before anybody is called, counted from ids alone: quick enough for a form.

The exact bill, which looks at every prompt, is `judging.billing`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arena.collecting import turns_in
from arena.models import Answer, Battle, LanguageModel, Question
from judging.items import judged_keys, listed_items, meetings, questions_of, turns_of, ways
from judging.models import Judge, Run

Shown = tuple[int | None, ...]
"""Ids of the answers a judge sees at once; None for one that is still to be collected."""
Place = tuple[int, int]
"""Ids of a question, and the number of a sample of its answers."""


@dataclass(frozen=True)
class Work:
    """What one judge has to do: of `total` judgments `known` are on record; `todo` is what it sees in the others.

    `askers` is how many calls one of them takes at the most: of a panel, those of all its members.
    """

    judge: Judge
    total: int
    todo: list[Shown]
    askers: int = 0

    @property
    def known(self) -> int:
        return self.total - len(self.todo)

    @property
    def unseen(self) -> int:
        """How many of them are about answers that are still to be collected."""
        return sum(None in item for item in self.todo)

    @property
    def calls(self) -> int:
        """How often a model is asked, at the most: replies on record, repairs and retries are not looked at. Rules and dry runs ask nobody."""
        return len(self.todo) * self.askers


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

    Answers still to be collected count as if every one came. Four queries, a fifth where there are any, and one more for each judge.
    """
    candidates = list(candidates)
    models = {model.pk: model for model in candidates}
    if run.baseline_id:
        models.setdefault(run.baseline_id, run.baseline)
    turns = {pk: len(texts) for pk, texts in questions_of(run).values_list("pk", "turns")}
    there = _answers(run, models, turns)
    missing = {pk: [place for place in there if pk not in there[place]] for pk in models}
    asked = [pk for pk in models if run.collects and models[pk].provider and missing[pk]]
    collected = [(pk, place) for pk in asked for place in missing[pk]]
    for pk, place in collected:
        there[place][pk] = None
    listed = [model.pk for model in candidates]
    met = meetings(run, listed)
    items = (
        [
            (item, turns[question])
            for (question, sample), known in there.items()
            for item in _items(known, None if run.is_single else met(question, sample))
        ]
        if run.anchors is None
        else _listed(run, turns)
    )
    return Count(
        questions=len(turns),
        items=len(items),
        orders=run.orders,
        works=_works(run, items, models, judges),
        missing=[(models[pk], len(places)) for pk, places in missing.items() if places],
        asked=[models[pk] for pk in asked],
        answers=len(collected),
        answer_calls=sum(turns[question] for _pk, (question, _n) in collected) - _said(run, asked, collected),
    )


def _said(run: Run, asked: Iterable[int], collected: Iterable[tuple[int, Place]]) -> int:
    """How many turns of the answers to be collected were said in earlier goes. A query where any are to be collected."""
    wanted = set(collected)
    if not wanted:
        return 0
    rows = Answer.objects.begun().filter(question__benchmark=run.benchmark, model__in=list(asked))
    kept = rows.values_list("model", "question", "sample", "trace")
    return sum(turns_in(trace) for model, *place, trace in kept if (model, tuple(place)) in wanted)


def _answers(run: Run, models: Iterable[int], questions: Iterable[int]) -> dict[Place, dict[int, int | None]]:
    """Question and sample → model → the id of its good answer. One query."""
    there: dict[Place, dict[int, int | None]] = {
        (question, sample): {} for question in questions for sample in range(run.samples)
    }
    good = Answer.objects.ok().filter(question__benchmark=run.benchmark, model__in=list(models), sample__lt=run.samples)
    for pk, question, sample, model in good.values_list("pk", "question", "sample", "model"):
        if (question, sample) in there:
            there[question, sample][model] = pk
    return there


def _listed(run: Run, turns: Mapping[int, int]) -> list[tuple[Shown, int]]:
    """The run's listed items, each with its number of turns. One query."""
    shown = ("pk",) if run.is_single else ("first", "second")
    rows = listed_items(run).values_list("question", *shown)
    return [(tuple(answers), turns[question]) for question, *answers in rows if question in turns]


def _items(answers: dict[int, int | None], pairs: Iterable[tuple[int, int]] | None) -> list[Shown]:
    """What there is to judge of one question's answers: these pairs of models, or each answer where there are none."""
    if pairs is None:
        return [(pk,) for pk in answers.values()]
    return [(answers[one], answers[other]) for one, other in pairs if one in answers and other in answers]


def _works(
    run: Run, items: list[tuple[Shown, int]], models: dict[int, LanguageModel], judges: Iterable[Judge]
) -> list[Work]:
    """What each judge has to do on these items, each with its number of turns; battles are looked up only where there are
    judgments of any."""
    known = {judge: judged_keys(run, judge) for judge in judges}
    battles = _battles(run, models) if any(known.values()) and not run.is_single else {}
    seen = [(item, key) for item, turns in items for key in _keys(run, item, battles, turns)]
    return [
        Work(judge, len(seen), [item for item, key in seen if key is None or key not in mine], _askers(judge))
        for judge, mine in known.items()
    ]


def _askers(judge: Judge) -> int:
    """How many calls one verdict takes at the most. A query for each panel or cascade."""
    if judge.kind in Judge.COMPOSED:
        return sum(_askers(seat.member) for seat in judge.seats.select_related("member"))
    return int(judge.options.get("samples", 1)) if judge.kind == Judge.Kind.LLM else 0


def _battles(run: Run, models: dict[int, LanguageModel]) -> dict[tuple[int, ...], Battle]:
    """The battles these models have on the benchmark, by their answers, with who answered. One query."""
    rows = Battle.objects.filter(
        question__benchmark=run.benchmark, first__model__in=models, second__model__in=models
    ).values_list(
        "pk",
        "question__position",
        "question__category",
        "first",
        "first__model",
        "first__sample",
        "second",
        "second__model",
    )
    return {
        (first, second): Battle(
            pk=pk,
            question=Question(position=position, category_id=category),
            first=Answer(pk=first, model=models[one], sample=sample),
            second=Answer(pk=second, model=models[other]),
        )
        for pk, position, category, first, one, sample, second, other in rows
    }


def _keys(run: Run, item: Shown, battles: dict[tuple[int, ...], Battle], turns: int) -> list[tuple | None]:
    """The keys of `Item.key` under which a judge sees this, for each order and turn; None where it cannot be on record."""
    seen = turns_of(run, turns)
    battle = None if run.is_single or None in item else battles.get(tuple(sorted(item)))
    if None in item or (battle is None and not run.is_single):
        return [None] * run.orders * len(seen)
    if battle is None:
        return [(*item, turn) for turn in seen]
    return [(battle.pk, swapped, turn) for swapped in ways(run, battle) for turn in seen]
