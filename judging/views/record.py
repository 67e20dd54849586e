"""The record: one question or battle with its answers and every judgment on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q
from django.shortcuts import get_object_or_404, render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from arena.frame import is_lead
from arena.models import Answer, Battle, Provenance, Question, in_reader_language
from judging import browsing, comments, remaining
from judging.access import is_blind_on, name_people
from judging.models import Comment, Grade, Judge, KeptOut, Preference, Status, VotingItem
from judging.views.browse import walk

MOST_PROMPTS = 50  # grades on a page that are shown with what was sent to the judge
WHO = (F("judge__user").asc(nulls_first=True), "judge__name", "judge__version")


@require_GET
def question(request, pk):
    """A question with its answers, battles and judgments; names and judgments hidden while people vote on it."""
    question = get_object_or_404(Question.objects.select_related("benchmark", "category"), pk=pk)
    blind = is_blind_on(request.user, question.benchmark)
    answers = list(question.answers.select_related("model").order_by("model__name", "model__version", "sample"))
    context = {"question": question, "blind": blind, "answers": answers}
    if blind:
        goes_on = remaining.goes_on(request.user, question.benchmark)
        context |= {"answers": shuffled(answers, request.user), "goes_on": goes_on}
    else:
        context |= {"battles": judged_battles(question, answers), "prompts": give_grades(answers)}
        name_people([one for part in [*context["battles"], *answers] for one in part.judgments], request.user)
    context |= walk(request, browsing.QUESTIONS, question.pk) or neighbours(question)
    context["provenance"] = provenances(question, answers, context.get("battles", []))
    context |= comments_on_answers(request.user, answers, blind=blind)
    return render(request, "judging/question.html", context)


@require_GET
def battle(request, pk):
    """Two answers side by side, and every judgment on the pair."""
    found = Battle.objects.select_related("question__benchmark", "question__category", "first__model", "second__model")
    battle = get_object_or_404(found, pk=pk)
    blind = is_blind_on(request.user, battle.question.benchmark)
    answers = [battle.first, battle.second]
    context = {"battle": battle, "question": battle.question, "blind": blind, "answers": answers}
    if blind:
        goes_on = remaining.goes_on(request.user, battle.question.benchmark)
        context |= {"answers": shuffled(answers, request.user), "goes_on": goes_on}
    else:
        battle.judgments = [in_words(preference, battle) for preference in preferences().filter(battle=battle)]
        name_people(battle.judgments, request.user)
        context |= {"groups": by_orders(battle.judgments), "prompts": True, "compared": compared(battle)}
        context["adjudicated"] = [one for one in battle.judgments if is_decision(one)]
    context |= walk(request, browsing.BATTLES, battle.pk)
    context["provenance"] = provenances(battle.question, answers, [] if blind else [battle])
    context["comments"] = comments.visible_to(request.user, battle)
    if blind:  # what was said in a run that is closed would tell those who vote in another
        context["comments"] = [one for one in context["comments"] if one.author_id == request.user.pk]
    elif is_lead(request.user):
        asked_in = VotingItem.objects.filter(battle=battle).order_by("-run")
        context["comment_in"] = asked_in.values_list("run", flat=True).first()
    return render(request, "judging/battle.html", context)


def comments_on_answers(user, answers: list[Answer], *, blind: bool) -> dict:
    """The comments on the question's answers that this reader may see; for a lead, the run to comment in.

    No query for a visitor, one where nobody commented, another for leads; else those of `comments.visible_to` for each
    answer with a comment.
    """
    if not user.is_authenticated:
        return {}
    with_words = set(Comment.objects.filter(answer__in=answers).order_by().values_list("answer", flat=True))
    found = [one for answer in answers if answer.pk in with_words for one in comments.visible_to(user, answer)]
    if blind:
        return {"comments": [one for one in found if one.author_id == user.pk]}
    context = {"comments": found}
    if is_lead(user):
        asked_in = VotingItem.objects.filter(answer__in=answers).order_by("-run")
        context["comment_in"] = asked_in.values_list("run", flat=True).first()
    return context


@dataclass(frozen=True)
class Group:
    """What one judge said under one rubric of one turn at one time: in one order, or in both side by side."""

    judgments: list[Preference]

    @property
    def is_both(self) -> bool:
        return len(self.judgments) == 2

    @property
    def turns_round(self) -> bool:
        """Whether it decided for one answer and, with the sides swapped, for the other."""
        values = [one.value or 0 for one in self.judgments]
        return self.is_both and values[0] * values[1] < 0


def by_orders(judgments: list[Preference]) -> list[Group]:
    """The judgments in their order, the two standing orders of one verdict together."""
    groups: dict[tuple, list[Preference]] = {}
    for one in judgments:
        pair = (one.judge_id, one.rubric_id, one.turn, one.trial) if one.superseded_at is None else (one.pk,)
        groups.setdefault(pair, []).append(one)
    return [Group(found) for found in groups.values()]


def is_decision(preference: Preference) -> bool:
    """Whether it is what an adjudicator decided, and stands."""
    return preference.kept_out == KeptOut.ADJUDICATION and preference.superseded_at is None


SAME, OTHER, OPEN = "same", "other", "open"
STANDS = {
    SAME: gettext_lazy("as most people"),
    OTHER: gettext_lazy("against most people"),
    OPEN: gettext_lazy("one of them is undecided"),
}


@dataclass(frozen=True)
class Compared:
    """A judge's verdict beside that of most people: `said` in words of n verdicts; `stands` is SAME, OTHER, OPEN or ""."""

    judge: Judge
    said: str
    n: int
    stands: str

    @property
    def words(self) -> str:
        return STANDS.get(self.stands, "")


