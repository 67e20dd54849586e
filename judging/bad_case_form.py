"""The forms of bad cases: marking one, and taking cases up in a rubric."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.models import Answer, Battle, Question, storable
from judging.bad_cases import BONUS, CAUSES, DEDUCTION, DIMENSION, LONGEST_KEY, Criterion
from judging.models import Rubric, Run

KINDS = [(DIMENSION, _("a dimension")), (DEDUCTION, _("a deduction")), (BONUS, _("a bonus"))]
LEVEL = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\s*[:：=]\s*(.+)")
LONGEST = 10_000


class MarkForm(forms.Form):
    """What is wrong, and with what: a question, perhaps one answer to it or one pair."""

    question = forms.ModelChoiceField(Question.objects.all())
    answer = forms.ModelChoiceField(Answer.objects.all(), required=False)
    battle = forms.ModelChoiceField(Battle.objects.all(), required=False)
    run = forms.ModelChoiceField(Run.objects.all(), required=False)
    cause = forms.ChoiceField(choices=[(word, word) for word in CAUSES], required=False)
    text = forms.CharField(max_length=LONGEST)

    def clean(self) -> dict:
        cleaned = super().clean()
        question = cleaned.get("question")
        for name in ("answer", "battle"):
            part = cleaned.get(name)
            if question and part and part.question_id != question.pk:
                self.add_error(name, _("It belongs to another question."))
        if cleaned.get("answer") and cleaned.get("battle"):
            self.add_error("battle", _("A bad case is of an answer or of a pair."))
        return cleaned


class TakeUpForm(forms.Form):
    """One new row of a rubric. What is wrong with it the rubric itself says, at the field."""

    kind = forms.ChoiceField(label=_("What the rubric gets"), choices=KINDS)
    category = forms.CharField(label=_("Where"), required=False, max_length=200)
    key = forms.CharField(
        label=_("Key"),
        max_length=LONGEST_KEY,
        help_text=_("Short and without blanks; it stays the same when the names change."),
    )
    weight = forms.FloatField(
        label=_("Weight or points"),
        initial=1,
        help_text=_("The weight of a dimension, or the points of each one found."),
    )
    name_en = forms.CharField(label=_("Name in English"), required=False, max_length=200)
    name_zh = forms.CharField(label=_("Name in Chinese"), required=False, max_length=200)
    description_en = forms.CharField(
        label=_("Description in English"), required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3})
    )
    description_zh = forms.CharField(
        label=_("Description in Chinese"), required=False, max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-Hans"}),
    )  # fmt: skip
    levels_en = forms.CharField(
        label=_("What the marks stand for, in English"), required=False, max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=_("Of a dimension; a line for each mark: 1: wrong"),
    )  # fmt: skip
    levels_zh = forms.CharField(
        label=_("What the marks stand for, in Chinese"), required=False, max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-Hans"}),
    )  # fmt: skip
    quoted = forms.BooleanField(label=_("A deduction or bonus needs a quotation"), required=False, initial=True)
    decision = forms.CharField(label=_("What was done, in your words"), required=False, max_length=LONGEST)

    def __init__(self, *args, rubric: Rubric, **kwargs):
        super().__init__(*args, **kwargs)
        places = [("", _("the whole rubric"))]
        places += [(key, _("the variant for %(category)s") % {"category": key}) for key in rubric.variants]
        self.fields["category"] = forms.ChoiceField(
            label=_("Where"),
            choices=places,
            required=False,
            help_text=_("A variant with marks of its own sees no other rows."),
        )
        if len(places) == 1:
            self.fields["category"].widget = forms.HiddenInput()
        self.fields["kind"].initial = DEDUCTION if rubric.points else DIMENSION

    def clean(self) -> dict:
        cleaned = super().clean()
        self.levels = self._levels(cleaned) if cleaned.get("kind") == DIMENSION else []
        return cleaned

    def _levels(self, cleaned: dict) -> list[dict[str, Any]]:
        """The words of the marks, lowest first; a line that names no mark is told."""
        found: dict[float, dict[str, Any]] = {}
        for language in ("en", "zh"):
            for line in filter(str.strip, cleaned.get(f"levels_{language}", "").splitlines()):
                if not (said := LEVEL.fullmatch(line)):
                    told = _("“%(line)s” names no mark: write it as 1: words") % {"line": line.strip()[:60]}
                    self.add_error(f"levels_{language}", told)
                    continue
                mark = float(said.group(1).replace(",", "."))
                row = found.setdefault(mark, {"mark": int(mark) if mark.is_integer() else mark})
                row[f"words_{language}"] = storable(said.group(2)).strip()
        return [found[mark] for mark in sorted(found)]

    @property
    def criterion(self) -> Criterion:
        """What the valid form says."""
        cleaned = self.cleaned_data
        size = int(cleaned["weight"]) if cleaned["weight"].is_integer() else cleaned["weight"]
        row: dict[str, Any] = {
            "key": storable(cleaned["key"]),
            "weight" if cleaned["kind"] == DIMENSION else "points": size,
        }
        for name in ("name_en", "name_zh", "description_en", "description_zh"):
            if text := storable(cleaned[name]).replace("\r\n", "\n").strip():
                row[name] = text
        if self.levels:
            row["levels"] = self.levels
        if cleaned["kind"] != DIMENSION and not cleaned["quoted"]:
            row["quoted"] = False
        return Criterion(cleaned["kind"], row, cleaned["category"])

    def tell(self, found: list[tuple[str, str]]) -> None:
        """Put the rubric's problems at their fields."""
        for name, message in found:
            field = {"points": "weight", "levels": "levels_en"}.get(name.partition("[")[0], name)
            if field in self.fields:
                self.add_error(field, message)
            else:
                self.add_error(None, f"{name}: {message}".lstrip(": "))
