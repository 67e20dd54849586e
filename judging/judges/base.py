"""What an engine sees and says: exhibits in, one verdict for each out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

OK = "ok"
PARSE_ERROR = "parse_error"
REFUSED = "refused"
API_ERROR = "api_error"
SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One thing to be judged, as the judge is to see it.

    `answers` holds one answer (single) or two in the order shown (pair); an answer is its turns.
    `reference` holds one text per turn, or is empty. `checks` are the question's machine checks
    (mappings with a "type"). `id` comes back with the verdict and is never shown to a judge.
    """

    id: Hashable
    turns: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    system: str = ""
    reference: tuple[str, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    category: str = ""
    language: str = "en"

    @property
    def is_pair(self) -> bool:
        return len(self.answers) == 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge said of one exhibit.

    `status` is "ok" or the name of the failure, whose reason is `error`. For a pair, `value` in
    [-2, 2] is the preference towards the answer *shown first*; for a single answer, `value` is the
    score and `scores` holds the marks per dimension. A failed verdict has value None: never a tie,
    never a zero. `prompt` is what was sent, as role/content mappings; `seconds` of wall time;
    `asked` counts calls made to a model.
    """

    status: str
    value: float | None = None
    both_bad: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    reply: str = ""
    reasoning: str = ""
    prompt: tuple[Mapping[str, str], ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    asked: int = 0

    def __post_init__(self) -> None:
        if (self.status == OK) == (self.value is None):
            raise ValueError("a verdict has a value or an error, never both, never neither")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing a rubric looks at, with its name and description by language ("en", "zh")."""

    key: str
    name: Mapping[str, str]
    weight: float = 1.0
    description: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RubricText:
    """A rubric as a value: what the prompts are rendered from.

    `instructions` by language ("en", "zh"); `dimensions` may be empty (one overall mark);
    marks run from `lowest` to `highest`.
    """

    name: str
    instructions: Mapping[str, str]
    dimensions: tuple[Dimension, ...] = ()
    lowest: float = 1.0
    highest: float = 10.0


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
