"""A recipe as a value: everything a run needs to know, before any of it is a row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MODES = ("single", "baseline", "pairwise")
ORDERS = ("both", "random", "balanced", "fixed")
TURNS = ("whole", "each")
STAGES = ("answers", "judgments", "ratings")
REST = "*"  # the baseline of every category that has none of its own
MOST_QUESTIONS = 1_000_000
MOST_AT_ONCE = 1_000  # calls under way
MOST_ATTEMPTS = 100
MOST_SAMPLES = 100  # answers of a model to a question
MOST_PAIRS = 10_000  # pairs of models that meet on one question
LARGEST_BUDGET = 1_000_000_000
LONGEST_RUN = 190  # characters of a run's name, of 200: a dry run says so in its name
LONGEST_JUDGE = 109  # of 120: "dry run of …" is the name of the judge that stands in


@dataclass(frozen=True)
class ModelSpec:
    """A language model: who it is, and where it answers or which file has its answers."""

    name: str
    version: str
    vendor: str
    provider: str = ""
    model: str = ""
    base_url: str = ""
    key_env: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    family: str = ""
    licence: str = ""
    aliases: list[str] = field(default_factory=list)
    price_in: float | None = None
    price_out: float | None = None
    limits: dict[str, int] = field(default_factory=dict)
    answers: list[Path] = field(default_factory=list)
    line: int = field(default=0, compare=False)
    place: str = field(default="", compare=False)
    lines: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def where(self, name: str) -> tuple[int, str]:
        """Line and field of one key in the recipe's file; the model's own place where the file does not have the key."""
        if name in self.lines:
            return self.lines[name], f"{self.place}.{name}"
        return self.line, self.place


@dataclass(frozen=True)
class JudgeSpec:
    """A machine judge; `model` for the kinds that are one, `members` for panels and cascades, where each has a `weight`."""

    name: str
    kind: str
    model: ModelSpec | None = None
    options: dict[str, Any] = field(default_factory=dict)
    members: tuple[JudgeSpec, ...] = ()
    weight: float = 1.0

    def everybody(self) -> list[JudgeSpec]:
        """This judge and all that sit in it."""
        return [self, *(one for member in self.members for one in member.everybody())]


@dataclass(frozen=True)
class Recipe:
    """One evaluation: which questions and answers, judged how and by whom; by people where `voting` says how they vote.

    `baselines` are those of categories, by their keys; REST is every other category. `baseline` is the one of the rest, or the
    first there is.
    """

    name: str
    mode: str
    benchmark: str
    benchmark_version: str = "1"
    format: str = "juryroom"
    questions: list[Path] = field(default_factory=list)
    language: str = "en"
    models: list[ModelSpec] = field(default_factory=list)
    baseline: str = ""
    baselines: dict[str, str] = field(default_factory=dict)
    judges: list[JudgeSpec] = field(default_factory=list)
    rubric: str = "standard"
    own_rubric: dict[str, Any] = field(default_factory=dict)
    order: str = "both"
    turns: str = "whole"
    budget: float | None = None
    cache: bool = True
    limits: dict[str, Any] = field(default_factory=dict)
    seed: int = 1
    stages: tuple[str, ...] = STAGES
    voting: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    file: str = ""

    def as_json(self) -> dict[str, Any]:
        """The effective settings, echoed into the run; paths as text, and not where on this machine."""
        told = asdict(self)
        del told["file"]
        told["questions"] = [path.name for path in self.questions]
        told["models"] = [model.name for model in self.models]
        told["judges"] = [judge.name for judge in self.judges]
        everybody = [one for judge in self.judges for one in judge.everybody()]
        told["judge_options"] = {
            one.name: {**one.options, **(one.model.options if one.model else {})} for one in everybody
        }
        told["stages"] = list(self.stages)
        if baselines := told.pop("baselines"):
            told["baseline"] = baselines
        if self.voting is None:  # a recipe without it tells what it told before there was any
            del told["voting"]
        return told
