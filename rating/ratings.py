"""Ratings of one benchmark's record: every source, method and category, as rows not yet saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rating import stats
from rating.data import Marks, Record, Votes
from rating.models import Rating
from rating.stats.ranks import ranked

SHUFFLES = 20
BT, ELO, SCORE = Rating.Method.BT, Rating.Method.ELO, Rating.Method.SCORE


@dataclass
class Rated:
    """One table of ratings: `rows` by model id, in no order; `category` None is all of them."""

    source: str
    method: str
    category: int | None
    rows: dict[int, dict[str, Any]]
    notes: tuple[str, ...] = ()


@dataclass
class Recipe:
    """How ratings are made: level of intervals, Elo's K, and the weights of the total over categories."""

    level: float = 0.95
    k: float = 32.0
    mode: str = "mean"
    weights: dict[int, float] = field(default_factory=dict)


def boards(record: Record, recipe: Recipe) -> Iterator[Rated]:
    """Every board that the record has data for, with totals over categories on the overall ones."""
    for source, votes in sources(record.votes, record.names):
        yield from _totalled(list(_by_category(source, votes, recipe)), votes.category, recipe)
    for source, marks in sources(record.marks, record.names):
        yield from _totalled(list(_by_category(source, marks, recipe)), marks.category, recipe)


def sources(table: Votes | Marks, names: dict[int, str]) -> Iterator[tuple[str, Any]]:
    """People, judges, all, and each machine judge alone; those without a row are left out."""
    masks = {Rating.ALL: np.ones(len(table), dtype=bool), Rating.PEOPLE: table.person, Rating.JUDGES: ~table.person}
    for judge in np.unique(table.judge[~table.person]):
        masks[f"judge:{names[int(judge)]}"] = table.judge == judge
    for source, mask in masks.items():
        if mask.any():
            yield source, table.where(mask)


def _by_category(source: str, table: Votes | Marks, recipe: Recipe) -> Iterator[Rated]:
    categories: list[int | None] = [None, *(int(category) for category in np.unique(table.category))]
    for category in categories:
        part = table if category is None else table.where(table.category == category)
        methods = ((SCORE, _scores),) if isinstance(part, Marks) else ((BT, _bradley_terry), (ELO, _elo))
        for method, rate in methods:
            try:
                yield Rated(source, method, category, *rate(part, recipe))
            except stats.StatsError as error:
                yield Rated(source, method, category, {}, (str(error),))


def _coded(votes: Votes) -> tuple[stats.Battles, np.ndarray]:
    """The votes with models and questions as 0, 1, 2 …; and the ids of the models."""
    models, codes = np.unique(np.concatenate([votes.first, votes.second]), return_inverse=True)
    half = len(votes)
    cluster = np.unique(votes.cluster, return_inverse=True)[1]
    return stats.Battles(codes[:half], codes[half:], votes.value, cluster), models


def _bradley_terry(votes: Votes, recipe: Recipe) -> tuple[dict[int, dict], tuple[str, ...]]:
    battles, models = _coded(votes)
    fitted = stats.fit(battles, len(models), level=recipe.level)
    ranks = stats.rank_ranges(fitted, level=recipe.level)
    rates = stats.win_rates(battles, len(models), level=recipe.level)
    columns = (fitted.rating, fitted.low, fitted.high, ranks, fitted.n, rates.win_rate)
    return _rows(models, *columns), fitted.notes


def _elo(votes: Votes, recipe: Recipe) -> tuple[dict[int, dict], tuple[str, ...]]:
    """Online Elo in the order of the record; low and high are what other orders of the same votes would give."""
    battles, models = _coded(votes)
    rating = stats.online_elo(battles, len(models), k=recipe.k)
    spread = stats.shuffled_elo(battles, len(models), k=recipe.k, shuffles=SHUFFLES)
    low, high = np.minimum(spread.low, rating), np.maximum(spread.high, rating)
    rates = stats.win_rates(battles, len(models), level=recipe.level)
    above = low[:, None] > high[None, :]
    ranks = ranked(rating, above, component=np.zeros(len(models), dtype=np.int64))
    return _rows(models, rating, low, high, ranks, rates.n, rates.win_rate), ("order_spread",)


def _scores(marks: Marks, recipe: Recipe) -> tuple[dict[int, dict], tuple[str, ...]]:
    models, codes = np.unique(marks.model, return_inverse=True)
    cluster = np.unique(marks.cluster, return_inverse=True)[1]
    means = stats.mean_scores(codes, marks.score, cluster, len(models), level=recipe.level)
    ranks = stats.rank_means(codes, marks.score, cluster, len(models), level=recipe.level)
    nothing = np.full(len(models), np.nan)
    return _rows(models, means.mean, means.low, means.high, ranks, means.n, nothing), means.notes


def _rows(models, rating, low, high, ranks, n, win_rate) -> dict[int, dict]:
    return {
        int(model): {
            "rating": number(rating[place]),
            "low": number(low[place]),
            "high": number(high[place]),
            "rank": int(ranks.rank[place]) or None,
            "rank_low": int(ranks.low[place]) or None,
            "rank_high": int(ranks.high[place]) or None,
            "n": int(n[place]),
            "win_rate": number(win_rate[place]),
        }
        for place, model in enumerate(models)
    }


def number(value: float) -> float | None:
    """A float for the database; None for what is not a number."""
    return float(value) if np.isfinite(value) else None


def _totalled(found: list[Rated], categories, recipe: Recipe) -> list[Rated]:
    """The boards, with each overall row's total over the categories; None where a category is missing."""
    wanted = [int(category) for category in np.unique(categories)]
    weights = np.array([recipe.weights.get(category, 0.0 if recipe.weights else 1.0) for category in wanted])
    for overall in (board for board in found if board.category is None):
        parts = {board.category: board.rows for board in found if board.method == overall.method}
        for model, row in overall.rows.items():
            values = [parts[category].get(model, {}).get("rating") for category in wanted]
            table = np.array([[np.nan if value is None else value for value in values]])
            row["weighted"] = (
                number(stats.weighted_total(table, weights, mode=recipe.mode)[0]) if weights.any() else None
            )
    return found
