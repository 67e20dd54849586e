"""The system message: role, rules and rubric, which stay the same for all that is judged alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from judging.judges.base import Dimension, Exhibit, PointKind, Points, RubricText
from judging.prompts.fences import has_reference
from judging.prompts.wording import WORDINGS, Wording, in_language


@dataclass(frozen=True, slots=True)
class Kind:
    """What of an exhibit the system message depends on: all else stands in the user message."""

    is_pair: bool
    system: bool
    reference: bool
    several: bool
    one_turn: bool

    @classmethod
    def of(cls, exhibit: Exhibit) -> Kind:
        return cls(
            exhibit.is_pair, bool(exhibit.system), has_reference(exhibit), len(exhibit.turns) > 1, exhibit.turn > 1
        )


def rules(kind: Kind, rubric: RubricText, language: str, *, own_reference: bool = False, marked: str = "") -> str:
    """The paragraphs of the system message: only those that exhibits of this kind need.

    `marked` is the form of verdict; keys are shown where marks or findings are given by them.
    """
    return "\n\n".join(_paragraphs(kind, rubric, language, own_reference=own_reference, marked=marked))


def _paragraphs(kind: Kind, rubric: RubricText, language: str, *, own_reference: bool, marked: str) -> Iterator[str]:
    wording = WORDINGS[language]
    yield wording.pair_role if kind.is_pair else wording.single_role
    yield wording.data
    yield wording.pair_fairness if kind.is_pair else wording.single_fairness
    if kind.system:
        yield wording.setting
    if kind.reference:
        yield wording.own_reference if own_reference else wording.reference
    if kind.several:
        yield wording.one_turn if kind.one_turn else wording.several_turns
    yield wording.empty
    instructions = in_language(rubric.instructions, language)
    if instructions:
        yield instructions
    if rubric.dimensions:
        yield "\n".join([wording.rubric, *_dimension_lines(rubric, language, marked=marked, is_pair=kind.is_pair)])
    if rubric.points:
        yield from _points(rubric, rubric.points, language, counted=marked == "points")


def _dimension_lines(rubric: RubricText, language: str, *, marked: str, is_pair: bool) -> Iterator[str]:
    """Each dimension with its levels under it; where marks are given by its key, that is shown too."""
    wording = WORDINGS[language]
    total = sum(dimension.weight for dimension in rubric.dimensions)
    for dimension in rubric.dimensions:
        share = dimension.weight / total if total else 1 / len(rubric.dimensions)
        description = in_language(dimension.description, language)
        line = wording.dimension_with_description if description else wording.dimension
        name = _name(dimension, language, with_key=marked == "scores")
        yield line.format(name=name, share=f"{share:.0%}", description=description)
        for level in sorted(dimension.levels, key=lambda level: level.mark, reverse=True):
            yield f"  {level.mark:g} = {in_language(level.words, language)}"
        if dimension.veto is not None:
            veto = wording.pair_veto if is_pair else wording.veto
            yield veto.format(veto=f"{dimension.veto:g}", lowest=f"{rubric.lowest:g}")


def _points(rubric: RubricText, points: Points, language: str, *, counted: bool) -> Iterator[str]:
    """The kinds of faults and merits; with what each counts where the verdict is counted in points."""
    wording = WORDINGS[language]
    if counted:
        ends = {
            "floor": f"{rubric.lowest if points.floor is None else points.floor:g}",
            "cap": f"{rubric.highest if points.cap is None else points.cap:g}",
        }
        yield wording.points.format(base=f"{points.base:g}", **ends)
    for title, kinds in ((wording.deductions, points.deductions), (wording.bonuses, points.bonuses)):
        if kinds:
            yield "\n".join([title, *(_point_line(kind, wording, language, counted=counted) for kind in kinds)])


def _point_line(kind: PointKind, wording: Wording, language: str, *, counted: bool) -> str:
    facts = [wording.each.format(points=f"{kind.points:g}")]
    if kind.most is not None:
        facts.append(wording.at_most.format(most=f"{kind.most:g}"))
    if not kind.quoted:
        facts.append(wording.without_quote)
    name = _name(kind, language, with_key=counted)
    told = wording.facts.format(facts=wording.comma.join(facts)) if counted else ""
    description = in_language(kind.description, language)
    if not description:
        return f"- {name}{told}"
    return wording.point_kind.format(name=name, facts=told, description=description)


def _name(item: Dimension | PointKind, language: str, *, with_key: bool) -> str:
    name = in_language(item.name, language) or item.key
    return f'{name} "{item.key}"' if with_key else name
