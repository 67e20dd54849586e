"""What an engine sees and says: exhibits in, one verdict for each out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

OK = "ok"
PARSE_ERROR = "parse_error"
TRUNCATED = "truncated"
REFUSED = "refused"
API_ERROR = "api_error"
SKIPPED = "skipped"

UNREAD = (PARSE_ERROR, TRUNCATED)
"""There is a reply, and no verdict of the judge in it: the repair turn asks for one, and a newer parser may find it."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One thing to be judged, as the judge is to see it.

    `answers` holds one answer (single) or two in the order shown (pair); an answer is its turns.
    `reference` holds one text per turn, or is empty. `checks` are the question's machine checks
    (mappings with a "type"). With `turn` n, only what was said in the n-th turn is judged, and what came before is shown
    as context; 0 is the whole conversation. `families` are those of the answers' models, "" where unknown. `id` and
    `families` are never shown to a judge; `id` comes back with the verdict.
    """

    id: Hashable
    turns: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    system: str = ""
    reference: tuple[str, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    category: str = ""
    language: str = "en"
    turn: int = 0
    families: tuple[str, ...] = ()

    @property
    def is_pair(self) -> bool:
        return len(self.answers) == 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge said of one exhibit.

    `status` is "ok" or the name of the failure, whose reason is `error`. For a pair, `value` in
    [-2, 2] is the preference towards the answer *shown first*; for a single answer, `value` is the
    score and `scores` holds the marks per dimension. A failed verdict has value None: never a tie,
    never a zero. `prompt` is what was sent, as role/content mappings; `seconds` of wall time, up to
    50 ms too long where calls beside it take seconds (see `arena.background`); `asked` counts calls made to a model.

    `points` are the deductions and bonuses of a rubric of points: {"key", "points" (signed), "quote"}. `details` is what
    else is worth keeping, as JSON: `finish` (how each reply ended), `samples` (their values), `probabilities` of a verdict by
    log-probability, `members` of a panel. `digest` is the hash of all that the judge saw, "" for engines that
    ask nobody; `cached` says that the reply is an earlier one to the very same prompt.
    """

    status: str
    value: float | None = None
    both_bad: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    points: tuple[Mapping[str, Any], ...] = ()
    error: str = ""
    reply: str = ""
    reasoning: str = ""
    prompt: tuple[Mapping[str, str], ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    asked: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    cached: bool = False

    def __post_init__(self) -> None:
        if (self.status == OK) == (self.value is None):
            raise ValueError("a verdict has a value or an error, never both, never neither")


@dataclass(frozen=True, slots=True)
class Level:
    """What a mark stands for, in words by language ("en", "zh")."""

    mark: float
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing a rubric looks at, with its name and description by language ("en", "zh").

    A mark below `veto` (None: no veto) takes the whole to the lowest mark of the scale.
    """

    key: str
    name: Mapping[str, str]
    weight: float = 1.0
    description: Mapping[str, str] = field(default_factory=dict)
    levels: tuple[Level, ...] = ()
    veto: float | None = None


@dataclass(frozen=True, slots=True)
class PointKind:
    """A kind of deduction or bonus: each one found counts `points` (> 0), all of the kind together at most `most`.

    With `quoted` the judge must quote the passage of the answer that it is about; without (what an answer lacks cannot be
    quoted) it need not.
    """

    key: str
    points: float
    name: Mapping[str, str]
    description: Mapping[str, str] = field(default_factory=dict)
    most: float | None = None
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Points:
    """Marking by points: `base`, less each deduction, plus each bonus, and the sum kept between `floor` and `cap`.

    None as floor or cap is the end of the rubric's scale.
    """

    base: float
    deductions: tuple[PointKind, ...] = ()
    bonuses: tuple[PointKind, ...] = ()
    floor: float | None = None
    cap: float | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A published judge prompt, used as it stands in place of our own wording.

    `prompt` and `system` hold {names}: question, answer, answer_a, answer_b, ref_answer_1, question_1, answer_a_2 …; `form` is
    the verdict it asks for: "[[A]]", "[[rating]]" or "[[rating_a,rating_b]]".
    """

    prompt: str
    system: str = ""
    form: str = "[[A]]"


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """What a template is chosen by: whether what is shown of the question has a reference, and several turns."""

    has_reference: bool
    is_multi: bool

    def __str__(self) -> str:
        turns = "several turns" if self.is_multi else "a single turn"
        return f"{turns} {'with' if self.has_reference else 'without'} a reference"


CASES = tuple(Case(has_reference, is_multi) for has_reference in (False, True) for is_multi in (False, True))
"""All cases there are."""


@dataclass(frozen=True, slots=True)
class RubricText:
    """A rubric as a value: what the prompts are rendered from.

    `instructions` by language ("en", "zh"); `dimensions` may be empty (one overall mark);
    marks run from `lowest` to `highest`. `variants` are the rubrics of single categories, by the category's key; where they
    are `only_variants`, no other category can be judged. `cases`, where there are any, are the same rubric with the template
    for each case; then it has none of its own, and a case without one cannot be judged.
    """

    name: str
    instructions: Mapping[str, str]
    dimensions: tuple[Dimension, ...] = ()
    lowest: float = 1.0
    highest: float = 10.0
    points: Points | None = None
    template: Template | None = None
    variants: Mapping[str, RubricText] = field(default_factory=dict)
    only_variants: bool = False
    cases: Mapping[Case, RubricText] = field(default_factory=dict)

    def of(self, category: str) -> RubricText:
        """The rubric for a category. Raises NoRubric where there is none for it."""
        if category in self.variants:
            return self.variants[category]
        if self.only_variants:
            known = ", ".join(sorted(self.variants))
            raise NoRubric(f"rubric {self.name} has nothing for the category {category!r}; it has {known}")
        return self

    def of_case(self, case: Case) -> RubricText:
        """The rubric for a case of questions. Raises NoRubric where it has templates and none for this one."""
        if not self.cases:
            return self
        if case not in self.cases:
            known = ", ".join(map(str, sorted(self.cases)))
            raise NoRubric(f"rubric {self.name} has no template for {case}; it has some for {known}")
        return self.cases[case]


class NoRubric(ValueError):
    """A rubric has nothing for a category or a case, and nothing that stands for all."""


def unshown(error: ValueError) -> Verdict:
    """The verdict on what cannot be shown to a judge, which costs no call.

    A rubric that has nothing for the category is a failure, to be made good by another version of it; what is no fault, as a
    turn that a template has no place for, is skipped.
    """
    return Verdict(status=API_ERROR if isinstance(error, NoRubric) else SKIPPED, error=str(error))


class EndpointDown(Exception):
    """The judge's endpoint will not answer, whatever it is asked; the message is the reason.

    Raised once the verdicts under way have been given; what was not asked has no verdict.
    """


class Engine(Protocol):
    """A machine that judges."""

    def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict, in the order they are ready.

        Never raises for a single bad one. Raises EndpointDown when going on is pointless.
        """
        ...


@runtime_checkable
class AskingEngine(Engine, Protocol):
    """An engine whose verdicts cost calls: what it sees has a digest, and a kept reply can be read again for nothing."""

    def digest(self, exhibit: Exhibit) -> str:
        """`"<who>:<what>"`: 16 hex digits of the judge's model, parameters and rubric, 32 of the messages it would send.

        Nothing else is in it: the same digest is the same prompt to the same judge, whatever it is called.
        """
        ...

    def ready(self, exhibit: Exhibit) -> str:
        """The digest of an exhibit that is asked for next, unless there is a reply on record: what it takes need not be done twice."""
        ...

    def reread(self, exhibit: Exhibit, *, reply: str, details: Mapping[str, Any]) -> Verdict:
        """The verdict of a reply that is on record (`Verdict.reply` and `.details`), read by today's parser; no call."""
        ...

    def calls(self, exhibit: Exhibit) -> tuple[int, int]:
        """The fewest and the most calls that one verdict takes where every call succeeds and can be read."""
        ...
