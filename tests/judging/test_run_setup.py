"""Setting up a run: which questions, the prompts it will send, what it comes to, duplicates, and its recipe as YAML."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from arena.loading.records import BadInput
from arena.models import Answer, Benchmark, LanguageModel
from arena.option_names import misspelt
from judging import calling, running
from judging.copying import copy_of, form_of
from judging.forecasting import wall_time
from judging.models import Preference, Run
from judging.recipes import recipe_of
from judging.run_form import RunForm
from tests import openai_server
from tests.judging import asked
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client, monkeypatch):
    monkeypatch.setattr(calling, "call", lambda run: None)
    client.force_login(make.person("lena", "lead"))
    return client


def recipe(benchmark, *judges, **fields) -> dict:
    models = [model.pk for model in LanguageModel.objects.filter(name__in=asked.MODELS)]
    told = {"name": "set up", "benchmark": benchmark.pk, "mode": "pairwise", "candidates": models, "order": "both"}
    return {**told, "judges": [judge.pk for judge in judges], "rubric": make.rubric().pk, **fields}


def form(benchmark, *judges, **fields) -> RunForm:
    return form_of(recipe(benchmark, *judges, **fields))


# --- which questions


@pytest.fixture
def mixed() -> Benchmark:
    """Six questions: q0 to q3 about cooking, q3 of them in Chinese; q4 and q5 sums."""
    benchmark = asked.answered(6)
    benchmark.questions.filter(key__in=("q4", "q5")).update(category=make.category("sums"))
    benchmark.questions.filter(key="q3").update(language="zh")
    return benchmark


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({}, None),
        ({"categories": ["sums"]}, ["q4", "q5"]),
        ({"categories": ["cooking", "sums"]}, None),
        ({"languages": ["zh"]}, ["q3"]),
        ({"categories": ["cooking"], "languages": ["en"]}, ["q0", "q1", "q2"]),
        ({"keys": "q5\n q1 \n\nq1"}, ["q1", "q5"]),
        ({"keys": "q5\nq1", "categories": ["sums"]}, ["q5"]),
    ],
)
def test_questions_are_chosen_by_category_language_and_key(lead, mixed, fields, keys):
    lead.post(reverse("run_new"), recipe(mixed, make.judge(), **fields))
    assert Run.objects.get().limits.get("keys") == keys


def test_the_categories_and_languages_offered_are_those_of_the_benchmark_with_their_questions(lead, mixed):
    other = make.benchmark("attic")
    make.question(other, "a1", "What is 1 and 1?", category=make.category("sums"))
    make.question(other, "a2", "Who was first?", category=make.category("past"))
    page = lead.get(reverse("run_new"), {"benchmark": mixed.pk})
    offered = page.context["form"]
    assert list(offered.fields["categories"].choices) == [("cooking", "Cooking (4)"), ("sums", "Sums (2)")]
    assert list(offered.fields["languages"].choices) == [("en", "English (5)"), ("zh", "Chinese (1)")]
    told = recipe(other, make.judge(), kinds="1", categories=["cooking", "past"])
    page = lead.post(reverse("run_new"), told)
    assert (
        page.status_code == 200 and "Past (1)" in page.text and "Cooking" not in page.text and not Run.objects.exists()
    )
    part = lead.post(reverse("run_new"), told, headers={"HX-Request": "true"}).text
    assert "<h1" not in part and re.search(r'value="past"[^>]*checked', part) and "English (2)" in part
    page = lead.post(reverse("run_new"), recipe(other, make.judge(), categories=["cooking"]))
    assert "cooking is not one of" in page.text and not Run.objects.exists()


@pytest.mark.parametrize("benchmark", ["", "x", "99999999999999999999", "-1"])
def test_a_benchmark_that_is_none_has_no_categories(lead, mixed, benchmark):
    page = lead.post(reverse("run_new"), recipe(mixed, make.judge()) | {"benchmark": benchmark, "kinds": "1"})
    assert page.status_code == 200


def test_the_first_so_many_are_of_those_chosen(mixed):
    judged = form(mixed, make.judge(), categories=["sums"], questions=1)
    assert judged.estimate.questions == 1 and judged.limits == {"questions": 1, "keys": ["q4", "q5"]}


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"keys": "q1\nq77"}, "keys", "has no question with the key q77"),
        ({"categories": ["sums"], "languages": ["zh"]}, "categories", "No question is left"),
        ({"categories": ["nonsense"]}, "categories", "nonsense is not one of"),
        ({"concurrency": 0}, "concurrency", "greater than or equal to 1"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
    ],
)
def test_a_choice_that_fits_nothing_is_told_at_its_field_and_kept(lead, mixed, fields, field, said):
    page = lead.post(reverse("run_new"), recipe(mixed, make.judge(), **fields))
    assert page.status_code == 422 and said in " ".join(page.context["form"].errors[field])
    assert page.context["form"][field].value() in (fields[field], str(fields[field]))
    assert not Run.objects.exists()


def test_what_a_recipe_can_say_the_form_can_say_too(lead, mixed):
    lead.post(reverse("run_new"), recipe(mixed, make.judge(), concurrency=3, seed=7, fresh="on", samples=2))
    run = Run.objects.get()
    assert (run.limits, run.seed, run.cache) == ({"samples": 2, "concurrency": 3}, 7, False)


def test_left_empty_the_seed_is_one_and_replies_on_record_are_used(lead, mixed):
    lead.post(reverse("run_new"), recipe(mixed, make.judge()))
    run = Run.objects.get()
    assert (run.seed, run.cache, run.limits) == (1, True, {})


# --- the rendered prompt


@pytest.mark.parametrize("mode", ["pairwise", "single"])
def test_the_prompt_shown_is_to_the_letter_the_one_that_is_sent(lead, mode):
    """Shown before the run, then the run is carried out: what the endpoint got, and what is on record, is that text."""
    benchmark = asked.answered(1, models=("Ash", "Birch"))
    with openai_server.serve() as server:
        judge = asked.oracle(server)
        shown = lead.post(reverse("run_new"), recipe(benchmark, judge, mode=mode, preview="1")).context["preview"]
        lead.post(reverse("run_new"), recipe(benchmark, judge, mode=mode))
        running.carry_out(Run.objects.get())
        sent = {json.dumps(call.body["messages"], sort_keys=True) for call in server.calls}
    told = {json.dumps(list(prompt.messages), sort_keys=True) for prompt in shown.prompts}
    assert told <= sent and len(told) == (2 if mode == "pairwise" else 1)
    if mode == "pairwise":
        assert told == sent and [prompt.models for prompt in shown.prompts] == [("Ash", "Birch"), ("Birch", "Ash")]
    assert all(prompt.tokens > 50 for prompt in shown.prompts)


def test_the_prompt_of_a_chosen_question_for_a_chosen_judge(lead, mixed):
    judges = [make.judge("rules"), make.llm_judge()]
    fields = {"preview": "1", "preview_question": "q4", "preview_judge": judges[1].pk}
    page = lead.post(reverse("run_new"), recipe(mixed, *judges, **fields), headers={"HX-Request": "true"})
    assert "How long does egg 4 boil" in page.text and "about" in page.text and "<form" not in page.text
    assert {prompt.judge for prompt in page.context["preview"].prompts} == {"oracle"}


def test_a_judge_that_computes_is_sent_nothing(lead, mixed):
    page = lead.post(reverse("run_new"), recipe(mixed, make.judge("rules"), preview="1"))
    assert "computes its verdict" in page.text


def test_a_panels_members_each_have_a_prompt(lead, mixed):
    members = [make.llm_judge("one"), make.llm_judge("two")]
    page = lead.post(reverse("run_new"), recipe(mixed, asked.panel("jury", *members), preview="1"))
    assert [prompt.judge for prompt in page.context["preview"].prompts] == ["one", "one", "two", "two"]


def test_a_category_that_the_rubric_says_nothing_of_is_told_before_the_run(lead, mixed):
    narrow = make.rubric("narrow", variants={"poems": {"instructions_en": "Does it rhyme?"}}, only_variants=True)
    page = lead.post(reverse("run_new"), recipe(mixed, make.llm_judge(), rubric=narrow.pk, start="1"))
    (told,) = page.context["form"].errors["rubric"]
    assert told.startswith("This rubric has nothing for these categories") and not Run.objects.exists()
    named = {question.category.name for question in mixed.questions.select_related("category")}
    assert {name for name in named if name in told} == named


def test_a_question_that_the_rubric_has_no_template_for_is_told_before_the_run(lead, mixed):
    case = {"reference": "without", "turns": "single", "prompt": "{answer_a} {answer_b}", "form": "[[A]]"}
    rubric = make.rubric("by case", template={"cases": [case]})
    fields = {"rubric": rubric.pk, "start": "1"}
    mixed.questions.filter(key="q5").update(reference=["Twelve."])
    page = lead.post(reverse("run_new"), recipe(mixed, make.llm_judge(), **fields))
    (told,) = page.context["form"].errors["rubric"]
    category = mixed.questions.get(key="q5").category.name
    assert (
        told == f"This rubric has templates, and none for these questions: {category}: a single turn with a reference"
    )
    assert not Run.objects.exists()
    assert lead.post(reverse("run_new"), recipe(mixed, make.judge(), **fields)).status_code == 302


def test_only_the_categories_of_the_chosen_questions_are_asked_of_a_rubric(lead, mixed):
    first = mixed.questions.select_related("category").first()
    narrow = make.rubric("narrow", variants={first.category.key: {"instructions_en": "Taste it."}}, only_variants=True)
    fields = {"rubric": narrow.pk, "keys": first.key, "start": "1"}
    assert lead.post(reverse("run_new"), recipe(mixed, make.llm_judge(), **fields)).status_code == 302


def test_what_is_hostile_in_an_answer_is_text_in_the_preview(lead):
    benchmark = asked.answered(1)
    Answer.objects.update(turns=["<script>alert(1)</script>"])
    page = lead.post(reverse("run_new"), recipe(benchmark, make.llm_judge(), preview="1")).text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


# --- what it comes to


def test_without_a_try_out_or_a_record_the_cost_is_that_of_the_prompts_and_says_so(lead, mixed):
    page = lead.post(reverse("run_new"), recipe(mixed, make.llm_judge(price_in=1.0, price_out=2.0), check="1"))
    told = page.context["estimate"].forecast
    (guess,) = told.guesses
    assert (
        guess.basis == "unknown" and guess.tokens_out is None and told.seconds is None and told.unmetered == ["oracle"]
    )
    assert told.cost == pytest.approx(guess.tokens_in / 1e6) and "A try-out tells" in page.text


def test_verdicts_on_record_tell_how_long_replies_are_and_how_long_they_take(mixed):
    judge = make.llm_judge(price_in=1.0, price_out=2.0)
    battle = make.battle(make.answered(make.benchmark("other"), "Ash", "Birch")[0])
    make.preference(battle, judge, asked=1, tokens_in=300, tokens_out=40, seconds=2.0)
    told = form(mixed, judge, concurrency=4).estimate.forecast
    (guess,) = told.guesses
    assert (guess.basis, guess.n, guess.calls) == ("record", 1, 36)
    assert guess.tokens_out == 36 * 40 and told.seconds == pytest.approx(36 * 2.0 / 4)


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [({}, 25.0), ({"concurrency": 2}, 50.0), ({"rpm": 60}, 100.0), ({"tpm": 3000}, 200.0), ({"rpm": 6000}, 25.0)],
)
def test_an_endpoints_limits_bound_the_time(limits, seconds):
    assert wall_time(limits, 100, 1.0, 4, 100) == pytest.approx(seconds)


def test_prompts_whose_reply_is_on_record_cost_nothing():
    benchmark = asked.answered(2, models=("Ash", "Birch"))
    with openai_server.serve() as server:
        judge = asked.oracle(server, price_in=1.0, price_out=1.0)
        running.carry_out(asked.queued(benchmark, judge, names=("Ash", "Birch")))
        other = asked.namesake(judge)
    candidates = [make.model("Ash").pk, make.model("Birch").pk]
    told = form(benchmark, other, candidates=candidates).estimate.forecast
    assert told.kept_percent == 100 and told.cost == 0 and told.guesses[0].calls == 4
    told = form(benchmark, other, candidates=candidates, fresh="on").estimate.forecast
    assert told.kept_percent == 0 and told.cost > 0


def test_a_cost_that_is_unknown_is_not_called_that_of_prompts():
    benchmark = asked.answered(2, models=("Ash",))
    make.model("Birch", provider="openai", base_url="http://127.0.0.1:9/v1")
    candidates = [make.model(name).pk for name in ("Ash", "Birch")]
    told = form(
        benchmark, make.llm_judge(price_in=1.0, price_out=1.0), candidates=candidates, collects="on"
    ).estimate.forecast
    assert told.cost is None and told.uncounted == ["oracle"] and told.unmetered == []
    judge = make.llm_judge("pricey", price_in=1.0, price_out=1.0)
    told = form(benchmark, judge, candidates=candidates[:1], mode="single").estimate.forecast
    assert told.cost > 0 and told.unmetered == ["pricey"] and told.uncounted == []


def test_a_budget_that_will_not_do_is_told(lead, mixed):
    judge = make.llm_judge(price_in=1000.0, price_out=1000.0)
    page = lead.post(reverse("run_new"), recipe(mixed, judge, budget="0.01", check="1"))
    assert page.context["estimate"].forecast.is_over and "will not do" in page.text
    page = lead.post(reverse("run_new"), recipe(mixed, judge, budget="1000000", check="1"))
    assert not page.context["estimate"].forecast.is_over and "will not do" not in page.text


def test_models_without_a_price_are_named(lead, mixed):
    page = lead.post(reverse("run_new"), recipe(mixed, make.llm_judge(), check="1"))
    told = page.context["estimate"].forecast
    assert told.unpriced == ["oracle"] and told.cost is None and "No price is known of oracle" in page.text


def test_panels_cascades_and_samples_are_explained(lead, mixed):
    members = [make.llm_judge("one"), asked.namesake(make.llm_judge("two"), "drawn", samples=3)]
    judges = [asked.panel("jury", *members), asked.panel("stairs", *members, kind="cascade")]
    page = lead.post(reverse("run_new"), recipe(mixed, *judges, check="1")).text
    assert "jury is a panel: its 2 members" in page and "stairs is a cascade" in page and "drawn draws up to 3" in page


def test_answers_to_collect_have_their_cost_and_time():
    benchmark = asked.answered(4, models=("Ash", "Birch"))
    LanguageModel.objects.filter(name="Birch").update(provider="openai", price_in=10.0, price_out=10.0)
    Answer.objects.filter(model__name="Birch", question__key__in=("q0", "q1")).delete()
    Answer.objects.filter(model__name="Birch").update(seconds=3.0, tokens_in=100, tokens_out=900)
    told = form(
        benchmark, make.judge(), candidates=[make.model("Ash").pk, make.model("Birch").pk], collects="on"
    ).estimate
    (guess,) = told.forecast.guesses
    assert (guess.is_answers, guess.calls, guess.seconds) == (True, 2, 3.0) and guess.cost == pytest.approx(0.02)


@pytest.mark.parametrize("questions", [2, 40])
def test_a_check_takes_the_same_queries_for_few_questions_and_for_many(lead, django_assert_max_num_queries, questions):
    benchmark = asked.answered(questions)
    posted_ = recipe(benchmark, make.llm_judge(), check="1")
    with django_assert_max_num_queries(30):
        lead.post(reverse("run_new"), posted_, headers={"HX-Request": "true"})


# --- duplicates


def whole_run(benchmark) -> Run:
    """A run with every setting that a machine's can have."""
    limits = {"keys": ["q0", "q2"], "samples": 1, "concurrency": 3}
    return make.run(
        benchmark,
        *asked.MODELS,
        judges=[make.judge("rules"), make.llm_judge(price_in=1.0, price_out=1.0)],
        mode="baseline",
        baseline=make.model("Ash"),
        order="balanced",
        turns="each",
        budget=2.5,
        cache=False,
        collects=True,
        seed=9,
        limits=limits,
    )


