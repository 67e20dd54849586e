"""Verdicts made and kept: what is on record is used again, the rest is asked for, and each is saved as it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from time import monotonic
from typing import Any, cast

from arena.background import arrivals, unburdened
from arena.chat import ChatError, Completion
from arena.collecting import begun, collect
from arena.keeping import keep
from arena.models import Answer, LanguageModel
from judging.batching import Batching, Reply, in_batch, rest
from judging.items import KEYS, Item, chunks, judged_keys, questions_of, table_of
from judging.judges import EndpointDown
from judging.judges.base import API_ERROR, SKIPPED, AskingEngine, Exhibit, Verdict
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
from judging.judges.llm import LLMJudge
from judging.kept import sort_out
from judging.machines import Machine, provenance_of
from judging.models import IN_BATCH, Grade, Judge, KeptOut, Preference, Run
from judging.purse import Feed, Purse

BEAT = 0.25  # seconds between two looks at the lease at the least, while verdicts keep coming
DRAIN = 150.0  # seconds that calls under way are waited for when a run is to stop: they are paid for


class Lost(Exception):
    """The lease is gone: paused, cancelled, or another worker has the run."""


@dataclass(frozen=True)
class Go:
    """One go at a run: `beat` renews the lease (it raises Lost), `purse` pays; `hold` keeps others away while a run that was
    stopped waits for the calls under way, and says whether it can. `batches` are those of each judge that is asked by them,
    by its id."""

    run: Run
    beat: Callable[[], None]
    purse: Purse
    hold: Callable[[], bool] = lambda: True
    batches: dict[int, Batching] = field(default_factory=dict)

    @property
    def concurrency(self) -> int:
        return int(self.run.limits.get("concurrency", 8))

    @property
    def settled(self) -> int:
        """How many batches have come back, or are waited for no more."""
        return sum(batches.settled for batches in self.batches.values())


def judge_items(go: Go, machine: Machine, items: Sequence[Item]) -> list[str]:
    """Save this machine's verdicts on these items, which it has not judged; why some of its members could not go on.

    Who is asked by batches hands them over and has no verdict on them yet: see `wait_for_batches`. So it is with what the
    budget has no room for while batches are under way, and with what a panel or cascade says of all that. Raises
    EndpointDown, ChatError, Lost, NotKept, Spent.
    """
    machine.judge.freeze()
    if machine.engine is None:
        return _compose(go, machine, items)
    exhibits, without = exhibits_for(machine, items)
    _save(go, machine, without)
    if not isinstance(machine.engine, AskingEngine):
        _ask(go, machine, exhibits)
        return []
    with unburdened():
        _judge_anew(go, machine, exhibits)
    return []


def _judge_anew(go: Go, machine: Machine, exhibits: Sequence[Exhibit]) -> None:
    """Save the verdicts on these: of kept replies, and of those that are asked for."""
    batches = go.batches.get(machine.judge.pk)
    if batches:
        exhibits = batches.not_under_way(exhibits)
    while exhibits:  # the second time those whose very prompt was asked for another exhibit the first time
        known = sort_out(go.run, machine, exhibits, under_way=batches.digests if batches else ())
        _save(go, machine, known.verdicts)
        _ask(go, machine, batches.hand_over(known.rest) if batches else known.rest)
        exhibits = known.again if known.verdicts or known.rest else []


def open_batches(go: Go, machine: Machine, *, mends: bool = True) -> Batching:
    """The batches of a judge that is asked by them, those of earlier goes too; with `mends`, replies that cannot be read are
    asked for again. A query."""

    def show(items: list[Item]) -> list[Exhibit]:
        known = _keys_of(go, machine, items)
        return exhibits_for(machine, [item for item in items if item.key not in known])[0]

    save, mend = partial(_save, go, machine), partial(_mend, go, machine) if mends else None
    purse = go.purse.of_model(machine.judge.model)
    batches = Batching(go.run, machine, purse, go.beat, go.hold, show, save, mend)
    go.batches[machine.judge.pk] = batches
    return batches


def wait_for_batches(go: Go) -> None:
    """Save what comes back of all batches under way, until none is left. Raises Lost, NotKept, Spent."""
    while look_at_batches(go):
        rest(go.beat)


def look_at_batches(go: Go) -> bool:
    """Save what has come back of all batches under way; whether any is still out. Raises Lost, NotKept, Spent."""
    out = [batches for batches in go.batches.values() if batches.is_open]
    for batches in out:
        batches.collect()
    return any(batches.is_open for batches in out)


def _mend(go: Go, machine: Machine, replies: Sequence[Reply]) -> list[Reply]:
    """Ask again where a batch brought these replies, which cannot be read, and save what comes of it; those that there is no
    room for in the budget. Raises as `judge_items`."""
    by_key = {exhibit.id.key: reply for exhibit, reply in replies}
    engine, batches = cast(LLMJudge, machine.engine), go.batches[machine.judge.pk]

    def reply_to(exhibit: Exhibit) -> Completion:
        return by_key[exhibit.id.key]

    async def judge(exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        async with aclosing(engine.judge(exhibits, reply_to=reply_to)) as verdicts:
            async for exhibit, verdict in verdicts:
                yield exhibit, in_batch(verdict, reply_to(exhibit))

    def cost(row: Preference | Grade) -> float | None:
        paid = batches.cost(**row.details[IN_BATCH])  # when the batch came back
        return None if row.cost is None or paid is None else row.cost - paid

    left = _ask(go, machine, [exhibit for exhibit, _reply in replies], judge=judge, cost=cost)
    return [(exhibit, reply_to(exhibit)) for exhibit in left]


def exhibits_for(machine: Machine, items: Sequence[Item]) -> tuple[list[Exhibit], list[tuple[Exhibit, Verdict]]]:
    """What an engine is to see of these items; and the verdicts on those that it has no reference of its own for."""
    if not machine.writes_references:
        return [item.exhibit() for item in items], []
    own = _own_references(machine.judge.model, items)
    exhibits, without = [], []
    for item in items:
        written = own.get(item.question.pk)
        if item.question.reference or (written and not written.error):
            exhibits.append(item.exhibit(reference=written.turns if written and not item.question.reference else None))
        else:
            reason = written.error if written else "it has not answered the question"
            without.append((item.exhibit(), Verdict(API_ERROR, error=f"no reference of its own: {reason}")))
    return exhibits, without


def _own_references(model: LanguageModel, items: Sequence[Item]) -> dict[int, Answer]:
    """What the judge's model answered to the questions without a reference, good or failed. A query for each 200."""
    wanted = dict.fromkeys(item.question.pk for item in items if not item.question.reference)
    rows = Answer.objects.filter(model=model, sample=0)
    return {row.question_id: row for some in chunks(wanted) for row in rows.filter(question__in=some)}


