"""An upload in words: what it is, what it would bring, what its first rows say."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from arena.loading import ANSWERS, JUDGMENTS, PROMPTS, QUESTIONS
from arena.loading.said import Kept, in_words
from arena.models import Upload
from rating.upload_form import FORMAT_NAMES

NEW = (
    gettext_noop("new questions"),
    gettext_noop("new answers"),
    gettext_noop("answers whose text was not published"),
    gettext_noop("new votes"),
    gettext_noop("new grades"),
    gettext_noop("of the new votes, failures without a verdict"),
    gettext_noop("of the new grades, failures without a verdict"),
    gettext_noop("new rubrics"),
    gettext_noop("new scores"),
    gettext_noop("changed scores"),
)
THERE = (
    gettext_noop("questions already there"),
    gettext_noop("of the questions already there, told more of now"),
    gettext_noop("answers already there"),
    gettext_noop("votes already there"),
    gettext_noop("grades already there"),
    gettext_noop("rubrics already there"),
    gettext_noop("scores already there"),
)
OTHER = (
    gettext_noop("empty answers left out"),
    gettext_noop("questions left out"),
    gettext_noop("answers left out"),
    gettext_noop("judgments left out"),
    gettext_noop("prompts left out"),
    gettext_noop("random verdicts of a dry run left out"),
    gettext_noop("verdicts of a demo left out"),
    gettext_noop("votes already there, now in a run"),
    gettext_noop("grades already there, now in a run"),
    gettext_noop("published scores left out, of models that are not here or in several versions"),
)
HEADS = {
    QUESTIONS: (gettext_noop("Key"), gettext_noop("Category"), gettext_noop("Language"), gettext_noop("What is asked")),
    ANSWERS: (gettext_noop("Question"), gettext_noop("Model"), gettext_noop("Answer")),
    JUDGMENTS: (gettext_noop("Judge"), gettext_noop("Question"), gettext_noop("Model"), gettext_noop("Verdict")),
    PROMPTS: (gettext_noop("Name"), gettext_noop("Reply"), gettext_noop("Prompt")),
    "scores": (gettext_noop("Model"), gettext_noop("Benchmark"), gettext_noop("Metric"), gettext_noop("Value")),
}
KINDS = {
    QUESTIONS: gettext_noop("questions"),
    ANSWERS: gettext_noop("answers"),
    JUDGMENTS: gettext_noop("judgments"),
    PROMPTS: gettext_noop("judge prompts"),
    "scores": gettext_noop("scores"),
}
BADGES = {
    Upload.Status.REFUSED: "bad",
    Upload.Status.FAILED: "bad",
    Upload.Status.LOADED: "good",
    Upload.Status.CHECKED: "accent",
}


@dataclass(frozen=True)
class Line:
    """An upload as lists show it."""

    upload: Upload
    format: str
    holds: str
    badge: str


def line(upload: Upload) -> Line:
    """The upload's format and what it holds, in the reader's language."""
    held = [upload.kind] if upload.kind else upload.options.get("holds", [])
    return Line(
        upload=upload,
        format=str(FORMAT_NAMES.get(upload.format, upload.format)),
        holds=", ".join(_(KINDS[kind]) for kind in held if kind in KINDS),
        badge=BADGES.get(upload.status, "quiet"),
    )


def counts(upload: Upload) -> dict[str, list[tuple[str, int]]]:
    """The report's counts by what they are of: `new`, already `there`, and `other`; words with numbers, none that is 0."""
    told = upload.report.get("counts", {})
    known = {"new": NEW, "there": THERE, "other": OTHER}
    found = {kind: [(_(name), told[name]) for name in names if told.get(name)] for kind, names in known.items()}
    named = {"rows read"} | {name for names in known.values() for name in names}
    found["other"] += [(name, n) for name, n in told.items() if n and name not in named]
    return found


@dataclass(frozen=True)
class Told:
    """A sentence about a file in the reader's language, or in English (`is_english`), as it was kept once."""

    text: str
    is_english: bool

    @classmethod
    def of(cls, sentence: Kept) -> Told:
        return cls(in_words(sentence), is_english=isinstance(sentence, str))


def problems(upload: Upload) -> list[dict]:
    """What is wrong with the file: `file`, `line`, `item`, `field` and `problem`, a Told."""
    return [{**one, "problem": Told.of(one["problem"])} for one in upload.report.get("problems", [])]


def notes(upload: Upload) -> list[Told]:
    """What else there is to say of the file."""
    return [Told.of(note) for note in upload.report.get("notes", [])]


def sample(upload: Upload) -> list[dict]:
    """The first rows of each kind with the heads of their columns."""
    told = upload.report.get("told", {}).get("sample", [])
    return [
        {
            "kind": _(KINDS.get(part["kind"], part["kind"])),
            "heads": [_(head) for head in HEADS.get(part["kind"], ())],
            "rows": part["rows"],
        }
        for part in told
    ]