def test_a_duplicate_is_the_same_run_again(lead, mixed):
    first = whole_run(mixed)
    page = lead.get(reverse("run_new"), {"from": first.pk})
    assert page.status_code == 200 and page.context["estimate"] is not None
    again = form_of(copy_of(first))
    assert again.is_valid(), again.errors
    second = again.start(None)
    for field in (
        "benchmark",
        "mode",
        "baseline",
        "rubric",
        "order",
        "turns",
        "budget",
        "cache",
        "collects",
        "seed",
        "limits",
    ):
        assert getattr(second, field) == getattr(first, field), field
    for field in ("candidates", "judges"):
        assert set(getattr(second, field).all()) == set(getattr(first, field).all())
    assert second.name == "first look, again"


def test_a_run_for_people_is_duplicated_with_how_they_vote(mixed):
    first = make.run(mixed, *asked.MODELS, status="open", voting={"ballot": "five"}, limits={"overlap": 5})
    second = form_of(copy_of(first)).start(None)
    assert (second.status, second.voting, second.limits) == ("open", {"ballot": "five"}, {"overlap": 5})


def test_re_judging_takes_another_rubric_and_the_questions_it_touches(mixed):
    narrow = make.rubric("narrow")
    again = form_of(copy_of(whole_run(mixed), None, rubric=narrow, keys=["q4"], name="touched"))
    assert again.is_valid()
    run = again.start(None)
    assert (run.rubric, run.limits["keys"], run.name) == (narrow, ["q4"], "touched")


