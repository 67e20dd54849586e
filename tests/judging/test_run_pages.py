"""Pages of runs: who may see and steer them, the form and its estimate, progress, failures, the socket."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from celery import Celery
from channels.layers import get_channel_layer
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from arena.live import ring
from arena.models import Answer, Battle, LanguageModel
from judging import calling, consumers, watching
from judging.assignment import judge_of, leave, next_seat
from judging.billing import estimate
from judging.items import battles_of, items_of
from judging.models import Assignment, Gold, Preference, Run, Seat
from judging.progress import expected
from judging.running import carry_out
from tests.judging import recorded as make
from tests.judging.voting import open_run, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    """A client signed in as an evaluation lead."""
    client.force_login(make.person("lena", "lead"))
    return client


@pytest.fixture
def annotator():
    client = Client()
    client.force_login(make.person("anna", "annotator"))
    return client


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    """Ids of the runs whose bell was rung, once their transaction was committed."""
    heard: list[int] = []
    monkeypatch.setattr(calling, "call", lambda run: heard.append(run.pk))
    return heard


def recipe(benchmark, *names, **fields) -> dict:
    """What a filled-in form posts."""
    return {
        "name": "spring look",
        "benchmark": benchmark.pk,
        "mode": "pairwise",
        "candidates": [make.model(name).pk for name in names],
        "judges": [make.llm_judge().pk],
        "rubric": make.rubric().pk,
        "order": "both",
        **fields,
    }


# --- who may see and steer


@pytest.mark.parametrize("status", Run.Status.values)
def test_a_lead_sees_a_run_in_every_state(lead, status):
    run = make.run(make.benchmark(), status=status)
    assert lead.get(reverse("run", args=[run.pk])).status_code == 200
    assert lead.get(reverse("run_fragment", args=[run.pk])).status_code == 200


@pytest.mark.parametrize("status", [status for status in Run.Status.values if status != "done"])
def test_nobody_else_sees_a_run_before_it_is_done(client, annotator, status):
    run = make.run(make.benchmark(), status=status)
    for who in (client, annotator):
        assert who.get(reverse("run", args=[run.pk])).status_code == 403
        assert who.get(reverse("run_fragment", args=[run.pk])).status_code == 403
        assert run.name not in who.get(reverse("runs")).text


def test_a_visitor_reads_a_run_that_is_done_but_finds_no_button(client):
    run = make.run(make.benchmark(), judges=[make.judge()])
    page = client.get(reverse("run", args=[run.pk]))
    assert run.name in client.get(reverse("runs")).text
    assert "Run again" not in page.text and "run-start" not in page.text


def test_a_run_that_is_not_there_is_a_404(lead):
    assert lead.get(reverse("run", args=[404])).status_code == 404
    assert lead.post(reverse("run_cancel", args=[404])).status_code == 404


@pytest.mark.parametrize("verb", ["run_start", "run_cancel", "run_retry", "run_close", "run_open"])
def test_only_leads_steer_and_only_by_post(client, annotator, lead, verb):
    run = make.run(make.benchmark(), status="running")
    address = reverse(verb, args=[run.pk])
    assert Client().post(address).headers["Location"].startswith(reverse("login"))
    assert annotator.post(address).status_code == 403
    assert lead.get(address).status_code == 405
    run.refresh_from_db()
    assert run.status == "running"


def test_the_form_is_for_leads(annotator):
    assert Client().get(reverse("run_new")).headers["Location"].startswith(reverse("login"))
    assert annotator.get(reverse("run_new")).status_code == 403
    assert annotator.post(reverse("run_new"), {}).status_code == 403
    assert not Run.objects.exists()


def test_steering_without_the_forms_own_token_is_refused():
    run = make.run(make.benchmark(), status="running")
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.person("lena", "lead"))
    assert client.post(reverse("run_cancel", args=[run.pk])).status_code == 403


# --- setting one up


def test_the_form_starts_a_run_and_rings_the_bell(lead, rung):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    response = lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch", questions=5))
    run = Run.objects.get()
    assert response.headers["Location"] == reverse("run", args=[run.pk])
    assert (run.status, run.mode, run.order, run.limits, run.baseline) == (
        "queued",
        "pairwise",
        "both",
        {"questions": 5},
        None,
    )
    assert {model.name for model in run.candidates.all()} == {"Ash", "Birch"}
    assert run.recipe["models"] == ["Ash", "Birch"] and run.created_by.username == "lena"
    assert rung == [run.pk]


def test_a_run_for_people_is_open_at_once_and_rings_for_no_worker(lead, rung):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch", people="on", overlap=2))
    run = Run.objects.get()
    assert (run.status, run.limits, run.judges.count(), rung) == ("open", {"overlap": 2}, 0, [])


def test_a_run_on_demo_data_is_a_demo(lead, rung):
    benchmark = make.benchmark(provenance="demo")
    make.answered(benchmark, "Ash", "Birch")
    lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch"))
    assert Run.objects.get().provenance == "demo"


def test_the_baseline_belongs_to_baseline_mode_alone(lead, rung):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch", baseline=make.model("Ash").pk))
    assert Run.objects.get().baseline is None


def test_a_demo_judge_makes_no_demo_of_what_real_judges_say_of_real_answers(lead, rung):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    judges = [make.judge("rules"), make.judge("leaning", provenance="demo")]
    lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch", judges=[judge.pk for judge in judges]))
    run = Run.objects.get()
    assert run.provenance == "real"
    carry_out(run)
    said = {(row.judge.name, row.provenance) for row in run.preferences.select_related("judge")}
    assert said == {("rules", "real"), ("leaning", "demo")}


@pytest.mark.parametrize("demo", ["Ash", "Birch"])
def test_a_models_demo_answers_are_not_judged_beside_real_ones(lead, rung, demo):
    make.model(demo, provenance="demo")
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    posted = recipe(benchmark, "Ash", mode="baseline", baseline=make.model("Birch").pk)
    said = lead.post(reverse("run_new"), posted)
    assert f"These are models of the demo, and this benchmark is not: {demo}" in said.text and not Run.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"mode": "knockout"}, "knockout is not one of the available choices"),
        ({"mode": "baseline"}, "Choose the model that the others are compared with"),
        ({"candidates": []}, "This field is required"),
        ({"candidates": [999]}, "999 is not one of the available choices"),
        ({"candidates": ["Ash"]}, "is not a valid value"),
        ({"candidates": ["9" * 30]}, "9 is not one of the available choices"),
        ({"judges": ["9" * 30]}, "9 is not one of the available choices"),
        ({"judges": []}, "Choose at least one machine judge"),
        ({"benchmark": 999}, "Select a valid choice"),
        ({"questions": 0}, "greater than or equal to 1"),
        ({"questions": "many"}, "Enter a whole number"),
        ({"overlap": -1, "people": "on"}, "greater than or equal to 1"),
    ],
)
def test_bad_input_is_named_at_its_field_and_what_was_entered_is_kept(lead, rung, change, sentence):
    benchmark = make.benchmark()
    response = lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch") | {"name": "kept name"} | change)
    assert response.status_code == 422
    assert sentence in response.text
    assert change.get("name", "kept name") in response.text
    assert not Run.objects.exists() and not rung


def test_one_model_makes_no_pair_and_a_baseline_does_not_meet_itself(lead, rung):
    benchmark, ash = make.benchmark(), make.model("Ash")
    one = lead.post(reverse("run_new"), recipe(benchmark, "Ash"))
    assert "Pairs need at least two models" in one.text
    same = lead.post(reverse("run_new"), recipe(benchmark, "Ash", mode="baseline", baseline=ash.pk))
    assert "at least one model besides the baseline" in same.text
    assert not Run.objects.exists()


def test_people_are_no_machine_judges(lead, rung):
    person = make.judge("anna", kind="simulated")
    response = lead.post(reverse("run_new"), recipe(make.benchmark(), "Ash", "Birch", judges=[person.pk]))
    assert response.status_code == 422 and not Run.objects.exists()


# --- the estimate


def checked(client, **fields):
    """The estimate that the form's Check button shows."""
    return client.post(reverse("run_new"), {**fields, "check": "1"}).context["estimate"]


