"""How the replies of models that were trained to judge are read, by the name of the preset: see `judging.prompts.presets`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from judging.judges.base import Exhibit, RubricText
from judging.replies.base import OUT_OF_SCALE, Reading, failed, why_nothing
from judging.replies.cut_off import first_line, goes_on_after
from judging.replies.forms import ANSWER_WORD
from judging.replies.marks import MARK, mark_of, on_scale, parse_score
from judging.replies.pairs import compared, pair_word, parse_pair, two_scores
from judging.replies.preparing import prepared, views


class PresetReader(Protocol):
    """Reads one tuned judge's replies about exhibits of either kind that it can judge."""

    def __call__(self, text: str, exhibit: Exhibit, rubric: RubricText, *, finish: str = "stop") -> Reading: ...


# The list of all three, which the prompt holds, is no decision.
_DECISION = re.compile(
    rf"""(?:final\s+(?:decision|verdict)\s+is|最终(?:的)?(?:决定|决策|结论|判断)(?:是|为)?)[\s:*"'“「]*
        ({ANSWER_WORD}\s*[12一二]|tie|平局|平手)(?![A-Za-z0-9]|\s*[/|])""",
    re.IGNORECASE | re.VERBOSE,
)


def _auto_j(text: str, exhibit: Exhibit, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """The last `final decision is Response 1`; for one answer `Rating: [[7]]`."""
    if not exhibit.is_pair:
        return parse_score(text, rubric.lowest, rubric.highest, finish=finish)
    reply = prepared(text, finish)
    for view in views(reply) if finish != "refused" else ():
        decisions = (match for match in _DECISION.finditer(view.text) if goes_on_after(view, match.end()))
        said = [word for match in decisions if (word := pair_word(match.group(1))) is not None]
        if said:
            return Reading(value=said[-1][0])
    return why_nothing(reply)


_FIRST_LINE: Mapping[str, float] = {"1": 1.0, "2": -1.0, "tie": 0.0}


def _pandalm(text: str, exhibit: Exhibit, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """The first line: `1`, `2` or `Tie`. What follows is a reason and a reference answer of its own, and no verdict."""
    reply = prepared(text, finish)
    value = _FIRST_LINE.get(first_line(reply).strip(" .*`\"'").casefold())
    return why_nothing(reply) if value is None or finish == "refused" else Reading(value=value)


def _judgelm(text: str, exhibit: Exhibit, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """The first line: two scores from 1 to 10. What follows explains them."""
    reply = prepared(text, finish)
    scores = two_scores(first_line(reply))
    if scores is None or finish == "refused":
        return why_nothing(reply)
    beyond = next((score for score in scores if not 1 <= score <= 10), None)
    if beyond is not None:
        return failed(OUT_OF_SCALE.format(mark=beyond, lowest=1, highest=10))
    return compared(*scores)


_RESULT = re.compile(r"\[\s*RESULT\s*\][\s:*]*(?:score|rating)?[\s:*(<\[]*", re.IGNORECASE)
_RESULT_LETTER = re.compile(rf"(?:{ANSWER_WORD}\s*)?([AB])(?![A-Za-z0-9]|\s*(?:or\b|/|\|))", re.IGNORECASE)
_RESULT_MARK = re.compile(MARK)


def _prometheus(text: str, exhibit: Exhibit, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """What follows the last `[RESULT]` that anything follows: a letter, or a mark on the rubric's scale."""
    reply = prepared(text, finish)
    form = _RESULT_LETTER if exhibit.is_pair else _RESULT_MARK
    for view in views(reply) if finish != "refused" else ():
        said = (form.match(view.text, match.end()) for match in _RESULT.finditer(view.text))
        found = [each for each in said if each and goes_on_after(view, each.end())]
        if found and exhibit.is_pair:
            return Reading(value=1.0 if found[-1].group(1).upper() == "A" else -1.0)
        if found:
            return on_scale(mark_of(found[-1]), rubric.lowest, rubric.highest)
    return why_nothing(reply)


def _compass_judger(text: str, exhibit: Exhibit, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """A letter alone or in any of the forms of pairs; for one answer `[[7]]`."""
    if exhibit.is_pair:
        return parse_pair(text, finish=finish)
    return parse_score(text, rubric.lowest, rubric.highest, finish=finish)


PRESET_READERS: Mapping[str, PresetReader] = {
    "auto_j": _auto_j,
    "pandalm": _pandalm,
    "prometheus": _prometheus,
    "judgelm": _judgelm,
    "compass_judger": _compass_judger,
}