def test_the_address_may_name_the_rubric_and_the_questions(lead, mixed):
    narrow = make.rubric("narrow")
    address = {"from": whole_run(mixed).pk, "rubric": narrow.pk, "key": ["q1", "q4"], "name": "touched"}
    filled = lead.get(reverse("run_new"), address).context["form"]
    assert filled["keys"].value() == "q1\nq4" and filled["rubric"].value() == str(narrow.pk)


@pytest.mark.parametrize("query", ["from=404", "from=x", "try_out=404", "from=99999999999999999999"])
def test_what_is_not_there_cannot_be_duplicated(lead, query):
    assert lead.get(f"{reverse('run_new')}?{query}").status_code == 404


# --- YAML


def downloaded(client, run) -> str:
    answer = client.get(reverse("run_recipe", args=[run.pk]))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="first-look.yaml"'
    return answer.text


def test_the_yaml_of_a_run_is_a_recipe_that_says_the_same(lead, mixed):
    run = whole_run(mixed)
    told = recipe_of(yaml.safe_load(downloaded(lead, run)))
    assert (told.name, told.mode, told.benchmark, told.baseline, told.order, told.turns) == (
        "first look",
        "baseline",
        "pantry",
        "Ash",
        "balanced",
        "each",
    )
    assert (told.budget, told.cache, told.seed, told.limits) == (2.5, False, 9, run.limits)
    assert {judge.name: judge.kind for judge in told.judges} == {"rules": "rule", "oracle": "llm"}