@pytest.mark.parametrize(
    ("fields", "items", "calls"),
    [
        ({"mode": "pairwise"}, 3 * 4, 3 * 4 * 2),
        ({"mode": "pairwise", "order": "random"}, 3 * 4, 3 * 4),
        ({"mode": "pairwise", "questions": 1}, 3, 6),
        ({"mode": "baseline"}, 2 * 4, 2 * 4 * 2),
        ({"mode": "single"}, 3 * 4, 3 * 4),
    ],
)
def test_the_estimate_is_items_times_orders_times_judges_as_the_run_itself_counts_them(
    lead, rung, fields, items, calls
):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", "Cedar", questions=4)
    posted = recipe(benchmark, "Ash", "Birch", "Cedar", **fields)
    if fields["mode"] == "baseline":
        posted["baseline"] = make.model("Cedar").pk
    said = checked(lead, **posted)
    assert (said.items, said.calls, said.judgments) == (items, calls, calls)
    assert not Run.objects.exists()
    lead.post(reverse("run_new"), posted)
    run = Run.objects.get()
    bills = estimate(run).judges  # the questions and answers are all alike: one prompt is asked once
    assert expected(run) == calls and [bill.calls + bill.cached for bill in bills] == [calls]


def test_the_estimate_says_what_is_missing_known_and_without_a_key(lead, monkeypatch):
    monkeypatch.delenv("ORACLE_TEST_KEY", raising=False)
    benchmark = make.benchmark()
    first, second = make.answered(benchmark, "Ash", "Birch", questions=2)
    Answer.objects.filter(question=second, model__name="Birch").delete()
    judge = make.llm_judge(key_env="ORACLE_TEST_KEY")
    make.preference(make.battle(first), judge)
    estimate = checked(lead, **recipe(benchmark, "Ash", "Birch"))
    assert [(model.name, n) for model, n in estimate.missing] == [("Birch", 1)]
    assert (estimate.calls, estimate.judgments, estimate.known) == (1, 2, 1)
    assert estimate.keys == [("ORACLE_TEST_KEY", "")]


