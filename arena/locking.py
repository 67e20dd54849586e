"""Two people editing one row: whoever saves second is told what the first one wrote, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

MEANWHILE = _(
    "Somebody else saved this while you were editing. What they wrote is shown below; save again to put yours in its place."
)


def mark_of(row: models.Model, fields: Iterable[str]) -> str:
    """A text that changes whenever one of these fields does."""
    values = {name: getattr(row, row._meta.get_field(name).attname) for name in fields}
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


class GuardedForm(forms.ModelForm):
    """A form that knows which state of its row it was filled in from. Validate and save it in one transaction.

    Where the row has changed since, the form is invalid once: `theirs` is the row as it is now, and the form shown again
    starts from that, so that saving once more is a decision.
    """

    mark = forms.CharField(widget=forms.HiddenInput, required=False)
    theirs: models.Model | None = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["mark"] = self._mark(self.instance)
        else:
            del self.fields["mark"]

    def _mark(self, row: models.Model) -> str:
        return mark_of(row, (name for name in self._meta.fields if not row._meta.get_field(name).many_to_many))

    def clean(self) -> dict:
        cleaned = super().clean()
        if self.instance.pk is None:
            return cleaned
        row = type(self.instance)._default_manager.select_for_update().get(pk=self.instance.pk)
        if cleaned.get("mark") != self._mark(row):
            self.theirs = row
            self.data = self.data.copy()
            self.data[self.add_prefix("mark")] = self._mark(row)
            self.add_error(None, MEANWHILE)
        return cleaned

    @property
    def differences(self) -> list[tuple[str, object, object]]:
        """Label, what they wrote and what is written here, of every field that differs; empty where nobody came between."""
        if self.theirs is None:
            return []
        theirs = forms.models.model_to_dict(self.theirs, fields=self._meta.fields)
        mine = {name: self.cleaned_data.get(name, self.data.get(self.add_prefix(name))) for name in theirs}
        return [
            (str(self.fields[name].label), theirs[name], mine[name]) for name in theirs if theirs[name] != mine[name]
        ]
