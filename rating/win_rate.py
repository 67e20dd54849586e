"""How often each model beats the baseline of a benchmark's judgments, straight from the record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from django.db.models import Count, Q, QuerySet
from numpy.typing import NDArray

from arena.models import Battle, Benchmark, Category, LanguageModel, Question
from judging.models import Judge, Preference, Run
from rating.boards import NoSuchBoard, category_of, key_of
from rating.data import Votes, read
from rating.models import Rating
from rating.stats.baseline_rates import BaselineRates, baseline_rates
from rating.stats.intervals import ClusteredMeans, share_interval
from rating.words import REASONS

METHOD = "win_rate"
Ints = NDArray[np.int64]
LEVEL = 0.95


class NoBaseline(ValueError):
    """There is no baseline, or none by that name, or more than one; the message names those there are."""


@dataclass(frozen=True)
class WinRate:
    """One model against the baseline; `rates` is None where every verdict on it failed.

    `low` and `high` are the ends of the 95 % interval of `rates.win_rate`, None with fewer than two questions. `n_failed`
    counts verdicts without a value, each order by itself: they are in none of the other numbers.
    """

    model: LanguageModel
    rates: BaselineRates | None
    low: float | None = None
    high: float | None = None
    n_failed: int = 0

    def as_json(self, name: str) -> dict[str, Any]:
        rates = self.rates
        return {
            "model": name,
            "win_rate": rates.win_rate if rates else None,
            "standard_error": rates.error if rates else None,
            "low": self.low,
            "high": self.high,
            "n_wins": rates.n_wins if rates else 0,
            "n_wins_base": rates.n_wins_base if rates else 0,
            "n_draws": rates.n_draws if rates else 0,
            "n": rates.n if rates else 0,
            "discrete_win_rate": rates.discrete_win_rate if rates else None,
            "n_failed": self.n_failed,
        }


@dataclass(frozen=True)
class WinRates:
    """The models against the baseline, the best first, those without a rate last. `excluded` counts what the record leaves out.

    `baselines` are those of single categories, by key, where there are several; then `baseline` is None.
    """

    benchmark: Benchmark
    baseline: LanguageModel | None
    category: Category | None
    source: str
    lines: list[WinRate]
    excluded: dict[str, int] = field(default_factory=dict)
    baselines: dict[str, LanguageModel] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Questions with a verdict, over all models."""
        return sum(line.rates.n for line in self.lines if line.rates)

    @property
    def left_out(self) -> list[tuple[Any, int]]:
        """What the record of the whole benchmark leaves out, each reason in the reader's words."""
        return [(REASONS.get(reason, reason), n) for reason, n in self.excluded.items()]

    @property
    def is_uneven(self) -> bool:
        """Whether the models were not judged on equally many questions."""
        return len({line.rates.n if line.rates else 0 for line in self.lines}) > 1

    def as_json(self) -> dict[str, Any]:
        counts = Counter(line.model.name for line in self.lines)
        names = [
            model.name if counts[model.name] == 1 else f"{model.name} {model.version}"
            for model in (line.model for line in self.lines)
        ]
        return {
            "benchmark": self.benchmark.name,
            "category": key_of(self.category),
            "source": self.source,
            "method": METHOD,
            "baseline": self.baseline.name if self.baseline else {key: one.name for key, one in self.baselines.items()},
            "n": self.n,
            "rows": [line.as_json(name) for name, line in zip(names, self.lines, strict=True)],
            "excluded": self.excluded,
        }


def win_rates(
    benchmark: Benchmark, *, baseline: str | None = None, category: str | None = None, source: str = Rating.ALL
) -> WinRates:
    """Every model's rate of wins against the baseline, one share a question.

    The share of a question is the mean of its verdicts (of several judges, turns or repeats): 1 the model won, 0 the
    baseline, in between a judge's probability; both orders of one machine are one verdict. `baseline` is a model's name;
    None is that of the runs against a baseline, where they have several that of each question's category: over all categories a
    model is compared with several then. Raises NoBaseline, NoSuchBoard. A fixed number of queries.
    """
    found = category_of(benchmark, category)
    bases = _bases(benchmark, baseline)
    if found:
        bases = {found.pk: bases[found.pk]} if found.pk in bases else {}
    judges = _judges(source)
    record = read(benchmark)
    votes = record.votes.where(record.speaks(record.votes))
    base = _base_of(votes.category, bases)
    votes = votes.where((votes.first == base) | (votes.second == base))
    if found:
        votes = votes.where(votes.category == found.pk)
    if judges is not None:
        votes = votes.where(np.isin(votes.judge, list(judges.values_list("pk", flat=True))))
    rates = _rates(votes, _base_of(votes.category, bases))
    failed = _failed(benchmark, bases, judges)
    models = LanguageModel.objects.in_bulk(rates.keys() | failed.keys())
    lines = [_line(models[pk], rates.get(pk), failed.get(pk, 0)) for pk in models]
    lines.sort(key=lambda line: (line.rates is None, -line.rates.win_rate if line.rates else 0, line.model.name))
    named = _by_key(bases)
    one = next(iter(named.values())) if len(set(named.values())) == 1 else None
    return WinRates(benchmark, one, found, source, lines, record.excluded, {} if one else named)


