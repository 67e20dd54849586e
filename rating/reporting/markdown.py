"""A report as Markdown: tables that any viewer draws, with nothing in a cell that could end it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rating.reporting.document import Document, Section, Table

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&$])")


def as_markdown(document: Document) -> str:
    """The whole document, ending in a line break. What others wrote is escaped: names and texts are no markup and no HTML."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def escaped(text: str) -> str:
    """The text as Markdown that reads as the text itself, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(document.title)}"
    yield ""
    if document.subtitle:
        yield from (escaped(document.subtitle), "")
    for warning in document.warnings:
        yield from (f"> **{escaped(warning)}**", "")
    yield from (f"* {escaped(name)}: {escaped(value)}" for name, value in document.facts)
    yield ""
    for section in document.sections:
        yield from _section(section)
    yield from ("---", "", *(escaped(line) for line in document.footer))


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {escaped(section.title)}", "")
    for words in section.words:
        yield from (
            f"**{escaped(words.text)}** {escaped(words.note)}".rstrip() if words.tone else escaped(str(words)),
            "",
        )
    for table in section.tables:
        yield from _table(table)
    for words in filter(None, (section.empty, section.computed)):
        yield from (escaped(words), "")


def _table(table: Table) -> Iterator[str]:
    yield from (f"### {escaped(table.caption)}", "")
    if table.note:
        yield from (escaped(table.note), "")
    yield _row([column.title for column in table.columns])
    yield "|" + "|".join(" ---: " if column.number else " --- " for column in table.columns) + "|"
    yield from (_row([str(cell) for cell in row]) for row in table.rows)
    yield ""


def _row(texts: list[str]) -> str:
    return "| " + " | ".join(map(escaped, texts)) + " |"
