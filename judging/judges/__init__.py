"""Turning exhibits into verdicts: the engines there are, by the kind of judge.

async for exhibit, verdict in engine("rule", rubric=rubric).judge(exhibits):
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from arena.chat import Endpoint
from judging.judges.base import EndpointDown, Engine, Exhibit, RubricText, Verdict

__all__ = ["ENGINES", "EndpointDown", "Engine", "Exhibit", "Kind", "RubricText", "Verdict", "engine"]

# The engines import the prompts, and those this package's values: only who makes one imports it.


def _llm(rubric: RubricText, endpoint: Endpoint | None, options: Mapping[str, Any]) -> Engine:
    from judging.judges.llm import LLMJudge

    if endpoint is None:
        raise ValueError("a judge of kind 'llm' needs an endpoint")
    return LLMJudge.over(endpoint, rubric, **options)


def _reward(rubric: RubricText, endpoint: Endpoint | None, options: Mapping[str, Any]) -> Engine:
    from judging.judges.reward import RewardJudge

    if endpoint is None:
        raise ValueError("a judge of kind 'reward' needs an endpoint")
    return RewardJudge(endpoint, rubric, **options)


def _rule(rubric: RubricText, endpoint: Endpoint | None, options: Mapping[str, Any]) -> Engine:
    from judging.judges.rule import RuleJudge

    return RuleJudge(rubric)


def _metric(rubric: RubricText, endpoint: Endpoint | None, options: Mapping[str, Any]) -> Engine:
    from judging.judges.metric import MetricJudge

    return MetricJudge(rubric, **options)


def _python_tests(rubric: RubricText, endpoint: Endpoint | None, options: Mapping[str, Any]) -> Engine:
    from judging.judges.python_tests import PythonTestsJudge

    return PythonTestsJudge(rubric, **options)


def _dry_run(rubric: RubricText, endpoint: Endpoint | None, options: Mapping[str, Any]) -> Engine:
    from judging.judges.dry_run import DryRunJudge

    return DryRunJudge(rubric, **options)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of machine judge: how it is made, and the options it takes."""

    make: Callable[[RubricText, Endpoint | None, Mapping[str, Any]], Engine]
    options: frozenset[str] = frozenset()


ENGINES: Mapping[str, Kind] = {
    "llm": Kind(
        _llm,
        frozenset({"concurrency", "schema_bound", "language", "attempts", "samples", "verdict", "preset", "scale"})
        | {"reference"},
    ),
    "reward": Kind(_reward, frozenset({"scale", "verdict", "tie_band"})),
    "rule": Kind(_rule),
    "metric": Kind(_metric, frozenset({"metric", "tie_band"})),
    "python_tests": Kind(_python_tests, frozenset({"concurrency"})),
    "dry_run": Kind(_dry_run, frozenset({"seed", "schema_bound", "language"})),
}

# Options of a whole run, which mean nothing to engines that call nobody.
OPTIONS_OF_RUNS = frozenset({"concurrency"})


def engine(
    kind: str,
    *,
    rubric: RubricText,
    endpoint: Endpoint | None = None,
    options: Mapping[str, Any] | None = None,
    identity: Mapping[str, Any] | None = None,
) -> Engine:
    """The engine of a judge; `options` are those of ENGINES, `identity` is what makes a model this one (see LLMJudge).

    Raises ValueError for an unknown kind or option.
    """
    if kind not in ENGINES:
        raise ValueError(f"no engine judges for a judge of kind '{kind}'; there are {', '.join(ENGINES)}")
    options = options or {}
    unknown = sorted(options.keys() - ENGINES[kind].options - OPTIONS_OF_RUNS)
    if unknown:
        known = ", ".join(sorted(ENGINES[kind].options)) or "none"
        raise ValueError(f"a judge of kind '{kind}' has no option '{unknown[0]}'; its options: {known}")
    mine = {name: value for name, value in options.items() if name in ENGINES[kind].options}
    if kind == "llm":
        mine["identity"] = identity
    return ENGINES[kind].make(rubric, endpoint, mine)
