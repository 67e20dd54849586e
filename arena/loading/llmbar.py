"""LLMBar files: dataset.json with the right answer of each pair, and the result.json of evaluators beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arena.loading.naming import Naming, unknown
from arena.loading.pairs import add_pair, vote
from arena.loading.records import JUDGMENTS, Batch, ModelRecord, Problem, Report, Row, is_left_out, objects_of
from arena.loading.rows import short
from arena.loading.said import said as _

FIRST, SECOND = "output_1", "output_2"
PEOPLE = "LLMBar labels"
SWAPS = {"swap = False": (FIRST, SECOND), "swap = True": (SECOND, FIRST)}
PAIR_FIELDS = ("input", FIRST, SECOND, "label")
EVALUATORS = "evaluators"


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """Pairs of a subset, which its folder names, with the label; and what evaluators said of them in both orders."""
    batch = Batch()
    known: dict[str, Row] = {}
    for path in files:
        if naming.name(path) == "statistics.json":
            report.note(_("%(file)s: statistics are left out, they follow from the results", file=path))
            continue
        subset, judge = _place(path, naming)
        if not subset:
            report.problems.append(
                Problem(str(path), 0, "subset", unknown(_("which subset it is"), "subset", _("Subset")))
            )
            continue
        for number, row in enumerate(objects_of(path, report), start=1):
            key = f"{subset}-{number}"
            if key in known:
                _check_same(row, known[key])
            else:
                known[key] = row
                _pair(row, key, subset, batch, kinds, language)
            if "results" not in row.values or is_left_out(row, JUDGMENTS, kinds):
                continue
            if judge:
                _results(row, key, judge, batch)
            elif number == 1:
                row.problem("judge", unknown(_("who judged"), "judge", _("Who judged")))
    return batch


def _place(path: Path, naming: Naming) -> tuple[str, str]:
    """Subset and evaluator: …/Natural/dataset.json, …/Natural/evaluators/GPT-4/Vanilla/result.json. "" where nothing tells."""
    folders = naming.folders(path)
    subset, judge = folders[-1] if folders else "", naming.stem(path) if folders else ""
    if EVALUATORS in folders:
        at = len(folders) - 1 - folders[::-1].index(EVALUATORS)
        subset, judge = "/".join(folders[max(0, at - 1) : at]) or subset, " ".join(folders[at + 1 :]) or judge
    return naming.subset or subset, naming.judge or judge


def _pair(row: Row, key: str, subset: str, batch: Batch, kinds: Sequence[str], language: str) -> None:
    answers = {name: (ModelRecord(name), row.take(name, str, default="")) for name in (FIRST, SECOND)}
    add_pair(batch, row, key, subset, row.text("input"), language=language, answers=answers)
    label = row.take("label", int)
    if label is not None and label not in (1, 2):
        row.problem("label", _("is %(label)s, not 1 or 2", label=label))
    elif label is not None and not is_left_out(row, JUDGMENTS, kinds):
        value = 1.0 if label == 1 else -1.0
        batch.votes.append(vote(row, key, (FIRST, SECOND), value, PEOPLE, told_in="label", is_person=True))


def _check_same(row: Row, first: Row) -> None:
    """The format joins results to pairs by their place alone, so a result that tells another pair there is a problem."""
    for name in PAIR_FIELDS:
        if row.values.get(name) != first.values.get(name):
            row.problem(name, _("differs from %(place)s, which tells of the same pair", place=first.place))


def _results(row: Row, key: str, judge: str, batch: Batch) -> None:
    """The verdicts in both orders; the winner is told in the frame of the file, whichever was shown first."""
    results = row.take("results", list, default=[])
    if len(results) != 1 or not isinstance(results[0], dict):
        row.problem("results", _("holds %(n)s results, not one", n=len(results)))
        return
    if not any(results[0].get(swap) for swap in SWAPS):
        row.problem("results[0]", _("has no verdict in either order (%(known)s)", known=", ".join(SWAPS)))
    for swap, shown in SWAPS.items():
        place = f"results[0].{swap}"
        said = results[0].get(swap)
        if said is None:
            continue
        winner = said.get("winner") if isinstance(said, dict) else said
        if winner is not None and winner not in ("1", "2", 1, 2) or isinstance(winner, bool):
            row.problem(f"{place}.winner", _("is %(winner)s, not 1, 2 or nothing", winner=short(winner)))
            continue
        value = None if winner is None else 1.0 if (FIRST, SECOND)[int(winner) - 1] == shown[0] else -1.0
        batch.votes.append(
            vote(row, key, shown, value, judge, told_in=f"{place}.winner", both_ways=True, reply=_reply(said))
        )


def _reply(said: Mapping[str, Any]) -> str:
    """The text of the completion, which stands with how it ended."""
    completion = said.get("completion") if isinstance(said, dict) else None
    text = completion[0] if isinstance(completion, list) and completion else completion
    return text if isinstance(text, str) else ""
