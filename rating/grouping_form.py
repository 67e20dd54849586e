"""The form of a grouping: kinds as numbered rows, and for each category the number of its kind, so that it has one at most."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.locking import GuardedForm
from arena.models import Category
from rating import groupings
from rating.asking import ask, boards_with
from rating.models import Grouping

MOST_KINDS = 60


class KindForm(forms.Form):
    """One kind: its key, and its names in both languages. An empty row is none."""

    key = forms.CharField(label=_("Key"), max_length=60, required=False)
    name_en = forms.CharField(label=_("Name in English"), max_length=120, required=False)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120, required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if not told.get("key") and (told.get("name_en") or told.get("name_zh")):
            self.add_error("key", _("A kind with a name needs a key."))
        return told


KindRows = forms.formset_factory(KindForm, extra=0, max_num=MOST_KINDS, absolute_max=MOST_KINDS, validate_max=True)


class GroupingForm(GuardedForm):
    """A grouping with its rows; its name is its key and stays. Validate and save it in one transaction."""

    class Meta:
        model = Grouping
        fields = ["name", "title_en", "title_zh"]
        labels = {"name": _("Name"), "title_en": _("Title in English"), "title_zh": _("Title in Chinese")}
        help_texts = {"name": _("Small letters, digits, - and _. It is part of addresses and stays as it is.")}

    def __init__(self, data: Any = None, *, instance: Grouping | None = None, rows: int = 0):
        super().__init__(data, instance=instance)
        self.categories = list(groupings.ordinary())
        kinds = self.instance.kinds
        if self.instance.pk:
            self.fields["name"].disabled = True
        rows = min(MOST_KINDS, max(rows, len(kinds) + 2, 4))
        shown = [{name: kind[name] for name in ("key", "name_en", "name_zh")} for kind in kinds]
        shown += [{} for _ in range(rows - len(shown))]
        self.rows = KindRows(data, prefix="kinds", initial=None if data is not None else shown)
        self._add_categories(kinds, len(self.rows.forms))

    def _add_categories(self, kinds: list[dict[str, Any]], rows: int) -> None:
        number = {key: str(place) for place, kind in enumerate(kinds, 1) for key in kind["of"]}
        names = [str(self._name_of_row(place) or "") for place in range(rows)]
        choices = [("", _("in none"))] + [
            (str(place), f"{place}: {name}" if name else str(place)) for place, name in enumerate(names, 1)
        ]
        for category in self.categories:
            field = forms.ChoiceField(label=category.name, choices=choices, required=False)
            field.widget.attrs["aria-label"] = category.name
            self.fields[f"of-{category.pk}"] = field
            self.initial[f"of-{category.pk}"] = number.get(category.key, "")

    def _name_of_row(self, place: int) -> Any:
        row = self.rows.forms[place]
        return row["name_en"].value() or row["name_zh"].value() or row["key"].value()

    def _mark(self, row: Grouping) -> str:
        from arena.locking import mark_of

        return mark_of(row, ("name", "title_en", "title_zh", "kinds"))

    @property
    def differences(self) -> list[tuple[str, object, object]]:
        """As of every guarded form, and the kinds as one line."""
        found = super().differences
        if self.theirs is not None and "kinds" in self.cleaned_data and self.theirs.kinds != self.cleaned_data["kinds"]:
            found.append((str(_("Kinds")), _in_words(self.theirs.kinds), _in_words(self.cleaned_data["kinds"])))
        return found

    def sorted(self) -> list[tuple[Category, forms.BoundField]]:
        """Each category with its field."""
        return [(category, self[f"of-{category.pk}"]) for category in self.categories]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if reason := groupings.name_problem(name):
            raise forms.ValidationError(reason)
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.rows.is_valid():
            self.add_error(None, _("A kind is not filled in well: see the marked rows."))
            return cleaned
        cleaned["kinds"] = self._kinds(cleaned)
        return cleaned

    def _kinds(self, cleaned: dict[str, Any]) -> list[dict[str, Any]]:
        name = cleaned.get("name") or self.instance.name or ""
        kinds: dict[str, dict[str, Any]] = {}
        seen: set[str] = set()
        for place, row in enumerate(self.rows.forms, 1):
            told = row.cleaned_data
            of = [one.key for one in self.categories if cleaned.get(f"of-{one.pk}") == str(place)]
            key = told.get("key") or ""
            reason = self._reason(name, key, of=of, seen=seen)
            if reason:
                row.add_error("key", reason)
                self.add_error(None, _("A kind is not filled in well: see the marked rows."))
            elif key:
                names = {language: told.get(language) or "" for language in ("name_en", "name_zh")}
                kinds[str(place)] = {"key": key, **names, "of": of}
            seen.add(key)
        if not kinds and not self.errors:
            self.add_error(None, _("Give one kind at least."))
        return list(kinds.values())

    def _reason(self, name: str, key: str, *, of: list[str], seen: set[str]) -> Any:
        if not key:
            return _("Categories are in this kind, and it has no key.") if of else None
        if key in seen:
            return _("Another kind has this key.")
        return groupings.kind_problem(name, key)

    def save(self, commit: bool = True) -> Grouping:
        """Keep the grouping and the categories of its kinds; ask for a snapshot of each board that uses it."""
        self.instance.kinds = self.cleaned_data["kinds"]
        grouping = super().save(commit)
        groupings.refresh(grouping)
        ask(board.benchmark_id for board in boards_with("grouping", grouping.name))
        return grouping


def _in_words(kinds: list[dict[str, Any]]) -> str:
    return "; ".join(f"{kind['key']} ({', '.join(kind['of'])})" for kind in kinds)
