"""The record as a list: battles, answers or questions by what is known of them, one page after another.

Filters live in the address. What would tell a reader who is kept blind anything of names or judgments never looks at the
benchmarks that people are voting on: see `judging.access.blinding_runs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Sign
from django.http import QueryDict

from arena.border import asked
from arena.frame import is_lead
from arena.models import Answer, Battle, Benchmark, Question
from judging import searching
from judging.access import blinding_runs, runs_seen_by
from judging.models import (
    Assignment,
    BadCase,
    Grade,
    Judge,
    KeptOut,
    Preference,
    Status,
)

BATTLES, ANSWERS, QUESTIONS = "battles", "answers", "questions"
KINDS = (BATTLES, ANSWERS, QUESTIONS)
FIRST, SECOND, TIE, BOTH_BAD, FAILED, NONE = "first", "second", "tie", "both_bad", "failed", "none"
PEOPLE = "people"
NEWEST = "newest"
MOST = 10_000  # counted; more are "more than" these
MOST_FOUND = 1_000  # the same of a search for words
PAGE = 50
KEPT = 600  # seconds that the total of a search is told on its later pages
LARGEST = 2**31 - 1
GAPS = (1.5, 2.0, 3.0)  # how many times as long the longer answer is

TELLING = (
    "model",
    "other",
    "run",
    "judge",
    "outcome",
    "against",
    "flips",
    "gap",
    "flagged",
    "leaks",
    "bad",
    "provenance",
)
"""Filters that tell of names, judgments or what they follow from."""
FOR_LEADS = ("flagged", "bad")
TWO_ANSWERS = ("other", "against", "flips", "gap")
"""Filters of battles alone."""

OUTCOMES: Mapping[str, Q] = {
    FIRST: Q(status=Status.OK, value__gt=0),
    SECOND: Q(status=Status.OK, value__lt=0),
    TIE: Q(status=Status.OK, value=0, both_bad=False),
    BOTH_BAD: Q(status=Status.OK, both_bad=True),
    FAILED: ~Q(status__in=(Status.OK, Status.SKIPPED)),
}


@dataclass(frozen=True)
class Filters:
    """What a reader asked for, as text; empty: any. Numbers are ids, and what is no id finds nothing."""

    kind: str = BATTLES
    benchmark: str = ""
    category: str = ""
    language: str = ""
    model: str = ""
    other: str = ""
    run: str = ""
    judge: str = ""
    outcome: str = ""
    against: str = ""
    flips: str = ""
    gap: str = ""
    flagged: str = ""
    leaks: str = ""
    bad: str = ""
    provenance: str = ""
    text: str = ""
    sort: str = ""

    @classmethod
    def of(cls, address: Mapping[str, str], user: Any) -> Filters:
        """The filters of an address; those for leads are dropped for others, as are those that a kind does not have."""
        told = {field.name: asked(address, field.name) for field in fields(cls)}
        if told["kind"] not in KINDS:
            told["kind"] = BATTLES
        dropped = () if is_lead(user) else FOR_LEADS
        dropped += () if told["kind"] == BATTLES else TWO_ANSWERS
        if told["kind"] == ANSWERS and told["outcome"] not in (FAILED, NONE):
            dropped += ("outcome",)
        if told["kind"] == QUESTIONS:
            dropped += ("outcome", "run", "judge", "leaks", "provenance")
        return cls(**{**told, **dict.fromkeys(dropped, "")})

    @property
    def address(self) -> str:
        """The query string that asks for the same again, without what is empty."""
        query = QueryDict(mutable=True)
        for field in fields(self):
            if (value := getattr(self, field.name)) and (field.name, value) != ("kind", BATTLES):
                query[field.name] = value
        return query.urlencode()

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out by choice."""
        return any(getattr(self, field.name) for field in fields(self) if field.name not in ("kind", "sort"))

    @property
    def is_telling(self) -> bool:
        return any(getattr(self, name) for name in TELLING)


@dataclass(frozen=True)
class Sight:
    """What a reader may see: `blind` benchmarks, whether people's judges may be asked for by id, and their runs."""

    user: Any
    blind: frozenset[int]
    is_lead: bool

    @classmethod
    def of(cls, user: Any) -> Sight:
        """At most eight queries."""
        return cls(user, frozenset(blinding_runs(user)), is_lead(user))


