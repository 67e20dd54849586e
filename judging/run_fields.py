"""What a lead is asked for a run, field by field."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from arena.models import Benchmark, Category, LanguageModel, Question
from judging.models import Judge, Rubric, Run
from judging.recipes.judges import LARGEST_SEED
from judging.recipes.recipe import MOST_AT_ONCE, MOST_PAIRS, MOST_QUESTIONS, MOST_SAMPLES
from judging.voting_form import VotingFields


class Choices(forms.ModelMultipleChoiceField):
    """Boxes to tick; an id that no database could hold is an unknown one."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value):
        try:
            return super().clean(value)
        except OverflowError:  # SQLite, from a number above 64 bits
            code = "invalid_choice"
            raise forms.ValidationError(self.error_messages[code], code, {"value": ", ".join(value)}) from None


class ModelChoices(Choices):
    """Models by name, version and vendor: two versions of one name are two models."""

    def label_from_instance(self, model: LanguageModel) -> str:
        return f"{model.name} {model.version} ({model.vendor})"


class JudgeChoices(Choices):
    def label_from_instance(self, judge: Judge) -> str:
        return f"{judge} ({judge.get_kind_display()})"


class RubricChoice(forms.ModelChoiceField):
    def label_from_instance(self, rubric: Rubric) -> str:
        return f"{rubric.title} ({rubric})"


class BenchmarkChoice(forms.ModelChoiceField):
    def label_from_instance(self, benchmark: Benchmark) -> str:
        return f"{benchmark.title} ({benchmark})"


