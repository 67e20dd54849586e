"""Pairwise runs in which not all pairs of models meet on each question."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone

from arena.loading.records import BadInput, Report
from arena.models import Answer, Battle, LanguageModel
from arena.pairing import are_connected
from judging import calling, judging_again, running
from judging.assignment import pool, prepare
from judging.billing import estimate
from judging.copying import copy_of, form_of
from judging.estimating import count
from judging.items import items_of, participants
from judging.models import BadCase, Preference, Run, VotingItem
from judging.monitoring import matchups
from judging.preparing import prepare as prepared
from judging.progress import expected, progress
from judging.recipe_yaml import as_yaml, initial_of
from judging.recipes import recipe_of
from judging.sampled_items import few_items
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, oracle, panel, queued, reload

pytestmark = pytest.mark.django_db(transaction=True)
FIVE = ("Ash", "Birch", "Cedar", "Dogwood", "Elm")


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


def met(run: Run) -> list[tuple[int, int, int]]:
    """Question and models of each of the run's battles."""
    rows = Battle.objects.filter(sparse_runs=run).values_list("question", "first__model", "second__model")
    return sorted((question, *sorted(pair)) for question, *pair in rows)


def test_models_meet_equally_often_and_all_of_it_is_counted(server):
    benchmark = answered(10, models=FIVE)
    run = queued(benchmark, oracle(server), names=FIVE, limits={"pairs": 2})
    assert expected(run) == estimate(run).judges[0].calls == 40
    running.carry_out(run)
    assert server.count == Preference.objects.count() == progress(run).done == 40
    pairs = [pair for _question, *pair in met(run)]
    assert set(Counter(map(tuple, pairs)).values()) == {2} and are_connected(participants(run), pairs)
    models = {model.pk: model for model in LanguageModel.objects.filter(name__in=FIVE)}
    assert [(bar.done, bar.total) for bar in matchups(run, models, 1)] == [(4, 4)] * 10


@pytest.mark.parametrize("seed", range(12))
def test_the_estimate_is_what_comes_whatever_is_on_record(server, seed):
    luck = Random(seed)
    benchmark = answered(luck.choice([3, 5]), models=FIVE, turns=2, samples=2)
    Answer.objects.filter(pk__in=luck.sample(list(Answer.objects.values_list("pk", flat=True)), 6)).delete()
    judge = oracle(server)
    earlier = luck.choice([{}, {"pairs": 1}, {"pairs": 4}, {"questions": 2}])
    turns = luck.choice(["whole", "each"])
    order, seed = luck.choice(["both", "random", "balanced", "fixed"]), luck.choice([1, 7])
    same = {"names": FIVE, "turns": turns, "order": order, "seed": seed}
    running.carry_out(queued(benchmark, judge, **same, limits=earlier))
    limits = {"pairs": luck.choice([1, 2, 3]), "samples": luck.choice([1, 2])}
    run = queued(benchmark, judge, **same, limits=limits)
    work = count(run, run.candidates.all(), [judge]).works[0]
    assert work.total == expected(run) == len(items_of(run))
    server.forget()
    before = Preference.objects.count()
    running.carry_out(run)
    told = progress(run)
    assert Preference.objects.count() - before == len(work.todo) and told.done == told.total == work.total


def test_before_its_first_go_a_run_shows_what_is_planned_and_what_of_it_is_on_record(server):
    benchmark, judge = answered(10, models=FIVE), oracle(server)
    run = queued(benchmark, judge, names=FIVE, limits={"pairs": 2})
    assert (progress(run).done, progress(run).total) == (0, 40)
    running.carry_out(queued(benchmark, judge, names=FIVE))
    assert (progress(run).done, progress(run).total) == (40, 40)
    part = queued(benchmark, judge, names=FIVE, limits={"pairs": 2, "questions": 3})
    assert (progress(part).done, progress(part).total) == (12, 12)


def test_resumed_lengthened_or_in_part_a_run_finds_the_same_pairs(server):
    benchmark = answered(6, models=FIVE)
    run = queued(benchmark, oracle(server), names=FIVE, limits={"pairs": 2})
    items_of(run)
    first = met(run)
    make.question(benchmark, "q6", "And a goose egg?")
    items_of(reload(run))
    assert met(run) == first
    part = queued(benchmark, oracle(server), names=FIVE, limits={"pairs": 2, "keys": ["q1", "q4"]})
    items_of(part)
    asked = set(benchmark.questions.filter(key__in=("q1", "q4")).values_list("pk", flat=True))
    assert met(part) == [battle for battle in first if battle[0] in asked]


def test_a_panel_judges_the_pairs_that_its_members_do(server):
    jury = panel("jury", oracle(server, "one"), oracle(server, "two"))
    run = queued(answered(5, models=FIVE), jury, names=FIVE, limits={"pairs": 2}, order="fixed")
    running.carry_out(run)
    assert Preference.objects.filter(judge=jury).count() == progress(run).done == 10


