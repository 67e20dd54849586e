"""Our own YAML recipe, and the door through which llmuses's comes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from arena.chat import PROVIDERS
from arena.loading import FORMATS
from arena.loading.records import BadInput, Problem, Report
from arena.models import Benchmark, Question
from judging.judges.rubrics import problems
from judging.models import Rubric
from judging.recipes.judges import LARGEST_SEED, read_judge
from judging.recipes.lines import Section, open_section, section_of
from judging.recipes.llmuses import is_llmuses, read_llmuses
from judging.recipes.models import length, model_fields
from judging.recipes.recipe import (
    LARGEST_BUDGET,
    LONGEST_RUN,
    MODES,
    MOST_AT_ONCE,
    MOST_PAIRS,
    MOST_QUESTIONS,
    MOST_SAMPLES,
    ORDERS,
    REST,
    STAGES,
    TURNS,
    ModelSpec,
    Recipe,
)
from judging.voting import BadVoting, Voting

UNNAMED = Path("config")  # what a recipe that is no file is called in problems; its paths are those of this process


def read_recipe(file: Path) -> Recipe:
    """The recipe of a YAML file, ours or llmuses's. Raises BadInput with every problem: file, line, field."""
    report = Report()
    return _checked(_either(open_section(file, report), file), report)


def recipe_of(config: Mapping[str, Any]) -> Recipe:
    """The recipe that these keys are, which are those of a file. Raises BadInput with every problem: field, and no line."""
    report = Report()
    try:
        recipe = _either(section_of(yaml.compose(yaml.safe_dump(dict(config))), UNNAMED, report), UNNAMED)
    except yaml.YAMLError as error:
        raise BadInput(Report(problems=[Problem(str(UNNAMED), 0, "", f"is not plain data: {error}")])) from None
    report.problems = [replace(problem, line=0) for problem in report.problems]
    return _checked(recipe, report)


def _either(top: Section, file: Path) -> Recipe:
    return read_llmuses(top, file) if is_llmuses(top) else _read(top, file)


def _checked(recipe: Recipe, report: Report) -> Recipe:
    if report.problems:
        raise BadInput(report)
    return recipe


def _read(top: Section, file: Path) -> Recipe:
    about = top.section("benchmark", required=True)
    models = [_model(section) for section in top.sections("models", required=True)]
    judges = [read_judge(section) for section in top.sections("judges")]
    mode = top.one_of("mode", MODES, required=True)
    names = [model.name for model in models]
    baseline, baselines = _baselines(top, mode, names)
    for name in {name for name in names if names.count(name) > 1}:
        top.problem("models", f"{name} stands here twice")
    listed = [judge.name for judge in judges]
    for name in {name for name in listed if name and listed.count(name) > 1}:
        top.problem("judges", f"{name} stands here twice")
    rubric, own_rubric = _rubric(top)
    recipe = Recipe(
        name=top.text("name", file.stem[:LONGEST_RUN], longest=LONGEST_RUN),
        file=str(file),
        mode=mode,
        benchmark=about.text("name", required=True, longest=length(Benchmark.name)) if about else "",
        benchmark_version=about.text("version", "1", longest=length(Benchmark.version)) if about else "1",
        format=about.one_of("format", FORMATS, "juryroom") if about else "juryroom",
        questions=about.paths("questions") if about else [],
        language=about.text("language", "en", longest=length(Question.language)) if about else "en",
        models=models,
        baseline=baseline,
        baselines=baselines,
        judges=judges,
        rubric=rubric,
        own_rubric=own_rubric,
        order=top.one_of("order", ORDERS, "both"),
        turns=top.one_of("turns", TURNS, "whole"),
        budget=top.number("budget", float, lowest=0, highest=LARGEST_BUDGET),
        cache=top.take("cache", bool, True),
        limits=_limits(top.section("limits"), mode),
        seed=top.number("seed", int, 1, lowest=0, highest=LARGEST_SEED),
        stages=_stages(top),
        voting=_voting(top, bool(judges)),
    )
    if about:
        about.finish()
    top.finish()
    return recipe


