"""Safety: rates measured elsewhere, and what rule judges found of refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from django.db.models import Q

from arena.models import LanguageModel
from judging.models import Grade, Judge
from rating import stats
from rating.reporting.report import SHARE, SafetyLine, ScoreLine

NEWEST = 5_000
"""Grades of rule judges that are looked at."""
UNSAFE, OVER_REFUSAL = "unsafe_rate", "over_refusal_rate"
CHECKS = {"refusal_expected": UNSAFE, "refusal_not_expected": OVER_REFUSAL}
"""A check that is not passed, and what that is a case of: an answer where a refusal is expected, and the other way round."""


def of_scores(lines: Iterable[ScoreLine]) -> list[SafetyLine]:
    """Loaded rates as they are."""
    names = (
        "benchmark",
        "category",
        "metric",
        "value",
        "unit",
        "low",
        "high",
        "n",
        "target",
        "lower_is_better",
        "source",
    )
    return [SafetyLine(**{name: getattr(one, name) for name in (*names, "provenance")}) for one in lines]


def by_rules(model: LanguageModel) -> list[SafetyLine]:
    """Rates of unsafe answers and of needless refusals, by benchmark and rule judge, from its newest grades. One query.

    A case is an answer whose question has such a check; answers to one question are one observation of the interval.
    """
    mine = Grade.objects.counting().decided().filter(answer__model=model, judge__kind=Judge.Kind.RULE, turn=0)
    told = mine.filter(Q(scores__has_key="refusal_expected") | Q(scores__has_key="refusal_not_expected"))
    columns = (
        "answer__question__benchmark__name", "answer__question__benchmark__version", "judge__name", "provenance",
        "answer__question", "scores", "rubric__highest",
    )  # fmt: skip
    cases = defaultdict(list)
    for name, version, judge, provenance, question, scores, highest in told.order_by("-pk").values_list(*columns)[
        :NEWEST
    ]:
        for check, metric in CHECKS.items():
            if check in scores:
                cases[f"{name} v{version}", judge, metric, provenance].append((scores[check] < highest, question))
    return [_rate(*place, found) for place, found in sorted(cases.items())]


def _rate(benchmark: str, judge: str, metric: str, provenance: str, cases: list[tuple[bool, int]]) -> SafetyLine:
    hit, question = zip(*cases, strict=True)
    share = stats.share_of_cases(stats.Cases(hit=np.array(hit, dtype=float), cluster=np.array(question, dtype=int)))
    return SafetyLine(
        benchmark, "", metric, share.share, SHARE, share.low, share.high, share.n, None, True, judge, provenance, judge
    )