def write_references(go: Go, machine: Machine) -> None:
    """Let the judges that go by a reference of their own answer the questions that have none. Raises ChatError, Lost,
    NotKept, Spent."""
    for one in machine.everybody():
        if one.writes_references:
            questions = questions_of(go.run).filter(reference=[]).unanswered_by(one.judge.model)
            collect_from(go, one.judge.model, questions)


def collect_from(go: Go, model: LanguageModel, questions: Iterable, *, sample: int = 0) -> None:
    """Ask one model these questions and save its answers. Raises ChatError where it no longer answers, Lost, NotKept, Spent."""
    go.beat()
    left, purse = list(questions), go.purse.of_model(model)
    while left:
        if not purse.has_room():
            wait_for_batches(go)
        feed, paid = Feed(left, purse), _paid(model, sample)
        saved = collect(model, feed, concurrency=go.concurrency, sample=sample, provenance=go.run.provenance)
        _drained(go, feed, saved, partial(_cost_of_answer, model, paid))
        left = feed.left


def _paid(model: LanguageModel, sample: int) -> dict[int, float]:
    """What was paid in earlier goes for the answers of this model that are not whole, by the question's id. A query."""
    kept = begun(model, sample=sample).items()
    return {question: model.cost(row.tokens_in, row.tokens_out) or 0.0 for question, row in kept}


def _cost_of_answer(model: LanguageModel, paid: Mapping[int, float], row: Answer) -> float | None:
    """What the answer cost in this go; None where that is unknown."""
    cost = model.cost(row.tokens_in, row.tokens_out)
    return None if cost is None else max(0.0, cost - paid.get(row.question_id, 0.0))


