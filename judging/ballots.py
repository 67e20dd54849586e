"""What stands on a ballot, of every kind a run may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from arena.models import Answer, Question, in_reader_language
from arena.rendering import render, thinned
from judging.items import turns_of
from judging.judges.base import Dimension as RubricDimension
from judging.judges.base import PointKind, RubricText
from judging.leaking import leaks_of
from judging.leaks import masked
from judging.models import Assignment, Run
from judging.voting import DIMENSIONS, FIVE, FLAG_CAUSES, FOUR, MASK, REASONS, SKIP_CAUSES, Voting

VALUES = {
    "a2": (2.0, False),
    "a": (1.0, False),
    "tie": (0.0, False),
    "b": (-1.0, False),
    "b2": (-2.0, False),
    "bad": (0.0, True),
}
"""What each choice is worth towards the answer shown first, and whether it says that both are bad."""

SCALES = {FOUR: ("a", "b", "tie", "bad"), FIVE: ("a2", "a", "tie", "b", "b2", "bad"), DIMENSIONS: ("a", "tie", "b")}
OVERALL = "overall"
MOST_STEPS = 11  # marks that are offered as buttons; a longer scale is a number to type


@dataclass(frozen=True)
class Choice:
    """One thing to say of a pair: its word in a post, its label, and the key that presses it."""

    word: str
    label: str
    key: str
    is_chosen: bool = False


@dataclass(frozen=True)
class Chip:
    """A reason to tick beside a vote."""

    word: str
    label: str
    key: str
    is_ticked: bool = False


@dataclass(frozen=True)
class Turn:
    """One exchange in a pane: what was asked (empty in the last turn, which stands above), the answer's HTML and its source."""

    asked: str
    html: SafeString
    source: str


@dataclass(frozen=True)
class Pane:
    """One answer as a person sees it; it says nothing about who wrote it."""

    side: str
    language: str
    turns: list[Turn]


@dataclass(frozen=True)
class Level:
    """The words for one mark of a dimension."""

    mark: float
    words: str


@dataclass(frozen=True)
class Row:
    """One thing to decide: a dimension of one answer or of a pair, a kind of point, or the whole; `name` is its field."""

    key: str
    name: str
    label: str
    description: str = ""
    share: int | None = None
    veto: float | None = None
    levels: list[Level] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    points: float | None = None
    most: float | None = None
    is_quoted: bool = False
    value: str = ""
    error: str = ""


@dataclass(frozen=True)
class Part:
    """The rows about one turn (0: the whole conversation)."""

    turn: int
    rows: list[Row]


@dataclass(frozen=True)
class Form:
    """What is to be filled in where one press does not say it all."""

    parts: list[Part]
    steps: list[int] = field(default_factory=list)
    lowest: float = 0.0
    highest: float = 0.0

    @property
    def takes_digits(self) -> bool:
        """Whether a digit says something in it: one of the steps, or a choice."""
        return any(row.choices or (self.steps and row.points is None) for part in self.parts for row in part.rows)


@dataclass(frozen=True)
class Guide:
    """What a person reads of the rubric that holds for an item; `category` is that of a rubric of its own, "" of the common one.

    With points, `base` is what an answer starts from and `floor` and `cap` are the ends of its total.
    """

    instructions: str
    category: str
    dimensions: list[Row]
    points: list[Row]
    base: float | None = None
    floor: float | None = None
    cap: float | None = None


@dataclass(frozen=True)
class Asked:
    """The question as it stands above the answers: the last turn open, earlier ones folded."""

    language: str
    category: str
    system: str
    last: SafeString
    earlier: list[SafeString] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)


def asked(question: Question) -> Asked:
    """The question of a ballot."""
    *earlier, last = [mark_safe(turn) for turn in question.html_turns]  # noqa: S308  arena.rendering made it safe
    return Asked(
        language=question.language,
        category=question.category.name,
        system=question.system,
        last=last,
        earlier=earlier,
        reference=[text for text in question.reference if text],
    )


def panes(seat: Assignment) -> list[Pane]:
    """The answers of a seat on the sides they are shown: one, or A and B; names of makers covered where the run says so."""
    question, masks = question_of(seat), Voting.of(seat.run).leaks == MASK
    shown = zip(("A", "B"), answers_of(seat), strict=False)
    return [_pane(side, answer, question, masks=masks) for side, answer in shown]