def test_the_estimate_says_which_key_the_operator_withholds(lead, monkeypatch, settings):
    monkeypatch.setenv("ORACLE_TEST_KEY", "k")
    settings.KEYS = {"OTHER_KEY": {"api.example.org"}}
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=1)
    judge = make.llm_judge(key_env="ORACLE_TEST_KEY")
    [lack] = checked(lead, **recipe(benchmark, "Ash", "Birch")).keys
    assert lack.name == "ORACLE_TEST_KEY" and "JURYROOM_KEYS" in lack.withheld
    listed = lead.get(reverse("judges")).content.decode()
    assert judge.name in listed and "withheld</span> <code>ORACLE_TEST_KEY</code>" in listed
    settings.KEYS = {}
    listed = lead.get(reverse("judges")).content.decode()
    assert "set</span> <code>ORACLE_TEST_KEY</code>" in listed


def test_a_judge_of_the_family_it_judges_is_told_and_a_panel_is_not(lead):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=1)
    LanguageModel.objects.filter(name="Ash").update(family="Grove ")
    own, other = make.llm_judge("own", family="grove"), make.llm_judge("other", family="Reed")
    unknown, itself = make.llm_judge("unknown"), make.judge("itself", kind="llm", model=make.model("Birch"))
    panel = make.judge("panel", kind="panel")
    for judge, told in ((own, ["Ash"]), (other, []), (unknown, []), (itself, ["Birch"])):
        estimate = checked(lead, **{**recipe(benchmark, "Ash", "Birch"), "judges": [judge.pk]})
        assert [model.name for _, models in estimate.own for model in models] == told, judge
    Seat.objects.create(panel=panel, member=own)
    assert not checked(lead, **{**recipe(benchmark, "Ash", "Birch"), "judges": [panel.pk]}).own
    page = lead.post(reverse("run_new"), {**recipe(benchmark, "Ash", "Birch"), "judges": [own.pk], "check": "1"})
    assert page.text.count("data-own-family") == 1 and "judges its own family here (" in page.text


ROUND = {"pairwise": 12, "baseline": 8, "single": 12}


