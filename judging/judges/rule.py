"""The rule judge: runs the machine checks of a question on its answers, and computes the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from judging.judges.base import OK, SKIPPED, Exhibit, RubricText, Verdict
from judging.judges.rules import ELSEWHERE, Check, Outcome, run_check, validate_check

NO_CHECKS = "the question has no checks"
NO_CHECKS_OF_TURN = "the question has no checks of turn {turn}"


@dataclass(frozen=True)
class RuleJudge:
    """An engine that asks nobody: a mark is the share of checks passed, on the rubric's scale.

    Of a pair, the answer that passes more is better; a tie in which neither passes anything is marked as both
    bad. `reply` tells what each check saw. A question without checks, or with one that cannot be run, gets
    a verdict with status "skipped".
    """

    rubric: RubricText

    async def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict, in the order given."""
        for exhibit in exhibits:
            yield exhibit, self.verdict(exhibit)

    def verdict(self, exhibit: Exhibit) -> Verdict:
        """What the checks say of the exhibit."""
        problem = _problem(exhibit)
        if problem:
            return Verdict(status=SKIPPED, error=problem)
        started = perf_counter()
        checks = _own(exhibit)
        outcomes = [[run_check(check, turns) for check in checks] for turns in exhibit.answers]
        seconds = perf_counter() - started
        reply = "\n\n".join(_told(checks, each) for each in outcomes)
        shares = [_share(each) for each in outcomes]
        if exhibit.is_pair:
            value = float((shares[0] > shares[1]) - (shares[0] < shares[1]))
            return Verdict(status=OK, value=value, both_bad=shares == [0, 0], reply=reply, seconds=seconds)
        scores = {key: self._mark(outcome.passed) for key, outcome in _named(checks, outcomes[0])}
        return Verdict(status=OK, value=self._mark(shares[0]), scores=scores, reply=reply, seconds=seconds)

    def _mark(self, share: float) -> float:
        return self.rubric.lowest + share * (self.rubric.highest - self.rubric.lowest)


def _own(exhibit: Exhibit) -> list[Check]:
    """The checks that are rules (Python tests are another judge's), of the turn that is judged or of all."""
    rules = [check for check in exhibit.checks if check["type"] not in ELSEWHERE]
    last = len(exhibit.turns)
    return [check for check in rules if not exhibit.turn or check.get("turn", last) == exhibit.turn]


def _problem(exhibit: Exhibit) -> str:
    """Why the exhibit cannot be judged by its checks; empty when it can."""
    found = ((number, each) for number, check in enumerate(exhibit.checks, 1) for each in validate_check(check))
    problem = next((f"check {number}: {each}" for number, each in found), "")
    if problem or _own(exhibit):
        return problem
    return NO_CHECKS_OF_TURN.format(turn=exhibit.turn) if exhibit.turn else NO_CHECKS


def _share(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.passed for outcome in outcomes) / len(outcomes)


def _named(checks: Sequence[Check], outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Outcome]]:
    """Each outcome under its check's type; the second of a type is "contains 2"."""
    seen: Counter[str] = Counter()
    for check, outcome in zip(checks, outcomes, strict=True):
        seen[check["type"]] += 1
        yield _name(check, seen[check["type"]]), outcome


def _name(check: Mapping[str, object], number: int) -> str:
    return f"{check['type']} {number}" if number > 1 else str(check["type"])


def _told(checks: Sequence[Check], outcomes: Sequence[Outcome]) -> str:
    """A line for each check: its name, whether it was passed, what was seen."""
    lines = (
        f"{name}: {'passed' if outcome.passed else 'failed'} ({outcome.seen})"
        for name, outcome in _named(checks, outcomes)
    )
    return "\n".join(lines)