def answers_of(seat: Assignment) -> tuple[Answer, ...]:
    """The answers of a seat as they are shown."""
    return (seat.answer,) if seat.answer_id else seat.battle.shown(swapped=seat.swapped)


def are_the_same(seat: Assignment) -> bool:
    """Whether the two answers of a seat are one text, which a reader would look for the difference of in vain."""
    return bool(seat.battle_id) and seat.battle.first.turns == seat.battle.second.turns


def question_of(seat: Assignment) -> Question:
    return (seat.answer or seat.battle).question


def rubric_of(seat: Assignment) -> RubricText:
    """The rubric for the category of the seat's question. Raises NoRubric where there is none for it."""
    return seat.run.rubric.text().of(question_of(seat).category.key)


def guide(seat: Assignment) -> Guide:
    """The guidelines of a seat's item; the common ones where the rubric has nothing for its category."""
    whole, category = seat.run.rubric.text(), question_of(seat).category
    rubric = whole.variants.get(category.key, whole)
    told = Guide(
        _in_reader_language(rubric.instructions),
        category.name if rubric is not whole else "",
        dimensions=[_row(dimension, dimension.key, rubric) for dimension in rubric.dimensions],
        points=_point_rows(rubric, 0) if rubric.points else [],
    )
    if (points := rubric.points) is None:
        return told
    floor = rubric.lowest if points.floor is None else points.floor
    cap = rubric.highest if points.cap is None else points.cap
    return replace(told, base=points.base, floor=floor, cap=cap)


def is_one_press(run: Run) -> bool:
    """Whether a vote is one choice between two answers, and no form."""
    return not run.is_single and run.turns == Run.Turns.WHOLE and Voting.of(run).ballot != DIMENSIONS


def choices(run: Run) -> list[Choice]:
    """What there is to say of a pair as a whole."""
    ballot = Voting.of(run).ballot
    return choices_of(FIVE if ballot == FIVE else FOUR)


def choices_of(scale: str, *, chosen: str = "") -> list[Choice]:
    """What there is to say of a pair on this scale."""
    labels = {
        "a2": _("A is much better"),
        "a": _("A is better"),
        "tie": _("Tie"),
        "b": _("B is better"),
        "b2": _("B is much better"),
        "bad": _("Both bad"),
    }
    words = SCALES[scale]
    return [Choice(word, labels[word], str(key), chosen == word) for key, word in enumerate(words, start=1)]


def chips(run: Run, *, ticked: list[str]) -> list[Chip]:
    """The reasons that may be ticked beside a vote; keys are the digits that the choices leave."""
    labels = {
        "wrong_fact": _("wrong fact"),
        "made_up": _("made up"),
        "unsafe": _("unsafe"),
        "off_topic": _("off topic"),
        "style": _("style"),
    }
    keys = list("1234567890")[len(choices(run)) :] if is_one_press(run) else []
    wanted = [word for word in REASONS if word in Voting.of(run).reasons]
    return [Chip(word, labels[word], key or "", word in ticked) for word, key in zip_longest(wanted, keys) if word]


def skip_causes() -> list[tuple[str, str]]:
    """Why somebody may skip an item, as (word, label)."""
    labels = (
        _("I cannot decide"),
        _("I know too little of this"),
        _("I do not read this language well"),
        _("It is too long"),
        _("I do not want to read this"),
        _("Something else"),
    )
    return list(zip(SKIP_CAUSES, labels, strict=True))


def flag_causes() -> list[tuple[str, str]]:
    """What may be broken about an item, as (word, label)."""
    labels = (
        _("The question is broken"),
        _("An answer is cut off or empty"),
        _("An answer tells who wrote it"),
        _("I have seen this one before"),
        _("It should not be shown to anybody"),
        _("Something else"),
    )
    return list(zip(FLAG_CAUSES, labels, strict=True))


