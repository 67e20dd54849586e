"""Published verdicts as judgments of imported judges, and published judge prompts as rubrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from arena.loading.records import BadInput, Batch, GradeRecord, Report, RubricRecord, VoteRecord
from arena.models import Answer, Battle, Benchmark, Provenance, storable
from judging.judged_answers import Answers, Record, Told
from judging.judges.base import Verdict
from judging.judges.rubrics import BadRubric, rubric_data_of_template
from judging.models import Grade, Judge, Preference, Rubric, Run

CHUNK = 500  # names a query holds, below SQLite's limit of variables
COLUMNS = ("cost", "seconds", "tokens_in", "tokens_out")
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
PAIRS = "as published"


@transaction.atomic
def write_votes(batch: Batch, benchmark: Benchmark, report: Report) -> None:
    """Put the batch's votes and grades on record; what is there already is left as it is. One transaction.

    Rows are written in the order of the batch, which is the order Elo takes them in. Raises BadInput, with nothing
    written, when a verdict is about an answer that is not there or about which of two it is cannot be told, when it differs
    from the one on record, when it is off its scale, and when its judge is somebody else here.
    """
    if batch.votes or batch.grades:
        answers = Answers(batch, benchmark)
        for record in (*batch.votes, *batch.grades):
            answers.check(record)
        judges = _judges((*batch.votes, *batch.grades))
        _refuse(report)
        _write(batch.votes, _preferences(batch.votes, answers, judges, benchmark), report, benchmark)
        _write(batch.grades, _grades(batch.grades, answers, judges), report, benchmark)
    _refuse(report)


def _refuse(report: Report) -> None:
    """Raise BadInput if there is a problem: the transaction around takes everything back."""
    if report.problems:
        raise BadInput(report)


def _judges(records: Sequence[Record]) -> dict[str, Judge]:
    """The imported judges of these names, made where they are missing; one that is of another kind here is a problem."""
    said: dict[str, Record] = {}
    for record in records:
        if said.setdefault(record.judge, record).is_person != record.is_person:
            record.row.problem("judge", f"{record.judge} is a person in some verdicts and a machine in others")
    for name, record in said.items():
        if not 0 < len(name) <= Judge.name.field.max_length:
            record.row.problem("judge", f"is {len(name)} characters long; 1 to {Judge.name.field.max_length} are kept")
    found = _judges_named(said)
    for name, judge in found.items():
        if judge.kind != _kind(said[name]):
            message = f"{judge} is there as a judge of another kind ({judge.kind})"
            said[name].row.problem("judge", message)
    new = [
        Judge(name=name, kind=_kind(record), provenance=Provenance.IMPORTED, frozen_at=timezone.now())
        for name, record in said.items()
        if name not in found
    ]
    Judge.objects.bulk_create(new, batch_size=CHUNK)
    return {**found, **{judge.name: judge for judge in new}}


def _kind(record: Record) -> str:
    return Judge.Kind.IMPORTED_PERSON if record.is_person else Judge.Kind.IMPORTED


def _judges_named(names: Iterable[str]) -> dict[str, Judge]:
    wanted, found = list(names), {}
    for start in range(0, len(wanted), CHUNK):
        rows = Judge.objects.filter(name__in=wanted[start : start + CHUNK], version=1)
        found.update({judge.name: judge for judge in rows})
    return found


def _preferences(
    votes: Sequence[VoteRecord], answers: Answers, judges: dict[str, Judge], benchmark: Benchmark
) -> list[Preference]:
    """A row (not saved) for each vote, in their order."""
    if not votes:
        return []
    rubric = _rubric(PAIRS, title_en="As published", title_zh="按原发布", lowest=-2, highest=2)
    shown = [answers.of(vote) for vote in votes]
    battles = _battles(benchmark, shown)
    runs = _runs(votes, shown, judges, rubric, benchmark)
    rows = []
    for vote, (first, second) in zip(votes, shown, strict=True):
        row = Preference.record(
            _verdict(vote),
            battle=Battle(pk=battles[min(first.pk, second.pk), max(first.pk, second.pk)]),
            swapped=first.pk > second.pk,
            run=runs.get(_how(vote)),
            **_where(vote, judges, rubric),
        )
        rows.append(_as_published(row, vote))
    return rows


def _grades(grades: Sequence[GradeRecord], answers: Answers, judges: dict[str, Judge]) -> list[Grade]:
    """A row (not saved) for each grade, in their order; each scale is a rubric."""
    rubrics = {
        (low, high): _rubric(
            f"{PAIRS} {low:g}-{high:g}",
            title_en=f"As published, {low:g} to {high:g}",
            title_zh=f"按原发布，{low:g} 至 {high:g}",
            lowest=low,
            highest=high,
        )
        for low, high in {(grade.lowest, grade.highest): None for grade in grades}
    }
    rows = []
    for grade in grades:
        answer = Answer(pk=answers.of(grade)[0].pk)
        where = _where(grade, judges, rubrics[grade.lowest, grade.highest])
        rows.append(_as_published(Grade.record(_verdict(grade), answer=answer, **where), grade))
    return rows


def _where(record: Record, judges: dict[str, Judge], rubric: Rubric) -> dict[str, Any]:
    told = {"judge": judges[record.judge], "rubric": rubric, "provenance": Provenance.IMPORTED}
    return {**told, "turn": record.turn, "trial": record.trial}


def _verdict(record: Record) -> Verdict:
    """What was said, as an engine would have said it."""
    marks = {"both_bad": record.both_bad} if isinstance(record, VoteRecord) else {"scores": record.scores}
    prompt = ({"role": "user", "content": storable(record.prompt)},) if record.prompt else ()
    said = {"error": record.error, "reply": record.reply, "prompt": prompt}
    return Verdict(record.status, value=record.score, **said, **marks)


def _as_published(row: Preference | Grade, record: Record) -> Preference | Grade:
    """The row with what else the file says: nothing that we measured, and no parser of ours that read it."""
    extra = dict(record.extra)
    for name in COLUMNS:
        setattr(row, name, extra.pop(name, None))
    moment = extra.pop("tstamp", None)
    if isinstance(moment, (int, float)) and 0 < moment < LATEST:
        row.created_at = datetime.fromtimestamp(moment, tz=UTC)
    row.details, row.parser = extra, ""
    return row


def _rubric(name: str, **fields: Any) -> Rubric:
    """The rubric that verdicts on this scale are put under; frozen, as its marks are in use."""
    return Rubric.objects.get_or_create(name=name, version=1, defaults={"frozen_at": timezone.now(), **fields})[0]


def _battles(benchmark: Benchmark, shown: Iterable[Sequence[Told]]) -> dict[tuple[int, int], int]:
    """The ids of all battles of the benchmark by their answers, those of the pairs shown made where they are missing."""
    there = Battle.objects.filter(question__benchmark=benchmark).order_by().values_list("first", "second", "pk")
    known = {(first, second): pk for first, second, pk in there}
    new: dict[tuple[int, int], Battle] = {}
    for pair in shown:
        first, second = sorted(pair, key=lambda answer: answer.pk)
        if (first.pk, second.pk) not in known:
            new[first.pk, second.pk] = Battle(
                question_id=first.question,
                first_id=first.pk,
                second_id=second.pk,
                first_model_id=first.model,
                second_model_id=second.model,
            )
    if not new:
        return known
    Battle.objects.bulk_create(new.values(), ignore_conflicts=True, batch_size=CHUNK)
    return {(first, second): pk for first, second, pk in there.all()}


How = tuple[str, str, bool]


def _how(vote: VoteRecord) -> How | None:
    """How it was judged, where the record has to know: by whom, against which baseline, in both orders or one."""
    return (vote.judge, vote.baseline, vote.both_ways) if vote.both_ways or vote.baseline else None


def _runs(
    votes: Sequence[VoteRecord],
    shown: Sequence[Sequence[Told]],
    judges: dict[str, Judge],
    rubric: Rubric,
    benchmark: Benchmark,
) -> dict[How, Run]:
    """For each judge that was asked in both orders or against a baseline, the run that says so.

    One order alone is then half a verdict, and a rate of wins is one against that baseline.
    """
    asked: dict[How, list[tuple[VoteRecord, Sequence[Told]]]] = {}
    for vote, pair in zip(votes, shown, strict=True):
        if how := _how(vote):
            asked.setdefault(how, []).append((vote, pair))
    runs = {}
    for how, theirs in asked.items():
        models = {
            judged.model: told.model for vote, pair in theirs for judged, told in zip(vote.judged, pair, strict=True)
        }
        run = _run(how, judges[how[0]], rubric, benchmark, models, by_turn=any(vote.turn for vote, _pair in theirs))
        files = {str(vote.row.file.name) for vote, _pair in theirs}
        if not files <= set(run.recipe["files"]):
            run.recipe["files"] = sorted({*run.recipe["files"], *files})
            run.save(update_fields=["recipe"])
        run.judges.add(judges[how[0]])
        run.candidates.add(*{answer.model for _vote, pair in theirs for answer in pair})
        runs[how] = run
    return runs


def _run(how: How, judge: Judge, rubric: Rubric, benchmark: Benchmark, models: dict[str, int], *, by_turn: bool) -> Run:
    now = timezone.now()
    _judge_name, baseline, both_ways = how
    made = {"status": Run.Status.DONE, "started_at": now, "finished_at": now, "recipe": {"imported": True, "files": []}}
    return Run.objects.get_or_create(
        name=f"{judge}: {PAIRS}",
        benchmark=benchmark,
        rubric=rubric,
        mode=Run.Mode.BASELINE if baseline else Run.Mode.PAIRWISE,
        baseline_id=models[baseline] if baseline else None,
        order=Run.Order.BOTH if both_ways else Run.Order.FIXED,
        turns=Run.Turns.EACH if by_turn else Run.Turns.WHOLE,
        provenance=Provenance.IMPORTED,
        defaults=made,
    )[0]


def _write(records: Sequence[Record], rows: Sequence[Preference | Grade], report: Report, benchmark: Benchmark) -> None:
    """Save the rows that are not on record yet; one that says something else than the record, or twice, is a problem."""
    if not rows:
        return
    there = _on_record(rows, benchmark)
    seen: dict[tuple, Record] = {}
    new = []
    for record, row in zip(records, rows, strict=True):
        place = _place(row)
        if place in seen:
            record.row.problem(record.told_in, f"is a duplicate of line {seen[place].row.line}")
            continue
        seen[place] = record
        if place not in there:
            new.append(row)
        elif there[place] != _said(row):
            word = "vote" if isinstance(row, Preference) else "grade"
            message = f"on question {record.question} differs from the {word} already there"
            record.row.problem(record.told_in, message)
    type(rows[0]).objects.bulk_create(new, batch_size=CHUNK)
    what = "votes" if isinstance(rows[0], Preference) else "grades"
    report.counts[f"new {what}"] += len(new)
    report.counts[f"{what} already there"] += len(rows) - len(new)
    if failed := sum(1 for row in new if row.error):
        report.counts[f"of the new {what}, failures without a verdict"] += failed


PLACES = {
    Preference: ("judge_id", "rubric_id", "battle_id", "turn", "swapped", "trial"),
    Grade: ("judge_id", "rubric_id", "answer_id", "turn", "trial"),
}
SAYINGS = {Preference: ("status", "value", "both_bad"), Grade: ("status", "score", "scores")}


def _place(row: Preference | Grade) -> tuple:
    return tuple(getattr(row, name) for name in PLACES[type(row)])


def _said(row: Preference | Grade) -> tuple:
    return tuple(getattr(row, name) for name in SAYINGS[type(row)])


def _on_record(rows: Sequence[Preference | Grade], benchmark: Benchmark) -> dict[tuple, tuple]:
    """What stands in the benchmark under the rubrics of these rows: by its place, what it says. One query."""
    table = type(rows[0])
    item = "battle" if table is Preference else "answer"
    where = {f"{item}__question__benchmark": benchmark, "rubric__in": {row.rubric_id for row in rows}}
    names = (*PLACES[table], *SAYINGS[table])
    told = table.objects.current().filter(**where).order_by().values_list(*names)
    width = len(PLACES[table])
    return {row[:width]: row[width:] for row in told.iterator()}


def write_rubrics(records: Sequence[RubricRecord], report: Report) -> None:
    """Each judge prompt as a rubric: the same text is there already, another text is the next version of its name.

    Raises BadInput for a prompt that is no rubric; the caller's transaction takes back those before it.
    """
    for record in records:
        versions = Rubric.objects.filter(name=record.name).order_by("version")
        data = rubric_data_of_template(record)
        data["title_en"] = data.get("title_en", "")[: Rubric.title_en.field.max_length]
        try:
            rubric = Rubric.of_data(record.name, data, version=1 + max((row.version for row in versions), default=0))
        except BadRubric as error:
            for field, message in error.problems:
                record.row.problem(field, message)
            continue
        if any(row.text() == rubric.text() for row in versions):
            report.counts["rubrics already there"] += 1
        else:
            rubric.save()
            report.counts["new rubrics"] += 1
    _refuse(report)
