"""What a run will come to in tokens, money and time, from a few of its prompts and from what is on record of who is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from django.db.models import Avg, Count

from arena.models import Answer, LanguageModel
from judging.estimating import Count as Counted
from judging.estimating import Work
from judging.items import table_of
from judging.judges.base import AskingEngine
from judging.judges.dry_run import prompt_tokens
from judging.judges.llm import LLMJudge
from judging.kept import sort_out
from judging.machines import Machine, machine_of
from judging.models import Judge, Run, Status, TryOut
from judging.monitoring import in_words
from judging.sampled_items import items_shown
from judging.verdicts import exhibits_for

SAMPLE = 12  # prompts of each judge that are rendered
LATEST = 200  # verdicts on record that tell how long replies are and how long they take
AT_ONCE = 8  # calls under way where nobody says otherwise
TRIED, ON_RECORD, UNKNOWN = "tried", "record", "unknown"


@dataclass(frozen=True)
class Manner:
    """How one call to a judge goes, on average: tokens and seconds, None where unknown; `n` verdicts tell so, by `basis`."""

    tokens_in: float | None
    tokens_out: float | None
    seconds: float | None
    basis: str
    n: int


@dataclass(frozen=True)
class Guess:
    """What asking one model comes to: `calls` at the most, tokens and cost of all of them, seconds of wall time; None unknown.

    `kept` of `looked` prompts that were rendered are on record, so that they cost nothing; of the calls the same share is left
    out of tokens, cost and time. `is_answers` where it is asked for answers and not for verdicts.
    """

    name: str
    calls: int
    tokens_in: float | None
    tokens_out: float | None
    cost: float | None
    seconds: float | None
    basis: str
    n: int
    kept: int = 0
    looked: int = 0
    is_answers: bool = False
    has_price: bool = True


@dataclass(frozen=True)
class Forecast:
    """What all who are asked come to; `notes` explain how judges multiply calls, as (kind, name, number)."""

    guesses: list[Guess]
    notes: list[tuple[str, str, int]]
    problem: str = ""
    budget: float | None = None

    @property
    def tokens(self) -> float | None:
        return _sum(_sum((one.tokens_in, one.tokens_out)) for one in self.guesses)

    @property
    def cost(self) -> float | None:
        """What is known of the cost; None where nothing is."""
        known = [one.cost for one in self.guesses if one.cost is not None]
        return sum(known) if known else None

    @property
    def seconds(self) -> float | None:
        """Wall time, one judge after another; None where that of one is unknown."""
        return _sum(one.seconds for one in self.guesses)

    @property
    def time(self) -> str:
        """The wall time as a person would say it; "" where it is unknown."""
        return in_words(self.seconds)

    @property
    def kept_percent(self) -> int | None:
        """The share of prompts that are on record, in per cent of those looked at."""
        looked = sum(one.looked for one in self.guesses)
        return round(100 * sum(one.kept for one in self.guesses) / looked) if looked else None

    @property
    def looked(self) -> int:
        return sum(one.looked for one in self.guesses)

    @property
    def unpriced(self) -> list[str]:
        """Who has no price."""
        return [one.name for one in self.guesses if not one.has_price and one.calls]

    @property
    def unmetered(self) -> list[str]:
        """Who has a price, and of whose replies nobody knows how long they are: the cost holds their prompts alone."""
        return [one.name for one in self.guesses if one.tokens_out is None and one.cost]

    @property
    def uncounted(self) -> list[str]:
        """Who has a price, and of whom nobody knows how long prompts and replies are: the cost holds nothing of them."""
        return [one.name for one in self.guesses if one.has_price and one.cost is None and one.calls]

    @property
    def is_over(self) -> bool:
        """Whether the budget will not do."""
        return self.budget is not None and self.cost is not None and self.cost > self.budget


def _sum(parts: Iterable[float | None]) -> float | None:
    """The sum; None where a part is unknown, or where there is none."""
    known = list(parts)
    return None if not known or None in known else sum(part for part in known if part is not None)


def forecast(run: Run, found: Counted, tried: TryOut | None = None) -> Forecast:
    """What `run` (which may be unsaved) will come to, of what `count` found. A handful of queries for each judge that asks a model."""
    rubric = run.rubric.text()
    guesses, notes = [_answers(run, model, found) for model in found.asked], []
    try:
        machines = [machine_of(work.judge, run, rubric, key=lambda _model: "") for work in found.works]
    except ValueError as error:
        return Forecast(guesses, [], str(error), run.budget)
    seen: set[int] = set()
    for work, machine in zip(found.works, machines, strict=True):
        notes += _notes(machine)
        asking = [
            one for one in machine.everybody() if isinstance(one.engine, AskingEngine) and one.judge.pk not in seen
        ]
        seen |= {one.judge.pk for one in asking}
        sample = _sample(run, work) if asking else []
        guesses += [_guess(run, one, work, sample, tried) for one in asking]
    return Forecast(guesses, notes, budget=run.budget)


def _sample(run: Run, work: Work) -> list:
    """A few of the items that the judge has not judged. One query."""
    there = [item for item in work.todo if None not in item]
    return items_shown(run, Random(run.seed).sample(there, min(SAMPLE, len(there))))


def _guess(run: Run, machine: Machine, work: Work, sample: Sequence, tried: TryOut | None) -> Guess:
    exhibits, _without = exhibits_for(machine, sample)
    known = sort_out(run, machine, exhibits)
    kept, looked = len(known.verdicts), len(exhibits)
    samples = int(machine.judge.options.get("samples", 1))
    calls = len(work.todo) * samples
    paid = calls * (1 - kept / looked) if looked else float(calls)
    manner = manner_of(run, machine, tried)
    tokens_in = manner.tokens_in if manner.basis == TRIED else _prompt(machine, exhibits) or manner.tokens_in
    cost = _cost(machine.model, machine, tokens_in, manner.tokens_out)
    return Guess(
        name=str(machine.judge),
        calls=calls,
        tokens_in=_times(paid, tokens_in),
        tokens_out=_times(paid, manner.tokens_out),
        cost=_times(paid, cost),
        seconds=_seconds(run, machine, paid, manner.seconds, (tokens_in or 0) + (manner.tokens_out or 0)),
        basis=manner.basis,
        n=manner.n,
        kept=kept,
        looked=looked,
        has_price=machine.model is not None and machine.model.cost(0, 0) is not None,
    )


def _times(calls: float, each: float | None) -> float | None:
    if calls == 0:
        return 0.0
    return None if each is None else calls * each


def _prompt(machine: Machine, exhibits: Sequence) -> float | None:
    """The mean length of these prompts in tokens, about; None where there is none, or where a model is given no prompt."""
    if not exhibits or not isinstance(machine.engine, LLMJudge):
        return None
    requests = [machine.engine.request(exhibit) for exhibit in exhibits]
    lengths = [prompt_tokens(request[0]) for request in requests if isinstance(request, tuple)]
    return sum(lengths) / len(lengths) if lengths else None


def _cost(
    model: LanguageModel | None, machine: Machine, tokens_in: float | None, tokens_out: float | None
) -> float | None:
    """The cost of one call; where the reply's length is unknown that of the prompt alone. None without a price or a prompt."""
    if model is None or tokens_in is None:
        return None
    cost = model.cost(tokens_in, tokens_out or 0)
    return cost / 2 if cost is not None and machine.in_batches else cost


