"""The kinds of file a report can be taken away as."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rating.reporting.document import Document
from rating.reporting.html import as_html
from rating.reporting.markdown import as_markdown
from rating.reporting.pdf import as_pdf


@dataclass(frozen=True)
class Form:
    """How a document is written as this kind of file, and what a browser is told that it is."""

    write: Callable[[Document], str | bytes]
    media_type: str

    def content(self, document: Document) -> bytes:
        written = self.write(document)
        return written if isinstance(written, bytes) else written.encode()


FORMS: Mapping[str, Form] = {
    "md": Form(as_markdown, "text/markdown; charset=utf-8"),
    "html": Form(as_html, "text/html; charset=utf-8"),
    "pdf": Form(as_pdf, "application/pdf"),
}


def file_name(title: str, ending: str) -> str:
    """A name that every system takes: Latin letters, digits and dashes."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", title).strip("-.")
    return f"report-{plain or 'model'}.{ending}"
