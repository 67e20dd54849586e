"""A snapshot's recipe in the reader's words, and in what two recipes differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from arena.models import in_reader_language
from rating.models import Profile, Rating
from rating.words import FEATURE_NAMES

Recipe = Mapping[str, Any]
KEYS = {
    "level": gettext_lazy("level of the intervals"),
    "k": gettext_lazy("step of online Elo"),
    "methods": gettext_lazy("methods"),
    "style": gettext_lazy("features of style held equal"),
    "flips": gettext_lazy("verdicts that change with the order"),
    "tie": gettext_lazy("ties"),
    "total": gettext_lazy("kind of total"),
    "basis": gettext_lazy("weights from"),
    "profile": gettext_lazy("profile of weights"),
    "weights": gettext_lazy("weights of categories"),
    "grouping": gettext_lazy("grouping of categories"),
    "few": gettext_lazy("preliminary below"),
}
FLIPS = {
    "tie": gettext_lazy("count as a tie"),
    "abstain": gettext_lazy("are left out"),
    "both": gettext_lazy("count as half a verdict for each order"),
}


def in_words(recipe: Recipe) -> list[tuple[str, str]]:
    """Each part of the recipe with its name, in reading order; what the recipe does not say is left out."""
    return [
        (str(KEYS[key]), WORDS.get(key, str)(value)) for key in KEYS if (value := recipe.get(key)) not in (None, "")
    ]


def differences(before: Recipe, after: Recipe) -> list[str]:
    """The names of the parts in which two recipes differ; a part without a name of its own by its key."""
    keys = [*KEYS, *sorted({*before, *after} - set(KEYS))]
    return [str(KEYS.get(key, key)) for key in keys if before.get(key) != after.get(key)]


def basis(recipe: Recipe) -> str:
    """Where the weights of a total come from: each category once, its share of the questions, or a profile by its name."""
    told = recipe.get("basis") or ("given" if recipe.get("weights") else "ones")
    if told == Profile.Basis.ONES:
        return _("each category once")
    if told == Profile.Basis.COUNTS:
        return _("by its share of the questions")
    name = recipe.get("profile")
    return _("by the weights of “%(name)s”") % {"name": name} if name else _("by weights of our own")


def _methods(value: list[str]) -> str:
    known = dict(Rating.Method.choices)
    return _join(str(known.get(one, one)) for one in value)


def _join(words: Any) -> str:
    return ", ".join(words)


def _style(value: list[str]) -> str:
    return _join(str(FEATURE_NAMES.get(one, one)) for one in value) or _("none")


def _weights(value: Mapping[str, float]) -> str:
    return _join(f"{key} {weight:g}" for key, weight in value.items()) or _("each category once")


def _grouping(value: Mapping[str, Any]) -> str:
    title = in_reader_language(value.get("title_en", ""), value.get("title_zh", "")) or value.get("name", "")
    kinds = len(value.get("kinds", ()))
    return ngettext("%(title)s, %(n)d kind", "%(title)s, %(n)d kinds", kinds) % {"title": title, "n": kinds}


def _few(value: int) -> str:
    return ngettext("%(n)d judgment", "%(n)d judgments", value) % {"n": value}


def _one_of(names: Mapping[str, Any]) -> Any:
    return lambda value: str(names.get(value, value))


WORDS: dict[str, Any] = {
    "level": lambda value: f"{100 * value:g} %",
    "methods": _methods,
    "style": _style,
    "flips": _one_of(FLIPS),
    "tie": lambda value: _("half a win for each") if value == "half a win for each" else str(value),
    "total": _one_of(dict(Profile.Mode.choices)),
    "basis": _one_of(dict(Profile.Basis.choices)),
    "weights": _weights,
    "grouping": _grouping,
    "few": _few,
}
