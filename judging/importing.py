"""Published verdicts as judgments of imported judges, and published judge prompts as rubrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from os.path import commonprefix
from typing import Any

from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from arena.loading.records import BadInput, Batch, GradeRecord, Report, RubricRecord, VoteRecord
from arena.loading.said import said as _
from arena.models import Answer, Battle, Benchmark, Provenance, storable
from judging.joining_orders import join_orders
from judging.judged_answers import Answers, Record, Told
from judging.judges.base import Verdict
from judging.judges.rubrics import BadRubric, form_of, rubric_data_of_template, rubric_data_of_templates
from judging.models import Grade, Judge, Preference, Rubric, Run

CHUNK = 500  # names a query holds, below SQLite's limit of variables
COLUMNS = ("cost", "seconds", "tokens_in", "tokens_out")
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
PAIRS = "as published"
PEOPLE = "people"  # in the name of the run that people's verdicts are put into
KEPT = 12  # characters of a name's end: " v123", " (run 4567)"


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
        _write(_preferences(batch.votes, answers, judges, benchmark), report, benchmark)
        _write(_grades(batch.grades, answers, judges, benchmark), report, benchmark)
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
            record.row.problem(
                "judge", _("%(judge)s is a person in some verdicts and a machine in others", judge=record.judge)
            )
    for name, record in said.items():
        if not 0 < len(name) <= Judge.name.field.max_length:
            record.row.problem(
                "judge",
                _("is %(n)s characters long; 1 to %(most)s are kept", n=len(name), most=Judge.name.field.max_length),
            )
    found = _judges_named(said)
    for name, judge in found.items():
        if judge.kind != _kind(said[name]):
            message = _("%(judge)s is there as a judge of another kind (%(kind)s)", judge=judge, kind=judge.kind)
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


@dataclass(frozen=True)
class Entry:
    """A verdict with the answers it is about and its row, not saved and without its run."""

    record: Record
    answers: Sequence[Told]
    row: Preference | Grade


def _preferences(
    votes: Sequence[VoteRecord], answers: Answers, judges: dict[str, Judge], benchmark: Benchmark
) -> list[Entry]:
    """The votes in their order."""
    if not votes:
        return []
    rubrics = _rubrics(votes)
    shown = [answers.of(vote) for vote in votes]
    battles = _battles(benchmark, shown)
    entries = []
    for vote, (first, second) in zip(votes, shown, strict=True):
        row = Preference.record(
            _verdict(vote),
            battle=Battle(pk=battles[min(first.pk, second.pk), max(first.pk, second.pk)]),
            swapped=first.pk > second.pk,
            **_where(vote, judges, rubrics[_scale(vote)]),
        )
        entries.append(Entry(vote, (first, second), _as_published(row, vote)))
    return entries


def _grades(
    grades: Sequence[GradeRecord], answers: Answers, judges: dict[str, Judge], benchmark: Benchmark
) -> list[Entry]:
    """The grades in their order; each scale is a rubric."""
    rubrics = _rubrics(grades)
    entries = []
    for grade in grades:
        (told,) = answers.of(grade)
        row = Grade.record(_verdict(grade), answer=Answer(pk=told.pk), **_where(grade, judges, rubrics[_scale(grade)]))
        entries.append(Entry(grade, (told,), _as_published(row, grade)))
    return entries


Scale = tuple[str, float, float]


def _scale(record: Record) -> Scale:
    """What makes it another rubric: the name of the one it was given under, and the ends of the scale."""
    return (record.run.rubric if record.run else "", record.lowest, record.highest)


def _rubrics(records: Sequence[Record]) -> dict[Scale, Rubric]:
    """The rubrics that these verdicts are put under."""
    is_pair = isinstance(records[0], VoteRecord) if records else False
    found = {}
    for name, low, high in dict.fromkeys(map(_scale, records)):
        of, of_zh = ("", "") if is_pair else (f"{low:g} to {high:g}", f"{low:g} 至 {high:g}")
        key = " ".join(filter(None, (PAIRS, "" if is_pair else f"{low:g}-{high:g}")))
        found[name, low, high] = _rubric(
            _fitting(f"{key}: {name}" if name else key, Rubric.name),
            title_en=_fitting(", ".join(filter(None, ("As published", of, name))), Rubric.title_en),
            title_zh=_fitting("，".join(filter(None, ("按原发布", of_zh, name))), Rubric.title_zh),
            lowest=low,
            highest=high,
        )
    return found


def _fitting(name: str, column: Any, *, after: str = "") -> str:
    """The name, then `after`, as the column holds them: one that is too long is cut before its end, which has a version or a
    number; two names stay two by a hash."""
    most = column.field.max_length - len(after)
    tail = f"… {sha256(name.encode()).hexdigest()[:8]} …{name[-KEPT:]}"
    return (name if len(name) <= most else name[: most - len(tail)] + tail) + after


def _where(record: Record, judges: dict[str, Judge], rubric: Rubric) -> dict[str, Any]:
    told = {"judge": judges[record.judge], "rubric": rubric, "provenance": Provenance.IMPORTED}
    return {**told, "turn": record.turn, "trial": record.trial}


def _verdict(record: Record) -> Verdict:
    """What was said, as an engine would have said it."""
    marks = {"scores": record.scores} | ({"both_bad": record.both_bad} if isinstance(record, VoteRecord) else {})
    prompt = ({"role": "user", "content": storable(record.prompt)},) if record.prompt else ()
    said = {"error": record.error, "reply": record.reply, "prompt": prompt}
    return Verdict(record.status, value=record.score, **said, **marks)


def _as_published(row: Preference | Grade, record: Record) -> Preference | Grade:
    """The row with what else the file says: nothing that we measured, and no parser of ours that read it."""
    extra = dict(record.extra)
    for name in COLUMNS:
        setattr(row, name, extra.pop(name, None))
    for name, value in record.columns.items():
        setattr(row, name, value)
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


@dataclass(frozen=True)
class How:
    """How it was judged: in which run, against which baseline (a model's id), in which order of answers."""

    name: str
    rubric: Rubric
    mode: str
    baseline: int | None
    order: str


def _how(entry: Entry) -> How:
    """The run that a verdict belongs to: the one it tells of, else that of its judge; people have one together."""
    record, rubric = entry.record, entry.row.rubric
    baseline, mode = None, Run.Mode.SINGLE if isinstance(record, GradeRecord) else Run.Mode.PAIRWISE
    if isinstance(record, VoteRecord) and record.baseline:
        baseline, mode = entry.answers[record.baseline_places[0]].model, Run.Mode.BASELINE
    if record.run:
        name = _fitting(record.run.name, Run.name, after=f": {PAIRS}")
        return How(name, rubric, mode, baseline, order=record.run.order)
    name = _fitting(PEOPLE if record.is_person else record.judge, Run.name, after=f": {PAIRS}")
    if isinstance(record, GradeRecord):
        return How(name, rubric, mode, None, order=Run.Order.FIXED)
    order = Run.Order.BOTH if record.both_ways else Run.Order.FIXED
    return How(name, rubric, mode, baseline, order=order)


def _put_into_runs(entries: Sequence[Entry], benchmark: Benchmark, there: Mapping[tuple, Kept]) -> list[Run]:
    """Give each row its run, which is made where it is missing. Returns the runs of people's verdicts that tell of no run.

    What a run says has to be known to rate: where both orders were asked, one alone is half a verdict, and a rate of wins is
    one against that baseline. `there` is what is on record already.
    """
    people: list[Run] = []
    asked: dict[How, list[Entry]] = {}
    for entry in entries:
        asked.setdefault(_how(entry), []).append(entry)
    for how, theirs in asked.items():
        run = _run(how, theirs, benchmark, there)
        files = {str(entry.record.row.file.name) for entry in theirs}
        if not files <= set(run.recipe["files"]):
            run.recipe["files"] = sorted({*run.recipe["files"], *files})
            run.save(update_fields=["recipe"])
        # a run of people's names no judges, as one of ours does not: there may be thousands
        run.judges.add(*{entry.row.judge_id for entry in theirs if entry.record.run or not entry.record.is_person})
        run.candidates.add(*{answer.model for entry in theirs for answer in entry.answers})
        for entry in theirs:
            entry.row.run = run
        if all(entry.record.is_person and not entry.record.run for entry in theirs):
            people.append(run)
    return people


def _run(how: How, entries: Sequence[Entry], benchmark: Benchmark, on_record: Mapping[tuple, Kept]) -> Run:
    """The run of these verdicts, made where it is missing; two who load at once make it once.

    What is half of the orders goes where the other half is, which may have been taken for the only one.
    """
    by_turn = any(entry.record.turn for entry in entries)
    told = {
        "name": how.name,
        "benchmark": benchmark,
        "rubric": how.rubric,
        "mode": how.mode,
        "baseline_id": how.baseline,
        "turns": Run.Turns.EACH if by_turn else Run.Turns.WHOLE,
        "provenance": Provenance.IMPORTED,
    }
    halves = {on_record[turned].run for entry in entries if (turned := _turned(entry)) in on_record}
    if run := Run.objects.filter(**told, pk__in=halves).order_by("order", "pk").first():
        return run
    there = Run.objects.filter(**told, order=how.order).order_by("pk")
    if run := there.first():
        return run
    Benchmark.objects.select_for_update(no_key=True).get(pk=benchmark.pk)
    now = timezone.now()
    made = {"status": Run.Status.DONE, "started_at": now, "finished_at": now, "recipe": {"imported": True, "files": []}}
    return there.all().first() or Run.objects.create(**told, order=how.order, **made)


def _write(entries: Sequence[Entry], report: Report, benchmark: Benchmark) -> None:
    """Save the rows that are not on record yet; one that says something else than the record, or twice, is a problem.

    Rows on record that belong to no run, as they were once kept, are put into theirs.
    """
    if not entries:
        return
    there = _on_record([entry.row for entry in entries], benchmark)
    seen: dict[tuple, Record] = {}
    new, old = [], []
    for entry in entries:
        record, row, place = entry.record, entry.row, _place(entry.row)
        if place in seen:
            record.row.problem(record.told_in, _repeated(record, seen[place]))
            continue
        seen[place] = record
        if place not in there:
            new.append(entry)
        elif there[place].said != _said(row):
            word = _("vote") if isinstance(row, Preference) else _("grade")
            message = _(
                "on question %(question)s differs from the %(word)s already there", question=record.question, word=word
            )
            record.row.problem(record.told_in, message)
        elif there[place].is_runless:
            row.pk = there[place].pk
            old.append(entry)
    table = type(entries[0].row)
    people = _put_into_runs((*new, *old), benchmark, there)
    table.objects.bulk_create([entry.row for entry in new], batch_size=CHUNK)
    table.objects.bulk_update([entry.row for entry in old], ["run"], batch_size=CHUNK)
    for run in people:
        _want_what_there_is(run, table)
    if halves := [entry for entry in entries if _is_half(entry)]:
        names, rubrics = {_how(entry).name for entry in halves}, {entry.row.rubric_id for entry in halves}
        join_orders(names, rubrics, benchmark, report)
    what = "votes" if table is Preference else "grades"
    report.counts[f"new {what}"] += len(new)
    report.counts[f"{what} already there"] += len(entries) - len(new)
    if failed := sum(1 for entry in new if entry.row.error):
        report.counts[f"of the new {what}, failures without a verdict"] += failed
    if old:
        report.counts[f"{what} already there, now in a run"] += len(old)


def _repeated(record: Record, first: Record) -> str:
    if first.row.file == record.row.file:
        return _("is a duplicate of line %(line)s", line=first.row.line)
    return _("is a duplicate of %(place)s", place=first.row.place)


def _want_what_there_is(run: Run, table: type[Preference] | type[Grade]) -> None:
    """Say of a run of people's verdicts that as many were wanted on each item as the most judged one has. One query, or two."""
    item = "battle" if table is Preference else "answer"
    votes = table.objects.current().filter(run=run).order_by().values(item, "turn").annotate(n=Count("pk"))
    most = votes.aggregate(most=Max("n"))["most"]
    if run.limits.get("overlap") != most:
        run.limits = {**run.limits, "overlap": most}
        run.save(update_fields=["limits"])


PLACES = {
    Preference: ("judge_id", "rubric_id", "battle_id", "turn", "swapped", "trial"),
    Grade: ("judge_id", "rubric_id", "answer_id", "turn", "trial"),
}
SAYINGS = {Preference: ("status", "value", "both_bad"), Grade: ("status", "score", "scores")}


def _place(row: Preference | Grade) -> tuple:
    return tuple(getattr(row, name) for name in PLACES[type(row)])


def _is_half(entry: Entry) -> bool:
    """Whether the verdict is one of two orders, the other of which is in a file of its own."""
    return isinstance(entry.record, VoteRecord) and entry.record.is_half


def _turned(entry: Entry) -> tuple | None:
    """The place of the other order of such a verdict; None for any other."""
    if not _is_half(entry):
        return None
    names, place = PLACES[Preference], _place(entry.row)
    return tuple(not part if name == "swapped" else part for name, part in zip(names, place, strict=True))


def _said(row: Preference | Grade) -> tuple:
    return tuple(getattr(row, name) for name in SAYINGS[type(row)])


@dataclass(frozen=True, slots=True)
class Kept:
    """A row on record: what it says, its run, and whether it was loaded into no run."""

    pk: int
    said: tuple
    run: int | None
    is_runless: bool


def _on_record(rows: Sequence[Preference | Grade], benchmark: Benchmark) -> dict[tuple, Kept]:
    """What stands in the benchmark under the rubrics of these rows, by its place. One query."""
    table = type(rows[0])
    item = "battle" if table is Preference else "answer"
    where = {f"{item}__question__benchmark": benchmark, "rubric__in": {row.rubric_id for row in rows}}
    names = ("pk", "run", "provenance", *PLACES[table], *SAYINGS[table])
    told = table.objects.current().filter(**where).order_by().values_list(*names)
    end = 3 + len(PLACES[table])
    return {
        row[3:end]: Kept(row[0], row[end:], row[1], row[1] is None and row[2] == Provenance.IMPORTED)
        for row in told.iterator()
    }


def write_rubrics(records: Sequence[RubricRecord], report: Report) -> None:
    """Each judge prompt as a rubric: the same text is there already, another text is the next version of its name.

    Prompts of one kind that are each for another case of questions make one more rubric together, which chooses. Raises
    BadInput for a prompt that is no rubric; the caller's transaction takes back those before it.
    """
    for record in records:
        data = rubric_data_of_template(record)
        data["title_en"] = data.get("title_en", "")[: Rubric.title_en.field.max_length]
        try:
            _write_rubric(record.name, data, report)
        except BadRubric as error:
            for field, message in error.problems:
                record.row.problem(field, message)
    _refuse(report)
    for name, data in _choosing(records):
        _write_rubric(name, data, report)


def _write_rubric(name: str, data: dict[str, Any], report: Report) -> None:
    """The rubric, saved unless it is there. Raises BadRubric."""
    versions = Rubric.objects.filter(name=name).order_by("version")
    rubric = Rubric.of_data(name, data, version=1 + max((row.version for row in versions), default=0))
    if any(row.text() == rubric.text() for row in versions):
        report.counts["rubrics already there"] += 1
    else:
        rubric.save()
        report.counts["new rubrics"] += 1


def _choosing(records: Sequence[RubricRecord]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and data of the rubrics that choose among prompts of one form, called by what those names begin with."""
    for form in sorted({form_of(record.form) for record in records}):
        mine = [record for record in records if form_of(record.form) == form]
        if data := rubric_data_of_templates(mine):
            shared = commonprefix([record.name for record in mine]).strip(" -_") or form
            yield f"{shared} by question", data
