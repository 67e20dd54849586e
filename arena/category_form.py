"""The form of a category: its names in both languages, its place, and the group it belongs to."""

from __future__ import annotations

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.locking import GuardedForm
from arena.models import Category

KEY = re.compile(r"[\w][\w.\- /]*")


class GroupChoice(forms.ModelChoiceField):
    def label_from_instance(self, group: Category) -> str:
        return f"{group.name} ({group.key})" if group.name != group.key else group.key


class CategoryForm(GuardedForm):
    """Two levels and no more: a group has no group, and what has members becomes nobody's member.

    The key is what files and weights call it, so that it stays once anything hangs on the category (`is_used`).
    """

    group = GroupChoice(
        label=_("Group"), queryset=Category.objects.none(), required=False, empty_label=_("none: it is a group itself, or stands alone"),
    )  # fmt: skip

    class Meta:
        model = Category
        fields = ["key", "name_en", "name_zh", "group", "position"]
        labels = {
            "key": _("Key"),
            "name_en": _("Name in English"),
            "name_zh": _("Name in Chinese"),
            "position": _("Position"),
        }
        help_texts = {
            "key": _("What files call it; it does not change once it is used."),
            "position": _("Smaller numbers come first."),
        }
        widgets = {"name_zh": forms.TextInput(attrs={"lang": "zh-Hans"})}

    def __init__(self, *args, is_used: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        groups = Category.objects.ordinary().filter(group=None).exclude(pk=self.instance.pk)
        self.fields["group"].queryset = groups
        self.fields["key"].disabled = is_used

    def clean_key(self) -> str:
        key = self.cleaned_data["key"]
        if not KEY.fullmatch(key) and key != self.instance.key:
            raise forms.ValidationError(_("Letters, digits, spaces and . - _ / are meant, a letter or digit first."))
        return key

    def clean_group(self) -> Category | None:
        group = self.cleaned_data["group"]
        if group and self.instance.pk and self.instance.members.exists():
            raise forms.ValidationError(_("It has members itself, and there are two levels only."))
        return group
