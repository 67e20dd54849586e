"""The baselines of single categories, as a form has them and as a recipe does; rows have both by id: category, model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from arena.models import Benchmark, Category, LanguageModel
from judging.recipes.recipe import REST


def baselines_in(text: str, benchmark: Benchmark, candidates: Iterable[LanguageModel]) -> dict[str, int]:
    """The baselines that these lines name, "category: model" each. One query where there are any.

    Raises ValidationError with a sentence for each line that names none.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return {}
    used = Category.objects.filter(questions__benchmark=benchmark).distinct()
    categories, models = dict(used.values_list("key", "pk")), _by_name(candidates)
    found: dict[str, int] = {}
    problems = []
    for line in lines:
        key, _colon, name = (part.strip() for part in line.partition(":"))
        if key not in categories:
            problems.append(_("%s is no category of this benchmark.") % key)
        elif name not in models:
            problems.append(_("%s is none of the candidate models.") % name)
        elif str(categories[key]) in found:
            problems.append(_("%s stands here twice.") % key)
        else:
            found[str(categories[key])] = models[name]
    if problems:
        raise ValidationError(problems)
    return found


def _by_name(candidates: Iterable[LanguageModel]) -> dict[str, int]:
    """Models by their names where these tell them apart, and by name and version."""
    models = list(candidates)
    named = Counter(one.name for one in models)
    found = {one.name: one.pk for one in models if named[one.name] == 1}
    return found | {f"{one.name} {one.version}": one.pk for one in models}


def baselines_named(
    baseline: LanguageModel | None, baselines: Mapping[str, int], models: Iterable[LanguageModel]
) -> str | dict[str, str] | None:
    """The baseline by name, or those of categories and of the rest. A query where there are such."""
    if baseline is None or not baselines:
        return baseline and baseline.name
    names = {model.pk: model.name for model in models}
    keys = dict(Category.objects.filter(pk__in=baselines).values_list("pk", "key"))
    return {**{keys[int(pk)]: names[model] for pk, model in baselines.items()}, REST: baseline.name}


def lines_of(baselines: dict[str, int]) -> str:
    """Baselines of categories as the form has them, a line each. Two queries where there are any."""
    if not baselines:
        return ""
    keys = dict(Category.objects.filter(pk__in=baselines).values_list("pk", "key"))
    models = LanguageModel.objects.in_bulk(baselines.values())
    told = [(keys.get(int(pk)), models.get(model)) for pk, model in baselines.items()]
    return "\n".join(f"{key}: {model.name} {model.version}" for key, model in told if key and model)
