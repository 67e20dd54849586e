"""Our own YAML recipe, and the door through which llmuses's comes."""

from __future__ import annotations

from pathlib import Path

from arena.chat import PROVIDERS
from arena.loading import FORMATS
from arena.loading.records import BadInput, Report
from judging.judges import ENGINES
from judging.recipes.lines import Section, open_section
from judging.recipes.llmuses import is_llmuses, read_llmuses
from judging.recipes.recipe import MODES, ORDERS, STAGES, JudgeSpec, ModelSpec, Recipe

OPTIONS = {"schema_bound": bool, "language": str, "attempts": int, "seed": int, "concurrency": int}


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
        name=top.take("name", str, file.stem),
        file=str(file),
        mode=mode,
        benchmark=about.take("name", str, "", required=True) if about else "",
        benchmark_version=about.take("version", str, "1") if about else "1",
        format=about.one_of("format", FORMATS, "juryroom") if about else "juryroom",
        questions=about.paths("questions") if about else [],
        language=about.take("language", str, "en") if about else "en",
        models=models,
        baseline=baseline,
        judges=judges,
        rubric=top.take("rubric", str, "standard"),
        order=top.one_of("order", ORDERS, "both"),
        limits=_limits(top.section("limits")),
        seed=top.take("seed", int, 1),
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


def _model_fields(section: Section, **more) -> ModelSpec:
    """The keys that a candidate and a judge's model share."""
    provider = section.one_of("provider", PROVIDERS)
    return ModelSpec(
        name=section.take("name", str, "", required=True),
        version=section.take("version", str, "", required=True),
        vendor=section.take("vendor", str, "", required=True),
        provider=provider,
        model=section.take("model", str, ""),
        base_url=section.take("base_url", str, ""),
        key_env=_key_env(section),
        options=section.take("options", dict, {}),
        family=section.take("family", str, ""),
        licence=section.take("licence", str, ""),
        aliases=section.take("aliases", list, []),
        price_in=section.take("price_in", float),
        price_out=section.take("price_out", float),
        line=section.line,
        **more,
    )


def _key_env(section: Section) -> str:
    name = section.take("key_env", str, "")
    if name and not name.replace("_", "").isalnum():
        section.problem("key_env", "is not the name of an environment variable; never write a key here")
        return ""
    return name


def _judge(section: Section) -> JudgeSpec:
    kind = section.one_of("kind", ENGINES, required=True)
    known = ENGINES[kind].options if kind else ()
    options = {name: section.take(name, OPTIONS[name]) for name in known if name in section}
    section.taken |= set(known)
    if kind != "llm":
        name = section.take("name", str, {"rule": "rules", "dry_run": "dry run"}.get(kind, ""))
        section.finish()
        return JudgeSpec(name, kind, options=options)
    model = _model_fields(section)
    if not model.provider:
        section.problem("provider", f"is missing: one of {', '.join(PROVIDERS)}")
    section.finish()
    return JudgeSpec(model.name, kind, model, options)


def _limits(section: Section | None) -> dict[str, int]:
    if section is None:
        return {}
    limits = {name: section.take(name, int) for name in ("questions", "concurrency") if name in section}
    for name, value in limits.items():
        if value is not None and value < 1:
            section.problem(name, "is below 1")
    section.take("questions", int), section.take("concurrency", int)
    section.finish()
    return {name: value for name, value in limits.items() if value}


def _stages(top: Section) -> tuple[str, ...]:
    stages = top.take("stages", list, list(STAGES))
    for stage in stages:
        if stage not in STAGES:
            top.problem("stages", f"holds {stage!r}, not one of {', '.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in stages)
