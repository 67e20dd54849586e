"""Pages of judges: the list, the editor with the options of each kind, versions, two leads at once, and the connection."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from arena.models import LanguageModel
from judging.connecting import hear
from judging.judge_fields import FIELDS, problems_of
from judging.judge_form import JudgeForm
from judging.machines import machine_of
from judging.models import Judge, Run
from tests.judging import asked
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

KEY = "sk-this-must-never-show-0123456789"


@pytest.fixture
def lead(client):
    client.force_login(make.person("lena", "lead"))
    return client


def model(name: str = "mind", **fields) -> LanguageModel:
    return make.model(name, **{"provider": "openai", "base_url": "http://127.0.0.1:9/v1", **fields})


def used(judge: Judge) -> Judge:
    make.run(make.benchmark(), judges=[judge])
    return judge


def new(lead: Client, kind: str, **fields):
    return lead.post(reverse("judge_new"), {"kind": kind, **fields})


def edit(lead: Client, judge: Judge, **fields):
    """What the editor's page sends back, with these fields changed."""
    address = reverse("judge_edit", args=[judge.pk])
    page = lead.get(address)
    form = page.context["form"]
    told = {name: form[name].value() for name in form.fields}
    told = {name: value for name, value in told.items() if value is not None and value is not False}
    return lead.post(address, {**told, "kind": judge.kind, "mark": page.context["mark"], **fields})


@pytest.mark.parametrize("name", ["judge_new", "judge_edit", "judge_check"])
def test_only_leads_make_judges(name):
    address = reverse(name, args=[] if name == "judge_new" else [make.judge().pk])
    annotator = Client()
    annotator.force_login(make.person("anna", "annotator"))
    assert annotator.post(address).status_code == 403
    assert Client().post(address).headers["Location"].startswith(reverse("login"))


def test_people_are_no_judges_to_edit(lead):
    person = Judge.objects.create(name="Ada", kind="person", user=make.person("ada"))
    assert lead.get(reverse("judge_edit", args=[person.pk])).status_code == 404
    assert "Ada" not in lead.get(reverse("judges")).text


def test_the_list_asks_the_database_as_often_for_many_judges_as_for_one(lead, django_assert_num_queries):
    make.llm_judge("one")
    lead.get(reverse("judges"))
    with CaptureQueriesContext(connection) as few:
        lead.get(reverse("judges"))
    for number in range(8):
        used(make.judge(f"more {number}")) if number == 0 else make.llm_judge(f"more {number}")
    with django_assert_num_queries(len(few)):
        assert "more 7" in lead.get(reverse("judges")).text


def test_a_key_is_told_to_be_set_or_not_and_never_shown(lead, client, monkeypatch):
    monkeypatch.setenv("MIND_KEY", KEY)
    made = make.judge("m", kind="llm", model=model(key_env="MIND_KEY"))
    other = make.judge("n", kind="llm", model=model("other", key_env="UNSET_KEY"))
    pages = [lead.get(reverse("judges")).text, lead.get(reverse("judge_edit", args=[made.pk])).text]
    assert all("MIND_KEY" in page and KEY not in page for page in pages)
    assert "not set here" in lead.get(reverse("judge_edit", args=[other.pk])).text
    assert "MIND_KEY" not in Client().get(reverse("judges")).text


# --- the editor


@pytest.mark.parametrize("kind", Judge.WITH_ENGINE)
def test_every_kind_has_a_form_with_its_own_options_only(lead, kind):
    page = lead.get(reverse("judge_new"), {"kind": kind})
    shown = set(page.context["form"].fields)
    assert set(FIELDS[kind]) <= shown
    others = set().union(*(FIELDS[other] for other in FIELDS)) - set(FIELDS[kind])
    assert not others & shown


def test_a_language_model_is_made_a_judge_with_its_options(lead):
    fields = {"name": "careful", "model": model().pk, "temperature": "0.2", "max_tokens": "900", "samples": "3"}
    saved = new(lead, "llm", **fields, schema_bound="on", sampling="top_p: 0.9")
    made = Judge.objects.get(name="careful")
    assert saved.headers["Location"] == reverse("judge_edit", args=[made.pk])
    sampling = {"top_p": 0.9, "temperature": 0.2, "max_tokens": 900}
    assert made.options == {"samples": 3, "schema_bound": True, "sampling": sampling}
    run = make.run(make.benchmark())
    assert machine_of(made, run, make.rubric().text(), key=lambda _model: "").engine.samples == 3


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rule", {}),
        ("metric", {"metric": "rougeL", "tie_band": 0.05}),
        ("dry_run", {"seed": 7}),
        ("python_tests", {"concurrency": 2}),
    ],
)
def test_judges_without_a_model_are_made(lead, kind, options):
    assert new(lead, kind, name="mine", **options).status_code == 302
    made = Judge.objects.get(name="mine")
    assert (made.kind, made.options, made.model) == (kind, options, None)