def _bases(benchmark: Benchmark, name: str | None) -> dict[int, int]:
    """The baseline of each category that has questions here, both by id. Raises NoBaseline."""
    questions = Question.objects.filter(benchmark=benchmark).order_by()
    categories = list(questions.values_list("category", flat=True).distinct())
    runs = Run.objects.filter(benchmark=benchmark, mode=Run.Mode.BASELINE, trial=0)
    if name or not any(run.baselines for run in runs):
        return dict.fromkeys(categories, _baseline(benchmark, name, runs).pk)
    found = {category: {run.baseline_of(category) for run in runs} for category in categories}
    if any(len(models) > 1 for models in found.values()):
        models = LanguageModel.objects.filter(pk__in=set().union(*found.values())).order_by("name")
        told = ", ".join(map(str, models))
        raise NoBaseline(f"runs have other baselines in the same category: {told}; --baseline names one")
    return {category: models.pop() for category, models in found.items()}


def _by_key(bases: dict[int, int]) -> dict[str, LanguageModel]:
    """The baseline of each category by its key. Two queries."""
    models = LanguageModel.objects.in_bulk(bases.values())
    keys = Category.objects.filter(pk__in=bases).order_by("key").values_list("pk", "key")
    return {key: models[bases[pk]] for pk, key in keys}


def _base_of(categories: Ints, bases: dict[int, int]) -> Ints:
    """The baseline of each of these categories, (n,); 0, which no model has for its id, where there is none."""
    known, place = np.unique(categories, return_inverse=True)
    return np.array([bases.get(int(pk), 0) for pk in known], dtype=np.int64)[place]


def _baseline(benchmark: Benchmark, name: str | None, runs: QuerySet[Run]) -> LanguageModel:
    """The model of this name that battled here, or else the one baseline of these runs. Raises NoBaseline."""
    if name:
        battles = Battle.objects.filter(question__benchmark=benchmark).order_by()
        places = (battles.values(place).distinct() for place in ("first_model", "second_model"))
        wanted = Q()
        for place in places:
            wanted |= Q(pk__in=place)
        models = list(LanguageModel.objects.filter(wanted, name=name).order_by("version"))
    else:
        models = list(LanguageModel.objects.filter(pk__in=runs.order_by().values("baseline")).order_by("name"))
    if len(models) == 1:
        return models[0]
    if models:
        raise NoBaseline(f"there are several baselines: {', '.join(map(str, models))}; --baseline names one")
    if name:
        raise NoBaseline(f"no model {name!r} was in a battle of {benchmark}")
    raise NoBaseline(
        f"nothing in {benchmark} was judged against a baseline; --baseline names the model to compare with"
    )


def _judges(source: str) -> QuerySet[Judge] | None:
    """The judges that count for this source; None for all of them. Raises NoSuchBoard."""
    if source == Rating.ALL:
        return None
    if source == Rating.PEOPLE:
        return Judge.objects.filter(kind__in=Judge.PEOPLE)
    if source == Rating.JUDGES:
        return Judge.objects.exclude(kind__in=Judge.PEOPLE)
    named = [judge.pk for judge in Judge.objects.all() if f"judge:{judge}" == source or f"judge:{judge.name}" == source]
    if not named:
        raise NoSuchBoard("source", source, [Rating.ALL, Rating.PEOPLE, Rating.JUDGES, "judge:NAME"])
    return Judge.objects.filter(pk__in=named)


def _rates(votes: Votes, base: Ints) -> dict[int, BaselineRates]:
    """The rates of each model that has a vote, by its id; `base` is the baseline of each, (n,)."""
    model = np.where(votes.first == base, votes.second, votes.first)
    towards = np.clip(np.where(votes.first == base, -votes.value, votes.value), -1.0, 1.0)
    pairs, place, times = np.unique(np.stack([model, votes.cluster]), axis=1, return_inverse=True, return_counts=True)
    share = (1 + np.bincount(place.reshape(-1), towards, minlength=len(times)) / times) / 2
    return {int(pk): baseline_rates(share[pairs[0] == pk]) for pk in np.unique(pairs[0])}


def _failed(benchmark: Benchmark, bases: dict[int, int], judges: QuerySet[Judge] | None) -> dict[int, int]:
    """Verdicts on each model against the baseline that have no value, by the model's id. One query."""
    rows = (
        Preference.objects.counting()
        .failed()
        .filter(
            battle__question__benchmark=benchmark,
            battle__question__category__in=bases,
            provenance__in=benchmark.counted_provenances,
        )
    )
    if judges is not None:
        rows = rows.filter(judge__in=judges)
    failed: Counter[int] = Counter()
    sides = ("battle__first_model", "battle__second_model")
    counted = rows.order_by().values_list("battle__question__category", *sides).annotate(n=Count("pk"))
    for category, *models, n in counted:
        if bases[category] in models:
            failed[models[models[0] == bases[category]]] += n
    return dict(failed)


def _line(model: LanguageModel, rates: BaselineRates | None, failed: int) -> WinRate:
    if rates is None or rates.error is None:
        return WinRate(model, rates, n_failed=failed)
    told = (np.array([number]) for number in (rates.win_rate, rates.error, rates.n, rates.n))
    low, high = (float(end[0]) for end in share_interval(ClusteredMeans(*told), level=LEVEL))
    return WinRate(model, rates, None if isnan(low) else low, None if isnan(high) else high, failed)
