"""From a recipe to rows: questions and answers loaded, models, judges and rubric made, the run found or made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from arena.keys import why_no_key
from arena.loading import FORMATS, BadInput, Batch, ModelRecord, Report, write
from arena.loading.records import UNSTATED, Problem
from arena.loading.writing import Target
from arena.models import Benchmark, LanguageModel, Provenance, Question
from arena.withholding import without_secrets
from judging.items import is_connected, questions_of
from judging.judges.rules import validate_check
from judging.machines import machines_of
from judging.models import Judge, Rubric, Run, Seat
from judging.prompts import default_rubric
from judging.recipes import JudgeSpec, ModelSpec, Recipe
from judging.recipes.recipe import REST
from judging.rubric_lacks import cases_without, categories_without, told_cases
from judging.trials import trial_of
from judging.voting import Voting

IDENTITY = ("provider", "endpoint_model", "options")
WHERE = ("base_url", "key_env")
EMPTY: tuple = (None, "", [], {})


@transaction.atomic
def prepare(
    recipe: Recipe,
    report: Report,
    *,
    dry_run: bool = False,
    limit: int | None = None,
    stages: tuple[str, ...] | None = None,
) -> Run:
    """The run that carries out this recipe: the same one for the same recipe. Everything is written, or nothing.

    With `dry_run`, dry judges stand in for the recipe's. `limit` looks at the first questions only. `stages` are those
    about to be carried out (None: the recipe's; (): none, as for an estimate); every key they need must be set. Raises
    BadInput.
    """
    if limit:
        recipe = replace(recipe, limits={**recipe.limits, "questions": limit})
    if not dry_run:
        _check_keys(recipe, recipe.stages if stages is None else stages, report)
    benchmark = _load(recipe, report)
    models = {spec.name: _model(spec, recipe, report) for spec in recipe.models}
    if not dry_run:
        _check_prices(recipe, report)
    _check_demo(benchmark, models.values(), recipe, report)
    judges = [_judge(_dry(spec) if dry_run else spec, recipe, report) for spec in recipe.judges]
    rubric = own_rubric(recipe) if recipe.own_rubric else rubric_named(recipe.rubric, recipe, report)
    if rubric:
        _check_categories(rubric, benchmark, recipe, report)
    if report.problems:
        raise BadInput(report)
    baselines = _baselines(recipe, benchmark, models, report)
    if report.problems:
        raise BadInput(report)
    told = {**recipe.as_json(), "dry_run": dry_run}
    who = {"candidates": [model.pk for model in models.values()], "by": [judge.pk for judge in judges]}
    digest = _digest({**told, **who})
    if run := Run.objects.filter(recipe__digest=digest, benchmark=benchmark, rubric=rubric).first():
        return _within_budget(run, recipe.budget)
    how = None if recipe.voting is None else Voting.of_data(recipe.voting)
    run = Run.objects.create(
        name=f"{recipe.name} (dry run)" if dry_run else recipe.name,
        benchmark=benchmark,
        mode=recipe.mode,
        baseline=models.get(recipe.baseline),
        baselines=baselines,
        rubric=rubric,
        order=recipe.order,
        turns=recipe.turns,
        budget=recipe.budget,
        cache=recipe.cache,
        collects=any(model.provider for model in models.values()) and not dry_run,
        limits=recipe.limits if how is None else {**recipe.limits, "overlap": how.overlap},
        voting={} if how is None else how.as_data(),
        seed=recipe.seed,
        recipe={**told, "digest": digest},
        provenance=Provenance.DRY_RUN if dry_run else provenance_of_run(benchmark, models.values()),
    )
    run.candidates.set(models.values())
    run.judges.set(judges)
    _begin_trial(run, judges, report)
    if not is_connected(run, [model.pk for model in models.values()]):
        message = (
            "leaves some models without any way to compare them with the others: allow more pairs, or more questions"
        )
        report.problems.append(Problem(recipe.file or recipe.name, 0, "limits.pairs", message))
        raise BadInput(report)
    _check_cases(run, judges, recipe, report)
    _check_machines(run, recipe, report)
    return run


def _baselines(
    recipe: Recipe, benchmark: Benchmark, models: Mapping[str, LanguageModel], report: Report
) -> dict[str, int]:
    """Baselines by category, both by id; a problem where a category has no questions here, or has some and no baseline."""
    if not recipe.baselines:
        return {}
    asked = questions_of(Run(benchmark=benchmark, limits=recipe.limits))
    there = dict(Question.objects.filter(benchmark=benchmark).order_by().values_list("category__key", "category"))
    wanted = set(asked.order_by().values_list("category__key", flat=True))
    for key in recipe.baselines.keys() - there.keys() - {REST}:
        report.problems.append(
            Problem(recipe.file or recipe.name, 0, f"baseline.{key}", "is no category of these questions")
        )
    if REST not in recipe.baselines and (lacking := sorted(wanted - recipe.baselines.keys())):
        message = f'has nothing for {", ".join(lacking)}: name them, or "{REST}" for all others'
        report.problems.append(Problem(recipe.file or recipe.name, 0, "baseline", message))
    return {str(there[key]): models[name].pk for key, name in recipe.baselines.items() if key in there}


def _begin_trial(run: Run, judges: Iterable[Judge], report: Report) -> None:
    """Give a run that asks anew its trial, and say what that means."""
    run.trial = trial_of(run, run.candidates.all(), judges)
    if run.trial:
        run.save(update_fields=["trial"])
        report.note(
            f"cache: false asks anew what is on record: kept apart as trial {run.trial}, which no rating counts"
        )


def _digest(told: dict[str, Any]) -> str:
    """What tells a recipe from others. The budget does not: a run whose budget was raised goes on, with what it has spent."""
    kept = {name: value for name, value in told.items() if name != "budget"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def _within_budget(run: Run, budget: float | None) -> Run:
    """The run, with this budget from now on."""
    if run.budget != budget:
        run.budget, run.recipe["budget"] = budget, budget
        run.save(update_fields=["budget", "recipe"])
    return run


def _check_cases(run: Run, judges: Iterable[Judge], recipe: Recipe, report: Report) -> None:
    """Raises BadInput where the rubric has no template for what some questions have."""
    if missing := cases_without(run.rubric, run, judges):
        message = f"{run.rubric} has no template for {told_cases(missing)}"
        report.problems.append(Problem(recipe.file or recipe.name, 0, "rubric", message))
        raise BadInput(report)


def _check_categories(rubric: Rubric, benchmark: Benchmark, recipe: Recipe, report: Report) -> None:
    """A problem where the rubric has nothing for a category of the questions."""
    asked = questions_of(Run(benchmark=benchmark, limits=recipe.limits))
    if missing := categories_without(rubric, asked):
        message = f"{rubric} has nothing for the categories {', '.join(category.key for category in missing)}"
        report.problems.append(Problem(recipe.file or recipe.name, 0, "rubric", message))


def _check_machines(run: Run, recipe: Recipe, report: Report) -> None:
    """Raises BadInput where a judge's options do not go with each other or with the rubric."""
    try:
        machines_of(run, key=lambda _model: "")
    except ValueError as error:
        report.problems.append(Problem(recipe.file or recipe.name, 0, "judges", str(error)))
        raise BadInput(report) from None


def demo_models(benchmark: Benchmark, models: Iterable[LanguageModel]) -> list[str]:
    """Names of the models of a demo among these, where the benchmark is none: verdicts beside them would count for nobody."""
    if benchmark.is_demo:
        return []
    return sorted(model.name for model in models if model.provenance == Provenance.DEMO)


def _check_prices(recipe: Recipe, report: Report) -> None:
    """A problem for every model that is asked within a budget and has no price."""
    if recipe.budget is None:
        return
    asked = [spec for spec in recipe.models if spec.provider]
    asked += [one.model for judge in recipe.judges for one in judge.everybody() if one.model]
    for spec in asked:
        if spec.price_in is None or spec.price_out is None:
            line, field = spec.where("price_in" if spec.price_in is None else "price_out")
            told = f"{field}.price_in and price_out" if field == spec.place else field
            message = f"is missing: a budget needs the price of every model that is asked, and {spec.name} has none"
            report.problems.append(Problem(recipe.file or recipe.name, line, told, message))


def _check_demo(benchmark: Benchmark, models: Iterable[LanguageModel], recipe: Recipe, report: Report) -> None:
    """A problem for every model of a demo on a benchmark that is none."""
    for name in demo_models(benchmark, models):
        message = f"{name} is a demo's model, and {benchmark} is no demo: nothing that is judged beside it would count"
        report.problems.append(Problem(recipe.file or recipe.name, 0, "models", message))


def provenance_of_run(benchmark: Benchmark, models: Iterable[LanguageModel]) -> str:
    """What a run on these is: a demo's where the questions or an answering model are. A judge marks its own rows only."""
    parts = (benchmark, *models)
    return Provenance.DEMO if any(part.provenance == Provenance.DEMO for part in parts) else Provenance.REAL


def _check_keys(recipe: Recipe, stages: tuple[str, ...], report: Report) -> None:
    """A problem for every key that these stages need and the environment does not have."""
    asked = [spec for spec in recipe.models if spec.provider] if "answers" in stages else []
    if "judgments" in stages:
        asked += [one.model for judge in recipe.judges for one in judge.everybody() if one.model]
    for spec in asked:
        told = {"provider": spec.provider, "base_url": spec.base_url}
        if spec.key_env and (message := why_no_key(spec.key_env, **told)):
            line, field = spec.where("key_env")
            report.problems.append(Problem(recipe.file or recipe.name, line, field, message))


def _load(recipe: Recipe, report: Report) -> Benchmark:
    """The recipe's benchmark, with its files loaded."""
    read = FORMATS[recipe.format]
    batch = read(recipe.questions, report, language=recipe.language) if recipe.questions else Batch()
    for spec in recipe.models:
        if spec.answers:
            record = ModelRecord(
                spec.name, spec.version, spec.vendor, (("family", spec.family), ("licence", spec.licence))
            )
            batch.answers += read(spec.answers, report, model=record).answers
    benchmark = write(
        batch,
        Target(recipe.benchmark, recipe.benchmark_version, provenance=Provenance.IMPORTED),
        report,
        check_problems=validate_check,
    )
    if not benchmark.questions.exists():
        message = f"{benchmark} has no questions, and the recipe names no file of them"
        report.problems.append(Problem(recipe.file or recipe.name, 0, "benchmark.questions", message))
    return benchmark


def _model(spec: ModelSpec, recipe: Recipe, report: Report) -> LanguageModel:
    """The model's row, made or found by name and version; where it answers may change, how it is asked may not."""
    wanted = {
        "vendor": spec.vendor,
        "provider": spec.provider,
        "endpoint_model": spec.model,
        "base_url": spec.base_url,
        "key_env": spec.key_env,
        "options": spec.options,
        "family": spec.family,
        "licence": spec.licence,
        "aliases": spec.aliases,
        "price_in": spec.price_in,
        "price_out": spec.price_out,
        "limits": spec.limits,
    }
    model, made = LanguageModel.objects.get_or_create(name=spec.name, version=spec.version, defaults=wanted)
    if made:
        return model
    for field in _clashes(spec, model, wanted):
        there = without_secrets(getattr(model, field))
        message = f"{spec.name} {spec.version} is there with {there!r}; give it another version"
        report.problems.append(Problem(recipe.file, spec.line, f"models.{spec.name}.{field}", message))
    LanguageModel.objects.filter(pk=model.pk).update(**_fill(spec, wanted))
    model.refresh_from_db()
    return model


def _clashes(spec: ModelSpec, model: LanguageModel, wanted: dict[str, Any]) -> list[str]:
    """The fields in which the recipe contradicts who is there; what one of them leaves unstated is no contradiction."""
    fields = IDENTITY if spec.provider and model.provider else ()
    if UNSTATED not in (spec.vendor, model.vendor):
        fields = ("vendor", *fields)
    return [field for field in fields if getattr(model, field) != wanted[field]]


def _fill(spec: ModelSpec, wanted: dict[str, Any]) -> dict[str, Any]:
    """What the recipe adds to a model that is there; how it is asked only where the recipe names its endpoint."""
    told = {name: value for name, value in wanted.items() if value not in EMPTY}
    if spec.vendor == UNSTATED:
        del told["vendor"]
    if spec.provider:
        return {**told, **{name: wanted[name] for name in WHERE}}
    return {name: value for name, value in told.items() if name not in (*IDENTITY, *WHERE)}


def _dry(spec: JudgeSpec) -> JudgeSpec:
    return JudgeSpec(f"dry run of {spec.name}", "dry_run", options={"seed": 1})


def _judge(spec: JudgeSpec, recipe: Recipe, report: Report) -> Judge:
    """The judge's row; another model or other options under the same name make its next version.

    A panel of other members is another one too. How the model is asked is the judge's own affair: one model at two temperatures is two judges.
    """
    model, options = None, spec.options
    if spec.model:
        asked_as = spec.model.options
        there = LanguageModel.objects.filter(name=spec.model.name, version=spec.model.version).first()
        model = _model(replace(spec.model, options=there.options if there else {}), recipe, report)
        options = {**options, "sampling": asked_as} if asked_as else options
    members = [(_judge(member, recipe, report).pk, member.weight) for member in spec.members]
    namesakes = Judge.objects.filter(name=spec.name).order_by("version")
    for judge in namesakes:
        same = (judge.kind, judge.model_id, judge.options) == (spec.kind, model.pk if model else None, options)
        if same and list(judge.seats.values_list("member", "weight")) == members:
            return judge
    version = max((judge.version for judge in namesakes), default=0) + 1
    judge = Judge.objects.create(name=spec.name, version=version, kind=spec.kind, model=model, options=options)
    Seat.objects.bulk_create(
        Seat(panel=judge, member_id=member, weight=weight, position=position)
        for position, (member, weight) in enumerate(members)
    )
    return judge


def own_rubric(recipe: Recipe) -> Rubric:
    """The rubric that the recipe holds, as a row; other words under the same name are its next version."""
    namesakes = Rubric.objects.filter(name=recipe.rubric).order_by("version")
    wanted = Rubric(name=recipe.rubric, version=len(namesakes) + 1, **recipe.own_rubric)
    for rubric in namesakes:
        if rubric.text() == wanted.text():
            return rubric
    wanted.version = max((rubric.version for rubric in namesakes), default=0) + 1
    wanted.save()
    return wanted


def rubric_named(name: str, recipe: Recipe, report: Report) -> Rubric | None:
    """The newest rubric of this name; "standard" is ours for the mode, made where it is missing."""
    if name == "standard":
        return standard_rubric(recipe.mode)
    rubric = Rubric.objects.filter(name=name).order_by("-version").first()
    if rubric is None:
        report.problems.append(Problem(recipe.file, 0, "rubric", f"there is no rubric {name!r}"))
    return rubric


def standard_rubric(mode: str) -> Rubric:
    """Our own rubric for single answers or for pairs, as a row."""
    text = default_rubric("single" if mode == "single" else "pair")
    fields: dict[str, Any] = {
        "instructions_en": text.instructions.get("en", ""),
        "instructions_zh": text.instructions.get("zh", ""),
        "lowest": text.lowest,
        "highest": text.highest,
        "dimensions": [
            {
                "key": dimension.key,
                "weight": dimension.weight,
                **{f"name_{language}": words for language, words in dimension.name.items()},
                **{f"description_{language}": words for language, words in dimension.description.items()},
            }
            for dimension in text.dimensions
        ],
    }
    titles = {"title_en": f"Standard rubric ({'single answers' if mode == 'single' else 'pairs'})"}
    titles["title_zh"] = "标准评分标准（单个回答）" if mode == "single" else "标准评分标准（成对比较）"
    newest = Rubric.objects.filter(name=text.name).order_by("-version").first()
    if newest and all(getattr(newest, name) == value for name, value in fields.items()):
        return newest
    return Rubric.objects.create(name=text.name, version=newest.version + 1 if newest else 1, **fields, **titles)
