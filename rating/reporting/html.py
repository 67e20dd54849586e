"""A report as one HTML file that opens anywhere: its style inside, no script, nothing asked of any server."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.template.loader import render_to_string

from rating.reporting.document import Document

STYLE = settings.BASE_DIR / "static" / "css" / "report_file.css"


def as_html(document: Document) -> str:
    """The whole document as a page of its own."""
    return render_to_string("rating/report_file.html", {"document": document, "style": _style()})


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")