@pytest.mark.parametrize("order", ["both", "random", "fixed"])
@pytest.mark.parametrize("mode", ROUND)
def test_what_is_on_record_is_not_counted_as_a_call_by_the_form_or_by_the_command(lead, rung, mode, order):
    """Everything was judged both ways round; a run in one order knows one of the two."""
    benchmark, oracle = make.benchmark(), make.llm_judge()
    make.answered(benchmark, "Ash", "Birch", "Cedar", questions=4)
    posted = recipe(benchmark, "Ash", "Birch", "Cedar", mode=mode, order=order)
    if mode == "baseline":
        posted["baseline"] = make.model("Cedar").pk
    total = ROUND[mode] * (2 if order == "both" and mode != "single" else 1)
    assert (checked(lead, **posted).calls, checked(lead, **posted).known) == (total, 0)
    assert not Battle.objects.exists(), "a check writes nothing"

    lead.post(reverse("run_new"), posted)
    run = Run.objects.get()
    if mode == "single":
        for answer in Answer.objects.all():
            make.grade(answer, oracle)
    for battle in battles_of(run):
        for swapped in (False, True):
            make.preference(battle, oracle, swapped=swapped)
    said = checked(lead, **posted)
    assert (said.judgments, said.known, said.calls) == (total, total, 0)
    assert [bill.calls for bill in estimate(run).judges] == [0]

    kept = items_of(run)[1:]
    judged = (run.judges.get().grades if mode == "single" else run.judges.get().preferences).all()
    keys = [item.key for item in kept]
    for row in judged:
        if ((row.answer_id, 0) if mode == "single" else (row.battle_id, row.swapped, 0)) not in keys:
            row.delete()
    said = checked(lead, **posted)
    assert (said.judgments, said.known, said.calls) == (total, total - 1, 1)
    assert [bill.calls for bill in estimate(run).judges] == [1]


def test_a_judge_that_asks_no_model_is_billed_for_nothing(lead, rung):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    judges = [make.llm_judge(price_in=1, price_out=1), make.judge("rules"), make.judge("dry", kind="dry_run")]
    posted = recipe(benchmark, "Ash", "Birch", judges=[judge.pk for judge in judges])
    said = checked(lead, **posted)
    assert (said.judgments, said.calls, said.has_free) == (6, 2, True)
    lead.post(reverse("run_new"), posted)
    bills = {bill.judge: bill for bill in estimate(Run.objects.get()).judges}
    assert bills["oracle"].tokens_in > 100 and bills["oracle"].cost > 0
    assert {(bills[name].calls, bills[name].tokens_in, bills[name].cost) for name in ("rules", "dry")} == {(0, 0, 0.0)}


def test_answers_that_will_be_collected_are_counted_turn_by_turn(lead):
    benchmark = make.benchmark()
    make.question(benchmark, "two turns", "First?", "And then?")
    for name in ("Ash", "Birch"):
        LanguageModel.objects.filter(pk=make.model(name).pk).update(provider="openai")
    estimate = checked(lead, **recipe(benchmark, "Ash", "Birch", collects="on"))
    assert (estimate.answer_calls, estimate.items, estimate.calls) == (4, 1, 2)


def test_votes_of_people_are_items_times_overlap(lead):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=3)
    estimate = checked(lead, **recipe(benchmark, "Ash", "Birch", people="on", overlap=4))
    assert (estimate.votes, estimate.calls) == (12, 0)


def test_the_estimate_needs_no_name_and_is_kept_when_the_start_is_refused(lead):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    assert checked(lead, **recipe(benchmark, "Ash", "Birch", name="")).calls == 2
    assert lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch", name="")).context["estimate"].calls == 2


def test_nothing_to_judge_is_said_before_the_start(lead):
    posted = recipe(make.benchmark(), "Ash", "Birch", check="1")
    assert "There is nothing to judge yet" in lead.post(reverse("run_new"), posted).text


