"""The record: one question or battle with its answers and every judgment on them."""

from __future__ import annotations

from collections import Counter, defaultdict

from django.db.models import F, Q
from django.shortcuts import get_object_or_404, render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from arena.frame import is_lead
from arena.models import Answer, Battle, Question, in_reader_language
from judging import comments
from judging.access import is_blind_on, name_people
from judging.models import Grade, Preference, Status, VotingItem

MOST_PROMPTS = 50  # grades on a page that are shown with what was sent to the judge
WHO = (F("judge__user").asc(nulls_first=True), "judge__name", "judge__version")


@require_GET
def question(request, pk):
    """A question with its answers, battles and judgments; names and judgments hidden while people vote on it."""
    question = get_object_or_404(Question.objects.select_related("benchmark", "category"), pk=pk)
    blind = is_blind_on(request.user, question.benchmark)
    answers = list(question.answers.select_related("model").order_by("model__name", "model__version", "sample"))
    context = {"question": question, "blind": blind, "answers": shuffled(answers, request.user) if blind else answers}
    if not blind:
        context |= {"battles": judged_battles(question, answers), "prompts": give_grades(answers)}
        name_people([one for part in [*context["battles"], *answers] for one in part.judgments], request.user)
    context |= neighbours(question)
    context["provenance"] = provenances(question, answers, context.get("battles", []))
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
        context["answers"] = shuffled(answers, request.user)
    else:
        battle.judgments = [in_words(preference, battle) for preference in preferences().filter(battle=battle)]
        name_people(battle.judgments, request.user)
        context |= {"judgments": battle.judgments, "prompts": True}
    context["provenance"] = provenances(battle.question, answers, [] if blind else [battle])
    context["comments"] = comments.visible_to(request.user, battle)
    if blind:  # what was said in a run that is closed would tell those who vote in another
        context["comments"] = [one for one in context["comments"] if one.author_id == request.user.pk]
    elif is_lead(request.user):
        asked_in = VotingItem.objects.filter(battle=battle).order_by("-run")
        context["comment_in"] = asked_in.values_list("run", flat=True).first()
    return render(request, "judging/battle.html", context)


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
    for part in [*answers, *battles]:
        shown |= {judgment.provenance for judgment in getattr(part, "judgments", [])}
    return sorted(shown - {"real"})
