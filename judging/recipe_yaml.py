"""A run's recipe as the YAML that `evaluate` reads, and such YAML as what the form for a new run starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from django.utils.translation import gettext as _

from arena.loading.records import BadInput
from arena.models import Benchmark, Category, LanguageModel
from judging.machines import SAMPLING
from judging.models import Judge, Rubric, Run
from judging.preparing import standard_rubric
from judging.recipes import JudgeSpec, ModelSpec, Recipe, recipe_of
from judging.recipes.recipe import REST
from judging.voting import Voting
from judging.voting_form import as_initial

LONGEST = 256 * 1024  # characters of YAML that are read
OF_MODELS = ("family", "licence", "aliases", "price_in", "price_out", "limits")


class NotRead(ValueError):
    """YAML that is no recipe; `problems` says why, a sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(self.problems))


def as_yaml(run: Run, candidates: Iterable[LanguageModel], judges: Iterable[Judge]) -> str:
    """The run's recipe; it may be unsaved. Keys of endpoints are named by their variable, as everywhere. Where the benchmark is on
    another site, its questions have to be added (`benchmark.questions`)."""
    models = list(candidates)
    if run.baseline_id and run.baseline_id not in {model.pk for model in models}:
        models.append(run.baseline)
    judges = list(judges)
    limits = {name: value for name, value in run.limits.items() if name not in ("overlap", "anchors")}
    voting = Voting.of(run)
    told: dict[str, Any] = {
        "name": run.name[:190] or "run",
        "mode": str(run.mode),
        "benchmark": {"name": run.benchmark.name, "version": run.benchmark.version},
        "models": [model_as_data(model, asked=run.collects) for model in models],
        "baseline": _baseline(run, models),
        "judges": [judge_as_data(judge) for judge in judges],
        "rubric": {"name": run.rubric.name, **run.rubric.as_data()},
        "order": str(run.order),
        "turns": str(run.turns),
        "budget": run.budget,
        "cache": run.cache,
        "limits": limits,
        "seed": run.seed,
        "voting": None if judges else {**voting.as_data(), "overlap": voting.overlap},
    }
    return yaml.safe_dump(_said(told), allow_unicode=True, sort_keys=False, width=120)


def _baseline(run: Run, models: Iterable[LanguageModel]) -> str | dict[str, str] | None:
    """The name of the baseline, or those of the categories that have one of their own and of the rest. A query for those."""
    if not run.baselines:
        return run.baseline.name if run.baseline_id else None
    names = {model.pk: model.name for model in models}
    keys = dict(Category.objects.filter(pk__in=run.baselines).values_list("pk", "key"))
    told = {keys[int(pk)]: names[model] for pk, model in run.baselines.items() if int(pk) in keys}
    return {**told, REST: run.baseline.name}


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""
    return {name: value for name, value in told.items() if value not in (None, "", [], {}, ())}


def model_as_data(model: LanguageModel, *, asked: bool = True) -> dict[str, Any]:
    """A model as a recipe says it; with its endpoint where it is `asked`."""
    told: dict[str, Any] = {"name": model.name, "version": model.version, "vendor": model.vendor}
    if asked and model.provider:
        told |= {"provider": model.provider, "model": model.endpoint_model, "base_url": model.base_url}
        told |= {"key_env": model.key_env, "options": model.options}
    return _said(told | {name: getattr(model, name) for name in OF_MODELS})


def judge_as_data(judge: Judge, *, weight: float | None = None) -> dict[str, Any]:
    """A judge as a recipe says it, with its members. A query for each panel."""
    options = {name: value for name, value in judge.options.items() if name != SAMPLING}
    told: dict[str, Any] = {"kind": str(judge.kind)}
    if judge.model_id:
        model = model_as_data(judge.model)
        told |= model | {"options": {**judge.model.options, **judge.options.get(SAMPLING, {})}}
    told |= {"name": judge.name, "weight": weight} | options
    if judge.kind in Judge.COMPOSED:
        seats = judge.seats.select_related("member__model").order_by("position", "pk")
        told["members"] = [judge_as_data(seat.member, weight=seat.weight) for seat in seats]
    return _said(told)


