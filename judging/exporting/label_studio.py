"""Label Studio: tasks with our votes as annotations, and the labelling configuration that goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from judging.exporting.base import Report, Wanted, json_list, origin
from judging.exporting.items import Item, Said, items
from judging.exporting.words import BOTH_BAD, WORD_OF, word_of
from judging.models import Grade, Run
from judging.voting import REASONS

STARS = 10  # the most that a rating may have
SIDES = ("a", "b")


def as_tasks(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """A JSON list of tasks: A is the battle's first answer. Adjudications are left out of annotations and counted."""
    yield from json_list(_tasks(run, wanted, report))


def _tasks(run: Run, wanted: Wanted, report: Report) -> Iterator[dict[str, Any]]:
    for number, item in enumerate(items(run, wanted, report), start=1):
        report.written += 1
        if item.adjudications:
            report.left_out["adjudications"] += len(item.adjudications)
        yield {
            "id": number,
            "data": _data(run, item),
            "annotations": [_annotation(run, one) for one in item.votes],
            "predictions": [_prediction(run, one) for one in item.verdicts] if wanted.judges else [],
        }


def _data(run: Run, item: Item) -> dict[str, Any]:
    question = item.question
    told = {
        "question": "\n\n".join(question.turns),
        "question_turns": question.turns,
        "question_key": question.key,
        "category": question.category.key,
        "language": question.language,
    }
    if question.system:
        told["system"] = question.system
    told |= origin(run)
    if run.is_single:
        told |= {"lowest": run.rubric.lowest, "highest": run.rubric.highest}
    for side, answer in zip(("",) if run.is_single else ("_a", "_b"), item.answers, strict=True):
        told |= {f"answer{side}": answer.text, f"answer{side}_turns": answer.turns, f"sample{side}": answer.sample}
        told |= {f"model{side}": answer.model.name, f"version{side}": answer.model.version}
        told |= {f"vendor{side}": answer.model.vendor}
    return told


def _annotation(run: Run, said: Said) -> dict[str, Any]:
    """A vote as Label Studio has it; what it has no place for is under `juryroom`, which it passes over."""
    row = said.judgment
    own: dict[str, Any] = {"turn": row.turn, "trial": row.trial}
    if isinstance(row, Grade):
        own |= {"points": row.points} if row.points else {}
    else:
        own["swapped"] = row.swapped
    return {
        "completed_by": said.number
        if said.who == f"person {said.number}"
        else {"id": said.number, "username": said.who},
        "was_cancelled": False,
        "lead_time": said.seconds,
        "created_at": row.created_at.isoformat(),
        "result": _regions(run, row),
        "juryroom": own,
    }


def _prediction(run: Run, said: Said) -> dict[str, Any]:
    return {"model_version": said.who, "result": _regions(run, said.judgment)}


def _regions(run: Run, row: Any) -> list[dict[str, Any]]:
    found = _marks(run, row) if isinstance(row, Grade) else _choices(row)
    to = "answer" if isinstance(row, Grade) else "question"
    if row.reasons:
        found.append(_region("reasons", to, "choices", choices=list(row.reasons)))
    if row.note:
        found.append(_region("note", to, "textarea", text=[row.note]))
    return found


def _region(name: str, to: str, kind: str, **value: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": to, "type": kind, "value": value}


def _choices(row: Any) -> list[dict[str, Any]]:
    found = []
    if row.value:
        side = "left" if row.value > 0 else "right"
        found.append(_region("preference", "answer_a,answer_b", "pairwise", selected=side))
    found.append(_region("verdict", "question", "choices", choices=[word_of(row)]))
    for key, value in row.scores.items():
        found.append(_region(f"dimension-{key}", "question", "choices", choices=[WORD_OF[round(value)]]))
    return found


def _marks(run: Run, row: Grade) -> list[dict[str, Any]]:
    marks = {"score": row.score, **{f"mark-{key}": value for key, value in row.scores.items()}}
    return [_mark(name, value, has_stars=name != "score" and has_stars(run)) for name, value in marks.items()]


def _mark(name: str, value: float, *, has_stars: bool) -> dict[str, Any]:
    if has_stars and value == int(value):
        return _region(name, "answer", "rating", rating=int(value))
    return _region(name, "answer", "number", number=value)


def has_stars(run: Run) -> bool:
    """Whether marks of the run's rubric are stars, from 1 to at most ten."""
    return run.rubric.lowest == 1 and run.rubric.highest in range(2, STARS + 1)


# ---- the labelling configuration


def as_config(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """The XML of the labelling interface: it shows the question and the answers, never who wrote them."""
    report.written += 1
    lines = _single_config(run) if run.is_single else _pair_config(run)
    to = "answer" if run.is_single else "question"
    note = f'<TextArea name="note" toName="{to}" rows="2" maxSubmissions="1"/>'
    yield "\n  ".join(["<View>", '<Text name="question" value="$question"/>', *lines, note]) + "\n</View>\n"


def _pair_config(run: Run) -> list[str]:
    words = [*WORD_OF.values(), BOTH_BAD]
    lines = ['<Pairwise name="preference" toName="answer_a,answer_b"/>']
    lines += [f'<Text name="answer_{side}" value="$answer_{side}"/>' for side in SIDES]
    lines += _chosen("verdict", "question", words)
    for dimension in run.rubric.text().dimensions:
        lines += _chosen(f"dimension-{dimension.key}", "question", list(WORD_OF.values()))
    return [*lines, *_chosen("reasons", "question", list(REASONS), choice="multiple")]


def _single_config(run: Run) -> list[str]:
    rubric = run.rubric
    limits = f'min="{rubric.lowest:g}" max="{rubric.highest:g}"'
    lines = ['<Text name="answer" value="$answer"/>', f'<Number name="score" toName="answer" {limits}/>']
    for dimension in rubric.text().dimensions:
        name = quoteattr(f"mark-{dimension.key}")
        stars = f'<Rating name={name} toName="answer" maxRating="{rubric.highest:g}"/>'
        lines.append(stars if has_stars(run) else f'<Number name={name} toName="answer" {limits}/>')
    return [*lines, *_chosen("reasons", "answer", list(REASONS), choice="multiple")]


def _chosen(name: str, to: str, words: list[str], *, choice: str = "single") -> list[str]:
    head = f"<Choices name={quoteattr(name)} toName={quoteattr(to)} choice={quoteattr(choice)}>"
    return [head, *(f"  <Choice value={quoteattr(word)}/>" for word in words), "</Choices>"]
