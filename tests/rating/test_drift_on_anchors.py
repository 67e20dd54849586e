"""Judges asked anew about their anchor sets over real HTTP: who changes is told, where, and nothing else moves by it."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import contextmanager
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arena.models import Battle
from judging import anchors, running
from judging.billing import estimate
from judging.models import Grade, Judge, KeptOut, Preference, Run, Status
from judging.progress import expected, progress
from judging.rereading import reread
from rating import data, drift, snapshots, worth
from rating.comparing import judge_page
from rating.models import Agreement, Rating
from rating.seen import Seen
from rating.trust import Reason
from rating.win_rate import win_rates
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, by_mode, namesake, oracle, panel, queued, reload, saying_by

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = {"[[A]]": "[[B]]", "[[B]]": "[[A]]", "[[C]]": "[[A]]"}


class Mind:
    """What a judge's endpoint makes of the rule: turned round on questions that hold one of `turned`; with `noise`, the share of
    replies that are turned round by chance."""

    def __init__(self) -> None:
        self.turned: tuple[str, ...] = ()
        self.noise, self.luck = 0.0, Random(7)

    def __call__(self, body) -> str:
        text, _is_judge = openai_server.reply(body)
        prompt = body["messages"][-1]["content"]
        if any(word in prompt for word in self.turned) != (self.luck.random() < self.noise):
            for mark, other in OTHER.items():
                if mark in text:
                    return text.replace(mark, other)
            return re.sub(r"\[\[\d+\]\]", "[[9]]", text)
        return text


@contextmanager
def minded():
    mind = Mind()
    with saying_by(mind) as server:
        yield server, mind


def two_categories(questions: int = 12):
    """Questions of two categories, every second one of sums, each answered by three models."""
    benchmark = answered(questions)
    sums = make.category("sums")
    for question in benchmark.questions.all():
        if question.position % 2:
            question.category, question.turns = sums, [f"What is {question.position} and {question.position}?"]
            question.save()
    return benchmark


def ask(judge: Judge, benchmark, **options) -> list[Run]:
    runs = anchors.start(anchors.asking(judge, benchmark, **options))
    for run in runs:
        assert running.carry_out(run)
    assert [(run.status, run.error) for run in map(reload, runs)] == [("done", "")] * 2
    return runs


def words(benchmark, judge: Judge) -> dict[str, str]:
    return {place.key if place else "all": told["note"] for place, told in drift.places(benchmark, judge)}


def figures(snapshot) -> list[tuple]:
    """All that boards and agreement say, to the last digit."""
    numbers = [field.name for field in Rating._meta.fields if field.name not in ("id", "snapshot")]
    agreed = [field.name for field in Agreement._meta.fields if field.name not in ("id", "snapshot")]
    return [
        *snapshot.ratings.order_by("source", "method", "category", "language", "model").values_list(*numbers),
        *snapshot.agreements.order_by("relation", "kind", "category", "judge", "other").values_list(*agreed),
    ]


@pytest.mark.parametrize("mode", ["pairwise", "baseline", "single"])
def test_a_judge_that_changes_in_one_category_drifts_there_and_nothing_else_moves(mode):
    benchmark = two_categories()
    with minded() as (server, mind):
        judge = oracle(server)
        assert running.carry_out(by_mode(benchmark, mode, judge, order="both"))
        before, asked = snapshots.take(benchmark), server.count
        plan = anchors.asking(judge, benchmark, items=24)
        mind.turned = ("What is",)
        runs = ask(judge, benchmark, items=24)
        assert len(plan.items) == 24 and server.count - asked == plan.calls == 24 * runs[0].orders * 2
        after = snapshots.take(benchmark)
        twin = by_mode(benchmark, mode, namesake(judge), order="both")
        assert running.carry_out(twin) and server.count - asked == plan.calls, "its first words are on record"
    table = Grade if mode == "single" else Preference
    item, said = ("answer", "score") if mode == "single" else ("battle", "value")
    firsts = table.objects.filter(trial=0, judge=judge).order_by("pk").values_list(item, said)
    assert sorted(firsts) == sorted(table.objects.filter(run=twin).values_list(item, said))
    again = table.objects.filter(run__in=runs)
    assert set(again.values_list("kept_out", "trial")) == {("again", 1), ("again", 2)}
    assert words(benchmark, judge) == {"all": drift.DRIFTS, "cooking": drift.STABLE, "sums": drift.DRIFTS}
    assert after.pk != before.pk and figures(after) == figures(before)
    assert after.excluded == {**before.excluded, "asked again": plan.calls}
    told = {one.category.key: one for one in worth.judges(benchmark).worths if one.category}
    sums, cooking = told["sums"], told["cooking"]
    assert Reason.DRIFT in sums.reasons and Reason.DRIFT not in cooking.reasons
    assert sums.told["drift"]["since"] == again.first().created_at.date().isoformat()
    assert (
        sums.told["spent"]["judgments"]
        == before.health.get(judge=judge, category=sums.category).told["spent"]["judgments"]
    )


def test_a_judge_that_is_as_it_was_is_stable_and_its_first_words_are_asked_for_once():
    benchmark = two_categories()
    with minded() as (server, _mind):
        judge = oracle(server)
        run = queued(benchmark, judge)
        running.carry_out(run)
        first = server.count
        runs = [*ask(judge, benchmark, items=12), *ask(judge, benchmark)]
        assert [one.trial for one in runs] == [1, 2, 3, 4] and len({tuple(one.anchors) for one in runs}) == 1
        assert server.count == first + 4 * 12 * 2
        twin = queued(benchmark, namesake(judge))
        assert estimate(twin).judges[0].calls == 0 and running.carry_out(twin)
        assert server.count == first + 4 * 12 * 2
    assert {row.trial for row in Preference.objects.filter(run=twin)} == {0}
    assert not Preference.objects.filter(run=twin, kept_out=KeptOut.AGAIN).exists()
    assert words(benchmark, judge) == {"all": drift.STABLE, "cooking": drift.STABLE, "sums": drift.STABLE}
    assert [len(told["askings"]) for _place, told in drift.places(benchmark, judge)] == [2, 2, 2]
    now = progress(reload(run))
    assert (now.done, now.total) == (36 * 2, 36 * 2)
    assert judge_page(judge, Seen({}))["said"] == [(Status.OK.label, 36 * 2)]


def test_a_judge_whose_words_vary_by_chance_does_not_drift():
    benchmark = two_categories(20)
    with minded() as (server, mind):
        mind.noise = 0.3
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge))
        ask(judge, benchmark)
    told = dict(drift.places(benchmark, judge))[None]["askings"][0]
    assert told["changed"]["share"] > 0.25 and told["noise"]["share"] > 0.25
    assert set(words(benchmark, judge).values()) == {drift.STABLE}


def test_with_few_questions_nothing_is_said():
    benchmark = answered(3)
    with minded() as (server, mind):
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge))
        mind.turned = ("egg",)
        ask(judge, benchmark)
    assert words(benchmark, judge) == {"all": drift.FEW, "cooking": drift.FEW}


def test_the_anchor_set_has_as_many_items_of_each_category_and_prefers_tagged_questions():
    benchmark = two_categories()
    with minded() as (server, _mind):
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge))
    plan = anchors.asking(judge, benchmark, items=10)
    battles = Battle.objects.in_bulk(plan.items)
    assert Counter(row.question.category.key for row in battles.values()) == {"cooking": 5, "sums": 5}
    assert len({row.question_id for row in battles.values()}) == 10
    assert anchors.asking(judge, benchmark, items=10).items == plan.items
    benchmark.questions.filter(position__lt=3).update(tags=["anchor"])
    tagged = anchors.asking(judge, benchmark, items=10)
    drawn = Battle.objects.filter(pk__in=tagged.items)
    assert set(drawn.values_list("question__position", flat=True)) == {0, 1, 2}


@pytest.mark.parametrize("mode", ["pairwise", "baseline", "single"])
@pytest.mark.parametrize("order", ["both", "random", "balanced", "fixed"])
def test_the_same_is_shown_the_same_way_each_turn_by_itself(mode, order):
    benchmark = answered(5, turns=2)
    with minded() as (server, _mind):
        judge = oracle(server)
        running.carry_out(by_mode(benchmark, mode, judge, order=order, turns="each", seed=3))
        first = {json.dumps(call.body) for call in server.calls}
        server.forget()
        runs = ask(judge, benchmark, items=6)
        asked = Counter(json.dumps(call.body) for call in server.calls)
    assert set(asked) <= first and set(asked.values()) == {2}
    assert len(asked) == expected(runs[0]) == 6 * 2 * runs[0].orders
    assert estimate(runs[1]).judges[0].calls == 0 and progress(reload(runs[1])).is_all_judged


def by_category(benchmark, *judges, **fields) -> Run:
    """Against Ash, and against Birch in sums."""
    baselines = {str(make.category("sums").pk): make.model("Birch").pk}
    return queued(benchmark, *judges, mode="baseline", baseline=make.model("Ash"), baselines=baselines, **fields)


@pytest.mark.parametrize("order", ["both", "fixed"])
def test_with_baselines_by_category_the_same_is_asked_and_rates_of_wins_stay(order):
    benchmark = two_categories()
    with minded() as (server, _mind):
        judge = oracle(server)
        running.carry_out(by_category(benchmark, judge, order=order))
        first = {json.dumps(call.body) for call in server.calls}
        before = win_rates(benchmark).as_json()["rows"]
        server.forget()
        runs = ask(judge, benchmark, items=24)
        assert {json.dumps(call.body) for call in server.calls} == first
    assert all(progress(reload(run)).is_all_judged for run in runs)
    found = win_rates(benchmark)
    assert {key: model.name for key, model in found.baselines.items()} == {"cooking": "Ash", "sums": "Birch"}
    assert found.as_json()["rows"] == before


def test_the_rate_of_wins_does_not_ask_a_run_that_counts_nowhere_for_its_baseline():
    benchmark = two_categories()
    by_category(benchmark, make.judge("rules"), status="done")
    queued(benchmark, make.judge("rules"), mode="baseline", baseline=make.model("Ash"), trial=1)
    found = win_rates(benchmark)
    assert {key: model.name for key, model in found.baselines.items()} == {"cooking": "Ash", "sums": "Birch"}


def test_what_people_had_voted_on_is_asked_anew_also_where_they_took_their_votes_back():
    benchmark = two_categories()
    person = make.judge("Ann", "imported_person")
    for question in benchmark.questions.all():
        make.preference(make.battle(question), person)
    with minded() as (server, _mind):
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge, limits={"voted": True}))
        runs = ask(judge, benchmark, items=12)
    Preference.objects.filter(judge=person).update(superseded_at=timezone.now())
    for run in map(reload, runs):
        assert not run.is_sparse and (expected(run), progress(run).done) == (24, 24)


def test_an_asking_that_was_stopped_goes_on_and_asks_nothing_twice():
    benchmark = two_categories()
    with minded() as (server, _mind):
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge))
        server.forget()
        one, other = anchors.start(anchors.asking(judge, benchmark, items=12))

        def stop(run) -> None:
            if progress(run).done > 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            running.carry_out(one, watch=stop)
        assert reload(one).status == "queued"
        for run in (one, other):
            assert running.carry_out(reload(run))
        assert 2 * 24 <= server.count <= 2 * 24 + 8, "at the most what was under way is asked for once more"
    assert Preference.objects.filter(kept_out=KeptOut.AGAIN).count() == 2 * 24
    assert set(words(benchmark, judge).values()) == {drift.STABLE}


def test_what_failed_is_asked_again_in_its_own_trial_and_read_again_stays_kept_out():
    benchmark = two_categories()
    with minded() as (server, mind):
        judge = oracle(server)
        first = queued(benchmark, judge)
        running.carry_out(first)
        one, other = ask(judge, benchmark, items=12)
        row = Preference.objects.filter(run=one).first()
        Preference.objects.filter(pk=row.pk).update(status="truncated", value=None, error="cut off")
        assert running.retry_failed(first) == 0 and running.retry_failed(other) == 0 and running.retry_failed(one) == 1
        one.refresh_from_db()
        one.enqueue()
        server.forget()
        assert running.carry_out(one)
        assert server.count == 1
        anew = Preference.objects.current().get(
            judge=judge, battle=row.battle, swapped=row.swapped, trial=row.trial, kept_out="again"
        )
        assert anew.run_id == one.pk and not anew.cached
        Preference.objects.filter(pk=anew.pk).update(status="parse_error", value=None, error="?")
        told = reread(one)
    assert (told.read, told.changed) == (1, 1)
    read = Preference.objects.current().get(judge=judge, battle=row.battle, swapped=row.swapped, trial=row.trial)
    assert (read.status, read.kept_out, read.value) == ("ok", "again", row.value)
    assert progress(reload(one)).done == 24 and progress(reload(first)).done == 72


def test_asking_a_member_of_a_panel_gives_it_no_voice_on_the_board():
    benchmark = two_categories(6)
    with minded() as (server, _mind):
        members = [oracle(server, "one"), oracle(server, "two")]
        running.carry_out(queued(benchmark, panel("jury", *members)))
        before, silent = snapshots.take(benchmark), data.silent_members(benchmark)
        assert anchors.asking(panel("other", *members), benchmark) is None
        ask(members[0], benchmark, items=6)
    assert data.silent_members(benchmark) == silent == sorted(one.pk for one in members)
    assert figures(snapshots.take(benchmark)) == figures(before)


def test_nobody_is_asked_anew_while_that_is_under_way():
    benchmark = two_categories()
    with minded() as (server, _mind):
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge))
        plan = anchors.asking(judge, benchmark)
        assert len(anchors.start(plan)) == 2
        with pytest.raises(anchors.CannotJudge):
            anchors.start(plan)
    assert Run.objects.filter(trial__gt=0).count() == 2


def test_the_page_asks_and_shows_and_its_queries_do_not_grow(client):
    benchmark = two_categories()
    lead = make.person("lea", "lead")
    with minded() as (server, mind):
        judge = oracle(server)
        address = reverse("judge_anchors", args=[judge.pk])
        assert "It has judged nothing yet" in client.get(address).content.decode()
        running.carry_out(queued(benchmark, judge))
        page = client.get(address).content.decode()
        assert "Not asked again yet" in page and "Ask again: what it takes" not in page
        client.force_login(lead)
        assert 'data-estimate="144"' in client.get(address).content.decode()
        asked = reverse("judge_anchors_ask", args=[judge.pk])
        mind.turned = ("What is",)
        shown = client.post(asked, {"benchmark": benchmark.pk}, follow=True).content.decode()
        assert "Two runs are queued" in shown and "It is being asked just now" in shown
        assert (
            "wait until that is over" in client.post(asked, {"benchmark": benchmark.pk}, follow=True).content.decode()
        )
        for run in Run.objects.filter(trial__gt=0).order_by("pk"):
            running.carry_out(run)
            assert "nothing of it counts in ratings" in client.get(reverse("run", args=[run.pk])).content.decode()
        with CaptureQueriesContext(
            connection,
        ) as few:
            told = client.get(address).content.decode()
        assert told.count("<strong>drifts</strong>") == 2
        ask(judge, benchmark)
        with CaptureQueriesContext(connection) as more:
            assert client.get(address).content.decode().count("<strong>drifts</strong>") == 4
    assert len(more) == len(few)
    snapshots.take(benchmark)
    assert "drifts since 2" in client.get(reverse("trust", args=[benchmark.pk])).content.decode()
    rows = client.get(f"/api/v1/boards/{benchmark.pk}/judges").json()["rows"]
    assert {row["category"]: row["drift"]["note"] for row in rows}["sums"] == drift.DRIFTS
    rule = reverse("judge_anchors", args=[make.judge("rules").pk])
    assert "It asks no language model" in client.get(rule).content.decode()


def test_the_command_estimates_asks_and_prints(capsys):
    benchmark = two_categories()
    with minded() as (server, mind):
        judge = oracle(server)
        running.carry_out(queued(benchmark, judge))
        server.forget()
        call_command("judge_anchors", "oracle", items=12, estimate=True)
        assert "12 items, each asked 2 times: 48 calls" in capsys.readouterr().out and server.count == 0
        assert not Run.objects.filter(trial__gt=0).exists()
        mind.turned = ("What is",)
        left = anchors.start(anchors.asking(judge, benchmark, items=12))  # as by a process that was killed
        call_command("judge_anchors", "oracle", items=12)
        assert list(Run.objects.filter(trial__gt=0).order_by("pk")) == left
        assert server.count == 48 and "drifts" in capsys.readouterr().out
        call_command("judge_anchors", "oracle", show=True, format="json")
        told = {row["category"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
        assert server.count == 48 and told["sums"]["note"] == "drifts" and told["cooking"]["note"] == "stable"
        for wrong, options in (
            ("there is no judge 'nobody'", {"judge": "nobody"}),
            ("has not judged 'attic'", {"benchmark": "attic"}),
            ("stays as it is", {"items": 20}),
            ("is not from 5 to 200", {"items": 1}),
        ):
            options = {"judge": "oracle", **options}
            with pytest.raises(CommandError, match=wrong):
                call_command("judge_anchors", options.pop("judge"), **options)