def test_from_yaml_and_to_yaml_the_form_is_the_same(lead, mixed):
    run = whole_run(mixed)
    page = lead.post(reverse("run_from_yaml"), {"yaml": downloaded(lead, run)})
    assert page.status_code == 200 and not page.context["form"].errors, page.context["form"].errors
    started = page.context["form"].start(None)
    for field in ("benchmark", "mode", "baseline", "rubric", "order", "turns", "budget", "cache", "seed", "limits"):
        assert getattr(started, field) == getattr(run, field), field
    assert set(started.judges.all()) == set(run.judges.all())


def test_the_form_is_handed_out_as_yaml_without_starting_anything(lead, mixed):
    answer = lead.post(reverse("run_new"), recipe(mixed, make.judge(), as_yaml="1", name="Würfel"))
    assert answer.headers["Content-Type"].startswith("application/yaml") and not Run.objects.exists()
    assert yaml.safe_load(answer.text)["name"] == "Würfel"


def test_a_panel_keeps_its_members_and_weights_on_the_way(lead, mixed):
    jury = asked.panel("jury", make.judge("rules"), make.judge("dry", kind="dry_run"), weights=[1, 2.5], quorum=1)
    run = make.run(mixed, *asked.MODELS, judges=[jury])
    text = downloaded(lead, run)
    (told,) = recipe_of(yaml.safe_load(text)).judges
    assert [(member.name, member.weight) for member in told.members] == [("rules", 1.0), ("dry", 2.5)]
    assert lead.post(reverse("run_from_yaml"), {"yaml": text}).context["form"]["judges"].value() == [str(jury.pk)]


