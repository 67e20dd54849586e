"""Published verdicts as judgments of imported judges."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from arena.loading.records import BadInput, Batch, Report, VoteRecord
from arena.models import Answer, Battle, Benchmark, Provenance
from judging.judges.base import OK, Verdict
from judging.models import Judge, Preference, Rubric


@transaction.atomic
def write_votes(batch: Batch, benchmark: Benchmark, report: Report) -> None:
    """Put the batch's votes on record; a vote that is there already is left as it is. One transaction.

    Raises BadInput, with nothing written, when a vote is about an answer that is not there.
    """
    answers = _answers(benchmark)
    for vote in batch.votes:
        for model in (vote.first, vote.second):
            if (vote.question, model) not in answers:
                vote.row.problem("verdict", f"is about question {vote.question}, to which {model} gave no answer")
    if report.problems:
        raise BadInput(report)
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
        before = Preference.objects.filter(judge=judge, rubric=rubric).count()
        rows = _rows(votes, answers, judge=judge, rubric=rubric, provenance=Provenance.IMPORTED)
        Preference.objects.bulk_create(rows, ignore_conflicts=True, batch_size=200)
        new = Preference.objects.filter(judge=judge, rubric=rubric).count() - before
        report.counts["new votes"] += new
        report.counts["votes already there"] += len(votes) - new


def _by_judge(votes: Iterable[VoteRecord]) -> list[list[VoteRecord]]:
    groups: dict[str, list[VoteRecord]] = {}
    for vote in votes:
        groups.setdefault(vote.judge, []).append(vote)
    return list(groups.values())


def _answers(benchmark: Benchmark) -> dict[tuple[str, str], Answer]:
    """The benchmark's good answers, by the key of the question and the name of the model."""
    good = Answer.objects.ok().filter(question__benchmark=benchmark, sample=0).select_related("question", "model")
    return {(answer.question.key, answer.model.name): answer for answer in good}


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
