"""Bad cases: marked, dismissed or taken up by a rubric's next version, and judged again only where that matters."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, connections
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arena.frame import Roles
from judging import bad_cases, calling, judging_again, running
from judging.bad_cases import Criterion, NotOpen
from judging.editing_rubrics import Base
from judging.models import Assignment, BadCase, Grade, KeptOut, Rubric, Run
from judging.views.case_history import history
from tests.judging import recorded as make
from tests.judging.judges.test_rubrics import COUNTED, SUPPORT

pytestmark = pytest.mark.django_db
NEW = Criterion("dimensions", {"key": "sources", "weight": 1, "name_en": "Sources"})


@pytest.fixture
def lead(client):
    client.force_login(make.person("lena", "lead"))
    return client


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    heard: list[int] = []
    monkeypatch.setattr(calling, "call", lambda run: heard.append(run.pk))
    return heard


def judged(questions: int = 3, **fields) -> Run:
    """A finished run of single answers by a dry judge under a rubric of two dimensions; q1 is of its own category."""
    benchmark = make.benchmark()
    rows = make.answered(benchmark, questions=questions)
    type(rows[0]).objects.filter(pk=rows[0].pk).update(category=make.category("sums"))
    rubric = Rubric.of_data("support", SUPPORT)
    rubric.save()
    judge = make.judge("dry", kind="dry_run", options={"seed": 3})
    run = make.run(benchmark, judges=[judge], rubric=rubric, mode="single", status="queued", **fields)
    running.carry_out(run)
    return Run.objects.get(pk=run.pk)


def case(run: Run, key: str = "q1", **fields) -> BadCase:
    question = run.benchmark.questions.get(key=key)
    told = {"text": "Names a source that is not there.", "cause": "made_up", "by": None, "run": run, **fields}
    return bad_cases.mark(question, answer=question.answers.order_by("pk").first(), **told)


def taken_up(run: Run, *cases: BadCase) -> Rubric:
    newest = run.rubric
    return bad_cases.take_up([one.pk for one in cases], newest, NEW, base=Base.of(newest), by=None)


# --- marking


def test_a_lead_marks_an_answer_where_it_stands(lead):
    run = judged()
    question = run.benchmark.questions.first()
    answer = question.answers.first()
    post = {"question": question.pk, "answer": answer.pk, "cause": "unsafe", "text": " Dangerous. "}
    made = lead.post(reverse("bad_case_new"), post)
    found = BadCase.objects.get()
    assert made.headers["Location"] == reverse("bad_case", args=[found.pk])
    assert (found.answer, found.text, found.cause, found.status, found.by.username) == (
        answer,
        "Dangerous.",
        "unsafe",
        "open",
        "lena",
    )


@pytest.mark.parametrize(
    "change", [{"text": " "}, {"answer": "other"}, {"battle": "own"}, {"question": "9" * 12}, {"cause": "?"}]
)
def test_what_is_no_case_is_not_marked_and_the_words_are_kept(lead, change):
    run = judged()
    one, other = run.benchmark.questions.all()[:2]
    known = {"other": other.answers.first().pk, "own": make.battle(one).pk}
    post = {"question": one.pk, "answer": one.answers.first().pk, "cause": "style", "text": "Kept words", **change}
    page = lead.post(reverse("bad_case_new"), {name: known.get(value, value) for name, value in post.items()})
    assert page.status_code == 422 and not BadCase.objects.exists()
    assert "Kept words" in page.text or change == {"text": " "}


def test_an_annotators_flag_becomes_a_case(lead):
    run = judged()
    answer = run.benchmark.questions.first().answers.first()
    ada = make.person("ada", "annotator")
    judge = make.judge("Ada", kind="person", user=ada)
    seat = Assignment.objects.create(
        run=run, judge=judge, answer=answer, status="flagged", reason="cut off here", lease_until=timezone.now()
    )
    assert "cut off here" in lead.get(reverse("bad_cases")).text
    lead.post(reverse("bad_case_new"), {"flag": seat.pk})
    found = BadCase.objects.get()
    assert (found.answer, found.text, found.run) == (answer, "cut off here", run)


@pytest.mark.parametrize(
    "name", ["bad_cases", "bad_case", "bad_case_new", "bad_case_dismiss", "bad_case_take_up", "bad_case_again"]
)
def test_bad_cases_are_for_leads(name):
    made = case(judged())
    address = reverse(name, args=[made.pk] if name == "bad_case" else [])
    annotator = Client()
    annotator.force_login(make.person("anna", "annotator"))
    for method in ("get", "post"):
        assert getattr(annotator, method)(address).status_code == 403
        assert getattr(Client(), method)(address).headers["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("what", ["question", "answer", "battle"])
def test_the_fragment_marks_what_it_stands_beside_and_shows_to_leads_only(what):
    run = judged()
    question = run.benchmark.questions.first()
    parts = {"question": None, "answer": question.answers.first(), "battle": make.battle(question)}
    context = {"question": question, **({what: parts[what]} if parts[what] else {})}
    request = RequestFactory().get("/")
    for user, shows in ((make.person("lena", "lead"), True), (make.person("anna", "annotator"), False)):
        text = render_to_string("judging/_bad_case_form.html", {**context, "roles": Roles(user)}, request=request)
        assert ("<form" in text) == shows
        assert (f'name="{what}"' in text) == shows


# --- the list


def test_the_list_groups_by_cause_filters_and_asks_as_often_for_many_as_for_one(lead, django_assert_num_queries):
    run = judged()
    case(run)
    lead.get(reverse("bad_cases"))
    with CaptureQueriesContext(connection) as few:
        lead.get(reverse("bad_cases"))
    for number in range(6):
        case(run, "q2", cause="style", text=f"odd {number}")
    with django_assert_num_queries(len(few)):
        page = lead.get(reverse("bad_cases"))
    assert [(name, len(rows)) for name, rows in page.context["groups"]] == [
        ("Something is made up", 1),
        ("The style is wrong", 6),
    ]
    category = run.benchmark.questions.get(key="q1").category_id
    assert "odd 3" not in lead.get(reverse("bad_cases"), {"category": category}).text
    assert "odd 3" not in lead.get(reverse("bad_cases"), {"status": "dismissed"}).text
    assert (
        "odd 3"
        in lead.get(reverse("bad_cases"), {"benchmark": run.benchmark_id, "cause": "style", "status": "all"}).text
    )


# --- deciding


def test_a_case_is_dismissed_with_a_reason_and_can_be_opened_again(lead):
    made = case(judged())
    lead.post(reverse("bad_case_dismiss"), {"case": made.pk, "reason": " "})
    made.refresh_from_db()
    assert made.status == "open"
    lead.post(reverse("bad_case_dismiss"), {"case": made.pk, "reason": "The source is there."})
    made.refresh_from_db()
    assert (made.status, made.decision, made.closed_by.username) == ("dismissed", "The source is there.", "lena")
    assert "The source is there." in lead.get(reverse("bad_case", args=[made.pk])).text
    lead.post(reverse("bad_case_dismiss"), {"reopen": made.pk})
    made.refresh_from_db()
    assert (made.status, made.closed_at) == ("open", None)


def take_up_form(lead: Client, *cases: BadCase, **fields) -> dict:
    page = lead.get(reverse("bad_case_take_up"), {"case": [one.pk for one in cases]})
    base = page.context["base"]
    told = {
        "kind": "dimensions",
        "key": "sources",
        "weight": "2",
        "name_en": "Sources",
        "name_zh": "来源",
        "rubric": page.context["rubric"].name,
    }
    return {"case": [one.pk for one in cases], "version": base.version, "mark": base.mark, **told, **fields}


def test_several_cases_are_taken_up_by_one_dimension_of_the_next_version(lead):
    run = judged()
    cases = [case(run), case(run, "q2")]
    levels = {"levels_en": "1: none\n5: all of them", "levels_zh": "5：全部"}
    saved = lead.post(reverse("bad_case_take_up"), take_up_form(lead, *cases, **levels, decision="Wanted."))
    second = Rubric.objects.get(name="support", version=2)
    assert saved.headers["Location"] == f"{reverse('bad_case_again')}?rubric={second.pk}"
    assert second.dimensions[-1] == {
        "key": "sources",
        "weight": 2,
        "name_en": "Sources",
        "name_zh": "来源",
        "levels": [{"mark": 1, "words_en": "none"}, {"mark": 5, "words_en": "all of them", "words_zh": "全部"}],
    }
    assert second.dimensions[:-1] == run.rubric.dimensions
    run.rubric.refresh_from_db()
    assert len(run.rubric.dimensions) == 2
    told = BadCase.objects.values_list("status", "dimension", "rubric", "decision")
    assert set(told) == {("taken_up", "sources", second.pk, "Wanted.")}
    assert "Names a source" in lead.get(reverse("rubric", args=[second.pk])).text


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"key": "facts"}, "key", "stands here twice"),
        ({"weight": "-1"}, "weight", "is below 0"),
        ({"levels_en": "9: high"}, "levels_en", "outside the scale"),
        ({"levels_en": "high"}, "levels_en", "names no mark"),
        ({"kind": "deductions"}, "kind", "does not count points"),
        ({"key": ""}, "key", "required"),
    ],
)
def test_what_the_rubric_cannot_take_is_told_at_its_field_and_nothing_is_written(lead, fields, field, words):
    made = case(judged())
    page = lead.post(reverse("bad_case_take_up"), take_up_form(lead, made, **fields))
    assert page.status_code == 422 and words in str(page.context["form"].errors[field])
    made.refresh_from_db()
    assert made.status == "open" and Rubric.objects.filter(name="support").count() == 1


def test_a_rubric_of_points_gets_a_deduction_and_one_with_a_published_prompt_nothing():
    data, _where = bad_cases.with_criterion(COUNTED, Criterion("deductions", {"key": "vague", "points": 1}))
    assert [row["key"] for row in data["points"]["deductions"]] == ["made_up", "missing", "vague"]
    with pytest.raises(bad_cases.CannotTakeUp):
        bad_cases.with_criterion({"template": {"prompt": "{answer}", "form": "[[rating]]"}}, NEW)


def test_a_variant_that_marks_as_the_rubric_does_keeps_those_dimensions_beside_the_new_one():
    data = {**SUPPORT, "variants": {"math": {"instructions_en": "x"}}}
    told, where = bad_cases.with_criterion(data, Criterion("dimensions", {"key": "steps", "weight": 1}, "math"))
    assert [row["key"] for row in told["variants"]["math"]["dimensions"]] == ["facts", "brief", "steps"]
    assert (where, told["dimensions"]) == ("variants.math.dimensions[2]", SUPPORT["dimensions"])


def test_a_rubric_saved_meanwhile_is_told_and_nothing_is_lost(lead):
    made = case(judged())
    post = take_up_form(lead, made)
    other = case(made.run, "q2")
    lead.post(reverse("bad_case_take_up"), take_up_form(lead, other, key="tone"))
    late = lead.post(reverse("bad_case_take_up"), post)
    assert late.status_code == 409 and "support v2" in late.text
    base = late.context["base"]
    assert (
        lead.post(reverse("bad_case_take_up"), {**post, "version": base.version, "mark": base.mark}).status_code == 302
    )
    newest = Rubric.objects.filter(name="support").latest("version")
    assert [row["key"] for row in newest.dimensions][-2:] == ["tone", "sources"]


def test_a_case_that_was_settled_meanwhile_is_not_taken_up():
    run = judged()
    cases = [case(run), case(run, "q2")]
    bad_cases.dismiss([cases[0].pk], reason="fine", by=None)
    with pytest.raises(NotOpen):
        taken_up(run, *cases)
    assert Rubric.objects.filter(name="support").count() == 1
    assert BadCase.objects.get(pk=cases[1].pk).status == "open"


@pytest.mark.django_db(transaction=True)
def test_of_two_leads_who_settle_one_case_at_the_same_moment_one_does():
    run = judged()
    made = case(run)
    start, told = threading.Barrier(2), []

    def dismiss() -> None:
        told.append(bad_cases.dismiss([made.pk], reason="fine", by=None))

    def attempt(what) -> None:
        start.wait(5)
        try:
            what()
        except NotOpen:
            told.append(None)
        finally:
            connections.close_all()

    leads = [
        threading.Thread(target=attempt, args=(what,)) for what in (dismiss, lambda: told.append(taken_up(run, made)))
    ]
    [one.start() for one in leads]
    [one.join(20) for one in leads]
    assert sorted(one is None for one in told) == [False, True]


# --- judging again


@pytest.mark.parametrize(("scope", "keys"), [("cases", ["q2"]), ("categories", ["q2", "q3"])])
def test_only_what_the_new_version_touches_is_judged_again(lead, rung, scope, keys):
    run = judged()
    rubric = taken_up(run, case(run, "q2"))
    address = reverse("bad_case_again")
    page = lead.get(address, {"rubric": rubric.pk, "scope": scope})
    assert (page.context["plan"].judgments, page.context["plan"].left_alone) == (2 * len(keys), 3 - len(keys))
    assert Run.objects.count() == 1
    saved = lead.post(address, {"rubric": rubric.pk, "run": run.pk, "scope": scope})
    made = Run.objects.exclude(pk=run.pk).get()
    assert saved.headers["Location"] == reverse("run", args=[made.pk])
    assert (made.limits["keys"], made.rubric, made.mode, made.provenance) == (keys, rubric, "single", run.provenance)
    assert rung == [made.pk] and made.status == "queued"
    before = set(Grade.objects.values_list("pk", flat=True))
    running.carry_out(made)
    new = Grade.objects.exclude(pk__in=before)
    assert sorted(set(new.values_list("answer__question__key", flat=True))) == keys
    assert set(new.values_list("rubric", flat=True)) == {rubric.pk}


@pytest.mark.parametrize("kind", ["answer", "battle"])
def test_what_a_judge_was_asked_again_to_see_drift_is_not_what_it_says_of_a_case(kind):
    run = judged()
    made = case(run)
    battle = make.battle(made.question)
    again = {"rubric": run.rubric, "trial": 1, "kept_out": KeptOut.AGAIN}
    if kind == "battle":
        made.answer, made.battle = None, battle
        first = make.preference(battle, rubric=run.rubric)
        make.preference(battle, value=-1, **again)
    else:
        first = made.answer.grades.get()
        make.grade(made.answer, first.judge, **again)
    assert [side.old.pk for side in history(made, AnonymousUser()).sides] == [first.pk]


def test_what_became_of_a_case_shows_the_old_verdict_beside_the_new_one(lead, rung):
    run = judged()
    made = case(run)
    rubric = taken_up(run, made)
    address = reverse("bad_case", args=[made.pk])
    assert "Nothing was judged by support v2 yet." in lead.get(address).text
    again = judging_again.start(judging_again.again(rubric, run, "cases"), by=None)
    running.carry_out(again)
    page = lead.get(address)
    side = page.context["history"].sides[0]
    assert (side.old.rubric.version, side.new.rubric.version) == (1, 2)
    assert "sources" in dict(side.new.marks) or "Sources" in dict(side.new.marks)
    assert side.old.verdict in page.text and side.new.verdict in page.text


def test_what_judging_again_costs_is_told_before_it_begins(lead):
    run = judged()
    rubric = taken_up(run, case(run, "q2"))
    address = reverse("bad_case_again")
    assert lead.get(address, {"rubric": rubric.pk}).context["plan"].forecast.guesses == []
    run.judges.add(make.llm_judge(price_in=1000.0, price_out=0.0))
    page = lead.get(address, {"rubric": rubric.pk})
    (guess,) = page.context["plan"].forecast.guesses
    assert guess.calls == page.context["plan"].calls == 2 and guess.cost == pytest.approx(guess.tokens_in / 1000)
    assert "data-forecast" in page.text and f"{guess.cost:.4f}" in page.text


def test_a_case_without_a_run_to_be_like_says_what_to_do(lead):
    run = judged()
    rubric = taken_up(run, case(run))
    run.judges.clear()
    page = lead.get(reverse("bad_case_again"), {"rubric": rubric.pk})
    assert page.status_code == 200 and "There is no run to be like" in page.text
    assert lead.get(reverse("bad_case_again"), {"rubric": "x"}).status_code == 404


def test_nothing_to_judge_is_told_and_no_run_is_made(lead, rung):
    run = judged()
    rubric = taken_up(run, case(run))
    run.benchmark.questions.get(key="q1").answers.update(error="gone", turns=[])
    page = lead.post(reverse("bad_case_again"), {"rubric": rubric.pk, "run": run.pk})
    assert page.status_code == 422 and "nothing to judge" in page.text
    assert Run.objects.count() == 1 and rung == []


def test_a_version_that_has_nothing_for_a_category_does_not_judge_again(lead, rung):
    run = judged()
    rubric = taken_up(run, case(run))
    only = {"variants": {"poems": {"instructions_en": "Does it rhyme?"}}, "only_variants": True}
    Rubric.objects.filter(pk=rubric.pk).update(**only)
    page = lead.post(reverse("bad_case_again"), {"rubric": rubric.pk, "run": run.pk})
    category = run.benchmark.questions.first().category.name
    assert page.status_code == 422 and f"nothing that stands for all: {category}" in page.text
    assert Run.objects.count() == 1 and rung == []


def test_a_version_that_has_no_template_for_a_question_does_not_judge_again(lead, rung):
    run = judged()
    run.judges.add(make.llm_judge("mind"))
    rubric = taken_up(run, case(run))
    row = {"reference": "with", "prompt": "{ref_answer_1} {answer_a} {answer_b}", "form": "[[A]]"}
    Rubric.objects.filter(pk=rubric.pk).update(template={"cases": [row]}, dimensions=[], points={})
    page = lead.post(reverse("bad_case_again"), {"rubric": rubric.pk, "run": run.pk})
    assert page.status_code == 422 and "a single turn without a reference" in page.text
    assert Run.objects.count() == 1 and rung == []


@pytest.mark.parametrize("what", ["question", "answer", "battle"])
def test_a_case_page_shows_all_that_judges_said(lead, what):
    run = judged()
    question = run.benchmark.questions.first()
    battle = make.battle(question)
    make.preference(battle)
    part = {"question": {}, "answer": {"answer": battle.first}, "battle": {"battle": battle}}[what]
    made = bad_cases.mark(question, text="<i>odd</i>", by=None, **part)
    page = lead.get(reverse("bad_case", args=[made.pk]))
    assert "&lt;i&gt;odd" in page.text
    assert len(page.context["history"].sides) == {"question": 3, "answer": 2, "battle": 1}[what]
