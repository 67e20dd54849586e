"""Pairs for preference training: prompt, chosen, rejected; as plain texts or as messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from arena.models import Answer, Question
from judging.exporting.base import CannotExport, Report, Wanted, json_line, origin
from judging.exporting.items import Item, Said, items
from judging.models import Run

ADJUDICATION, PEOPLE, JUDGES = "adjudication", "people", "judges"


@dataclass(frozen=True)
class Label:
    """Which answer is the better one, the first or not, by whom, of how many, and the share of them that said so."""

    is_first: bool
    by: str
    n: int
    share: float


def as_texts(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One pair a line, each part a text. Conversations of several turns have no such form: left out and counted."""
    yield from _lines(run, wanted, report, is_plain=True)


def as_messages(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One pair a line, each part a list of messages; the prompt holds the system's and the first of the user's."""
    yield from _lines(run, wanted, report, is_plain=False)


def _lines(run: Run, wanted: Wanted, report: Report, *, is_plain: bool) -> Iterator[str]:
    if run.is_single:
        raise CannotExport("a run that scores single answers has no pairs; export its votes")
    for item in items(run, wanted, report):
        label = label_of(item, wanted)
        why = label if isinstance(label, str) else _unusable(item, is_plain=is_plain)
        if isinstance(label, str) or why:
            report.left_out[f"items: {why}"] += 1
            continue
        report.written += 1
        yield json_line({**_pair(item, label, is_plain=is_plain), **origin(run)})


def label_of(item: Item, wanted: Wanted) -> Label | str:
    """The label of an item, or why it has none: what was adjudicated, else what most people say, else judges if wanted.

    Verdicts on single turns of several are none on the whole.
    """
    ruled = [one for one in _whole(item, item.adjudications) if one.judgment.value is not None]
    if ruled:
        return _decided(ruled[-1:], ADJUDICATION, minimum=1, agreement=0.5)
    votes = _whole(item, item.votes)
    if votes:
        return _decided(votes, PEOPLE, minimum=wanted.minimum, agreement=wanted.agreement)
    verdicts = _whole(item, item.verdicts) if wanted.judges else []
    if verdicts:
        return _decided(verdicts, JUDGES, minimum=1, agreement=wanted.agreement)
    return "only single turns were judged" if item.votes else "nobody voted on it"


def _whole(item: Item, said: Sequence[Said]) -> list[Said]:
    """What was said of the whole, which the only turn of a question is too."""
    whole = (0, 1) if len(item.question.turns) == 1 else (0,)
    return [one for one in said if one.judgment.turn in whole]


def _decided(said: Sequence[Said], by: str, *, minimum: int, agreement: float) -> Label | str:
    n = len(said)
    if n < minimum:
        return "fewer votes than asked for"
    first, second = (sum(1 for one in said if sign * one.judgment.value > 0) for sign in (1, -1))
    bad = sum(1 for one in said if one.judgment.both_bad)
    most = max(first, second)
    if bad > n / 2:
        return "both answers are bad"
    if first == second or n - first - second > n / 2:
        return "a tie"
    if most <= n / 2 or most / n < agreement:
        return "too few agree"
    return Label(first > second, by, n, most / n)


def _unusable(item: Item, *, is_plain: bool) -> str:
    one, other = item.answers
    if one.turns == other.turns:
        return "both answers are the same text"
    return "several turns, which plain texts cannot hold" if is_plain and len(item.question.turns) > 1 else ""


def _pair(item: Item, label: Label, *, is_plain: bool) -> dict[str, Any]:
    chosen, rejected = item.answers if label.is_first else item.answers[::-1]
    question, form = item.question, _texts if is_plain else _messages
    return {
        **form(question, chosen, rejected),
        "question": question.key,
        "category": question.category.key,
        "language": question.language,
        "chosen_model": chosen.model.name,
        "rejected_model": rejected.model.name,
        "label": {"by": label.by, "n": label.n, "share": round(label.share, 4)},
    }


def _texts(question: Question, chosen: Answer, rejected: Answer) -> dict[str, Any]:
    prompt = "\n\n".join(part for part in (question.system, question.turns[0]) if part)
    return {"prompt": prompt, "chosen": chosen.turns[0], "rejected": rejected.turns[0]}


def _messages(question: Question, chosen: Answer, rejected: Answer) -> dict[str, Any]:
    system = [_message("system", question.system)] if question.system else []
    later = question.turns[1:]
    return {
        "prompt": [*system, _message("user", question.turns[0])],
        "chosen": _conversation(chosen, later),
        "rejected": _conversation(rejected, later),
    }


def _conversation(answer: Answer, later: Sequence[str]) -> list[dict[str, str]]:
    """What the model said, and what the user said in between."""
    turns = zip_longest(answer.turns, later)
    said = chain.from_iterable((("assistant", text), ("user", asked)) for text, asked in turns)
    return [_message(role, text) for role, text in said if text is not None]


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
