"""The answers that published verdicts are about, found among those that are here; and what keeps a verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from arena.loading.records import Batch, GradeRecord, Judged, VoteRecord
from arena.loading.rows import short
from arena.loading.said import said as _
from arena.models import UNPUBLISHED, Answer, Benchmark, Question

Record = VoteRecord | GradeRecord
LARGEST_MARK = 1e9  # as the table of grades has it


@dataclass(frozen=True, slots=True)
class Told:
    """What has to be known of an answer to put a verdict on it on record."""

    pk: int
    question: int
    model: int


class Answers:
    """The benchmark's answers that were judged or can be, by the key of the question, the name of the model and the sample.

    A verdict names a model without its version. Where the answers came along with the verdicts, they say which it is.
    """

    def __init__(self, batch: Batch, benchmark: Benchmark):
        self.benchmark = benchmark
        told: dict[str, set[str]] = {}
        for record in (record for record in batch.answers if record.published):
            told.setdefault(record.model.name, set()).add(record.model.version)
        named: dict[str, set[str]] = {}
        for judged in (
            judged for record in (*batch.votes, *batch.grades) for judged in record.judged if judged.version
        ):
            named.setdefault(judged.model, set()).add(judged.version)
        self.found: dict[tuple[str, str, int], list[tuple[str, Told]]] = {}
        rows = Answer.objects.filter(question__benchmark=benchmark, error__in=("", UNPUBLISHED)).order_by()
        names = ("pk", "question", "model", "sample", "question__key", "model__name", "model__version")
        for pk, question, model, sample, key, name, version in rows.values_list(*names).iterator():
            if version in told.get(name, {version}) or version in named.get(name, ()):
                self.found.setdefault((key, name, sample), []).append((version, Told(pk, question, model)))

    @cached_property
    def turns(self) -> dict[str, int]:
        """How many turns each question has, by its key."""
        questions = Question.objects.filter(benchmark=self.benchmark).values_list("key", "turns")
        return {key: len(turns) for key, turns in questions.iterator()}

    def check(self, record: Record) -> None:
        """Note all that keeps a verdict from being about answers that are here, and from being a value on its scale."""
        if record.question not in self.turns:
            among = _("is about question %(question)s, which is not among the questions", question=record.question)
            none = _(
                "is about question %(question)s, and there are none here; load the questions first, or together with this",
                question=record.question,
            )
            record.row.problem(record.told_in, among if self.turns else none)
        elif not 0 <= record.turn <= self.turns[record.question]:
            turns = self.turns[record.question]
            record.row.problem(
                "turn",
                _(
                    "is %(turn)s; question %(question)s has %(turns)s",
                    turn=record.turn,
                    question=record.question,
                    turns=turns,
                ),
            )
        else:
            found = [self._checked(record, judged) for judged in record.judged]
            if len(found) == 2 and all(found) and found[0].model == found[1].model:
                record.row.problem(record.told_in, _("is about two answers of %(model)s", model=record.judged[0].model))
        _check_baseline(record)
        _check_scale(record)

    def _versions(self, record: Record, judged: Judged) -> list[tuple[str, Told]]:
        answers = self.found.get((record.question, judged.model, judged.sample), [])
        return [answer for answer in answers if judged.version in ("", answer[0])]

    def _checked(self, record: Record, judged: Judged) -> Told | None:
        """The one answer that is meant; None and a problem where there is none, or more than one."""
        answers, model = self._versions(record, judged), judged.model
        about = _("is about question %(question)s", question=record.question)
        if not answers:
            record.row.problem(
                record.told_in, _("%(about)s, to which %(model)s gave no answer", about=about, model=model)
            )
        elif len(answers) > 1:
            versions = ", ".join(sorted(version for version, _answer in answers))
            message = _(
                "%(about)s and %(model)s, of which several versions answered it: %(versions)s",
                about=about,
                model=model,
                versions=versions,
            )
            record.row.problem(record.told_in, message)
        else:
            return answers[0][1]
        return None

    def of(self, record: Record) -> list[Told]:
        """The answers a checked verdict is about, in the order shown."""
        return [self._versions(record, judged)[0][1] for judged in record.judged]


def _check_baseline(record: Record) -> None:
    """Note a baseline that is neither of the two models, and one that may be either."""
    if isinstance(record, VoteRecord) and record.baseline and len(record.baseline_places) != 1:
        name = " ".join(filter(None, (record.baseline, record.baseline_version)))
        if record.baseline_places:
            record.row.problem(
                "baseline_version", _("is missing: both answers are of %(name)s, in two versions", name=name)
            )
        else:
            record.row.problem("baseline", _("is %(name)s, which gave neither of the two answers", name=short(name)))


def _check_scale(record: Record) -> None:
    value, lowest, highest = record.score, record.lowest, record.highest
    if value is not None and abs(value) > LARGEST_MARK:
        record.row.problem(
            record.told_in,
            _(
                "is %(value)s; marks are not larger than %(most)s",
                value=f"{value:g}",
                most=f"{LARGEST_MARK:g}",
            ),
        )
    elif value is not None and not lowest <= value <= highest:
        record.row.problem(
            record.told_in,
            _(
                "is %(value)s, which is off the scale from %(lowest)s to %(highest)s",
                value=f"{value:g}",
                lowest=f"{lowest:g}",
                highest=f"{highest:g}",
            ),
        )
