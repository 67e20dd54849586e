"""Auto-J files: testdata_pairwise.jsonl with the verdicts of people, and a judge's outputs, one a line, in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arena.loading.naming import Naming
from arena.loading.pairs import add_pair, vote
from arena.loading.partners import Partners, answered_by, first_object, nobody
from arena.loading.records import JUDGMENTS, Batch, ModelRecord, Report, Row, is_left_out, rows_of
from arena.loading.said import said as _

FIRST, SECOND = "response 1", "response 2"
VALUES = {0: 1.0, 1: -1.0, 2: 0.0}
PEOPLE = "Auto-J annotators"
EXCHANGED = "exchange"

GROUPS = {
    ("Summarization", "摘要"): "post_summarization text_summarization note_summarization",
    ("Exam Questions", "考题"): ("math_reasoning solving_exam_question_with_math solving_exam_question_without_math"),
    ("Code", "代码"): (
        "code_simplification code_generation explaining_code code_correction_rewriting code_to_code_translation"
    ),
    ("Rewriting", "改写"): (
        "text_simplification language_polishing instructional_rewriting text_correction paraphrasing"
    ),
    ("Creative Writing", "创意写作"): (
        "writing_song_lyrics writing_social_media_post writing_blog_post writing_personal_essay creative_writing "
        "writing_advertisement writing_marketing_materials writing_presentation_script counterfactual"
    ),
    ("Functional Writing", "应用写作"): (
        "writing_product_description writing_job_application writing_news_article writing_biography writing_email "
        "writing_legal_document writing_technical_document writing_scientific_paper functional_writing "
        "writing_cooking_recipe"
    ),
    ("General Communication", "日常交流"): (
        "asking_how_to_question open_question analyzing_general explaining_general seeking_advice recommendation "
        "value_judgement verifying_fact chitchat roleplay planning brainstorming"
    ),
    ("NLP Tasks", "自然语言处理任务"): (
        "ranking text_to_text_translation data_analysis classification_identification title_generation "
        "question_generation reading_comprehension keywords_extraction information_extraction topic_modeling others"
    ),
}
"""The groups that figures are published for, in English and Chinese, and their scenarios. As in the leaderboard of Li et al. (2023)."""


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
    """Pairs with people's labels, and outputs joined to them line by line, which is all the format offers.

    Outputs that come without pairs are about those that are there already. A file with "exchange" in its name has the verdicts
    on the same pairs shown the other way round, as the judge gave them; it may come after the other one, or before it.
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
    batch.categories = _grouped({record.category for record in batch.questions})
    if JUDGMENTS not in kinds:
        for _path, rows in outputs:
            for row in rows:
                is_left_out(row, JUDGMENTS, kinds)
    elif outputs:
        keys = [record.key for record in batch.questions] or [one.key for one in answered_by(partners(), FIRST, SECOND)]
        _join(outputs, keys, batch, naming)
    return batch


def _join(outputs: list[tuple[Path, list[Row]]], keys: list[str], batch: Batch, naming: Naming) -> None:
    """All outputs joined to the pairs of these keys; a judge that was asked in both orders has two files."""
    names = {
        (judge_of(name), is_exchanged(name)) for path, _rows in outputs for name in (naming.name(path), *naming.beside)
    }
    judges = [naming.judge or judge_of(naming.name(path)) for path, _rows in outputs]
    for judge, (path, rows) in zip(judges, outputs, strict=True):
        name = naming.name(path)
        both_ways = judges.count(judge) == 2 or (judge_of(name), not is_exchanged(name)) in names
        _outputs(rows, keys, batch, judge, is_exchanged=is_exchanged(name), both_ways=both_ways)


def is_exchanged(name: str) -> bool:
    """Whether a file of this name has the verdicts on the pairs shown the other way round."""
    return EXCHANGED in name


def judge_of(name: str) -> str:
    """The judge whose outputs these are: the file's name, without what tells the two orders apart."""
    parts = [part for part in name.split(".")[0].split("_") if part != EXCHANGED]
    return "_".join(parts)


def _grouped(scenarios: set[str]) -> list[dict]:
    """These scenarios, as far as they are known, each in its group."""
    return [
        {"key": scenario, "group": english, "group_en": english, "group_zh": chinese}
        for (english, chinese), members in GROUPS.items()
        for scenario in members.split()
        if scenario in scenarios
    ]


def _pair(row: Row, batch: Batch, kinds: Sequence[str], language: str) -> None:
    key = str(len(batch.questions) + 1)
    answers = {name: (ModelRecord(name), row.take(name, str, default="")) for name in (FIRST, SECOND)}
    add_pair(batch, row, key, row.text("scenario"), row.text("prompt"), language=language, answers=answers)
    if not is_left_out(row, JUDGMENTS, kinds):
        value = _value(row, "label")
        batch.votes.append(vote(row, key, (FIRST, SECOND), value, PEOPLE, told_in="label", is_person=True))


def is_alone(text: str) -> bool:
    """Whether this is how a file of outputs begins."""
    first = first_object(text)
    return list(first) == ["output"] and isinstance(first["output"], int)


def _outputs(
    rows: list[Row], keys: list[str], batch: Batch, judge: str, *, is_exchanged: bool, both_ways: bool
) -> None:
    if len(rows) != len(keys):
        row = rows[min(len(rows) - 1, len(keys))]
        row.problem("output", _why_alone(len(rows), len(keys)))
        return
    shown = (SECOND, FIRST) if is_exchanged else (FIRST, SECOND)
    for row, key in zip(rows, keys, strict=True):
        value = _value(row, "output")
        batch.votes.append(vote(row, key, shown, value, judge, told_in="output", both_ways=both_ways, is_half=True))


def _why_alone(outputs: int, pairs: int) -> str:
    """Why outputs, which tell only by their place what they are about, cannot be joined."""
    if not pairs:
        return _(
            "is about a pair that is not here; load it together with its test data, or into the benchmark that has it"
        )
    where = _("this and those after it have none") if outputs > pairs else _("it is the last, and pairs are left")
    return _(
        "has no pair that it is surely about: the file has %(outputs)s outputs for %(pairs)s pairs, %(where)s",
        outputs=outputs,
        pairs=pairs,
        where=where,
    )


def _value(row: Row, name: str) -> float | None:
    """Towards the first that was shown; another number than 0, 1 and 2 is a problem."""
    label = row.take(name, int)
    if label is not None and label not in VALUES:
        row.problem(name, _("is %(label)s, not one of 0 (first), 1 (second), 2 (tie)", label=label))
    return None if label is None else VALUES.get(label)
