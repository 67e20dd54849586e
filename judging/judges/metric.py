"""The metric judge: how near answers are to the question's reference."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from judging.judges.base import OK, SKIPPED, Exhibit, RubricText, Verdict
from judging.judges.metrics import METRICS, score

NO_REFERENCE = "the question has no reference answer"
NO_REFERENCE_OF_TURN = "the question has no reference answer for turn {turn}"


@dataclass(frozen=True)
class MetricJudge:
    """An engine that asks nobody: a mark is a metric's share from 0 to 1, on the rubric's scale.

    Of a pair, the nearer answer is better; they tie where their shares differ by no more than `tie_band` (0: only where
    they are the same). Of several turns, the mean over those that have a reference counts. A question without any gets
    a verdict with status "skipped". Raises ValueError for a metric that is not in METRICS, or a band outside 0..1.
    """

    rubric: RubricText
    metric: str = "chrf"
    tie_band: float = 0.0

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"unknown metric {self.metric!r}; there are {', '.join(METRICS)}")
        if not 0 <= self.tie_band <= 1:
            raise ValueError(f"a tie band is a share from 0 to 1, not {self.tie_band!r}")

    async def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict, in the order given."""
        for exhibit in exhibits:
            yield exhibit, self.verdict(exhibit)

    def verdict(self, exhibit: Exhibit) -> Verdict:
        """What the metric says of the exhibit; `details` holds the shares."""
        references = _references(exhibit)
        if not references:
            missing = NO_REFERENCE_OF_TURN.format(turn=exhibit.turn) if exhibit.turn else NO_REFERENCE
            return Verdict(status=SKIPPED, error=missing)
        started = perf_counter()
        shares = [self._share(answer, references, exhibit.language) for answer in exhibit.answers]
        value = self._preference(*shares) if exhibit.is_pair else self._mark(shares[0])
        return Verdict(
            status=OK,
            value=value,
            reply="\n".join(f"{self.metric}: {share:.4f}" for share in shares),
            seconds=perf_counter() - started,
            details={"metric": self.metric, "shares": shares},
        )

    def _share(self, answer: Sequence[str], references: Sequence[tuple[int, str]], language: str) -> float:
        """The mean over the turns; one that the answer does not have is as far from its reference as can be."""
        shares = [
            score(self.metric, answer[turn - 1], reference=text, language=language) if turn <= len(answer) else 0.0
            for turn, text in references
        ]
        return sum(shares) / len(shares)

    def _preference(self, first: float, second: float) -> float:
        if abs(first - second) <= self.tie_band:
            return 0.0
        return 1.0 if first > second else -1.0

    def _mark(self, share: float) -> float:
        return self.rubric.lowest + share * (self.rubric.highest - self.rubric.lowest)


def _references(exhibit: Exhibit) -> list[tuple[int, str]]:
    """(turn from 1, reference) of the turns that have one: of the turn that is judged, or of all."""
    every = [(turn, text) for turn, text in enumerate(exhibit.reference, 1) if text and text.strip()]
    return [each for each in every if exhibit.turn in (0, each[0])]
