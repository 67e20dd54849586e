"""Forms of uploads: the files, and how they are to be read."""

from __future__ import annotations

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arena.loading import FORMATS
from arena.models import Benchmark, LanguageModel, Question, Upload
from judging.models import Judge
from rating.guessing import SCORES
from rating.uploading import MOST_BYTES

MOST_FILES = 20
JUDGE_NAME, SUBSET_NAME = Judge.name.field.max_length, 80
FORMAT_NAMES = {
    "juryroom": _("Juryroom's own (JSON lines or CSV)"),
    "mt_bench": "MT-Bench (FastChat)",
    "llmuses": "LLMUSES",
    "arena": "Chatbot Arena",
    "arena_hard": "Arena-Hard",
    "alpaca_eval": "AlpacaEval",
    "auto_j": "Auto-J",
    "pandalm": "PandaLM",
    "llmbar": "LLMBar",
    "opencompass": "OpenCompass",
    "evalscope": "EvalScope",
    "label_studio": "Label Studio",
    "faireval": "FairEval",
    SCORES: _("Scores measured elsewhere (CSV)"),
}
KINDS = [
    ("", _("everything in them")),
    ("questions", _("questions")),
    ("answers", _("answers")),
    ("judgments", _("judgments")),
    ("prompts", _("judge prompts")),
]


def formats() -> list[tuple[str, str]]:
    """The formats that can be read, for a choice."""
    return [(name, FORMAT_NAMES.get(name, name)) for name in (*FORMATS, SCORES)]


class BenchmarkChoice(forms.ModelChoiceField):
    def label_from_instance(self, benchmark: Benchmark) -> str:
        return f"{benchmark.title} ({benchmark})"


class ReadingForm(forms.Form):
    """How files are to be read, and what they belong to. `reading()` has it as an upload's row keeps it."""

    format = forms.ChoiceField(
        label=_("Format"), required=False, help_text=_("Mostly told by the content; choose one where that goes wrong.")
    )
    kind = forms.ChoiceField(label=_("What is taken from them"), choices=KINDS, required=False)
    benchmark = BenchmarkChoice(
        label=_("Benchmark"), queryset=Benchmark.objects.all(), required=False, empty_label=_("a new one, named below"),
        help_text=_("Where questions go, and the one that answers and judgments belong to."),
    )  # fmt: skip
    name = forms.CharField(
        label=_("Name of a new benchmark"), required=False, max_length=Benchmark.name.field.max_length
    )
    version = forms.CharField(
        label=_("Its version"), required=False, initial="1", max_length=Benchmark.version.field.max_length
    )
    title = forms.CharField(label=_("Its title"), required=False, max_length=Benchmark.title_en.field.max_length)
    model = forms.CharField(
        label=_("Who answered"), required=False, max_length=LanguageModel.name.field.max_length,
        help_text=_("The model's name, for files that do not say who answered. Empty where each row says it."),
    )  # fmt: skip
    model_version = forms.CharField(
        label=_("The model's version"), required=False, max_length=LanguageModel.version.field.max_length
    )
    vendor = forms.CharField(
        label=_("The model's vendor"), required=False, max_length=LanguageModel.vendor.field.max_length
    )
    judge = forms.CharField(
        label=_("Who judged"), required=False, max_length=JUDGE_NAME,
        help_text=_("The judge's name, for results whose folder says it: LLMBar, OpenCompass. Empty where each row says it."),
    )  # fmt: skip
    subset = forms.CharField(
        label=_("Subset"), required=False, max_length=SUBSET_NAME,
        help_text=_("Which part of a benchmark the files are, such as “Natural” of LLMBar: keys of questions begin with it."),
    )  # fmt: skip
    language = forms.CharField(
        label=_("Language of questions that do not say"), required=False, initial="en",
        max_length=Question.language.field.max_length,
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["format"].choices = [("", pgettext_lazy("format of a file", "find out")), *formats()]

    def clean(self) -> dict:
        cleaned = super().clean()
        without = cleaned.get("format") == SCORES or cleaned.get("kind") == "prompts"
        if not without and not cleaned.get("benchmark") and not cleaned.get("name") and "benchmark" not in self.errors:
            self.add_error("name", _("Choose a benchmark, or name a new one."))
        if cleaned.get("model"):
            for name in ("model_version", "vendor"):
                if not cleaned.get(name):
                    self.add_error(name, _("A model has a name, a version and a vendor; “unstated” is a word too."))
        return cleaned

    def reading(self) -> dict:
        """The options of an upload: benchmark by name and version, and what is said of the model."""
        cleaned, there = self.cleaned_data, self.cleaned_data["benchmark"]
        return {
            "benchmark": there.name if there else cleaned["name"],
            "benchmark_version": there.version if there else cleaned["version"] or "1",
            "title": cleaned["title"],
            **{name: cleaned[name] for name in ("model", "model_version", "vendor", "judge", "subset")},
            "language": cleaned["language"] or "en",
        }

    @classmethod
    def of(cls, upload: Upload) -> ReadingForm:
        """The form as it was filled in for this upload."""
        about = upload.options
        place = {"name": about.get("benchmark", ""), "version": about.get("benchmark_version", "1")}
        there = Benchmark.objects.filter(**place).first()
        told = {
            name: about.get(name, "")
            for name in ("title", "model", "model_version", "vendor", "judge", "subset", "language")
        }
        where = {"benchmark": there} if there else place
        return cls(initial={**told, **where, "format": upload.format, "kind": upload.kind})


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or several files, none of them empty or too large; each fault names its file."""

    widget = FilesInput(attrs={"multiple": True})

    def clean(self, data, initial=None) -> list:
        files = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if not files:
            raise forms.ValidationError(_("Choose at least one file."))
        if len(files) > MOST_FILES:
            raise forms.ValidationError(_("At most %d files go up at once.") % MOST_FILES)
        faults = [fault for file in files if (fault := self._fault(file))]
        if faults:
            raise forms.ValidationError(faults)
        return files

    @staticmethod
    def _fault(file) -> str:
        if not file.size:
            return _("%s is empty.") % file.name
        if file.size > MOST_BYTES:
            told = {"name": file.name, "size": filesizeformat(file.size), "most": filesizeformat(MOST_BYTES)}
            text = _("%(name)s has %(size)s; at most %(most)s are taken. Divide it, or load it with the command.")
            return text % told
        return ""


class UploadForm(ReadingForm):
    """New files with how they are to be read."""

    files = FilesField(
        label=_("Files"),
        help_text=_(
            "JSON, JSON lines or CSV in UTF-8. Files that belong together go up together: questions and their answers, a test set and the results on it."
        ),
    )
