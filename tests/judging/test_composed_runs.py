"""Panels and cascades in runs: members judge first, as judges of their own, and nobody is asked for what does not count."""

from __future__ import annotations

import pytest

from arena.models import LanguageModel
from judging import running
from judging.billing import estimate
from judging.models import Grade, Judge, Preference
from judging.progress import progress
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, asked, by_mode, oracle, panel, queued, reload, saying

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


def rows(judge: Judge):
    """This judge's preferences that stand."""
    return Preference.objects.current().filter(judge=judge)


def towards_longer(row: Preference) -> float:
    """The value towards the answer with more words, which is the later model's."""
    return row.value * (1 if row.battle.first.model.name > row.battle.second.model.name else -1)


# --- panels


@pytest.mark.parametrize("mode", ["single", "baseline", "pairwise"])
def test_members_judge_first_and_the_panel_says_what_they_come_to(server, mode):
    first, second = oracle(server, "first"), oracle(server, "second")
    run = by_mode(answered(2), mode, jury := panel("jury", first, second))
    verdicts = {"single": 6, "baseline": 8, "pairwise": 12}[mode]
    bills = {bill.judge: bill for bill in estimate(run).judges}
    assert bills["first"].calls == bills["first"].calls_at_most == bills["second"].calls == verdicts
    assert bills["jury"].calls == bills["jury"].calls_at_most == 0
    running.carry_out(run)
    assert asked(server) == {"first": verdicts, "second": verdicts}
    table = Grade if mode == "single" else Preference
    assert [table.objects.filter(judge=judge, status="ok").count() for judge in (first, second, jury)] == [verdicts] * 3
    newest = max(table.objects.filter(judge__in=(first, second)).values_list("pk", flat=True))
    assert all(pk > newest for pk in table.objects.filter(judge=jury).values_list("pk", flat=True))
    assert reload(run).status == "done" and progress(run).total == progress(run).done == verdicts
    assert {row.run_id for row in table.objects.all()} == {run.pk}
    assert all(row.frozen_at for row in Judge.objects.all())


def test_a_panel_says_the_same_of_a_pair_in_both_orders(server):
    jury = panel("jury", oracle(server, "first"), oracle(server, "second"))
    running.carry_out(queued(answered(2), jury))
    assert {towards_longer(row) for row in rows(jury)} == {1.0}
    assert rows(jury).filter(swapped=True).count() == 6
    assert {(row.prompt == [], row.asked, row.cost, row.digest) for row in rows(jury)} == {(True, 0, None, "")}
    members = rows(jury).first().details["members"]
    assert [member["judge"] for member in members] == ["first", "second"]


def test_a_panel_that_is_of_two_minds_is_a_tie_and_the_heavier_side_wins(server):
    with saying("[[A]]") as stubborn:
        one, other = oracle(server, "fair"), oracle(stubborn, "stubborn")
        even, uneven = panel("even", one, other), panel("uneven", one, other, weights=[1.0, 3.0])
        run = queued(answered(1), even, uneven)
        running.carry_out(run)
        assert (server.count, stubborn.count) == (6, 6), "each member is asked once for both panels"
    for row in rows(even):
        longer_first = (
            row.battle.shown(swapped=row.swapped)[0].model.name > row.battle.shown(swapped=row.swapped)[1].model.name
        )
        assert row.value_shown == (1.0 if longer_first else 0.0)
    assert {row.value_shown for row in rows(uneven)} == {1.0}


def test_a_member_that_is_listed_too_is_asked_once(server):
    first, second = oracle(server, "first"), oracle(server, "second")
    run = queued(answered(2), panel("jury", first, second), first, second)
    assert {bill.judge: bill.calls for bill in estimate(run).judges} == {"jury": 0, "first": 12, "second": 12}
    running.carry_out(run)
    assert asked(server) == {"first": 12, "second": 12} and progress(run).done == 36


def test_a_member_is_not_asked_about_answers_of_its_own_family(server):
    first, second = oracle(server, "first", family="Trees"), oracle(server, "second")
    LanguageModel.objects.filter(name="Ash").update(family="trees")
    benchmark = answered(2)
    LanguageModel.objects.filter(name="Ash").update(family="trees")
    run = queued(benchmark, jury := panel("jury", first, second, quorum=1))
    bills = {bill.judge: bill.calls for bill in estimate(run).judges}
    running.carry_out(run)
    assert bills == {"jury": 0, **asked(server)} and asked(server) == {"first": 4, "second": 12}
    assert rows(jury).filter(status="ok").count() == 12
    own = [
        row for row in rows(jury) if "Ash" in {answer.model.name for answer in (row.battle.first, row.battle.second)}
    ]
    assert len(own) == 8 and all(not row.details["members"][0]["counted"] for row in own)
    assert "its own family" in own[0].details["members"][0]["why"]


