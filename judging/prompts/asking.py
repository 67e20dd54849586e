"""How verdicts are asked for under one rubric: from an exhibit to the messages that a judge is sent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arena.chat.base import Message
from judging.judges.base import Case, Exhibit, RubricText
from judging.prompts.fences import as_seen, fenced, has_reference, nonce_of, shown
from judging.prompts.forms import THREE, form, kind_of, repair_form, schema_of
from judging.prompts.presets import PRESETS
from judging.prompts.rules import Kind, rules
from judging.prompts.templates import render_template
from judging.prompts.wording import WORDINGS

QUESTION, OWN, NONE = "question", "own", "none"
REFERENCES = (QUESTION, OWN, NONE)


@dataclass(frozen=True)
class Asking:
    """The way one judge is asked; what is alike for many exhibits is made once.

    `language` is the prompt's ("zh…" for Chinese, anything else English; None: the exhibit's). With `schema_bound` the
    verdict is asked for as the JSON of `schema`; with `one_token` as a single letter or number; `scale` "five" asks how
    much better. `reference` says whose the exhibit's reference is: the question's, the judge's own, or "none" to show none.
    A preset (see PRESETS) or a rubric's template takes the place of our wording, and of all of these.
    """

    rubric: RubricText
    language: str | None = None
    schema_bound: bool = False
    scale: str = THREE
    one_token: bool = False
    preset: str = ""
    reference: str = QUESTION
    _kept: dict[Hashable, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def render(self, exhibit: Exhibit, *, nonce: str | None = None) -> tuple[Message, ...]:
        """The messages that ask for a verdict on the exhibit.

        The same exhibit and rubric always give the same messages; `nonce` is for tests. Raises NoRubric where the rubric has
        nothing for its category or case, and Unfit (NoReference among them) where it cannot be shown in this way.
        """
        rubric = self.rubric_of(exhibit)
        seen = as_seen(exhibit, with_reference=self.reference != NONE)
        if self.preset:
            return PRESETS[self.preset].render(seen, rubric)
        if rubric.template:
            return render_template(seen, rubric.template)
        texts = list(shown(seen))
        fences = fenced(texts, nonce or nonce_of([text for _, text in texts]))
        return Message("system", self._rules(seen, rubric)), Message("user", f"{fences}\n\n{self.form(exhibit)}")

    def rubric_of(self, exhibit: Exhibit) -> RubricText:
        """The rubric that the exhibit is judged by: that of its category, with the template for what is shown of it. Raises
        NoRubric, Unfit."""
        rubric = self.rubric.of(exhibit.category)
        return rubric.of_case(self.case_of(exhibit)) if rubric.cases else rubric

    def case_of(self, exhibit: Exhibit) -> Case:
        """What a template for the exhibit is chosen by. Raises Unfit."""
        seen = as_seen(exhibit, with_reference=self.reference != NONE)
        return Case(has_reference(seen), len(seen.turns) > 1)

    def form(self, exhibit: Exhibit) -> str:
        """The sentence that says how the verdict is to be written, where the wording is ours."""
        rubric, tongue = self.rubric_of(exhibit), prompt_language(exhibit, self.language)
        key = (id(rubric), tongue, exhibit.is_pair)
        if key not in self._kept:
            kind = self.kind(exhibit)
            self._kept[key] = form(kind, rubric, language=tongue, schema_bound=self.schema_bound)
        return self._kept[key]

    def repair(self, exhibit: Exhibit) -> Message:
        """What is said to a judge whose reply held no verdict that could be read."""
        rubric = self.rubric_of(exhibit)
        if self.preset or rubric.template:
            return Message("user", WORDINGS["en"].repair.format(form=self._form_of_others(exhibit, rubric)))
        if self.schema_bound:
            return Message("user", self.form(exhibit))
        tongue = prompt_language(exhibit, self.language)
        said = repair_form(self.kind(exhibit), rubric, language=tongue)
        return Message("user", WORDINGS[tongue].repair.format(form=said))

    def schema(self, exhibit: Exhibit) -> dict[str, Any]:
        """The JSON schema of a verdict on the exhibit, for endpoints that can bind a reply to one."""
        return schema_of(self.kind(exhibit), self.rubric_of(exhibit))

    def kind(self, exhibit: Exhibit) -> str:
        """The form of verdict that our own wording asks for: see `kind_of`."""
        rubric = self.rubric_of(exhibit)
        return kind_of(rubric, is_pair=exhibit.is_pair, scale=self.scale, one_token=self.one_token)

    def _rules(self, seen: Exhibit, rubric: RubricText) -> str:
        tongue, kind = prompt_language(seen, self.language), Kind.of(seen)
        key = (id(rubric), tongue, kind)
        if key not in self._kept:
            own = self.reference == OWN
            self._kept[key] = rules(kind, rubric, tongue, own_reference=own, marked=self.kind(seen))
        return self._kept[key]

    def _form_of_others(self, exhibit: Exhibit, rubric: RubricText) -> str:
        if self.preset:
            return PRESETS[self.preset].form(exhibit, rubric)
        template = rubric.template
        told = _TEMPLATE_FORMS.get(template.form, template.form) if template else ""
        return told.replace("LOWEST", f"{rubric.lowest:g}").replace("HIGHEST", f"{rubric.highest:g}")


_TEMPLATE_FORMS: Mapping[str, str] = {
    "[[A]]": "[[A]] or [[B]] or [[C]]",
    "[[A>>B]]": "[[A>>B]] or [[A>B]] or [[A=B]] or [[B>A]] or [[B>>A]]",
    "[[rating]]": "[[rating]], where rating is a number from LOWEST to HIGHEST",
    "[[rating_a,rating_b]]": "[[rating_a,rating_b]], where both are numbers",
    "ranks": "[{'model': <name>, 'rank': <rank>}, {'model': <name>, 'rank': <rank>}]",
}


def prompt_language(exhibit: Exhibit, language: str | None = None) -> str:
    """The key into WORDINGS: "zh" for Chinese of any kind, otherwise "en"."""
    wanted = (language or exhibit.language or "").casefold()
    return "zh" if wanted.startswith(("zh", "chinese", "中文")) else "en"