def compared(battle: Battle) -> dict:
    """What most people said of the battle, and each machine judge beside it; from `battle.judgments`, without a query.

    Both orders and all repeats of a judge are taken together; verdicts against each other come to nothing decided.
    """
    counting = [one for one in battle.judgments if _counts(one)]
    people = [one.value for one in counting if one.judge.is_person]
    most = _side(people) if people else None
    by_judge = defaultdict(list)
    for one in counting:
        if not one.judge.is_person:
            by_judge[one.judge].append(one.value)
    rows = [_beside(battle, judge, values, most) for judge, values in by_judge.items()]
    told = {"n": len(people), "said": "" if most is None else _sided(battle, most)}
    return {"people": told, "judges": rows} if rows else {}


def _counts(one: Preference) -> bool:
    return one.superseded_at is None and not one.kept_out and one.status == Status.OK and one.value is not None


def _beside(battle: Battle, judge: Judge, values: list[float], most: int | None) -> Compared:
    side = _side(values)
    stands = "" if most is None else SAME if side == most else OTHER if side * most < 0 else OPEN
    return Compared(judge, _sided(battle, side), len(values), stands)


def _side(values: Iterable[float]) -> int:
    """1 where more verdicts are for the first answer than for the second, -1 the other way round, 0 where as many."""
    total = sum((value > 0) - (value < 0) for value in values)
    return (total > 0) - (total < 0)


def _sided(battle: Battle, side: int) -> str:
    if side == 0:
        return _("neither")
    return (battle.first if side > 0 else battle.second).model.name


def preferences():
    """Every preference, superseded ones too, machines by name before people; with its judge, rubric and run."""
    return Preference.objects.select_related("judge", "rubric", "run").order_by(*WHO, "swapped", "trial", "pk")


def judged_battles(question: Question, answers: list[Answer]) -> list[Battle]:
    """The question's battles, each with `judgments` in words and `tally`, how often each verdict counts. Two queries.

    Without prompts and replies, which are many and long: they stand on the battle's own page.
    """
    by_pk = {answer.pk: answer for answer in answers}
    judgments = defaultdict(list)
    battles = {battle.pk: battle for battle in question.battles.order_by("pk")}
    for battle in battles.values():
        battle.first, battle.second = by_pk[battle.first_id], by_pk[battle.second_id]
    verdicts = preferences().filter(battle__question=question).defer("prompt", "reply", "reasoning")
    for preference in verdicts:
        judgments[preference.battle_id].append(in_words(preference, battles[preference.battle_id]))
    for battle in battles.values():
        battle.judgments = judgments[battle.pk]
        standing = (one.verdict for one in battle.judgments if one.superseded_at is None and not one.kept_out)
        battle.tally = Counter(standing).most_common()
    return list(battles.values())


