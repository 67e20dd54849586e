"""From what a judge replied to its verdict: read as it comes, or again from the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from arena.chat import Completion, Message
from judging.judges.base import API_ERROR, OK, PARSE_ERROR, Exhibit, Verdict
from judging.judges.reading import points_of, probabilities_of, read, strongest, top_of
from judging.judges.sampling import pooled
from judging.prompts import Asking
from judging.replies import Reading

__all__ = ["ASKED_AGAIN", "DRAWN_AGAIN", "Turn", "read_again", "strongest", "verdict_of"]

ASKED_AGAIN = "\n\n=== asked again ===\n\n"
"""Stands in `Verdict.reply` between a first reply that could not be read and the one to the repair turn."""

DRAWN_AGAIN = "\n\n=== next sample ===\n\n"
"""Stands in `Verdict.reply` between the samples of one verdict."""

NOT_ON_RECORD = "what the judge replied is not on record"
RUN_TOGETHER = "the replies on record cannot be told apart"


@dataclass(frozen=True, slots=True)
class Turn:
    """What asking once brought: `completion` is None when no call succeeded; `asked` counts the calls."""

    reading: Reading
    completion: Completion | None
    seconds: float
    asked: int

    @classmethod
    def of(cls, asking: Asking, exhibit: Exhibit, completion: Completion) -> Turn:
        """The turn of a call that succeeded."""
        reading = read(asking, exhibit, completion.text, finish=completion.finish, top=top_of(completion))
        return cls(reading, completion, completion.seconds, completion.attempts)

    @property
    def text(self) -> str:
        return self.completion.text if self.completion else ""


def verdict_of(
    drawn: Sequence[Sequence[Turn]],
    messages: Sequence[Message],
    *,
    samples: int,
    strongest: float | None,
    digest: str,
) -> Verdict:
    """The verdict of the samples drawn, each one turn or two, with what all of them took; for `strongest` see `pooled`."""
    readings = [_reading(turns) for turns in drawn]
    completions = [[turn.completion for turn in turns if turn.completion] for turns in drawn]
    turns = [turn for each in drawn for turn in each]
    replies = [completion for each in completions for completion in each]
    reply, spans = _written([[completion.text for completion in each] for each in completions])
    thoughts = [[completion.reasoning for completion in each if completion.reasoning] for each in completions]
    return _verdict(
        pooled(readings, samples, strongest=strongest),
        reply=reply,
        reasoning=_written([texts for texts in thoughts if texts])[0],
        prompt=tuple({"role": message.role, "content": message.content} for message in messages),
        tokens_in=_total(completion.tokens_in for completion in replies),
        tokens_out=_total(completion.tokens_out for completion in replies),
        seconds=sum(turn.seconds for turn in turns),
        asked=sum(turn.asked for turn in turns),
        details=_details(readings, completions, spans, samples=samples),
        digest=digest,
    )


def read_again(
    asking: Asking, exhibit: Exhibit, *, reply: str, details: Mapping[str, Any], samples: int = 1
) -> Verdict:
    """The verdict of replies that are on record, read by today's parser; `details` are those of their verdict."""
    said = _on_record(reply, details)
    if said is None:
        return Verdict(status=PARSE_ERROR, error=RUN_TOGETHER, reply=reply, details=details)
    tops = details.get("top") or [()] * len(said)
    each = [read(asking, exhibit, text, finish=finish, top=top) for (text, finish), top in zip(said, tops, strict=True)]
    readings = list(_last_of_each(each, details))
    if not readings:
        return Verdict(status=API_ERROR, error=NOT_ON_RECORD, reply=reply, details=details)
    told = {**details, **_told(readings, details)}
    wanted = samples if "samples" in details else 1
    reading = pooled(readings, wanted, strongest=strongest(asking, exhibit))
    return _verdict(reading, reply=reply, details=told)


# Writing


def _verdict(reading: Reading, **more: Any) -> Verdict:
    """The verdict that a reading is; `more` are its other fields."""
    return Verdict(
        status=reading.status,
        value=reading.value,
        both_bad=reading.both_bad,
        scores=reading.scores,
        points=points_of(reading),
        error=reading.error,
        **more,
    )


