"""Which options each kind of machine judge has, as fields of a form; and what the engines themselves say of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from django import forms
from django.utils.translation import gettext_lazy as _

from arena.chat import ChatError, Endpoint, open_chat
from arena.loading.records import Report
from arena.models import LanguageModel
from arena.withholding import secret_paths, spelled
from judging.judges import engine
from judging.judges.composed import DECIDE, TRUSTED_FIRST, WEIGHTS, Cascade, Panel
from judging.judges.llm_options import LOGPROBS, TEXT
from judging.judges.metrics import METRICS
from judging.judges.reward import SCALES, VERDICTS
from judging.judges.sampling import MOST_SAMPLES
from judging.machines import BATCH, NOT_FOR_ENGINES, SAMPLING, Machine, check_batches, identity_of
from judging.models import Judge
from judging.prompts import FIVE, PAIR_RUBRIC, PRESETS, REFERENCES, THREE
from judging.recipes.judges import LARGEST_SEED, MOST_MEMBERS, OPTIONS
from judging.recipes.lines import section_of
from judging.recipes.reading import UNNAMED
from judging.recipes.recipe import MOST_AT_ONCE, MOST_ATTEMPTS

Make = Callable[[], forms.Field]


def _in_words(word: str) -> str:
    """A word of recipes in the reader's language, the word itself beside it; names of published forms stand alone."""
    words = {
        "text": _("from what it writes"),
        "logprobs": _("from the probabilities of its words"),
        "three": _("better, worse or a tie"),
        "five": _("five steps"),
        "question": _("that of the question"),
        "own": _("its own"),
        "none": _("none"),
        "raw": _("as the model gives it"),
        "sigmoid": _("brought between 0 and 1"),
        "probability": _("how likely the first is better"),
        "sign": _("the higher mark wins"),
        "equal": _("everyone the same"),
        "seats": _("by seats"),
        "learnt": _("learnt beside people"),
        "majority": _("by majority"),
        "mean": _("by the mean"),
    }
    label = str(words.get(word, word))
    return label if label == word else f"{label} ({word})"


def _choice(label: Any, words: tuple[str, ...], usual: str, hint: Any = "") -> Make:
    """One of these words; empty means the usual one."""

    def make() -> forms.Field:
        named = _in_words(usual) if usual else _("none")
        choices = [("", _("usual: %(word)s") % {"word": named}), *((word, _in_words(word)) for word in words)]
        return forms.ChoiceField(label=label, choices=choices, required=False, help_text=hint)

    return make


def _whole(label: Any, lowest: int, highest: int, hint: Any = "") -> Make:
    return lambda: forms.IntegerField(label=label, min_value=lowest, max_value=highest, required=False, help_text=hint)


def _number(label: Any, lowest: float, highest: float, hint: Any = "") -> Make:
    return lambda: forms.FloatField(label=label, min_value=lowest, max_value=highest, required=False, help_text=hint)


def _flag(label: Any, hint: Any = "") -> Make:
    return lambda: forms.BooleanField(label=label, required=False, help_text=hint)


def _text(label: Any, hint: Any = "") -> Make:
    return lambda: forms.CharField(label=label, max_length=20, required=False, help_text=hint)


_LANGUAGE = _text(_("Language of the prompt"), _("en or zh; empty: that of each question."))
_BOUND = _flag(_("Bind replies to a JSON schema"), _("Where the endpoint can; replies that cannot be read get rare."))
_AT_ONCE = _whole(_("Calls under way"), 1, MOST_AT_ONCE, _("Empty: 8, or what the run says."))
USUAL: Mapping[str, Any] = {"trust_first": list(TRUSTED_FIRST)}
"""Options of which an empty value says something, with the value that need not be said."""

_BAND = _("Answers whose values differ by no more are a tie. Empty: 0.")

