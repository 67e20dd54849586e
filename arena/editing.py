"""What every page that changes rows shares: who may, the fields of its forms, and what hangs on a row."""

from __future__ import annotations

import json
from collections import Counter
from functools import wraps
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext

from arena.frame import is_lead
from arena.loading.rows import texts_in
from arena.models import storable

LONGEST_JSON = 20_000  # characters; settings are short
LONGEST_LINE = 120


def leads_only(view):
    """A visitor signs in first; anybody else without the role gets the 403 page."""

    @login_required
    @wraps(view)
    def checked(request, *args, **kwargs):
        if not is_lead(request.user):
            raise PermissionDenied(_("Only evaluation leads change this."))
        return view(request, *args, **kwargs)

    return checked


def hanging_on(row: models.Model) -> list[tuple[str, int]]:
    """What other rows point to this one, as (the name of their kind, how many); none of them: []. A query a relation."""
    found = []
    for relation in row._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete or relation.related_model._meta.auto_created:
            continue
        rows = relation.related_model._base_manager.filter(**{relation.field.name: row})
        if n := rows.count():
            found.append((relation.related_model._meta.model_name, n))
    merged = Counter()
    for name, n in found:
        merged[name] += n
    return list(merged.items())


def in_one_line(found: list[tuple[str, int]]) -> str:
    """What `hanging_on` found, to be read: "3 answers, 1 judge"."""
    words = {
        "question": lambda n: ngettext("%(n)s question", "%(n)s questions", n),
        "answer": lambda n: ngettext("%(n)s answer", "%(n)s answers", n),
        "battle": lambda n: ngettext("%(n)s battle", "%(n)s battles", n),
        "judge": lambda n: ngettext("%(n)s judge", "%(n)s judges", n),
        "run": lambda n: ngettext("%(n)s run", "%(n)s runs", n),
        "rating": lambda n: ngettext("%(n)s rating", "%(n)s ratings", n),
        "score": lambda n: ngettext("%(n)s score", "%(n)s scores", n),
        "profile": lambda n: ngettext("%(n)s profile", "%(n)s profiles", n),
        "grouping": lambda n: ngettext("%(n)s grouping", "%(n)s groupings", n),
        "category": lambda n: ngettext("%(n)s category", "%(n)s categories", n),
        "agreement": lambda n: ngettext("%(n)s figure of agreement", "%(n)s figures of agreement", n),
    }
    other = lambda n: ngettext("%(n)s other row", "%(n)s other rows", n)  # noqa: E731
    return pgettext("between names", ", ").join(words.get(name, other)(n) % {"n": n} for name, n in found)


class Lines(forms.CharField):
    """A list of short texts, one a line; blank lines and what stands twice are left out."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> list[str]:
        text = "\n".join(value) if isinstance(value, list) else super().to_python(value)
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if any(len(line) > LONGEST_LINE for line in value):
            raise forms.ValidationError(_("A line is longer than %d characters.") % LONGEST_LINE)

    def run_validators(self, value: list[str]) -> None:
        super().run_validators("\n".join(value))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value


class Json(forms.JSONField):
    """A JSON value of one kind, `dict` or `list`; an empty field is an empty one. Whatever else is written is one sentence."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"})

    def __init__(self, kind: type = dict, *, longest: int = LONGEST_JSON, **kwargs: Any):
        self.kind, self.longest = kind, longest
        super().__init__(**{"required": False, **kwargs})

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return self.kind()
        if isinstance(value, str) and len(value) > self.longest:
            raise forms.ValidationError(_("This is longer than %d characters.") % self.longest)
        try:
            found = json.loads(value) if isinstance(value, str) else value
            json.dumps(found, allow_nan=False)
        except json.JSONDecodeError as error:
            where = {"reason": error.msg, "line": error.lineno, "column": error.colno}
            text = _("This is not JSON: %(reason)s at line %(line)d, column %(column)d.")
            raise forms.ValidationError(text % where) from None
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("This is not JSON that can be kept: too deep, or not a number.")) from None
        if not isinstance(found, self.kind):
            text = _("An object is meant: {…}.") if self.kind is dict else _("A list is meant: […].")
            raise forms.ValidationError(text)
        if any(storable(text) != text for text in texts_in(found)):
            raise forms.ValidationError(_("This holds a character that no database keeps."))
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed stays as it was typed."""
        return None if data is None else InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
