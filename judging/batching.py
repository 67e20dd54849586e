"""Judging by an endpoint's batch API: half the price, without hurry, and found again after a crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Any, TypeVar, cast

from django.utils import timezone

from arena.chat import ChatError, Completion
from arena.chat.batches import FAILED, WORKING, BatchRequest, BatchStatus, open_batches
from judging.items import Item, items_of_keys
from judging.judges.base import OK, REFUSED, Exhibit, Verdict
from judging.judges.dry_run import REPLY_TOKENS, prompt_tokens
from judging.judges.llm import LLMJudge
from judging.machines import Machine, endpoint_of
from judging.models import BATCH_PRICE, Run, Submission
from judging.purse import Purse

T = TypeVar("T")
log = logging.getLogger(__name__)
POLL = 30.0  # seconds between two looks at a batch, which takes minutes at the least
BEAT = 1.0
AT_ONCE = 200  # verdicts saved together
KEPT = (OK, REFUSED)  # what is not asked again


@dataclass(frozen=True)
class Batching:
    """One judge asked by batches within one go at a run.

    `beat` renews the lease (it may raise), `hold` keeps others away while something is on its way that must be put on record;
    `show` makes exhibits of items, `save` keeps verdicts and gives their rows.
    """

    run: Run
    machine: Machine
    purse: Purse
    beat: Callable[[], None]
    hold: Callable[[], bool]
    show: Callable[[list[Item]], list[Exhibit]]
    save: Callable[[list[tuple[Exhibit, Verdict]]], Any]

    def ask(self, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
        """Save the verdicts on these as their batches come back; those to be asked one by one, as they were not answered or
        could not be read.

        What a batch of an earlier go was handed is not handed over again, and its verdicts are saved whatever else is asked
        now. Raises ChatError where the endpoint takes no batch, Spent before one where the budget is spent, and whatever
        `beat` raises: open batches go on, and the next go finds them.
        """
        left = {exhibit.id.key: exhibit for exhibit in exhibits}
        ahead = [exhibit for key, exhibit in left.items() if key not in self._waiting()]
        while True:
            ahead = self._hand_over(ahead)
            while submissions := self._open():
                for submission in submissions:
                    for key in self._look(submission, left):
                        left.pop(key, None)
                if self._open():
                    self._wait()
            if not ahead:
                return list(left.values())

    def _open(self) -> list[Submission]:
        return list(self.run.submissions.filter(judge=self.machine.judge, finished_at=None))

    def _waiting(self) -> set[tuple]:
        return {tuple(key) for submission in self._open() for key in submission.items.values()}

    def _hand_over(self, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
        """Submit these, in as few batches as the endpoint's limits allow, each on record at once; those that the budget has no
        room for yet. What cannot be shown is not asked: asked one by one, it says why."""
        requests: list[BatchRequest] = []
        by_id: dict[str, Exhibit] = {}
        for number, exhibit in enumerate(exhibits):
            asked = self._judge.request(exhibit)
            if not isinstance(asked, Verdict):
                by_id[f"v{number}"] = exhibit
                requests.append(BatchRequest(f"v{number}", asked[0], schema=asked[1]))
        if not requests:
            return []
        self.purse.check()
        room = self.purse.room(self._price(requests)) - len(self._waiting())
        now = requests[: max(1, room)] if room < len(requests) else requests
        for some in self._with(lambda batches: _split(batches, now)):
            batch = self._with(lambda batches, some=some: batches.submit(some))
            items = {request.id: list(by_id[request.id].id.key) for request in some}
            Submission.objects.create(run=self.run, judge=self.machine.judge, batch=batch, items=items)
            self.beat()
        return [by_id[request.id] for request in requests[len(now) :]]

    def _price(self, requests: Sequence[BatchRequest]) -> float | None:
        """What one of these may cost, from the longest prompt; None where there is no price."""
        longest = max(prompt_tokens(list(request.messages)) for request in requests)
        cost = self.machine.judge.model.cost(longest, REPLY_TOKENS)
        return None if cost is None else cost * BATCH_PRICE

    def _look(self, submission: Submission, known: Mapping[tuple, Exhibit]) -> list[tuple]:
        """The keys of what a batch that has come back has a verdict on, now saved; what could not be read is left: the repair
        turn may do it. A passing error is waited out, and a batch that the endpoint no longer knows is given up."""
        try:
            status = self._with(lambda batches: batches.poll(submission.batch))
            results = self._results(submission, status)
        except ChatError as error:
            if error.status == 404:
                log.warning("run %s: the endpoint knows no batch %s any more", self.run.pk, submission.batch)
                self._close(submission)
                return []
            if not error.transient:
                raise
            return []
        if status.state == WORKING:
            return []
        shown = self._exhibits(submission, known)
        read = [
            (shown[key], self._read(shown[key], result))
            for id_, result in results
            if (key := tuple(submission.items.get(id_, ()))) in shown and isinstance(result, Completion)
        ]
        good = [pair for pair in read if pair[1].status in KEPT]
        for start in range(0, len(good), AT_ONCE):
            rows = self.save(good[start : start + AT_ONCE])
            self.purse.pay(row.cost for row in rows)
        self._close(submission)
        return [exhibit.id.key for exhibit, _verdict in good]

    def _results(self, submission: Submission, status: BatchStatus) -> list[tuple[str, Completion | ChatError]]:
        if status.state in (WORKING, FAILED):
            return []
        return self._with(lambda batches: _all(batches, submission.batch))

    def _exhibits(self, submission: Submission, known: Mapping[tuple, Exhibit]) -> dict[tuple, Exhibit]:
        """What the requests of a batch were about, by key, also where that is not asked for in this go."""
        keys = [tuple(key) for key in submission.items.values()]
        others = self.show(items_of_keys(self.run, [key for key in keys if key not in known]))
        return {key: known[key] for key in keys if key in known} | {exhibit.id.key: exhibit for exhibit in others}

    def _read(self, exhibit: Exhibit, completion: Completion) -> Verdict:
        verdict = self._judge.verdict_on(exhibit, completion)
        return replace(verdict, details={**verdict.details, "batch": True})

    @staticmethod
    def _close(submission: Submission) -> None:
        Submission.objects.filter(pk=submission.pk).update(finished_at=timezone.now())

    def _wait(self) -> None:
        until = monotonic() + POLL
        while monotonic() < until:
            self.beat()
            sleep(min(BEAT, max(0.0, until - monotonic())))

    @property
    def _judge(self) -> LLMJudge:
        return cast(LLMJudge, self.machine.engine)

    def _with(self, call: Callable[[Any], Awaitable[T]]) -> T:
        """What one call to the endpoint's batches brings, over connections of its own: hours may lie between two.

        An upload may take longer than a lease: until it is through, nobody else gets the run.
        """
        endpoint = endpoint_of(self.machine.judge)

        async def once() -> T:
            async with open_batches(endpoint) as batches:
                return await call(batches)

        with ThreadPoolExecutor(1, "batches") as pool:
            future = pool.submit(lambda: asyncio.run(once()))
            while not wait([future], BEAT).done:
                self.hold()
            return future.result()


async def _split(batches: Any, requests: Sequence[BatchRequest]) -> list[Sequence[BatchRequest]]:
    return list(batches.split(requests))


async def _all(batches: Any, batch: str) -> list[tuple[str, Completion | ChatError]]:
    return [result async for result in batches.results(batch)]
