"""Which parser reads a reply: by what was judged, and by how the verdict was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arena.chat import Completion
from judging import replies
from judging.judges.base import API_ERROR, REFUSED, Exhibit, RubricText
from judging.judges.quotes import read_apart
from judging.prompts import FIVE, Asking
from judging.replies import Reading

Top = Sequence[Mapping[str, float]]
"""For each token of a reply the likeliest ones in its place, with their log-probabilities."""

NO_LOGPROBS = "the endpoint gave no log-probabilities"


def read(asking: Asking, exhibit: Exhibit, text: str, *, finish: str, top: Top = ()) -> Reading:
    """What a reply to this prompt says; `top` where the verdict is weighed by log-probability.

    What the reply quotes of the exhibit is no verdict of the judge's, and what points quote must stand in the answer.
    """
    rubric = asking.rubric_of(exhibit)
    if asking.one_token:
        return _weighed(exhibit, rubric, top, finish=finish)
    reading = read_apart(lambda said: _parsed(asking, exhibit, said, finish=finish), exhibit, text)
    return replies.check_points(reading, rubric, _judged_text(exhibit)) if reading.points else reading


def _parsed(asking: Asking, exhibit: Exhibit, text: str, *, finish: str) -> Reading:
    rubric = asking.rubric_of(exhibit)
    if asking.preset:
        return replies.PRESET_READERS[asking.preset](text, exhibit, rubric, finish=finish)
    if exhibit.is_pair:
        return replies.parse_pair(text, finish=finish)
    if rubric.template:
        return replies.parse_score(text, rubric.lowest, rubric.highest, finish=finish)
    if rubric.points:
        return replies.parse_points(text, rubric, finish=finish)
    if rubric.dimensions:
        return replies.parse_scores(text, rubric, finish=finish)
    return replies.parse_score(text, rubric.lowest, rubric.highest, finish=finish)


def _judged_text(exhibit: Exhibit) -> str:
    """What of a single answer is judged: the turn in question, or all of them."""
    turns = exhibit.answers[0]
    return "\n".join(turns[exhibit.turn - 1 : exhibit.turn] if exhibit.turn else turns)


def strongest(asking: Asking, exhibit: Exhibit) -> float | None:
    """The largest value that a verdict on two answers can have in the form asked for; None for one answer."""
    if not exhibit.is_pair:
        return None
    template = asking.rubric_of(exhibit).template
    much_better = template.form == "[[A>>B]]" if template else asking.scale == FIVE
    return 2.0 if much_better and not asking.preset else 1.0


def top_of(completion: Completion) -> Top:
    """The likeliest tokens of a completion; empty where the endpoint does not tell."""
    return getattr(completion, "top", ())


def points_of(reading: Reading) -> tuple[Mapping[str, Any], ...]:
    """The deductions and bonuses that were read."""
    return reading.points


def probabilities_of(reading: Reading) -> Mapping[str, float]:
    """The probability of each verdict, where it was weighed."""
    return reading.probabilities


def _weighed(exhibit: Exhibit, rubric: RubricText, top: Top, *, finish: str) -> Reading:
    if finish == "refused":
        return Reading(status=REFUSED, error=replies.DECLINED)
    if not top:
        return Reading(status=API_ERROR, error=NO_LOGPROBS)
    if exhibit.is_pair:
        return replies.weigh_pair(top)
    return replies.weigh_score(top, rubric.lowest, rubric.highest)
