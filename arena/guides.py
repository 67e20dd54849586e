"""The guides of the four roles: docs/guides/ read into parts that a page can show, pictures and all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.functional import cached_property

from arena.rendering import render

ROLES = ("annotator", "lead", "stakeholder", "operator")
FOLDER = settings.BASE_DIR / "docs" / "guides"
IMAGES = settings.BASE_DIR / "docs" / "images"
_PICTURE = re.compile(r"^!\[(.*)\]\(\.\./images/([a-z-]+\.(?:en|zh)\.png)\)$", re.MULTILINE)
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_WRAP = re.compile(r"(?<=(.))\n[ ]*(?=([^\n*|\d`!]|\*\*|`[^`]|\d+(?!\. )))")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]+\)")


@dataclass(frozen=True)
class Part:
    """A stretch of a guide: text as safe HTML, or a picture by name with what it shows; the other two are empty."""

    html: str = ""
    picture: str = ""
    shows: str = ""


@dataclass(frozen=True)
class Section:
    """What stands under one heading; the first section of a guide has none."""

    heading: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Guide:
    title: str
    sections: tuple[Section, ...]

    @cached_property
    def pictures(self) -> frozenset[str]:
        return frozenset(part.picture for section in self.sections for part in section.parts if part.picture)


def guide_path(role: str, language: str) -> Path:
    """Where the guide stands; `language` as Django names it, Chinese of any kind or else English."""
    return FOLDER / f"{role}{'.zh' if language.startswith('zh') else ''}.md"


@cache
def guide(role: str, language: str) -> Guide:
    """The guide, read once. `role` is one of ROLES."""
    title, _, body = guide_path(role, language).read_text(encoding="utf-8").partition("\n")
    first, *others = re.split(r"^## (.+)\n", body, flags=re.MULTILINE)
    named = [("", first), *zip(others[::2], others[1::2], strict=True)]
    return Guide(title.removeprefix("# "), tuple(Section(heading, _parts(text)) for heading, text in named))


def pictures() -> frozenset[str]:
    """The names of all pictures in all guides: nothing else is served from the folder."""
    return frozenset().union(*(guide(role, language).pictures for role in ROLES for language in ("en", "zh-hans")))


def _parts(text: str) -> tuple[Part, ...]:
    """Text and pictures in their order. Links to files beside the guide lead nowhere on a page: their words are kept."""
    words, *rest = _PICTURE.split(_unwrapped(_LINK.sub(r"\1", text)))
    parts = [_words(words)]
    for shows, name, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        parts += [Part(picture=name, shows=shows), _words(after)]
    return tuple(part for part in parts if part.html or part.picture)


def _words(text: str) -> Part:
    """Text as a part. Lines of code can be scrolled by keyboard, too."""
    return Part(html=render(text).replace("<pre", '<pre tabindex="0"'))


def _unwrapped(text: str) -> str:
    """The text with each paragraph and point on one line: the renderer keeps line breaks, as answers need. Code stays as it is."""
    stretches = _FENCE.split(text)
    return "".join(one if at % 2 else _WRAP.sub(_seam, one) for at, one in enumerate(stretches))


def _seam(wrap: re.Match[str]) -> str:
    """What stands between two lines once they are one: Chinese has no blanks between its characters."""
    return "" if not wrap[1].isascii() and not wrap[2].isascii() else " "
