"""A recipe tried on five items: its real judges are asked, their verdicts are shown, and none of them is a judgment.

`TryOut.told` is a list of entries as they came, one for each item, judge and order:
{"item", "question", "key", "title", "category", "models" (in the order shown), "judge", "judge_pk", "kind", "swapped", "turn",
"status", "value" (towards the answer shown first; a single answer's mark), "both_bad", "scores", "error", "reply", "reasoning",
"prompt" ([{role, content}]), "tokens_in", "tokens_out", "cost", "seconds", "asked"}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from arena.background import arrivals
from arena.chat import ChatError
from arena.keys import NoKey
from arena.models import storable
from judging import failing
from judging.items import Item
from judging.judges import EndpointDown
from judging.judges.base import OK, SKIPPED, Exhibit, Verdict
from judging.judges.composed import (
    ASK,
    CASCADE_OPTIONS,
    OWN_FAMILY,
    PANEL_OPTIONS,
    Cascade,
    Panel,
    Voice,
    cascade_next,
    is_of_own_family,
    panel_verdict,
)
from judging.machines import Machine, everybody, machine_of
from judging.models import Judge, TryOut
from judging.run_form import RunForm
from judging.sampled_items import few_items
from judging.verdicts import exhibits_for

ITEMS = 5
NOT_KEPT = {"csrfmiddlewaretoken", "check", "start", "try", "preview", "as_yaml", "preview_question", "preview_judge"}


class NothingToTry(ValueError):
    """The models have no answers to the questions: there is nothing to show a judge."""


def begin(form: RunForm, user: Any) -> TryOut:
    """A try-out of the recipe that this valid form holds, for a worker to carry out. Raises NothingToTry, ValueError.

    Ring for the worker with `judging.calling.call_try_out`.
    """
    shown, machines = _work(form, key=lambda _model: "")
    recipe = {name: values for name, values in form.data.lists() if name not in NOT_KEPT}
    return TryOut.objects.create(recipe=recipe, total=len(shown) * len(everybody(machines)), by=user)


def form_of(row: TryOut) -> RunForm:
    """The form as it was filled in, bound to it; with the try-out's own number, so that an estimate goes by it."""
    data = QueryDict(mutable=True)
    for name, values in row.recipe.items():
        data.setlist(name, values)
    data["try_out"] = str(row.pk)
    return RunForm(data)


def _work(form: RunForm, **how: Any) -> tuple[list[Item], list[Machine]]:
    """What is shown, in both orders where they are pairs, and who judges. Raises NoKey, NothingToTry, ValueError."""
    run = form.unsaved()
    items = few_items(run, list(form.cleaned_data["candidates"]), ITEMS)
    if not items:
        raise NothingToTry
    shown = items if run.is_single else [each for item in items for each in (item, replace(item, swapped=True))]
    rubric = run.rubric.text()
    return shown, [machine_of(judge, run, rubric, **how) for judge in form.cleaned_data["judges"]]


def carry_out(pk: int) -> None:
    """Ask the judges and keep what they say as it comes; does nothing where somebody else does so or did."""
    row = TryOut.objects.filter(pk=pk, status=TryOut.Status.QUEUED).first()
    if row is None or not TryOut.objects.filter(pk=pk, status=TryOut.Status.QUEUED).update(
        status=TryOut.Status.RUNNING
    ):
        return
    try:
        down = _worked(row)
    except (NoKey, NothingToTry, EndpointDown, ChatError, ValueError) as error:
        _end(pk, TryOut.Status.FAILED, str(error) or failing.NO_ANSWERS)
    except BaseException as error:
        _end(pk, TryOut.Status.FAILED, f"{type(error).__name__}: {error}")
        raise
    else:
        _end(pk, TryOut.Status.FAILED if down else TryOut.Status.DONE, "; ".join(down))


def _end(pk: int, status: str, error: str) -> None:
    TryOut.objects.filter(pk=pk).update(status=status, error=storable(error), finished_at=timezone.now())