def _ask(
    go: Go,
    machine: Machine,
    exhibits: Sequence[Exhibit],
    *,
    judge: Callable[[Any], AsyncIterator[tuple[Exhibit, Verdict]]] | None = None,
    cost: Callable[[Any], float | None] = attrgetter("cost"),
) -> list[Exhibit]:
    """Save this engine's verdicts as they arrive, those on their way when the run is stopped too; those not asked as all that
    the budget has left is promised to batches. Raises as `judge_items`.

    `judge` asks in the engine's place; `cost` is what a row takes out of the purse.
    """
    judge = judge or machine.engine.judge
    if machine.model is None:
        for batch in arrivals(lambda: judge(exhibits)):
            _save(go, machine, batch)
            go.beat()
        return []
    left, purse = list(exhibits), go.purse.of_model(machine.model)
    while left and purse.has_room():
        feed = Feed(left, purse)
        _drained(go, feed, _saved(go, machine, arrivals(partial(judge, feed), took=_seconds_of_call)), cost)
        left = feed.left
    return left


def _seconds_of_call(told: tuple[Exhibit, Verdict]) -> float:
    """How long one call took of those that a verdict did."""
    return told[1].seconds / max(1, told[1].asked)


def _saved(go: Go, machine: Machine, batches: Iterator[list]) -> Iterator[list[Preference | Grade]]:
    """The rows of each batch, once they are saved."""
    for batch in batches:
        yield _save(go, machine, batch)


def _drained(go: Go, feed: Feed, saved: Iterator[list], cost: Callable[[Any], float | None]) -> None:
    """Run through what is saved batch by batch. Where the lease is lost nothing more is asked, and what is under way is
    waited for, as it is paid for, unless another worker has the run: then Lost is raised."""
    lost: Lost | None = None
    due = until = 0.0
    for rows in saved:
        feed.arrived(cost(row) for row in rows)
        if lost is None:
            if monotonic() < due:
                continue
            due = monotonic() + BEAT
            try:
                go.beat()
            except Lost as error:
                lost, until = error, monotonic() + DRAIN
                feed.close()
        elif monotonic() > until or not go.hold():
            break
    if lost:
        raise lost


def _save(go: Go, machine: Machine, verdicts: Sequence[tuple[Exhibit, Verdict]]) -> list[Preference | Grade]:
    told = [(exhibit.id, verdict) for exhibit, verdict in verdicts]
    return save(go.run, machine.judge, told, provenance=provenance_of(go.run, machine))


def save(
    run: Run, judge: Judge, verdicts: Sequence[tuple[Item, Verdict]], *, provenance: str | None = None
) -> list[Preference | Grade]:
    """Keep these verdicts, as rows; one that is already on record stays as it is. Raises NotKept when one is not on record then."""
    where = {"judge": judge, "rubric": run.rubric, "run": run, "provenance": provenance or run.provenance}
    where |= {"trial": run.trial, "kept_out": KeptOut.AGAIN if run.trial else ""}
    rows = [_row(item, verdict, where) for item, verdict in verdicts]
    table, item = table_of(run)
    keys = KEYS[item]

    def known() -> set[tuple]:
        mine = table.objects.current().filter(judge=judge, rubric=run.rubric, trial=run.trial)
        return set(mine.filter(**{f"{keys[0]}__in": {getattr(row, keys[0]) for row in rows}}).values_list(*keys))

    keep(rows, key=lambda row: tuple(getattr(row, key) for key in keys), known=known)
    return rows


def _row(item: Item, verdict: Verdict, where: dict[str, Any]) -> Preference | Grade:
    if item.battle is None:
        return Grade.record(verdict, answer=item.answer, turn=item.turn, **where)
    return Preference.record(verdict, battle=item.battle, swapped=item.swapped, turn=item.turn, **where)


def _compose(go: Go, machine: Machine, items: Sequence[Item]) -> list[str]:
    """Let the members judge what they have not judged, then save what that comes to; why some could not go on.

    An item that a member has yet to judge has no verdict: the next go makes it.
    """
    down: list[str] = []

    def hear(member: Machine, exhibits: Sequence[Exhibit]) -> None:
        down.extend(_hear(go, member, exhibits))

    _save(go, machine, _composed(go, machine, items, hear))
    go.beat()
    return down


def composed_of_record(run: Run, machine: Machine, items: Sequence[Item]) -> list[tuple[Item, Verdict]]:
    """What a panel or cascade says by what is on record of its members, without a call; nothing on items that one has yet to judge."""
    told = _composed(Go(run, lambda: None, Purse()), machine, items, lambda _member, _exhibits: None)
    return [(exhibit.id, verdict) for exhibit, verdict in told]