def test_htmx_gets_the_estimate_alone_and_checking_marks_no_field(lead):
    answer = lead.post(reverse("run_new"), {"check": "1", "mode": "pairwise"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "<form" not in answer.text
    assert "Not complete yet" in answer.text


def test_a_form_that_nobody_sent_yet_is_asked_for_nothing_in_particular(lead):
    page = lead.get(reverse("run_new"), {"benchmark": make.benchmark().pk}).text
    assert "Not complete yet" not in page and "Choose models and judges" in page


@pytest.mark.parametrize(
    ("voting", "gold", "lacking"),
    [
        ({}, [], []),
        ({"practice": 2, "gold_every": 5}, [], ["practice", "votes"]),
        ({"practice": 2, "gold_every": 5}, [True], ["votes"]),
        ({"practice": 2}, [False], ["practice"]),
        ({"gold_every": 5}, [False], []),
    ],
)
def test_a_run_that_is_to_have_gold_items_and_has_none_says_so(lead, voting, gold, lacking):
    run = open_run(voting=voting)
    for is_practice in gold:
        Gold.objects.create(run=run, battle=Battle.objects.first(), lowest=0, highest=0, is_practice=is_practice)
    page = lead.get(reverse("run", args=[run.pk]))
    assert page.context["gold_lacking"] == lacking and page.text.count("data-gold-lacking") == len(lacking)


def test_the_estimate_takes_as_many_queries_for_forty_questions_as_for_one(lead, django_assert_max_num_queries):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=40)
    posted = recipe(benchmark, "Ash", "Birch", check="1")
    with django_assert_max_num_queries(22):
        lead.post(reverse("run_new"), posted, headers={"HX-Request": "true"})


# --- the list and the run's own page


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_the_same_queries_for_one_run_and_for_forty(client, django_assert_num_queries, count):
    benchmark = make.benchmark()
    for n in range(count):
        make.run(benchmark, name=f"run {n}")
    with django_assert_num_queries(3):
        assert client.get(reverse("runs")).status_code == 200


def test_the_lists_filters_live_in_the_address(lead):
    benchmark, other = make.benchmark(), make.benchmark("larder")
    make.run(benchmark, name="the one sought", status="failed")
    make.run(benchmark, name="another state")
    make.run(other, name="another benchmark", status="failed")
    page = lead.get(reverse("runs"), {"status": "failed", "benchmark": benchmark.pk})
    assert (
        "the one sought" in page.text and "another state" not in page.text and "another benchmark</a>" not in page.text
    )
    assert lead.get(reverse("runs"), {"status": "nonsense", "benchmark": "x", "page": "y"}).status_code == 200


@pytest.mark.parametrize("benchmark", ["9" * 30, "9" * 5000, "-1", "\x00", "٣"])
def test_a_benchmark_that_cannot_be_fits_no_run(client, benchmark):
    make.run(make.benchmark())
    page = client.get(reverse("runs"), {"benchmark": benchmark})
    assert page.status_code == 200 and page.context["page"].paginator.count == (benchmark == "\x00")


def test_a_judge_or_status_that_cannot_be_fits_no_failure(lead):
    address = reverse("run", args=[half_done().pk])
    assert lead.get(address, {"judge": "sha\x00ky"}).context["failed_of"] == "shaky"
    assert not lead.get(address, {"judge": "x" * 5000}).context["failed"]


def test_marks_that_pile_up_in_what_failed_are_thinned(lead):
    run, pile = half_done(), "o" + "\u0336" * 500
    assert Preference.objects.filter(status="parse_error").update(reply=pile, error=pile)
    page = lead.get(reverse("run", args=[run.pk])).text
    assert "\u0336" * 100 not in page and "◌̂" in page


def half_done(questions: int = 4) -> Run:
    """A running run with two judges: one judged all of the pairs, one half and failed on one."""
    benchmark = make.benchmark()
    made = make.answered(benchmark, "Ash", "Birch", questions=questions)
    judges = [make.judge("steady"), make.judge("shaky")]
    run = make.run(
        benchmark, judges=judges, status="running", order="random", stage="judgments", started_at=timezone.now()
    )
    for one in made:
        make.preference(make.battle(one), judges[0], run=run)
    for one in made[: questions // 2]:
        make.preference(make.battle(one), judges[1], run=run)
    make.preference(make.battle(made[-1]), judges[1], run=run, status="parse_error", error="no verdict in the reply")
    return run


def test_the_page_shows_each_judges_share_and_failures_by_cause(lead):
    run = half_done()
    page = lead.get(reverse("run", args=[run.pk]))
    bars = {bar.label: bar for bar in page.context["bars"]}
    assert (bars["steady"].done, bars["steady"].percent, bars["steady"].done_width) == (4, 100, "100.00")
    assert (bars["shaky"].done, bars["shaky"].failed, bars["shaky"].left, bars["shaky"].percent) == (2, 1, 1, 75)
    assert 'width="50.00"' in page.text and 'x="50.00" width="25.00"' in page.text
    assert "no verdict in the reply" in page.text and "style=" not in page.text


def test_what_a_judge_cannot_judge_is_skipped_and_not_failed(lead):
    run = half_done()
    assert "Skipped" not in lead.get(reverse("run", args=[run.pk])).text
    run.preferences.filter(status="parse_error").update(status="skipped", error="no checks")
    Run.objects.filter(pk=run.pk).update(status="done")
    page = lead.get(reverse("run", args=[run.pk]))
    shaky = {bar.label: bar for bar in page.context["bars"]}["shaky"]
    assert (shaky.done, shaky.failed, shaky.skipped, shaky.left) == (2, 0, 1, 1)
    assert page.text.count("Skipped") == 3 and "no checks" in page.text
    assert "Retry failed" not in page.text and page.context["failed"] == [] and "#failed" not in page.text
    assert shaky.done_width == "75.00" and shaky.failed_width == "0.00"


def test_a_cause_leads_to_the_judgments_that_failed_by_it(lead):
    run = half_done()
    failed = run.preferences.exclude(status="ok").get()
    page = lead.get(reverse("run", args=[run.pk]), {"status": "parse_error", "judge": "shaky"})
    assert f"{reverse('battle', args=[failed.battle_id])}#preference-{failed.pk}" in page.text
    assert not lead.get(reverse("run", args=[run.pk]), {"status": "refused"}).context["failed"]


def test_an_error_message_is_shown_as_text(lead):
    run = half_done()
    run.preferences.exclude(status="ok").update(error="<script>alert(1)</script>")
    Run.objects.filter(pk=run.pk).update(error="<img src=x onerror=alert(1)>")
    page = lead.get(reverse("run", args=[run.pk])).text
    assert "<script>alert" not in page and "<img" not in page


@pytest.mark.parametrize("questions", [2, 40])
def test_the_fragment_takes_the_same_queries_for_a_small_run_and_a_large_one(
    lead, django_assert_max_num_queries, questions
):
    run = half_done(questions)
    with django_assert_max_num_queries(31):
        lead.get(reverse("run_fragment", args=[run.pk]))


def test_cancelling_keeps_what_was_judged(lead):
    run = half_done()
    judged = run.preferences.count()
    lead.post(reverse("run_cancel", args=[run.pk]))
    run.refresh_from_db()
    assert (run.status, run.preferences.count()) == ("cancelled", judged)


def test_closing_a_run_for_people_makes_it_done(lead):
    run = make.run(make.benchmark(), status="open")
    lead.post(reverse("run_cancel", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == "done" and run.finished_at


def test_running_again_queues_the_run_and_touches_no_judgment(lead, rung):
    run = half_done()
    Run.objects.filter(pk=run.pk).update(status="done")
    lead.post(reverse("run_start", args=[run.pk]))
    run.refresh_from_db()
    assert (run.status, rung) == ("queued", [run.pk])
    assert not run.preferences.filter(superseded_at__isnull=False).exists()


def test_a_run_without_machine_judges_is_not_queued(lead, rung):
    run = make.run(make.benchmark())
    page = lead.post(reverse("run_start", args=[run.pk]), follow=True)
    run.refresh_from_db()
    assert (run.status, rung) == ("done", []) and "no machine judge" in page.text


def test_retrying_sets_failures_aside_and_keeps_them_in_the_record(lead, rung):
    run = half_done()
    Run.objects.filter(pk=run.pk).update(status="done")
    lead.post(reverse("run_retry", args=[run.pk]))
    run.refresh_from_db()
    assert (run.status, rung) == ("queued", [run.pk])
    failed = run.preferences.get(status="parse_error")
    assert failed.superseded_at and run.preferences.current().count() == 6


def test_replies_that_were_cut_off_are_a_cause_of_their_own_and_are_retried_alone(lead, rung):
    run = half_done()
    cut = run.preferences.filter(judge__name="shaky", status="ok").first()
    Run.objects.filter(pk=run.pk).update(status="done")
    run.preferences.filter(pk=cut.pk).update(status="truncated", value=None, error="the reply was cut off")
    page = lead.get(reverse("run", args=[run.pk]))
    assert {(one["status"], one["n"]) for one in page.context["failures"]} == {("truncated", 1), ("parse_error", 1)}
    assert "the reply was cut off" in page.text and page.context["unread"]
    lead.post(reverse("run_retry", args=[run.pk]), {"cause": "truncated|shaky"})
    assert run.preferences.filter(superseded_at__isnull=False).get().pk == cut.pk


def test_retrying_where_nothing_failed_starts_nothing(lead, rung):
    run = make.run(make.benchmark(), judges=[make.judge()])
    assert "Nothing failed" in lead.post(reverse("run_retry", args=[run.pk]), follow=True).text
    assert rung == []


def test_without_a_broker_the_run_is_queued_all_the_same_and_the_lead_hears_so(
    lead, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    def dead(*_arguments, **_options):
        raise OperationalError("no broker at this address")

    monkeypatch.setattr(Celery, "send_task", dead)
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch")
    with django_capture_on_commit_callbacks(execute=True):
        assert lead.post(reverse("run_new"), recipe(benchmark, "Ash", "Birch")).status_code == 302
    with django_capture_on_commit_callbacks(execute=True):
        assert lead.post(reverse("run_start", args=[Run.objects.get().pk])).status_code == 302
    assert Run.objects.get().status == "queued" and caplog.text.count("no worker could be called") == 2


@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), RedisError("gone")])
def test_closing_a_run_needs_no_bell(lead, monkeypatch, caplog, error):
    async def dead(*_):
        raise error

    monkeypatch.setattr(get_channel_layer(), "group_send", dead)
    run = make.run(make.benchmark(), status="open")
    assert lead.post(reverse("run_cancel", args=[run.pk])).status_code == 302
    run.refresh_from_db()
    assert run.status == "done" and "nobody could be told" in caplog.text


def test_while_people_vote_what_failed_is_counted_and_not_shown(client):
    run = half_done()
    Run.objects.filter(pk=run.pk).update(status="done")
    address = reverse("run", args=[run.pk])
    assert "no verdict in the reply" in client.get(address).text
    make.run(run.benchmark, name="votes", status="open")
    page = client.get(address)
    assert page.context["failed"] == [] and "no verdict in the reply" not in page.text
    assert "#failed" not in page.text and "no verdict could be read" in page.text


def test_who_set_a_run_up_is_told_to_leads(lead):
    run = make.run(make.benchmark(), created_by=make.person("winifred", "lead"))
    for address in (reverse("run", args=[run.pk]), reverse("runs")):
        assert "winifred" in lead.get(address).text and "winifred" not in Client().get(address).text


@pytest.mark.parametrize(("roles", "offered"), [(("lead",), False), (("lead", "annotator"), True)])
def test_a_lead_is_led_to_the_ballot_only_as_an_annotator(client, roles, offered):
    run = make.run(make.benchmark(), status="open")
    client.force_login(make.person("lena", *roles))
    page = client.get(reverse("run_fragment", args=[run.pk])).text
    assert "Close for votes" in page and (reverse("ballot", args=[run.pk]) in page) is offered


# --- the socket


def socket(user, pk, query: bytes = b"") -> ApplicationCommunicator:
    """A socket to a run's page as this user has it, without the server around it."""
    scope = {"type": "websocket", "user": user, "query_string": query, "url_route": {"kwargs": {"pk": pk}}}
    return ApplicationCommunicator(consumers.RunProgress.as_asgi(), scope)


async def opened(one: ApplicationCommunicator) -> dict:
    await one.send_input({"type": "websocket.connect"})
    return await one.receive_output(5)


async def message(one: ApplicationCommunicator, timeout: float = 5) -> dict:
    return json.loads((await one.receive_output(timeout))["text"])


@pytest.mark.django_db(transaction=True)
def test_the_socket_refuses_at_subscribe_time_who_may_not_see_the_run():
    run = make.run(make.benchmark(), status="running")
    people = [make.person("anna", "annotator"), make.person("nobody")]

    async def scene():
        for user in people:
            assert (await opened(socket(user, run.pk)))["type"] == "websocket.close"
        assert (await opened(socket(people[0], 404)))["type"] == "websocket.close"

    asyncio.run(scene())


@pytest.mark.django_db(transaction=True)
def test_many_bells_within_a_second_make_one_fragment_and_each_fragment_is_numbered(monkeypatch):
    monkeypatch.setattr(watching, "EVERY", 0.3)
    run, lead = half_done(), make.person("lena", "lead")

    async def scene():
        one = socket(lead, run.pk)
        assert (await opened(one))["type"] == "websocket.accept"
        first = await message(one)
        layer = get_channel_layer()
        await sync_to_async(run.preferences.filter(status="parse_error").delete)()
        for _ in range(20):
            await layer.group_send(f"run-{run.pk}", {"type": "rang", "topic": f"run-{run.pk}"})
        second = await message(one)
        assert await one.receive_nothing(0.6)
        await one.send_input({"type": "websocket.disconnect", "code": 1000})
        await one.wait(2)
        return first, second

    first, second = asyncio.run(scene())
    assert (first["seq"], second["seq"]) == (1, 2)
    assert "no verdict in the reply" in first["html"] and "no verdict in the reply" not in second["html"]


@pytest.mark.django_db(transaction=True)
def test_the_socket_closes_on_who_may_no_longer_see_the_run(monkeypatch):
    monkeypatch.setattr(watching, "EVERY", 0.05)
    run, lead = half_done(), make.person("lena", "lead")

    async def scene():
        one = socket(lead, run.pk)
        await opened(one)
        await message(one)
        await sync_to_async(lead.groups.clear)()
        await sync_to_async(ring)(f"run-{run.pk}")
        closed = await one.receive_output(5)
        await one.send_input({"type": "websocket.disconnect", "code": 4403})
        await one.wait(2)
        return closed

    assert asyncio.run(scene())["type"] == "websocket.close"


@pytest.mark.parametrize(("query", "language"), [(b"lang=zh-hans", "zh-hans"), (b"lang=../x", "en"), (b"", "en")])
def test_the_socket_speaks_the_language_of_the_page(query, language):
    assert consumers.language_of({"query_string": query}) == language


def test_a_lead_sees_what_annotators_flagged_and_nobody_else_does(lead):
    run = open_run()
    seat = next_seat(run, judge_of(person("flagger")))
    leave(seat, Assignment.Status.FLAGGED, reason="the question is cut off")
    Run.objects.update(status=Run.Status.DONE)
    address = reverse("run", args=[run.pk])
    assert "the question is cut off" in lead.get(address).content.decode()
    assert "the question is cut off" not in Client().get(address).content.decode()


def test_a_run_with_nothing_to_judge_is_not_started(lead, rung):
    posted = recipe(make.benchmark(), "Ash", "Birch")
    response = lead.post(reverse("run_new"), posted)
    assert response.status_code == 422 and "no answers to judge here" in response.content.decode()
    assert not Run.objects.exists() and not rung


def test_a_finished_run_leads_to_the_board_and_to_agreement(lead):
    run = open_run()
    seat = next_seat(run, judge_of(person("voter")))
    make.preference(seat.battle, make.judge())
    run.judges.add(make.judge())
    Run.objects.update(status=Run.Status.DONE, rubric=make.rubric())
    html = lead.get(reverse("run", args=[run.pk])).content.decode()
    assert (
        reverse("leaderboard", args=[run.benchmark_id]) in html
        and reverse("agreement", args=[run.benchmark_id]) in html
    )


def test_who_may_not_see_a_page_is_told_why(annotator):
    run = open_run()
    Run.objects.update(status=Run.Status.RUNNING)
    assert "only evaluation leads see it" in annotator.get(reverse("run", args=[run.pk])).content.decode()
