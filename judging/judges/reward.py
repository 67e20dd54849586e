"""A reward model as judge: one number for each answer, and for a pair the difference of two."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

from arena.chat import Breaker, ChatError, Endpoint, Message
from judging.judges.base import API_ERROR, OK, PARSE_ERROR, EndpointDown, Exhibit, RubricText, Verdict
from judging.judges.digests import digest_of_judge, digest_of_prompt

SCALES = ("raw", "sigmoid")
VERDICTS = ("probability", "sign")
NO_REWARDS = "the reply holds no rewards of these answers"
ALL_BUT_ONE = math.nextafter(1.0, 0.0)
BOUND = 1e9  # of a grade on record
OPTIONS_OF_WEIGHTS = ("dtype", "device")


@dataclass(frozen=True)
class RewardJudge:
    """An engine over a sequence classifier on this machine; see `arena.chat.local_classifier`.

    One answer: its reward as it comes out of the model (`scale` "raw"), or 1/(1 + e^−reward) ("sigmoid"), in both cases without
    regard to the rubric's scale, which is no reward model's. A pair: nothing between them where the rewards differ by no
    more than `tie_band`; else +1 or −1 (`verdict` "sign"), or 2p − 1 with p = 1/(1 + e^−difference) ("probability"), the
    Bradley–Terry probability that reward models are trained on. `reply` holds the rewards as JSON, so that
    another band or scale can be read from them without the model.

    Raises ValueError for an option that there is not.
    """

    endpoint: Endpoint
    rubric: RubricText
    scale: str = "raw"
    verdict: str = "probability"
    tie_band: float = 0.0

    def __post_init__(self) -> None:
        if self.endpoint.provider != "local":
            raise ValueError(f"a reward model runs on this machine (provider local), not at {self.endpoint.provider!r}")
        if self.scale not in SCALES:
            raise ValueError(f"option 'scale' must be one of {', '.join(SCALES)}, not {self.scale!r}")
        if self.verdict not in VERDICTS:
            raise ValueError(f"option 'verdict' must be one of {', '.join(VERDICTS)}, not {self.verdict!r}")
        if not 0 <= self.tie_band < math.inf:
            raise ValueError(f"option 'tie_band' must be a number from 0, not {self.tie_band!r}")

    async def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict, in the order given; the model runs in a thread. Raises EndpointDown."""
        breaker = Breaker()
        for exhibit in exhibits:
            yield exhibit, await self._judge_one(exhibit, breaker)
            if breaker.reason:
                raise EndpointDown(breaker.reason)

    async def _judge_one(self, exhibit: Exhibit, breaker: Breaker) -> Verdict:
        prompt = conversations(exhibit)
        started = perf_counter()
        try:
            rewards = await _rewards(self.endpoint, prompt)
        except ChatError as error:
            breaker.failed(error)
            return Verdict(status=API_ERROR, error=str(error), prompt=_shown(prompt), digest=self.digest(exhibit))
        breaker.succeeded()
        read = self._read(exhibit, rewards)
        return replace(
            read,
            prompt=_shown(prompt),
            seconds=perf_counter() - started,
            asked=len(rewards),
            digest=self.digest(exhibit),
        )

    def digest(self, exhibit: Exhibit) -> str:
        """See `AskingEngine.digest`."""
        identity = {"provider": "local", "model": self.endpoint.model, "options": dict(self.endpoint.options)}
        output = {"scale": self.scale, "verdict": self.verdict, "tie_band": self.tie_band}
        prompt = conversations(exhibit)
        flat = [message for each in prompt for message in each]
        judge = digest_of_judge(identity, self.rubric, output)
        return f"{judge}:{digest_of_prompt(flat, {'conversations': len(prompt)})}"

    def ready(self, exhibit: Exhibit) -> str:
        """See `AskingEngine.ready`; nothing is kept."""
        return self.digest(exhibit)

    def reread(self, exhibit: Exhibit, *, reply: str, details: Mapping[str, Any]) -> Verdict:
        """See `AskingEngine.reread`."""
        try:
            rewards = [float(reward) for reward in json.loads(reply)["rewards"]]
        except (ValueError, TypeError, KeyError):
            rewards = []
        if len(rewards) != len(exhibit.answers):
            return Verdict(status=PARSE_ERROR, error=NO_REWARDS, reply=reply)
        return self._read(exhibit, rewards)

    def calls(self, exhibit: Exhibit) -> tuple[int, int]:
        """See `AskingEngine.calls`: the model is run once for each answer."""
        return len(exhibit.answers), len(exhibit.answers)

    def _read(self, exhibit: Exhibit, rewards: Sequence[float]) -> Verdict:
        reply = json.dumps({"rewards": list(rewards)})
        if not all(abs(reward) <= BOUND for reward in rewards):
            return Verdict(status=PARSE_ERROR, error="a reward is no number that can be kept", reply=reply)
        if exhibit.is_pair:
            value = preference(rewards[0] - rewards[1], tie_band=self.tie_band, as_sign=self.verdict == "sign")
        else:
            value = sigmoid(rewards[0]) if self.scale == "sigmoid" else rewards[0]
        return Verdict(status=OK, value=value, reply=reply, details={"rewards": list(rewards)})


