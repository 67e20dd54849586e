"""Judging by an endpoint's batch API: half the price, without hurry, and found again after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, TypeVar, cast

from django.utils import timezone

from arena.chat import ChatError, Completion
from arena.chat.batches import FAILED, WORKING, BatchRequest, open_batches
from judging.judges.base import OK, REFUSED, Exhibit, Verdict
from judging.judges.llm import LLMJudge
from judging.machines import Machine, endpoint_of
from judging.models import Run, Submission
from judging.purse import Purse

T = TypeVar("T")
POLL = 30.0  # seconds between two looks at a batch, which takes minutes at the least
BEAT = 1.0
AT_ONCE = 200  # verdicts saved together
KEPT = (OK, REFUSED)  # what is not asked again


@dataclass(frozen=True)
class Batching:
    """One judge asked by batches within one go at a run; `save` keeps verdicts, `beat` renews the lease."""

    run: Run
    machine: Machine
    purse: Purse
    beat: Callable[[], None]
    save: Callable[[list[tuple[Exhibit, Verdict]]], Any]

    def ask(self, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
        """Save the verdicts on these as their batches come back; those to be asked one by one, as they were not answered or
        could not be read.

        What a batch of an earlier go was handed is not handed over again. Raises ChatError where the endpoint takes no
        batch, Spent before one where the budget is spent, and whatever `beat` raises: open batches go on, and the next go
        finds them.
        """
        by_key = {exhibit.id.key: exhibit for exhibit in exhibits}
        waiting = {tuple(key) for one in self._open() for key in one.items.values()}
        self._hand_over([exhibit for key, exhibit in by_key.items() if key not in waiting])
        left = dict(by_key)
        while submissions := self._open():
            for submission in submissions:
                for exhibit, verdict in self._look(submission, by_key):
                    if verdict.status in KEPT:
                        left.pop(exhibit.id.key, None)
            if self._open():
                self._wait()
        return list(left.values())

    def _open(self) -> list[Submission]:
        return list(self.run.submissions.filter(judge=self.machine.judge, finished_at=None))

    def _hand_over(self, exhibits: Sequence[Exhibit]) -> None:
        """Submit these, in as few batches as the endpoint's limits allow, each on record at once."""
        requests, by_id = [], {}
        for number, exhibit in enumerate(exhibits):
            asked = self._judge.request(exhibit)
            if isinstance(asked, Verdict):
                continue  # it cannot be shown: asked one by one, it says why
            messages, schema = asked
            by_id[f"v{number}"] = exhibit
            requests.append(BatchRequest(f"v{number}", messages, schema=schema))
        for some in self._with(lambda batches: _split(batches, requests)) if requests else ():
            self.purse.check()
            batch = self._with(lambda batches, some=some: batches.submit(some))
            items = {request.id: list(by_id[request.id].id.key) for request in some}
            Submission.objects.create(run=self.run, judge=self.machine.judge, batch=batch, items=items)
            self.beat()

    def _look(self, submission: Submission, by_key: dict[tuple, Exhibit]) -> Iterator[tuple[Exhibit, Verdict]]:
        """The verdicts of a batch that has come back, saved but for those that could not be read: the repair turn may do it."""
        status = self._with(lambda batches: batches.poll(submission.batch))
        if status.state == WORKING:
            return
        read: list[tuple[Exhibit, Verdict]] = []
        results = [] if status.state == FAILED else self._with(lambda batches: _all(batches, submission.batch))
        for id_, result in results:
            exhibit = by_key.get(tuple(submission.items.get(id_, ())))
            if exhibit is not None and isinstance(result, Completion):
                read.append((exhibit, self._judge.verdict_on(exhibit, result)))
        good = [pair for pair in read if pair[1].status in KEPT]
        for start in range(0, len(good), AT_ONCE):
            rows = self.save(good[start : start + AT_ONCE])
            self.purse.pay(row.cost for row in rows)
        Submission.objects.filter(pk=submission.pk).update(finished_at=timezone.now())
        yield from read

    def _wait(self) -> None:
        until = monotonic() + POLL
        while monotonic() < until:
            self.beat()
            sleep(min(BEAT, max(0.0, until - monotonic())))

    @property
    def _judge(self) -> LLMJudge:
        return cast(LLMJudge, self.machine.engine)

    def _with(self, call: Callable[[Any], Awaitable[T]]) -> T:
        """What one call to the endpoint's batches brings, over connections of its own: hours may lie between two."""

        async def once() -> T:
            async with open_batches(endpoint_of(self.machine.judge)) as batches:
                return await call(batches)

        return asyncio.run(once())


async def _split(batches: Any, requests: Sequence[BatchRequest]) -> list[Sequence[BatchRequest]]:
    return list(batches.split(requests))


async def _all(batches: Any, batch: str) -> list[tuple[str, Completion | ChatError]]:
    return [result async for result in batches.results(batch)]
