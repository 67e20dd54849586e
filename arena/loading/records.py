"""What any file says, in our words: questions, answers, verdicts, judge prompts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

from arena.loading.rows import (
    BadInput,
    Problem,
    Report,
    Row,
    files_of,
    lines_of,
    objects_of,
    rows_of,
)
from arena.loading.said import said as _
from arena.loading.said import together

__all__ = [
    "ANSWERS", "JUDGMENTS", "KINDS", "PROMPTS", "QUESTIONS", "UNSTATED", "AnswerRecord", "BadInput", "Batch", "GradeRecord",
    "ModelRecord", "Problem", "QuestionRecord", "ReferenceRecord", "Report", "Row", "RubricRecord", "RunRecord", "VoteRecord", "files_of",
    "is_left_out", "lines_of", "objects_of", "rows_of",
]  # fmt: skip

UNSTATED = "unstated"
KINDS = QUESTIONS, ANSWERS, JUDGMENTS, PROMPTS = "questions", "answers", "judgments", "prompts"
"""What files hold, as `load --as` names it."""
KIND_NAMES = {
    QUESTIONS: _("questions"),
    ANSWERS: _("answers"),
    JUDGMENTS: _("judgments"),
    PROMPTS: _("prompts"),
}


@dataclass(frozen=True)
class ModelRecord:
    """Who answered; version and vendor are "unstated" where a published format has no place for them."""

    name: str
    version: str = UNSTATED
    vendor: str = UNSTATED
    extra: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class QuestionRecord:
    """A question; one `implied` was told along with a verdict, and stands only where there is none of its key.

    One that is not `published` was judged, and its `turns` say that its text is not to be had. `told_in` is the field of the
    row that makes its key, for problems.
    """

    row: Row
    key: str
    category: str
    turns: list[str]
    language: str = "en"
    system: str = ""
    reference: list[str] = field(default_factory=list)
    checks: list[dict] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    implied: bool = False
    published: bool = True
    told_in: str = "key"


@dataclass(frozen=True)
class AnswerRecord:
    """An answer; one without text is left out unless it `may_be_empty`, as an answer that was judged may.

    One that is not `published` was judged and its text is not to be had (`turns` is []): it stands only where there is no
    answer of that model (of `any_version`, or of this one) to the question. One `implied` was told along with a verdict.
    `told_in` is the field of the row that has its text, for problems.
    """

    row: Row
    question: str
    model: ModelRecord
    turns: list[str]
    sample: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    may_be_empty: bool = False
    published: bool = True
    implied: bool = False
    any_version: bool = False
    told_in: str = "turns"


class Judged(NamedTuple):
    """One answer that a verdict is about: by which model, of which version ("": any), and which of its samples."""

    model: str
    version: str
    sample: int


@dataclass(frozen=True)
class RunRecord:
    """The run that a verdict was part of: its name and its rubric's, and the `order` answers were shown in, as Run.Order has it."""

    name: str
    rubric: str = ""
    order: str = "fixed"


@dataclass(frozen=True)
class VoteRecord:
    """A published verdict on a pair: `value` in [-2, 2] towards `first`, a model's name, which was shown first.

    A failed one has `value` None and says why in `error`; `status` is then one of "parse_error", "truncated", "refused",
    "api_error", "skipped". `turn` is the turn judged, 0 for the whole conversation; `trial` counts repeats of one judge. `both_ways`: the
    judge was asked in both orders, so that one order alone is half a verdict; `is_half`: the other order is in a file of its own,
    which may come later. `baseline` is the one of the two that all others
    are compared with, "" for none, by `baseline_version` where two versions of it meet. A version is "" where any that answered may be meant. `extra` is what else the file says: `cost`,
    `seconds`, `tokens_in`, `tokens_out`, `tstamp` (seconds of Unix time) go into columns of their own, the rest is kept as
    details. `columns` has values for other columns of a judgment (`reasons`, `note`, `kept_out`, `points`). `scores` are
    by dimension, as the value. `told_in` is the field of the row that says it, for problems.
    """

    row: Row
    question: str
    first: str
    second: str
    value: float | None
    judge: str
    is_person: bool
    both_bad: bool = False
    status: str = "ok"
    error: str = ""
    reply: str = ""
    prompt: str = ""
    turn: int = 0
    trial: int = 0
    both_ways: bool = False
    is_half: bool = False
    sample_first: int = 0
    sample_second: int = 0
    version_first: str = ""
    version_second: str = ""
    baseline: str = ""
    baseline_version: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    run: RunRecord | None = None
    told_in: str = "verdict"

    lowest: ClassVar[float] = -2.0
    highest: ClassVar[float] = 2.0

    @property
    def score(self) -> float | None:
        """The value, by the name it has in a grade."""
        return self.value

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The answers it is about, in the order shown."""
        return (
            Judged(self.first, self.version_first, self.sample_first),
            Judged(self.second, self.version_second, self.sample_second),
        )

    @property
    def baseline_places(self) -> list[int]:
        """Which of the `judged` may be the baseline, by place: one where the file is right, none where there is no baseline."""
        sides = enumerate(self.judged)
        named = [(place, one.version) for place, one in sides if self.baseline and one.model == self.baseline]
        return [place for place, version in named if self.baseline_version in ("", version) or not version]


@dataclass(frozen=True)
class GradeRecord:
    """A published mark for one answer: `score` on the scale from `lowest` to `highest`; see VoteRecord for the rest."""

    row: Row
    question: str
    model: str
    score: float | None
    judge: str
    is_person: bool
    lowest: float = 1.0
    highest: float = 10.0
    scores: dict[str, float] = field(default_factory=dict)
    status: str = "ok"
    error: str = ""
    reply: str = ""
    prompt: str = ""
    turn: int = 0
    trial: int = 0
    sample: int = 0
    version: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    run: RunRecord | None = None
    told_in: str = "score"

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The answer it is about."""
        return (Judged(self.model, self.version, self.sample),)