def manner_of(run: Run, machine: Machine, tried: TryOut | None) -> Manner:
    """How calls to this judge went: in the try-out, else in its latest verdicts on record. At most one query."""
    told = [
        entry for entry in (tried.told if tried else []) if entry.get("judge_pk") == machine.judge.pk and entry["asked"]
    ]
    if told:
        return _mean([(one["tokens_in"], one["tokens_out"], one["seconds"], one["asked"]) for one in told], TRIED)
    table, _item = table_of(run)
    rows = table.objects.filter(judge=machine.judge, status=Status.OK, cached=False, asked__gt=0).order_by("-pk")
    return _mean(list(rows.values_list("tokens_in", "tokens_out", "seconds", "asked")[:LATEST]), ON_RECORD)


def _mean(rows: Sequence[tuple[Any, Any, Any, int]], basis: str) -> Manner:
    def mean(place: int) -> float | None:
        known = [(row[place], row[3]) for row in rows if row[place] is not None]
        return sum(value for value, _ in known) / sum(asked for _, asked in known) if known else None

    return Manner(mean(0), mean(1), mean(2), basis if rows else UNKNOWN, len(rows))


def _seconds(run: Run, machine: Machine, calls: float, each: float | None, tokens: float) -> float | None:
    """Wall time of so many calls, as many at a time as the run, the judge and its endpoint allow."""
    if calls == 0:
        return 0.0
    if each is None or machine.in_batches or machine.model is None:
        return None
    at_once = run.limits.get("concurrency") or machine.judge.options.get("concurrency") or AT_ONCE
    return wall_time(machine.model.limits, calls, each, int(at_once), tokens)


def wall_time(limits: Mapping[str, int], calls: float, each: float, at_once: int, tokens: float) -> float:
    """Seconds for `calls` of `each` seconds and `tokens`, `at_once` at a time, within an endpoint's limits (a minute's)."""
    at_once = min(at_once, limits.get("concurrency") or at_once)
    bounds = [calls * each / at_once]
    if rpm := limits.get("rpm"):
        bounds.append(calls * 60 / rpm)
    if tpm := limits.get("tpm"):
        bounds.append(calls * tokens * 60 / tpm)
    return max(each, *bounds)


def _answers(run: Run, model: LanguageModel, found: Counted) -> Guess:
    """What collecting a model's missing answers comes to, from those it gave before. One query."""
    n = next((n for one, n in found.missing if one.pk == model.pk), 0)
    calls = round(found.answer_calls * n / found.answers) if found.answers else 0
    known = (
        Answer.objects.ok()
        .filter(model=model, seconds__isnull=False)
        .aggregate(n=Count("pk"), seconds=Avg("seconds"), tokens_in=Avg("tokens_in"), tokens_out=Avg("tokens_out"))
    )
    each = model.cost(known["tokens_in"], known["tokens_out"])
    at_once = int(run.limits.get("concurrency") or AT_ONCE)
    tokens = (known["tokens_in"] or 0) + (known["tokens_out"] or 0)
    seconds = None if known["seconds"] is None else wall_time(model.limits, n, known["seconds"], at_once, tokens)
    return Guess(
        name=model.name,
        calls=calls,
        tokens_in=_times(n, known["tokens_in"]),
        tokens_out=_times(n, known["tokens_out"]),
        cost=_times(n, each),
        seconds=seconds,
        basis=ON_RECORD if known["n"] else UNKNOWN,
        n=known["n"],
        is_answers=True,
        has_price=model.cost(0, 0) is not None,
    )


def _notes(machine: Machine) -> list[tuple[str, str, int]]:
    """How this judge multiplies calls: ("panel" | "cascade", name, members) or ("samples", name, draws)."""
    found: list[tuple[str, str, int]] = []
    for one in machine.everybody():
        if one.judge.kind in Judge.COMPOSED:
            found.append((one.judge.kind, str(one.judge), len(one.members)))
        elif int(one.judge.options.get("samples", 1)) > 1:
            found.append(("samples", str(one.judge), int(one.judge.options["samples"])))
    return found
