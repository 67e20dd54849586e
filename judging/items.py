"""What a run judges: its answers, its battles, and what of that is still open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from django.db.models import F, QuerySet

from arena.models import Answer, Battle, Question
from arena.pairing import against, all_pairs, are_connected, shown_swapped, sparse_pairs
from judging.judges.base import Exhibit
from judging.models import Grade, Judge, Preference, Run

CHUNK = 200  # questions a query looks at, far below SQLite's limit of variables
AT_ONCE = 1000  # items in memory, about: few enough to be loaded in a moment, and many enough for an engine to be busy
Meet = Callable[[int, int], Sequence[tuple[int, int]]]
"""Which two models meet, by a question's id and the sample of its answers."""
NOT_JUDGED = ("html", "reasoning", "trace")  # columns of an answer, as large as its text, that no judge sees


@dataclass(frozen=True)
class Item:
    """One thing a judge is to see: a battle on the sides shown, or an answer; whole, or one turn of it."""

    battle: Battle | None = None
    answer: Answer | None = None
    swapped: bool = False
    turn: int = 0

    @property
    def answers(self) -> tuple[Answer, ...]:
        return (self.answer,) if self.battle is None else self.battle.shown(swapped=self.swapped)

    @property
    def question(self) -> Question:
        return (self.battle or self.answer).question

    @property
    def key(self) -> tuple:
        """What tells it from other items of its kind on record."""
        return (self.battle.pk, self.swapped, self.turn) if self.battle else (self.answer.pk, self.turn)

    def exhibit(self, *, reference: Sequence[str] | None = None) -> Exhibit:
        """What an engine sees of it; `id` is this item. `reference`, if given, stands for the question's own."""
        question, turn = self.question, self.turn
        upto = slice(turn or None)
        return Exhibit(
            id=self,
            turns=tuple(question.turns[upto]),
            answers=tuple(tuple(answer.turns[upto]) for answer in self.answers),
            system=question.system,
            reference=tuple(question.reference if reference is None else reference)[upto],
            checks=tuple(check for check in question.checks if not turn or _turn_of(check, question) == turn),
            category=question.category.key,
            language=question.language,
            turn=turn,
            families=tuple(answer.model.family for answer in self.answers),
        )


def _turn_of(check: dict, question: Question) -> int:
    """The turn that a check looks at: the last one, unless it says."""
    return int(check.get("turn", len(question.turns)))


def questions_of(run: Run) -> QuerySet[Question]:
    """The questions a run looks at: all of the benchmark's, those of `limits.keys`, or the first `limits.questions`."""
    questions = Question.objects.filter(benchmark=run.benchmark)
    if keys := run.limits.get("keys"):
        questions = questions.filter(key__in=keys)
    limit = run.limits.get("questions")
    if not limit:
        return questions
    return questions.filter(pk__in=questions.values("pk")[: int(limit)])


def participants(run: Run) -> list[int]:
    """Ids of the models whose answers take part: the candidates, and the baseline."""
    models = list(run.candidates.order_by("name", "version").values_list("pk", flat=True))
    if run.baseline_id and run.baseline_id not in models:
        models.append(run.baseline_id)
    return models


