"""Gates: which are none, and how those that are come out."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from rating.gates import Facts, Outcome, judged, problems
from rating.models import Leaderboard, PairCount, Profile, Score
from rating.reporting.building import report_of
from rating.reporting.gating import NoSuchModel, gates_of, model_called
from rating.reporting.report import AVERAGE, Measure
from tests.judging import recorded
from tests.rating import make

GATE = {"kind": "score", "benchmark": "MMLU", "metric": "accuracy", "op": ">=", "value": 0.4}


# --- what is wrong with gates


def test_a_gate_of_every_kind_has_no_problem():
    board = {
        "kind": "board",
        "benchmark": "kitchen",
        "op": ">=",
        "value": 1000,
        "at": "low",
        "min_n": 30,
        "source": "people",
    }
    speed = {"kind": "speed", "benchmark": "kitchen", "metric": "seconds_p95", "op": "<=", "value": 3, "tolerance": 0.5}
    won = {
        "kind": "win_rate",
        "benchmark": "kitchen",
        "op": ">=",
        "value": 0.5,
        "against": "Oak 1",
        "name": "beats Oak",
    }
    assert problems([GATE, {**GATE, "kind": "safety"}, board, speed, won]) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "size"}, "gate 2, kind: is one of board, score, safety, speed, win_rate, not 'size'"),
        ({"op": ">"}, "gate 2, op: is one of >=, <=, not '>'"),
        ({"value": "0.4"}, "gate 2, value: is a number, not '0.4'"),
        ({"value": True}, "gate 2, value: is a number, not True"),
        ({"value": float("nan")}, "gate 2, value: is a number, not nan"),
        ({"at": "middle"}, "gate 2, at: is one of low, value, high, not 'middle'"),
        ({"min_n": 2.5}, "gate 2, min_n: is a whole number from 0, not 2.5"),
        ({"tolerance": -1}, "gate 2, tolerance: is not below 0"),
        ({"benchmark": ""}, "gate 2, benchmark: is missing"),
        ({"metric": ""}, "gate 2, metric: is missing"),
        ({"against": 3}, "gate 2, against: is a text, not 3"),
        ({"limit": 3}, "gate 2, limit: is not a field of a gate; there are: name, kind,"),
        ({"kind": "board", "metric": "elo"}, "gate 2, metric: of a board is one of bt, score, not 'elo'"),
        ({"kind": "board", "metric": "bt", "source": "mum"}, "gate 2, source: is one of people, judges, all, not 'mum'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_row_and_field(changes, told):
    [problem] = problems([GATE, {**GATE, **changes}])
    assert problem.startswith(told)


@pytest.mark.parametrize("gates", [None, {}, "gates", [3], [None]])
def test_what_is_no_list_of_gates_at_all_is_told(gates):
    assert problems(gates)


# --- how they come out

pytestmark = pytest.mark.django_db


@pytest.fixture
def ash():
    return recorded.model("Ash")


def score(model, value=0.45, n=400, **fields) -> Score:
    defaults = {"benchmark": "MMLU", "metric": "accuracy", "unit": "share", "source": "paper"}
    return Score.objects.create(model=model, value=value, n=n, **{**defaults, **fields})


def outcome(model, *gates, **options):
    """How these gates come out, one row each."""
    return gates_of(model, Profile(name="release", gates=list(gates)), **options)


def row(model, **changes):
    return outcome(model, {**GATE, **changes}).rows[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "PASS"),
        ({"value": 0.45}, "PASS"),
        ({"value": 0.46}, "FAIL"),
        ({"value": 0.46, "tolerance": 0.02}, "PASS"),
        ({"op": "<="}, "FAIL"),
        ({"op": "<=", "value": 0.44, "tolerance": 0.01}, "PASS"),
        ({"value": 0.42, "at": "low"}, "FAIL"),
        ({"value": 0.40, "at": "low"}, "PASS"),
        ({"value": 0.48, "at": "high"}, "PASS"),
        ({"min_n": 400}, "PASS"),
        ({"min_n": 401}, "NOT ENOUGH DATA"),
        ({"category": "STEM"}, "NOT ENOUGH DATA"),
        ({"source": "another paper"}, "NOT ENOUGH DATA"),
        ({"benchmark": "CMMLU"}, "NOT ENOUGH DATA"),
    ],
)
def test_a_score_against_its_limit(ash, changes, expected):
    score(ash)
    assert row(ash, **changes).outcome == expected


def test_the_reason_says_value_interval_n_and_limit(ash):
    score(ash)
    assert row(ash).reason == "measured 0.45 (0.402 to 0.499), n = 400: the value is 0.45, ≥ 0.4 is wanted"


def test_without_an_interval_its_end_is_not_enough_data_and_the_value_may_do(ash):
    score(ash, 12.5, None, unit="BLEU")
    assert row(ash, value=10).outcome == Outcome.PASS
    low = row(ash, value=10, at="low")
    assert low.outcome == Outcome.NOT_ENOUGH_DATA and "no interval" in low.reason
    unknown = row(ash, value=10, min_n=5)
    assert unknown.outcome == Outcome.NOT_ENOUGH_DATA and "not known" in unknown.reason


def test_two_sources_are_not_chosen_between(ash):
    score(ash)
    score(ash, 0.9, source="own run")
    found = row(ash)
    assert found.outcome == Outcome.NOT_ENOUGH_DATA and "own run, paper" in found.reason
    assert row(ash, source="own run").outcome == Outcome.PASS


def test_a_benchmark_without_a_number_of_its_own_is_its_total_on_the_reports_basis(ash):
    score(ash, 0.2, 300, category="a")
    score(ash, 0.6, 100, category="b")
    profile = Profile(name="p", gates=[{**GATE, "value": 0.35}])
    assert gates_of(ash, profile).rows[0].value == pytest.approx(0.3)
    on_average = gates_of(ash, profile, report=report_of(ash, basis=AVERAGE))
    assert (on_average.rows[0].value, on_average.outcome) == (pytest.approx(0.4), "PASS")


@pytest.mark.parametrize("category", [None, ""])
def test_a_number_of_one_category_never_stands_for_the_whole(ash, category):
    score(ash, 0.9, category="STEM")
    assert row(ash, category=category).outcome == Outcome.NOT_ENOUGH_DATA


def test_a_gate_that_cannot_be_read_never_passes(ash):
    score(ash)
    found = outcome(ash, {**GATE, "op": "about"}).rows[0]
    assert found.outcome == Outcome.NOT_ENOUGH_DATA and "op: is one of" in found.reason


def test_the_whole_is_fail_before_not_enough_before_pass(ash):
    score(ash)
    good, bad, unknown = GATE, {**GATE, "value": 0.9}, {**GATE, "metric": "f1"}
    assert outcome(ash, good).outcome == "PASS"
    assert outcome(ash, good, unknown).outcome == "NOT ENOUGH DATA"
    assert outcome(ash, good, unknown, bad).outcome == "FAIL"
    assert outcome(ash).outcome == "NOT ENOUGH DATA"


def test_a_gate_on_a_board_reads_the_current_snapshot(ash):
    snapshot = make.snapshot()
    make.ranking(snapshot, [ash])
    gate = {"kind": "board", "benchmark": "kitchen", "op": ">=", "value": 1080}
    assert outcome(ash, gate).rows[0].outcome == "PASS"
    assert outcome(ash, {**gate, "benchmark": "kitchen v1"}).rows[0].outcome == "PASS"
    assert outcome(ash, {**gate, "at": "low"}).rows[0].outcome == "FAIL"
    assert outcome(ash, {**gate, "source": "people"}).rows[0].outcome == "NOT ENOUGH DATA"
    Leaderboard.objects.update(current=None)
    assert outcome(ash, gate).rows[0].outcome == "NOT ENOUGH DATA"


def test_against_another_model_the_difference_counts_with_the_interval_of_two_measured_apart(ash):
    birch = recorded.model("Birch")
    score(ash, 0.45)
    score(birch, 0.46)
    gate = {**GATE, "against": "Birch", "value": 0}
    assert outcome(ash, gate).rows[0].outcome == "FAIL"
    assert outcome(ash, {**gate, "tolerance": 0.02}).rows[0].outcome == "PASS"
    low = outcome(ash, {**gate, "tolerance": 0.02, "at": "low"}).rows[0]
    assert low.outcome == "FAIL" and low.low == pytest.approx(-0.0786, abs=1e-3)
    assert "the interval takes the two as independent" in low.reason
    nobody = outcome(ash, {**gate, "against": "Nobody"}).rows[0]
    assert nobody.outcome == "NOT ENOUGH DATA" and "Nobody" in nobody.reason


def counted(of, first, second, n, share, *, judge=0, rubric=None):
    rubric = rubric or recorded.rubric()
    PairCount.objects.create(
        benchmark=of, category=recorded.category().pk, rubric=rubric.pk, judge=judge, first=first.pk, second=second.pk,
        n=n, ties=0, share=share, squares=share,
    )  # fmt: skip


def test_how_often_another_model_is_beaten_comes_from_the_counts_that_stand(ash):
    benchmark, birch = recorded.benchmark(), recorded.model("Birch")
    counted(benchmark, ash, birch, 40, 30.0)
    counted(benchmark, ash, birch, 10, 0.0, judge=recorded.judge().pk)
    gate = {"kind": "win_rate", "benchmark": "pantry", "op": ">=", "value": 0.6, "against": "Birch"}
    assert (outcome(ash, gate).rows[0].value, outcome(ash, gate).rows[0].n) == (pytest.approx(0.6), 50)
    people = outcome(ash, {**gate, "source": "people", "at": "low"}).rows[0]
    assert (people.value, people.n, people.outcome) == (0.75, 40, "FAIL" if people.low < 0.6 else "PASS")
    assert people.low == pytest.approx(0.598, abs=1e-3)
    assert outcome(birch, {**gate, "against": "Ash", "source": "people"}).rows[0].value == 0.25
    assert outcome(ash, {**gate, "category": "sums"}).rows[0].outcome == "NOT ENOUGH DATA"


def test_votes_under_an_older_rubric_do_not_count_in_a_win_rate(ash):
    benchmark, birch = recorded.benchmark(), recorded.model("Birch")
    older = recorded.rubric()
    newer = type(older).objects.create(name="helpful", version=2)
    counted(benchmark, ash, birch, 40, 40.0, rubric=older)
    counted(benchmark, ash, birch, 4, 1.0, rubric=newer)
    gate = {"kind": "win_rate", "benchmark": "pantry", "op": ">=", "value": 0.6, "against": "Birch"}
    assert (outcome(ash, gate).rows[0].n, outcome(ash, gate).rows[0].outcome) == (4, "FAIL")


def test_a_gate_on_speed_takes_the_median_or_the_slowest_twentieth(ash):
    benchmark = recorded.benchmark()
    for n in range(1, 41):
        question = recorded.question(benchmark, f"q{n}")
        recorded.answer(question, ash, seconds=float(n), tokens_out=10 * n, first_token_s=0.1).save()
    gate = {"kind": "speed", "benchmark": "pantry", "metric": "seconds", "op": "<=", "value": 21}
    assert (outcome(ash, gate).rows[0].value, outcome(ash, gate).outcome) == (20.5, "PASS")
    assert outcome(ash, {**gate, "at": "high"}).outcome == "FAIL"
    assert outcome(ash, {**gate, "metric": "seconds_p95"}).rows[0].value == pytest.approx(38.05)
    assert outcome(ash, {**gate, "metric": "watts"}).outcome == "NOT ENOUGH DATA"
    score(ash, 90, None, kind="speed", benchmark="pantry", metric="watts", unit="W")
    assert outcome(ash, {**gate, "metric": "watts"}).outcome == "FAIL"


def test_a_measure_without_a_value_is_not_enough_data(ash):
    facts = Facts(report_of(ash), lambda name: None, lambda gate, name: Measure(None), lambda *lines: None)
    gate = {"kind": "win_rate", "benchmark": "x", "op": ">=", "value": 0.5, "against": "y"}
    assert judged("p", [gate], facts).outcome == Outcome.NOT_ENOUGH_DATA


def test_a_safety_rate_is_read_like_a_score(ash):
    score(ash, 0.01, 200, kind="safety", benchmark="harm", metric="unsafe")
    gate = {"kind": "safety", "benchmark": "harm", "metric": "unsafe", "op": "<=", "value": 0.02}
    assert outcome(ash, gate).outcome == "PASS"
    assert outcome(ash, {**gate, "at": "high"}).outcome == "FAIL"


# --- the command


def gated(*args, **options) -> tuple[int, str]:
    """The exit code, and what was printed."""
    out = StringIO()
    try:
        call_command("gate", *args, stdout=out, **options)
    except SystemExit as stop:
        return stop.code, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize(("value", "metric", "code"), [(0.4, "accuracy", 0), (0.9, "accuracy", 1), (0.4, "f1", 2)])
def test_the_exit_code_says_how_it_came_out(ash, value, metric, code):
    score(ash)
    Profile.objects.create(name="release", gates=[{**GATE, "value": value, "metric": metric, "name": "MMLU at 40 %"}])
    found, text = gated("Ash", profile="release")
    assert found == code and "MMLU at 40 %" in text


def test_the_command_says_all_as_json(ash):
    score(ash)
    Profile.objects.create(name="release", gates=[GATE])
    told = json.loads(gated("Ash", profile="release", format="json")[1])
    assert (told["model"], told["outcome"], told["gates"][0]["n"]) == ("Ash 1", "PASS", 400)


def test_a_model_or_profile_there_is_not_is_no_outcome(ash):
    Profile.objects.create(name="release")
    for name, profile in (("Oak", "release"), ("Ash", "nightly")):
        with pytest.raises(CommandError) as error:
            gated(name, profile=profile)
        assert error.value.returncode == 3


def test_a_name_with_several_versions_wants_the_version(ash):
    other = replace_version(ash, "2")
    with pytest.raises(NoSuchModel, match="several models 'Ash'"):
        model_called("Ash")
    assert model_called("Ash", "2") == model_called("Ash 2") == other
    score(other)
    Profile.objects.create(name="release", gates=[GATE])
    out = StringIO()
    call_command("gate", "Ash", "--profile", "release", "--version", "2", stdout=out)
    assert out.getvalue().startswith("Ash 2 · profile release · PASS")


def replace_version(model, version):
    return type(model).objects.create(name=model.name, version=version, vendor=model.vendor)
