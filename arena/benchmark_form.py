"""Forms of a benchmark and of its next version."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.locking import GuardedForm
from arena.models import Benchmark


class BenchmarkForm(GuardedForm):
    """Name, version, titles and description. Files find a benchmark by name and version: these stay once it is settled."""

    class Meta:
        model = Benchmark
        fields = ["name", "version", "title_en", "title_zh", "description"]
        labels = {
            "name": _("Name"),
            "version": _("Version"),
            "title_en": _("Title in English"),
            "title_zh": _("Title in Chinese"),
            "description": _("Description"),
        }
        help_texts = {"name": _("What files and commands call it."), "title_en": _("As boards show it.")}
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "title_zh": forms.TextInput(attrs={"lang": "zh-Hans"}),
        }

    def __init__(self, *args, is_settled: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("name", "version"):
            self.fields[name].disabled = is_settled


class VersionForm(forms.Form):
    """The word for the next version, and whether the answers come along."""

    version = forms.CharField(label=_("Version"), max_length=Benchmark.version.field.max_length)
    answers = forms.BooleanField(
        label=_("Copy the answers too"),
        required=False,
        initial=True,
        help_text=_("An answer stays as long as its question's words do: whoever changes those is asked first."),
    )

    def __init__(self, *args, benchmark: Benchmark, **kwargs):
        super().__init__(*args, **kwargs)
        self.benchmark = benchmark

    def clean_version(self) -> str:
        version = self.cleaned_data["version"]
        if Benchmark.objects.filter(name=self.benchmark.name, version=version).exists():
            raise forms.ValidationError(_("This version is there already."))
        return version
