"""PandaLM files: testset-v1.json with the verdicts of three people, and the results of judges on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from arena.loading.naming import Naming
from arena.loading.pairs import add_pair, vote
from arena.loading.partners import Partners, first_object, nobody
from arena.loading.records import JUDGMENTS, UNSTATED, Batch, ModelRecord, Report, Row, is_left_out, objects_of
from arena.loading.said import said as _

ANNOTATORS = ("annotator1", "annotator2", "annotator3")
VALUES = {"0": 0.0, "1": 1.0, "2": -1.0, "Tie": 0.0}
RESULT = "_result"
KEY = "cmp_key"


def read(
    files: list[Path],
    report: Report,
    *,
    kinds: Sequence[str],
    model: ModelRecord | None,
    language: str,
    naming: Naming,
    partners: Partners = nobody,
) -> Batch:
    """Pairs with the labels of three people; results of a judge (`gpt_result`, `pandalm_result`) are joined by `idx`.

    Results that come without pairs are about those that are there already.
    """
    batch = Batch()
    shown: dict[str, tuple[str, str] | None] = {}
    results: list[Row] = []
    for path in files:
        for row in objects_of(path, report):
            if "response1" in row.values:
                _pair(row, batch, shown, kinds, language)
            elif not is_left_out(row, JUDGMENTS, kinds):
                results.append(row)
    if results and not shown:
        shown = _shown_already(partners)
    for row in results:
        _result(row, batch, shown)
    return batch


def is_alone(text: str) -> bool:
    """Whether this is how a file of results begins."""
    first = first_object(text)
    return "idx" in first and "response1" not in first and any(name.endswith(RESULT) for name in first)


def _pair(
    row: Row, batch: Batch, shown: dict[str, tuple[str, str] | None], kinds: Sequence[str], language: str
) -> None:
    key, names = row.key("idx"), _models(row)
    asked = "\n\n".join(filter(None, (row.text("instruction"), row.text("input", required=False))))
    texts = [row.take(name, str, default="") for name in ("response1", "response2")]
    answers = {name: (ModelRecord(name), text) for name, text in zip(names, texts, strict=True)}
    category = row.text("motivation_app", required=False) or UNSTATED
    add_pair(batch, row, key, category, asked, language=language, answers=answers, meta={KEY: row.values.get(KEY)})
    shown[key] = names
    if is_left_out(row, JUDGMENTS, kinds):
        return
    for name in ANNOTATORS:
        label = _label(row, name)
        if label not in VALUES or label == "Tie":
            row.problem(name, _("is %(label)s, not one of 0 (tie), 1, 2", label=repr(label)))
        else:
            batch.votes.append(vote(row, key, names, VALUES[label], f"PandaLM {name}", told_in=name, is_person=True))


def _models(row: Row) -> tuple[str, str]:
    """Who wrote the first answer and who the second, from "one_other"."""
    names = _named(row.text(KEY))
    if names is None:
        row.problem(KEY, _("does not name two models, as in one_other"))
    return names or ("response1", "response2")


def _named(text: str) -> tuple[str, str] | None:
    """The two models of "one_other"; None where it names no two."""
    names = text.split("_")
    return (names[0], names[1]) if len(names) == 2 and all(names) and names[0] != names[1] else None


def _shown_already(partners: Partners) -> dict[str, tuple[str, str] | None]:
    """Who wrote the first answer and who the second of the pairs that are there, as their file said it.

    None for a pair that was loaded when that was not kept yet.
    """
    return {one.key: _named(str(one.meta.get(KEY, ""))) for one in partners() if len(one.models) > 1}


def _label(row: Row, name: str) -> str:
    return str(row.take(name, (str, int), default="")).strip()


def _result(row: Row, batch: Batch, shown: Mapping[str, tuple[str, str] | None]) -> None:
    """A judge's word on a pair; "garbage" is its failure, any word of no meaning a problem."""
    key, fields = row.key("idx"), [name for name in row.values if name.endswith(RESULT)]
    if len(fields) != 1:
        row.problem("", _("has %(n)s fields that end in %(result)s, not one", n=len(fields), result=RESULT))
        return
    name, label = fields[0], _label(row, fields[0])
    if key not in shown:
        row.problem(
            "idx",
            _(
                "is %(key)s, which is not among the pairs; load it together with its test set, or into the benchmark that has it",
                key=repr(key),
            ),
        )
    elif (names := shown[key]) is None:
        row.problem(
            "idx",
            _(
                "is %(key)s, a pair that was loaded before it was kept whose answer stood first; load its test set again into this benchmark, then this file",
                key=repr(key),
            ),
        )
    elif label not in VALUES and label != "garbage":
        row.problem(name, _("is %(label)s, not one of %(known)s, garbage", label=repr(label), known=", ".join(VALUES)))
    else:
        judge = name.removesuffix(RESULT)
        reply = row.text(f"{judge}_reason", required=False)
        batch.votes.append(vote(row, key, names, VALUES.get(label), judge, told_in=name, reply=reply))
