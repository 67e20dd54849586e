"""The page of judges beside people's words: what is asked for in its address, and the tables that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import Benchmark
from judging.models import Judge, Preference, Run, Status
from rating import meta
from rating.axis import Axis
from rating.boards.shown import Head
from rating.meta import FLIPS, UNREAD, Ceiling, Compared, Comparison, PersonPair, Policy
from rating.meta_kept import kept
from rating.truth import NoPeople, Place, gather
from rating.words import REASONS

AGREEMENT, NAME = "agreement", "name"
COLUMNS = {
    AGREEMENT: "agreement",
    "difference": "difference",
    "no_ties": "agreement_no_ties",
    "kappa": "kappa",
    "consistency": "consistency",
    "n": "n",
    "failed": "n_failed",
}
"""What the table may be sorted by, the highest first, and where it stands; besides names."""
PRESETS = {
    gettext_lazy("as Auto-J counts"): Policy(meta.WRONG, meta.LEAVE_OUT),
    gettext_lazy("as PandaLM counts"): Policy(meta.WRONG, meta.TIE),
    gettext_lazy("as LLMBar counts"): Policy(meta.BOTH, meta.LEAVE_OUT),
}
"""The policies that published figures were made by."""
SCALE = Axis(low=0, high=100, step=25)
TESTS = (
    ("LLMBar", "load llmbar LLMBar/Dataset --benchmark llmbar"),
    ("Auto-J", "load auto_j testdata_pairwise.jsonl pairwise_*output.jsonl --benchmark auto_j"),
    ("PandaLM", "load pandalm data/testset-v1.json data/*-testset-v1.json --benchmark pandalm"),
    ("FairEval", "load faireval question.jsonl answer_*.jsonl review_*.txt --benchmark faireval"),
)
"""Public judge tests, and how each is loaded from its own files."""


@dataclass(frozen=True)
class Wanted:
    """What the address asks for; anything it does not know is as if it were not there."""

    policy: Policy
    category: str = ""
    sort: str = AGREEMENT
    judge: int | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Wanted:
        flips, unread, sort, judge = (asked.get(name, "") for name in ("flips", "unread", "sort", "judge"))
        return cls(
            policy=Policy(flips if flips in FLIPS else meta.WRONG, unread if unread in UNREAD else meta.LEAVE_OUT),
            category=asked.get("category", ""),
            sort=sort if sort == NAME or sort in COLUMNS else AGREEMENT,
            judge=int(judge) if judge.isascii() and judge.isdigit() and len(judge) < 19 else None,
        )


@dataclass(frozen=True)
class Line:
    """One judge in one place, with its row of the database, and where its bar is."""

    row: Compared
    judge: Judge
    place: Place
    is_best: bool = False

    @property
    def bar(self) -> Mapping[str, str] | None:
        return bar(self.row.agreement, self.row.low, self.row.high)

    @property
    def is_below(self) -> bool:
        """Whether the best is better for certain."""
        return self.row.difference_high is not None and self.row.difference_high < 0


def bar(value: float | None, low: float | None, high: float | None) -> Mapping[str, str] | None:
    """A share on the table's axis; None where there is none."""
    if value is None:
        return None
    return SCALE.bar(100 * value, *(None if end is None else 100 * end for end in (low, high)))


@dataclass(frozen=True)
class Figures:
    """What is counted for the page: every judge at one place, one judge everywhere, people among themselves; as plain values."""

    places: list[Place]
    place: Place
    rows: list[Compared]
    judge: int | None
    by_category: list[Compared]
    ceiling: Ceiling | None
    pairs: list[PersonPair]
    people: list[int]
    n_items: int
    n_undecided: int
    provenances: tuple[str, ...]
    excluded: dict[str, int]


def figures(benchmark: Benchmark, wanted: Wanted) -> Figures | None:
    """The figures that are wanted, kept for the next reader; None where no person has judged a pair."""
    if not labelled(benchmark).exists():
        return None
    about = (wanted.policy.flips, wanted.policy.unread, wanted.category, wanted.judge)
    return kept(benchmark, about, lambda: _figures(benchmark, wanted))


def _figures(benchmark: Benchmark, wanted: Wanted) -> Figures | None:
    try:
        truth = gather(benchmark)
    except NoPeople:
        return None
    place = next((one for one in truth.places if one.address == wanted.category), truth.places[0])
    rows = meta.rows_at(truth, place, wanted.policy)
    first = meta.best_of(rows) or next(iter(rows), None)
    judge = wanted.judge if wanted.judge in truth.said else first.judge_id if first else None
    return Figures(
        places=truth.places,
        place=place,
        rows=rows,
        judge=judge,
        by_category=[] if judge is None else meta.rows_of(truth, judge, wanted.policy)[1:],
        ceiling=meta.ceiling(truth, place),
        pairs=list(meta.pairs_of_people(truth)),
        people=truth.people,
        n_items=len(truth.labels),
        n_undecided=truth.n_undecided,
        provenances=truth.provenances,
        excluded=truth.excluded,
    )