def _reading(turns: Sequence[Turn]) -> Reading:
    """What the last turn said; where its call failed, the failure of the last reply that came stands, and tells of it."""
    last = turns[-1]
    came = [turn.reading for turn in turns if turn.completion]
    if last.completion or not came:
        return last.reading
    return replace(came[-1], error=f"{came[-1].error}; asking again failed: {last.reading.error}")


def _details(
    readings: Sequence[Reading],
    completions: Sequence[Sequence[Completion]],
    spans: Sequence[Sequence[int]],
    *,
    samples: int,
) -> dict[str, Any]:
    """What is kept besides the verdict, and what `read_again` needs to tell the replies apart."""
    replies = [completion for each in completions for completion in each]
    details: dict[str, Any] = {"finish": [completion.finish for completion in replies]}
    if len(completions) > 1 or len(replies) > 1:
        details["spans"] = spans
    if any(top_of(completion) for completion in replies):
        details["top"] = [[dict(token) for token in top_of(completion)] for completion in replies]
    if notes := list(dict.fromkeys(note for completion in replies for note in completion.notes)):
        details["notes"] = notes
    if samples > 1:
        details["samples"] = [{"replies": len(each)} for each in completions]
    return {**details, **_told(readings, details)}


def _told(readings: Sequence[Reading], details: Mapping[str, Any]) -> dict[str, Any]:
    """What the readings add to the details: their values, and the probabilities of the verdict."""
    told: dict[str, Any] = {}
    if "samples" in details:
        told["samples"] = [
            {"replies": kept["replies"], **_sample(reading)}
            for kept, reading in zip(details["samples"], readings, strict=True)
        ]
    probabilities = [dict(known) for reading in readings if (known := probabilities_of(reading))]
    if probabilities:
        told["probabilities"] = probabilities if "samples" in details else probabilities[0]
    return told


def _sample(reading: Reading) -> dict[str, Any]:
    if reading.status != OK:
        return {"status": reading.status, "error": reading.error}
    told: dict[str, Any] = {"value": reading.value}
    return {**told, "scores": dict(reading.scores)} if reading.scores else told


def _written(samples: Sequence[Sequence[str]]) -> tuple[str, list[list[int]]]:
    """The texts of all samples as one, and where each stands in it; a sample without any leaves its place empty."""
    text, spans = "", []
    for number, texts in enumerate(samples):
        text += DRAWN_AGAIN if number else ""
        for turn, said in enumerate(texts):
            text += ASKED_AGAIN if turn else ""
            spans.append([len(text), len(text) + len(said)])
            text += said
    return text, spans


def _total(counts: Iterable[int | None]) -> int | None:
    """The sum of the tokens that were counted; None where none were."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


# Reading again


def _on_record(reply: str, details: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """Each reply with how it ended, in the order they came; None where they cannot be told apart.

    What stands between two of them could be part of one, so their places tell; older records have none.
    """
    finish = details.get("finish")
    if finish is None:
        return [(text, "stop") for text in reply.split(ASKED_AGAIN)]
    spans = details.get("spans") or [(0, len(reply))] * len(finish)
    ends, starts = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(reply)]
    between = "".join(reply[end:start] for end, start in zip(ends, starts, strict=True))
    # A record that has lost characters, as some databases make it, has something else there.
    if len(spans) != len(finish) or between.replace(ASKED_AGAIN, "").replace(DRAWN_AGAIN, ""):
        return None
    return [(reply[start:end], each) for (start, end), each in zip(spans, finish, strict=True)]


def _last_of_each(readings: Sequence[Reading], details: Mapping[str, Any]) -> Iterator[Reading]:
    """The reading that stands for each sample; one whose call failed is what it was."""
    if "samples" not in details:
        yield from readings[-1:]
        return
    at = 0
    for kept in details["samples"]:
        at += kept["replies"]
        if kept["replies"]:
            yield readings[at - 1]
        else:
            yield Reading(status=kept.get("status", API_ERROR), error=kept.get("error", NOT_ON_RECORD))
