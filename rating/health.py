"""How healthy each machine judge is, per category: what fails, what it leans to, what it costs, whether it drifts.

Computed with a snapshot and kept beside it; agreement with people, flips and the first slot are the snapshot's agreement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from arena.models import Benchmark, LanguageModel
from arena.style import FEATURES
from judging.models import Judge, Status
from rating import data, drift, stats
from rating.agreeing import MOST_STEPS, OUTCOMES, last_words
from rating.data import BASES, STATES, STRENGTH, Attempts, Dated, Dates, Looks, Marks, Record, Spent, Sure, Votes
from rating.data.parts import split
from rating.stats.alternative_annotator import FEWEST_ITEMS, NOBODY
from rating.stats.bias import Beside, Cases, Share

EDITION = "4"
"""Part of a snapshot's digest: another meaning of these figures makes another snapshot."""
FAILURES = (Status.PARSE_ERROR, Status.TRUNCATED, Status.REFUSED, Status.API_ERROR, Status.SKIPPED)
MUTE = "mute"  # a reply without a verdict, for whatever reason of the judge's own
OF_ITSELF = (Status.PARSE_ERROR, Status.TRUNCATED, Status.REFUSED)
LONGER, MARKDOWN, OWN_FAMILY = "longer", "markdown", "own_family"
LEANINGS = (LONGER, MARKDOWN, OWN_FAMILY)
MARKUP = ("headers", "lists", "bold")
BINS = 10
BY_VALUE = 12  # different scores, up to which each has a bar of its own

NO_ANCHORS = "too many judgments to look at each; give some questions the tag “anchor”"
ONE_WEEK = "all in one week"
NOTHING_TWICE = "nothing was judged in the first week and in the last"
FEW_QUESTIONS = "too few questions for an interval"
CHANGED, SAME = "changed since the first week", "no change that can be told"

Place = int | None
Told = dict[str, Any]


@dataclass(frozen=True)
class Hits:
    """Cases with their category and who judged: `hit` (n,) from 0 to 1, the rest ids; `person` (n,) bool."""

    hit: NDArray[np.float64]
    cluster: NDArray[np.int64]
    category: NDArray[np.int64]
    judge: NDArray[np.int64]
    person: NDArray[np.bool_]

    def where(self, mask: NDArray[Any]) -> Hits:
        return Hits(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})

    @property
    def cases(self) -> Cases:
        return Cases(hit=self.hit, cluster=self.cluster)