def form(seat: Assignment, *, post: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> Form:
    """What is to be filled in; with what was posted, and why it could not be counted."""
    post, errors = post or {}, errors or {}
    rubric, run = rubric_of(seat), seat.run
    turns = turns_of(run, len(question_of(seat).turns))
    return _form(run, rubric, [Part(turn, rows(run, rubric, turn, post=post, errors=errors)) for turn in turns])


def form_of_turn(
    seat: Assignment, turn: int, *, post: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> Form:
    """As `form`, of one turn alone."""
    rubric = rubric_of(seat)
    return _form(seat.run, rubric, [Part(turn, rows(seat.run, rubric, turn, post=post or {}, errors=errors))])


def _form(run: Run, rubric: RubricText, parts: list[Part]) -> Form:
    lowest, highest = rubric.lowest, rubric.highest
    whole = lowest == int(lowest) and highest == int(highest) and highest - lowest < MOST_STEPS
    steps = list(range(int(lowest), int(highest) + 1)) if run.is_single and whole else []
    return Form(parts, steps, lowest, highest)


def rows(
    run: Run, rubric: RubricText, turn: int, *, post: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> list[Row]:
    """All that is to be decided on one turn."""
    if not run.is_single:
        found = _pair_rows(run, rubric, turn, post)
    elif rubric.points:
        found = _point_rows(rubric, turn)
    else:
        found = _mark_rows(rubric, turn)
    told = errors or {}
    return [_filled(row, post.get(row.name, ""), told.get(row.name, "")) for row in found]


def _filled(row: Row, value: str, error: str) -> Row:
    return replace(row, value=value, error=error)


def field_name(kind: str, turn: int, key: str) -> str:
    """The name of a row's field on the ballot; `kind` is "choice", "mark" or "points"."""
    return f"{kind}-{turn}-{key}" if turn else f"{kind}-{key}"


def _pair_rows(run: Run, rubric: RubricText, turn: int, post: Mapping[str, str]) -> list[Row]:
    ballot = Voting.of(run).ballot
    found = []
    for dimension in rubric.dimensions if ballot == DIMENSIONS else ():
        name = field_name("choice", turn, dimension.key)
        found.append(_row(dimension, name, rubric, choices=choices_of(DIMENSIONS, chosen=post.get(name, ""))))
    name = field_name("choice", turn, OVERALL)
    scale = choices_of(FIVE if ballot == FIVE else FOUR, chosen=post.get(name, ""))
    return [*found, Row(OVERALL, name, _("Overall"), choices=scale)]


def _mark_rows(rubric: RubricText, turn: int) -> list[Row]:
    if not rubric.dimensions:
        return [Row(OVERALL, field_name("mark", turn, OVERALL), _("Overall"))]
    return [_row(dimension, field_name("mark", turn, dimension.key), rubric) for dimension in rubric.dimensions]


def _point_rows(rubric: RubricText, turn: int) -> list[Row]:
    lists = ((-1, rubric.points.deductions), (1, rubric.points.bonuses))
    return [_point_row(kind, sign, turn) for sign, kinds in lists for kind in kinds]


def _point_row(kind: PointKind, sign: int, turn: int) -> Row:
    return Row(
        kind.key,
        field_name("points", turn, kind.key),
        _in_reader_language(kind.name) or kind.key,
        _in_reader_language(kind.description),
        points=sign * kind.points,
        most=None if kind.most is None else sign * kind.most,
        is_quoted=kind.quoted,
    )


def _row(dimension: RubricDimension, name: str, rubric: RubricText, *, choices: list[Choice] | None = None) -> Row:
    total = sum(one.weight for one in rubric.dimensions)
    return Row(
        dimension.key,
        name,
        _in_reader_language(dimension.name) or dimension.key,
        _in_reader_language(dimension.description),
        share=round(100 * dimension.weight / total) if total else None,
        veto=dimension.veto,
        levels=[Level(level.mark, _in_reader_language(level.words)) for level in dimension.levels],
        choices=choices or [],
    )


def _in_reader_language(words: Mapping[str, str]) -> str:
    return in_reader_language(words.get("en", ""), words.get("zh", ""))


def _pane(side: str, answer: Answer, question: Question, *, masks: bool) -> Pane:
    found = leaks_of(answer, question=question) if masks else []
    sources = [masked(text, [leak for leak in found if leak.turn == at]) for at, text in enumerate(answer.turns)]
    htmls = [render(text) for text in sources] if found else answer.html_turns
    turns = [
        Turn(asked or "", mark_safe(html), thinned(source))  # noqa: S308  arena.rendering made it safe
        for asked, html, source in zip_longest(question.turns[:-1], htmls, sources)
        if html is not None
    ]
    return Pane(side, question.language, turns)