def test_a_file_fills_the_form_in_too(lead, mixed):
    file = SimpleUploadedFile("recipe.yaml", downloaded(lead, whole_run(mixed)).encode())
    assert lead.post(reverse("run_from_yaml"), {"file": file}).context["form"]["name"].value() == "first look"


def test_what_is_not_here_is_named_and_the_rest_is_filled_in(lead, mixed):
    told = yaml.safe_load(downloaded(lead, whole_run(mixed)))
    told["models"].append({"name": "Stranger", "version": "3", "vendor": "Nobody"})
    told["judges"][0]["name"] = "nobody we know"
    told["rubric"] = "unheard of"
    page = lead.post(reverse("run_from_yaml"), {"yaml": yaml.safe_dump(told)}).text
    for said in ("no model Stranger 3 here", "no judge nobody we know", "no rubric unheard of"):
        assert said in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no recipe"),
        ("just words", "no recipe"),
        ("a: [", "not YAML"),
        ("a: &x [1]\nb: *x", "aliases are not read"),
        ("mode: knockout\nbenchmark: {name: x}\nmodels: []", "knockout"),
        ("mode: single", "models: is missing"),
        ("!!python/object/apply:os.system [ls]", "not YAML"),
        ("answers_gen: {}", "by the command evaluate"),
        ("mode: single\nbenchmark: 3\nmodels: 7", "benchmark"),
        ("x" * 300_000, "too long"),
    ],
)
def test_yaml_that_is_no_recipe_is_told_and_kept(lead, text, said):
    page = lead.post(reverse("run_from_yaml"), {"yaml": text})
    assert page.status_code == 422 and said in page.text and not Run.objects.exists()
    assert not text or text[:5].replace("&", "&amp;") in page.text