def test_people_vote_on_those_pairs_alone():
    benchmark = answered(5, models=FIVE)
    items_of(queued(benchmark, names=FIVE))
    run = make.run(benchmark, *FIVE, status="open", limits={"pairs": 2})
    assert prepare(run) and not prepare(run)
    assert VotingItem.objects.filter(run=run).count() == pool(run).count() == expected(run) / run.orders == 10


def test_a_look_at_a_few_items_shows_pairs_of_the_run(server):
    run = queued(answered(6, models=FIVE), oracle(server), names=FIVE, limits={"pairs": 1})
    items_of(run)
    shown = few_items(run, list(run.candidates.all()), 5)
    pairs = [(item.question.pk, *sorted(answer.model_id for answer in item.answers)) for item in shown]
    assert len(pairs) == 5 and set(pairs) <= set(met(run))


# --- set up


def filled(benchmark, **fields):
    models = LanguageModel.objects.filter(name__in=FIVE).values_list("pk", flat=True)
    told = {"name": "sparse", "benchmark": benchmark.pk, "mode": "pairwise", "candidates": list(models)}
    return form_of({**told, "judges": [make.judge("rules").pk], "rubric": make.rubric().pk, **fields})


def test_the_form_says_pairs_and_a_duplicate_and_the_yaml_say_them_again(client, monkeypatch):
    monkeypatch.setattr(calling, "call", lambda run: None)
    form = filled(answered(5, models=FIVE), pairs=2, seed=9)
    assert form.is_valid(), form.errors
    assert form.estimate.items == 10
    run = form.start(make.person("lena", "lead"))
    assert run.limits == run.recipe["limits"] == {"pairs": 2}
    assert form_of(copy_of(run)).limits == {"pairs": 2}
    text = as_yaml(run, run.candidates.all(), run.judges.all())
    assert yaml.safe_load(text)["limits"] == {"pairs": 2} and initial_of(text)[0]["pairs"] == 2
    client.force_login(make.person("lea", "lead"))
    page = client.get(reverse("run", args=[run.pk])).content.decode()
    assert "<dt>Pairs on each question</dt><dd>2</dd>" in page
    assert "pairwise: some pairs on each question" in page and "all against all" not in page
    assert client.get(f"/api/v1/runs/{run.pk}").json()["pairs"] == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pairs": 1, "questions": 3}, "no way to compare"),
        ({"pairs": 3, "keys": "q2"}, "no way to compare"),
        ({"pairs": 0}, "greater than or equal to 1"),
    ],
)
def test_what_does_not_go_with_pairs_is_told_at_its_field(fields, said):
    form = filled(answered(5, models=FIVE), **fields)
    assert said in str(form.errors["pairs"]) and set(form.errors) == {"pairs"}


def test_what_is_wrong_with_a_field_to_tick_is_said_at_it(client):
    client.force_login(make.person("lea", "lead"))
    form = filled(answered(5, models=FIVE), voted=True, pairs=2)
    told = client.post(reverse("run_new"), {**dict(form.data.lists()), "start": "1"}).text
    assert "This is for runs of pairs in which all pairs may meet." in told and not Run.objects.exists()


@pytest.mark.parametrize("mode", ["single", "baseline"])
@pytest.mark.parametrize("pairs", [2, 0])
def test_what_stands_in_the_field_of_pairs_is_nothing_in_other_modes(mode, pairs):
    benchmark = answered(5, models=FIVE)
    baseline = {"baseline": make.model("Ash").pk} if mode == "baseline" else {}
    form = filled(benchmark, pairs=pairs, mode=mode, **baseline)
    assert form.is_valid(), form.errors
    assert form.limits == {} and form.unsaved().recipe["limits"] == {}


def recipe(pairs: int, **fields):
    models = [{"name": name, "version": "1", "vendor": "Northmoor"} for name in FIVE]
    told = {"name": "sparse", "mode": "pairwise", "benchmark": {"name": "pantry"}, "models": models}
    return recipe_of({**told, "judges": [{"kind": "rule"}], "limits": {"pairs": pairs}, **fields})


def test_a_recipe_with_too_few_pairs_to_compare_all_is_refused_and_leaves_no_run():
    benchmark = answered(3, models=FIVE)
    told = {"name": benchmark.name, "version": benchmark.version}
    with pytest.raises(BadInput, match=r"limits\.pairs: leaves some models"):
        prepared(recipe(1, benchmark=told), Report())
    assert not Run.objects.exists()
    assert prepared(recipe(2, benchmark=told), Report()).limits == {"pairs": 2}


def test_pairs_in_another_mode_are_refused_by_name():
    with pytest.raises(BadInput, match=r"limits\.pairs: is only for the mode pairwise, and the mode is single"):
        recipe(2, mode="single")