def initial_of(text: str) -> tuple[dict[str, Any], list[str]]:
    """What the form starts from for this YAML, and what of it is not here: models, judges, a rubric, each in a sentence.

    Files that it names are not looked at: what it needs is loaded by an upload or by `evaluate`. Raises NotRead.
    """
    recipe = _recipe(_plain(text))
    missing: list[str] = []
    benchmark = Benchmark.objects.filter(name=recipe.benchmark, version=recipe.benchmark_version).first()
    if benchmark is None:
        missing.append(
            _("There is no benchmark %(name)s here.") % {"name": f"{recipe.benchmark} v{recipe.benchmark_version}"}
        )
    models = {spec.name: _model(spec, missing) for spec in recipe.models}
    judges = [_judge(spec, missing) for spec in recipe.judges]
    baseline = models.get(recipe.baseline)
    initial = {
        **as_initial(Voting() if recipe.voting is None else Voting.of_data(recipe.voting)),
        "name": recipe.name,
        "benchmark": benchmark.pk if benchmark else None,
        "mode": recipe.mode,
        "candidates": [
            model.pk for name, model in models.items() if model and (recipe.baselines or name != recipe.baseline)
        ],
        "baseline": baseline.pk if baseline else None,
        "baselines": "\n".join(f"{key}: {name}" for key, name in recipe.baselines.items() if key != REST),
        "collects": "answers" in recipe.stages and any(spec.provider for spec in recipe.models),
        "questions": recipe.limits.get("questions"),
        "keys": "\n".join(recipe.limits.get("keys", [])),
        "people": recipe.voting is not None,
        "judges": [judge.pk for judge in judges if judge],
        "rubric": _rubric(recipe, missing),
        "order": recipe.order,
        "turns": recipe.turns,
        "pairs": recipe.limits.get("pairs"),
        "voted": recipe.limits.get("voted", False),
        "samples": recipe.limits.get("samples"),
        "concurrency": recipe.limits.get("concurrency"),
        "budget": recipe.budget,
        "seed": recipe.seed,
        "fresh": not recipe.cache,
    }
    return initial, missing


def _plain(text: str) -> dict[str, Any]:
    """The YAML's keys and values, without the files it names. Raises NotRead."""
    if len(text) > LONGEST:
        raise NotRead([_("This is too long for a recipe: at most %(n)d characters are read.") % {"n": LONGEST}])
    try:
        if any(isinstance(event, yaml.events.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise NotRead([_("Anchors and aliases are not read here: write everything out.")])
        told = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, NotRead):
            raise
        raise NotRead([_("This is not YAML: %(reason)s") % {"reason": " ".join(str(error).split())[:300]}]) from None
    if not isinstance(told, dict):
        raise NotRead([_("This is no recipe: it has no keys such as mode, benchmark and models.")])
    if "answers_gen" in told or "reviews_gen" in told:
        raise NotRead(
            [_("This is a configuration of another program that names files: run it by the command evaluate.")]
        )
    if isinstance(told.get("benchmark"), dict):
        told["benchmark"].pop("questions", None)
    for model in told.get("models") or [] if isinstance(told.get("models"), list) else []:
        if isinstance(model, dict):
            model.pop("answers", None)
    return told


def _recipe(told: Mapping[str, Any]) -> Recipe:
    try:
        return recipe_of(told)
    except BadInput as bad:
        raise NotRead(f"{problem.field or '-'}: {problem.message}" for problem in bad.report.problems) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        raise NotRead([_("This is no recipe: %(reason)s") % {"reason": " ".join(str(error).split())[:300]}]) from None


def _model(spec: ModelSpec, missing: list[str]) -> LanguageModel | None:
    model = LanguageModel.objects.filter(name=spec.name, version=spec.version).first()
    if model is None:
        missing.append(_("There is no model %(name)s here.") % {"name": f"{spec.name} {spec.version}"})
    return model


def _judge(spec: JudgeSpec, missing: list[str]) -> Judge | None:
    """The newest judge of this name and kind, if it has the options that are asked for."""
    namesakes = Judge.objects.filter(name=spec.name, kind=spec.kind).order_by("-version")
    for judge in namesakes:
        if _options(judge) == (spec.options, spec.model.options if spec.model else {}):
            return judge
    missing.append(
        _("There is a judge %(name)s here, with other options; add yours as its next version.") % {"name": spec.name}
        if namesakes
        else _("There is no judge %(name)s (%(kind)s) here.") % {"name": spec.name, "kind": spec.kind}
    )
    return None


def _options(judge: Judge) -> tuple[dict[str, Any], dict[str, Any]]:
    """The judge's own options, and those that its model is asked with."""
    own = {name: value for name, value in judge.options.items() if name != SAMPLING}
    return own, {**judge.model.options, **judge.options.get(SAMPLING, {})} if judge.model_id else {}


def _rubric(recipe: Recipe, missing: list[str]) -> int | None:
    """The rubric of this name and, where the recipe holds it, these words; "standard" is ours."""
    if recipe.rubric == "standard" and not recipe.own_rubric:
        return standard_rubric(recipe.mode).pk
    namesakes = Rubric.objects.filter(name=recipe.rubric).order_by("-version")
    if not recipe.own_rubric:
        if newest := namesakes.first():
            return newest.pk
    else:
        wanted = Rubric(name=recipe.rubric, **recipe.own_rubric).text()
        for rubric in namesakes:
            if rubric.text() == wanted:
                return rubric.pk
    missing.append(
        _("There is a rubric %(name)s here, with other words; add yours as its next version.") % {"name": recipe.rubric}
        if namesakes
        else _("There is no rubric %(name)s here.") % {"name": recipe.rubric}
    )
    return None
