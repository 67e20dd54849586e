"""The judges of a recipe: each kind with the options it takes, panels and cascades with their members."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from arena.chat import PROVIDERS
from judging.judges import ENGINES
from judging.judges.composed import CASCADE_OPTIONS, DECIDE, PANEL_OPTIONS, TRUSTED_FIRST, WEIGHTS
from judging.judges.llm_options import LOGPROBS, TEXT
from judging.judges.metrics import METRICS
from judging.judges.reward import SCALES, VERDICTS
from judging.judges.sampling import MOST_SAMPLES
from judging.machines import BATCH
from judging.models import Judge
from judging.prompts import FIVE, PRESETS, REFERENCES, THREE
from judging.recipes.lines import Section
from judging.recipes.models import model_fields
from judging.recipes.recipe import LONGEST_JUDGE, MOST_AT_ONCE, MOST_ATTEMPTS, JudgeSpec

LARGEST_SEED = 2_147_483_647
MOST_MEMBERS = 50
DEEPEST = 3  # panels of panels
Read = Callable[[Section, str], Any]


def _one_of(*words: str) -> Read:
    return lambda section, name: section.one_of(name, words)


def _whole(lowest: int, highest: int) -> Read:
    return lambda section, name: section.number(name, int, lowest=lowest, highest=highest)


def _number(lowest: float, highest: float) -> Read:
    return lambda section, name: section.number(name, float, lowest=lowest, highest=highest)


_CONCURRENCY, _FLAG = _whole(1, MOST_AT_ONCE), lambda section, name: section.take(name, bool)
_LANGUAGE: Read = lambda section, name: section.text(name)  # noqa: E731

OPTIONS: Mapping[str, Mapping[str, Read]] = {
    Judge.Kind.LLM: {
        BATCH: _FLAG,
        "attempts": _whole(1, MOST_ATTEMPTS),
        "concurrency": _CONCURRENCY,
        "language": _LANGUAGE,
        "preset": _one_of(*PRESETS),
        "reference": _one_of(*REFERENCES),
        "samples": _whole(1, MOST_SAMPLES),
        "scale": _one_of(THREE, FIVE),
        "schema_bound": _FLAG,
        "verdict": _one_of(TEXT, LOGPROBS),
    },
    Judge.Kind.REWARD: {"scale": _one_of(*SCALES), "verdict": _one_of(*VERDICTS), "tie_band": _number(0, 1e9)},
    Judge.Kind.RULE: {},
    Judge.Kind.METRIC: {"metric": _one_of(*METRICS), "tie_band": _number(0, 1)},
    Judge.Kind.PYTHON_TESTS: {"concurrency": _CONCURRENCY},
    Judge.Kind.DRY_RUN: {"seed": _whole(0, LARGEST_SEED), "schema_bound": _FLAG, "language": _LANGUAGE},
    Judge.Kind.PANEL: {"quorum": _whole(1, MOST_MEMBERS), "weights": _one_of(*WEIGHTS), "decide": _one_of(*DECIDE)},
    Judge.Kind.CASCADE: {
        "agree": _whole(1, MOST_MEMBERS),
        "band": _number(0, 1e9),
        "trust_first": lambda section, name: _kinds(section, name),
    },
}
"""By kind of judge, the options it takes and how each is read."""

USUAL_NAMES = {"rule": "rules", "dry_run": "dry run", "python_tests": "Python tests"}

if unread := {kind for kind in ENGINES if ENGINES[kind].options - OPTIONS[kind].keys()}:
    raise AssertionError(f"no recipe can say all options of {', '.join(sorted(unread))}")
if OPTIONS[Judge.Kind.PANEL].keys() != PANEL_OPTIONS or OPTIONS[Judge.Kind.CASCADE].keys() != CASCADE_OPTIONS:
    raise AssertionError("a recipe says all options of panels and cascades")


def read_judge(section: Section, *, depth: int = 0) -> JudgeSpec:
    """A judge of the recipe, with its members; `depth` panels sit around it."""
    kind = section.one_of("kind", [str(kind) for kind in OPTIONS], required=True)
    readers = OPTIONS.get(kind, {})
    options = {name: readers[name](section, name) for name in sorted(readers) if name in section}
    section.taken |= readers.keys()
    weight = section.number("weight", float, 1.0, lowest=0, highest=1e9) if depth else 1.0
    if kind in Judge.WITH_MODEL:
        model = model_fields(section, longest_name=LONGEST_JUDGE)
        if not model.provider:
            section.problem("provider", f"is missing: one of {', '.join(PROVIDERS)}")
        section.finish()
        return JudgeSpec(model.name, kind, model, options, weight=weight)
    name = section.text("name", _usual_name(kind, options), required=kind in Judge.COMPOSED, longest=LONGEST_JUDGE)
    members = _members(section, depth) if kind in Judge.COMPOSED else ()
    if members and (options.get("quorum") or 1) > len(members):
        section.problem("quorum", f"is {options['quorum']}, and {len(members)} sit in it")
    section.finish()
    return replace(JudgeSpec(name, kind, options=options, weight=weight), members=members)


def _members(section: Section, depth: int) -> tuple[JudgeSpec, ...]:
    """The judges of a panel, or the steps of a cascade in their order."""
    if depth >= DEEPEST:
        section.taken.add("members")
        section.problem("members", f"panels sit at most {DEEPEST} deep in each other")
        return ()
    members = tuple(read_judge(one, depth=depth + 1) for one in section.sections("members", required=True))
    names = [member.name for member in members]
    for name in {name for name in names if names.count(name) > 1}:
        section.problem("members", f"{name} sits here twice")
    is_list = "members" in section and isinstance(section.nodes["members"], yaml.SequenceNode)
    if is_list and not 2 <= len(members) <= MOST_MEMBERS:
        section.problem("members", f"are {len(members)}: at least 2 and at most {MOST_MEMBERS} sit in it")
    return members


def _usual_name(kind: str, options: Mapping[str, Any]) -> str:
    return options.get("metric", "chrf") if kind == Judge.Kind.METRIC else USUAL_NAMES.get(kind, "")


def _kinds(section: Section, name: str) -> list[str]:
    """Kinds of judge whose verdict stands alone at the beginning of a cascade."""
    kinds = section.texts(name)
    known = [str(kind) for kind in OPTIONS]
    for kind in kinds:
        if kind not in known:
            section.problem(name, f"holds {kind!r}, not one of {', '.join(known)} (usual: {', '.join(TRUSTED_FIRST)})")
    return kinds