def test_a_panel_all_of_whose_members_are_of_the_family_skips_and_asks_nobody(server):
    judges = [oracle(server, name, family="trees") for name in ("first", "second")]
    benchmark = answered(1)
    LanguageModel.objects.filter(name__in=("Ash", "Birch", "Cedar")).update(family="Trees")
    run = queued(benchmark, jury := panel("jury", *judges))
    running.carry_out(run)
    assert server.count == 0 and {row.status for row in rows(jury)} == {"skipped"}
    assert reload(run).status == "done" and running.retry_failed(run) == 0


def test_without_a_quorum_the_panel_failed_and_retrying_hears_the_failed_members_again(server):
    with openai_server.serve(garble=1) as garbled:
        mumbling = [oracle(garbled, name) for name in ("second", "third")]
        first = oracle(server, "first")
        jury = panel("jury", first, *mumbling)
        run = queued(answered(1), jury)
        running.carry_out(run)
        assert set(rows(jury).values_list("status", flat=True)) == {"parse_error"}
        assert "only 1 of the 3 members that may vote gave a verdict, 2 are needed" in rows(jury)[0].error
        now = progress(reload(run))
        assert (now.done, now.failed, now.percent) == (0, 6, 100)
    server.forget()
    LanguageModel.objects.filter(judges__in=mumbling).update(base_url=server.base_url)
    assert running.retry_failed(run) == 18
    run.enqueue()
    running.carry_out(reload(run))
    assert asked(server) == {"second": 6, "third": 6}, "the first member is not asked again"
    assert {towards_longer(row) for row in rows(jury)} == {1.0} and progress(run).failed == 0


def test_a_panel_that_reached_its_quorum_leaves_its_failed_member_alone(server):
    with openai_server.serve(garble=1) as garbled:
        third = oracle(garbled, "third")
        run = queued(answered(1), panel("jury", oracle(server, "first"), oracle(server, "second"), third))
        running.carry_out(run)
    assert progress(run).done == 6 and rows(third).failed().count() == 6
    assert running.retry_failed(run) == 0


def test_a_member_whose_endpoint_is_down_leaves_the_panel_to_the_next_go(server, monkeypatch):
    monkeypatch.setenv("SECOND_KEY", "wrong-key")
    with openai_server.serve(key="right-key") as closed:
        first, second = oracle(server, "first"), oracle(closed, "second", key_env="SECOND_KEY")
        run = queued(answered(1), jury := panel("jury", first, second))
        running.carry_out(run)
        assert reload(run).status == "failed" and "401" in reload(run).error
        assert rows(first).decided().count() == 6 and progress(run).done < 6
        monkeypatch.setenv("SECOND_KEY", "right-key")
        running.retry_failed(run)
        run.enqueue()
        running.carry_out(reload(run))
    assert reload(run).status == "done" and rows(jury).decided().count() == 6 and server.count == 6


def test_a_panel_with_a_dry_member_is_no_more_real_than_that(server):
    dry = make.judge("dry", kind="dry_run", options={"seed": 3})
    jury = panel("jury", first := oracle(server, "first"), dry)
    run = queued(answered(1), jury)
    running.carry_out(run)
    found = {judge.name: set(rows(judge).values_list("provenance", flat=True)) for judge in (jury, first, dry)}
    assert found == {"jury": {"dry_run"}, "first": {"real"}, "dry": {"dry_run"}}


def test_a_panel_in_a_panel_hears_all_its_members_once(server):
    first, second, third = (oracle(server, name) for name in ("first", "second", "third"))
    jury = panel("jury", panel("bench", first, second), third, first)
    run = queued(answered(1), jury)
    calls = sum(bill.calls for bill in estimate(run).judges)
    running.carry_out(run)
    assert calls == 18 and asked(server) == {"first": 6, "second": 6, "third": 6}
    assert rows(jury).decided().count() == 6


def test_rules_and_models_sit_in_one_panel_and_who_skips_is_not_waited_for(server):
    first, rules = oracle(server, "first"), make.judge("rules")
    jury = panel("jury", first, rules)
    running.carry_out(queued(answered(1), jury))
    assert {row.status for row in rows(rules)} == {"skipped"} and rows(jury).decided().count() == 6


def test_a_panel_without_members_fails_the_run_in_one_line(server):
    run = queued(answered(1), panel("jury"))
    running.carry_out(run)
    assert (reload(run).status, reload(run).error) == ("failed", "judge jury has no members")


def test_marks_of_a_panel_are_the_weighted_mean(server):
    with saying("[[1]]") as strict:
        members = oracle(server, "first"), oracle(strict, "strict")
        jury = panel("jury", *members, weights=[3.0, 1.0])
        running.carry_out(queued(answered(1), jury, mode="single"))
    for grade in Grade.objects.filter(judge=jury):
        said = {row.judge.name: row.score for row in Grade.objects.filter(answer=grade.answer).exclude(judge=jury)}
        assert grade.score == pytest.approx((3 * said["first"] + said["strict"]) / 4)


