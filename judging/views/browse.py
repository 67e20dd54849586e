"""The browser of the record: battles, answers and questions with filters in the address, and the keys to walk through them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from arena.frame import is_lead
from arena.models import Answer, Benchmark, Category, LanguageModel, Provenance, Question
from judging import browsing, searching
from judging.access import runs_seen_by
from judging.browsing import ANSWERS, BATTLES, QUESTIONS, Filters, Sight
from judging.models import Grade, Judge, Preference, Status

CARRIED = "list"
"""A record that was opened from a list carries this in its address, with the list's filters beside it."""
MOST_MARKS = 6  # of one answer that a list shows
KINDS = [(BATTLES, _("Battles")), (ANSWERS, _("Answers")), (QUESTIONS, _("Questions"))]
OUTCOMES = [
    (browsing.FIRST, _("for the first answer")),
    (browsing.SECOND, _("for the second answer")),
    (browsing.TIE, _("tie")),
    (browsing.BOTH_BAD, _("both bad")),
    (browsing.FAILED, _("no verdict: it failed")),
    (browsing.NONE, _("not judged")),
]


@require_GET
def record(request):
    """Battles, answers or questions as the address filters them. The same queries for few and for many."""
    filters, sight = Filters.of(request.GET, request.user), Sight.of(request.user)
    page = browsing.page(filters, sight, request.GET)
    _tell(page.rows, filters)
    context = {
        "filters": filters,
        "page": page,
        "kinds": KINDS,
        "left_out": browsing.benchmarks_left_out(filters, sight),
        "provenance": sorted(_provenances(page.rows, filters) - {Provenance.REAL}),
        "address": _addresses(filters),
        **_choices(filters, request.user),
    }
    return render(request, "judging/record.html", context)


def _addresses(filters: Filters) -> dict[str, str]:
    """Query strings: of this list, and of a record in it."""
    mine = filters.address
    return {"list": mine, "record": f"{CARRIED}={filters.kind}" + (f"&{mine}" if mine else "")}


def _tell(rows: list[Any], filters: Filters) -> None:
    """Put on each row the beginning of its question and, of battles and answers, what was said. At most one query."""
    for row in rows:
        question = row if filters.kind == QUESTIONS else row.question
        texts = question.turns
        if filters.kind == ANSWERS:
            row.excerpt = searching.excerpt(row.turns, filters.text)
        row.asked = searching.excerpt(texts, filters.text)
    if filters.kind == BATTLES:
        _tell_battles(rows)
    elif filters.kind == ANSWERS:
        _tell_answers(rows)


def _tell_battles(rows: list[Any]) -> None:
    """`people` and `machines`: [(verdict in words, how often)], the commonest first; `failed`: how often there was none."""
    by_pk = {battle.pk: battle for battle in rows}
    for battle in rows:
        battle.people, battle.machines, battle.failed = Counter(), Counter(), 0
        battle.named = {True: battle.first_model, False: battle.second_model}
    said = Preference.objects.counting().filter(battle__in=by_pk).order_by()
    columns = "battle", "value", "both_bad", "status", "judge__kind"
    for pk, value, both_bad, status, kind in said.values_list(*columns):
        battle = by_pk[pk]
        if status == Status.OK:
            told = battle.people if kind in Judge.PEOPLE else battle.machines
            told[_verdict(battle, value, both_bad=both_bad)] += 1
        elif status != Status.SKIPPED:
            battle.failed += 1
    for battle in rows:
        battle.people, battle.machines = battle.people.most_common(), battle.machines.most_common()


def _verdict(battle: Any, value: float, *, both_bad: bool) -> Any:
    if both_bad:
        return _("both bad")
    if value == 0:
        return _("tie")
    return battle.named[value > 0].name


def _tell_answers(rows: list[Any]) -> None:
    """`people` and `machines`: the first marks that stand; `marks`: how many there are; `failed`: how often there was none."""
    said = defaultdict(list)
    grades = Grade.objects.counting().filter(answer__in=[row.pk for row in rows]).order_by("pk")
    for pk, score, status, kind in grades.values_list("answer", "score", "status", "judge__kind"):
        said[pk].append((score, status, kind in Judge.PEOPLE))
    for answer in rows:
        given = [(score, is_person) for score, status, is_person in said[answer.pk] if status == Status.OK]
        answer.people = [f"{score:g}" for score, is_person in given if is_person][:MOST_MARKS]
        answer.machines = [f"{score:g}" for score, is_person in given if not is_person][:MOST_MARKS]
        answer.failed = sum(status not in (Status.OK, Status.SKIPPED) for _score, status, _is in said[answer.pk])


