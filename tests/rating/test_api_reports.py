"""Bad cases and reports of models by the API: what they tell, and to whom."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena.models import Answer
from judging import bad_cases
from judging.models import BadCase, Run
from rating.models import Profile, Score
from tests.judging import recorded as make
from tests.judging.test_bad_cases import case, judged
from tests.rating.api_client import Program, faults
from tests.rating.test_compared_models import Pair
from tests.rating.test_held_figures import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead():
    return Program(make.person("lea", "lead"))


# --- bad cases


def test_bad_cases_are_open_ones_unless_others_are_asked_for(lead):
    run = judged()
    first, second = case(run), case(run, key="q2", cause="style")
    bad_cases.dismiss([first.pk], reason="The source is there.", by=None)
    assert [row["id"] for row in lead.rows("bad-cases")] == [second.pk]
    assert [row["id"] for row in lead.rows("bad-cases", status="all")] == [first.pk, second.pk]
    [told] = lead.rows("bad-cases", status="dismissed", cause="made_up", category="sums", benchmark=run.benchmark_id)
    assert (told["decision"], told["run"], told["answer"]) == ("The source is there.", run.pk, first.answer_id)
    assert told["model"]["name"] == first.answer.model.name and told["closed_at"] and told["battle"] is None
    assert lead.rows("bad-cases", status="all", cause="unsafe") == []
    assert "status" in faults(lead.get("bad-cases", {"status": "shut"}))


def test_one_bad_case_has_what_judges_said_and_what_is_like_it(lead):
    run = judged()
    mine, other = case(run), case(run, key="q2")
    told = lead.get(f"bad-cases/{mine.pk}").json()
    assert told["alike"] == [other.pk] and told["runs"] == []
    [side] = told["history"]
    assert side["judge"]["name"] == "dry" and side["after"] is None and side["differs"] is False
    assert side["before"]["run"] == run.pk and side["before"]["value"] == mine.answer.grades.get().score


def test_a_list_of_bad_cases_costs_as_many_queries_for_one_as_for_many(lead, django_assert_num_queries):
    run = judged(questions=8)
    case(run)
    lead.get("bad-cases")
    with CaptureQueriesContext(connection) as few:
        lead.get("bad-cases")
    for number in range(2, 9):
        case(run, key=f"q{number}", by=make.person(f"p{number}"))
    with django_assert_num_queries(len(few)):
        assert len(lead.get("bad-cases").json()["rows"]) == 8


# --- reports


def test_a_report_tells_scores_with_their_totals_and_the_gates_of_a_profile():
    ash = make.model("Ash")
    for category, value, n in (("sums", 0.5, 300), ("prose", 0.9, 100)):
        fields = {"metric": "accuracy", "unit": "share", "source": "paper", "benchmark": "MMLU"}
        Score.objects.create(model=ash, category=category, value=value, n=n, target=0.6, **fields)
    gate = {"kind": "score", "benchmark": "MMLU", "metric": "accuracy", "op": ">=", "value": 0.55}
    Profile.objects.create(name="ship", gates=[gate])
    program = Program()
    told = program.get(f"models/{ash.pk}/report", {"profile": "ship"}).json()
    assert round(told["totals"][0]["value"], 3) == 0.6 and told["basis"] == "weighted_avg"
    assert {row["delta"] for row in told["scores"]} == {0.5 - 0.6, 0.9 - 0.6} and told["scores"][0]["low"] is not None
    assert (told["gates"]["outcome"], told["gates"]["gates"][0]["limit"]) == ("PASS", 0.55)
    by_category = program.get(f"models/{ash.pk}/report", {"basis": "avg"}).json()
    assert round(by_category["totals"][0]["value"], 3) == 0.7 and by_category["gates"] is None
    assert "profile" in faults(program.get(f"models/{ash.pk}/report", {"profile": "none of ours"}))
    assert "basis" in faults(program.get(f"models/{ash.pk}/report", {"basis": "best"}))


def test_a_report_that_says_the_same_is_not_sent_again():
    ash = make.model("Ash")
    first = Program().get(f"models/{ash.pk}/report")
    assert Program().get(f"models/{ash.pk}/report", **{"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("name", "is_held"), [("visitor", True), ("annotator", True), ("viewer", False), ("lead", False)]
)
def test_while_people_vote_a_report_has_the_ratings_from_before_for_whoever_may_vote(name, is_held):
    place = Place()
    who = place.who(name)
    program = Program(who) if who.is_authenticated else Program()
    told = program.get(f"models/{Answer.objects.first().model_id}/report").json()
    held = place.before if is_held else place.after
    assert told["is_held"] is is_held and {row["snapshot"] for row in told["ratings"]} == {held.pk}


# --- failures


def test_failures_are_listed_by_kind_with_who_judged_and_why():
    lead, viewer = Program(make.person("lea", "lead")), Program(make.person("vic", "viewer"))
    ash, benchmark = make.model("Ash"), make.benchmark()
    lost = Answer.objects.create(question=make.question(benchmark, "q1"), model=ash, error="time out")
    question = make.answered(benchmark)[0]
    mei = make.judge("Mei Lin", kind="person", user=make.person("mei", "annotator"))
    bad = make.grade(question.answers.get(model=ash), mei, score=1, note="Not a word is true.")
    make.preference(make.battle(question), value=0, both_bad=True)
    path = f"models/{ash.pk}/failures"
    [row] = lead.rows(path)
    assert (row["id"], row["reason"], row["judge"]) == (lost.pk, "time out", None)
    [row] = lead.rows(path, kind="mark")
    assert (row["id"], row["judge"]["name"], row["score"], row["scale"]) == (bad.pk, "Mei Lin", 1, [1, 10])
    assert row["reason"] == "Not a word is true." and row["answer_id"] == bad.answer_id
    assert viewer.rows(path, kind="mark")[0]["judge"] == {"id": None, "name": None, "kind": "person", "is_person": True}
    assert [row["failed"] for row in lead.rows(path, kind="both_bad")] == ["both bad"]
    assert lead.rows(path, kind="judgment") == []


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("annotator", 403), ("viewer", 200), ("lead", 200)])
def test_failures_are_for_leads_and_viewers(role, status):
    program = Program(make.person("someone", role)) if role else Program()
    assert program.get(f"models/{make.model('Ash').pk}/failures").status_code == status


def test_a_viewer_learns_no_failures_on_a_benchmark_that_people_vote_on():
    question = make.answered(make.benchmark())[0]
    make.grade(question.answers.get(model__name="Ash"), score=1)
    make.run(question.benchmark, status=Run.Status.OPEN)
    path = f"models/{make.model('Ash').pk}/failures"
    told = Program(make.person("vera", "viewer")).get(path, {"kind": "mark"}).json()
    assert (told["rows"], told["withheld"]) == ([], [question.benchmark_id])
    assert len(Program(make.person("lea", "lead")).rows(path, kind="mark")) == 1


# --- one beside another


def test_one_model_beside_another_is_paired_by_question():
    pair = Pair()
    for before, after in ((10, 10), (10, 1), (5.5, 10), (10, 9)):
        pair.question(before, after)
    path = f"models/{pair.after.pk}/compare/{pair.before.pk}"
    told = Program().get(path).json()
    found = pair.compared()
    whole = told["changes"][0]
    assert (whole["category"], whole["difference"], whole["low"]) == (
        "all",
        found.overall.difference,
        found.overall.low,
    )
    assert [row["question"] for row in told["failed"]] == [row.question for row in found.failed]
    assert (told["verdict"], told["marker"]) == (found.verdict, found.marker.key)
    loose = Program().get(path, {"tolerance": 2, "by": found.marker.key}).json()
    assert (loose["tolerance"], loose["verdict"]) == (2, pair.compared(tolerance=2).verdict)
    assert "tolerance" in faults(Program().get(path, {"tolerance": 101}))
    assert "benchmark" in faults(Program().get(path, {"benchmark": make.benchmark("other").pk}))
    assert Program().get(f"models/{pair.after.pk}/compare/{pair.after.pk}").status_code == 404


def test_models_without_a_common_benchmark_have_nothing_to_compare():
    ash, birch = make.model("Ash"), make.model("Birch")
    told = Program().get(f"models/{ash.pk}/compare/{birch.pk}").json()
    assert (told["benchmark"], told["verdict"], told["changes"]) == (None, None, [])


def test_on_a_benchmark_that_people_vote_on_no_comparison_is_told_but_to_leads():
    pair = Pair()
    pair.question(10, 1)
    make.run(pair.benchmark, status=Run.Status.OPEN)
    path = f"models/{pair.after.pk}/compare/{pair.before.pk}"
    for program in (Program(), Program(make.person("vera", "viewer"))):
        refused = program.get(path)
        assert (refused.status_code, refused.json()["word"]) == (403, "blind")
    assert Program(make.person("lea", "lead")).get(path).status_code == 200


def test_an_open_case_is_on_the_page_and_in_the_api_alike(lead, client):
    run = judged()
    made = case(run)
    client.force_login(make.person("max", "lead"))
    assert made.text in client.get("/bad-cases/").text
    assert [row["text"] for row in lead.rows("bad-cases")] == [made.text] and BadCase.objects.count() == 1
