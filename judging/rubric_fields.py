"""Which fields the form of a rubric has: what each is called, and what of it is usual and need not be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from judging.prompts import FORMS

LINE, AREA, NUMBER, FLAG, CHOICE = "line", "area", "number", "flag", "choice"
USUAL_FORM = "[[A]]"


@dataclass(frozen=True)
class Box:
    """One field: its key in the data, its label, what kind of thing is written in it, and in which language.

    `usual` is the value that the data leave out. A number that `is_needed` is told to be missing where it is empty. `words`
    are what the reader sees of choices.
    """

    key: str
    label: Any
    kind: str = LINE
    hint: Any = ""
    lang: str = ""
    usual: Any = ""
    is_needed: bool = False
    choices: tuple[str, ...] = ()
    words: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """A list of rows, `one` the word for a single one, each with these fields and lists of its own; `blank` is a new row."""

    key: str
    label: Any
    one: Any
    add: Any
    boxes: tuple[Box, ...]
    lists: tuple[Listed, ...] = ()
    blank: Mapping[str, Any] = field(default_factory=dict)


def _both(key: str, english: Any, chinese: Any, kind: str = LINE) -> tuple[Box, ...]:
    return (
        Box(f"{key}_en", english, kind, lang="en"),
        Box(f"{key}_zh", chinese, kind, lang="zh-Hans"),
    )


def _number(key: str, label: Any, hint: Any = "", *, needed: bool = False) -> Box:
    return Box(key, label, NUMBER, hint, usual=None, is_needed=needed)


KEY = Box("key", _("Key"), hint=_("Short and without blanks; it stays the same when the names change."))
NAMES = _both("name", _("Name in English"), _("Name in Chinese"))
DESCRIPTIONS = _both("description", _("Description in English"), _("Description in Chinese"), AREA)

TOP = (
    *_both("title", _("Title in English"), _("Title in Chinese")),
    _number("lowest", _("Lowest mark"), needed=True),
    _number("highest", _("Highest mark"), needed=True),
    Box(
        "only_variants",
        _("Judge no category that has no variant"),
        FLAG,
        _("Otherwise a category without a variant is judged by the rubric itself."),
        usual=False,
    ),
)
INSTRUCTIONS = _both("instructions", _("Instructions in English"), _("Instructions in Chinese"), AREA)
LEVELS = Listed(
    "levels",
    _("What the marks stand for"),
    _("Mark"),
    _("Add a mark"),
    (_number("mark", _("Mark"), needed=True), *_both("words", _("Words in English"), _("Words in Chinese"))),
)
DIMENSIONS = Listed(
    "dimensions",
    _("Dimensions"),
    _("Dimension"),
    _("Add a dimension"),
    (
        KEY,
        _number("weight", _("Weight"), _("Its part of the whole mark, beside the other weights."), needed=True),
        *NAMES,
        *DESCRIPTIONS,
        _number("veto", _("Veto below"), _("A mark below this takes the whole to the lowest mark. Empty: no veto.")),
    ),
    (LEVELS,),
    {"weight": 1},
)
_KINDS = (
    KEY,
    _number("points", _("Points"), _("How many each one takes off or adds; above 0."), needed=True),
    _number("most", _("Most in all"), _("However many are found. Empty: no limit.")),
    *NAMES,
    *DESCRIPTIONS,
    Box(
        "quoted",
        _("Needs a quotation"),
        FLAG,
        _("It counts only where the judge quotes the words it is about. What an answer lacks cannot be quoted."),
        usual=True,
    ),
)
POINTS = (
    _number("base", _("Base"), _("Where counting begins."), needed=True),
    _number("floor", _("Floor"), _("Empty: the lowest mark.")),
    _number("cap", _("Cap"), _("Empty: the highest mark.")),
)
POINT_LISTS = (
    Listed("deductions", _("Deductions"), _("Deduction"), _("Add a deduction"), _KINDS),
    Listed("bonuses", _("Bonuses"), _("Bonus"), _("Add a bonus"), _KINDS),
)
TEMPLATE: tuple[Box, ...] = (
    Box("system", _("System message"), AREA, _("May be empty.")),
    Box(
        "prompt",
        _("Prompt"),
        AREA,
        _(
            "Filled in from the question and the answers: {question}, {answer}, {answer_a}, {answer_b}, {ref_answer_1} …"
        ),
    ),
    Box("form", _("Verdict it asks for"), CHOICE, usual="", choices=tuple(FORMS)),
)
CASES = Listed(
    "cases",
    _("A prompt for each case, in place of the one above"),
    _("Case"),
    _("Add a case"),
    (
        Box(
            "reference",
            _("For questions"),
            CHOICE,
            choices=("", "with", "without"),
            words={"": _("with or without a reference"), "with": _("with a reference"), "without": _("without one")},
        ),
        Box(
            "turns",
            _("Turns shown"),
            CHOICE,
            choices=("", "single", "multi"),
            words={"": _("one or several"), "single": _("a single one"), "multi": _("several")},
        ),
        *TEMPLATE,
    ),
    (),
    {"form": USUAL_FORM},
)
VARIANTS = Listed(
    "variants", _("Variants by category"), _("Variant"), _("Add a variant"), (), (), {"category": "", "is_open": True}
)
CATEGORY = Box("category", _("Category"), hint=_("The category's key."))

LISTS: Mapping[str, Listed] = {one.key: one for one in (LEVELS, DIMENSIONS, *POINT_LISTS, CASES, VARIANTS)}
"""All lists there are, by their key."""