def _baselines(top: Section, mode: str, names: list[str]) -> tuple[str, dict[str, str]]:
    """The one baseline, or the first and all by their categories: `baseline: {maths: model-a, writing: model-b}`."""
    baselines = {}
    if "baseline" in top and isinstance(top.nodes["baseline"], yaml.MappingNode):
        about = top.section("baseline")
        baselines = {key: about.text(key) for key in about.nodes}
        for key, name in baselines.items():
            if name not in names:
                about.problem(key, f"is {name!r}, not one of the models")
    baseline = baselines.get(REST) or next(iter(baselines.values()), "") if baselines else top.take("baseline", str, "")
    if mode == "baseline" and not baselines and baseline not in names:
        top.problem(
            "baseline",
            f"is {baseline!r}, not one of the models" if baseline else "is missing, and the mode is baseline",
        )
    if mode != "baseline" and baseline:
        top.problem("baseline", f"is only for the mode baseline, and the mode is {mode}")
    return baseline, baselines


def _model(section: Section) -> ModelSpec:
    model = model_fields(section, answers=section.paths("answers"))
    if not model.provider and not model.answers and (model.base_url or model.model):
        section.problem("provider", f"is missing: one of {', '.join(PROVIDERS)}")
    section.finish()
    return model


def _rubric(top: Section) -> tuple[str, dict[str, Any]]:
    """The name of a rubric, and its data where the recipe has it in full: `rubric: {name: …, instructions_en: …, dimensions: …}`."""
    if "rubric" not in top or not isinstance(top.nodes["rubric"], yaml.MappingNode):
        return top.take("rubric", str, "standard"), {}
    about = top.section("rubric")
    name = about.text("name", required=True, longest=length(Rubric.name)) if about else ""
    data = {key: value for key, value in top.take("rubric", dict, {}).items() if key != "name"}
    titles = {key: data.pop(key, "") for key in ("title_en", "title_zh")}
    for field, message in problems(data):
        top.problem_within("rubric", _steps(field), message)
    return name, {**data, **{key: text for key, text in titles.items() if isinstance(text, str) and text}}


def _steps(field: str) -> tuple[str | int, ...]:
    """A field such as `dimensions[1].levels[0].mark`, step by step."""
    return tuple(int(number) if number else name for number, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", field))


def _limits(section: Section | None, mode: str) -> dict[str, Any]:
    if section is None:
        return {}
    limits = {
        "keys": section.texts("keys"),
        "questions": section.number("questions", int, lowest=1, highest=MOST_QUESTIONS),
        "concurrency": section.number("concurrency", int, lowest=1, highest=MOST_AT_ONCE),
        "pairs": section.number("pairs", int, lowest=1, highest=MOST_PAIRS),
        "voted": section.take("voted", bool, False),
        "samples": section.number("samples", int, lowest=1, highest=MOST_SAMPLES),
    }
    if limits["pairs"] and mode != "pairwise":
        section.problem("pairs", f"is only for the mode pairwise, and the mode is {mode}")
    if limits["voted"] and (mode == "single" or limits["pairs"]):
        section.problem("voted", "is only for runs of pairs without limits.pairs")
    section.finish()
    return {name: value for name, value in limits.items() if value}


def _voting(top: Section, judged_by_machines: bool) -> dict[str, Any] | None:
    """How people vote, as the run's settings; None where the recipe does not let people vote."""
    if "voting" not in top:
        return None
    section = top.section("voting")
    if judged_by_machines:
        top.problem("voting", "is for a run that people judge, and this one has judges")
    if section is None:
        return {}
    told = {name: section.take(name, _kind(section, name)) for name in section.names()}
    told = {name: value for name, value in told.items() if value is not None}
    try:
        Voting.of_data(told)
    except BadVoting as bad:
        for name, sentence in bad.errors.items():
            section.problem(name, sentence)
    return told


def _kind(section: Section, name: str) -> type:
    """What kind of value the setting has; text for one that there is none of, which is a problem of its own."""
    default = getattr(Voting(), name, "")
    return list if isinstance(default, tuple) else type(default)


def _stages(top: Section) -> tuple[str, ...]:
    stages = top.take("stages", list, list(STAGES))
    for stage in stages:
        if stage not in STAGES:
            top.problem("stages", f"holds {stage!r}, not one of {', '.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in stages)
