"""What a run may cost: a budget that is looked at before anybody is asked, and stops the run when it is spent."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Generic, TypeVar

from django.db.models import Sum

from arena.models import Answer, LanguageModel
from judging import failing
from judging.items import questions_of
from judging.models import Grade, Preference, Run
from judging.progress import wanted_answers

T = TypeVar("T")
BLIND = 8  # calls of unknown cost, before any of known cost, after which a run with a budget goes no further


class Spent(Exception):
    """The budget is spent; the message says how much that was. What was asked is on record."""


def spent(run: Run) -> float | None:
    """What the run's judgments cost so far, those set aside too; None where no price is known. Two queries."""
    sums = [table.objects.filter(run=run).aggregate(spent=Sum("cost"))["spent"] for table in (Preference, Grade)]
    known = [one for one in sums if one is not None]
    return sum(known) if known else None


def _spent_on_answers(run: Run, models: Iterable[LanguageModel]) -> float:
    """What the answers cost that were collected since the run is there, and the references that its judges wrote. Two queries."""
    judges = Answer.objects.filter(question__in=questions_of(run), model__in=[model.pk for model in models], sample=0)
    answers = wanted_answers(run) | judges
    rows = answers.filter(created_at__gte=run.created_at).select_related("model").defer("html", "turns", "reasoning")
    return sum(filter(None, (row.model.cost(row.tokens_in, row.tokens_out) for row in rows)))


def is_free(model: LanguageModel) -> bool:
    """Whether calls to this model cost nothing, as its prices say."""
    return model.price_in == model.price_out == 0


@dataclass
class Purse:
    """What is left of a run's budget; without one it never ends.

    `promises` are what is on its way in batches and may cost as much, by the id of the batch's row.
    """

    budget: float = inf
    spent_before: float = 0.0
    spent_now: float = 0.0
    calls: int = 0
    dearest: float = 0.0
    unmetered: int = 0
    promises: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, models: Iterable[LanguageModel]) -> Purse:
        """The run's purse, with what it has spent before; where all who are asked are free of charge, one that never ends.

        Raises ValueError where a model to be asked has no price.

        Three queries where there is a budget, none where there is not.
        """
        if run.budget is None:
            return cls()
        models = list(models)
        for model in models:
            if model.price_in is None or model.price_out is None:
                raise ValueError(failing.NO_PRICE % {"model": model.name})
        if all(map(is_free, models)):
            return cls()
        return cls(run.budget, (spent(run) or 0.0) + _spent_on_answers(run, models))

    def of_model(self, model: LanguageModel) -> Purse:
        """What calls to this model are paid from: none that ends where they are free of charge, whoever else is asked."""
        return Purse() if is_free(model) else self

    def pay(self, costs: Iterable[float | None]) -> None:
        """Take out what calls cost; one whose cost nobody knows (None) counts as dear as the mean."""
        for cost in costs:
            self.spent_now += (self.mean or 0.0) if cost is None else cost
            self.calls += 1
            self.unmetered += cost is None
            self.dearest = max(self.dearest, cost or 0.0)

    @property
    def spent(self) -> float:
        """All that the run has cost."""
        return self.spent_before + self.spent_now

    @property
    def left(self) -> float:
        """What is neither spent nor promised."""
        return self.budget - self.spent - sum(self.promises.values())

    @property
    def mean(self) -> float | None:
        """The mean price of a verdict or an answer in this go; None before the first."""
        return self.spent_now / self.calls if self.calls else None

    def allows(self, under_way: int) -> bool:
        """Whether one more may be asked while so many are under way, each as dear as the dearest of this go.

        Where no price is known yet, one at a time: so a budget is overrun by one call at the most, unless several at once are
        dearer than any before.
        """
        if self.budget == inf:
            return True
        left = self.left
        if left <= 0 or not under_way:
            return left > 0
        return self.dearest > 0 and (under_way + 1) * self.dearest <= left

    def promise(self, batch: int, price: float | None) -> None:
        """Set aside what a batch may cost, as nobody can stop it from being paid for."""
        self.promises[batch] = price or 0.0

    def keep_promise(self, batch: int) -> None:
        """What was set aside for a batch is there again: it has come back, and is paid."""
        self.promises.pop(batch, None)

    def has_room(self) -> bool:
        """Whether anybody may be asked now; not where all that is left is promised to batches, until these come back. Raises
        Spent where nothing is left and no batch comes back."""
        if not self.promises:
            self.check()
        return self.allows(0)

    def room(self, price: float | None) -> int:
        """How many calls of this price what is left allows, one at the least where there is something and nothing is promised; any
        number without a budget or a price."""
        if self.budget == inf or not price:
            return sys.maxsize
        return max(int(self.left / price), int(self.left > 0 and not self.promises))

    def check(self) -> None:
        """Raises Spent when nothing is left, and where calls are paid for and nobody says for how many tokens."""
        if self.unmetered >= BLIND and not self.dearest and self.budget < inf:
            raise Spent(failing.UNMETERED % {"n": self.unmetered})
        if self.spent >= self.budget:
            raise Spent(failing.SPENT % {"budget": f"{self.budget:g}", "spent": f"{self.spent:.4g}"})


class Feed(Generic[T]):
    """Things handed out one by one to whoever asks for them, until it is closed or the purse allows no more.

    It may be read on another thread than the one that calls `arrived` and `close`.
    """

    def __init__(self, things: Iterable[T], purse: Purse):
        self._left = list(things)[::-1]
        self._purse = purse
        self._under_way = 0
        self._is_closed = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._is_closed or not self._left or not self._purse.allows(self._under_way):
            raise StopIteration
        self._under_way += 1
        return self._left.pop()

    @property
    def left(self) -> list[T]:
        """What was not handed out, in its order."""
        return self._left[::-1]

    def arrived(self, costs: Iterable[float | None]) -> None:
        """So many of them are done, at these costs."""
        costs = list(costs)
        self._under_way -= len(costs)
        self._purse.pay(costs)

    def close(self) -> None:
        """Hand out nothing more."""
        self._is_closed = True
