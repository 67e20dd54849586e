"""What the database itself refuses about judges, runs, judgments and seats; and the frame a preference is kept in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK, PARSE_ERROR, Verdict
from judging.models import Assignment, Grade, Judge, Preference, Rubric, Run
from judging.models.run import LEASE
from tests.arena.test_rows import refuses
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def battle():
    return make.battle(make.answered(make.benchmark())[0])


def preference(battle, **fields) -> Preference:
    return Preference(
        battle=battle, **{"judge": make.judge(), "rubric": make.rubric(), "status": "ok", "value": 1, **fields}
    )


def grade(battle, **fields) -> Grade:
    fields = {"judge": make.judge(), "rubric": make.rubric(), "status": "ok", "score": 7, **fields}
    return Grade(answer=battle.first, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "ok", "value": None},
        {"status": "ok", "value": None, "error": "unreadable"},
        {"status": "ok", "value": 1, "error": "unreadable"},
        {"status": "parse_error", "value": 0, "error": "unreadable"},
        {"status": "parse_error", "value": None, "error": ""},
    ],
)
def test_a_judgment_has_a_value_or_an_error_never_both_never_neither(battle, fields):
    refuses("a_preference_has_a_value_or_an_error", preference(battle, **fields))
    fields["score"] = fields.pop("value")
    refuses("a_grade_has_a_score_or_an_error", grade(battle, **fields))


@pytest.mark.parametrize("value", [-2.01, 2.5, 1e9])
def test_a_preference_lies_between_minus_2_and_2(battle, value):
    refuses("a_preference_is_between_minus_2_and_2", preference(battle, value=value))


@pytest.mark.parametrize("value", [-2, -0.3, 0, 0.55, 2])
def test_any_number_between_minus_2_and_2_is_a_preference(battle, value):
    preference(battle, value=value).save()
    assert Preference.objects.get().value == value


def test_both_bad_is_a_tie(battle):
    refuses("both_bad_is_a_tie", preference(battle, both_bad=True, value=1))
    preference(battle, both_bad=True, value=0).save()


def test_one_judgment_is_current_and_those_before_it_are_kept(battle):
    first = preference(battle)
    first.save()
    refuses("one_current_preference_per_judge_rubric_battle_turn_order_trial", preference(battle, value=-1))
    for other in ({"swapped": True}, {"trial": 1}, {"judge": make.judge("other")}, {"rubric": make.rubric("other")}):
        preference(battle, **other).save()
    first.superseded_at = timezone.now()
    first.save()
    changed = preference(battle, value=-1)
    changed.save()
    assert Preference.objects.count() == 6 and first not in Preference.objects.current()
    assert changed in Preference.objects.decided()


def test_one_grade_is_current_and_those_before_it_are_kept(battle):
    grade(battle, superseded_at=timezone.now()).save()
    grade(battle).save()
    refuses("one_current_grade_per_judge_rubric_answer_turn_trial", grade(battle, score=3))


def test_a_person_is_a_user_and_nobody_else_is():
    ann, bob = make.person("ann"), make.person("bob")
    refuses("a_person_and_nobody_else_is_a_user", Judge(name="Ann", kind="person"))
    refuses("a_person_and_nobody_else_is_a_user", Judge(name="rules", kind="rule", user=bob))
    Judge(name="Ann", kind="person", user=ann).save()


def test_a_language_model_judges_as_llm_and_as_nothing_else():
    refuses("a_judge_that_is_a_model_and_no_other_has_one", Judge(name="oracle", kind="llm"))
    refuses("a_judge_that_is_a_model_and_no_other_has_one", Judge(name="rules", kind="rule", model=make.model("Ash")))
    Judge(name="oracle", kind="llm", model=make.model("Ash")).save()
    refuses("one_judge_per_name_and_version", Judge(name="oracle", kind="rule"))


def test_a_baseline_run_and_no_other_has_a_baseline():
    common = {"name": "r", "benchmark": make.benchmark(), "rubric": make.rubric()}
    refuses("a_baseline_run_and_no_other_has_a_baseline", Run(**common, mode="baseline"))
    refuses("a_baseline_run_and_no_other_has_a_baseline", Run(**common, mode="pairwise", baseline=make.model("Ash")))
    Run(**common, mode="baseline", baseline=make.model("Ash")).save()


def test_a_lease_has_an_end():
    run = make.run(make.benchmark())
    run.lease_until = timezone.now()
    refuses("a_lease_has_an_end", run)


def test_a_rubrics_scale_goes_up():
    refuses("a_rubric_scale_goes_up", Rubric(name="upside down", lowest=5, highest=1))


def test_a_seat_is_on_a_battle_or_on_an_answer_and_once_a_run(battle):
    run, soon = make.run(battle.question.benchmark, status="open"), timezone.now() + timedelta(minutes=1)
    common = {"run": run, "judge": make.judge(), "lease_until": soon}
    refuses("a_seat_is_on_a_battle_or_on_an_answer", Assignment(**common))
    refuses("a_seat_is_on_a_battle_or_on_an_answer", Assignment(**common, battle=battle, answer=battle.first))
    Assignment(**common, battle=battle).save()
    refuses("a_person_sees_a_battle_once_a_trial", Assignment(**common, battle=battle))
    Assignment(**common, answer=battle.first).save()
    refuses("a_person_sees_an_answer_once_a_trial", Assignment(**common, answer=battle.first))


def test_who_judged_and_under_what_cannot_be_deleted_from_under_a_judgment(battle):
    row = make.preference(battle)
    for held in (row.judge, row.rubric):
        with pytest.raises(ProtectedError):
            held.delete()


# --- the frame


@given(value=st.floats(-2, 2), swapped=st.booleans())
def test_swapping_negates_and_what_was_shown_can_be_read_back(value, swapped):
    verdict = Verdict(OK, value=value)
    where = {"judge": Judge(name="j", kind="rule"), "rubric": Rubric(name="r"), "provenance": "real"}
    from arena.models import Battle

    kept = Preference.record(verdict, battle=Battle(pk=1), swapped=swapped, **where)
    other = Preference.record(verdict, battle=Battle(pk=1), swapped=not swapped, **where)
    assert kept.value == -other.value == (-value if swapped else value)
    assert kept.value_shown == other.value_shown == value


def test_a_failure_is_recorded_as_a_failure_in_either_order(battle):
    failure = Verdict(PARSE_ERROR, error="no verdict", reply="well …", asked=2, tokens_in=10, tokens_out=3)
    for swapped in (False, True):
        where = {"judge": make.judge(), "rubric": make.rubric(), "run": None, "provenance": "real"}
        Preference.record(failure, battle=battle, swapped=swapped, **where).save()
    assert {row.value for row in Preference.objects.failed()} == {None} and not Preference.objects.decided().exists()
    assert Preference.objects.first().reply == "well …"


def test_a_reply_that_no_database_keeps_is_kept_without_what_it_cannot_hold(battle):
    where = {"judge": make.judge(), "rubric": make.rubric(), "provenance": "real"}
    Preference.record(Verdict(OK, value=1, reply="\0[[A]]\ud800"), battle=battle, swapped=False, **where).save()
    assert Preference.objects.get().reply == "[[A]]?"


def test_what_a_judgment_cost_follows_the_judges_model(battle):
    judge = make.llm_judge(price_in=2.0, price_out=10.0)
    where = {"judge": judge, "rubric": make.rubric(), "provenance": "real"}
    row = Grade.record(Verdict(OK, value=7, tokens_in=1_000_000, tokens_out=100_000), answer=battle.first, **where)
    assert row.cost == 3.0


# --- versions and leases


def test_freezing_marks_the_first_use_and_stays():
    for row in (make.rubric(), make.judge(), make.benchmark()):
        row.freeze()
        first = row.frozen_at
        row.freeze()
        row.refresh_from_db()
        assert row.frozen_at == first is not None


def test_marks_are_weighted_by_their_dimensions():
    rubric = Rubric(dimensions=[{"key": "right", "weight": 3}, {"key": "kind"}])
    assert rubric.weighted({"right": 10, "kind": 2}) == 8
    with pytest.raises(KeyError):
        rubric.weighted({"right": 10})


def test_two_workers_ask_and_one_gets_the_run():
    run = make.run(make.benchmark(), status="queued")
    one, other = Run.objects.get(pk=run.pk), Run.objects.get(pk=run.pk)
    token = one.claim()
    assert token and other.claim() is None
    assert one.renew(token)
    one.release(token, status="done")
    run.refresh_from_db()
    assert (run.status, run.lease, run.lease_until) == ("done", None, None) and run.finished_at and run.started_at


def test_a_lease_that_ran_out_is_given_to_the_next_and_lost_to_the_first():
    run = make.run(make.benchmark(), status="queued")
    dead = run.claim()
    assert run not in Run.objects.unfinished()
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert run in Run.objects.unfinished()
    alive = run.claim()
    assert alive and not run.renew(dead) and run.renew(alive)
    run.release(dead, status="failed", error="too late")
    run.refresh_from_db()
    assert (run.status, run.lease, run.error) == ("running", alive, "")


def test_renewing_moves_the_end_of_the_lease():
    run = make.run(make.benchmark(), status="queued")
    token = run.claim()
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=1))
    run.renew(token)
    run.refresh_from_db()
    assert run.lease_until > timezone.now() + LEASE / 2


@pytest.mark.parametrize("status", ["draft", "open", "done", "failed", "cancelled"])
def test_only_queued_and_orphaned_runs_are_claimed(status):
    assert make.run(make.benchmark(), status=status).claim() is None


def test_a_run_under_way_is_not_put_in_the_queue_again():
    run = make.run(make.benchmark(), status="queued")
    run.claim()
    run.enqueue()
    run.refresh_from_db()
    assert run.status == "running"