@dataclass(frozen=True)
class Shared:
    """Replies of machine judges that people can be held against: `hit` (n,) the share of people who say the same, 0..1."""

    hit: NDArray[np.float64]
    sure: NDArray[np.float64]
    basis: NDArray[np.int64]
    judge: NDArray[np.int64]
    cluster: NDArray[np.int64]
    category: NDArray[np.int64]

    def where(self, mask: NDArray[Any]) -> Shared:
        return Shared(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


Table = TypeVar("Table", Votes, Marks, Attempts, Dated, Hits, Shared)


@dataclass(frozen=True)
class Families:
    """Model families by the id of a model, and of a machine judge; those that are not known are left out."""

    of_model: Mapping[int, str] = field(default_factory=dict)
    of_judge: Mapping[int, str] = field(default_factory=dict)


def of(benchmark: Benchmark, record: Record, looks: Looks | None = None) -> list[Told]:
    """Rows of the Health table (without its snapshot). `looks` are those of `record.votes`, where they are known already.

    Twelve queries, at most four more where judges were asked anew; none where no machine judged.
    """
    if not len(record.attempts):
        return []
    if looks is None or record.votes is not record.verdicts:
        looks = data.looks(benchmark, record.verdicts.item)
    sure = data.sure(benchmark, record)
    told = rows(record, looks, families(), data.spent(benchmark), data.dates(benchmark), sure)
    return list(_with_anchors(told, drift.of_judges(benchmark)))


def _with_anchors(told: Iterator[Told], drifts: Mapping[int, Mapping[Place, Told]]) -> Iterator[Told]:
    """The rows, with drift on the anchor set in place of that by weeks where a judge was asked anew."""
    for row in told:
        if on_anchors := drifts.get(row["judge_id"], {}).get(row["category_id"]):
            row["told"]["drift"] = on_anchors
        yield row


def families() -> Families:
    """Who is of which family, in small letters. Two queries."""
    named = {
        pk: name.strip().casefold() for pk, name in LanguageModel.objects.exclude(family="").values_list("pk", "family")
    }
    models = Judge.objects.filter(model__isnull=False).order_by().values_list("pk", "model")
    return Families(named, {judge: named[model] for judge, model in models if model in named})


def rows(
    record: Record,
    looks: Looks,
    families: Families,
    spent: Mapping[tuple[int, int], Spent],
    dates: Dates,
    sure: Sure,
) -> Iterator[Told]:
    """A row for each machine judge over all categories and in each: {judge_id, category_id, told}. No query."""
    leaning = {
        LONGER: _richer(record.verdicts, looks, ("length",)),
        MARKDOWN: _richer(record.verdicts, looks, MARKUP),
    }
    people = {name: _by_category(hits.where(hits.person)) for name, hits in leaning.items()}
    by_judge = {name: _by_judge(hits) for name, hits in leaning.items()}
    sides, marks = _by_judge(record.sides), _by_judge(record.marks)
    dated = _by_judge(dates.rows) if dates.rows is not None else {}
    last = last_words(record.verdicts), last_words(record.marks)
    shared = _by_judge(_shared(sure, last[0]))
    for judge, attempts in _by_judge(record.attempts).items():
        found: dict[Place, Told] = {
            place: {"failures": _failures(part)} for place, part in _by_category(attempts).items()
        }
        for name in leaning:
            _add(found, name, _leaning(by_judge[name].get(judge), people[name]))
        _add(found, OWN_FAMILY, _own_family(record.verdicts, judge, families))
        _add(found, "verdicts", {place: _verdicts(part) for place, part in _by_category(sides.get(judge)).items()})
        _add(found, "scores", {place: _scores(part) for place, part in _by_category(marks.get(judge)).items()})
        _add(found, "alternative", _alternative(last, judge))
        _add(found, "confidence", _confidence(shared.get(judge)))
        _add(found, "drift", _drift(dated.get(judge), dates))
        _add(found, "spent", _spent(judge, spent))
        if judge in record.silent:
            _add(found, "silent", dict.fromkeys(found, True))
        yield from ({"judge_id": judge, "category_id": place, "told": told} for place, told in found.items())


def _add(found: dict[Place, Told], name: str, told: Mapping[Place, Any]) -> None:
    for place, value in told.items():
        if place in found and value is not None:
            found[place][name] = value


def _by_judge(table: Table | None) -> dict[int, Table]:
    """The rows of each machine judge."""
    if table is None:
        return {}
    if hasattr(table, "person"):
        table = table.where(~table.person)
    return split(table, table.judge)


def _by_category(table: Table | None) -> dict[Place, Table]:
    """All rows under None, and those of each category; nothing without a row."""
    if table is None or not len(table.category):
        return {}
    return {None: table, **split(table, table.category)}


def _failures(attempts: Attempts) -> Told:
    """The share of what was tried that failed in each way, and of the judge's own doing in any (MUTE)."""
    failed = {str(status): attempts.state == STATES[status] for status in FAILURES}
    failed[MUTE] = np.isin(attempts.state, [STATES[status] for status in OF_ITSELF])
    return {name: asdict(stats.share_of(hits, cluster=attempts.cluster)) for name, hits in failed.items()}


def _richer(votes: Votes, looks: Looks, names: tuple[str, ...]) -> Hits:
    """Decided votes on answers of which one has more of these features together: whether that one won."""
    places = [FEATURES.index(name) for name in names]
    first, second = (side[:, places].sum(axis=1) for side in (looks.first, looks.second))
    counted = looks.known & (votes.value != 0) & (first != second)
    hit = ((votes.value > 0) == (first > second)).astype(np.float64)
    return _hits(votes, hit).where(counted)


def _hits(votes: Votes, hit: NDArray[np.float64]) -> Hits:
    return Hits(hit, votes.cluster, votes.category, votes.judge, votes.person)


def _leaning(ours: Hits | None, people: Mapping[Place, Hits], *, beside: str = "people") -> dict[Place, Told]:
    """The judge's share in each category, and the difference to that of others on the same questions."""
    found = {}
    for place, part in _by_category(ours).items():
        told: Told = asdict(stats.share_of_cases(part.cases))
        if place in people:
            told |= _beside(stats.beside(part.cases, people[place].cases), beside)
        found[place] = told
    return found


def _beside(compared: Beside, name: str) -> Told:
    if compared.difference is None:
        return {}
    return {
        "beside": name,
        "theirs": compared.people.share,
        "difference": compared.difference,
        "difference_low": compared.low,
        "difference_high": compared.high,
        "questions": compared.clusters,
    }


def _own_family(votes: Votes, judge: int, families: Families) -> dict[Place, Told]:
    """How often the answer of the judge's own family wins against another's, a tie as half, beside people or else other judges."""
    family = families.of_judge.get(judge)
    if family is None:
        return {}
    kin = [model for model, named in families.of_model.items() if named == family]
    first, second = np.isin(votes.first, kin), np.isin(votes.second, kin)
    hits = _hits(votes, (np.sign(votes.value) * np.where(first, 1, -1) + 1.0) / 2.0).where(first != second)
    ours, people = hits.where(hits.judge == judge), hits.where(hits.person)
    if np.isin(ours.cluster, people.cluster).any():
        return _leaning(ours, _by_category(people))
    of_family = [one for one, named in families.of_judge.items() if named == family]
    others = hits.where(~hits.person & ~np.isin(hits.judge, of_family))
    return _leaning(ours, _by_category(others), beside="judges")


def _verdicts(sides: Votes) -> list[int]:
    """How often it said first much better, first, neither, second, second much better; as the two were shown."""
    shown = sides.shown
    masks = shown >= 1.5, (shown > 0) & (shown < 1.5), shown == 0, (shown < 0) & (shown > -1.5), shown <= -1.5
    return [int(mask.sum()) for mask in masks]


def _scores(marks: Marks) -> list[Told]:
    """How often each score was given; many different ones in BINS steps of one width, the last with its end."""
    values, counts = np.unique(marks.score, return_counts=True)
    if len(values) <= BY_VALUE:
        return [
            {"from": float(value), "to": float(value), "n": int(n)} for value, n in zip(values, counts, strict=True)
        ]
    counts, edges = np.histogram(marks.score, bins=BINS)
    bins = zip(edges[:-1], edges[1:], counts, strict=True)
    return [{"from": float(low), "to": float(high), "n": int(n)} for low, high, n in bins]


def _alternative(last: tuple[Votes, Marks], judge: int) -> dict[Place, Told]:
    """The alternative-annotator test on pairs, or where there are none on scores of few steps; None where nobody has enough."""
    votes, marks = last
    if len(votes) and (votes.judge == judge).any():
        return _tested(votes, np.sign(votes.value).astype(np.int64) + 1, judge, values=OUTCOMES)
    steps, code = np.unique(marks.score, return_inverse=True)
    if not 1 < len(steps) <= MOST_STEPS:
        return {}
    return _tested(marks, code, judge, values=len(steps), marks=steps)


def _tested(table: Votes | Marks, value: NDArray[Any], judge: int, **scale: Any) -> dict[Place, Told]:
    mine = table.judge == judge
    people = table.person & np.isin(table.item, table.item[mine])
    used = np.flatnonzero(mine | people)
    found: dict[Place, Told] = {}
    for category in [None, *np.unique(table.category[used]).tolist()]:
        rows = used if category is None else used[table.category[used] == category]
        if table.person[rows].sum() < FEWEST_ITEMS:
            continue
        tested = stats.alternative_test(
            table.item[rows],
            table.judge[rows],
            value[rows],
            is_person=table.person[rows].astype(np.int64),
            machine=judge,
            cluster=table.cluster[rows],
            **scale,
        )
        if tested.note != NOBODY:
            names = "winning_rate", "advantage", "epsilon", "passes", "verdict", "note", "people", "left_out"
            found[category] = {name: getattr(tested, name) for name in names}
    return found


def _shared(sure: Sure, last: Votes) -> Shared:
    """The replies with what people's last votes on the same turn of the battle say."""
    people = last.where(last.person)
    item = sure.item
    if last.turn.any():  # as the items of last words are numbered
        item = item * (int(last.turn.max()) + 1) + sure.turn
    items, first, place = np.unique(people.item, return_index=True, return_inverse=True)
    counts = np.zeros((len(items), OUTCOMES), dtype=np.int64)
    np.add.at(counts, (place, np.sign(people.value).astype(np.int64) + 1), 1)
    known = np.isin(item, items)
    sure, at = sure.where(known), np.searchsorted(items, item[known])
    hit = counts[at, sure.side + 1] / counts[at].sum(axis=1)
    return Shared(hit, sure.sure, sure.basis, sure.judge, people.cluster[first[at]], people.category[first[at]])


def _confidence(shared: Shared | None) -> dict[Place, Told]:
    """How often people agree at each level of confidence, by what most of the judge's replies tell it from.

    None where that is the strength of preference and it only ever used one.
    """
    if shared is None:
        return {}
    basis = int(np.bincount(shared.basis).argmax())
    shared = shared.where(shared.basis == basis)
    is_share = BASES[basis] != STRENGTH
    if not is_share and shared.sure.min() == shared.sure.max():
        return {}
    return {
        place: {
            "basis": BASES[basis],
            **asdict(stats.confidence(part.sure, part.hit, part.cluster, is_share=is_share)),
        }
        for place, part in _by_category(shared).items()
    }


def _drift(dated: Dated | None, dates: Dates) -> dict[Place, Told]:
    """Each week's mean verdict, and whether the last week's differs from the first's on what was judged in both."""
    if dates.rows is None:
        return {None: {"note": NO_ANCHORS}}
    return {place: {"anchored": dates.is_anchored, **_changed(part)} for place, part in _by_category(dated).items()}


def _changed(dated: Dated) -> Told:
    by_week = split(dated, dated.week)
    weeks = [{"week": f"{week // 100}-W{week % 100:02}", **asdict(_mean(part))} for week, part in by_week.items()]
    if len(weeks) == 1:
        return {"weeks": weeks, "note": ONE_WEEK}
    first, last = by_week[min(by_week)], by_week[max(by_week)]
    common = np.intersect1d(first.item, last.item)
    if not len(common):
        return {"weeks": weeks, "note": NOTHING_TWICE}
    then, now = (part.where(np.isin(part.item, common)) for part in (first, last))
    compared = stats.beside(_cases(now), _cases(then))
    told = {"weeks": weeks, "items": len(common), "difference": compared.difference}
    if compared.low is None or compared.high is None:
        # without any spread the t interval is a point: nothing moved, or all moved alike
        return {
            **told,
            "low": None,
            "high": None,
            "note": FEW_QUESTIONS if compared.clusters < 2 or compared.difference else SAME,
        }
    is_other = compared.low > 0 or compared.high < 0
    return {**told, "low": compared.low, "high": compared.high, "note": CHANGED if is_other else SAME}


def _cases(dated: Dated) -> Cases:
    return Cases(hit=dated.share, cluster=dated.cluster)


def _mean(dated: Dated) -> Share:
    return stats.share_of_cases(_cases(dated))


def _spent(judge: int, spent: Mapping[tuple[int, int], Spent]) -> dict[Place, Told]:
    mine = {category: one for (who, category), one in spent.items() if who == judge}
    total = Spent()
    for one in mine.values():
        total.add(one)
    return {place: asdict(one) for place, one in {None: total, **mine}.items()} if mine else {}
