"""The form a lead sets up a run with, and what that run would take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from django import forms
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arena.keys import Lack, lacking
from arena.models import Benchmark, Category, LanguageModel, Question
from judging import tasks
from judging.estimating import Count, count
from judging.forecasting import Forecast, forecast
from judging.items import is_connected, questions_of
from judging.judges.base import Case
from judging.judges.composed import is_same_family
from judging.machines import with_members, with_models
from judging.models import AuditEntry, Judge, Rubric, Run, TryOut
from judging.preparing import cases_without, categories_without, demo_models, provenance_of_run
from judging.recipes.judges import LARGEST_SEED
from judging.recipes.recipe import MOST_AT_ONCE, MOST_PAIRS, MOST_QUESTIONS, MOST_SAMPLES, REST
from judging.voting import Voting
from judging.voting_form import NAMES, VotingFields, as_initial

MOST_KEYS = 5000  # questions that a run names one by one; SQLite takes no more variables than 32,766
NAMED = 5  # unknown keys that are named


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


@dataclass(frozen=True)
class Estimate:
    """What a run would take, counted before it starts.

    `items` are answers (single) or battles; `judgments` all there will be, of which `known` are on record already;
    `calls` go to judging models, `answer_calls` to the candidates (one a turn); `votes` are asked of people.
    `missing` lists (model, n) with answers not yet there, `keys` those that calls need and cannot have, `own` each
    judge with the candidates of its own family. `forecast` says what that comes to in tokens, money and time; None where
    nobody is asked.
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
    keys: list[Lack]
    own: list[tuple[Judge, list[LanguageModel]]]
    unlearnt: list[Judge]
    forecast: Forecast | None = None

    @property
    def has_free(self) -> bool:
        """Whether some of the judgments to come are made without calling a model."""
        return self.calls < self.judgments - self.known