@dataclass(frozen=True)
class Page:
    """The tables: all judges in one place, one judge in all places."""

    told: Figures
    wanted: Wanted
    judges: Mapping[int, Judge]

    axis = SCALE
    flips = FLIPS
    unread = UNREAD

    @property
    def place(self) -> Place:
        return self.told.place

    @property
    def is_all(self) -> bool:
        return self.place.ids is None

    @property
    def has_categories(self) -> bool:
        return len(self.told.places) > 2

    @property
    def groups(self) -> list[Place]:
        return [one for one in self.told.places[1:] if one.is_group]

    @property
    def categories(self) -> list[Place]:
        return [one for one in self.told.places[1:] if not one.is_group]

    @cached_property
    def lines(self) -> list[Line]:
        """All judges here, as they are to be sorted; those with few battles after the others."""
        best = meta.best_of(self.told.rows)
        lines = [
            Line(row, self.judges[row.judge_id], self.place, row is best)
            for row in self.told.rows
            if row.judge_id in self.judges
        ]
        if self.wanted.sort == NAME:
            return lines
        name = COLUMNS[self.wanted.sort]
        return sorted(lines, key=lambda line: _place_of(line, name))

    @property
    def heads(self) -> dict[str, Head]:
        known = {NAME: "ascending", **dict.fromkeys(COLUMNS, "descending")}
        return {name: Head(name, order if name == self.wanted.sort else "") for name, order in known.items()}

    @property
    def one(self) -> Judge | None:
        """The judge that is told by category: the one asked for, else the best."""
        return self.judges.get(self.told.judge) if self.told.judge is not None else None

    @cached_property
    def by_category(self) -> list[Line]:
        """That judge in each group and category where it was heard."""
        places = {(place.key, place.is_group): place for place in self.told.places[1:]}
        return [Line(row, self.one, places[row.category, row.is_group]) for row in self.told.by_category if self.one]

    @property
    def ceiling_bar(self) -> Mapping[str, str] | None:
        found = self.told.ceiling
        return bar(found.agreement, found.low, found.high) if found else None

    @property
    def policy_words(self) -> tuple[Any, Any]:
        return FLIPS[self.wanted.policy.flips], UNREAD[self.wanted.policy.unread]

    @property
    def presets(self) -> list[tuple[Any, Policy, bool]]:
        return [(name, policy, policy == self.wanted.policy) for name, policy in PRESETS.items()]

    @property
    def left_out(self) -> list[tuple[Any, int]]:
        return [(REASONS.get(reason, reason), n) for reason, n in self.told.excluded.items()]


def _place_of(line: Line, name: str) -> tuple[bool, bool, float]:
    value = getattr(line.row, name)
    if name == "difference" and line.is_best:
        value = 0.0
    return line.row.is_few and name != "n", value is None, -(value or 0.0)


def page(told: Figures, wanted: Wanted) -> Page:
    """The page over these figures. One query."""
    ids = {row.judge_id for row in (*told.rows, *told.by_category)}
    return Page(told, wanted, Judge.objects.select_related("model").in_bulk(ids))


def comparison(benchmark: Benchmark, policy: Policy) -> Comparison:
    """Everything by one policy, as the command `meta` tells it, kept for the next reader; without rows where nothing can be compared."""
    about = ("all", policy.flips, policy.unread)
    return kept(benchmark, about, lambda: _comparison(benchmark, policy))


def _comparison(benchmark: Benchmark, policy: Policy) -> Comparison:
    try:
        truth = gather(benchmark) if labelled(benchmark).exists() else None
    except NoPeople:
        truth = None
    if truth is None:
        return Comparison(benchmark, policy, [], [], [], n_people=0, n_items=0, n_undecided=0, excluded={})
    return meta.compared(truth, policy, judges=truth.judges)


def unnamed(pairs: Iterable[PersonPair], people: list[int]) -> list[PersonPair]:
    """These pairs with people of an account as numbers. One query."""
    own = set(Judge.objects.filter(pk__in=people, kind=Judge.Kind.PERSON).values_list("pk", flat=True))
    names = {pk: _("person %(number)d") % {"number": n} for n, pk in enumerate(people, start=1) if pk in own}
    return [
        replace(pair, one=names.get(pair.one_id, pair.one), other=names.get(pair.other_id, pair.other))
        for pair in pairs
    ]


def without_names(found: Comparison) -> Comparison:
    """The same for readers who may not know who is who. One query."""
    people = sorted({pk for pair in found.people for pk in (pair.one_id, pair.other_id)})
    return replace(found, people=unnamed(found.people, people))


def with_truth(benchmarks: QuerySet[Benchmark]) -> QuerySet[Benchmark]:
    """Those where people have judged pairs, with `is_published` where some of that was loaded, `is_own` where people voted here
    and `is_judged` where a machine judged a pair too. No query."""
    pairs = Preference.objects.counting().filter(battle__question__benchmark=OuterRef("pk"), status=Status.OK)
    people = pairs.filter(judge__kind__in=Judge.PEOPLE)
    return benchmarks.annotate(
        is_published=Exists(people.filter(judge__kind=Judge.Kind.IMPORTED_PERSON)),
        is_own=Exists(people.exclude(judge__kind=Judge.Kind.IMPORTED_PERSON)),
        is_judged=Exists(pairs.exclude(judge__kind__in=Judge.PEOPLE)),
    ).filter(Exists(people))


def labelled(benchmark: Benchmark) -> QuerySet[Preference]:
    """The votes of people on pairs of this benchmark that count."""
    found = Preference.objects.counting().decided().by_people()
    return found.filter(battle__question__benchmark=benchmark, provenance__in=benchmark.counted_provenances).order_by()


def under_way(benchmark: Benchmark, seen: QuerySet[Run]) -> list[Run]:
    """Runs of pairs by machines that are not over, of those that this reader may see. Two queries."""
    live = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.PAUSED)
    found = seen.filter(benchmark=benchmark, status__in=live).exclude(mode=Run.Mode.SINGLE)
    return list(found.prefetch_related("judges"))
