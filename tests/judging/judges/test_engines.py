"""The table of engines: what there is, and what it takes."""

import pytest

from arena.chat import Endpoint
from judging.judges import ENGINES, engine
from judging.judges.base import Exhibit, Verdict
from judging.prompts import default_rubric

PAIR = default_rubric("pair")
ENDPOINT = Endpoint("scripted", "echo")
ENDPOINTS = {"reward": Endpoint("local", "folder")}


@pytest.mark.parametrize("kind", ENGINES)
def test_every_kind_of_judge_is_made_with_all_its_options(kind):
    given = {"concurrency": 2, "schema_bound": True, "language": "zh", "attempts": 3, "seed": 5}
    given |= {"tie_band": 0.5, "metric": "bleu"} | ({"scale": "sigmoid", "verdict": "sign"} if kind == "reward" else {})
    options = {name: value for name, value in given.items() if name in ENGINES[kind].options}
    made = engine(kind, rubric=PAIR, endpoint=ENDPOINTS.get(kind, ENDPOINT), options=options)
    assert {name: getattr(made, name) for name in options} == options
    assert made.rubric == PAIR
    assert hasattr(made, "judge")


@pytest.mark.parametrize("kind", ENGINES)
def test_the_concurrency_of_a_run_is_taken_by_every_kind(kind):
    assert engine(kind, rubric=PAIR, endpoint=ENDPOINTS.get(kind, ENDPOINT), options={"concurrency": 2})


@pytest.mark.parametrize("kind", ENGINES)
def test_an_unknown_option_is_named(kind):
    with pytest.raises(ValueError, match="no option 'temprature'"):
        engine(kind, rubric=PAIR, endpoint=ENDPOINTS.get(kind, ENDPOINT), options={"temprature": 0})


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'oracle'; there are llm, reward, rule, metric, python_tests, dry_run"):
        engine("oracle", rubric=PAIR)


@pytest.mark.parametrize("kind", ["llm", "reward"])
def test_a_model_needs_an_endpoint(kind):
    with pytest.raises(ValueError, match="needs an endpoint"):
        engine(kind, rubric=PAIR)


@pytest.mark.parametrize(("status", "value"), [("ok", None), ("parse_error", 0.0), ("skipped", 1.0)])
def test_a_verdict_has_a_value_or_an_error(status, value):
    with pytest.raises(ValueError, match="never both, never neither"):
        Verdict(status=status, value=value)


def test_two_answers_are_a_pair():
    assert Exhibit(id=1, turns=("q",), answers=(("a",), ("b",))).is_pair
    assert not Exhibit(id=1, turns=("q",), answers=(("a",),)).is_pair
