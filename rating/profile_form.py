"""The form of a profile: weights of all categories, and gates as rows."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.locking import GuardedForm, mark_of
from arena.models import Benchmark, LanguageModel
from rating import gates, groupings
from rating.asking import ask, boards_with
from rating.models import Leaderboard, Profile

MOST_GATES = 60
MOST_OFFERED = 500
KINDS = [
    ("board", _("rating on a board")),
    ("win_rate", _("win rate on a board")),
    ("score", _("score measured elsewhere")),
    ("safety", _("safety rate")),
    ("speed", _("speed")),
]
ENDS = [
    ("low", _("the low end of the interval")),
    ("value", _("the value itself")),
    ("high", _("the high end of the interval")),
]
OPS = [(">=", _("at least")), ("<=", _("at most"))]


def _known(what: str) -> forms.TextInput:
    """A field for any text that offers the names there are, from the page's list of them."""
    return forms.TextInput(attrs={"list": f"known-{what}"})


class GateForm(forms.Form):
    """One gate. A row without a name is none."""

    name = forms.CharField(label=_("Name of the gate"), max_length=120, required=False)
    kind = forms.ChoiceField(label=_("What is measured"), choices=KINDS, required=False, initial="board")
    benchmark = forms.CharField(label=_("Benchmark"), max_length=120, required=False, widget=_known("benchmarks"))
    category = forms.CharField(
        label=_("Category (empty: all)"), max_length=120, required=False, widget=_known("categories")
    )
    metric = forms.CharField(label=_("Metric or method"), max_length=80, required=False)
    source = forms.CharField(label=_("Votes from, or source"), max_length=300, required=False)
    at = forms.ChoiceField(label=_("Which value"), choices=ENDS, required=False, initial="value")
    op = forms.ChoiceField(label=_("must be"), choices=OPS, required=False, initial=">=")
    value = forms.FloatField(label=_("Threshold"), required=False)
    min_n = forms.IntegerField(label=_("Least n"), min_value=0, required=False)
    against = forms.CharField(label=_("Against model (name)"), max_length=200, required=False, widget=_known("models"))
    tolerance = forms.FloatField(label=_("Tolerance"), min_value=0, required=False)
    gone = forms.BooleanField(label=_("Take this gate out"), required=False)

    @property
    def is_none(self) -> bool:
        """Whether this row is no gate: taken out, or with nothing written in it."""
        told = self.cleaned_data
        written = ("name", "benchmark", "category", "metric", "source", "against")
        return bool(told.get("gone")) or not (any(told.get(one) for one in written) or told.get("value") is not None)

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if self.is_none:
            return told
        needed = {"name": _("Give the gate a name."), "value": _("Give a threshold: of what is measured, or of the difference."),
                  "benchmark": _("Name the benchmark.")}  # fmt: skip
        if told.get("kind") in ("score", "safety", "speed"):
            needed["metric"] = _("Name the metric.")
        for field, words in needed.items():
            if told.get(field) in (None, "") and field not in self.errors:
                self.add_error(field, words)
        return told

    def gate(self) -> dict[str, Any]:
        """The gate as `rating.gates` reads it."""
        told = self.cleaned_data
        return {
            **{name: told[name] for name in ("name", "benchmark", "category", "metric", "source")},
            "kind": told["kind"] or "board",
            "at": told["at"] or "value",
            "op": told["op"] or ">=",
            "value": told["value"],
            "min_n": told["min_n"],
            "against": told["against"] or None,
            "tolerance": told["tolerance"],
        }


GateRows = forms.formset_factory(GateForm, extra=0, max_num=MOST_GATES, absolute_max=MOST_GATES, validate_max=True)


