"""The form a lead sets up a run with, and what that run would take."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from arena.models import Answer, Benchmark, LanguageModel, Provenance, Question
from judging import tasks
from judging.models import Grade, Judge, Preference, Rubric, Run

MOST_QUESTIONS = 1_000_000
MOST_VOTES = 100


class ModelChoices(forms.ModelMultipleChoiceField):
    """Models by name, version and vendor: two versions of one name are two models."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, model: LanguageModel) -> str:
        return f"{model.name} {model.version} ({model.vendor})"


class JudgeChoices(forms.ModelMultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, judge: Judge) -> str:
        return f"{judge} ({judge.get_kind_display()})"


class RubricChoice(forms.ModelChoiceField):
    def label_from_instance(self, rubric: Rubric) -> str:
        return f"{rubric.title} ({rubric})"


class BenchmarkChoice(forms.ModelChoiceField):
    def label_from_instance(self, benchmark: Benchmark) -> str:
        return f"{benchmark.title} ({benchmark})"


@dataclass(frozen=True)
class Estimate:
    """What a run would take, counted before it starts.

    `items` are answers (single) or battles; `judgments` all there will be, of which `known` are on record already;
    `calls` go to judging models, `answer_calls` to the candidates (one a turn); `votes` are asked of people.
    `missing` lists (model, n) with answers not yet there, `keys` the environment variables that are not set here.
    """

    questions: int
    items: int
    orders: int
    judges: int
    judgments: int
    known: int
    calls: int
    answer_calls: int
    votes: int
    missing: list[tuple[LanguageModel, int]]
    keys: list[str]


