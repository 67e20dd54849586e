"""The form of a machine judge: only the options of its kind, each checked by the engine that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from django import forms
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, storable
from judging.editing_judges import Member, Said, around
from judging.judge_fields import FIELDS, SAMPLING_FIELDS, USUAL, problems_of
from judging.machines import SAMPLING
from judging.models import Judge
from judging.recipes.judges import MOST_MEMBERS
from judging.recipes.recipe import LONGEST_JUDGE

MORE = "more"
SPARE = 2  # empty seats shown after those taken


class ModelOfJudge(forms.ModelChoiceField):
    """Models by name, version and vendor."""

    def label_from_instance(self, model: LanguageModel) -> str:
        return f"{model.name} {model.version} ({model.vendor})"


def mapping(text: str) -> dict[str, Any]:
    """The names and values that a text of YAML holds; {} for an empty one. Raises ValidationError."""
    text = storable(text)
    try:
        # A few lines of aliases can stand for more than any machine holds, and one may hold itself.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise forms.ValidationError(_("Anchors and aliases are not read here: write everything out."))
        said = yaml.safe_load(text) if text.strip() else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = getattr(error, "problem", None) or str(error)
        raise forms.ValidationError(_("This is no YAML: %(why)s") % {"why": why}) from None
    if not isinstance(said, dict) or not all(isinstance(name, str) for name in said):
        raise forms.ValidationError(_("Names with values are meant: top_p: 0.9"))
    return said


class JudgeForm(forms.Form):
    """A judge of one kind. Bad input stays in the form, with one sentence for each field."""

    name = forms.CharField(label=_("Name"), max_length=LONGEST_JUDGE, help_text=_("Its versions share it."))

    def __init__(self, *args, kind: str, judge: Judge | None = None, seats: int = 0, **kwargs):
        super().__init__(*args, **kwargs)
        self.kind, self.judge = kind, judge
        if kind in Judge.WITH_MODEL:
            self.fields["model"] = self._model()
        if kind == Judge.Kind.LLM:
            self.fields |= {name: make() for name, make in SAMPLING_FIELDS.items()}
        self.fields |= {name: make() for name, make in FIELDS[kind].items()}
        if kind in Judge.WITH_MODEL:
            self.fields[SAMPLING] = self._yaml(
                _("Other options of the model"), _("One a line, sent with every call: top_p: 0.9")
            )
        self.fields[MORE] = self._yaml(_("Options not listed here"), _("One a line. A name that there is not is told."))
        self.seats = self._seats(seats)

    def _model(self) -> forms.Field:
        known = LanguageModel.objects.exclude(provider=LanguageModel.Provider.NONE)
        if self.kind == Judge.Kind.REWARD:
            known = known.filter(provider=LanguageModel.Provider.LOCAL)
        return ModelOfJudge(label=_("Model"), queryset=known, help_text=_("Models with an endpoint stand here."))

    def _yaml(self, label, hint) -> forms.Field:
        area = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"})
        return forms.CharField(label=label, required=False, max_length=10_000, widget=area, help_text=hint)

    def _seats(self, wanted: int) -> list[tuple[str, str]]:
        """The names of the fields of each seat, for panels and cascades; with a few empty seats at the end."""
        if self.kind not in Judge.COMPOSED:
            return []
        barred = [one.pk for one in around(self.judge)] if self.judge else []
        known = Judge.objects.filter(kind__in=Judge.WITH_ENGINE).exclude(pk__in=barred)
        choices = [(str(one.pk), f"{one} ({one.get_kind_display()})") for one in known]
        taken = sum(bool(self.data.get(f"member-{place}")) for place in range(MOST_MEMBERS)) if self.is_bound else 0
        names = []
        for place in range(min(MOST_MEMBERS, max(wanted, taken + SPARE, 2 + SPARE))):
            seat = f"member-{place}", f"weight-{place}"
            self.fields[seat[0]] = forms.ChoiceField(
                label=_("Member %(n)d") % {"n": place + 1}, choices=[("", "—"), *choices], required=False
            )
            self.fields[seat[1]] = forms.FloatField(
                label=_("Weight %(n)d") % {"n": place + 1}, min_value=0, max_value=1e9, required=False
            )
            names.append(seat)
        return names

    @property
    def seat_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[member], self[weight]) for member, weight in self.seats]

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """All fields but those of seats, and those that few need."""
        seats = {name for pair in self.seats for name in pair}
        return [self[name] for name in self.fields if name not in seats and name not in (MORE, SAMPLING)]

    @property
    def rare_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in (SAMPLING, MORE) if name in self.fields]

    @staticmethod
    def initial_of(judge: Judge) -> dict[str, Any]:
        """What the form of this judge starts from. One query for panels."""
        options = dict(judge.options)
        sampling = dict(options.pop(SAMPLING, None) or {})
        told: dict[str, Any] = {"name": judge.name, "model": judge.model_id}
        told |= {name: options.pop(name) for name in FIELDS[judge.kind] if name in options}
        if judge.kind == Judge.Kind.LLM:
            told |= {name: sampling.pop(name) for name in SAMPLING_FIELDS if name in sampling}
        told |= {SAMPLING: _dumped(sampling), MORE: _dumped(options)}
        if judge.kind in Judge.COMPOSED:
            for place, seat in enumerate(judge.seats.all()):
                told |= {f"member-{place}": str(seat.member_id), f"weight-{place}": seat.weight}
        return told

    def clean_name(self) -> str:
        return storable(self.cleaned_data["name"]).strip()

    def clean_sampling(self) -> dict[str, Any]:
        return mapping(self.cleaned_data[SAMPLING])

    def clean_more(self) -> dict[str, Any]:
        return mapping(self.cleaned_data[MORE])

    def clean(self) -> dict:
        cleaned = super().clean()
        self.members = self._members(cleaned)
        if not self.errors:
            found = problems_of(self.kind, self.options, model=cleaned.get("model"), members=len(self.members))
            for name, message in found:
                self.add_error(
                    name if name in self.fields else MORE if name else None, f"{name}: {message}".lstrip(": ")
                )
        return cleaned

    def _members(self, cleaned: Mapping[str, Any]) -> tuple[Member, ...]:
        chosen = [(cleaned.get(member), cleaned.get(weight), member) for member, weight in self.seats]
        chosen = [seat for seat in chosen if seat[0]]
        judges = Judge.objects.in_bulk([int(pk) for pk, _weight, _name in chosen])
        seen: set[str] = set()
        for pk, _weight, name in chosen:
            if pk in seen:
                self.add_error(name, _("This judge sits here twice."))
            seen.add(pk)
        if self.kind in Judge.COMPOSED and len(seen) < 2:
            self.add_error(None, _("At least two judges sit in it."))
        return tuple(Member(judges[int(pk)], 1.0 if weight is None else weight) for pk, weight, _name in chosen)

    @property
    def options(self) -> dict[str, Any]:
        """The judge's options, only those that are said."""
        cleaned = self.cleaned_data
        said = {name: cleaned[name] for name in FIELDS[self.kind] if not self._is_usual(name, cleaned.get(name))}
        sampling = dict(cleaned.get(SAMPLING) or {})
        sampling |= {name: cleaned[name] for name in SAMPLING_FIELDS if cleaned.get(name) is not None}
        return {**said, **(cleaned.get(MORE) or {}), **({SAMPLING: sampling} if sampling else {})}

    def _is_usual(self, name: str, value: Any) -> bool:
        """Whether an option with this value need not be said; one that the judge says already is said again."""
        told = self.judge.options if self.judge else {}
        if value is None or value == "":
            return True
        return (value is False or value == USUAL.get(name)) and told.get(name) != value

    @property
    def said(self) -> Said:
        """What the valid form says."""
        cleaned = self.cleaned_data
        return Said(cleaned["name"], self.kind, cleaned.get("model"), self.options, self.members)


def _dumped(said: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(said), allow_unicode=True, sort_keys=False) if said else ""
