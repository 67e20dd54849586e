"""The data that everyone is measured on: seeded battles and votes, written as one array file each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

QUESTIONS = 2000
FEATURES = 4
ANNOTATORS = 50
CATEGORIES = 20
TIES = 0.5  # Davidson's nu
SHARED = (0.5, 0.3, 0.2)  # how common the three values are
KNOWS = 0.63  # chance that a vote is the truth and no guess: alpha is about its square


def write_battles(path: Path, n: int, models: int, *, seed: int = 20261125) -> None:
    """`n` battles by Davidson's model: strengths N(0, 0.7), 2,000 questions with tastes, models unequally often seen.

    `first`, `second`, `value` (-1, 0, 1), `cluster`: int64 (n,). `style` (n, 4): (a - b) / (a + b) of four features of the two
    answers, the first of which the judges like.
    """
    random = np.random.default_rng(seed)
    seen = random.gamma(2.0, size=models) + 0.2
    seen /= seen.sum()
    first = random.choice(models, size=n, p=seen)
    second = random.choice(models, size=n, p=seen)
    again = np.flatnonzero(first == second)
    second[again] = (first[again] + random.integers(1, models, again.size)) % models
    cluster = random.integers(0, QUESTIONS, n)
    strength, taste = random.normal(0, 0.7, models), random.normal(0, 0.3, (QUESTIONS, models))
    style = _style(random, first, second, models)
    ahead = strength[first] + taste[cluster, first] - strength[second] - taste[cluster, second] + 0.5 * style[:, 0]
    win, loss = np.exp(ahead / 2), np.exp(-ahead / 2)
    drawn = random.random(n) * (win + loss + TIES)
    value = np.where(drawn < win, 1, np.where(drawn < win + TIES, 0, -1))
    np.savez(path, models=models, first=first, second=second, value=value, cluster=cluster, style=style)


def _style(random: np.random.Generator, first: np.ndarray, second: np.ndarray, models: int) -> np.ndarray:
    habit = random.normal(0, 0.5, (models, FEATURES)) + np.array([6.0, 1.0, 2.0, 1.5])
    table = np.empty((first.size, FEATURES))
    for k in range(FEATURES):
        one = np.floor(np.exp(habit[first, k] + random.normal(0, 0.5, first.size)))
        other = np.floor(np.exp(habit[second, k] + random.normal(0, 0.5, first.size)))
        table[:, k] = (one - other) / np.maximum(one + other, 1.0)
    return table


def write_votes(path: Path, items: int, *, seed: int = 20261125) -> None:
    """Three votes on each of `items` items by 50 annotators who know the truth unequally often; α is about 0.4.

    `item`, `judge`, `value` (0, 1, 2), `cluster`, `category`: int64 (3 · items,), item by item. `shuffled`: an order of the votes as
    they may have come in.
    """
    random = np.random.default_rng(seed)
    truth = random.choice(3, size=items, p=SHARED)
    seat = random.integers(0, ANNOTATORS, items)
    step, other = random.integers(1, 17, items), random.integers(1, 17, items)
    judge = np.stack([seat, (seat + step) % ANNOTATORS, (seat + step + other) % ANNOTATORS], axis=1)
    knows = np.clip(random.normal(KNOWS, 0.1, ANNOTATORS), 0.2, 0.95)
    guess = random.choice(3, size=(items, 3), p=SHARED)
    value = np.where(random.random((items, 3)) < knows[judge], truth[:, None], guess).ravel()
    item = np.repeat(np.arange(items), 3)
    cluster = item * QUESTIONS // items
    order = random.permutation(item.size)
    judge = judge.ravel()
    np.savez(path, item=item, judge=judge, value=value, cluster=cluster, category=cluster % CATEGORIES, shuffled=order)