def _provenances(rows: Iterable[Any], filters: Filters) -> set[str]:
    found = {(row if filters.kind == QUESTIONS else row.question).benchmark.provenance for row in rows}
    return found | ({row.provenance for row in rows} if filters.kind == ANSWERS else set())


def _choices(filters: Filters, user: Any) -> dict[str, Any]:
    """What the filters may be set to. Six queries, seven with a person asked for; none of them reads judgments."""
    languages = Question.objects.order_by("language").values_list("language", flat=True)
    if filters.benchmark:
        languages = languages.filter(benchmark=browsing.id_of(filters.benchmark))
    return {
        "benchmarks": list(Benchmark.objects.all()),
        "categories": list(_in_groups(Category.objects.ordinary())),
        "languages": list(languages.distinct()),
        "models": list(LanguageModel.objects.order_by("name", "version").only("name", "version")),
        "runs": list(runs_seen_by(user).order_by("-pk").values_list("pk", "name")[:200]),
        "judges": list(_judges(filters, user)),
        "outcomes": OUTCOMES if filters.kind == BATTLES else OUTCOMES[-2:],
        "gaps": [f"{gap:g}" for gap in browsing.GAPS],
        "provenances": Provenance.choices,
        "is_lead": is_lead(user),
    }


def _in_groups(categories: Iterable[Category]) -> Iterator[tuple[Category, bool]]:
    """Each category, a group before its members; with whether it belongs to a group."""
    every = list(categories)
    members = defaultdict(list)
    for one in every:
        members[one.group_id].append(one)
    for one in members[None]:
        yield one, False
        yield from ((member, True) for member in members[one.pk])


def _judges(filters: Filters, user: Any) -> Iterator[Judge]:
    """Machines, by name; and the person asked for, where a lead asks."""
    known = Judge.objects.machines().only("name", "version", "kind")
    yield from known.order_by("name", "version")
    if filters.judge and filters.judge != browsing.PEOPLE and is_lead(user):
        yield from Judge.objects.people().filter(pk=browsing.id_of(filters.judge))


def walk(request: Any, kind: str, pk: int) -> dict[str, Any]:
    """Where `[` and `]` lead from this record, and the way back to the list it was opened from; {} where it was not.

    `kind` is of the record: a question's page is also where answers of a list are read. At most nine queries, however
    long the list; of a search see `searching.search`.
    """
    listed = request.GET.get(CARRIED)
    if listed not in ((BATTLES,) if kind == BATTLES else (QUESTIONS, ANSWERS)):
        return {}
    filters, sight = Filters.of({**request.GET.dict(), "kind": listed}, request.user), Sight.of(request.user)
    here = browsing.id_of(request.GET.get("answer", "")) if listed == ANSWERS else pk
    back, query = f"{reverse('record')}?{filters.address}", _addresses(filters)["record"]
    around = browsing.neighbours(filters, sight, here)
    places = zip(("before", "after"), around, _places(listed, [one.pk for one in around], query), strict=True)
    # where time was up before one was found, the list goes on searching
    ways = {way: f"{back}&{way}={one.reached}" if one.reached else place for way, one, place in places}
    return {"walk": {"back": back, **ways}}


def _places(kind: str, around: Sequence[int | None], query: str) -> tuple[str | None, str | None]:
    """The addresses of the records of these ids, None for none. A query where they are answers."""
    if kind == ANSWERS:
        asked = dict(Answer.objects.filter(pk__in=[pk for pk in around if pk]).values_list("pk", "question"))
        before, after = (pk and f"{reverse('question', args=[asked[pk]])}?{query}&answer={pk}#a{pk}" for pk in around)
        return before, after
    name = "battle" if kind == BATTLES else "question"
    before, after = (pk and f"{reverse(name, args=[pk])}?{query}" for pk in around)
    return before, after
