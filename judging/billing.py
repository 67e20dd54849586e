"""The exact bill of a run: every prompt is rendered and looked up, so that it says what will be asked and paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from judging.estimating import count
from judging.items import Item, participants, questions_of, undecided
from judging.judges.base import AskingEngine, Exhibit
from judging.judges.composed import is_of_own_family
from judging.judges.dry_run import prompt_tokens
from judging.judges.llm import LLMJudge
from judging.judges.sampling import fewest
from judging.kept import sort_out
from judging.machines import Machine, everybody, machines_of
from judging.models import Judge, Run
from judging.running import batches_to_judge
from judging.verdicts import exhibits_for

SAMPLE = 200  # prompts whose length is looked at


@dataclass
class Bill:
    """What one judge would be asked: `calls` at the least and `calls_at_most`, and of those `reference_calls` for references
    of its own; both are the same unless samples may stop early or a cascade may not come to it. `cached` verdicts are replies
    on record. `tokens_in` of all prompts (about) and the `cost` of them; None where unknown.
    """

    judge: str
    calls: int = 0
    calls_at_most: int = 0
    reference_calls: int = 0
    cached: int = 0
    tokens_in: int | None = 0
    cost: float | None = 0.0


@dataclass(frozen=True)
class Estimate:
    """Answers still to be collected, the calls they take (one a turn), and the bill of each judge and member of one.

    `notes` say what of the recipe has no effect.
    """

    answers: int
    answer_calls: int
    judges: list[Bill]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate(run: Run) -> Estimate:
    """The calls that carrying out `run` would make now, where every call succeeds and can be read; no key is needed.

    Exact for answers there are; answers still to be collected count as if each were like no other. Judges are not called,
    and nothing is written but the run's battles.
    """
    machines = machines_of(run, key=lambda _model: "")
    found = count(run, run.candidates.all(), [machine.judge for machine in machines])
    tally = _Tally(run, {machine.judge.pk: Bill(str(machine.judge)) for machine in everybody(machines)})
    tally.references(everybody(machines))
    for machine, work in zip(machines, found.works, strict=True):
        for todo in batches_to_judge(run, machine.judge):
            tally.add(machine, todo)
        tally.unseen(machine, work.unseen)
    tally.settle()
    return Estimate(found.answers, found.answer_calls, tally.told(everybody(machines)))


@dataclass
class _Tally:
    """Bills being written; `asked` holds digests that will be on record by then, `judged` whose verdicts will, `foreseen` who
    has been counted for the answers to come. `perhaps` is still to be counted: what cascades may not come to."""

    run: Run
    bills: dict[int, Bill]
    asked: set[str] = field(default_factory=set)
    judged: set[tuple] = field(default_factory=set)
    lengths: dict[int, list[int]] = field(default_factory=dict)
    foreseen: set[int] = field(default_factory=set)
    perhaps: list[Callable[[], None]] = field(default_factory=list)

    def references(self, machines: Sequence[Machine]) -> None:
        """The calls for references of their own, one a turn; the judges of one model go by the same one, and what a candidate
        is asked for anyway is counted there."""
        there = set(participants(self.run)) if self.run.collects else set()
        for one in machines:
            if one.writes_references and one.judge.model_id not in there:
                there.add(one.judge.model_id)
                wanted = questions_of(self.run).filter(reference=[]).unanswered_by(one.judge.model)
                self.bills[one.judge.pk].reference_calls = sum(
                    len(turns) for turns in wanted.values_list("turns", flat=True)
                )

    def settle(self) -> None:
        """Count what cascades may come to, now that all is counted which is asked for certain."""
        while self.perhaps:
            self.perhaps.pop(0)()

    def add(self, machine: Machine, items: Sequence[Item], *, surely: bool = True) -> None:
        """What this machine is asked about these items; `surely` False where it may not come to that."""
        pk = machine.judge.pk
        items = [item for item in items if (pk, item.key) not in self.judged]
        self.judged |= {(pk, item.key) for item in items}
        if isinstance(machine.engine, AskingEngine):
            self._asked(machine, machine.engine, items, surely=surely)
        for step, member in enumerate(machine.members):
            ahead = undecided(self.run, member.judge, items, sorted({item.question.pk for item in items}))
            if machine.judge.kind == Judge.Kind.PANEL:
                family = member.model.family if member.model else ""
                ahead = [item for item in ahead if not is_of_own_family(family, item.exhibit())]
                self.add(member, ahead, surely=surely)
            elif step == 0:
                self.add(member, ahead, surely=surely)
            else:
                self.perhaps.append(partial(self.add, member, ahead, surely=False))

    def _asked(self, machine: Machine, engine: AskingEngine, items: Sequence[Item], *, surely: bool) -> None:
        exhibits, without = exhibits_for(machine, items)
        known = sort_out(self.run, machine, exhibits)
        bill = self.bills[machine.judge.pk]
        bill.cached += len(known.verdicts) + len(known.again)
        ahead = [_with_some_reference(exhibit) for exhibit, _verdict in without]
        for exhibit in (*known.rest, *ahead):
            if self.run.cache and (digest := engine.digest(exhibit)):
                if digest in self.asked:
                    bill.cached += 1
                    continue
                self.asked.add(digest)
            self._call(machine, engine, exhibit, surely=surely)

    def _call(self, machine: Machine, engine: AskingEngine, exhibit: Exhibit, *, surely: bool) -> None:
        bill, (few, many) = self.bills[machine.judge.pk], engine.calls(exhibit)
        bill.calls += few if surely else 0
        bill.calls_at_most += many
        lengths = self.lengths.setdefault(machine.judge.pk, [])
        if many and len(lengths) < SAMPLE and isinstance(engine, LLMJudge):
            lengths.append(prompt_tokens(engine.asking.render(exhibit)))

    def unseen(self, machine: Machine, items: int, *, surely: bool = True) -> None:
        """As `add`, of so many items whose answers are still to be collected: the same for all judges."""
        if not items or machine.judge.pk in self.foreseen:
            return
        self.foreseen.add(machine.judge.pk)
        if isinstance(machine.engine, LLMJudge):
            bill, samples = self.bills[machine.judge.pk], machine.engine.samples
            bill.calls += items * fewest(samples, is_pair=not self.run.is_single) if surely else 0
            bill.calls_at_most += items * samples
        for step, member in enumerate(machine.members):
            if step == 0 or machine.judge.kind == Judge.Kind.PANEL:
                self.unseen(member, items, surely=surely)
            else:
                self.perhaps.append(partial(self.unseen, member, items, surely=False))

    def told(self, machines: Sequence[Machine]) -> list[Bill]:
        """The bills, with tokens from the mean of the prompts looked at, and their price."""
        for machine in machines:
            bill, lengths = self.bills[machine.judge.pk], self.lengths.get(machine.judge.pk, [])
            if bill.calls_at_most:
                bill.tokens_in = round(sum(lengths) * bill.calls_at_most / len(lengths)) if lengths else None
                bill.cost = machine.model.cost(bill.tokens_in, 0) if machine.model else 0.0
            bill.calls += bill.reference_calls
            bill.calls_at_most += bill.reference_calls
        return [self.bills[machine.judge.pk] for machine in machines]


def _with_some_reference(exhibit: Exhibit) -> Exhibit:
    """The exhibit as if the reference that is yet to be written were there: no other question will have the same."""
    reference = tuple(f"of question {exhibit.id.question.pk}" for _ in exhibit.turns)
    return replace(exhibit, reference=reference)
