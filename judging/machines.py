"""The machine judges of a run at work: each with its engine, or with the members that it is composed of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from arena.chat import Endpoint
from arena.chat.batches import PROVIDERS as WITH_BATCHES
from arena.keys import key_of
from arena.models import LanguageModel, Provenance
from judging.items import participants
from judging.judges import engine
from judging.judges.base import Engine, RubricText
from judging.models import Judge, Run, TryOut

SAMPLING = "sampling"
BATCH = "batch"
LOCAL = "local"
OWN_REFERENCE = "own"
NOT_FOR_ENGINES = (SAMPLING, BATCH)
Key = Callable[[LanguageModel], str]


@dataclass(frozen=True)
class Machine:
    """A machine judge: with an engine of its own, or with the members it is composed of, in the order of their seats."""

    judge: Judge
    engine: Engine | None = None
    members: tuple[Machine, ...] = ()
    weights: tuple[float, ...] = ()

    def everybody(self) -> list[Machine]:
        """This machine and all that sit in it, each once."""
        found = {self.judge.pk: self}
        for member in self.members:
            found |= {one.judge.pk: one for one in member.everybody()}
        return list(found.values())

    @property
    def model(self) -> LanguageModel | None:
        """The model that is asked; None where nobody is."""
        return self.judge.model if self.judge.model_id else None

    @property
    def in_batches(self) -> bool:
        """Whether it is asked by its endpoint's batch API."""
        return bool(self.judge.options.get(BATCH))

    @property
    def waits_for_batches(self) -> bool:
        """Whether it, or anybody who sits in it, is asked by batches."""
        return any(one.in_batches for one in self.everybody())

    @property
    def writes_references(self) -> bool:
        """Whether it answers a question itself first, where the question has no reference."""
        return self.judge.options.get("reference") == OWN_REFERENCE


def machines_of(run: Run, *, key: Key = key_of) -> list[Machine]:
    """The run's machine judges with their engines, whose models have the key that `key` says.

    Raises NoKey, and ValueError for options that a judge cannot have.
    """
    rubric = run.rubric.text()
    judges = run.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model")
    return [machine_of(judge, run, rubric, key=key) for judge in judges]


def machine_of(
    judge: Judge, run: Run, rubric: RubricText, *, key: Key = key_of, around: tuple[Judge, ...] = ()
) -> Machine:
    """The judge with its engine, or with its members' machines; it sits in the panels `around`. Raises NoKey, ValueError."""
    if judge in around:
        raise ValueError(f"judge {judge} sits in itself")
    if judge.kind not in Judge.COMPOSED:
        machine = Machine(judge, engine_of(judge, run, rubric, key=key))
        check_batches(machine)
        return machine
    seats = list(judge.seats.select_related("member__model"))
    if not seats:
        raise ValueError(f"judge {judge} has no members")
    members = tuple(machine_of(seat.member, run, rubric, key=key, around=(*around, judge)) for seat in seats)
    return Machine(judge, members=members, weights=tuple(seat.weight for seat in seats))


def check_batches(machine: Machine) -> None:
    """Raises ValueError where a judge is to be asked by batches and its endpoint or its options do not go with them."""
    judge = machine.judge
    if not machine.in_batches:
        return
    if machine.model is None or judge.model.provider not in WITH_BATCHES:
        raise ValueError(f"judge {judge}: option 'batch' is for the providers {', '.join(WITH_BATCHES)}")
    if judge.options.get("samples", 1) != 1 or judge.options.get("verdict") == "logprobs":
        raise ValueError(f"judge {judge}: option 'batch' goes with one sample and a verdict in words")


def everybody(machines: Iterable[Machine]) -> list[Machine]:
    """These machines and all that sit in them, each once."""
    return list({one.judge.pk: one for machine in machines for one in machine.everybody()}.values())


def judges_of(run: Run) -> list[int]:
    """Ids of the run's judges, and of all that sit in its panels and cascades. A query for each level of them."""
    return with_members(run.judges.values_list("pk", flat=True))


def with_members(judges: Iterable[int]) -> list[int]:
    """Ids of these judges, and of all that sit in them. A query for each level."""
    found, ahead = set[int](), set(judges)
    while ahead:
        found |= ahead
        ahead = set(Judge.objects.filter(seats_held__panel__in=ahead).values_list("pk", flat=True)) - found
    return sorted(found)


def with_models(judge: Judge) -> list[LanguageModel]:
    """The models that this judge asks, of a panel those of all its members."""
    mine = [judge.model] if judge.model_id else []
    if judge.kind not in Judge.COMPOSED:
        return mine
    return [model for seat in judge.seats.select_related("member__model") for model in with_models(seat.member)]


def queue_of(run_id: int) -> str:
    """The Celery queue of a run: "local" where it needs a model that runs in the worker itself. A few queries."""
    return _queue(models_of(Run.objects.get(pk=run_id)))


def models_of(run: Run) -> QuerySet[LanguageModel]:
    """The models that the run asks: those of its judges and of all that sit in them, and those whose answers it collects. A few
    queries."""
    answering = participants(run) if run.collects else []
    return LanguageModel.objects.filter(Q(judges__in=judges_of(run)) | Q(pk__in=answering))


def queue_of_try_out(pk: int) -> str:
    """The Celery queue of a try-out, by its judges alone: it collects no answers."""
    chosen = map(int, TryOut.objects.get(pk=pk).recipe.get("judges", ()))
    return _queue(LanguageModel.objects.filter(judges__in=with_members(chosen)))


def _queue(models: QuerySet) -> str:
    is_local = models.filter(provider=LanguageModel.Provider.LOCAL).exists()
    return LOCAL if is_local else settings.CELERY_TASK_DEFAULT_QUEUE


def engine_of(judge: Judge, run: Run, rubric: RubricText, *, key: Key = key_of) -> Engine:
    """The engine that judges for `judge` under this rubric. Raises NoKey, ValueError."""
    endpoint, identity = None, None
    if judge.model_id:
        endpoint = endpoint_of(judge, key=key)
        identity = identity_of(judge.model, judge.options.get(SAMPLING, {}))
    options = {key: value for key, value in judge.options.items() if key not in NOT_FOR_ENGINES}
    if "concurrency" in run.limits:
        options["concurrency"] = int(run.limits["concurrency"])
    return engine(judge.kind, rubric=rubric, endpoint=endpoint, options=options, identity=identity)


def endpoint_of(judge: Judge, *, key: Key = key_of) -> Endpoint:
    """Where the judge's model answers, and with which options it is asked as this judge. Raises NoKey."""
    return judge.model.endpoint(key(judge.model), **judge.options.get(SAMPLING, {}))


def identity_of(model: LanguageModel, sampling: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a model this one and no other, as a judge: not where it answers, nor what it costs."""
    return {
        "name": model.name,
        "version": model.version,
        "provider": model.provider,
        "model": model.endpoint_model,
        "options": {name: value for name, value in {**model.options, **sampling}.items() if name != "timeout"},
    }


def provenance_of(run: Run, machine: Machine) -> str:
    """What a judgment of this machine in this run is: a dry run is always a dry run, and a demo's is a demo's.

    A composed verdict is no more real than its least real member.
    """
    judges = [one.judge for one in machine.everybody()]
    if run.provenance == Provenance.DRY_RUN or any(judge.kind == Judge.Kind.DRY_RUN for judge in judges):
        return Provenance.DRY_RUN
    if Provenance.DEMO in (run.provenance, *(judge.provenance for judge in judges)):
        return Provenance.DEMO
    return run.provenance
