"""What is told of a person who stands apart: the flag in words, what it means, and what a lead can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from rating.stats import annotators as table
from rating.stats.pace import HURRIES


@dataclass(frozen=True)
class Flag:
    """A flag as a reader meets it."""

    word: str
    label: Any
    means: Any
    do: Any


def _flag(word: str, label: Any, means: Any, do: Any) -> tuple[str, Flag]:
    return word, Flag(word, label, means, do)


FLAGS = dict(
    [
        _flag(
            table.DISAGREES,
            _("disagrees"),
            _("Gives the same verdict as the others surely less often than the others do among themselves."),
            _("Read some of the votes with the notes. Whoever disagrees may be the only one who reads closely."),
        ),
        _flag(
            table.WRONG,
            _("wrong on gold"),
            _("Is right on gold items surely less often than the others."),
            _("Look at the gold items that were missed: is the truth beyond doubt? Then go through the guidelines together."),
        ),
        _flag(
            table.INCONSISTENT,
            _("not consistent"),
            _("Gives another verdict when an item comes back with the sides changed, surely more often than the others."),
            _("Ask what was hard to tell. Shorter sittings, or a note on every vote, often help."),
        ),
        _flag(
            table.FIRST_SLOT,
            _("leans to A"),
            _("Decides for the answer on the left surely more often than for the one on the right, though sides are drawn."),
            _("Ask for both answers to be read before either is judged; look again after the next 50 votes."),
        ),
        _flag(
            table.LAST_SLOT,
            _("leans to B"),
            _("Decides for the answer on the right surely more often than for the one on the left, though sides are drawn."),
            _("Ask for both answers to be read before either is judged; look again after the next 50 votes."),
        ),
        _flag(
            table.LONGER,
            _("takes the longer"),
            _("Decides for the longer answer surely more often than the others do."),
            _("Recall what the guidelines say of length."),
        ),
        _flag(
            table.SHORTER,
            _("takes the shorter"),
            _("Decides for the shorter answer surely more often than the others do."),
            _("Recall what the guidelines say of length."),
        ),
        _flag(
            table.SEVERE,
            _("severe"),
            _("Gives surely lower marks than the others do to the same answers."),
            _("Compare some marks with the words of the levels. A steady difference can be allowed for; a changing one cannot."),
        ),
        _flag(
            table.LENIENT,
            _("lenient"),
            _("Gives surely higher marks than the others do to the same answers."),
            _("Compare some marks with the words of the levels. A steady difference can be allowed for; a changing one cannot."),
        ),
        _flag(
            table.DRIFTS,
            _("drifts"),
            _("Was surely another annotator in the last third of the votes than in the first."),
            _("See from which week on. Ask whether something changed: tired, other guidelines, other topics."),
        ),
        _flag(
            HURRIES,
            _("hurries"),
            _("Decides in surely less than half the time that the others need for items of like length."),
            _("Read some of the votes: a quick reader is right on gold. Else pause, and go through the guidelines together."),
        ),
    ]
)  # fmt: skip
"""Every flag of `rating.stats.annotators`, by its word."""


def in_words(flags: tuple[str, ...]) -> tuple[Flag, ...]:
    """The flags of one person as a reader meets them."""
    return tuple(FLAGS[word] for word in flags)