def test_a_panel_is_made_with_seats_and_weights(lead):
    one, other = make.llm_judge("one"), make.judge("two")
    seats = {"member-0": other.pk, "member-2": one.pk, "weight-2": "2.5", "seats": "4"}
    assert new(lead, "panel", name="board", quorum="2", **seats).status_code == 302
    made = Judge.objects.get(name="board")
    assert list(made.seats.values_list("member__name", "weight")) == [("two", 1.0), ("one", 2.5)]


@pytest.mark.parametrize("ticked", [[], ["rule"], ["rule", "metric", "python_tests"]])
def test_a_cascade_trusts_the_kinds_that_are_ticked_and_none_where_none_is(lead, ticked):
    usual = ["rule", "metric", "python_tests"]
    assert lead.get(reverse("judge_new"), {"kind": "cascade"}).context["form"]["trust_first"].value() == usual
    seats = {"member-0": make.judge("one").pk, "member-1": make.llm_judge("two").pk}
    assert new(lead, "cascade", name="steps", trust_first=ticked, band="0", **seats).status_code == 302
    made = Judge.objects.get(name="steps")
    assert made.options == {"band": 0.0, **({} if ticked == usual else {"trust_first": ticked})}
    assert edit(lead, made).status_code == 302
    assert Judge.objects.get(name="steps").options == made.options


@pytest.mark.parametrize("trust", [[], ["rule", "metric", "python_tests"], ["metric"]])
def test_the_form_keeps_what_a_recipe_said_of_a_cascade(lead, trust):
    options = {"agree": 3, "band": 0, "trust_first": trust}
    steps = asked.panel("steps", make.judge("a"), make.judge("b"), kind="cascade", **options)
    used(steps)
    assert edit(lead, steps).status_code == 302
    assert list(Judge.objects.filter(name="steps").values_list("version", "options")) == [(1, options)]


@pytest.mark.parametrize(
    ("kind", "fields", "field", "words"),
    [
        ("llm", {"more": "sampels: 3"}, "more", "sampels"),
        ("llm", {"samples": "99"}, "samples", "15"),
        ("llm", {"verdict": "logprobs", "scale": "five"}, "scale", "does not go with"),
        ("llm", {"preset": "auto_j", "schema_bound": "on"}, "schema_bound", "does not go with"),
        ("llm", {"batch": "on", "samples": "3"}, "batch", "one sample"),
        ("llm", {"sampling": "api: nonsense"}, "sampling", "api"),
        ("llm", {"sampling": f"api_key: {KEY}"}, "sampling", "looks like a key"),
        ("llm", {"sampling": "- 1"}, "sampling", "Names with values"),
        ("llm", {"temperature": "9"}, "temperature", "2"),
        ("metric", {"more": "metrik: bleu"}, "more", "metrik"),
        ("panel", {"quorum": "3", "member-0": "rule", "member-1": "dry"}, "quorum", "2 sit in it"),
        ("panel", {"member-0": "rule", "member-1": "rule"}, "member-1", "twice"),
        ("cascade", {"member-0": "rule"}, "__all__", "At least two"),
    ],
)
def test_an_option_that_cannot_be_is_told_at_its_field(lead, kind, fields, field, words):
    judges = {"rule": make.judge("r").pk, "dry": make.judge("d", kind="dry_run").pk}
    if kind == "llm":
        fields = {"model": model().pk, **fields}
    if "auto_j" in fields.values() and "auto_j" not in str(FIELDS["llm"]["preset"]().choices):
        fields["preset"] = FIELDS["llm"]["preset"]().choices[1][0]
    page = new(lead, kind, name="mine", **{name: judges.get(value, value) for name, value in fields.items()})
    assert page.status_code == 422
    assert words in str(page.context["form"].errors[field])
    assert not Judge.objects.filter(name="mine").exists()


def test_a_verdict_by_log_probability_of_a_vendor_that_has_none_is_told_at_its_field(lead):
    page = new(lead, "llm", name="mine", model=model(provider="anthropic").pk, verdict="logprobs")
    assert page.status_code == 422
    assert "gives no log-probabilities" in str(page.context["form"].errors["verdict"])
    assert not Judge.objects.filter(name="mine").exists()


def test_more_seats_are_had_without_saving(lead):
    page = lead.post(reverse("judge_new"), {"kind": "panel", "name": "board", "seats": "4", "add": "1"})
    assert page.status_code == 200 and len(page.context["form"].seats) == 6
    assert "mark" in page.text and not page.context["checking"]


def test_a_judge_cannot_sit_in_itself(lead):
    inner = asked.panel("inner", make.judge("a"), make.judge("b"))
    outer = asked.panel("outer", inner, make.judge("c"))
    choices = dict(JudgeForm(kind="panel", judge=inner)["member-0"].field.choices)
    assert str(outer.pk) not in choices and str(inner.pk) not in choices
    assert edit(lead, inner, **{"member-0": outer.pk}).status_code == 422


# --- versions