class RunForm(forms.Form):
    """A run's recipe. Bad input stays in the form, with one sentence for each field."""

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
        queryset=LanguageModel.objects.all(),
        required=False,
        empty_label=_("choose the model that the others are compared with"),
        help_text=_("Baseline mode only."),
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
    overlap = forms.IntegerField(
        label=_("Votes on each item"),
        min_value=1,
        max_value=MOST_VOTES,
        required=False,
        help_text=_("How many people see the same pair or answer; 3 where you leave this empty."),
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
    questions = forms.IntegerField(
        label=_("Question limit"),
        min_value=1,
        max_value=MOST_QUESTIONS,
        required=False,
        help_text=_("Only the first so many questions; empty means all."),
    )

    @staticmethod
    def sensible() -> dict:
        """What the empty form starts from."""
        return {"mode": Run.Mode.PAIRWISE, "order": Run.Order.BOTH, "overlap": 3}

    def clean(self) -> dict:
        """What belongs together: mode and models, judges or people."""
        cleaned = super().clean()
        if cleaned.get("mode") == Run.Mode.BASELINE:
            self._clean_baseline(cleaned)
        else:
            cleaned["baseline"] = None
        if cleaned.get("mode") == Run.Mode.PAIRWISE and 0 < len(cleaned.get("candidates") or ()) < 2:
            self.add_error("candidates", _("Pairs need at least two models."))
        if cleaned.get("people"):
            cleaned["judges"] = Judge.objects.none()
        elif "judges" in cleaned and not cleaned["judges"]:
            self.add_error("judges", _("Choose at least one machine judge, or open the run for votes by people."))
        return cleaned

    def _clean_baseline(self, cleaned: dict) -> None:
        baseline, candidates = cleaned.get("baseline"), cleaned.get("candidates")
        if baseline is None and "baseline" not in self.errors:
            self.add_error("baseline", _("Choose the model that the others are compared with."))
        elif candidates is not None and not [model for model in candidates if model != baseline]:
            self.add_error("candidates", _("Choose at least one model besides the baseline."))

    @property
    def can_be_estimated(self) -> bool:
        """Whether what was entered is enough to count by; a name is not needed for that."""
        return self.is_bound and not set(self.errors) - {"name"}

    @property
    def limits(self) -> dict:
        """The run's limits, only those that are set."""
        cleaned = self.cleaned_data
        limits = {"questions": cleaned["questions"]} if cleaned.get("questions") else {}
        return limits | ({"overlap": cleaned.get("overlap") or 3} if cleaned["people"] else {})

    @property
    def order_shown(self) -> str:
        return self.cleaned_data.get("order") or Run.Order.BOTH

    @property
    def provenance(self) -> str:
        """What the run's judgments will be: a demo's where anything in it is a demo's, a dry run's, or real."""
        cleaned = self.cleaned_data
        parts = [cleaned["benchmark"], *cleaned["candidates"], *cleaned["judges"]]
        if any(part.provenance == Provenance.DEMO for part in parts):
            return Provenance.DEMO
        return Provenance.REAL

    @property
    def recipe(self) -> dict:
        """The settings in names, as the run's page echoes them and `order: fixed` reads them."""
        cleaned = self.cleaned_data
        return {
            "benchmark": str(cleaned["benchmark"]),
            "mode": cleaned["mode"],
            "models": [model.name for model in cleaned["candidates"]],
            "baseline": cleaned["baseline"].name if cleaned["baseline"] else None,
            "judges": [str(judge) for judge in cleaned["judges"]] or ["people"],
            "rubric": str(cleaned["rubric"]),
            "order": self.order_shown,
            "collects": cleaned["collects"],
            "limits": self.limits,
        }

    @transaction.atomic
    def start(self, user) -> Run:
        """The run, saved: queued for a worker, or open for votes."""
        cleaned = self.cleaned_data
        run = Run.objects.create(
            name=cleaned["name"],
            benchmark=cleaned["benchmark"],
            mode=cleaned["mode"],
            baseline=cleaned["baseline"],
            rubric=cleaned["rubric"],
            order=self.order_shown,
            collects=cleaned["collects"] and not cleaned["people"],
            limits=self.limits,
            recipe=self.recipe,
            provenance=self.provenance,
            status=Run.Status.OPEN if cleaned["people"] else Run.Status.DRAFT,
            created_by=user,
        )
        run.candidates.set(cleaned["candidates"])
        run.judges.set(cleaned["judges"])
        if not cleaned["people"]:
            run.enqueue()
            tasks.carry_out.delay_on_commit(run.pk)
        return run

    @cached_property
    def estimate(self) -> Estimate:
        """What this run would take, from the answers there are (or will be, where it collects). Five queries."""
        cleaned = self.cleaned_data
        models = {model.pk: model for model in cleaned["candidates"]}
        if cleaned["baseline"]:
            models.setdefault(cleaned["baseline"].pk, cleaned["baseline"])
        questions = Question.objects.filter(benchmark=cleaned["benchmark"])
        turns = {pk: len(texts) for pk, texts in questions.values_list("pk", "turns")[: cleaned.get("questions")]}
        answered = defaultdict(set)
        good = Answer.objects.ok().filter(question__benchmark=cleaned["benchmark"], model__in=models, sample=0)
        for question, model in good.values_list("question", "model"):
            answered[question].add(model)
        missing = {pk: [q for q in turns if pk not in answered[q]] for pk in models}
        asked = [pk for pk in models if cleaned["collects"] and not cleaned["people"] and models[pk].provider]
        for pk in asked:
            for question in missing[pk]:
                answered[question].add(pk)
        items = sum(len(self._items(answered[question])) for question in turns)
        return self._estimate(items, turns, models, missing, asked)

    def _items(self, models: set[int]) -> list[tuple[int, ...]]:
        """What there is to judge on one question that these models answered."""
        cleaned = self.cleaned_data
        if cleaned["mode"] == Run.Mode.SINGLE:
            return [(model,) for model in models]
        if cleaned["mode"] == Run.Mode.PAIRWISE:
            return list(combinations(models, 2))
        baseline = cleaned["baseline"].pk
        return [(model, baseline) for model in models if model != baseline and baseline in models]

    def _estimate(self, items, turns, models, missing, asked) -> Estimate:
        cleaned = self.cleaned_data
        judges = list(cleaned["judges"])
        orders = 2 if self.order_shown == Run.Order.BOTH and cleaned["mode"] != Run.Mode.SINGLE and judges else 1
        judgments = items * orders * len(judges)
        endpoints = [models[pk] for pk in asked if missing[pk]] + [judge.model for judge in judges if judge.model]
        names = {model.key_env for model in endpoints if model.key_env}
        return Estimate(
            questions=len(turns),
            items=items,
            orders=orders,
            judges=len(judges),
            judgments=judgments,
            known=min(judgments, self._known(list(turns), list(models))) if judges else 0,
            calls=items * orders * sum(judge.kind == Judge.Kind.LLM for judge in judges),
            answer_calls=sum(turns[question] for pk in asked for question in missing[pk]),
            votes=items * (cleaned.get("overlap") or 3) if cleaned["people"] else 0,
            missing=[(models[pk], len(questions)) for pk, questions in missing.items() if questions],
            keys=sorted(name for name in names if not os.environ.get(name)),
        )

    def _known(self, questions: list[int], models: list[int]) -> int:
        """How many of the judgments are on record under this rubric, and will not be asked for again. One query."""
        cleaned = self.cleaned_data
        mine = {"judge__in": cleaned["judges"], "rubric": cleaned["rubric"]}
        if cleaned["mode"] == Run.Mode.SINGLE:
            where = {"answer__question__benchmark": cleaned["benchmark"], "answer__model__in": models}
            return sum(
                question in set(questions)
                for question in Grade.objects.current()
                .filter(**mine, **where)
                .values_list("answer__question", flat=True)
            )
        where = {
            "battle__question__benchmark": cleaned["benchmark"],
            "battle__first__model__in": models,
            "battle__second__model__in": models,
        }
        rows = Preference.objects.current().filter(**mine, **where)
        wanted, baseline = set(questions), cleaned["baseline"]
        return sum(
            question in wanted and (baseline is None or baseline.pk in pair)
            for question, *pair in rows.values_list("battle__question", "battle__first__model", "battle__second__model")
        )
