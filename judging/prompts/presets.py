"""The input formats of models that were trained to judge, by the name of the preset.

What these models know is the structure: the order of the parts, their labels, the form of the verdict. Those are theirs and
kept; the sentences between are in our own words. Who wants a published prompt word for word puts it into a rubric's
template. Auto-J, PandaLM and JudgeLM were trained without a rubric and are shown none; Prometheus and CompassJudger
take one. As with templates there are no fences: see `judging.prompts.templates`.

Sources: Auto-J (Li et al. 2023, arXiv 2310.05470), PandaLM (Wang et al. 2023, arXiv 2306.05087), Prometheus 2 (Kim et al. 2024,
arXiv 2405.01535), JudgeLM (Zhu et al. 2023, arXiv 2310.17631), CompassJudger-1 (Cao et al. 2024, arXiv 2410.16256).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from arena.chat.base import Message
from judging.judges.base import Dimension, Exhibit, PointKind, RubricText
from judging.prompts.fences import Unfit, joined_reference, joined_turns
from judging.prompts.templates import fill
from judging.prompts.wording import in_language


@dataclass(frozen=True, slots=True)
class Preset:
    """One tuned judge: its prompts for two answers and for one ("" where it cannot), and the forms of its verdicts.

    `single_scale` is that of its marks for one answer (None: it takes the rubric's). `reference` is the part that shows a
    reference answer, left out where there is none.
    """

    pair: str = ""
    single: str = ""
    pair_form: str = ""
    single_form: str = ""
    single_scale: tuple[float, float] | None = None
    reference: str = ""

    def render(self, exhibit: Exhibit, rubric: RubricText) -> tuple[Message, ...]:
        """The one message that this judge takes, about an exhibit that is `as_seen`. Raises Unfit for what it cannot judge."""
        prompt = self.pair if exhibit.is_pair else self.single
        if not prompt:
            raise Unfit(f"this judge cannot judge {'two answers' if exhibit.is_pair else 'a single answer'}")
        scale = self.single_scale
        if not exhibit.is_pair and scale and scale != (rubric.lowest, rubric.highest):
            raise Unfit(f"this judge marks from {scale[0]:g} to {scale[1]:g}, the rubric has another scale")
        return (Message("user", fill(prompt, dict(self._parts(exhibit, rubric)))),)

    def form(self, exhibit: Exhibit, rubric: RubricText) -> str:
        """The form of its verdict, for who has not kept to it."""
        return fill(self.pair_form if exhibit.is_pair else self.single_form, dict(_scale(rubric)))

    def _parts(self, exhibit: Exhibit, rubric: RubricText) -> Iterator[tuple[str, str]]:
        yield from _scale(rubric)
        yield "query", "\n\n".join(part for part in (exhibit.system, joined_turns(exhibit.turns)) if part)
        for slot, turns in zip(("a", "b"), exhibit.answers, strict=False):
            yield slot, joined_turns(turns)
        reference = joined_reference(exhibit)
        yield "reference", fill(self.reference, {"text": reference}) if reference else ""
        yield "criteria", _criteria(rubric)
        yield "levels", _levels(rubric)
        yield "dialogue", _dialogue(exhibit)


def _scale(rubric: RubricText) -> Iterator[tuple[str, str]]:
    yield "lowest", f"{rubric.lowest:g}"
    yield "highest", f"{rubric.highest:g}"


def _criteria(rubric: RubricText) -> str:
    """The rubric in a few lines of English: instructions, then each dimension or kind of point."""
    points = (*rubric.points.deductions, *rubric.points.bonuses) if rubric.points else ()
    lines = [in_language(rubric.instructions, "en")]
    looked_at: tuple[Dimension | PointKind, ...] = (*rubric.dimensions, *points)
    for item in looked_at:
        name, description = in_language(item.name, "en") or item.key, in_language(item.description, "en")
        lines.append(f"{name}: {description}" if description else name)
    return "\n".join(line for line in lines if line) or "How well does the answer serve the person who asked?"


_USUAL_LEVELS = {
    1: "It is wrong or of no use.",
    2: "It has serious faults; little of it can be used.",
    3: "It can be used after mending.",
    4: "It is good, with small faults.",
    5: "It is what an expert would send as it is.",
}


def _levels(rubric: RubricText) -> str:
    """What the marks 1 to 5 stand for: the words of a rubric with a single dimension, else our usual ones."""
    words = dict(_USUAL_LEVELS)
    if len(rubric.dimensions) == 1:
        told = {level.mark: in_language(level.words, "en") for level in rubric.dimensions[0].levels}
        words = {mark: told.get(mark, usual) for mark, usual in words.items()}
    return "\n".join(f"Score {mark}: {text}" for mark, text in words.items())


def _dialogue(exhibit: Exhibit) -> str:
    """The turns, each with what both said to it."""
    lines = []
    for number, turn in enumerate(exhibit.turns):
        lines.append(f"User: {turn}")
        for slot, answer in zip("AB", exhibit.answers, strict=False):
            lines.append(f"Assistant {slot}: {answer[number] if number < len(answer) else ''}")
    return "\n".join(lines)


AUTO_J = Preset(
    pair="Below are a user's query and two responses to it. Judge which one is better, or whether they are tied.\n\n"
    "[BEGIN DATA]\n***\n[Query]: {query}\n***\n{reference}[Response 1]: {a}\n***\n[Response 2]: {b}\n***\n[END DATA]\n\n"
    "1. Name the points on which the two responses differ most.\n"
    "2. Then decide, in line with what you found. Begin the last sentence with: So, the final decision is Response 1 / "
    "Response 2 / Tie",
    single="Below are a user's query and one response to it. Criticise the response, and grade it.\n\n"
    "[BEGIN DATA]\n***\n[Query]: {query}\n***\n{reference}[Response]: {a}\n***\n[END DATA]\n\n"
    'First write your critique. Then end with a rating from 1 to 10 in this form: "Rating: [[rating]]"',
    pair_form="So, the final decision is Response 1 / Response 2 / Tie",
    single_form="Rating: [[rating]]",
    single_scale=(1, 10),
    reference="[Reference]: {text}\n***\n",
)

PANDALM = Preset(
    pair="Two responses to a task follow; the instruction says what the task is. Evaluate both, and write a reference answer.\n\n"
    "### Instruction:\n{query}\n\n{reference}### Response 1:\n{a}\n\n### Response 2:\n{b}\n\n### Evaluation:\n",
    pair_form="1 or 2 or Tie",
    reference="### Reference:\n{text}\n\n",
)

PROMETHEUS = Preset(
    pair="###Task Description:\nYou are given an instruction, two responses to it and a rubric.\n"
    "1. Write feedback that compares the responses by the rubric and by nothing else.\n"
    "2. Then choose the better response, A or B.\n"
    '3. Write it in this form: "Feedback: (your feedback) [RESULT] (A or B)"\n'
    "4. Add nothing before or after.\n\n"
    "###Instruction:\n{query}\n\n###Response A:\n{a}\n\n###Response B:\n{b}\n\n{reference}"
    "###Score Rubric:\n{criteria}\n\n###Feedback: ",
    single="###Task Description:\nYou are given an instruction, a response to it and a rubric.\n"
    "1. Write feedback on the response by the rubric and by nothing else.\n"
    "2. Then give a score, a whole number from 1 to 5, as the rubric says.\n"
    '3. Write it in this form: "Feedback: (your feedback) [RESULT] (a whole number from 1 to 5)"\n'
    "4. Add nothing before or after.\n\n"
    "###The instruction to evaluate:\n{query}\n\n###Response to evaluate:\n{a}\n\n{reference}"
    "###Score Rubrics:\n[{criteria}]\n{levels}\n\n###Feedback: ",
    pair_form="Feedback: (your feedback) [RESULT] (A or B)",
    single_form="Feedback: (your feedback) [RESULT] (a whole number from 1 to 5)",
    single_scale=(1, 5),
    reference="###Reference Answer (Score 5):\n{text}\n\n",
)

JUDGELM = Preset(
    pair="You check the quality of answers with care and precision.\n[Question]\n{query}\n\n{reference}"
    "[The Start of Assistant 1's Answer]\n{a}\n\n[The End of Assistant 1's Answer]\n\n"
    "[The Start of Assistant 2's Answer]\n{b}\n\n[The End of Assistant 2's Answer]\n\n[System]\n"
    "Rate how helpful, relevant, accurate and detailed each answer to the question above is, from 1 to 10, higher being "
    "better.\nOn the first line write only the two scores, that of Assistant 1 and that of Assistant 2, with a space "
    "between them. Explain them from the next line on; the order of the answers means nothing.\n\n### Response:",
    pair_form="two scores from 1 to 10 on one line, with a space between them",
    reference="[Reference Answer]\n{text}\n\n",
)

COMPASS_JUDGER = Preset(
    pair="Read what a user and two assistants said, and decide which assistant did better.\n{criteria}\n\n{reference}"
    "[Dialogue Begin]\n{dialogue}\n[Dialogue End]\n\n"
    "If Assistant A did better, output A. If Assistant B did better, output B. If neither did, output C.\n"
    "Output the option and nothing else: ",
    single="Mark an assistant's answer to a user's question, from {lowest} to {highest}.\n{criteria}\n\n"
    "[Question Begin]\n{query}\n[Question End]\n{reference}[Answer Begin]\n{a}\n[Answer End]\n\n"
    "First say what is good and what is not. Then end with the mark in this form: [[mark]]",
    pair_form="A or B or C",
    single_form="[[mark]], where mark is a number from {lowest} to {highest}",
    reference="[Reference Begin]\n{text}\n[Reference End]\n",
)

PRESETS: Mapping[str, Preset] = {
    "auto_j": AUTO_J,
    "pandalm": PANDALM,
    "prometheus": PROMETHEUS,
    "judgelm": JUDGELM,
    "compass_judger": COMPASS_JUDGER,
}
