"""The judge that runs answers: their Python code, followed by the question's tests, in a sandbox.

A check is `{"type": "python_tests", "code": "assert f(2) == 4", "entry_point": "f", "seconds": 5, "memory_mb": 256}`; all but
`code` may be left out. Nothing runs unless the environment says JURYROOM_RUN_CODE=1; see `sandbox` for what is shut.
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from arena.chat import many
from judging.judges.base import API_ERROR, OK, SKIPPED, Exhibit, RubricText, Verdict
from judging.judges.rules import Check, validate_check
from judging.judges.sandbox import ENABLED_BY, MEGABYTES, SECONDS, Ran, code_may_run, run_code

SWITCHED_OFF = f"running code is switched off: set {ENABLED_BY}=1 to allow it"
NO_TESTS = "the question has no Python tests"
NO_CODE = "the answer holds no Python code"


@dataclass(frozen=True)
class PythonTestsJudge:
    """An engine that asks nobody: a mark is the share of tests passed, on the rubric's scale.

    With one test that is the highest mark or the lowest. Of a pair, the answer that passes more is better; a tie in which
    neither passes anything is marked as both bad. `concurrency` runs are under way at a time. `reply` tells what came of
    each run, `details` of the layers of the sandbox that were in force.
    """

    rubric: RubricText
    concurrency: int = 2

    async def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict as it is ready."""
        async with aclosing(many(self._calls(exhibits), concurrency=self.concurrency)) as verdicts:
            async for exhibit, verdict in verdicts:
                yield exhibit, verdict

    def _calls(self, exhibits: Sequence[Exhibit]) -> Iterator[Callable[[], Awaitable[tuple[Exhibit, Verdict]]]]:
        for exhibit in exhibits:
            yield partial(self._judge_one, exhibit)

    async def _judge_one(self, exhibit: Exhibit) -> tuple[Exhibit, Verdict]:
        return exhibit, await asyncio.to_thread(self.verdict, exhibit)

    def verdict(self, exhibit: Exhibit) -> Verdict:
        """What the tests say of the exhibit; runs code."""
        problem = _problem(exhibit)
        if problem:
            return Verdict(status=SKIPPED, error=problem)
        started = perf_counter()
        try:
            runs = [[_run(check, turns) for check in _tests(exhibit)] for turns in exhibit.answers]
        except OSError as error:
            return Verdict(status=API_ERROR, error=f"no sandbox could be started: {error}")
        shares = [sum(ran.passed for ran in each) / len(each) for each in runs]
        value = _preference(shares) if exhibit.is_pair else self._mark(shares[0])
        return Verdict(
            status=OK,
            value=value,
            both_bad=exhibit.is_pair and shares == [0, 0],
            reply="\n\n".join(_told(each) for each in runs),
            seconds=perf_counter() - started,
            details={
                "passed": shares,
                "sandbox": sorted({layer for each in runs for ran in each for layer in ran.in_force}),
            },
        )

    def _mark(self, share: float) -> float:
        return self.rubric.lowest + share * (self.rubric.highest - self.rubric.lowest)


def python_code(text: str, *, entry_point: str = "") -> str:
    """The Python code of an answer; empty where there is none.

    Of several code blocks in Python (or in no language named), the last one that defines the entry point, else the last
    one; without a block, the whole answer where it is code.
    """
    blocks = [code for language, code in _BLOCK.findall(text) if language.casefold() in _PYTHON]
    if not blocks:
        return text if _is_code(text) else ""
    defining = [code for code in blocks if entry_point and entry_point in _defined(code)]
    return str((defining or blocks)[-1])


_PYTHON = ("", "python", "py", "python3", "py3")
_BLOCK = re.compile(r"^[ \t]{0,3}```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]{0,3}```|\Z)", re.DOTALL | re.MULTILINE)


def _statements(code: str) -> list[ast.stmt]:
    """The statements of a text that is Python; empty for any other text."""
    try:
        return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _is_code(text: str) -> bool:
    """Whether a text is Python that does something: a lone word is Python too."""
    telling = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)
    return any(isinstance(each, telling) for each in _statements(text))


def _defined(code: str) -> set[str]:
    """The names that the statements of a module define at its top."""
    names: set[str] = set()
    for each in _statements(code):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(each.name)
        elif isinstance(each, ast.Assign):
            names.update(target.id for target in each.targets if isinstance(target, ast.Name))
    return names


def _problem(exhibit: Exhibit) -> str:
    """Why the exhibit cannot be judged; empty when it can."""
    if not code_may_run():
        return SWITCHED_OFF
    tests = _tests(exhibit)
    if not tests:
        return NO_TESTS
    found = ((number, each) for number, check in enumerate(tests, 1) for each in validate_check(check))
    return next((f"Python test {number}: {each}" for number, each in found), "")


def _tests(exhibit: Exhibit) -> list[Check]:
    """The Python tests of the turn that is judged, or of all of them."""
    tests = [check for check in exhibit.checks if check.get("type") == "python_tests"]
    last = len(exhibit.turns)
    return [check for check in tests if not exhibit.turn or check.get("turn", last) == exhibit.turn]


def _run(check: Check, turns: Sequence[str]) -> Ran:
    turn = int(check.get("turn", len(turns)))
    if not 1 <= turn <= len(turns):
        return Ran(False, f"the answer has no turn {turn}", "", ())
    entry_point = str(check.get("entry_point", ""))
    code = python_code(turns[turn - 1], entry_point=entry_point)
    if not code.strip():
        return Ran(False, NO_CODE, "", ())
    return run_code(
        code,
        check["code"],
        entry_point=entry_point,
        seconds=float(check.get("seconds", SECONDS)),
        memory_mb=int(check.get("memory_mb", MEGABYTES)),
    )


def _preference(shares: Sequence[float]) -> float:
    return float((shares[0] > shares[1]) - (shares[0] < shares[1]))


def _told(runs: Sequence[Ran]) -> str:
    """A line for each test: its number, whether it was passed, and the reason why not."""
    lines = (f"{number}: {'passed' if ran.passed else f'failed ({ran.reason})'}" for number, ran in enumerate(runs, 1))
    return "\n".join(lines)
