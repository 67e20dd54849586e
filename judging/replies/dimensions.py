"""The marks that a reply gives for each dimension of a rubric."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from judging.judges.base import Dimension, PointKind, RubricText
from judging.replies.base import NO_MARK, Reading, Reply, failed, why_nothing
from judging.replies.cut_off import settled_matches
from judging.replies.marks import MARK, Mark, mark_of, mark_word, on_scale
from judging.replies.preparing import plain, prepared, views


def parse_scores(text: str, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """The marks of a reply for each dimension of the rubric, and their total as value; see `total_mark`."""
    reply = prepared(text, finish)
    if finish == "refused":
        return why_nothing(reply)
    marks = _marks(reply, rubric.dimensions)
    missing = [dimension.key for dimension in rubric.dimensions if dimension.key not in marks]
    if len(missing) == len(rubric.dimensions) or (missing and reply.is_cut_off):
        return why_nothing(reply)
    if missing:
        return failed(NO_MARK.format(keys=", ".join(missing)))
    readings = {key: on_scale(mark, rubric.lowest, rubric.highest) for key, mark in marks.items()}
    bad = next((f"{key}: {reading.error}" for key, reading in readings.items() if reading.error), "")
    if bad:
        return failed(bad)
    scores = {key: reading.value for key, reading in readings.items() if reading.value is not None}
    return Reading(value=total_mark(scores, rubric), scores=scores)


def total_mark(scores: Mapping[str, float], rubric: RubricText) -> float:
    """What the marks come to: the lowest mark of the scale where one is below its dimension's veto, else their weighted mean."""
    vetoes = {dimension.key: dimension.veto for dimension in rubric.dimensions if dimension.veto is not None}
    if any(scores[key] < veto for key, veto in vetoes.items()):
        return rubric.lowest
    return weighted_mean(scores, rubric.dimensions)


def weighted_mean(scores: Mapping[str, float], dimensions: Sequence[Dimension]) -> float:
    """The mean of the scores by the dimensions' weights; the plain mean where these add up to nothing."""
    weights = [dimension.weight for dimension in dimensions]
    if sum(weights) <= 0:
        weights = [1.0] * len(dimensions)
    products = (weight * scores[dimension.key] for weight, dimension in zip(weights, dimensions, strict=True))
    return sum(products) / sum(weights)


def names_of(item: Dimension | PointKind) -> set[str]:
    """What a judge may call the dimension or kind of point: its key or its name in any language."""
    return {plain(name).casefold().strip() for name in (item.key, *item.name.values()) if name.strip()}


def _marks(reply: Reply, dimensions: Sequence[Dimension]) -> dict[str, Mark]:
    """The marks by key: without what is quoted where they are all there, else with it."""
    best: dict[str, Mark] = {}
    for view in views(reply):
        marks = _from_json(view, dimensions) or _from_list(view, dimensions) or _labelled(view, dimensions)
        best = marks if len(marks) > len(best) else best
        if len(best) == len(dimensions):
            break
    return best


def _from_json(reply: Reply, dimensions: Sequence[Dimension]) -> dict[str, Mark]:
    """The marks of the last JSON object that has all dimensions; where none has, of the last that has any."""
    best: dict[str, Mark] = {}
    for found in (each for item in reply.json for each in reversed(item.objects)):
        values = {plain(key).casefold().strip(): value for key, value in found.items()}
        marks = {}
        for dimension in dimensions:
            named = [mark for name in names_of(dimension) if (mark := mark_word(values.get(name))) is not None]
            if named:
                marks[dimension.key] = named[0]
        if marks and len(marks) >= min(len(best), len(dimensions)):
            best = marks
    return best


_NAME_KEYS = {"dimension", "name", "criterion", "aspect", "key", "维度", "名称", "指标"}


def _from_list(reply: Reply, dimensions: Sequence[Dimension]) -> dict[str, Mark]:
    """The last mark of each dimension from objects that name it: `{"dimension": "facts", "score": 8}`."""
    keys = {name: dimension.key for dimension in dimensions for name in names_of(dimension)}
    marks: dict[str, Mark] = {}
    for found in (each for item in reply.json for each in reversed(item.objects)):
        key, mark = next((keys[name] for name in _said_names(found) if name in keys), None), mark_word(found)
        if key is not None and mark is not None:
            marks[key] = mark
    return marks


def _said_names(found: Mapping[str, Any]) -> list[str]:
    said = (value for key, value in found.items() if key.casefold() in _NAME_KEYS and isinstance(value, str))
    return [plain(value).casefold().strip() for value in said]


def _labelled(reply: Reply, dimensions: Sequence[Dimension]) -> dict[str, Mark]:
    """The last `name: mark` of each dimension, in prose, in a list or in a table."""
    marks = {}
    for dimension in dimensions:
        names = "|".join(re.escape(name) for name in sorted(names_of(dimension), key=len, reverse=True))
        label = rf"(?i)(?<![A-Za-z0-9_])(?:{names})(?:得分|评分|\s+(?:score|rating))?"
        form = re.compile(rf"{label}[\s\"'”`*]*[:=为是|][\s\"'“`*:\[(]*{MARK}")
        found = list(settled_matches(reply, form))
        if found:
            marks[dimension.key] = mark_of(found[-1])
    return marks