def test_files_named_in_yaml_are_not_looked_for_on_this_machine(lead, mixed):
    told = yaml.safe_load(downloaded(lead, whole_run(mixed)))
    told["benchmark"]["questions"] = "/etc/passwd"
    told["models"][0]["answers"] = "/nowhere/at/all.jsonl"
    page = lead.post(reverse("run_from_yaml"), {"yaml": yaml.safe_dump(told)})
    assert page.status_code == 200 and "/nowhere" not in page.text and "passwd" not in page.text


def test_setting_up_in_any_way_is_for_leads():
    run = make.run(make.benchmark(), judges=[make.judge()])
    annotator = Client()
    annotator.force_login(make.person("anna", "annotator"))
    assert annotator.get(reverse("run_recipe", args=[run.pk])).status_code == 403
    assert annotator.post(reverse("run_from_yaml"), {"yaml": "x"}).status_code == 403
    assert annotator.get(reverse("run_new"), {"from": run.pk}).status_code == 403


# --- options that were misspelt


@pytest.mark.parametrize(
    ("name", "meant"), [("temprature", "temperature"), ("max_token", "max_tokens"), ("Temperature", "temperature")]
)
def test_a_misspelt_option_is_caught(name, meant):
    assert misspelt([name]) == [(name, meant)]
    model = {"name": "Ash", "version": "1", "vendor": "N", "provider": "openai", "options": {name: 1}}
    with pytest.raises(BadInput, match=f"is '{meant}' meant"):
        recipe_of({"mode": "single", "benchmark": {"name": "x"}, "models": [model]})


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_a", "min_tokens", "enable_thinking", "x"])
def test_an_option_that_endpoints_may_know_is_let_through(name):
    assert misspelt([name]) == []


def test_nothing_is_written_by_looking(lead, mixed):
    for act in ("check", "preview"):
        lead.post(reverse("run_new"), recipe(mixed, make.llm_judge(), **{act: "1"}))
    assert not Run.objects.exists() and not Preference.objects.exists()
