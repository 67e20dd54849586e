"""The form by which a lead changes how a board's judgments are counted; see `rating.snapshots.recipe`, which reads it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from arena.locking import MEANWHILE, mark_of
from arena.style import FEATURES
from rating.asking import ask
from rating.boards import FEW
from rating.data import FLIPS, TIE
from rating.models import Grouping, Leaderboard, Profile, Rating

OFF, LENGTH, FORMAT, OTHER = "off", "length", "format", "other"
STYLES: dict[str, list[str]] = {OFF: [], LENGTH: ["length"], FORMAT: list(FEATURES)}
STYLE_WORDS = [
    (OFF, _("off: no board with style held equal")),
    (LENGTH, _("length only")),
    (FORMAT, _("length and format: headings, lists, bold text")),
]
FLIP_WORDS = {
    "tie": _("a tie: the two orders cancel each other"),
    "abstain": _("nothing: such a verdict is left out, and counted among what was left out"),
    "both": _("two votes, one for each side; n then counts every order"),
}
METHOD_WORDS = {
    Rating.Method.BT: _("the strengths under which the record is most likely; the usual board"),
    Rating.Method.ELO: _("moves with each battle in the order of the record; to compare with older boards"),
    Rating.Method.STYLE: _("the same strengths with length and format of the answers taken out"),
    Rating.Method.SCORE: _("for marks given to single answers"),
}


class RecipeForm(forms.Form):
    """How a board counts. Validate and save it in one transaction; `theirs` is what somebody else saved meanwhile."""

    level = forms.FloatField(
        label=_("Level of the intervals (per cent)"),
        min_value=50,
        max_value=99.9,
        help_text=_(
            "How sure an interval is meant to be. A higher level makes intervals wider, so that more models share ranks."
        ),
    )
    methods = forms.MultipleChoiceField(
        label=_("Methods"),
        choices=[
            (value, format_lazy("{name}: {words}", name=label, words=METHOD_WORDS[value]))
            for value, label in Rating.Method.choices
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose one method at least: without any there is no board.")},
        help_text=_("Which boards are made. A board that is left out is not computed; older snapshots keep theirs."),
    )
    k = forms.FloatField(
        label=_("K of online Elo"),
        min_value=1,
        max_value=400,
        help_text=_("How many points one battle can move a model. It changes the board of online Elo alone."),
    )
    style = forms.ChoiceField(
        label=_("Style held equal"),
        choices=STYLE_WORDS,
        widget=forms.RadioSelect,
        help_text=_("What is taken out on the board with style held equal; the other boards do not change."),
    )
    flips = forms.ChoiceField(
        label=_("A verdict that turns round with the order of the answers is"),
        choices=[(value, FLIP_WORDS[value]) for value in FLIPS],
        widget=forms.RadioSelect,
        help_text=_(
            "Where a machine judge was asked in both orders and decided against itself. Under another rule than a tie the "
            "board moves with each snapshot only, not with each vote."
        ),
    )
    profile = forms.ModelChoiceField(
        label=_("Profile of the total"),
        queryset=Profile.objects.all(),
        to_field_name="name",
        required=False,
        empty_label=_("none: every category once, as a mean"),
        help_text=_("Weights of the categories in the total column, and gates. Ratings themselves do not change."),
    )
    grouping = forms.ModelChoiceField(
        label=_("Kinds of categories"),
        queryset=Grouping.objects.all(),
        to_field_name="name",
        required=False,
        empty_label=_("the groups of the categories themselves"),
        help_text=_("Boards of several categories together. Sorting them in another way needs no new judgment."),
    )
    few = forms.IntegerField(
        label=_("Preliminary below"),
        min_value=1,
        max_value=100_000,
        help_text=_("Judgments. A model with fewer is marked as preliminary; its rating stays as it is."),
    )
    mark = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, board: Leaderboard):
        super().__init__(data, initial={**as_fields(board.recipe), "mark": mark_of(board, ["recipe"])})
        self.board = board
        self.theirs: dict[str, Any] | None = None
        kept = board.recipe.get("style", STYLES[FORMAT])
        if kept not in STYLES.values():
            words = format_lazy("{words}: {names}", words=_("as it is now"), names=", ".join(kept))
            self.fields["style"].choices = [*STYLE_WORDS, (OTHER, words)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.board.pk:
            now = Leaderboard.objects.select_for_update().get(pk=self.board.pk)
            if cleaned.get("mark") != mark_of(now, ["recipe"]):
                self.theirs = as_fields(now.recipe)
                self.data = self.data.copy()
                self.data["mark"] = mark_of(now, ["recipe"])
                self.add_error(None, MEANWHILE)
        return cleaned

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """Label, what they wrote and what is written here, of every field that differs; empty where nobody came between."""
        mine = as_fields(self.recipe()) if self.theirs is not None and not self._half_filled else {}
        return [
            (str(self.fields[name].label), _written(theirs), _written(mine[name]))
            for name, theirs in (self.theirs or {}).items()
            if name in mine and theirs != mine[name]
        ]

    @property
    def _half_filled(self) -> bool:
        return bool(set(self.errors) - {"__all__"})

    def recipe(self) -> dict[str, Any]:
        """The recipe as the form says; what it does not know stays. Only for fields that are filled in well."""
        told = self.cleaned_data
        kept = {name: value for name, value in self.board.recipe.items() if name not in ("profile", "grouping")}
        named = {name: told[name].name for name in ("profile", "grouping") if told[name]}
        style = kept["style"] if told["style"] == OTHER else STYLES[told["style"]]
        return {
            **kept,
            "level": round(told["level"] / 100, 6),
            "k": told["k"],
            "methods": [method for method in Rating.Method.values if method in told["methods"]],
            "style": style,
            "flips": told["flips"],
            "few": told["few"],
            **named,
        }

    def save(self) -> Leaderboard:
        """Keep the recipe with the board and ask for a snapshot by it."""
        self.board, _made = Leaderboard.objects.get_or_create(benchmark=self.board.benchmark)
        self.board.recipe = self.recipe()
        self.board.save(update_fields=["recipe"])
        ask([self.board.benchmark_id])
        return self.board


def as_fields(recipe: dict[str, Any]) -> dict[str, Any]:
    """What the form shows for a recipe, with what holds where it says nothing."""
    style = recipe.get("style", STYLES[FORMAT])
    level = round(100 * recipe.get("level", 0.95), 4)
    return {
        "level": int(level) if level == int(level) else level,
        "k": recipe.get("k", 32),
        "methods": list(recipe.get("methods", Rating.Method.values)),
        "style": next((name for name, features in STYLES.items() if features == style), OTHER),
        "flips": recipe.get("flips", TIE),
        "profile": recipe.get("profile", ""),
        "grouping": recipe.get("grouping", ""),
        "few": recipe.get("few", FEW),
    }


def _written(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value) or "—"
