"""Putting a judge to a test that people have judged: which one, by what rubric; the run that follows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Max, Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import Benchmark
from judging.copying import LONGEST, form_of
from judging.models import Judge, Rubric, Run
from judging.preparing import standard_rubric
from judging.run_fields import RubricChoice
from judging.run_form import RunForm
from rating.meta_page import labelled

MODE = Run.Mode.PAIRWISE


class JudgeChoice(forms.ModelChoiceField):
    def label_from_instance(self, judge: Judge) -> str:
        return f"{judge} ({judge.get_kind_display()})"


class MetaForm(forms.Form):
    """Who is put to the test, and how. What the run itself refuses is told beside the field that it is about."""

    judge = JudgeChoice(
        label=gettext_lazy("Judge"),
        queryset=Judge.objects.filter(kind__in=Judge.WITH_ENGINE),
        empty_label=gettext_lazy("choose a judge"),
    )
    rubric = RubricChoice(
        label=gettext_lazy("Rubric"),
        queryset=Rubric.objects.all(),
        required=False,
        empty_label=gettext_lazy("the standard rubric for pairs"),
    )
    order = forms.ChoiceField(
        label=gettext_lazy("Order shown"),
        choices=Run.Order.choices,
        initial=Run.Order.BOTH,
        required=False,
        help_text=gettext_lazy("Both orders show whether the verdict changes when the answers change places."),
    )
    budget = forms.FloatField(
        label=gettext_lazy("Budget"),
        min_value=0,
        required=False,
        help_text=gettext_lazy("The run pauses when its calls have cost so much; empty means no limit."),
    )

    def __init__(self, *args: Any, benchmark: Benchmark, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.benchmark = benchmark

    def run_form(self) -> RunForm:
        """The form of the run that puts the judge to this test, filled in and looked through. Of a form that is valid.

        It judges the questions that people have judged, between the models whose answers they judged.
        """
        cleaned, votes = self.cleaned_data, labelled(self.benchmark)
        sides = ("battle__first_model", "battle__second_model")
        models = {pk for pair in votes.values_list(*sides).distinct() for pk in pair}
        about = votes.aggregate(sample=Max("battle__first__sample"), turn=Min("turn"))
        name = _("%(judge)s on %(benchmark)s") % {"judge": cleaned["judge"], "benchmark": self.benchmark.title}
        initial = {
            "name": name[:LONGEST],
            "benchmark": self.benchmark.pk,
            "mode": MODE,
            "candidates": sorted(models),
            "voted": True,
            "keys": "\n".join(votes.values_list("battle__question__key", flat=True).distinct()),
            "judges": [cleaned["judge"].pk],
            "rubric": (cleaned["rubric"] or standard_rubric(MODE)).pk,
            "order": cleaned["order"] or Run.Order.BOTH,
            "turns": Run.Turns.EACH if about["turn"] else Run.Turns.WHOLE,
            "samples": 1 + (about["sample"] or 0),
            "budget": cleaned["budget"],
            "seed": 1,
        }
        return form_of(initial)

    def take_over(self, form: RunForm) -> None:
        """Put what is wrong with the run beside the fields that a reader sees here."""
        names = {"judges": "judge", "rubric": "rubric", "order": "order", "budget": "budget"}
        for name, errors in form.errors.items():
            self.add_error(names.get(name), list(errors))