def test_the_form_says_of_a_judge_what_it_is(lead):
    panel = asked.panel("board", make.judge("a"), make.judge("b"), weights=[2.0, 1.0], quorum=2)
    mind = make.judge("m", kind="llm", model=model(), options={"samples": 3, "sampling": {"temperature": 0, "seed": 4}})
    for judge in (panel, mind):
        assert edit(lead, judge).status_code == 302
        again = Judge.objects.get(name=judge.name)
        assert (again.pk, again.options) == (judge.pk, judge.options)
    assert list(panel.seats.values_list("weight", flat=True)) == [2.0, 1.0]


def test_an_unused_judge_is_changed_and_renamed_in_place(lead):
    made = make.judge("m", kind="metric", options={"metric": "bleu"})
    edit(lead, made, name="words", metric="f1")
    made.refresh_from_db()
    assert (made.name, made.version, made.options) == ("words", 1, {"metric": "f1"})


@pytest.mark.parametrize("how", ["run", "judgment", "panel"])
def test_a_used_judge_never_changes_and_its_next_version_is_made(lead, how):
    made = make.judge("m", kind="metric", options={"metric": "bleu"})
    if how == "run":
        used(made)
    elif how == "judgment":
        make.grade(make.answered(make.benchmark())[0].answers.first(), by=made)
    else:
        used(asked.panel("board", made, make.judge("other")))
    assert "editing makes v2" in lead.get(reverse("judge_edit", args=[made.pk])).text
    edit(lead, made, metric="f1")
    made.refresh_from_db()
    assert (made.version, made.options) == (1, {"metric": "bleu"})
    assert Judge.objects.get(name="m", version=2).options == {"metric": "f1"}


def test_a_used_judge_gets_another_name_as_a_judge_of_its_own(lead):
    made = used(make.judge("m", kind="metric", options={"metric": "bleu"}))
    assert edit(lead, made, name="words").status_code == 302
    made.refresh_from_db()
    assert made.name == "m" and Judge.objects.get(name="words").version == 1
    assert edit(lead, made, name="words").status_code == 422


def test_two_leads_editing_one_judge_lose_nothing():
    made = used(make.judge("m", kind="metric", options={"metric": "bleu"}))
    leads = [Client(), Client()]
    for number, one in enumerate(leads):
        one.force_login(make.person(f"lead{number}", "lead"))
    address = reverse("judge_edit", args=[made.pk])
    told = {"kind": "metric", "name": "m", "mark": leads[0].get(address).context["mark"]}
    assert leads[0].post(address, {**told, "metric": "f1"}).status_code == 302
    late = leads[1].post(address, {**told, "metric": "exact"})
    assert late.status_code == 409
    assert "f1" in late.text and "m v2" in late.text and Judge.objects.filter(name="m").count() == 2
    assert (
        leads[1].post(address, {**told, "metric": "exact", "mark": late.context["mark"], "as_next": "1"}).status_code
        == 302
    )
    assert [one.options["metric"] for one in Judge.objects.filter(name="m")] == ["bleu", "f1", "exact"]


def test_a_judge_of_a_demos_model_is_one_of_the_demo(lead):
    new(lead, "llm", name="played", model=model(provenance="demo").pk)
    assert Judge.objects.get(name="played").provenance == "demo"


def test_the_options_of_every_kind_are_read_by_the_engines():
    assert problems_of("metric", {"metric": "bleu"}) == []
    assert problems_of("panel", {"decide": "guess"}, members=3)[0][0] == "decide"


# --- the connection


def test_what_a_model_answers_is_told(lead, monkeypatch):
    monkeypatch.setenv("MIND_KEY", KEY)
    with asked.saying(f"ready {KEY} <b>") as server:
        made = asked.oracle(server, key_env="MIND_KEY")
        fragment = lead.post(reverse("judge_check", args=[made.pk]), headers={"HX-Request": "true"})
        page = lead.post(reverse("judge_check", args=[made.pk]), follow=True)
    for told in (fragment.text, page.text):
        assert "ready [key] &lt;b&gt;" in told and KEY not in told
    assert len(server.calls) == 2 and not Run.objects.exists()


def test_a_model_that_is_not_there_is_told_by_its_error_without_the_key(lead, monkeypatch):
    monkeypatch.setenv("MIND_KEY", KEY)
    made = make.judge("m", kind="llm", model=model(key_env="MIND_KEY"))
    page = lead.post(reverse("judge_check", args=[made.pk]), follow=True)
    assert "does not answer" in page.text and "ChatError" not in page.text and KEY not in page.text


def test_a_missing_key_a_rule_and_a_model_of_the_worker_are_told():
    without_key = make.judge("m", kind="llm", model=model(key_env="UNSET_KEY"))
    assert "UNSET_KEY" in hear(without_key).error
    assert "asks no model" in hear(make.judge("r")).error
    assert "in the worker" in hear(make.judge("l", kind="llm", model=model("here", provider="local"))).error