def give_grades(answers: list[Answer]) -> bool:
    """Put on each answer its `judgments`: all grades, with their marks per dimension in words. Two queries.

    False where there are too many to show the prompts that were sent: those are not loaded then.
    """
    by_answer = defaultdict(list)
    grades = Grade.objects.filter(answer__in=answers)
    prompts = grades.count() <= MOST_PROMPTS
    shown = grades if prompts else grades.defer("prompt")
    for grade in shown.select_related("judge", "rubric", "run").order_by(*WHO, "trial", "pk"):
        by_answer[grade.answer_id].append(graded(grade))
    for answer in answers:
        answer.judgments = by_answer[answer.pk]
    return prompts


def in_words(preference: Preference, battle: Battle) -> Preference:
    """The preference with `verdict` in words and `shown`, the models in the order the judge saw them."""
    preference.shown = [answer.model for answer in battle.shown(swapped=preference.swapped)]
    preference.verdict = verdict_of(preference, battle)
    return preference


def verdict_of(preference: Preference, battle: Battle) -> str:
    """What was said, as a person would say it; the kind of failure where nothing was said."""
    value = preference.value
    if preference.status != Status.OK or value is None:
        return preference.get_status_display()
    if preference.both_bad:
        return _("both bad")
    if value == 0:
        return _("tie")
    name = (battle.first if value > 0 else battle.second).model.name
    if abs(value) > 1:
        return _("prefers %(model)s by far") % {"model": name}
    if abs(value) == 1:
        return _("prefers %(model)s") % {"model": name}
    return _("leans to %(model)s (probability %(p).2f)") % {"model": name, "p": (1 + abs(value)) / 2}


def graded(grade: Grade) -> Grade:
    """The grade with `verdict` in words and `marks`, its dimensions by name in the reader's language."""
    if grade.status == Status.OK:
        grade.verdict = _("%(score)s of %(highest)g") % {"score": f"{grade.score:g}", "highest": grade.rubric.highest}
    else:
        grade.verdict = grade.get_status_display()
    names = {row["key"]: row for row in grade.rubric.dimensions}
    grade.marks = [(_name_of(names.get(key), key), mark) for key, mark in grade.scores.items()]
    return grade


def _name_of(dimension: dict | None, key: str) -> str:
    if dimension is None:
        return key
    return in_reader_language(dimension.get("name_en", ""), dimension.get("name_zh", "")) or key


def neighbours(question: Question) -> dict:
    """Ids of the questions before and after this one in its benchmark, None at the ends. Two queries."""
    others = Question.objects.filter(benchmark=question.benchmark_id)
    here = {"position": question.position, "pk": question.pk}
    before = others.filter(Q(position__lt=here["position"]) | Q(position=here["position"], pk__lt=here["pk"]))
    after = others.filter(Q(position__gt=here["position"]) | Q(position=here["position"], pk__gt=here["pk"]))
    return {
        "previous": before.order_by("-position", "-pk").values_list("pk", flat=True).first(),
        "next": after.order_by("position", "pk").values_list("pk", flat=True).first(),
    }


def shuffled(answers: list[Answer], user) -> list[Answer]:
    """The answers in an order of this person's own, that says nothing of their models and stays the same.

    Keyed with the site's secret: else whoever guesses the ids, which follow the models, could work the order out.
    """

    def place(answer: Answer) -> bytes:
        return salted_hmac("judging.record.shuffled", f"{user.pk} {answer.pk}").digest()

    return sorted(answers, key=place)


def provenances(question: Question, answers: list[Answer], battles: list[Battle]) -> list[str]:
    """Where what the page shows comes from, for its banner."""
    shown = {question.benchmark.provenance} | {answer.provenance for answer in answers}
    shown.discard(Provenance.IMPORTED)  # what a reader is warned of are judgments that were made elsewhere
    for part in [*answers, *battles]:
        shown |= {judgment.provenance for judgment in getattr(part, "judgments", [])}
    return sorted(shown - {"real"})
