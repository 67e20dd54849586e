"""The very text that a judge will be sent, before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from arena.models import LanguageModel, Question
from judging.items import Item
from judging.judges.base import RubricText
from judging.judges.dry_run import prompt_tokens
from judging.judges.llm import LLMJudge
from judging.judges.reward import RewardJudge, conversations
from judging.machines import Machine, machine_of
from judging.models import Judge, Run
from judging.sampled_items import few_items
from judging.verdicts import exhibits_for


@dataclass(frozen=True)
class Prompt:
    """What one judge is sent about one item in one order; `messages` as role/content, `tokens` about.

    Where nothing is sent, `note` says why: "computes", "refuses" with the `reason`, or "reference" where it answers the
    question itself first.
    """

    judge: str
    swapped: bool
    models: tuple[str, ...]
    messages: tuple[dict[str, str], ...] = ()
    tokens: int = 0
    is_bound: bool = False
    note: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Preview:
    """The prompts of a chosen question for a chosen judge; `question` is None where there is nothing to show one of."""

    question: Question | None
    prompts: list[Prompt] = field(default_factory=list)
    problem: str = ""


def preview(
    run: Run, candidates: Sequence[LanguageModel], judges: Iterable[Judge], *, key: str = "", judge: Judge | None = None
) -> Preview:
    """The prompts that the judge (None: the first, with its members) would be sent about the question with this key (empty:
    the first that has answers), in both orders. Nobody is asked, and nothing is written; the run may be unsaved."""
    items = few_items(run, candidates, 1, key=key)
    if not items:
        return Preview(None)
    item, rubric = items[0], run.rubric.text()
    shown = [item] if run.is_single else [item, replace(item, swapped=True)]
    chosen = [judge] if judge else list(judges)[:1]
    try:
        machines = [one for each in chosen for one in machine_of(each, run, rubric, key=lambda _model: "").everybody()]
    except ValueError as error:
        return Preview(item.question, problem=str(error))
    engines = [one for one in machines if one.engine is not None]
    return Preview(item.question, [prompt_of(one, each, rubric) for one in engines for each in shown])


def prompt_of(machine: Machine, item: Item, rubric: RubricText) -> Prompt:
    """What this machine is sent about the item: the same messages as its engine sends."""
    told = {
        "judge": str(machine.judge),
        "swapped": item.swapped,
        "models": tuple(answer.model.name for answer in item.answers),
    }
    exhibits, without = exhibits_for(machine, [item])
    note = "reference" if without else ""
    exhibit = exhibits[0] if exhibits else without[0][0]
    engine = machine.engine
    if isinstance(engine, RewardJudge):
        messages = [message for each in conversations(exhibit) for message in each]
        return Prompt(**told, messages=as_json(messages), tokens=prompt_tokens(messages), note=note)
    if not isinstance(engine, LLMJudge):
        return Prompt(**told, note="computes")
    request = engine.request(exhibit)
    if not isinstance(request, tuple):
        return Prompt(**told, note="refuses", reason=request.error)
    messages, schema = request
    return Prompt(
        **told, messages=as_json(messages), tokens=prompt_tokens(messages), is_bound=schema is not None, note=note
    )


def as_json(messages: Iterable) -> tuple[dict[str, str], ...]:
    return tuple({"role": message.role, "content": message.content} for message in messages)
