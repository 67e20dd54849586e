"""Answers that name their maker, found among the rows: on a ballot, and in a whole run."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock

from django.db.models import Count

from arena.models import Answer, LanguageModel, Question
from judging.items import participants, questions_of
from judging.leaks import Identity, Leak, leaks
from judging.models import Assignment, Grade, KeptOut, Preference, Run

CHUNK = 500  # answers read at a time
MOST_SHOWN = 20  # answers a page names for each model
KEPT = 5000  # answers whose leaks a process remembers

_ROW = ("pk", "name", "version", "vendor", "family", "aliases", "endpoint_model")


@dataclass(frozen=True)
class Identities:
    """Who all models are, by their ids; `digest` changes with any of their names."""

    by_model: dict[int, Identity]
    digest: str

    def of(self, model: int) -> tuple[Identity, ...]:
        return (self.by_model[model],) if model in self.by_model else ()


@dataclass(frozen=True)
class Naming:
    """An answer that names its maker, and the passages that do."""

    answer: int
    question: int
    title: str
    texts: tuple[str, ...]


@dataclass
class LeakCount:
    """Of one model in one run: its answers, those that name their maker, votes on them that ratings leave out."""

    model: LanguageModel
    answers: int = 0
    named: int = 0
    kept_out: int = 0
    examples: list[Naming] = field(default_factory=list)


_last: Identities | None = None
_known: OrderedDict[bytes, tuple[Leak, ...]] = OrderedDict()
_lock = Lock()


def identities() -> Identities:
    """Who all models are; made anew only when a row of theirs changed. One query."""
    global _last
    rows = list(LanguageModel.objects.order_by("pk").values_list(*_ROW))
    digest = blake2b(json.dumps(rows, default=str).encode(), digest_size=16).hexdigest()
    if _last is None or _last.digest != digest:
        _last = Identities({row[0]: _identity(*row) for row in rows}, digest)
    return _last


def _identity(pk: int, name: str, version: str, vendor: str, family: str, aliases: list, endpoint: str) -> Identity:
    told = [name, f"{name} {version}", *map(str, aliases), endpoint, endpoint.rsplit("/", 1)[-1], family]
    return Identity(pk, tuple(dict.fromkeys(word for word in told if word)), (vendor,) if vendor else ())


def leaks_of(answer: Answer, *, question: Question | None = None, known: Identities | None = None) -> list[Leak]:
    """The passages by which this answer names its maker; what its question names itself is none.

    One query where `known` is not told, and another where the `question` is neither told nor loaded.
    """
    known, question = known or identities(), question or answer.question
    return _leaks(answer.model_id, answer.turns, question.turns, known)


def seat_leaks(seat: Assignment) -> list[Leak]:
    """The leaks of all answers of a seat; empty where none names its maker. One query if the seat came with its rows."""
    answers = (seat.answer,) if seat.answer_id else (seat.battle.first, seat.battle.second)
    question, known = (seat.answer or seat.battle).question, identities()
    return [leak for answer in answers for leak in leaks_of(answer, question=question, known=known)]


def _leaks(model: int, turns: list[str], asked: list[str], known: Identities) -> list[Leak]:
    text = json.dumps([known.digest, model, turns, asked]).encode()
    key = blake2b(text, digest_size=16).digest()
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return list(_known[key])
    found = leaks(turns, known.of(model), others=known.by_model.values(), asked=asked)
    with _lock:
        _known[key] = tuple(found)
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


def leak_counts(run: Run) -> dict[LanguageModel, LeakCount]:
    """For each model of a run, how many answers name their maker and how many votes are kept out for that.

    Six queries, whatever the run's size; the answers are read a few hundred at a time.
    """
    known, models = identities(), participants(run)
    counts = {model.pk: LeakCount(model) for model in LanguageModel.objects.filter(pk__in=models)}
    titles = {question.pk: question for question in questions_of(run)}
    answers = Answer.objects.ok().filter(question__in=questions_of(run), model__in=models, sample__lt=run.samples)
    naming: dict[int, int] = {}
    for pk, model, question, turns in (
        answers.order_by("pk").values_list("pk", "model", "question", "turns").iterator(chunk_size=CHUNK)
    ):
        count = counts[model]
        count.answers += 1
        if found := _leaks(model, turns, titles[question].turns, known):
            naming[pk] = model
            count.named += 1
            if len(count.examples) < MOST_SHOWN:
                texts = tuple(dict.fromkeys(leak.text for leak in found))
                count.examples.append(Naming(pk, question, titles[question].title, texts))
    for model, votes in _kept_out(run, naming).items():
        counts[model].kept_out = votes
    return {count.model: count for count in counts.values()}


def _kept_out(run: Run, naming: dict[int, int]) -> Counter:
    """Votes left out of ratings by the model whose answer named its maker; one is counted for both where both did."""
    table, fields = (Grade, ("answer",)) if run.is_single else (Preference, ("battle__first", "battle__second"))
    left_out = table.objects.current().filter(run=run, kept_out=KeptOut.LEAK).order_by()
    votes: Counter = Counter()
    for *answers, n in left_out.values_list(*fields).annotate(n=Count("pk")).iterator(chunk_size=CHUNK):
        for model in {naming[answer] for answer in answers if answer in naming}:
            votes[model] += n
    return votes