@dataclass(frozen=True)
class RubricRecord:
    """A published judge prompt; `form` is the verdict it asks for, see `judging.judges.base.Template`."""

    row: Row
    name: str
    prompt: str
    system: str = ""
    form: str = "[[A]]"
    categories: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class ReferenceRecord:
    """A reference answer, for formats that keep it apart from its question."""

    row: Row
    question: str
    turns: list[str]


@dataclass
class Batch:
    """All that some files hold."""

    questions: list[QuestionRecord] = field(default_factory=list)
    answers: list[AnswerRecord] = field(default_factory=list)
    votes: list[VoteRecord] = field(default_factory=list)
    grades: list[GradeRecord] = field(default_factory=list)
    rubrics: list[RubricRecord] = field(default_factory=list)
    references: list[ReferenceRecord] = field(default_factory=list)
    categories: list[dict] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether it holds anything at all."""
        return any(vars(self).values())

    @property
    def needs_benchmark(self) -> bool:
        """Whether it holds more than judge prompts, which belong to no benchmark."""
        return bool(self.questions or self.answers or self.votes or self.grades)

    def imply_answers(self, record: VoteRecord | GradeRecord) -> None:
        """Say that the answers this verdict is about were given, for formats that may publish verdicts without them."""
        for judged in record.judged:
            model = ModelRecord(judged.model, judged.version or UNSTATED)
            self.answers.append(
                AnswerRecord(
                    record.row,
                    record.question,
                    model,
                    [],
                    judged.sample,
                    published=False,
                    implied=True,
                    any_version=not judged.version,
                )
            )

    def keep(self, kinds: Collection[str], report: Report) -> Batch:
        """This batch with what is of these kinds alone, and what verdicts told along with them; the rest is counted."""
        if JUDGMENTS not in kinds:
            _leave_out(JUDGMENTS, len(self.votes) + len(self.grades), report)
            self.votes, self.grades = [], []
            self.answers = [record for record in self.answers if record.published]
            self.questions = [record for record in self.questions if record.published]
        if PROMPTS not in kinds:
            _leave_out(PROMPTS, len(self.rubrics), report)
            self.rubrics = []
        if QUESTIONS not in kinds:
            self.questions = _implied(QUESTIONS, self.questions, kinds, report)
            self.references, self.categories = [], []
        if ANSWERS not in kinds:
            self.answers = _implied(ANSWERS, self.answers, kinds, report)
        return self


_R = TypeVar("_R", QuestionRecord, AnswerRecord)


def _implied(kind: str, records: list[_R], kinds: Collection[str], report: Report) -> list[_R]:
    """Those of the records that verdicts told along with them, if verdicts are wanted; the rest is counted as left out."""
    kept = [record for record in records if record.implied] if JUDGMENTS in kinds else []
    _leave_out(kind, len(records) - len(kept), report)
    return kept


def _leave_out(kind: str, n: int, report: Report) -> None:
    if n:
        report.counts[f"{kind} left out"] += n


def is_left_out(row: Row, kind: str, kinds: Collection[str]) -> bool:
    """Whether a row, all of one kind, is of a kind not asked for; then it is counted as left out."""
    if kind in kinds:
        return False
    row.report.counts[f"{kind} left out"] += 1
    row.report.note(
        _(
            "%(file)s: %(kind)s are left out; %(known)s are loaded",
            file=row.file.name,
            kind=KIND_NAMES[kind],
            known=together([KIND_NAMES[one] for one in kinds]),
        )
    )
    return True