def _worked(row: TryOut) -> list[str]:
    """Let all judges judge; why some could not go on. Raises NoKey, NothingToTry, ValueError."""
    form = form_of(row)
    if not form.is_valid() and set(form.errors) - {"name"}:
        wrong = ((form[name].label, words) for name, words in form.errors.items() if name != "name")
        raise ValueError("; ".join(f"{label}: {' '.join(words)}" for label, words in wrong))
    shown, machines = _work(form)
    going = _Going(row.pk, shown)
    for machine in machines:
        going.hear(machine, range(len(shown)))
    return going.down


@dataclass
class _Going:
    """A try-out under way: what was said of the items shown, by judge and by the item's place; kept in the row as it comes."""

    pk: int
    shown: Sequence[Item]
    said: dict[int, dict[int, Verdict]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    down: list[str] = field(default_factory=list)

    def hear(self, machine: Machine, places: Sequence[int]) -> dict[int, Verdict]:
        """What the machine says of the items at these places, by place; asked once for each, whichever panels it sits in."""
        known = self.said.setdefault(machine.judge.pk, {})
        ahead = [place for place in places if place not in known]
        if ahead:
            if machine.engine is not None:
                self._ask(machine, ahead)
            elif machine.judge.kind == Judge.Kind.PANEL:
                self._panel(machine, ahead)
            else:
                self._cascade(machine, ahead)
        return {place: known[place] for place in places if place in known}

    def _ask(self, machine: Machine, places: Sequence[int]) -> None:
        exhibits, without = exhibits_for(machine, [self.shown[place] for place in places])
        at = {id(self.shown[place]): place for place in places}
        self._tell(machine, [(at[id(exhibit.id)], verdict) for exhibit, verdict in without])
        try:
            for batch in arrivals(partial(machine.engine.judge, exhibits)):
                self._tell(machine, [(at[id(exhibit.id)], verdict) for exhibit, verdict in batch])
        except (EndpointDown, ChatError) as error:
            self.down.append(f"{machine.judge}: {error}")

    def _panel(self, machine: Machine, places: Sequence[int]) -> None:
        how = Panel(**{name: value for name, value in machine.judge.options.items() if name in PANEL_OPTIONS})
        said = []
        for member in machine.members:
            may = [place for place in places if not self._is_own(member, place)]
            barred = {place: Verdict(SKIPPED, error=OWN_FAMILY) for place in places if place not in may}
            said.append(self.hear(member, may) | barred)
        for place in places:
            verdicts = [words.get(place) for words in said]
            if None not in verdicts:
                voices = list(map(_voice, machine.members, machine.weights, verdicts))
                self._tell(machine, [(place, panel_verdict(voices, self._exhibit(place), how))])

    def _cascade(self, machine: Machine, places: Sequence[int]) -> None:
        how = Cascade(**{name: value for name, value in machine.judge.options.items() if name in CASCADE_OPTIONS})
        voices: dict[int, list[Voice]] = {place: [] for place in places}
        for member, weight in zip(machine.members, machine.weights, strict=True):
            said = self.hear(member, list(voices))
            for place in list(voices):
                if place not in said:
                    del voices[place]  # the member could not be asked: the cascade says nothing
                    continue
                voices[place].append(_voice(member, weight, said[place]))
                verdict = cascade_next(voices[place], len(machine.members), exhibit=self._exhibit(place), how=how)
                if verdict is not ASK:
                    self._tell(machine, [(place, verdict)])
                    del voices[place]

    def _exhibit(self, place: int) -> Exhibit:
        return self.shown[place].exhibit()

    def _is_own(self, member: Machine, place: int) -> bool:
        return is_of_own_family(member.model.family if member.model else "", self._exhibit(place))

    def _tell(self, machine: Machine, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Keep these, for whoever looks on."""
        if not verdicts:
            return
        for place, verdict in verdicts:
            self.said[machine.judge.pk][place] = verdict
            self.told.append(entry_of(machine, self.shown[place], verdict, number=place))
        costs = [entry["cost"] for entry in self.told if entry["cost"] is not None]
        TryOut.objects.filter(pk=self.pk).update(told=self.told, cost=sum(costs) if costs else None)


def _voice(member: Machine, weight: float, verdict: Verdict) -> Voice:
    family = member.model.family if member.model else ""
    return Voice(str(member.judge), family, weight, verdict, kind=member.judge.kind)


def entry_of(machine: Machine, item: Item, verdict: Verdict, *, number: int) -> dict[str, Any]:
    """What the row keeps of one verdict; items of pairs are shown in two orders, so two numbers are one item."""
    model = machine.model
    question = item.question
    return {
        "item": number if item.battle is None else number // 2,
        "question": question.pk,
        "key": question.key,
        "title": question.title,
        "category": question.category.key,
        "models": [answer.model.name for answer in item.answers],
        "judge": str(machine.judge),
        "judge_pk": machine.judge.pk,
        "kind": machine.judge.kind,
        "swapped": item.swapped,
        "turn": item.turn,
        "status": verdict.status,
        "value": verdict.value,
        "both_bad": verdict.both_bad,
        "scores": dict(verdict.scores),
        "error": storable(verdict.error),
        "reply": storable(verdict.reply),
        "reasoning": storable(verdict.reasoning),
        "prompt": [{name: storable(text) for name, text in message.items()} for message in verdict.prompt],
        "tokens_in": verdict.tokens_in,
        "tokens_out": verdict.tokens_out,
        "cost": model.cost(verdict.tokens_in, verdict.tokens_out) if model and verdict.asked else None,
        "seconds": verdict.seconds,
        "asked": verdict.asked,
    }


@dataclass(frozen=True)
class Told:
    """What one judge said of one item: an entry for each order; `flipped` where the decided side changed with the order."""

    judge: str
    kind: str
    entries: list[dict[str, Any]]
    flipped: bool


@dataclass(frozen=True)
class Tried:
    """One item, with what every judge said of it so far."""

    number: int
    title: str
    key: str
    question: int
    category: str
    judges: list[Told]


@dataclass(frozen=True)
class JudgeSum:
    """What the try-out took of one judge: verdicts, failures, calls; tokens and seconds of one call, cost of all (None unknown)."""

    judge: str
    said: int
    failed: int
    flipped: int
    both: int
    asked: int
    tokens_in: float | None
    tokens_out: float | None
    seconds: float | None
    cost: float | None


def items_of(row: TryOut) -> list[Tried]:
    """The items in their order, with what was said of each."""
    found = []
    for number in sorted({entry["item"] for entry in row.told}):
        mine = [entry for entry in row.told if entry["item"] == number]
        judges = [_told(mine, judge) for judge in dict.fromkeys(entry["judge"] for entry in mine)]
        first = mine[0]
        found.append(Tried(number + 1, first["title"], first["key"], first["question"], first["category"], judges))
    return found


def _told(entries: Sequence[Mapping[str, Any]], judge: str) -> Told:
    mine = sorted((dict(entry) for entry in entries if entry["judge"] == judge), key=lambda entry: entry["swapped"])
    return Told(judge, mine[0]["kind"], mine, is_flip(mine))


def is_flip(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether both orders were decided, for different answers: towards the first shown both times, or the second."""
    values = [entry["value"] for entry in entries if len(entry["models"]) == 2 and entry["status"] == OK]
    return len(values) == 2 and values[0] * values[1] > 0


def sums_of(row: TryOut) -> list[JudgeSum]:
    """What each judge took, in the order in which they were heard."""
    told = [each for item in items_of(row) for each in item.judges]
    return [
        _sum(judge, [each for each in told if each.judge == judge])
        for judge in dict.fromkeys(one.judge for one in told)
    ]


def _sum(judge: str, told: Sequence[Told]) -> JudgeSum:
    entries = [entry for each in told for entry in each.entries]
    asked = sum(entry["asked"] for entry in entries)

    def each(name: str) -> float | None:
        known = [(entry[name], entry["asked"]) for entry in entries if entry["asked"] and entry[name] is not None]
        return sum(value for value, _n in known) / sum(n for _value, n in known) if known else None

    costs = [entry["cost"] for entry in entries if entry["cost"] is not None]
    return JudgeSum(
        judge=judge,
        said=sum(entry["status"] == OK for entry in entries),
        failed=sum(entry["status"] not in (OK, SKIPPED) for entry in entries),
        flipped=sum(one.flipped for one in told),
        both=sum(sum(entry["status"] == OK for entry in one.entries) == 2 for one in told),
        asked=asked,
        tokens_in=each("tokens_in"),
        tokens_out=each("tokens_out"),
        seconds=each("seconds"),
        cost=sum(costs) if costs else None,
    )
