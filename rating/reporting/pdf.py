"""A report as PDF: A4, page numbers, tables that go on over pages with their heads again, Chinese beside Latin.

Chinese is set in STSong-Light, one of the fonts that every PDF reader brings or replaces by the system's own: it is named in the file and
not carried along, so that a report stays small and the text can be searched and copied.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _

from rating.reporting.document import Document, Section, Table

LATIN, BOLD, CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"
SIDE = 40.0  # points of margin
ROOM = 90.0  # points that a title and the first rows under it want on one page
INK, MUTED, LINE, SUNKEN = "#1c1d1a", "#5b5b54", "#dfdbd0", "#f2f0e9"
TONES = {"good": "#2b6327", "bad": "#9c2a1f", "warn": "#7a4a00", "quiet": MUTED}
LONGEST = 2_000
"""Characters of a cell: one that is longer than a page would stop the layout."""
# the last four are in no Latin font; the layout takes them from Symbol, which every reader has
_LATIN_ONLY = re.compile(r"[\x20-\x7e\xa0-\xff–—‘’“”…•€†‡‰™−≥≤×]+")


def as_pdf(document: Document) -> bytes:
    """The whole document as a PDF file. The same document gives the same bytes."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    out = io.BytesIO()
    page = landscape(A4)
    template = SimpleDocTemplate(
        out, pagesize=page, leftMargin=SIDE, rightMargin=SIDE, topMargin=SIDE, bottomMargin=SIDE + 12,
        title=document.title, author="Juryroom", lang=document.language, invariant=1,
    )  # fmt: skip
    template.build(_story(document, page[0] - 2 * SIDE), canvasmaker=_counting_canvas(document.title))
    return out.getvalue()


def in_fonts(text: str, *, latin: str = LATIN) -> str:
    """The text as the markup of a paragraph, each run in the font that has its characters; what none has is �."""
    known = "".join(letter if letter in "\n\t" or letter.isprintable() else " " for letter in text[:LONGEST])
    known = "".join(letter if ord(letter) < 0x10000 else "�" for letter in known)
    parts, place = [], 0
    for found in _LATIN_ONLY.finditer(known):
        parts += [(CHINESE, known[place : found.start()]), (latin, found.group())]
        place = found.end()
    parts.append((CHINESE, known[place:]))
    return "".join(f'<font name="{font}">{escape(run)}</font>' for font, run in parts if run)


def _style(**fields: Any) -> Any:
    from reportlab.lib.styles import ParagraphStyle

    defaults = {"fontName": LATIN, "fontSize": 8, "leading": 11, "textColor": INK, "wordWrap": "CJK"}
    return ParagraphStyle("report", **{**defaults, **fields})


def _paragraph(text: str, *, latin: str = LATIN, **style: Any) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(in_fonts(text, latin=latin), _style(**style))


def _story(document: Document, width: float) -> list[Any]:
    from reportlab.platypus import Spacer

    story = [_paragraph(document.title, latin=BOLD, fontSize=20, leading=26)]
    if document.subtitle:
        story.append(_paragraph(document.subtitle, fontSize=10, leading=14, textColor=MUTED))
    story += [
        _paragraph(text, latin=BOLD, textColor=TONES["warn"], spaceBefore=6, fontSize=9) for text in document.warnings
    ]
    story += [Spacer(0, 8), _facts(document, width)]
    for section in document.sections:
        story += _section(section, width)
    story += [Spacer(0, 14), *(_paragraph(text, textColor=MUTED) for text in document.footer)]
    return story


def _facts(document: Document, width: float) -> Any:
    """Name and value, two pairs a row."""
    from reportlab.platypus import Table as Grid

    pairs = [(_paragraph(name, textColor=MUTED), _paragraph(value, latin=BOLD)) for name, value in document.facts]
    rows = [sum(pairs[place : place + 2], ()) for place in range(0, len(pairs), 2)]
    rows = [row if len(row) == 4 else (*row, "", "") for row in rows]
    return Grid(
        rows, colWidths=[width * share for share in (0.2, 0.3, 0.2, 0.3)], style=[("VALIGN", (0, 0), (-1, -1), "TOP")]
    )


def _section(section: Section, width: float) -> list[Any]:
    from reportlab.platypus import CondPageBreak

    title = _paragraph(section.title, latin=BOLD, fontSize=13, leading=18, spaceBefore=16, spaceAfter=4)
    story = [CondPageBreak(ROOM), title]
    for words in section.words:
        tone = TONES.get(words.tone, INK)
        story.append(
            _paragraph(str(words), latin=BOLD if words.tone else LATIN, textColor=tone, fontSize=9, spaceAfter=4)
        )
    for table in section.tables:
        story += _table(table, width)
    story += [_paragraph(text, textColor=MUTED, spaceBefore=4) for text in (section.empty, section.computed) if text]
    return story


def _table(table: Table, width: float) -> list[Any]:
    """The caption, and the table whose head is told again on every page it goes on to."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_RIGHT
    from reportlab.platypus import CondPageBreak, LongTable

    caption = _paragraph(table.caption, latin=BOLD, fontSize=9, spaceBefore=8, spaceAfter=2)
    note = [_paragraph(table.note, textColor=MUTED, spaceAfter=2)] if table.note else []
    align = [{"alignment": TA_RIGHT} if column.number else {} for column in table.columns]
    head = [
        _paragraph(column.title, textColor=MUTED, latin=BOLD, **how)
        for column, how in zip(table.columns, align, strict=True)
    ]
    rows = [
        [
            _paragraph(str(cell), textColor=TONES.get(cell.tone, INK), **how)
            for cell, how in zip(row, align, strict=True)
        ]
        for row in table.rows
    ]
    style = [
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(SUNKEN)),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    widths = [width * share for share in _shares(table)]
    grid = LongTable([head, *rows], colWidths=widths, repeatRows=1, style=style, splitInRow=1)
    return [CondPageBreak(ROOM), caption, *note, grid]


def _shares(table: Table) -> list[float]:
    """How wide each column is, as shares of the page: by its longest text, within reason."""
    texts = [[column.title, *(str(row[place]) for row in table.rows)] for place, column in enumerate(table.columns)]
    sizes = [min(max(max(map(_size, column)), 7), 34) for column in texts]
    return [size / sum(sizes) for size in sizes]


def _size(text: str) -> int:
    """How much room a text takes, in Latin letters."""
    return sum(1 if ord(letter) < 0x2000 else 2 for letter in text)


def _counting_canvas(title: str) -> Callable[..., Any]:
    """A canvas that writes "page 2 of 5" under every page, once it knows how many there are."""
    from reportlab.pdfgen.canvas import Canvas

    class Counting(Canvas):
        def __init__(self, *args: Any, **fields: Any) -> None:
            super().__init__(*args, **fields)
            self.finished: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self.finished.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.finished, 1):
                self.__dict__.update(page)
                _number(self, title, number, len(self.finished))
                super().showPage()
            super().save()

    return partial(Counting)


def _number(canvas: Any, title: str, number: int, pages: int) -> None:
    words = _("%(title)s · page %(number)d of %(pages)d") % {"title": title, "number": number, "pages": pages}
    line = _paragraph(words, textColor=MUTED)
    width = canvas._pagesize[0] - 2 * SIDE
    line.wrap(width, 40)
    line.drawOn(canvas, SIDE, 24)