def question_chunks(run: Run) -> Iterator[list[int]]:
    """Ids of the run's questions, so many at a time as make about AT_ONCE items. One query."""
    models = len(participants(run))
    pairs = {Run.Mode.SINGLE: models, Run.Mode.BASELINE: models - 1}.get(run.mode, models * (models - 1) // 2)
    pairs = min(pairs, run.pairs or pairs)
    size = AT_ONCE // max(1, pairs * run.orders * run.samples)
    return chunks(questions_of(run).values_list("pk", flat=True), size=min(CHUNK, max(1, size)))


def meetings(run: Run, candidates: Iterable[int]) -> Meet:
    """Which two models meet on a question, by its id, with which sample of their answers. One query where not all do.

    In baseline mode each model meets the baseline of the question's category. What a question is given depends on the
    benchmark's questions that were there before it, on the models and on the seed, and not on the answers there are or on which
    of the questions the run looks at: the same again after a crash, and by another rubric. A run of what people have judged goes
    by their votes alone, those that came later too.
    """
    models = list(candidates)
    if run.pairs is None:
        met = _all_of_mode(run, models)
        return _voted(run, met) if run.is_voted else met
    questions = list(Question.objects.filter(benchmark=run.benchmark).order_by("pk").values_list("pk", flat=True))
    design = sparse_pairs(tuple(sorted(set(models))), len(questions), each=run.pairs, seed=run.seed)
    by_question = dict(zip(questions, design, strict=True))
    return lambda question, _sample: by_question[question]


def _all_of_mode(run: Run, models: Sequence[int]) -> Meet:
    """The pairs that the run's mode has on a question. One query where categories have baselines of their own."""
    if run.baselines:
        categories = dict(Question.objects.filter(benchmark=run.benchmark).values_list("pk", "category"))
        return lambda question, _sample: against(run.baseline_of(categories[question]), models)
    pairs = against(run.baseline_id, models) if run.mode == Run.Mode.BASELINE else all_pairs(models)
    return lambda _question, _sample: pairs


def _voted(run: Run, met: Meet) -> Meet:
    """Those of these pairs that people have judged on a question, in a sample of the answers, by votes that count. One query."""
    sides = ("battle__question", "battle__first__sample", "battle__first_model", "battle__second_model")
    votes = Preference.objects.counting().decided().by_people().filter(battle__question__benchmark=run.benchmark)
    votes = votes.filter(battle__second__sample=F("battle__first__sample"))
    votes = votes.filter(provenance__in=run.benchmark.counted_provenances)
    found: dict[tuple[int, int], set[frozenset[int]]] = defaultdict(set)
    for question, sample, *pair in votes.order_by().values_list(*sides).distinct():
        found[question, sample].add(frozenset(pair))
    return lambda *place: [pair for pair in met(*place) if frozenset(pair) in found.get(place, ())]


def is_connected(run: Run, candidates: Iterable[int]) -> bool:
    """Whether the run's pairs, once all answers are there, compare every two models at least by way of others. The run may be
    unsaved. Two queries where not all pairs meet; True without one where they do."""
    if run.pairs is None:
        return True
    models = list(candidates)
    met = meetings(run, models)
    asked = product(questions_of(run).values_list("pk", flat=True), range(run.samples))
    return are_connected(models, (pair for place in asked for pair in met(*place)))


def owed_by_pair(run: Run) -> dict[frozenset[int], int]:
    """How many judgments one judge owes on each pair (in a single run of listed items: on each model), from the answers there
    are. Four queries, of rows as many as answers; one where the items are listed."""
    if run.anchors is not None:
        return _owed_of_listed(run)
    met = meetings(run, run.candidates.values_list("pk", flat=True))
    turns = {pk: len(turns_of(run, len(texts))) for pk, texts in questions_of(run).values_list("pk", "turns")}
    good = Answer.objects.ok().filter(question__in=questions_of(run), model__in=participants(run))
    there: dict[tuple[int, int], set[int]] = defaultdict(set)
    for question, sample, model in good.filter(sample__lt=run.samples).values_list("question", "sample", "model"):
        there[question, sample].add(model)
    owed: dict[frozenset[int], int] = defaultdict(int)
    for (question, sample), models in there.items():
        for pair in met(question, sample):
            if models.issuperset(pair):
                owed[frozenset(pair)] += turns[question] * run.orders
    return owed


def _owed_of_listed(run: Run) -> dict[frozenset[int], int]:
    owed: dict[frozenset[int], int] = defaultdict(int)
    models = ("model",) if run.is_single else ("first_model", "second_model")
    for texts, *who in listed_items(run).values_list("question__turns", *models):
        owed[frozenset(who)] += len(turns_of(run, len(texts))) * run.orders
    return owed


def listed_items(run: Run) -> QuerySet:
    """The answers or battles of `limits.anchors` that are there."""
    return (Answer if run.is_single else Battle).objects.filter(pk__in=run.anchors or ())


def answers_of(run: Run, questions: Iterable[int] | None = None) -> list[Answer]:
    """The good answers of the run's candidates, to these questions or to all of it, with question and category.

    Each question, category and model is in memory once. Four queries for each 200 questions.
    """
    found: list[Answer] = []
    models = participants(run)
    for some in chunks(questions_of(run).values_list("pk", flat=True) if questions is None else questions):
        answers = Answer.objects.ok().filter(question__in=some, model__in=models, sample__lt=run.samples)
        found += answers.prefetch_related("question__category", "model").defer(*NOT_JUDGED)
    return found


def battles_of(run: Run, questions: Iterable[int] | None = None) -> list[Battle]:
    """The run's battles on these questions or on all of it, made where they are missing; [] in single mode.

    The first sample of one model meets the first of the other, the second the second. Battles share the answers they have in common: each text is in memory once.
    """
    if run.is_single:
        return []
    models = list(run.candidates.order_by("name", "version").values_list("pk", flat=True))
    met = meetings(run, models)
    by_place: dict[tuple[int, int], dict[int, Answer]] = defaultdict(dict)
    for answer in answers_of(run, questions):
        by_place[answer.question_id, answer.sample][answer.model_id] = answer
    battles: list[Battle] = []
    for some in chunks(by_place):
        wanted = [
            (by_place[place][one], by_place[place][other])
            for place in some
            for one, other in met(*place)
            if one in by_place[place] and other in by_place[place]
        ]
        battles += Battle.objects.pair(wanted)
    if run.is_sparse:
        for some in chunks(battles):
            run.battles.add(*some)
    for battle in battles:
        battle.question = battle.first.question
    return sorted(battles, key=lambda battle: battle.pk)


def items_of(run: Run, questions: Iterable[int] | None = None) -> list[Item]:
    """Everything a machine judge sees in this run, or on these questions: each turn where the run judges turns, in both
    orders where it says so."""
    if run.anchors is not None:
        rows = listed_items(run) if questions is None else listed_items(run).filter(question__in=questions)
        listed = _with_texts(run, rows.order_by("pk").values_list("pk", flat=True)).values()
    if run.is_single:
        seen = [Item(answer=answer) for answer in (answers_of(run, questions) if run.anchors is None else listed)]
    else:
        battles = battles_of(run, questions) if run.anchors is None else listed
        seen = [Item(battle=battle, swapped=swapped) for battle in battles for swapped in ways(run, battle)]
    return [replace(item, turn=turn) for item in seen for turn in turns_of(run, len(item.question.turns))]


def items_of_keys(run: Run, keys: Iterable[tuple]) -> list[Item]:
    """The items of a run with these keys, as far as they are still there. A query for each 200."""
    wanted = list(keys)
    rows = _with_texts(run, dict.fromkeys(key[0] for key in wanted))
    if run.is_single:
        return [Item(answer=rows[pk], turn=turn) for pk, turn in wanted if pk in rows]
    return [Item(battle=rows[pk], swapped=swapped, turn=turn) for pk, swapped, turn in wanted if pk in rows]


def _with_texts(run: Run, pks: Iterable[int]) -> dict[int, Any]:
    """The answers or battles of these ids, by id, with all that a judge sees. A query for each 200."""
    sides = ("",) if run.is_single else ("first__", "second__")
    related = [f"{side}{name}" for side in sides for name in ("question__category", "model")]
    table: Any = Answer if run.is_single else Battle
    rows = {row.pk: row for some in chunks(pks) for row in table.objects.filter(pk__in=some).select_related(*related)}
    if not run.is_single:
        for battle in rows.values():
            battle.question = battle.first.question
    return rows


def turns_of(run: Run, turns: int) -> Sequence[int]:
    """The turns that are judged of a question of so many: each, or 0 for the whole conversation."""
    return range(1, turns + 1) if run.turns == Run.Turns.EACH else (0,)


def ways(run: Run, battle: Battle) -> tuple[bool, ...]:
    """The orders a machine judge sees a battle in, each as `swapped`."""
    return (False, True) if run.order == Run.Order.BOTH else (shown_way(run, battle),)


def shown_way(run: Run, battle: Battle) -> bool:
    """Which way round the one order of a run is: by the seed's coin, in turns, or as the run lists its models."""
    if run.order == Run.Order.RANDOM:
        return shown_swapped(run.seed, battle.pk)
    listed = run.recipe.get("models") or []
    places = {name: place for place, name in enumerate(listed)}
    last = len(places)
    one, other = (places.get(answer.model.name, last) for answer in (battle.first, battle.second))
    if run.order == Run.Order.BALANCED:
        # from question to question the pair changes sides, and half of the pairs begin the other way round
        later = (one, battle.first.model_id) > (other, battle.second.model_id)
        return (battle.question.position + battle.first.sample + one + other + run.seed + later) % 2 == 1
    if run.mode == Run.Mode.BASELINE:
        return battle.first.model_id == run.baseline_of(battle.question.category_id)
    return one > other


def undecided(run: Run, judge: Judge, items: Iterable[Item], questions: Iterable[int] | None = None) -> list[Item]:
    """The items this judge has no current judgment of, failed or not; `questions`, if given, are theirs. One query."""
    known = judged_keys(run, judge, questions)
    return [item for item in items if item.key not in known]


def judged_keys(run: Run, judge: Judge, questions: Iterable[int] | None = None) -> set[tuple]:
    """Keys of the items that this judge has judged under the run's rubric in its trial, in this run or another one."""
    table, item = table_of(run)
    mine = table.objects.current().filter(judge=judge, rubric=run.rubric, trial=run.trial)
    if questions is None:
        mine = mine.filter(**{f"{item}__question__benchmark": run.benchmark})
    else:
        mine = mine.filter(**{f"{item}__question__in": questions})
    return set(mine.values_list(*KEYS[item]))


KEYS = {"answer": ("answer_id", "turn"), "battle": ("battle_id", "swapped", "turn")}
"""The columns of a judgment that `Item.key` is made of, by what was judged."""


def table_of(run: Run) -> tuple[type[Grade] | type[Preference], str]:
    """The table of a run's judgments, and its column that names what was judged."""
    return (Grade, "answer") if run.is_single else (Preference, "battle")


def chunks(values: Iterable, size: int = CHUNK) -> Iterator[list]:
    """The values in lists of at most `size`."""
    values = list(values)
    for start in range(0, len(values), size):
        yield values[start : start + size]
