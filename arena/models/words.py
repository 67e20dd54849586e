"""What rows of every kind share: where they come from, texts in two languages, texts that every database takes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Provenance(models.TextChoices):
    """Where a row comes from; only real and imported rows count unless a page says otherwise."""

    REAL = "real", _("real")
    IMPORTED = "imported", _("imported")
    DRY_RUN = "dry_run", _("dry run")
    DEMO = "demo", _("demo")


def in_reader_language(english: str, chinese: str) -> str:
    """The text in the language the reader chose, or the other one where that is missing."""
    wants_chinese = (get_language() or "en").startswith("zh")
    return (chinese or english) if wants_chinese else (english or chinese)


def storable(text: str) -> str:
    """The text as every database takes it: PostgreSQL refuses NUL, and UTF-8 has no half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
