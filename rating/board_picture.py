"""The head of a board as one SVG picture that stands on its own: no font, script or style from anywhere."""

from __future__ import annotations

import unicodedata
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from rating.axis import WIDTH
from rating.boards import Line, Shown
from rating.templatetags.numbers import points

MOST = 10  # rows
WIDE, ROW, TOP = 640, 26, 74
INK, MUTED, LINE, PAPER, ACCENT = "#1c1d1a", "#5b5b54", "#dfdbd0", "#ffffff", "#0b5d4e"
NAME_LENGTH = 26  # columns; Chinese characters take two
FONT = (
    "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
)


def picture(shown: Shown, title: str) -> str:
    """The best rows that are shown, with rank range, rating, interval and n, and of what snapshot they are."""
    board, snapshot = shown.board, shown.board.snapshot
    lines = shown.lines[:MOST]
    high = TOP + ROW * len(lines) + 34
    about = f"n = {board.n:,} · {snapshot.created_at:%Y-%m-%d} · {_('snapshot')} {snapshot.pk} · {snapshot.digest[:12]}"
    words = " · ".join([*_warnings(snapshot.provenances), *([_("part of the models")] if shown.is_part else [])])
    return "".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" width="{WIDE}" height="{high}" role="img" ',
        f'lang={quoteattr(get_language() or "en")} aria-label={quoteattr(_spoken(title, lines))} font-family="{FONT}">',
        f'<rect width="{WIDE}" height="{high}" rx="8" fill="{PAPER}" stroke="{LINE}"/>',
        _text(16, 28, _cut(title, 58), size=17, weight=600),
        _text(16, 50, about, size=12, fill=MUTED),
        _text(WIDE - 16, 28, words, size=12, anchor="end", fill=MUTED) if words else "",
        *(_row(line, TOP + ROW * place, shown) for place, line in enumerate(lines)),
        _text(16, high - 12, _foot(shown), size=11, fill=MUTED),
        "</svg>",
    ])  # fmt: skip


def _row(line: Line, top: float, shown: Shown) -> str:
    middle = top + 17
    method = shown.board.method
    parts = [
        f'<path d="M16 {top}H{WIDE - 16}" stroke="{LINE}"/>',
        _text(16, middle, line.ranks or "—", size=13, fill=MUTED),
        _text(64, middle, _cut(line.model.name, NAME_LENGTH), size=13, weight=600),
        _text(316, middle, points(line.rating.rating, method), size=13, anchor="end"),
    ]
    if line.bar:
        start, at, width = 336 + float(line.bar["start"]), 336 + float(line.bar["x"]), float(line.bar["width"])
        parts += [
            f'<rect x="{start:g}" y="{top + 10}" width="{width:g}" height="6" rx="3" fill="{ACCENT}" opacity="0.35"/>',
            f'<circle cx="{at:g}" cy="{top + 13}" r="4.5" fill="{ACCENT}"/>',
        ]
    return "".join([*parts, _text(336 + WIDTH + 48, middle, f"n {line.rating.n:,}", size=11, anchor="end", fill=MUTED)])


def _text(
    x: float, y: float, words: Any, *, size: int, weight: int = 400, anchor: str = "start", fill: str = INK
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}">'
        f"{escape(_legal(str(words)))}</text>"
    )


def _legal(text: str) -> str:
    """The text without what XML forbids."""
    return "".join(letter for letter in text if letter >= " " and letter not in "￾￿")


def _cut(text: str, columns: int) -> str:
    """The text at most so many columns wide."""
    taken = 0
    for place, letter in enumerate(text):
        taken += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if taken > columns:
            return text[:place] + "…"
    return text


def _foot(shown: Shown) -> str:
    more = shown.total - min(len(shown.lines), MOST)
    told = [_("interval: %(level)d %%") % {"level": round(100 * shown.board.level)}]
    return " · ".join(told + ([_("%(n)d more models on the board") % {"n": more}] if more else []) + ["Juryroom"])


def _warnings(provenances: list[str]) -> list[str]:
    names = {"demo": _("DEMO DATA"), "dry_run": _("DRY RUN"), "imported": _("imported")}
    return [names[one] for one in names if one in provenances]


def _spoken(title: str, lines: list[Line]) -> str:
    return _legal(f"{title}: " + ", ".join(f"{line.rating.rank or '—'} {line.model.name}" for line in lines))