def conversations(exhibit: Exhibit) -> list[list[Message]]:
    """What the model is given for each answer: the system's turn, then questions and answers by turns.

    With a turn to be judged, the conversation ends with its answer.
    """
    last = exhibit.turn or len(exhibit.turns)
    system = [Message("system", exhibit.system)] if exhibit.system else []
    return [
        [*system, *(message for turn in range(last) for message in _turn(exhibit, answer, turn))]
        for answer in exhibit.answers
    ]


def _turn(exhibit: Exhibit, answer: Sequence[str], turn: int) -> tuple[Message, Message]:
    """A question and what was said to it; an answer that ended before says nothing."""
    said = answer[turn] if turn < len(answer) else ""
    return Message("user", exhibit.turns[turn]), Message("assistant", said)


def preference(difference: float, *, tie_band: float, as_sign: bool) -> float:
    """What a difference of rewards says: 0 within the band, else its sign, or 2p − 1, which lies between −1 and 1."""
    if abs(difference) <= tie_band:
        return 0.0
    if as_sign:
        return math.copysign(1.0, difference)
    # 2p − 1 by another name, which swapping negates to the last digit; never quite certain, as no probability is.
    return max(-ALL_BUT_ONE, min(ALL_BUT_ONE, math.tanh(difference / 2)))


def sigmoid(value: float) -> float:
    """1/(1 + e^−value), without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    power = math.exp(value)
    return power / (1 + power)


def fit_tie_band(differences: Sequence[float], human_ties_share: float) -> float:
    """The band within which as large a share of the differences lies as people call ties (0..1), as nearly as can be.

    It ends halfway between the last difference within it and the first outside; 0 where nothing is to be a tie, the
    largest difference where everything is. Raises ValueError for a share outside 0..1 and without differences.
    """
    if not 0 <= human_ties_share <= 1:
        raise ValueError(f"a share of ties is between 0 and 1, not {human_ties_share!r}")
    if not differences or not all(map(math.isfinite, differences)):
        raise ValueError("a tie band is fitted to finite differences, and there is none or one that is not")
    sizes = sorted(map(abs, differences))
    within = math.floor(human_ties_share * len(sizes) + 0.5)
    if within == 0:
        return 0.0
    if within == len(sizes):
        return sizes[-1]
    return (sizes[within - 1] + sizes[within]) / 2


async def _rewards(endpoint: Endpoint, prompt: Sequence[Sequence[Message]]) -> list[float]:
    """The model's reward of each conversation. Raises ChatError."""
    from arena.chat.local_classifier import reward_model
    from arena.chat.local_queue import Worker, awaited
    from arena.chat.local_weights import Weights, once, refusal

    unknown = sorted(set(endpoint.options) - set(OPTIONS_OF_WEIGHTS))
    if unknown:
        known = ", ".join(OPTIONS_OF_WEIGHTS)
        raise refusal(f"a reward model has no option '{unknown[0]}'; its options: {known}", status=404)
    weights = Weights.of(endpoint)
    worker: Worker[Any, list[float]] = once("worker", weights, partial(Worker, f"reward {endpoint.model}"))
    return await awaited(worker.alone(lambda: reward_model(weights).rewards(prompt)))


def _shown(prompt: Sequence[Sequence[Message]]) -> tuple[Mapping[str, str], ...]:
    return tuple({"role": message.role, "content": message.content} for each in prompt for message in each)
