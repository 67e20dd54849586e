"""Published verdicts as judgments of imported judges."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from arena.loading.records import BadInput, Batch, Report, VoteRecord
from arena.models import Answer, Battle, Benchmark, Provenance
from judging.judges.base import OK, Verdict
from judging.models import Judge, Preference, Rubric

FIELD = "verdict"


@transaction.atomic
def write_votes(batch: Batch, benchmark: Benchmark, report: Report) -> None:
    """Put the batch's votes on record; a vote that is there already is left as it is. One transaction.

    Raises BadInput, with nothing written, when a vote is about an answer that is not there or about which of two it is
    cannot be told, when it differs from the one on record, and when its judge is somebody else here.
    """
    answers = _answers(batch, benchmark)
    for vote in batch.votes:
        for model in (vote.first, vote.second):
            _check_answer(vote, model, answers.get((vote.question, model), []))
    _refuse(report)
    found = {key: rows[0] for key, rows in answers.items() if len(rows) == 1}
    rubric = Rubric.objects.get_or_create(
        name="as published",
        version=1,
        defaults={"title_en": "As published", "title_zh": "按原发布", "lowest": -2, "highest": 2},
    )[0]
    for votes in _by_judge(batch.votes):
        kind = Judge.Kind.IMPORTED_PERSON if votes[0].is_person else Judge.Kind.IMPORTED
        judge = Judge.objects.get_or_create(
            name=votes[0].judge, version=1, defaults={"kind": kind, "provenance": Provenance.IMPORTED}
        )[0]
        if judge.kind != kind:
            votes[0].row.problem("judge", f"{judge} is there as a judge of another kind ({judge.kind})")
            continue
        rows = _rows(votes, found, judge=judge, rubric=rubric, provenance=Provenance.IMPORTED)
        new = _new(votes, rows, _on_record(benchmark, judge, rubric))
        Preference.objects.bulk_create(new, batch_size=200)
        report.counts["new votes"] += len(new)
        report.counts["votes already there"] += len(votes) - len(new)
    _refuse(report)


def _refuse(report: Report) -> None:
    """Raise BadInput if there is a problem: the transaction around takes everything back."""
    if report.problems:
        raise BadInput(report)


def _check_answer(vote: VoteRecord, model: str, answers: list[Answer]) -> None:
    if not answers:
        vote.row.problem(FIELD, f"is about question {vote.question}, to which {model} gave no answer")
    elif len(answers) > 1:
        versions = ", ".join(sorted(answer.model.version for answer in answers))
        message = f"is about question {vote.question} and {model}, of which several versions answered it: {versions}"
        vote.row.problem(FIELD, message)


def _on_record(benchmark: Benchmark, judge: Judge, rubric: Rubric) -> dict[tuple[int, bool], Preference]:
    """What this judge's votes on the benchmark are, by battle and order. One query."""
    rows = Preference.objects.current().filter(judge=judge, rubric=rubric, battle__question__benchmark=benchmark)
    return {(row.battle_id, row.swapped): row for row in rows.defer("reply", "reasoning", "prompt")}


def _new(
    votes: list[VoteRecord], rows: list[Preference], there: dict[tuple[int, bool], Preference]
) -> list[Preference]:
    """The rows that are not on record yet; one that says something else than the record, or twice, is a problem."""
    seen: dict[tuple[int, bool], VoteRecord] = {}
    new = []
    for vote, row in zip(votes, rows, strict=True):
        place = row.battle_id, row.swapped
        if place in seen:
            vote.row.problem(FIELD, f"is a duplicate of line {seen[place].row.line}")
            continue
        seen[place] = vote
        if place not in there:
            new.append(row)
        elif (there[place].value, there[place].both_bad) != (row.value, row.both_bad):
            vote.row.problem(FIELD, f"on question {vote.question} differs from the vote already there")
    return new


def _by_judge(votes: Iterable[VoteRecord]) -> list[list[VoteRecord]]:
    groups: dict[str, list[VoteRecord]] = {}
    for vote in votes:
        groups.setdefault(vote.judge, []).append(vote)
    return list(groups.values())


def _answers(batch: Batch, benchmark: Benchmark) -> dict[tuple[str, str], list[Answer]]:
    """The benchmark's good answers, by the key of the question and the name of the model.

    A vote names a model without its version. Where the answers came along with the votes, they say which it is.
    """
    told: dict[str, set[str]] = {}
    for record in batch.answers:
        told.setdefault(record.model.name, set()).add(record.model.version)
    good = Answer.objects.ok().filter(question__benchmark=benchmark, sample=0).select_related("question", "model")
    found: dict[tuple[str, str], list[Answer]] = {}
    for answer in good:
        if answer.model.version in told.get(answer.model.name, {answer.model.version}):
            found.setdefault((answer.question.key, answer.model.name), []).append(answer)
    return found


def _rows(votes: list[VoteRecord], answers: dict[tuple[str, str], Answer], **where) -> list[Preference]:
    shown = [(answers[vote.question, vote.first], answers[vote.question, vote.second]) for vote in votes]
    battles = {(battle.first_id, battle.second_id): battle for battle in Battle.objects.pair(shown)}
    rows = []
    for vote, (first, second) in zip(votes, shown, strict=True):
        swapped = first.pk > second.pk
        battle = battles[min(first.pk, second.pk), max(first.pk, second.pk)]
        verdict = Verdict(OK, value=vote.value, both_bad=vote.both_bad)
        rows.append(Preference.record(verdict, battle=battle, swapped=swapped, **where))
    return rows
