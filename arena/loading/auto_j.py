"""Auto-J files: testdata_pairwise.jsonl with the verdicts of people, and a judge's outputs, one a line, in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arena.loading.pairs import add_pair, vote
from arena.loading.records import JUDGMENTS, Batch, ModelRecord, Problem, Report, Row, is_left_out, rows_of

FIRST, SECOND = "response 1", "response 2"
VALUES = {0: 1.0, 1: -1.0, 2: 0.0}
PEOPLE = "Auto-J annotators"
EXCHANGED = "exchange"


def read(files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str) -> Batch:
    """Pairs with people's labels, and outputs joined to them line by line, which is all the format offers.

    A file with "exchange" in its name has the verdicts on the same pairs shown the other way round, as the judge gave them.
    """
    batch = Batch()
    outputs: list[tuple[Path, list[Row]]] = []
    for path in files:
        rows = list(rows_of(path, report))
        if rows and all("output" in row.values for row in rows):
            outputs.append((path, rows))
        else:
            for row in rows:
                _pair(row, batch, kinds, language)
    judges = [judge_of(path) for path, _rows in outputs]
    for path, rows in outputs if JUDGMENTS in kinds else ():
        _outputs(path, rows, batch, both_ways=judges.count(judge_of(path)) == 2)
    return batch


def judge_of(path: Path) -> str:
    """The judge whose outputs these are: the file's name, without what tells the two orders apart."""
    parts = [part for part in path.name.split(".")[0].split("_") if part != EXCHANGED]
    return "_".join(parts)


def _pair(row: Row, batch: Batch, kinds: Sequence[str], language: str) -> None:
    key = str(len(batch.questions) + 1)
    answers = {name: (ModelRecord(name), row.take(name, str, default="")) for name in (FIRST, SECOND)}
    add_pair(batch, row, key, row.text("scenario"), row.text("prompt"), language=language, answers=answers)
    if not is_left_out(row, JUDGMENTS, kinds):
        value = _value(row, "label")
        batch.votes.append(vote(row, key, (FIRST, SECOND), value, PEOPLE, told_in="label", is_person=True))


def _outputs(path: Path, rows: list[Row], batch: Batch, *, both_ways: bool) -> None:
    if len(rows) != len(batch.questions):
        message = f"has {len(rows)} outputs for {len(batch.questions)} pairs; load it together with its test data"
        rows[0].report.problems.append(Problem(str(path), 0, "", message))
        return
    shown = (SECOND, FIRST) if EXCHANGED in path.name else (FIRST, SECOND)
    for row, asked in zip(rows, batch.questions, strict=True):
        batch.votes.append(
            vote(row, asked.key, shown, _value(row, "output"), judge_of(path), told_in="output", both_ways=both_ways)
        )


def _value(row: Row, name: str) -> float | None:
    """Towards the first that was shown; another number than 0, 1 and 2 is a problem."""
    label = row.take(name, int)
    if label is not None and label not in VALUES:
        row.problem(name, f"is {label}, not one of 0 (first), 1 (second), 2 (tie)")
    return None if label is None else VALUES.get(label)