class RunFields(VotingFields):
    """The fields of a run's recipe."""

    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("What you will know this run by in lists."))
    benchmark = BenchmarkChoice(label=_("Benchmark"), queryset=Benchmark.objects.all(), empty_label=None)
    mode = forms.ChoiceField(label=_("Mode"), choices=Run.Mode.choices, widget=forms.RadioSelect)
    candidates = ModelChoices(
        label=_("Candidate models"),
        queryset=LanguageModel.objects.exclude(
            provider=LanguageModel.Provider.SCRIPTED, answers__isnull=True
        ).distinct(),
        help_text=_("The models whose answers are judged."),
    )
    baseline = forms.ModelChoiceField(
        label=_("Baseline"),
        queryset=LanguageModel.objects.exclude(
            provider=LanguageModel.Provider.SCRIPTED, answers__isnull=True
        ).distinct(),
        required=False,
        empty_label=_("choose the model that the others are compared with"),
        help_text=_("Baseline mode only."),
    )
    baselines = forms.CharField(
        label=_("Baselines of single categories"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "mono"}),
        help_text=_("Baseline mode only; one a line, the category's key and a candidate: maths: model-a"),
    )
    collects = forms.BooleanField(
        label=_("Ask the models for missing answers first"),
        required=False,
        help_text=_("Models without an endpoint keep the answers they have."),
    )
    people = forms.BooleanField(
        label=_("Open for votes by people, in place of machine judges"),
        required=False,
        help_text=_("Annotators find the run under Vote at once."),
    )
    judges = JudgeChoices(
        label=_("Machine judges"),
        queryset=Judge.objects.filter(kind__in=Judge.WITH_ENGINE),
        required=False,
        help_text=_("Each one judges every item. Another prompt or temperature is another judge."),
    )
    rubric = RubricChoice(label=_("Rubric"), queryset=Rubric.objects.all(), empty_label=None)
    order = forms.ChoiceField(
        label=_("Order shown"),
        choices=Run.Order.choices,
        initial=Run.Order.BOTH,
        required=False,
        help_text=_(
            "Both orders show whether a judge leans to the first or the second answer. People get a random side each."
        ),
    )
    turns = forms.ChoiceField(
        label=_("What is judged"),
        choices=Run.Turns.choices,
        initial=Run.Turns.WHOLE,
        required=False,
        help_text=_("Questions of several turns: the whole conversation at once, or every turn by itself."),
    )
    samples = forms.IntegerField(
        label=_("Answers of each model to a question"),
        min_value=1,
        max_value=MOST_SAMPLES,
        required=False,
        help_text=_("Several answers of one model to one question, each judged; 1 where you leave this empty."),
    )
    pairs = forms.IntegerField(
        label=_("Pairs on each question"),
        min_value=1,
        max_value=MOST_PAIRS,
        required=False,
        help_text=_(
            "Pairwise mode only: so many pairs of models meet on each question, drawn by the seed so that all pairs come equally often; empty means all pairs on every question."
        ),
    )
    voted = forms.BooleanField(
        label=_("Only pairs that people have judged"),
        required=False,
        help_text=_("To put judges to the test: what no person has judged is not asked about."),
    )
    budget = forms.FloatField(
        label=_("Budget"),
        min_value=0,
        required=False,
        help_text=_(
            "The run pauses when its calls have cost so much, in the currency of the models' prices; empty means no limit."
        ),
    )
    questions = forms.IntegerField(
        label=_("Question limit"),
        min_value=1,
        max_value=MOST_QUESTIONS,
        required=False,
        help_text=_("Only the first so many questions; empty means all."),
    )
    categories = forms.MultipleChoiceField(
        label=_("Only these categories"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Those of the benchmark, with their questions; none ticked means all."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Only these languages"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("None ticked means all."),
    )
    keys = forms.CharField(
        label=_("Only the questions with these keys"),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        required=False,
        help_text=_("One on each line, as the benchmark's page names them; empty means all."),
    )
    concurrency = forms.IntegerField(
        label=_("Calls at a time"),
        min_value=1,
        max_value=MOST_AT_ONCE,
        required=False,
        help_text=_(
            "How many calls are under way at once; 8 where you leave this empty. An endpoint's own limits are kept to."
        ),
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=LARGEST_SEED,
        required=False,
        help_text=_(
            "Draws the order shown where that is random, and which pairs meet where not all do; 1 where you leave this empty."
        ),
    )
    fresh = forms.BooleanField(
        label=_("Ask every prompt anew"),
        required=False,
        help_text=_(
            "Verdicts and replies on record are not used. What has been judged already is judged once more and kept apart: ratings go on counting the first verdict."
        ),
    )
    try_out = forms.IntegerField(widget=forms.HiddenInput, required=False)
    preview_question = forms.CharField(
        label=_("Question"),
        required=False,
        max_length=120,
        help_text=_("Its key; empty means the first that has answers."),
    )
    preview_judge = forms.ModelChoiceField(
        label=_("Judge"),
        queryset=Judge.objects.filter(kind__in=Judge.WITH_ENGINE),
        required=False,
        empty_label=_("the first that is chosen"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["categories"].choices = lambda: category_choices(self._shown)
        self.fields["languages"].choices = lambda: language_choices(self._shown)

    @cached_property
    def _shown(self) -> QuerySet[Question]:
        """The questions of the benchmark that is chosen, which is the first one where none is. No query, or one."""
        chosen = self["benchmark"].value()
        if chosen in (None, ""):
            first = self.fields["benchmark"].queryset.first()
            chosen = first.pk if first else 0
        text = str(getattr(chosen, "pk", chosen))
        is_id = text.isascii() and text.isdigit() and len(text) < 18
        return Question.objects.filter(benchmark=int(text) if is_id else 0)


def category_choices(questions: QuerySet[Question]) -> list[tuple[str, str]]:
    """The categories of these questions, in the reader's language, each with how many it has. One query."""
    n = Count("questions", filter=Q(questions__in=questions))
    return [(one.key, f"{one.name} ({one.n})") for one in Category.objects.annotate(n=n).filter(n__gt=0)]


def language_choices(questions: QuerySet[Question]) -> list[tuple[str, str]]:
    """The languages that these questions are in, each with how many there are. One query."""
    found = questions.order_by("language").values_list("language").annotate(n=Count("pk"))
    names = {"en": _("English"), "zh": _("Chinese")}
    return [(language, f"{names.get(language, language)} ({n})") for language, n in found]