# --- cascades


def test_the_second_step_is_asked_only_where_the_rules_cannot_judge(server):
    benchmark = answered(4)
    benchmark.questions.filter(key__in=("q0", "q1")).update(checks=[{"type": "length", "min_words": 30}])
    cascade = panel("steps", make.judge("rules"), oracle(server, "second"), kind="cascade")
    run = queued(benchmark, cascade)
    bills = {bill.judge: bill for bill in estimate(run).judges}
    assert (bills["second"].calls, bills["second"].calls_at_most) == (0, 24)
    running.carry_out(run)
    assert asked(server) == {"second": 12} and rows(cascade).decided().count() == 24
    seen = {row.battle.question.key for row in Preference.objects.filter(judge__name="second")}
    assert seen == {"q2", "q3"}
    run.enqueue()
    running.carry_out(run)
    assert server.count == 12


def test_the_strong_judge_is_asked_only_where_two_disagree(server):
    with saying("[[A]]") as stubborn:
        weak, fair, strong = oracle(stubborn, "weak"), oracle(server, "fair"), oracle(server, "strong")
        cascade = panel("steps", weak, fair, strong, kind="cascade")
        run = queued(answered(2), cascade)
        bills = {bill.judge: bill for bill in estimate(run).judges}
        running.carry_out(run)
        assert stubborn.count == 12
    assert asked(server) == {"fair": 12, "strong": 6}
    assert (bills["weak"].calls, bills["weak"].calls_at_most) == (12, 12)
    assert (bills["fair"].calls, bills["fair"].calls_at_most) == (0, 12)
    assert (bills["strong"].calls, bills["strong"].calls_at_most) == (0, 12)
    assert {towards_longer(row) for row in rows(cascade)} == {1.0} and rows(cascade).count() == 12


def test_rules_a_small_judge_and_a_strong_one_cost_less_than_the_strong_one_alone(server):
    benchmark = answered(4)
    benchmark.questions.filter(key="q0").update(checks=[{"type": "length", "min_words": 30}])
    small, strong = oracle(server, "small"), oracle(server, "strong")
    cascade = panel("steps", make.judge("rules"), small, strong, kind="cascade")
    run = queued(benchmark, cascade)
    bills = {bill.judge: bill for bill in estimate(run).judges}
    assert (bills["strong"].calls, bills["strong"].calls_at_most) == (0, 24)
    running.carry_out(run)
    assert asked(server) == {"small": 18} and rows(cascade).decided().count() == 24


def test_where_the_small_judge_cannot_be_read_the_strong_one_is_asked(server):
    with openai_server.serve(garble=1) as garbled:
        small, strong = oracle(garbled, "small"), oracle(server, "strong")
        cascade = panel("steps", make.judge("rules"), small, strong, kind="cascade")
        running.carry_out(queued(answered(1), cascade))
    assert asked(server) == {"strong": 6} and rows(cascade).decided().count() == 6


def test_a_step_that_is_listed_as_a_judge_too_is_asked_for_certain(server):
    first, second = oracle(server, "first"), oracle(server, "second")
    run = queued(answered(2), panel("a cascade", first, second, kind="cascade", agree=1), second)
    bills = {bill.judge: bill for bill in estimate(run).judges}
    assert (bills["second"].calls, bills["second"].calls_at_most) == (12, 12)
    running.carry_out(run)
    assert asked(server) == {"first": 12, "second": 12}


def test_two_cascades_that_share_a_step_count_it_once(server):
    first, second = oracle(server, "first"), oracle(server, "second")
    run = queued(
        answered(1),
        panel("steps", make.judge("rules"), second, kind="cascade"),
        panel("more steps", first, second, kind="cascade"),
    )
    bills = {bill.judge: bill for bill in estimate(run).judges}
    assert (bills["second"].calls, bills["second"].calls_at_most) == (0, 6)
    running.carry_out(run)
    assert asked(server) == {"first": 6, "second": 6}


def test_where_the_last_step_fails_the_cascade_failed_and_is_retried(server):
    with openai_server.serve(garble=1) as garbled:
        last = oracle(garbled, "last")
        cascade = panel("steps", make.judge("rules"), last, kind="cascade")
        run = queued(answered(1), cascade)
        running.carry_out(run)
    assert rows(cascade).failed().count() == 6 and rows(cascade)[0].error.startswith("last: ")
    LanguageModel.objects.filter(judges=last).update(base_url=server.base_url)
    assert running.retry_failed(run) == 12
    run.enqueue()
    running.carry_out(reload(run))
    assert rows(cascade).decided().count() == 6 == server.count
