"""The form of a question: its turns, what is known of it, and the checks that rules run on its answers."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from arena.editing import Json, Lines
from arena.locking import GuardedForm
from arena.models import Category, Question, storable
from arena.versioning import ASKED

MOST_TURNS = 20
LONGEST_TURN = 100_000  # characters
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def check_problems(check: object) -> list[str]:
    """What is wrong with a check, a sentence each. Found by name, so that no import runs upward: rules judge."""
    return import_module("judging.judges.rules").validate_check(check)


class TextList(forms.Widget):
    """A text area for each text of a list, and an empty one behind them: more come with the next look."""

    def __init__(self, *, words: Any, rows: int = 4, attrs: dict | None = None):
        super().__init__(attrs)
        self.words, self.rows = words, rows

    def render(self, name: str, value: Any, attrs: dict | None = None, renderer: Any = None) -> str:
        texts = [*(value or []), ""][:MOST_TURNS]
        about = attrs or {}
        more = format_html(' aria-describedby="{}"', about["aria-describedby"]) if "aria-describedby" in about else ""
        boxes = format_html_join(
            "",
            '<textarea name="{}" id="{}_{}" rows="{}" aria-label="{}"{}>\n{}</textarea>',
            (
                (name, about.get("id", name), n, self.rows, _now(self.words) % (n + 1), more, text)
                for n, text in enumerate(texts)
            ),
        )
        return format_html('<div class="stack stack--tight">{}</div>', boxes)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        found = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return [text.replace("\r\n", "\n") for text in found]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0"


class Texts(forms.Field):
    """A list of texts without the empty ones at its end; with `gaps`, one in the middle may be empty."""

    def __init__(self, *, words: Any, gaps: bool = False, rows: int = 4, **kwargs: Any):
        self.gaps = gaps
        super().__init__(widget=TextList(words=words, rows=rows), **kwargs)

    def to_python(self, value: Any) -> list[str]:
        texts = [text.strip() for text in value or []]
        while texts and not texts[-1]:
            texts.pop()
        return texts

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if len(value) > MOST_TURNS:
            raise forms.ValidationError(_("At most %d turns are kept.") % MOST_TURNS)
        for n, text in enumerate(value, start=1):
            if not text and not self.gaps:
                raise forms.ValidationError(_("Turn %d is empty.") % n)
            if len(text) > LONGEST_TURN:
                raise forms.ValidationError(_("Turn %d is longer than 100,000 characters.") % n)
            if storable(text) != text:
                raise forms.ValidationError(_("Turn %d holds a character that no database keeps.") % n)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


class CategoryChoice(forms.ModelChoiceField):
    def label_from_instance(self, category: Category) -> str:
        return category.name


class QuestionForm(GuardedForm):
    """A question of one benchmark. Other words than before drop the answers to the old ones, and want a second word for it."""

    category = CategoryChoice(label=_("Category"), queryset=Category.objects.ordinary(), empty_label=None)
    turns = Texts(
        label=_("What is asked, turn by turn"), words=_("Turn %d"), help_text=_("What the user writes, one box a turn. Empty boxes at the end are left out."),
    )  # fmt: skip
    reference = Texts(
        label=_("Reference answer"), words=_("Reference for turn %d"), gaps=True, rows=2, required=False,
        help_text=_("What is right, if that is known; one box a turn. Judges are shown it."),
    )  # fmt: skip
    checks = Json(
        list, label=_("Checks"), help_text=_('What rules check, as a JSON list: [{"type": "number", "expected": 42}]')
    )
    tags = Lines(label=_("Tags"), required=False, help_text=_("One a line."))
    sure = forms.BooleanField(label=_("Drop the answers to the old words"), required=False)

    class Meta:
        model = Question
        fields = ["key", "category", "turns", "language", "system", "reference", "checks", "tags"]
        labels = {"key": _("Key"), "language": _("Language"), "system": _("System prompt")}
        help_texts = {
            "key": _("What files call it, within this benchmark."),
            "language": _("Such as en or zh."),
            "system": _("Sent before the first turn; mostly empty."),
        }
        widgets = {"system": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.doubt = ""

    def clean_key(self) -> str:
        key = self.cleaned_data["key"]
        there = Question.objects.filter(benchmark=self.instance.benchmark_id, key=key).exclude(pk=self.instance.pk)
        if there.exists():
            raise forms.ValidationError(_("This benchmark has a question of this key already."))
        return key

    def clean_language(self) -> str:
        language = self.cleaned_data["language"]
        if not LANGUAGE.fullmatch(language):
            raise forms.ValidationError(_("A language is written such as en, zh or zh-Hans."))
        return language

    def clean_checks(self) -> list:
        checks = self.cleaned_data["checks"]
        for n, check in enumerate(checks, start=1):
            if problems := check_problems(check):
                raise forms.ValidationError(_("Check %(n)d: %(reason)s") % {"n": n, "reason": problems[0]})
        return checks

    def clean(self) -> dict:
        cleaned = super().clean()
        turns, reference = cleaned.get("turns") or [], cleaned.get("reference") or []
        if turns and len(reference) > len(turns):
            self.add_error("reference", _("There are more references than turns."))
        if self.instance.pk and not self.errors and not cleaned["sure"]:
            self._doubt_answers()
        return cleaned

    def _doubt_answers(self) -> None:
        n = self.instance.answers.count() if self.changes_words else 0
        if n:
            self.doubt = _("%d answers were given to the old words. They are dropped when you save these.") % n
            self.add_error(None, self.doubt)

    @property
    def changes_words(self) -> bool:
        """Whether what is asked is no longer what was asked."""
        was = Question.objects.get(pk=self.instance.pk)
        return any(getattr(was, name) != self.cleaned_data[name] for name in ASKED)
