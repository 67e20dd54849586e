"""Judging by an endpoint's batch API: half the price, without hurry, and found again after a crash.

A batch is open, as a Submission, until all that it was answered is on record. Whoever stops before that loses nothing: the
next go asks the endpoint for its results again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import Any, TypeVar, cast

from django.utils import timezone

from arena.chat import ChatError, Completion
from arena.chat.batch import CANCELLED, FAILED, WORKING, BatchRequest, BatchStatus
from arena.chat.batches import open_batches
from judging.items import Item, items_of_keys
from judging.judges.base import OK, REFUSED, EndpointDown, Exhibit, Verdict
from judging.judges.dry_run import REPLY_TOKENS, prompt_tokens
from judging.judges.llm import LLMJudge
from judging.machines import Machine, endpoint_of
from judging.models import BATCH_PRICE, IN_BATCH, Run, Submission
from judging.purse import Purse

T = TypeVar("T")
Reply = tuple[Exhibit, Completion]
log = logging.getLogger(__name__)
POLL = 30.0  # seconds between two looks at batches, which take minutes at the least
BEAT = 1.0
AT_ONCE = 200  # verdicts saved together
KEPT = (OK, REFUSED)  # what is not asked again


@dataclass
class Batching:
    """One judge asked by batches within one go at a run.

    `beat` renews the lease (it may raise), `hold` keeps others away while something is on its way that must be put on record;
    `show` makes exhibits of those items that the judge has not judged, `save` keeps verdicts and gives their rows. `mend` asks
    again for replies that cannot be read, saves what comes of it, and gives those that there is no room for in the budget yet;
    None where nobody is to be asked, and such replies are kept as what they are. `failure` is why the judge could not go on,
    `settled` counts the batches that are waited for no more.
    """

    run: Run
    machine: Machine
    purse: Purse
    beat: Callable[[], None]
    hold: Callable[[], bool]
    show: Callable[[list[Item]], list[Exhibit]]
    save: Callable[[list[tuple[Exhibit, Verdict]]], Any]
    mend: Callable[[list[Reply]], list[Reply]] | None = None
    failure: str = ""
    settled: int = 0
    _open: list[Submission] = field(init=False)
    _waiting: set[tuple] = field(init=False)
    _handed_over: set[tuple] = field(default_factory=set, init=False)
    _digests: dict[tuple, str] = field(default_factory=dict, init=False)
    _unread: dict[int, list[Reply]] = field(default_factory=dict, init=False)
    _stopping: set[int] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._open = list(self.run.submissions.filter(judge=self.machine.judge, finished_at=None))
        self._waiting = {key for submission in self._open for key in _keys(submission)}
        for submission in self._open:
            self.purse.promise(submission.pk, submission.price)

    @property
    def is_open(self) -> bool:
        """Whether there is a batch to wait for."""
        return bool(self._open)

    @property
    def digests(self) -> set[str]:
        """Digests of the prompts that are under way."""
        return {self._digests[key] for key in self._waiting & self._digests.keys()}

    def not_under_way(self, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
        """Those of these that no open batch was handed."""
        for exhibit in exhibits:
            if exhibit.id.key in self._waiting and exhibit.id.key not in self._digests:
                self._digests[exhibit.id.key] = self._judge.digest(exhibit)
        return [exhibit for exhibit in exhibits if exhibit.id.key not in self._waiting]

    def hand_over(self, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
        """Submit these, in as few batches as the endpoint's limits allow, each on record at once, and wait for none; those to
        be asked one by one, as their batch did not answer them or as there is no prompt to show.

        What the budget has no room for is left. Raises ChatError where the endpoint takes no batch, EndpointDown where an
        earlier batch failed, Spent where the budget is spent, and whatever `beat` raises.
        """
        if self.failure:
            raise EndpointDown(self.failure)
        requests: list[BatchRequest] = []
        by_id: dict[str, Exhibit] = {}
        alone: list[Exhibit] = []
        for number, exhibit in enumerate(exhibits):
            asked = self._judge.request(exhibit)
            if isinstance(asked, Verdict) or exhibit.id.key in self._handed_over:
                alone.append(exhibit)
            else:
                by_id[f"v{number}"] = exhibit
                requests.append(BatchRequest(f"v{number}", asked[0], schema=asked[1]))
        if requests and self.purse.has_room():
            price = self._price(requests)
            now = requests[: self.purse.room(price)]
            for some in self._with(lambda batches: _split(batches, now)):
                self._submit(some, by_id, price)
        return alone

    def collect(self) -> None:
        """Save what came back by now: what cannot be read is asked for again. A passing error is waited out; what else goes
        wrong is the `failure`. Raises Spent, and whatever asking and `beat` raise."""
        try:
            for submission, status in self._states():
                self._look(submission, status)
            self._mend()
        except (ChatError, EndpointDown) as error:
            self._give_up(str(error))

    def cancel(self) -> None:
        """Stop the batches that are at work at the endpoint and, when last looked at, were not told to; what they were answered by
        then is still to be collected."""
        for submission in [one for one in self._open if one.pk not in self._stopping]:
            try:
                self._with(lambda batches, submission=submission: batches.cancel(submission.batch))
            except ChatError as error:  # it may have ended meanwhile
                log.info("run %s: batch %s could not be cancelled: %s", self.run.pk, submission.batch, error)

    def _submit(self, requests: Sequence[BatchRequest], by_id: dict[str, Exhibit], price: float | None) -> None:
        batch = self._with(lambda batches: batches.submit(requests))
        exhibits = {request.id: by_id[request.id] for request in requests}
        submission = Submission.objects.create(
            run=self.run,
            judge=self.machine.judge,
            batch=batch,
            items={id_: list(exhibit.id.key) for id_, exhibit in exhibits.items()},
            price=None if price is None else price * len(requests),
        )
        self._open.append(submission)
        self.purse.promise(submission.pk, submission.price)
        digests = {exhibit.id.key: self._judge.digest(exhibit) for exhibit in exhibits.values()}
        self._digests |= digests
        self._handed_over |= digests.keys()
        self._waiting |= digests.keys()
        self.beat()

    def _price(self, requests: Sequence[BatchRequest]) -> float | None:
        """What one of these may cost, from the longest prompt; None where there is no price."""
        longest = max(prompt_tokens(list(request.messages)) for request in requests)
        return self.cost(longest, REPLY_TOKENS)

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """What so many tokens cost in a batch; None where price or tokens are unknown."""
        cost = self.machine.judge.model.cost(tokens_in, tokens_out)
        return None if cost is None else cost * BATCH_PRICE

    def _states(self) -> list[tuple[Submission, BatchStatus | ChatError]]:
        """How far each batch is that has not come back yet, or what was wrong with asking."""
        out = [submission for submission in self._open if submission.pk not in self._unread]
        ids = [submission.batch for submission in out]
        return list(zip(out, self._with(lambda batches: _polled(batches, ids)), strict=True)) if out else []

    def _look(self, submission: Submission, status: BatchStatus | ChatError) -> None:
        """Take in a batch that has come back. Raises ChatError where the endpoint will not give it."""
        if isinstance(status, ChatError):
            if status.status == 404:
                self._lose(submission, f"the endpoint knows no batch {submission.batch} any more")
            elif not status.transient:
                raise status
        elif status.state == FAILED:
            why = status.error or "the endpoint does not say why"
            self._lose(submission, f"batch {submission.batch} failed: {why}")
        elif status.state != WORKING:
            self._fetch(submission, status)
        elif status.stops:
            self._stopping.add(submission.pk)

    def _fetch(self, submission: Submission, status: BatchStatus) -> None:
        try:
            results = self._with(lambda batches: _all(batches, submission.batch))
        except ChatError as error:
            if not error.transient:
                raise
            return
        self._take_in(submission, results)
        if status.state == CANCELLED and self._handed_over.intersection(_keys(submission)):
            self._fail(f"batch {submission.batch} was cancelled at the endpoint")

    def _take_in(self, submission: Submission, results: Sequence[tuple[str, Completion | ChatError]]) -> None:
        """Save and pay what a batch was answered; what cannot be read is paid, and open still."""
        shown = {exhibit.id.key: exhibit for exhibit in self.show(items_of_keys(self.run, _keys(submission)))}
        good: list[tuple[Exhibit, Verdict]] = []
        unread: list[Reply] = []
        for id_, result in results:
            exhibit = shown.get(tuple(submission.items.get(id_, ())))
            if exhibit is None or not isinstance(result, Completion):
                continue
            verdict = in_batch(self._judge.verdict_on(exhibit, result), result)
            if verdict.status in KEPT or self.mend is None:
                good.append((exhibit, verdict))
            else:
                unread.append((exhibit, result))
        self.purse.keep_promise(submission.pk)
        for start in range(0, len(good), AT_ONCE):
            rows = self.save(good[start : start + AT_ONCE])
            self.purse.pay(row.cost for row in rows)
            self.hold()
        self.purse.pay(self.cost(reply.tokens_in, reply.tokens_out) for _exhibit, reply in unread)
        self._unread[submission.pk] = unread

    def _mend(self) -> None:
        """Ask again for what could not be read of the batches that came back, and close those of which all is on record."""
        for submission in [one for one in self._open if one.pk in self._unread]:
            unread = self._unread[submission.pk]
            if unread and self.mend and not self.purse.has_room():
                return
            self._unread[submission.pk] = self.mend(unread) if unread and self.mend else []
            if not self._unread[submission.pk]:
                self._close(submission)

    def _close(self, submission: Submission) -> None:
        Submission.objects.filter(pk=submission.pk).update(finished_at=timezone.now())
        self._open.remove(submission)
        self.settled += 1
        self._waiting.difference_update(_keys(submission))
        self.purse.keep_promise(submission.pk)

    def _lose(self, submission: Submission, why: str) -> None:
        """Nothing comes of this batch: nobody asks in this go what it was to answer, the next one hands it over anew."""
        self._close(submission)
        self._fail(why)

    def _fail(self, why: str) -> None:
        log.warning("run %s: judge %s: %s", self.run.pk, self.machine.judge, why)
        self.failure = self.failure or f"judge {self.machine.judge}: {why}"

    def _give_up(self, why: str) -> None:
        """Wait for no batch of this judge in this go; they stay open for the next one."""
        self._fail(why)
        for submission in self._open:
            self.purse.keep_promise(submission.pk)
        self.settled += len(self._open)
        self._open = []

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


def in_batch(verdict: Verdict, reply: Completion) -> Verdict:
    """The verdict with a note of what of it was paid for at the price of a batch."""
    tokens = {"tokens_in": reply.tokens_in, "tokens_out": reply.tokens_out}
    return replace(verdict, details={**verdict.details, IN_BATCH: tokens})


def rest(beat: Callable[[], None]) -> None:
    """Let the time between two looks at batches go by, with the lease renewed."""
    until = monotonic() + POLL
    while monotonic() < until:
        beat()
        sleep(min(BEAT, max(0.0, until - monotonic())))


def _keys(submission: Submission) -> list[tuple]:
    return [tuple(key) for key in submission.items.values()]


async def _split(batches: Any, requests: Sequence[BatchRequest]) -> list[Sequence[BatchRequest]]:
    return list(batches.split(requests))


async def _polled(batches: Any, ids: Sequence[str]) -> list[BatchStatus | ChatError]:
    return [await _state(batches, id_) for id_ in ids]


async def _state(batches: Any, id_: str) -> BatchStatus | ChatError:
    try:
        return await batches.poll(id_)
    except ChatError as error:
        return error


async def _all(batches: Any, batch: str) -> list[tuple[str, Completion | ChatError]]:
    return [result async for result in batches.results(batch)]