class RunForm(VotingFields):
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
        choices=lambda: category_choices(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("None ticked means all."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Only these languages"),
        choices=lambda: language_choices(),
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
        help_text=_("Otherwise a reply on record to the very same prompt is used again and costs nothing."),
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

    @staticmethod
    def sensible() -> dict:
        """What the empty form starts from."""
        return {**as_initial(Voting()), "mode": Run.Mode.PAIRWISE, "order": Run.Order.BOTH, "seed": 1}

    def clean(self) -> dict:
        """What belongs together: mode and models, judges or people."""
        cleaned = super().clean()
        if cleaned.get("mode") == Run.Mode.BASELINE:
            self._clean_baseline(cleaned)
        else:
            cleaned["baseline"] = None
            cleaned["baselines"] = {}
        if cleaned.get("mode") == Run.Mode.PAIRWISE and 0 < len(cleaned.get("candidates") or ()) < 2:
            self.add_error("candidates", _("Pairs need at least two models."))
        self._clean_questions(cleaned)
        self._clean_pairs(cleaned)
        self._clean_rubric(cleaned)
        self._clean_budget(cleaned)
        self._clean_demo(cleaned)
        self._clean_voting(cleaned)
        if cleaned.get("people"):
            cleaned["judges"] = Judge.objects.none()
        elif "judges" in cleaned and not cleaned["judges"]:
            self.add_error("judges", _("Choose at least one machine judge, or open the run for votes by people."))
        return cleaned

    def _clean_questions(self, cleaned: dict) -> None:
        """Which questions are meant, as `chosen`: their keys; empty for all of the benchmark."""
        cleaned["chosen"] = []
        benchmark, wanted = cleaned.get("benchmark"), keys_in(cleaned.get("keys") or "")
        kinds, languages = cleaned.get("categories"), cleaned.get("languages")
        if benchmark is None or not (wanted or kinds or languages):
            return
        questions = benchmark.questions.all()
        if wanted:
            known = set(questions.values_list("key", flat=True))
            if unknown := [key for key in wanted if key not in known]:
                told = _("%(benchmark)s has no question with the key %(keys)s")
                named = ", ".join(unknown[:NAMED]) + (" …" if len(unknown) > NAMED else "")
                self.add_error("keys", told % {"benchmark": benchmark, "keys": named})
                return
        if kinds:
            questions = questions.filter(category__key__in=kinds)
        if languages:
            questions = questions.filter(language__in=languages)
        listed = set(wanted)
        keys = [key for key in questions.values_list("key", flat=True) if not wanted or key in listed]
        if not keys:
            self.add_error(
                "keys" if wanted else "categories" if kinds else "languages", _("No question is left by this choice.")
            )
        elif len(keys) > MOST_KEYS and len(keys) < benchmark.questions.count():
            told = _(
                "These are %(n)d questions; at most %(most)d are named one by one. Choose fewer, or all of the benchmark."
            )
            self.add_error(
                "keys" if wanted else "categories" if kinds else "languages", told % {"n": len(keys), "most": MOST_KEYS}
            )
        elif len(keys) < benchmark.questions.count():
            cleaned["chosen"] = keys

    def _clean_pairs(self, cleaned: dict) -> None:
        """A sparse design has to leave every model comparable with every other."""
        if cleaned.get("voted") and (cleaned.get("mode") == Run.Mode.SINGLE or cleaned.get("pairs")):
            self.add_error("voted", _("This is for runs of pairs in which all pairs may meet."))
        if not cleaned.get("pairs"):
            return
        if cleaned.get("mode") != Run.Mode.PAIRWISE:
            self.add_error("pairs", _("This is for the pairwise mode: leave it empty in other modes."))
        elif cleaned.get("benchmark") and cleaned.get("candidates"):
            limits = _limits(cleaned, "questions", "pairs")
            run = Run(benchmark=cleaned["benchmark"], mode=cleaned["mode"], limits=limits, seed=self.seed_used)
            if not is_connected(run, [model.pk for model in cleaned["candidates"]]):
                told = _(
                    "So few pairs leave some models with no way to compare them with the others: allow more pairs, or more questions."
                )
                self.add_error("pairs", told)

    def _clean_rubric(self, cleaned: dict) -> None:
        """The rubric has something for every category of the questions."""
        benchmark, rubric = cleaned.get("benchmark"), cleaned.get("rubric")
        if benchmark is None or rubric is None:
            return
        run = Run(
            benchmark=benchmark, limits=_limits(cleaned, "questions"), turns=cleaned.get("turns") or Run.Turns.WHOLE
        )
        if missing := categories_without(rubric, questions_of(run)):
            self.add_error("rubric", nothing_for(missing))
        elif not cleaned.get("people") and (cases := cases_without(rubric, run, cleaned.get("judges") or ())):
            self.add_error("rubric", no_template_for(cases))

    def _clean_voting(self, cleaned: dict) -> None:
        """How people vote is looked at only where they do."""
        if cleaned.get("people"):
            self.clean_voting(cleaned)
            self.check_ballot(cleaned.get("rubric"), is_single=cleaned.get("mode") == Run.Mode.SINGLE)
        else:
            for name in set(self.errors) & set(NAMES):
                del self.errors[name]

    def _clean_demo(self, cleaned: dict) -> None:
        """A demo's model on another benchmark would make demo data of all that is judged beside it."""
        answering = [*(cleaned.get("candidates") or ()), *filter(None, [cleaned.get("baseline")])]
        if cleaned.get("benchmark") and (names := demo_models(cleaned["benchmark"], answering)):
            told = _("These are models of the demo, and this benchmark is not: %s") % ", ".join(names)
            self.add_error("candidates", told)

    def _clean_budget(self, cleaned: dict) -> None:
        """A budget needs the price of every model that is asked."""
        asked = [seat for judge in cleaned.get("judges") or () for seat in with_models(judge)]
        if cleaned.get("collects"):
            asked += [model for model in cleaned.get("candidates") or () if model.provider]
        unpriced = sorted({model.name for model in asked if None in (model.price_in, model.price_out)})
        if cleaned.get("budget") is not None and unpriced:
            self.add_error("budget", _("A budget needs prices, and these models have none: %s") % ", ".join(unpriced))

    def _clean_baseline(self, cleaned: dict) -> None:
        baseline, candidates = cleaned.get("baseline"), cleaned.get("candidates")
        if baseline is None and "baseline" not in self.errors:
            self.add_error("baseline", _("Choose the model that the others are compared with."))
        elif candidates is not None and not [model for model in candidates if model != baseline]:
            self.add_error("candidates", _("Choose at least one model besides the baseline."))
        elif baseline and candidates and (cleaned.get("baselines") or "").strip():
            # it meets the baselines of the categories that have their own, as everybody does
            cleaned["candidates"] = LanguageModel.objects.filter(Q(pk__in=candidates) | Q(pk=baseline.pk))
        cleaned["baselines"] = self._baselines(cleaned)

    def _baselines(self, cleaned: dict) -> dict[str, int]:
        """The baselines of single categories, both by id. One query where there are any."""
        lines = [line for line in (cleaned.get("baselines") or "").splitlines() if line.strip()]
        if not lines or not cleaned.get("benchmark") or cleaned.get("candidates") is None:
            return {}
        used = Category.objects.filter(questions__benchmark=cleaned["benchmark"]).distinct()
        categories = dict(used.values_list("key", "pk"))
        named = Counter(one.name for one in cleaned["candidates"])
        models = {one.name: one.pk for one in cleaned["candidates"] if named[one.name] == 1}
        models |= {f"{one.name} {one.version}": one.pk for one in cleaned["candidates"]}
        found = {}
        for line in lines:
            key, _colon, name = (part.strip() for part in line.partition(":"))
            if key not in categories:
                self.add_error("baselines", _("%s is no category of this benchmark.") % key)
            elif name not in models:
                self.add_error("baselines", _("%s is none of the candidate models.") % name)
            elif str(categories[key]) in found:
                self.add_error("baselines", _("%s stands here twice.") % key)
            else:
                found[str(categories[key])] = models[name]
        return found

    def has_work(self) -> bool:
        """Whether there is anything to judge, now or once answers are collected; if not, the form says so."""
        told = self.estimate
        if told.items or told.answer_calls:
            return True
        self.add_error(
            "candidates", _("These models have no answers to judge here. Load answers, or ask the models first.")
        )
        return False

    @property
    def can_be_estimated(self) -> bool:
        """Whether what was entered is enough to count by; a name is not needed for that."""
        return self.is_bound and not set(self.errors) - {"name"}

    @property
    def limits(self) -> dict:
        """The run's limits, only those that are set."""
        cleaned = self.cleaned_data
        limits = _limits(cleaned, "questions", "pairs", "voted", "samples", "concurrency")
        return limits | ({"overlap": self.voting.overlap} if cleaned["people"] else {})

    @property
    def order_shown(self) -> str:
        return self.cleaned_data.get("order") or Run.Order.BOTH

    @property
    def turns_judged(self) -> str:
        return self.cleaned_data.get("turns") or Run.Turns.WHOLE

    @property
    def seed_used(self) -> int:
        seed = self.cleaned_data.get("seed")
        return 1 if seed is None else seed

    @property
    def provenance(self) -> str:
        """What the run is on: a demo where its questions or an answering model are; a judge marks its own rows only."""
        cleaned = self.cleaned_data
        answering = [*cleaned["candidates"], *filter(None, [cleaned["baseline"]])]
        return provenance_of_run(cleaned["benchmark"], answering)

    @property
    def recipe(self) -> dict:
        """The settings in names, as the run's page echoes them and `order: fixed` reads them."""
        cleaned = self.cleaned_data
        return {
            "benchmark": str(cleaned["benchmark"]),
            "mode": cleaned["mode"],
            "models": [model.name for model in cleaned["candidates"]],
            "baseline": _named(cleaned["baseline"], cleaned["baselines"], cleaned["candidates"]),
            "judges": [str(judge) for judge in cleaned["judges"]] or ["people"],
            "rubric": str(cleaned["rubric"]),
            "order": self.order_shown,
            "turns": self.turns_judged,
            "budget": cleaned.get("budget"),
            "collects": cleaned["collects"],
            "limits": self.limits,
            "seed": self.seed_used,
            "cache": not cleaned.get("fresh"),
            **({"voting": self.voting.as_data()} if cleaned["people"] else {}),
        }

    def unsaved(self) -> Run:
        """The run's row as it would be made (not saved). Of a form that is valid, but for the name perhaps."""
        cleaned = self.cleaned_data
        return Run(
            name=cleaned.get("name", ""),
            benchmark=cleaned["benchmark"],
            mode=cleaned["mode"],
            baseline=cleaned["baseline"],
            baselines=cleaned["baselines"],
            rubric=cleaned["rubric"],
            order=self.order_shown,
            turns=self.turns_judged,
            budget=cleaned.get("budget"),
            collects=cleaned["collects"] and not cleaned["people"],
            limits=self.limits,
            seed=self.seed_used,
            cache=not cleaned.get("fresh"),
            voting=self.voting.as_data() if cleaned["people"] else {},
            recipe=self.recipe,
            provenance=self.provenance,
            status=Run.Status.OPEN if cleaned["people"] else Run.Status.DRAFT,
        )

    @transaction.atomic
    def start(self, user) -> Run:
        """The run, saved: queued for a worker, or open for votes."""
        cleaned = self.cleaned_data
        run = self.unsaved()
        run.created_by = user
        run.save()
        run.candidates.set(cleaned["candidates"])
        run.judges.set(cleaned["judges"])
        if cleaned["people"]:
            AuditEntry.note("run_opened", actor=user, run=run, name=run.name)
        else:
            run.enqueue()
            tasks.call(run)
        return run

    @cached_property
    def counted(self) -> Count:
        """What there is to judge, for whom. Four queries, and one more for each judge."""
        return count(self.unsaved(), self.cleaned_data["candidates"], list(self.cleaned_data["judges"]))

    @cached_property
    def tried(self) -> TryOut | None:
        """The try-out that the form comes from, whose numbers the estimate goes by. One query where there is one."""
        pk = self.cleaned_data.get("try_out")
        return TryOut.objects.filter(pk=pk).first() if pk is not None and pk < 2**63 else None

    @cached_property
    def estimate(self) -> Estimate:
        """What this run would take, from the answers there are (or will be, where it collects). Nothing is written."""
        cleaned = self.cleaned_data
        judges = list(cleaned["judges"])
        found = self.counted
        orders = found.orders if judges else 1
        endpoints = found.asked + [model for judge in judges for model in with_models(judge)]
        return Estimate(
            questions=found.questions,
            items=found.items,
            orders=orders,
            judges=len(judges),
            judgments=sum(work.total for work in found.works),
            known=sum(work.known for work in found.works),
            calls=sum(work.calls for work in found.works),
            answer_calls=found.answer_calls,
            votes=found.items * self.voting.wanted if cleaned["people"] else 0,
            missing=found.missing,
            keys=lacking(endpoints),
            unlearnt=Judge.objects.filter(pk__in=with_members(judge.pk for judge in judges)).unlearnt(),
            own=_of_own_family(judges, [*cleaned["candidates"], *filter(None, [cleaned.get("baseline")])]),
            forecast=forecast(self.unsaved(), found, self.tried) if judges or found.asked else None,
        )


def _of_own_family(judges: list[Judge], models: list[LanguageModel]) -> list[tuple[Judge, list[LanguageModel]]]:
    """Judges that are one of these models themselves, or of its family; not panels, which give such a member no voice."""
    found = []
    for judge in judges:
        if judge.model_id and judge.kind not in Judge.COMPOSED:
            own = judge.model
            same = [one for one in models if one == own or is_same_family(one.family, own.family)]
            found += [(judge, list(dict.fromkeys(same)))] if same else []
    return found


def _limits(cleaned: dict, *names: str) -> dict:
    """Those of these limits that are set, and the keys of the questions where some were chosen."""
    limits = {name: cleaned[name] for name in names if cleaned.get(name)}
    return limits | ({"keys": cleaned["chosen"]} if cleaned.get("chosen") else {})


def _named(baseline: LanguageModel | None, baselines: dict[str, int], models) -> str | dict[str, str] | None:
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


def nothing_for(categories: list[Category]) -> str:
    """That a rubric cannot be used for these categories, in the reader's language."""
    named = ", ".join(category.name for category in categories)
    return _("This rubric has nothing for these categories, and nothing that stands for all: %s") % named


def no_template_for(cases: list[tuple[str, Case]]) -> str:
    """That a rubric has no template for what some questions have, in the reader's language. One query."""
    names = {category.key: category.name for category in Category.objects.filter(key__in={key for key, _case in cases})}
    words = {
        Case(False, False): _("a single turn without a reference"),
        Case(True, False): _("a single turn with a reference"),
        Case(False, True): _("several turns without a reference"),
        Case(True, True): _("several turns with a reference"),
    }
    named = "; ".join(f"{names.get(key, key)}: {words[case]}" for key, case in cases)
    return _("This rubric has templates, and none for these questions: %s") % named


def keys_in(text: str) -> list[str]:
    """The keys of questions in a text, one on each line, each once."""
    lines = [line.strip() for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))


def category_choices() -> list[tuple[str, str]]:
    """The categories that have questions, in the reader's language. One query."""
    used = Category.objects.filter(questions__isnull=False).distinct()
    return [(category.key, category.name) for category in used]


def language_choices() -> list[tuple[str, str]]:
    """The languages that questions are in. One query."""
    used = Question.objects.order_by("language").values_list("language", flat=True).distinct()
    names = {"en": _("English"), "zh": _("Chinese")}
    return [(language, names.get(language, language)) for language in used]