FIELDS: Mapping[str, Mapping[str, Make]] = {
    Judge.Kind.LLM: {
        "verdict": _choice(_("Verdict"), (TEXT, LOGPROBS), TEXT, _("logprobs weighs the probabilities of one token.")),
        "scale": _choice(_("Steps of a verdict on a pair"), (THREE, FIVE), THREE, _("five asks how much better.")),
        "samples": _whole(_("Samples of each verdict"), 1, MOST_SAMPLES, _("Their mean or majority counts. Empty: 1.")),
        "schema_bound": _BOUND,
        "reference": _choice(
            _("Reference answer"), REFERENCES, "question", _("own: the judge answers the question itself first.")
        ),
        "language": _LANGUAGE,
        "preset": _choice(_("Prompt of a tuned judge"), tuple(PRESETS), "", _("In place of our wording.")),
        "attempts": _whole(_("Calls at the most for one reply"), 1, MOST_ATTEMPTS),
        "concurrency": _AT_ONCE,
        BATCH: _flag(
            _("Ask by the endpoint's batch API"), _("Half the price at many vendors, and up to a day's wait.")
        ),
    },
    Judge.Kind.REWARD: {
        "scale": _choice(_("Scale of a mark"), SCALES, "raw"),
        "verdict": _choice(_("Verdict on a pair"), VERDICTS, "probability"),
        "tie_band": _number(_("Tie band"), 0, 1e9, _BAND),
    },
    Judge.Kind.RULE: {},
    Judge.Kind.METRIC: {
        "metric": _choice(_("Metric"), tuple(METRICS), "chrf"),
        "tie_band": _number(_("Tie band"), 0, 1, _BAND),
    },
    Judge.Kind.PYTHON_TESTS: {"concurrency": _AT_ONCE},
    Judge.Kind.PANEL: {
        "quorum": _whole(_("Quorum"), 1, MOST_MEMBERS, _("Members that must have a verdict. Empty: more than half.")),
        "weights": _choice(_("Whose voice counts how much"), WEIGHTS, "seats"),
        "decide": _choice(_("How a pair is decided"), DECIDE, "majority"),
    },
    Judge.Kind.CASCADE: {
        "agree": _whole(
            _("Verdicts that must agree"),
            1,
            MOST_MEMBERS,
            _("Empty: 2. A member that skips, as rules do where a question has none, is not waited for."),
        ),
        "band": _number(_("Marks agree within"), 0, 1e9, _("In points. Empty: 1.")),
        "trust_first": lambda: forms.MultipleChoiceField(
            label=_("Kinds whose verdict stands alone at the beginning"),
            choices=[(kind, Judge.Kind(kind).label) for kind in OPTIONS],
            required=False,
            initial=USUAL["trust_first"],
            widget=forms.CheckboxSelectMultiple,
            help_text=_("None ticked: no kind, each is one voice among others."),
        ),
    },
    Judge.Kind.DRY_RUN: {"seed": _whole(_("Seed"), 0, LARGEST_SEED), "schema_bound": _BOUND, "language": _LANGUAGE},
}
"""By kind, a field for every option that a recipe can say."""

if unlike := {kind for kind in OPTIONS if FIELDS[kind].keys() != OPTIONS[kind].keys()}:
    raise AssertionError(f"the form of judges lacks options of {', '.join(sorted(unlike))}")

SAMPLING_FIELDS: Mapping[str, Make] = {
    "temperature": _number(_("Temperature"), 0, 2, _("Empty: what the model's own options say.")),
    "max_tokens": _whole(
        _("Tokens of a reply at the most"), 1, 1_000_000, _("Empty: what the model's own options say.")
    ),
}


def problems_of(
    kind: str, options: Mapping[str, Any], *, model: LanguageModel | None = None, members: int = 0
) -> list[tuple[str, str]]:
    """What is wrong with a judge's options, as (option, message), "" for the whole; the engines' own checks say it.

    Nobody is asked. An option that there is not is told by its name.
    """
    said = {name: value for name, value in options.items() if name != SAMPLING}
    report = Report()
    section = section_of(yaml.compose(yaml.safe_dump(said)), UNNAMED, report)
    readers = OPTIONS[kind]
    for name in sorted(readers):
        if name in section:
            readers[name](section, name)
    section.taken |= readers.keys()
    section.finish()
    found = [(problem.field, problem.message) for problem in report.problems]
    found += [(SAMPLING, f"{spelled(path)} looks like a key") for path in secret_paths(options.get(SAMPLING, {}))]
    return found or list(_together(kind, said, options.get(SAMPLING, {}), model, members))


def _together(kind: str, said: Mapping, sampling: Mapping, model: LanguageModel | None, members: int):
    """What does not go together, one thing at most: engines stop at the first."""
    try:
        if kind == Judge.Kind.PANEL:
            Panel(**said)
            if (said.get("quorum") or 1) > members:
                yield "quorum", f"is {said['quorum']}, and {members} sit in it"
        elif kind == Judge.Kind.CASCADE:
            Cascade(**said)
        else:
            endpoint = _endpoint(model, sampling) if model else None
            identity = identity_of(model, sampling) if model else None
            own = {name: value for name, value in said.items() if name not in NOT_FOR_ENGINES}
            engine(kind, rubric=PAIR_RUBRIC, endpoint=endpoint, options=own, identity=identity)
            check_batches(Machine(Judge(name="this one", kind=kind, model=model, options=dict(said))))
    except ChatError as error:
        yield SAMPLING, str(error)
    except (ValueError, TypeError) as error:
        option = re.search(r"option '(\w+)'", str(error)) or re.match(r"(\w+) is ", str(error))
        yield (option.group(1) if option and option.group(1) in FIELDS[kind] else ""), str(error)


def _endpoint(model: LanguageModel, sampling: Mapping[str, Any]) -> Endpoint:
    """The endpoint with these options, once the chat that speaks to it took them. Raises ChatError, ValueError."""
    endpoint = model.endpoint("not a key", **sampling)
    if model.provider != LanguageModel.Provider.LOCAL:
        open_chat(endpoint)
    return endpoint
