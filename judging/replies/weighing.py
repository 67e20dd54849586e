"""Verdicts weighed by log-probability: what a judge would have said how often, from the tokens it could have written.

A verdict of a single token hides how sure the judge is. Here each verdict counts by its probability among all verdicts, so
that a judge which is torn says so (as in AlpacaEval 2, Dubois et al. 2024, arXiv 2404.04475, for pairs, and G-Eval, Liu et al.
2023, arXiv 2303.16634, for marks). The order in which tokens are given plays no part, since not every record keeps it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from judging.judges.base import TRUNCATED
from judging.replies.base import CUT_NUMBER, NO_VERDICT, OUT_OF_SCALE, Reading, failed
from judging.replies.preparing import plain

Place = Mapping[str, float]
"""The tokens that could have stood in one place of a reply, with their log-probabilities in nats."""

LEAST = 0.5
"""A place where verdicts have less probability than this together holds none: the judge was about to say something else."""

_LETTERS = ("A", "B", "C")


def weigh_pair(top: Sequence[Place]) -> Reading:
    """The preference from the first place that holds a letter: P(A) - P(B) among A, B and C, in [-1, 1]."""
    at = _first(top, lambda word: word in _LETTERS)
    if at is None:
        return failed(NO_VERDICT)
    shares = _shares(top[at])
    whole = sum(shares.get(letter, 0.0) for letter in _LETTERS)
    probabilities = {letter: shares.get(letter, 0.0) / whole for letter in _LETTERS}
    return Reading(value=probabilities["A"] - probabilities["B"], probabilities=probabilities)


def weigh_score(top: Sequence[Place], lowest: float, highest: float) -> Reading:
    """The mark to be expected from the first place that holds numbers, among the marks on the scale.

    Where the likeliest number is outside the scale, that is a failure, and so is a digit that may be the beginning of a longer
    mark where the reply ends too early to tell.
    """
    at = _first(top, _is_number)
    if at is None:
        return failed(NO_VERDICT)
    known, unknown = _numbers(top, at, highest)
    if unknown > sum(known.values()):
        return failed(CUT_NUMBER, status=TRUNCATED)
    likeliest = max(known, key=lambda mark: known[mark])
    marks = {mark: share for mark, share in known.items() if lowest <= mark <= highest}
    if likeliest not in marks:
        return failed(OUT_OF_SCALE.format(mark=likeliest, lowest=lowest, highest=highest))
    whole = sum(marks.values())
    value = sum(mark * share for mark, share in marks.items()) / whole
    probabilities = {f"{mark:g}": share / whole for mark, share in sorted(marks.items())}
    return Reading(value=min(highest, max(lowest, value)), probabilities=probabilities)


# Tokens as words: blanks are part of many tokens, and some tokenizers write them as marks of their own.
_AROUND = " \t\r\n\u2581\u0120\u010a\"'“”`*#:.,;。、()[]<>{}_-="
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,4})?")
_BEFORE = {"", "answer", "verdict", "mark", "score", "rating", "回答", "答案", "选择", "结论", "分数", "评分"}
"""Words that may stand before a verdict of a single token."""


def _is_number(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word))


def _shares(place: Place) -> dict[str, float]:
    """The probability of each word in that place: tokens that are the same word are taken together."""
    shares: dict[str, float] = {}
    for token, weight in place.items():
        word = plain(token).strip(_AROUND)
        if not math.isnan(weight):
            shares[word] = shares.get(word, 0.0) + math.exp(min(0.0, weight))
    return shares


def _first(top: Sequence[Place], is_verdict: Callable[[str], bool]) -> int | None:
    """The first place that holds verdicts, with nothing said before; None where there is none."""
    for at, place in enumerate(top):
        shares = _shares(place)
        if sum(share for word, share in shares.items() if is_verdict(word)) >= LEAST:
            return at
        if not shares or max(shares, key=lambda word: shares[word]).casefold() not in _BEFORE:
            return None
    return None


def _numbers(top: Sequence[Place], at: int, highest: float) -> tuple[dict[float, float], float]:
    """The probability of each number that begins in that place, and of those whose end cannot be seen.

    Some tokenizers write each digit as a token. Then only the likeliest first digit is followed by a place that tells how it
    goes on; any other that could go on is left out.
    """
    shares = {word: share for word, share in _shares(top[at]).items() if _is_number(word)}
    by_digit = all(len(word) == 1 for word in shares)
    likeliest = max(shares, key=lambda word: shares[word])
    known: dict[float, float] = {}
    unknown = 0.0
    for word, share in shares.items():
        if not by_digit or not _may_go_on(word, highest):
            known[float(word)] = known.get(float(word), 0.0) + share
        elif word != likeliest or at + 1 >= len(top):
            unknown += share
        else:
            more = {digit: part for digit, part in _shares(top[at + 1]).items() if re.fullmatch(r"\d", digit)}
            for digit, part in more.items():
                known[float(word + digit)] = known.get(float(word + digit), 0.0) + share * part
            known[float(word)] = known.get(float(word), 0.0) + share * max(0.0, 1.0 - sum(more.values()))
    return known, unknown


def _may_go_on(digit: str, highest: float) -> bool:
    """Whether a mark of two digits on the scale begins with this one."""
    return digit != "0" and float(digit) * 10 <= highest
