"""Try-outs: real judges asked about five items over real HTTP, shown and never counted."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from arena.models import LanguageModel
from judging import calling, tasks, trying
from judging.copying import posted
from judging.models import Grade, Preference, Run, TryOut
from judging.run_form import RunForm
from tests import openai_server
from tests.judging import asked
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lead(client):
    client.force_login(make.person("lena", "lead"))
    return client


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    """Ids of the try-outs that a worker was called for."""
    heard: list[int] = []
    monkeypatch.setattr(calling, "call_try_out", heard.append)
    return heard


def recipe(benchmark, *judges, **fields) -> dict:
    models = [model.pk for model in LanguageModel.objects.filter(name__in=asked.MODELS)]
    told = {"name": "tried", "benchmark": benchmark.pk, "mode": "pairwise", "candidates": models, "order": "both"}
    return {**told, "judges": [judge.pk for judge in judges], "rubric": make.rubric().pk, **fields}


def tried(benchmark, *judges, **fields) -> TryOut:
    """A try-out that a worker has carried out."""
    form = RunForm(posted(recipe(benchmark, *judges, **fields)))
    assert form.is_valid(), form.errors
    row = trying.begin(form, None)
    tasks.try_out(row.pk)
    return TryOut.objects.get(pk=row.pk)


def test_five_items_are_judged_in_both_orders_by_the_real_judge_and_nothing_is_put_on_record():
    benchmark = asked.answered(8)
    with openai_server.serve() as server:
        judge = asked.oracle(server, price_in=1.0, price_out=2.0)
        row = tried(benchmark, judge)
        assert server.count == 10
    assert (row.status, row.error, row.total, len(row.told)) == ("done", "", 10, 10) and row.finished_at
    assert len({entry["question"] for entry in row.told}) == 5
    assert not Preference.objects.exists() and not Grade.objects.exists() and not Run.objects.exists()
    judge.refresh_from_db()
    assert judge.frozen_at is None, "what was tried may still be changed"
    entry = row.told[0]
    assert entry["status"] == "ok" and entry["reply"] and entry["prompt"][-1]["content"] and entry["seconds"] > 0
    assert entry["cost"] == pytest.approx((entry["tokens_in"] + 2 * entry["tokens_out"]) / 1e6)
    assert row.cost == pytest.approx(sum(entry["cost"] for entry in row.told))


def test_items_are_spread_over_categories():
    benchmark = asked.answered(6)
    benchmark.questions.filter(key__in=("q4", "q5")).update(category=make.category("sums"))
    row = tried(benchmark, make.judge("rules"))
    kinds = [entry["category"] for entry in row.told if not entry["swapped"]]
    assert sorted(kinds) == ["cooking"] * 3 + ["sums"] * 2


def test_a_judge_that_follows_the_order_is_marked_as_flipping():
    """Whatever is asked, the first answer shown is better."""
    with asked.saying("I looked at both.\n\n[[A]]") as server:
        row = tried(asked.answered(5), asked.oracle(server))
    assert [one.flipped for item in trying.items_of(row) for one in item.judges] == [True] * 5
    (told,) = trying.sums_of(row)
    assert (told.flipped, told.both, told.said, told.failed, told.asked) == (5, 5, 10, 0, 10)


def test_a_reply_that_cannot_be_read_is_a_named_failure_with_the_reply_beside_it():
    with asked.saying("I would rather not say.") as server:
        row = tried(asked.answered(1), asked.oracle(server))
    assert {entry["status"] for entry in row.told} <= {"parse_error", "refused"}
    assert all(entry["value"] is None and entry["error"] and "rather not" in entry["reply"] for entry in row.told)
    assert trying.sums_of(row)[0].failed == 2


def test_single_answers_are_marked_once_each():
    with openai_server.serve() as server:
        row = tried(asked.answered(6), asked.oracle(server), mode="single")
        assert server.count == 5
    assert [entry["models"].__len__() for entry in row.told] == [1] * 5
    assert all(1 <= entry["value"] <= 10 for entry in row.told)


def test_a_panel_hears_its_members_and_each_is_asked_once_though_it_is_listed_too():
    with openai_server.serve() as server:
        one, other = asked.oracle(server, "one"), asked.oracle(server, "other")
        row = tried(asked.answered(5), one, asked.panel("jury", one, other))
        assert asked.asked(server) == {"one": 10, "other": 10}
    assert {judge: len([e for e in row.told if e["judge"] == judge]) for judge in ("one", "other", "jury")} == {
        "one": 10,
        "other": 10,
        "jury": 10,
    }
    assert row.total == len(row.told) == 30


def test_a_cascade_asks_on_only_where_it_has_to():
    with openai_server.serve() as server:
        members = [asked.oracle(server, name) for name in ("one", "two", "three")]
        row = tried(asked.answered(5), asked.panel("stairs", *members, kind="cascade"))
        assert asked.asked(server)["three"] == 0
    assert len([entry for entry in row.told if entry["judge"] == "stairs"]) == 10


def test_calls_that_fail_are_named_and_the_other_judges_are_heard():
    with openai_server.serve() as server:
        broken = make.llm_judge("broken", base_url="http://127.0.0.1:9/v1")
        broken.options = {"attempts": 1}
        broken.save()
        row = tried(asked.answered(2), broken, asked.oracle(server))
    said = {judge: {entry["status"] for entry in row.told if entry["judge"] == judge} for judge in ("broken", "oracle")}
    assert said == {"broken": {"api_error"}, "oracle": {"ok"}}


def test_an_endpoint_that_refuses_whoever_asks_is_told_and_the_other_judges_are_heard():
    broken = make.judge(
        "broken", kind="llm", model=make.model("m", provider="scripted", endpoint_model="no such script")
    )
    row = tried(asked.answered(2), broken, make.judge("rules"))
    assert row.status == "failed" and "broken" in row.error and "no such script" in row.error
    assert len([entry for entry in row.told if entry["judge"] == "rules"]) == 4


def test_a_key_that_is_not_set_is_named_and_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("JURYROOM_TEST_KEY", raising=False)
    row = tried(asked.answered(1), make.llm_judge(key_env="JURYROOM_TEST_KEY"))
    assert (row.status, row.told) == ("failed", []) and "JURYROOM_TEST_KEY" in row.error


def test_a_recipe_that_holds_no_more_is_told_by_the_labels_of_its_fields():
    judge = make.judge("rules")
    form = RunForm(posted(recipe(asked.answered(1), judge)))
    assert form.is_valid(), form.errors
    row = trying.begin(form, None)
    judge.delete()
    tasks.try_out(row.pk)
    row.refresh_from_db()
    assert row.status == "failed" and row.error.startswith("Machine judges: ")


def test_it_is_carried_out_once_however_often_the_bell_rings():
    with openai_server.serve() as server:
        row = tried(asked.answered(1), asked.oracle(server))
        tasks.try_out(row.pk)
        assert server.count == 2


def test_the_button_makes_a_try_out_rings_for_a_worker_and_leads_to_its_page(lead, rung):
    benchmark = asked.answered(5)
    answer = lead.post(reverse("run_new"), recipe(benchmark, make.judge("rules"), **{"try": "1"}))
    row = TryOut.objects.get()
    assert answer.headers["Location"] == reverse("try_out", args=[row.pk]) and rung == [row.pk]
    assert (row.status, row.by.username, row.total) == ("queued", "lena", 10)
    page = lead.get(answer.headers["Location"]).text
    assert "not counted" in page and 'hx-trigger="every 1s"' in page and 'http-equiv="refresh"' in page
    tasks.try_out(row.pk)
    page = lead.get(answer.headers["Location"]).text
    assert "every 1s" not in page and 'http-equiv="refresh"' not in page and "rules" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [({"judges": []}, "Choose at least one machine judge"), ({"candidates": []}, "This field is required")],
)
def test_what_cannot_be_tried_is_told_at_its_field(lead, rung, change, said):
    answer = lead.post(reverse("run_new"), recipe(asked.answered(1), make.judge(), **{"try": "1"}) | change)
    assert answer.status_code == 422 and said in answer.text and not TryOut.objects.exists() and rung == []


def test_without_answers_there_is_nothing_to_try_on(lead, rung):
    for name in asked.MODELS:
        make.model(name)
    answer = lead.post(reverse("run_new"), recipe(make.benchmark(), make.judge(), **{"try": "1"}))
    assert answer.status_code == 422 and "nothing to try on" in answer.text and rung == []


def test_the_set_up_takes_the_try_outs_numbers(lead):
    with openai_server.serve() as server:
        row = tried(asked.answered(20), asked.oracle(server, price_in=1.0, price_out=2.0))
    page = lead.get(reverse("run_new"), {"try_out": row.pk})
    told = page.context["estimate"].forecast
    (guess,) = told.guesses
    (took,) = trying.sums_of(row)
    assert (guess.basis, guess.n, guess.calls) == ("tried", 10, 120)
    assert guess.tokens_out == pytest.approx(120 * took.tokens_out)
    assert told.cost == pytest.approx(12 * row.cost) and told.seconds > 0
    assert page.context["form"]["name"].value() == "tried" and "10 verdicts of the try-out" in page.text


def test_hostile_replies_are_shown_as_text(lead):
    with asked.saying("<script>alert(1)</script> [[A]]") as server:
        row = tried(asked.answered(1), asked.oracle(server))
    page = lead.get(reverse("try_out", args=[row.pk])).text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_marks_that_pile_up_in_a_reply_are_thinned_on_its_page(lead):
    pile = "o" + "\u0336" * 500
    with asked.saying(pile) as server:
        row = tried(asked.answered(1), asked.oracle(server))
    page = lead.get(reverse("try_out", args=[row.pk])).text
    assert "\u0336" * 100 not in page and "◌̂" in page


def test_only_leads_see_a_try_out(client):
    row = TryOut.objects.create()
    annotator = Client()
    annotator.force_login(make.person("anna", "annotator"))
    for name in ("try_out", "try_out_fragment"):
        address = reverse(name, args=[row.pk])
        assert client.get(address).headers["Location"].startswith(reverse("login"))
        assert annotator.get(address).status_code == 403


def test_a_try_out_that_no_worker_heard_of_is_found_by_the_sweep(monkeypatch):
    rung = []
    monkeypatch.setattr(tasks.try_out, "apply_async", lambda args, **_: rung.append(args))
    row = TryOut.objects.create()
    TryOut.objects.create(status="done")
    tasks.sweep()
    assert rung == [(row.pk,)]


@pytest.mark.parametrize("items", [1, 5])
def test_the_page_takes_the_same_queries_for_one_item_and_for_five(lead, django_assert_num_queries, items):
    row = tried(asked.answered(items), make.judge("rules"))
    with django_assert_num_queries(4):
        lead.get(reverse("try_out_fragment", args=[row.pk]))