class ProfileForm(GuardedForm):
    """A profile with its rows. Validate and save it in one transaction."""

    class Meta:
        model = Profile
        fields = ["name", "mode", "basis"]
        widgets = {"mode": forms.RadioSelect, "basis": forms.RadioSelect}
        labels = {"name": _("Name"), "mode": _("The total is a"), "basis": _("Weights are")}
        help_texts = {
            "mode": _("A sum grows with the number of categories and has no common scale with ratings: it is never called a mean."),
            "basis": _("One each, or each category's share of the benchmark's questions; or the numbers below."),
        }  # fmt: skip

    def __init__(self, data: Any = None, *, instance: Profile | None = None, rows: int = 0):
        super().__init__(data, instance=instance)
        self.was = self.instance.name
        self.categories = list(groupings.ordinary())
        there = list(self.instance.gates)
        for category in self.categories:
            weight = self.instance.weights.get(category.key)
            name = f"weight-{category.pk}"
            self.fields[name] = forms.FloatField(label=category.name, min_value=0, max_value=1e9, required=False)
            self.initial[name] = weight
        shown = there + [{} for _ in range(min(MOST_GATES, max(rows, len(there) + 1)) - len(there))]
        self.rows = GateRows(data, prefix="gates", initial=None if data is not None else shown)

    def _mark(self, row: Profile) -> str:
        return mark_of(row, ("name", "mode", "basis", "weights", "gates"))

    @property
    def differences(self) -> list[tuple[str, object, object]]:
        """As of every guarded form, and weights and gates as one line each."""
        found = super().differences
        for name, label in (("weights", _("Weights")), ("gates", _("Gates"))):
            if self.theirs is not None and name in self.cleaned_data:
                theirs, mine = getattr(self.theirs, name), self.cleaned_data[name]
                found += [(str(label), _in_words(theirs), _in_words(mine))] if theirs != mine else []
        return found

    def weighed(self) -> list[tuple[Any, forms.BoundField]]:
        """Each category with its field."""
        return [(category, self[f"weight-{category.pk}"]) for category in self.categories]

    def known(self) -> dict[str, list[str]]:
        """Names to offer in the fields of gates. Two queries."""
        return {
            "benchmarks": sorted(set(Benchmark.objects.values_list("name", flat=True)))[:MOST_OFFERED],
            "categories": [category.key for category in self.categories][:MOST_OFFERED],
            "models": sorted(set(LanguageModel.objects.values_list("name", flat=True)))[:MOST_OFFERED],
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["weights"] = self._weights(cleaned)
        if cleaned.get("basis") == Profile.Basis.GIVEN and not any(cleaned["weights"].values()):
            wrong = any(name.startswith("weight-") for name in self.errors)
            if not wrong:
                self.add_error("basis", _("Weights of our own need one category at least with a weight above 0."))
        if not self.rows.is_valid():
            self.add_error(None, _("A gate is not filled in well: see the marked rows."))
            return cleaned
        cleaned["gates"] = [row.gate() for row in self.rows.forms if not row.is_none]
        self._tell(gates.problems(cleaned["gates"]))
        return cleaned

    def _tell(self, problems: list[str]) -> None:
        """Put what those who read gates find wrong on its row and field."""
        rows = [row for row in self.rows.forms if not row.is_none]
        for problem in problems:
            where = re.match(r"gate (\d+), (\w+): (.*)", problem, re.DOTALL)
            if where and where[2] in GateForm.base_fields:
                rows[int(where[1]) - 1].add_error(where[2], where[3])
            else:
                self.add_error(None, problem)
        if problems:
            self.add_error(None, _("A gate is not filled in well: see the marked rows."))

    def _weights(self, cleaned: dict[str, Any]) -> dict[str, float]:
        """What is written, by key; weights of categories that are no longer there stay."""
        keys = {one.key for one in self.categories}
        kept = {key: weight for key, weight in self.instance.weights.items() if key not in keys}
        told = {one.key: cleaned.get(f"weight-{one.pk}") for one in self.categories}
        return {**kept, **{key: weight for key, weight in told.items() if weight is not None}}

    def save(self, commit: bool = True) -> Profile:
        """Keep the profile; boards that use it follow its name, and a snapshot of each is asked for."""
        self.instance.weights = self.cleaned_data["weights"]
        self.instance.gates = self.cleaned_data["gates"]
        profile = super().save(commit)
        boards = boards_with("profile", self.was) if self.was else []
        for board in boards:
            if profile.name != self.was:
                board.recipe["profile"] = profile.name
                Leaderboard.objects.filter(pk=board.pk).update(recipe=board.recipe)
        ask(board.benchmark_id for board in boards)
        return profile


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {weight:g}" for key, weight in value.items()) or "—"
    return "; ".join(f"{gate['name']}: {gate['op']} {gate['value']}" for gate in value) or "—"
