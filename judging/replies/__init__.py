"""What a judge's reply says: text in, a verdict or a named failure out.

The last well-formed verdict wins. The form that was asked for (double brackets, JSON) goes before looser
ones (`Rating: 9/10`, `选择：A`), and those before a bare letter or number on the last line. What the judge
thought, and what it repeats of the exhibit, never counts; what it quotes counts only where it says nothing else
(and never where it is a quotation of the exhibit, of which nothing is known here: see `judging.judges.quotes`).

    parse_pair(text, finish=completion.finish)
    PRESET_READERS["auto_j"](text, exhibit, rubric, finish=completion.finish)
    weigh_pair(completion.top)
"""

from __future__ import annotations

from judging.replies.base import (
    CUT_NUMBER,
    CUT_OFF,
    DECLINED,
    EMPTY,
    ERROR_MARK,
    NEGATIVE_SCORES,
    NO_LIST,
    NO_MARK,
    NO_QUOTE,
    NO_VERDICT,
    NOT_QUOTED,
    OTHER_SCALE,
    OUT_OF_SCALE,
    UNKNOWN_KEY,
    Reading,
)
from judging.replies.dimensions import parse_scores, total_mark, weighted_mean
from judging.replies.marks import parse_score
from judging.replies.pairs import parse_pair
from judging.replies.points import check_points, parse_points
from judging.replies.presets import PRESET_READERS, PresetReader
from judging.replies.weighing import weigh_pair, weigh_score

PARSER_VERSION = "3"
"""Changes whenever the same reply may be read differently: replies of another version can be read again."""

__all__ = [
    "CUT_NUMBER",
    "CUT_OFF",
    "DECLINED",
    "EMPTY",
    "ERROR_MARK",
    "NEGATIVE_SCORES",
    "NOT_QUOTED",
    "NO_LIST",
    "NO_MARK",
    "NO_QUOTE",
    "NO_VERDICT",
    "OTHER_SCALE",
    "OUT_OF_SCALE",
    "PARSER_VERSION",
    "PRESET_READERS",
    "UNKNOWN_KEY",
    "PresetReader",
    "Reading",
    "check_points",
    "parse_pair",
    "parse_points",
    "parse_score",
    "parse_scores",
    "total_mark",
    "weigh_pair",
    "weigh_score",
    "weighted_mean",
]