def test_judged_again_by_another_rubric_the_pairs_are_the_same(monkeypatch):
    monkeypatch.setattr(calling, "call", lambda run: None)
    benchmark = answered(6, models=FIVE)
    run = queued(benchmark, make.judge("rules"), names=FIVE, limits={"pairs": 2}, status="done")
    items_of(run)
    rubric = make.rubric("stricter")
    question = benchmark.questions.get(key="q4")
    closed = {"status": "taken_up", "rubric": rubric, "closed_at": timezone.now()}
    BadCase.objects.create(question=question, run=run, text="wrong", **closed)
    again = judging_again.start(judging_again.again(rubric, run, "cases"), by=None)
    items_of(again)
    assert met(again) == [battle for battle in met(run) if battle[0] == question.pk] != []


# --- only pairs that people have judged


def judged_by_people(benchmark, *, sample: int = 0) -> set[tuple[int, int, int]]:
    """A person judges Ash and Birch on q0, Birch and Cedar on q1; question and models of each."""
    ann = make.judge("ann", kind="person", user=make.person("ann"))
    found = set()
    for key, names in (("q0", ("Ash", "Birch")), ("q1", ("Birch", "Cedar"))):
        sides = [benchmark.questions.get(key=key).answers.get(model__name=name, sample=sample) for name in names]
        (battle,) = Battle.objects.pair([tuple(sides)])
        make.preference(battle, ann)
        found.add((battle.question_id, *sorted(side.model_id for side in sides)))
    return found


@pytest.mark.parametrize("mode", ["pairwise", "baseline"])
def test_only_pairs_that_people_judged_are_asked_about_and_counted(server, mode):
    benchmark = answered(3, models=FIVE)
    wanted = judged_by_people(benchmark)
    baseline = {"baseline": make.model("Ash")} if mode == "baseline" else {}
    wanted = {one for one in wanted if not baseline or baseline["baseline"].pk in one[1:]}
    run = queued(benchmark, oracle(server), names=FIVE, mode=mode, limits={"voted": True}, **baseline)
    counted = count(run, run.candidates.all(), run.judges.all())
    assert counted.items == len(wanted) and expected(run) == 2 * len(wanted)
    running.carry_out(run)
    assert set(met(run)) == wanted and server.count == progress(run).done == 2 * len(wanted)
    assert reload(run).status == "done"


def test_answers_of_another_sample_than_people_judged_are_not_asked_about(server):
    benchmark = answered(3, models=FIVE, samples=2)
    wanted = judged_by_people(benchmark, sample=1)
    run = queued(benchmark, oracle(server), names=FIVE, limits={"voted": True, "samples": 2})
    counted = count(run, run.candidates.all(), run.judges.all())
    assert counted.items == len(wanted) == 2 and expected(run) == 4
    running.carry_out(run)
    assert {item.battle.first.sample for item in items_of(run)} == {1}
    assert set(met(run)) == wanted and server.count == progress(run).done == 4


def test_votes_that_count_nowhere_give_it_nothing_to_do(server):
    benchmark = answered(3, models=FIVE)
    judged_by_people(benchmark)
    Preference.objects.filter(battle__question__key="q1").update(provenance="demo")
    run = queued(benchmark, oracle(server), names=FIVE, limits={"voted": True})
    assert expected(run) == 2


def test_people_who_judge_later_give_it_more_to_do(server):
    benchmark = answered(3, models=FIVE)
    wanted = judged_by_people(benchmark)
    run = queued(benchmark, oracle(server), names=FIVE, limits={"voted": True})
    running.carry_out(run)
    (battle,) = Battle.objects.pair([tuple(benchmark.questions.get(key="q2").answers.order_by("pk")[:2])])
    make.preference(battle, make.judge("ann"))
    assert expected(run) == 2 * len(wanted) + 2
    run.enqueue()
    running.carry_out(reload(run))
    assert server.count == 2 * len(wanted) + 2


def test_form_duplicate_and_yaml_say_that_only_voted_pairs_meet(client, monkeypatch):
    monkeypatch.setattr(calling, "call", lambda run: None)
    benchmark = answered(3, models=FIVE)
    judged_by_people(benchmark)
    form = filled(benchmark, voted=True)
    assert form.is_valid(), form.errors
    assert form.estimate.items == 2
    run = form.start(make.person("lena", "lead"))
    assert run.limits == run.recipe["limits"] == {"voted": True}
    assert form_of(copy_of(run)).limits == {"voted": True}
    text = as_yaml(run, run.candidates.all(), run.judges.all())
    assert yaml.safe_load(text)["limits"] == {"voted": True} and form_of(initial_of(text)[0]).limits == {"voted": True}
    client.force_login(make.person("lea", "lead"))
    assert "Only pairs that people have judged" in client.get(reverse("run", args=[run.pk])).content.decode()


def test_voted_pairs_go_with_runs_of_pairs_alone():
    benchmark = answered(3, models=FIVE)
    single = filled(benchmark, voted=True, mode="single")
    assert single.is_valid() and single.limits == {}
    assert "voted" in filled(benchmark, voted=True, pairs=2).errors
    with pytest.raises(BadInput, match=r"limits\.voted: is only for runs of pairs"):
        recipe(2, limits={"voted": True, "pairs": 2})
    assert recipe(2, limits={"voted": True}).limits == {"voted": True}
