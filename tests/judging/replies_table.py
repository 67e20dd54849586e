"""Recorded replies, in our own words, and what they are about.

Each `replies_<kind>.json` is a list of rows: `name` (the behaviour it shows), `reply`, `finish` ("stop" where not said), and
what is to be read: `value` with `scores`, `points`, `both_bad`, or `error` with `status` ("parse_error" where not said). Those that are
`quoted` are read beside the `answer` that was judged, the first of a pair or a `single` one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from judging.judges.base import Dimension, Exhibit, PointKind, Points, RubricText

KINDS = ("pair", "score", "scores", "points", "preset", "quoted")

BARE = RubricText("bare", {})
RUBRIC = RubricText(
    name="two things",
    instructions={},
    dimensions=(
        Dimension("facts", {"en": "Facts right", "zh": "事实"}, weight=3),
        Dimension("tone", {"en": "Tone of voice", "zh": "语气"}, weight=1, veto=3),
    ),
)
COUNTED = RubricText(
    name="counted",
    instructions={},
    points=Points(
        base=6,
        deductions=(
            PointKind("wrong", 2, {"en": "Wrong fact", "zh": "事实错误"}, most=3),
            PointKind("gap", 1, {"en": "Gap", "zh": "遗漏"}, quoted=False),
        ),
        bonuses=(PointKind("source", 1, {"en": "Source", "zh": "出处"}),),
        floor=2,
        cap=8,
    ),
)
ANSWER = """**The river** flows north, into the sea: see the atlas of 1911.
据旧县志所载，河水向北流。"""
PAIR = Exhibit(id=0, turns=("Where to?",), answers=(("North.",), ("South.",)))
SINGLE = Exhibit(id=0, turns=("Where to?",), answers=(("North.",),))
TO_FIVE = replace(BARE, lowest=1, highest=5)


def rows(kind: str) -> list[dict[str, Any]]:
    """The rows of one kind."""
    return json.loads((Path(__file__).parent / f"replies_{kind}.json").read_text(encoding="utf-8"))


def all_rows() -> list[dict[str, Any]]:
    """The rows of all kinds."""
    return [row for kind in KINDS for row in rows(kind)]
