"""Our own YAML recipe, and the door through which llmuses's comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from arena.chat import PROVIDERS
from arena.loading import FORMATS
from arena.loading.records import BadInput, Report
from arena.models import Benchmark, LanguageModel, Question
from arena.withholding import is_secret_in_address, is_variable_name, secret_paths
from judging.judges import ENGINES
from judging.recipes.lines import Section, open_section
from judging.recipes.llmuses import is_llmuses, read_llmuses
from judging.recipes.recipe import (
    LONGEST_JUDGE,
    LONGEST_RUN,
    MODES,
    MOST_AT_ONCE,
    MOST_ATTEMPTS,
    MOST_QUESTIONS,
    ORDERS,
    STAGES,
    JudgeSpec,
    ModelSpec,
    Recipe,
)

LARGEST_SEED = 2_147_483_647
LARGEST_PRICE = 1_000_000_000
OPTIONS: dict[str, Callable[[Section, str], Any]] = {
    "schema_bound": lambda section, name: section.take(name, bool),
    "language": lambda section, name: section.text(name),
    "attempts": lambda section, name: section.number(name, int, lowest=1, highest=MOST_ATTEMPTS),
    "seed": lambda section, name: section.number(name, int, lowest=0, highest=LARGEST_SEED),
    "concurrency": lambda section, name: section.number(name, int, lowest=1, highest=MOST_AT_ONCE),
}
_NAME = LanguageModel.name.field.max_length


def read_recipe(file: Path) -> Recipe:
    """The recipe of a YAML file, ours or llmuses's. Raises BadInput with every problem: file, line, field."""
    report = Report()
    top = open_section(file, report)
    recipe = read_llmuses(top, file) if is_llmuses(top) else _read(top, file)
    if report.problems:
        raise BadInput(report)
    return recipe


def _read(top: Section, file: Path) -> Recipe:
    about = top.section("benchmark", required=True)
    models = [_model(section) for section in top.sections("models", required=True)]
    judges = [_judge(section) for section in top.sections("judges")]
    mode = top.one_of("mode", MODES, required=True)
    baseline = top.take("baseline", str, "")
    names = [model.name for model in models]
    if mode == "baseline" and baseline not in names:
        top.problem(
            "baseline",
            f"is {baseline!r}, not one of the models" if baseline else "is missing, and the mode is baseline",
        )
    if mode != "baseline" and baseline:
        top.problem("baseline", f"is only for the mode baseline, and the mode is {mode}")
    for name in {name for name in names if names.count(name) > 1}:
        top.problem("models", f"{name} stands here twice")
    recipe = Recipe(
        name=top.text("name", file.stem[:LONGEST_RUN], longest=LONGEST_RUN),
        file=str(file),
        mode=mode,
        benchmark=about.text("name", required=True, longest=_length(Benchmark.name)) if about else "",
        benchmark_version=about.text("version", "1", longest=_length(Benchmark.version)) if about else "1",
        format=about.one_of("format", FORMATS, "juryroom") if about else "juryroom",
        questions=about.paths("questions") if about else [],
        language=about.text("language", "en", longest=_length(Question.language)) if about else "en",
        models=models,
        baseline=baseline,
        judges=judges,
        rubric=top.take("rubric", str, "standard"),
        order=top.one_of("order", ORDERS, "both"),
        limits=_limits(top.section("limits")),
        seed=top.number("seed", int, 1, lowest=0, highest=LARGEST_SEED),
        stages=_stages(top),
    )
    if about:
        about.finish()
    top.finish()
    return recipe


def _model(section: Section) -> ModelSpec:
    model = _model_fields(section, answers=section.paths("answers"))
    if not model.provider and not model.answers and (model.base_url or model.model):
        section.problem("provider", f"is missing: one of {', '.join(PROVIDERS)}")
    section.finish()
    return model


def _model_fields(section: Section, *, longest_name: int = _NAME, **more) -> ModelSpec:
    """The keys that a candidate and a judge's model share."""
    provider = section.one_of("provider", PROVIDERS)
    return ModelSpec(
        name=section.text("name", required=True, longest=longest_name),
        version=section.text("version", required=True, longest=_length(LanguageModel.version)),
        vendor=section.text("vendor", required=True, longest=_length(LanguageModel.vendor)),
        provider=provider,
        model=section.text("model", longest=_length(LanguageModel.endpoint_model)),
        base_url=_address(section),
        key_env=_key_env(section),
        options=_options(section),
        family=section.text("family", longest=_length(LanguageModel.family)),
        licence=section.text("licence", longest=_length(LanguageModel.licence)),
        aliases=section.texts("aliases"),
        price_in=section.number("price_in", float, lowest=0, highest=LARGEST_PRICE),
        price_out=section.number("price_out", float, lowest=0, highest=LARGEST_PRICE),
        line=section.line,
        place=section.path,
        lines=section.lines,
        **more,
    )


def _length(column: Any) -> int:
    """How many characters a column keeps."""
    return column.field.max_length


def _address(section: Section) -> str:
    address = section.text("base_url", longest=_length(LanguageModel.base_url))
    if is_secret_in_address(address):
        section.problem("base_url", "holds a password or a key; name the variable that holds it in key_env")
        return ""
    return address


def _key_env(section: Section) -> str:
    name = section.take("key_env", str, "")
    if name and not is_variable_name(name):
        section.problem(
            "key_env", "is not the name of an environment variable (A-Z, 0-9 and _); never write a key here"
        )
        return ""
    return name


def _options(section: Section) -> dict[str, Any]:
    options = section.take("options", dict, {})
    for path in secret_paths(options):
        section.problem_within("options", path, "looks like a key; name the variable that holds it in key_env")
    return options


def _judge(section: Section) -> JudgeSpec:
    kind = section.one_of("kind", ENGINES, required=True)
    known = ENGINES[kind].options if kind else ()
    options = {name: OPTIONS[name](section, name) for name in sorted(known) if name in section}
    section.taken |= set(known)
    if kind != "llm":
        name = section.text("name", {"rule": "rules", "dry_run": "dry run"}.get(kind, ""), longest=LONGEST_JUDGE)
        section.finish()
        return JudgeSpec(name, kind, options=options)
    model = _model_fields(section, longest_name=LONGEST_JUDGE)
    if not model.provider:
        section.problem("provider", f"is missing: one of {', '.join(PROVIDERS)}")
    section.finish()
    return JudgeSpec(model.name, kind, model, options)


def _limits(section: Section | None) -> dict[str, int]:
    if section is None:
        return {}
    limits = {
        "questions": section.number("questions", int, lowest=1, highest=MOST_QUESTIONS),
        "concurrency": section.number("concurrency", int, lowest=1, highest=MOST_AT_ONCE),
    }
    section.finish()
    return {name: value for name, value in limits.items() if value}


def _stages(top: Section) -> tuple[str, ...]:
    stages = top.take("stages", list, list(STAGES))
    for stage in stages:
        if stage not in STAGES:
            top.problem("stages", f"holds {stage!r}, not one of {', '.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in stages)
