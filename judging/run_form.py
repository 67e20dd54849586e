"""The form a lead sets up a run with."""

from __future__ import annotations

from functools import cached_property

from django import forms
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arena.keys import lacking
from arena.models import LanguageModel
from judging import calling
from judging.baselines import baselines_in, baselines_named
from judging.estimating import Count, count
from judging.forecasting import forecast
from judging.items import is_connected, questions_of
from judging.machines import with_members, with_models
from judging.models import AuditEntry, Judge, Run, TryOut
from judging.preparing import demo_models, provenance_of_run
from judging.rubric_lacks import cases_without, categories_without, no_template_for, nothing_for
from judging.run_estimate import Estimate, of_own_family
from judging.run_fields import RunFields
from judging.trials import trial_of
from judging.voting import Voting
from judging.voting_form import NAMES, as_initial

MOST_KEYS = 5000  # questions that a run names one by one; SQLite takes no more variables than 32,766
NAMED = 5  # unknown keys that are named


class RunForm(RunFields):
    """A run's recipe. Bad input stays in the form, with one sentence for each field."""

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
        """A sparse design has to leave every model comparable with every other. What a mode has no pairs for is put away on the
        page, and ignored here."""
        if cleaned.get("mode") != Run.Mode.PAIRWISE:
            cleaned["pairs"] = None
            self.errors.pop("pairs", None)
        if cleaned.get("mode") == Run.Mode.SINGLE:
            cleaned["voted"] = False
        if cleaned.get("voted") and cleaned.get("pairs"):
            self.add_error("voted", _("This is for runs of pairs in which all pairs may meet."))
        if cleaned.get("pairs") and cleaned.get("benchmark") and cleaned.get("candidates"):
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
        found: dict[str, int] = {}
        if cleaned.get("benchmark") and cleaned.get("candidates") is not None:
            try:
                found = baselines_in(cleaned.get("baselines") or "", cleaned["benchmark"], cleaned["candidates"])
            except forms.ValidationError as error:
                self.add_error("baselines", error)
        cleaned["baselines"] = found

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
            "baseline": baselines_named(cleaned["baseline"], cleaned["baselines"], cleaned["candidates"]),
            "judges": [str(judge) for judge in cleaned["judges"]] or ["people"],
            "rubric": str(cleaned["rubric"]),
            "order": self.order_shown,
            "turns": self.turns_judged,
            "budget": cleaned.get("budget"),
            "collects": cleaned["collects"],
            "limits": self.limits,
            "seed": self.seed_used,
            "cache": cleaned["people"] or not cleaned.get("fresh"),
            **({"voting": self.voting.as_data()} if cleaned["people"] else {}),
        }

    def unsaved(self) -> Run:
        """The run's row as it would be made (not saved). Of a form that is valid, but for the name perhaps."""
        run = self._of_trial_0()
        run.trial = self.trial
        return run

    @cached_property
    def trial(self) -> int:
        """The trial that the run judges in; above 0 where it asks anew what is on record. No query where it does not ask anew."""
        return trial_of(self._of_trial_0(), self.cleaned_data["candidates"], self.cleaned_data["judges"])

    def _of_trial_0(self) -> Run:
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
            cache=cleaned["people"] or not cleaned.get("fresh"),
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
            calling.call(run)
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
            trial=self.trial,
            calls=sum(work.calls for work in found.works),
            answer_calls=found.answer_calls,
            votes=found.items * self.voting.wanted if cleaned["people"] else 0,
            missing=found.missing,
            keys=lacking(endpoints),
            unlearnt=Judge.objects.filter(pk__in=with_members(judge.pk for judge in judges)).unlearnt(),
            own=of_own_family(judges, [*cleaned["candidates"], *filter(None, [cleaned.get("baseline")])]),
            forecast=forecast(self.unsaved(), found, self.tried) if judges or found.asked else None,
        )


def _limits(cleaned: dict, *names: str) -> dict:
    """Those of these limits that are set, and the keys of the questions where some were chosen."""
    limits = {name: cleaned[name] for name in names if cleaned.get(name)}
    return limits | ({"keys": cleaned["chosen"]} if cleaned.get("chosen") else {})


def keys_in(text: str) -> list[str]:
    """The keys of questions in a text, one on each line, each once."""
    lines = [line.strip() for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))