def rows(filters: Filters, sight: Sight) -> QuerySet[Any]:
    """What the filters leave, in order, whatever its words: `searching` looks through these for them. No query of its own, but
    to find which runs may be seen.

    Battles and answers of a benchmark that the reader is kept blind on are left out whole: their order and number follow
    the models. Its questions stay, unless a filter tells of more than the question.
    """
    table: Any = {BATTLES: Battle, ANSWERS: Answer, QUESTIONS: Question}[filters.kind]
    found = _of_question(table.objects.order_by(), filters)
    if sight.blind and (filters.kind != QUESTIONS or filters.is_telling):
        found = found.exclude(**{f"{_question(filters)}benchmark__in": sight.blind})
    found = {BATTLES: _of_battles, ANSWERS: _of_answers, QUESTIONS: _of_questions}[filters.kind](found, filters, sight)
    return found.order_by("-pk" if filters.sort == NEWEST else "pk")


def _question(filters: Filters) -> str:
    """The way from a row to its question, as the beginning of a filter's name."""
    return "" if filters.kind == QUESTIONS else "question__"


def id_of(text: str) -> int:
    """An id from an address; -1, which no row has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= LARGEST else -1


def _of_question(found: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    to = _question(filters)
    if filters.benchmark:
        found = found.filter(**{f"{to}benchmark": id_of(filters.benchmark)})
    if filters.category:
        key = f"{to}category__key", f"{to}category__group__key"
        found = found.filter(Q(**{key[0]: filters.category}) | Q(**{key[1]: filters.category}))
    if filters.language:
        found = found.filter(**{f"{to}language": filters.language})
    return found


def _of_battles(found: QuerySet[Any], filters: Filters, sight: Sight) -> QuerySet[Any]:
    for name in ("model", "other"):
        if wanted := getattr(filters, name):
            found = found.filter(Q(first_model=id_of(wanted)) | Q(second_model=id_of(wanted)))
    if filters.flips:
        found = found.filter(Exists(turned(_said(filters, sight, Preference, "battle"))))
    if filters.against:
        found = against(found, filters)
    if filters.gap:
        found = _apart(found, _times(filters.gap))
    return _of_judged(found, filters, sight, Preference, "battle")


def _of_answers(found: QuerySet[Any], filters: Filters, sight: Sight) -> QuerySet[Any]:
    if filters.model:
        found = found.filter(model=id_of(filters.model))
    return _of_judged(found, filters, sight, Grade, "answer")


def _of_questions(found: QuerySet[Any], filters: Filters, sight: Sight) -> QuerySet[Any]:
    if filters.model:
        found = found.filter(Exists(Answer.objects.filter(question=OuterRef("pk"), model=id_of(filters.model))))
    if filters.flagged:
        flagged = Assignment.objects.filter(status=Assignment.Status.FLAGGED)
        on = Q(battle__question=OuterRef("pk")) | Q(answer__question=OuterRef("pk"))
        found = found.filter(Exists(flagged.filter(on)))
    if filters.bad:
        found = found.filter(Exists(BadCase.objects.filter(question=OuterRef("pk"))))
    return found


def _of_judged(found: QuerySet[Any], filters: Filters, sight: Sight, table: Any, item: str) -> QuerySet[Any]:
    """Rows with a judgment that fits run, judge, outcome and provenance all at once, and with what was said of them."""
    if filters.run or filters.judge or filters.outcome or filters.provenance:
        said = _said(filters, sight, table, item)
        if filters.outcome == NONE:
            found = found.exclude(Exists(said.filter(status=Status.OK)))
        elif filters.outcome:
            found = found.filter(Exists(said.filter(OUTCOMES.get(filters.outcome, Q(pk=-1)))))
        else:
            found = found.filter(Exists(said))
    here = {item: OuterRef("pk")}
    if filters.leaks:
        found = found.filter(Exists(table.objects.current().filter(kept_out=KeptOut.LEAK, **here)))
    if filters.flagged:
        found = found.filter(Exists(Assignment.objects.filter(status=Assignment.Status.FLAGGED, **here)))
    if filters.bad:
        cases = BadCase.objects.filter(**here)
        if item == "battle":
            cases = BadCase.objects.filter(
                Q(battle=OuterRef("pk")) | Q(answer=OuterRef("first")) | Q(answer=OuterRef("second"))
            )
        found = found.filter(Exists(cases))
    return found


def _said(filters: Filters, sight: Sight, table: Any, item: str) -> QuerySet[Any]:
    """The standing judgments on the row outside that are of this run, judge and provenance; what came of asking again to see
    drift only where its run is asked for."""
    said = table.objects.current().filter(**{item: OuterRef("pk")})
    if filters.run:
        # + 0 keeps SQLite to the index by item: it would read all judgments of a run or judge for every row of the list
        said = said.alias(_run=F("run_id") + 0).filter(
            _run=id_of(filters.run), run__in=runs_seen_by(sight.user).order_by().values("pk")
        )
    else:
        said = said.exclude(kept_out=KeptOut.AGAIN)
    if filters.judge == PEOPLE:
        said = said.filter(judge__kind__in=Judge.PEOPLE)
    elif filters.judge:
        said = said.alias(_judge=F("judge_id") + 0).filter(_judge=id_of(filters.judge))
        if not sight.is_lead:  # who may not know names may not sort votes by who cast them
            said = said.exclude(judge__kind=Judge.Kind.PERSON)
    if filters.provenance:
        said = said.filter(provenance=filters.provenance)
    return said


def turned(said: QuerySet[Any]) -> QuerySet[Any]:
    """Of these preferences, those in the first order whose twin in the other order decides against them."""
    twins = Preference.objects.decided().filter(
        **{name: OuterRef(name) for name in ("battle", "judge", "rubric", "turn", "trial")}, swapped=True
    )
    for_second = Q(value__gt=0) & Exists(twins.filter(value__lt=0))
    for_first = Q(value__lt=0) & Exists(twins.filter(value__gt=0))
    return said.filter(for_first | for_second, status=Status.OK, swapped=False)


def sides(judged: Q, *, judge: int | None = None) -> Subquery:
    """For the battle outside: how many more verdicts of these judges are for its first answer than for its second.

    Each order and each repeat is one verdict. 0 where they are even; None where nothing is decided.
    """
    said = Preference.objects.decided().filter(judged, battle=OuterRef("pk"), kept_out="").order_by()
    if judge is not None:
        said = said.alias(_judge=F("judge_id") + 0).filter(_judge=judge)
    said = said.values("battle").annotate(_sum=Sum(Sign("value")))
    return Subquery(said.values("_sum"), output_field=FloatField())


BY_PEOPLE = Q(judge__kind__in=Judge.PEOPLE)


def against(found: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    """Battles on which most people chose one answer and most verdicts of machines, or of the judge asked for, the other."""
    judge = id_of(filters.judge) if filters.judge and filters.judge != PEOPLE else None
    found = found.annotate(_people=sides(BY_PEOPLE), _machines=sides(~BY_PEOPLE, judge=judge))
    return found.annotate(_against=F("_people") * F("_machines")).filter(_against__lt=0)


def _times(text: str) -> float:
    return next((gap for gap in GAPS if text == f"{gap:g}"), GAPS[0])


def _apart(found: QuerySet[Any], times: float) -> QuerySet[Any]:
    """Battles whose longer answer has at least this many times the characters of the other."""
    longer = Q(first__length__gte=times * F("second__length")) | Q(second__length__gte=times * F("first__length"))
    return found.filter(longer, first__length__gt=0, second__length__gt=0)


@dataclass(frozen=True)
class Page:
    """Some rows of a list with how many there are in all, and the ids from which the pages around begin.

    On the later pages of a search `count` is what its first page said to this reader lately, or None. `reached` is the id up to
    which was looked when time was up, else None: then `count` is of what was found here, and `looked` of `listed` rows have been
    looked at, None where counting them takes long.
    """

    rows: list[Any]
    count: int | None
    is_more: bool
    before: int | None
    after: int | None
    reached: int | None = None
    looked: int | None = None
    listed: int | None = None


def page(filters: Filters, sight: Sight, address: Mapping[str, str]) -> Page:
    """The page after the id `after`, before the id `before`, or the first. Two or three queries, however long the list; of a
    search see `searching.search`.

    The count stops at MOST. Pages go by ids and not by numbers: the last costs no more than the first.
    """
    found = rows(filters, sight)
    is_down = filters.sort == NEWEST
    after, before = (id_of(asked(address, name)) if address.get(name) else None for name in ("after", "before"))
    if filters.text:
        start = after if before is None else before
        return _searched(found, filters, start, is_back=before is not None, kept_as=_key_of_total(filters, sight))
    count = found.order_by()[: MOST + 1].count()
    if before is not None:
        near = found.filter(pk__gt=before) if is_down else found.filter(pk__lt=before)
        here = _loaded(near.order_by("pk" if is_down else "-pk"), filters)
        more, shown = len(here) > PAGE, here[:PAGE][::-1]
        return Page(
            shown, min(count, MOST), count > MOST, shown[0].pk if more else None, shown[-1].pk if shown else None
        )
    if after is not None:
        found = found.filter(pk__lt=after) if is_down else found.filter(pk__gt=after)
    here = _loaded(found, filters)
    shown = here[:PAGE]
    last = shown[-1].pk if len(here) > PAGE else None
    return Page(shown, min(count, MOST), count > MOST, shown[0].pk if after is not None and shown else None, last)


def _searched(found: QuerySet[Any], filters: Filters, start: int | None, *, is_back: bool, kept_as: str) -> Page:
    """The page of a search from `start` on, or back from it. The first looks on for the count, up to MOST_FOUND, which is kept
    for those behind it.

    Where time is up, the next page goes on behind the last row that was looked at, whether anything was found or not.
    """
    is_down = (filters.sort == NEWEST) != is_back
    most = MOST_FOUND if start is None else PAGE
    told = searching.search(found, filters.text, most=most + 1, is_down=is_down, beyond=start)
    ids = told.ids[:PAGE]
    shown = list(_seen(found.model.objects.filter(pk__in=ids), filters).order_by(*found.query.order_by))
    further = ids[-1] if len(told.ids) > PAGE else told.reached
    # the row that the page began behind belongs to the page on the other side
    back = None if start is None else ids[0] if ids else start + (-1 if is_down else 1)
    before, after = (further, back) if is_back else (back, further)
    count, is_more = min(len(told.ids), most), start is None and len(told.ids) > most
    if told.reached is None and start is not None:
        count, is_more = cache.get(kept_as) or (None, False)
    elif told.reached is None and further is not None:
        cache.set(kept_as, (count, is_more), KEPT)
    if told.reached is None or is_back or filters.is_telling:
        return Page(shown, count, is_more, before, after, told.reached)
    passed = found.filter(**{"pk__gte" if is_down else "pk__lte": told.reached})
    looked, listed = (some.order_by().count() for some in (passed, found))
    return Page(shown, count, is_more, before, after, told.reached, looked, listed)


def _key_of_total(filters: Filters, sight: Sight) -> str:
    """Where what a search found in all is kept: for these filters, and for nobody who may see something else."""
    asked_by = filters.address, sight.user.pk, sight.is_lead, sorted(sight.blind)
    return f"record-total-{sha256(repr(asked_by).encode()).hexdigest()}"


def _loaded(found: QuerySet[Any], filters: Filters) -> list[Any]:
    """The first rows of these, one more than a page has. They are found before anything is joined to them: a database that may
    join first would look at all rows, and sort them."""
    here = found.model.objects.filter(pk__in=found.values("pk")[: PAGE + 1])
    return list(_seen(here, filters).order_by(*found.query.order_by))


def _seen(found: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    """The rows with what a list shows of them."""
    if filters.kind == QUESTIONS:
        return found.select_related("benchmark", "category")
    found = found.select_related("question__benchmark", "question__category")
    if filters.kind == ANSWERS:
        return found.select_related("model").defer("html", "reasoning", "trace")
    return found.select_related("first_model", "second_model").annotate(
        length_first=F("first__length"), length_second=F("second__length")
    )


@dataclass(frozen=True)
class Neighbour:
    """The next row of a list on one side, None where there is none; or where time was up, the id from which to search on."""

    pk: int | None
    reached: int | None = None


def neighbours(filters: Filters, sight: Sight, pk: int) -> tuple[Neighbour, Neighbour]:
    """The rows before and after this one in the list. Two queries; of a search see `searching.search`, each has half its time."""
    found = rows(filters, sight)
    lower, higher = (_next(found, filters, pk, is_down=is_down) for is_down in (True, False))
    return (higher, lower) if filters.sort == NEWEST else (lower, higher)


def _next(found: QuerySet[Any], filters: Filters, pk: int, *, is_down: bool) -> Neighbour:
    if filters.text:
        half = searching.SECONDS / 2
        told = searching.search(found, filters.text, most=1, is_down=is_down, beyond=pk, seconds=half)
        return Neighbour(next(iter(told.ids), None), told.reached)
    near = found.filter(pk__lt=pk).order_by("-pk") if is_down else found.filter(pk__gt=pk).order_by("pk")
    return Neighbour(near.values_list("pk", flat=True).first())


def benchmarks_left_out(filters: Filters, sight: Sight) -> list[Benchmark]:
    """The benchmarks that this list leaves out while people vote on them. At most one query."""
    if not sight.blind or (filters.kind == QUESTIONS and not filters.is_telling):
        return []
    return list(Benchmark.objects.filter(pk__in=sight.blind))
