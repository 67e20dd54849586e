"""judge_prompts.jsonl, as MT-bench and llmuses write it: each prompt is a rubric."""

from __future__ import annotations

from arena.loading.records import Row, RubricRecord
from arena.loading.said import said as _


def rubric(row: Row) -> RubricRecord:
    """A published judge prompt; `defaults` (of 2023 llmuses) are put into it."""
    prompt = row.text("prompt_template")
    for name, text in row.take("defaults", dict, required=False, default={}).items():
        if not isinstance(text, str):
            row.problem(f"defaults.{name}", _("is not text"))
            continue
        prompt = prompt.replace(f"{{{name}}}", text.replace("{", "{{").replace("}", "}}"))
    return RubricRecord(
        row,
        name=row.text("name"),
        prompt=prompt,
        system=row.text("system_prompt", required=False),
        form=row.text("output_format"),
        categories=_categories(row),
        description=row.text("description", required=False),
    )


def _categories(row: Row) -> tuple[str, ...]:
    """One category, a list of them, or none for all."""
    said = row.values.get("category")
    if isinstance(said, list):
        return tuple(row.texts("category"))
    name = row.text("category", required=False)
    return (name,) if name else ()