def _composed(
    go: Go, machine: Machine, items: Sequence[Item], hear: Callable[[Machine, Sequence[Exhibit]], None]
) -> list[tuple[Exhibit, Verdict]]:
    """What the members come to on each item; `hear` lets one of them judge what is up to it."""
    exhibits = {item.key: item.exhibit() for item in items}
    found: dict[tuple, Verdict] = {}
    if machine.judge.kind == Judge.Kind.PANEL:
        for member in machine.members:
            hear(member, _may_judge(member, exhibits.values()))
        found = _panel(go, machine, exhibits)
    else:
        open_ = exhibits
        for step, member in enumerate(machine.members, start=1):
            hear(member, list(open_.values()))
            told = _cascade(go, machine, open_, machine.members[:step])
            found |= {key: verdict for key, verdict in told.items() if verdict is not ASK}
            open_ = {key: open_[key] for key, verdict in told.items() if verdict is ASK}
    return [(exhibits[key], verdict) for key, verdict in found.items()]


def _hear(go: Go, member: Machine, exhibits: Sequence[Exhibit]) -> list[str]:
    """Let a member judge what it has not judged; why it could not go on."""
    items = [exhibit.id for exhibit in exhibits]
    known = _keys_of(go, member, items)
    try:
        return judge_items(go, member, [item for item in items if item.key not in known])
    except (EndpointDown, ChatError) as error:
        return [str(error)]


def _keys_of(go: Go, member: Machine, items: Sequence[Item]) -> set[tuple]:
    questions = sorted({item.question.pk for item in items})
    return {key for some in chunks(questions) for key in judged_keys(go.run, member.judge, some)}


def _may_judge(member: Machine, exhibits: Iterable[Exhibit]) -> list[Exhibit]:
    """Those of which no answer is of the member's own family: nobody is asked for a voice that does not count."""
    return [exhibit for exhibit in exhibits if not is_of_own_family(_family(member), exhibit)]


def _family(member: Machine) -> str:
    return member.model.family if member.model else ""


def _panel(go: Go, machine: Machine, exhibits: dict[tuple, Exhibit]) -> dict[tuple, Verdict]:
    said = [_said(go, member, exhibits) for member in machine.members]
    how = Panel(**{name: value for name, value in machine.judge.options.items() if name in PANEL_OPTIONS})
    barred = Verdict(SKIPPED, error=OWN_FAMILY)
    found = {}
    for key, exhibit in exhibits.items():
        verdicts = [
            barred if is_of_own_family(_family(member), exhibit) else words.get(key)
            for member, words in zip(machine.members, said, strict=True)
        ]
        if None not in verdicts:
            voices = map(_voice, machine.members, machine.weights, verdicts)
            found[key] = panel_verdict(list(voices), exhibit, how)
    return found


def _cascade(
    go: Go, machine: Machine, exhibits: dict[tuple, Exhibit], heard: Sequence[Machine]
) -> dict[tuple, Verdict | str]:
    """What the cascade says of each exhibit now that these members were heard, or ASK; those not all of them judged are left out."""
    said = [_said(go, member, exhibits) for member in heard]
    how = Cascade(**{name: value for name, value in machine.judge.options.items() if name in CASCADE_OPTIONS})
    found: dict[tuple, Verdict | str] = {}
    for key, exhibit in exhibits.items():
        verdicts = [words.get(key) for words in said]
        if None not in verdicts:
            voices = map(_voice, heard, machine.weights, verdicts)
            found[key] = cascade_next(list(voices), len(machine.members), exhibit=exhibit, how=how)
    return found


def _voice(member: Machine, weight: float, verdict: Verdict) -> Voice:
    return Voice(str(member.judge), _family(member), weight, verdict, kind=member.judge.kind)


def _said(go: Go, member: Machine, exhibits: dict[tuple, Exhibit]) -> dict[tuple, Verdict]:
    """What is on record of this member on these exhibits, towards the answer shown first. A query for each 200 questions."""
    table, item = table_of(go.run)
    questions = sorted({exhibit.id.question.pk for exhibit in exhibits.values()})
    rows = table.objects.current().filter(judge=member.judge, rubric=go.run.rubric, trial=go.run.trial)
    by_key: dict[tuple, Verdict] = {}
    for some in chunks(questions):
        for row in rows.filter(**{f"{item}__question__in": some}).defer("prompt", "reply", "reasoning"):
            key = tuple(getattr(row, name) for name in KEYS[item])
            if key in exhibits:
                by_key[key] = _as_verdict(row)
    return by_key


def _as_verdict(row: Preference | Grade) -> Verdict:
    if isinstance(row, Preference):
        return Verdict(row.status, row.value_shown, both_bad=row.both_bad, error=row.error)
    return Verdict(row.status, row.score, scores=row.scores, points=tuple(row.points), error=row.error)
