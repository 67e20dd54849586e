"""A crowd that votes as people do: good ones, and one each who is careless, drifts, leans to the left or hurries."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

GOOD, CARELESS, DRIFTING, LEANING, HURRYING = "good", "careless", "drifting", "leaning", "hurrying"
ODD = (CARELESS, DRIFTING, LEANING, HURRYING)
VOTE, GOLD, REPEAT = "vote", "gold", "repeat"

KNOWS = 0.88  # of clear items, how often a good annotator says what is true
CLOSE = 0.4  # of all items: nobody can tell
TRUTHS = (0.42, 0.16, 0.42)  # second, neither, first
TAKES = 25.0  # seconds for an item of 2,000 characters
HURRIES = 2.0
REPEATED = 15
GOLDS = 20
A_DAY = 26  # votes of one person, on one day a week
START = 1_780_000_000.0  # seconds since 1970


@dataclass
class Crowd:
    """Columns (n,), one row a vote in the order of time: codes from 0; `value` 0 second, 1 neither, 2 first.

    `swapped`: the second answer stood left. `truth` of gold items, -1 elsewhere.
    """

    kinds: list[str]
    size: np.ndarray
    who: list[int] = field(default_factory=list)
    item: list[int] = field(default_factory=list)
    purpose: list[str] = field(default_factory=list)
    value: list[int] = field(default_factory=list)
    swapped: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)

    def arrays(self) -> dict:
        """What `annotator_table` takes: a gold item is one of its own for each person."""
        purpose, item, who = np.array(self.purpose), np.array(self.item), np.array(self.who)
        own = np.where(purpose == GOLD, (who + 1) * self.size.size, 0)
        value, swapped = np.array(self.value), np.array(self.swapped)
        return {
            "item": item + own,
            "annotator": who,
            "value": value,
            "values": 3,
            "cluster": item,
            "gold": np.array(self.truth),
            "shown": np.where(swapped, 1.0 - value, value - 1.0),
            "time": np.array(self.at),
            "seconds": np.array(self.seconds),
            "size": self.size[item],
            "week": (np.array(self.at) // (7 * 86400)).astype(int),
        }


def crowd(seed: int = 0, *, good: int = 8, odd: tuple[str, ...] = ODD, items: int = 150, golds: int = GOLDS) -> Crowd:
    """`good` good annotators and one of each odd kind, all on every item, with gold and hidden repeats between."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, items + golds, p=TRUTHS)
    close = np.where(np.arange(items + golds) < items, random.random(items + golds) < CLOSE, False)
    made = Crowd([GOOD] * good + list(odd), np.rint(np.exp(random.normal(np.log(2000), 0.5, items + golds))))
    for who, kind in enumerate(made.kinds):
        _person(made, random, who, kind, truth, close, items=items, golds=golds)
    order = np.argsort(made.at, kind="stable")
    for name in ("who", "item", "purpose", "value", "swapped", "seconds", "at", "truth"):
        setattr(made, name, [getattr(made, name)[row] for row in order])
    return made


def _person(made, random, who, kind, truth, close, *, items, golds) -> None:
    plan = _plan(random, items, golds)
    factor, clock, before = np.exp(random.normal(0, 0.15)), START + 3600 * who, {}
    for place, (item, purpose) in enumerate(plan):
        swapped = bool(random.random() < 0.5) if purpose != REPEAT else not before[item]
        before.setdefault(item, swapped)
        asleep = kind == CARELESS or (kind == DRIFTING and place >= 2 * len(plan) / 3)
        value = _said(random, truth[item], close[item], asleep=asleep)
        if kind == LEANING and close[item]:
            value = 0 if swapped else 2
        takes = HURRIES if kind == HURRYING else TAKES * factor * np.sqrt(made.size[item] / 2000)
        seconds = float(takes * np.exp(random.normal(0, 0.4)))
        clock += seconds + (0 if place % A_DAY else 7 * 86400)
        told = (who, item, purpose, value, swapped, seconds, clock, int(truth[item]) if purpose == GOLD else -1)
        for name, one in zip(
            ("who", "item", "purpose", "value", "swapped", "seconds", "at", "truth"), told, strict=True
        ):
            getattr(made, name).append(one)


def _plan(random, items: int, golds: int) -> list[tuple[int, str]]:
    """All items in an order of this person's own, gold spread over them, and some of the early ones again later."""
    order = random.permutation(items)
    plan = [(int(item), VOTE) for item in order]
    repeats = [(int(item), REPEAT) for item in order[: min(REPEATED, items // 3)]]
    checks = [(items + number, GOLD) for number in range(golds)]
    for number, check in enumerate(checks):
        plan.insert((number + 1) * len(plan) // (golds + 1), check)
    start = min(len(plan), items // 3 + 25)
    for number, again in enumerate(repeats):
        plan.insert(start + number * (len(plan) - start) // max(len(repeats), 1), again)
    return plan


def _said(random, truth: int, close: bool, *, asleep: bool) -> int:
    if asleep:
        return int(random.integers(0, 3))
    if close:
        return int(random.choice(3, p=TRUTHS))
    return int(truth if random.random() < KNOWS else random.choice([one for one in range(3) if one != truth]))
