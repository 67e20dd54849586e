"""How people vote in a run: its ballot, how many see an item, who may, and how the quality of votes is known.

It is data of the run (`Run.voting`, and the overlap in `Run.limits`), so that one page serves every kind of ballot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.utils.translation import gettext as _

OVERLAP = 3  # people who see an item, where the run does not say
MOST_VOTES = 100
MOST_A_LANGUAGE = 1_000_000
LONGEST_LANGUAGE = 12  # signs of a language's name, as of an item's

FOUR, FIVE, DIMENSIONS = "four", "five", "dimensions"
BALLOTS = (FOUR, FIVE, DIMENSIONS)
"""A is better, B is better, tie, both bad · the same with *much better* · each dimension of the rubric, then overall."""

OPTIONAL, REQUIRED, ON_FLAG = "optional", "required", "on_flag"
NOTES = (OPTIONAL, REQUIRED, ON_FLAG)
"""The note on a vote may be left out; may not; may, but whoever flags an item has to say more than the cause."""

MARK, MASK, IGNORE = "mark", "mask", "ignore"
LEAKS = (MARK, MASK, IGNORE)
"""An answer that names its maker: the vote is kept out of ratings; the name is covered on the ballot; nothing is done."""

ANNOTATORS, INVITED, GUESTS = "annotators", "invited", "guests"
OPEN_TO = (ANNOTATORS, INVITED, GUESTS)
"""Who may vote: everybody who is an annotator; those invited to this run alone; anybody who has its link as well."""

REASONS = ("wrong_fact", "made_up", "unsafe", "off_topic", "style")
SKIP_CAUSES = ("unsure", "expertise", "language", "too_long", "uncomfortable", "other")
FLAG_CAUSES = ("question", "answer", "leak", "twice", "unsafe", "other")


class BadVoting(ValueError):
    """Settings that are none; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]):
        super().__init__("; ".join(f"voting.{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Voting:
    """The settings of a run, each with a default that needs no thought.

    `reasons`: chips on the ballot, of REASONS. `confirm`: a choice counts when it is pressed again. `third`: two people see
    an item, and a third where they disagree. `per_day`, `per_person`: the most votes of one person, 0 for any number;
    `per_language`: the most of one person on questions in this language, any number in one that is not named.
    `practice`: items of the practice round, 0 for none, passed with a share of `pass_mark` right. `gold_every`,
    `repeat_every`: after how many votes a gold item or a hidden repeat comes, 0 for never. `urgent`: once all items are
    covered, those come first where judges disagree or intervals are wide.
    """

    ballot: str = FOUR
    reasons: tuple[str, ...] = REASONS
    note: str = OPTIONAL
    confirm: bool = False
    leaks: str = MARK
    overlap: int = OVERLAP
    third: bool = False
    open_to: str = ANNOTATORS
    per_day: int = 0
    per_person: int = 0
    per_language: Mapping[str, int] = field(default_factory=dict)
    practice: int = 0
    pass_mark: float = 0.6
    gold_every: int = 0
    repeat_every: int = 0
    urgent: bool = True

    @classmethod
    def of(cls, run: Any) -> Voting:
        """The settings of a run's row; what it does not say, or says of an older version, is the default."""
        known = {one.name for one in fields(cls)}
        told = {name: value for name, value in (run.voting or {}).items() if name in known}
        if "reasons" in told:
            told["reasons"] = tuple(told["reasons"])
        told["overlap"] = int(run.limits.get("overlap") or OVERLAP)
        return cls(**told)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Voting:
        """The settings as a form or a recipe says them. Raises BadVoting with all that is wrong."""
        errors = _problems(cls, data)
        if errors:
            raise BadVoting(errors)
        reasons = {"reasons": tuple(data["reasons"])} if "reasons" in data else {}
        return cls(**{**data, **reasons})

    def as_data(self) -> dict[str, Any]:
        """What `Run.voting` holds: all that is not the default, but the overlap, which is one of the run's limits."""
        default = asdict(Voting())
        told = {**asdict(self), "reasons": list(self.reasons)}
        default["reasons"] = list(default["reasons"])
        return {name: value for name, value in told.items() if name != "overlap" and value != default[name]}

    @property
    def wanted(self) -> int:
        """How many people are to see an item at first."""
        return min(2, self.overlap) if self.third else self.overlap

    @property
    def needs_note(self) -> bool:
        return self.note == REQUIRED

    @property
    def flag_needs_words(self) -> bool:
        return self.note in (REQUIRED, ON_FLAG)


ONE_OF = {"ballot": BALLOTS, "note": NOTES, "leaks": LEAKS, "open_to": OPEN_TO}
BETWEEN = {
    "overlap": (1, MOST_VOTES),
    "per_day": (0, 100_000),
    "per_person": (0, 1_000_000),
    "practice": (0, 50),
    "gold_every": (0, 1000),
    "repeat_every": (0, 1000),
}


def _problems(cls: type[Voting], data: Mapping[str, Any]) -> dict[str, str]:
    found = {name: _("There is no such setting.") for name in data if name not in {one.name for one in fields(cls)}}
    for name, allowed in ONE_OF.items():
        if name in data and not (isinstance(data[name], str) and data[name] in allowed):
            found[name] = _("One of these is meant: %s") % ", ".join(allowed)
    for name, (low, high) in BETWEEN.items():
        value = data.get(name, low)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            found[name] = _("A whole number from %(low)d to %(high)d is meant.") % {"low": low, "high": high}
    if not _is_by_language(data.get("per_language", {})):
        text = _("Languages with a number from 1 to %d each are meant, like zh: 50, en: 200.")
        found["per_language"] = text % MOST_A_LANGUAGE
    for name in ("confirm", "third", "urgent"):
        if not isinstance(data.get(name, False), bool):
            found[name] = _("Yes or no is meant.")
    mark = data.get("pass_mark", 0)
    if isinstance(mark, bool) or not isinstance(mark, int | float) or not 0 <= mark <= 1:
        found["pass_mark"] = _("A share from 0 to 1 is meant.")
    if data.get("third") is True and data.get("overlap", OVERLAP) in (1, 2):
        found["overlap"] = _("With a third person where two disagree, at least 3 votes on each item are meant.")
    reasons = data.get("reasons", ())
    if isinstance(reasons, str) or not isinstance(reasons, list | tuple) or set(map(str, reasons)) - set(REASONS):
        found["reasons"] = _("Some of these are meant: %s") % ", ".join(REASONS)
    return found


def _is_by_language(told: Any) -> bool:
    """Whether this says how many votes there may be in each language."""
    if not isinstance(told, Mapping):
        return False
    named = all(isinstance(language, str) and 0 < len(language) <= LONGEST_LANGUAGE for language in told)
    return named and all(type(most) is int and 1 <= most <= MOST_A_LANGUAGE for most in told.values())
