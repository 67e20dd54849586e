"""What of an exhibit is shown, each text fenced as data with a delimiter that its author cannot have known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from judging.judges.base import Exhibit


class Unfit(ValueError):
    """An exhibit cannot be shown in the way that is asked for; the message says why."""


def as_seen(exhibit: Exhibit, *, with_reference: bool = True) -> Exhibit:
    """The exhibit without what is not shown: later turns than the one to be judged, and perhaps the reference.

    Where a model gave no answer to the turn to be judged, that answer is empty. Raises Unfit for a turn that is not there.
    """
    turn = exhibit.turn or len(exhibit.turns)
    if turn > len(exhibit.turns):
        raise Unfit(f"turn {turn} is to be judged, and the question has {len(exhibit.turns)}")
    reference = exhibit.reference if with_reference else ()
    if not exhibit.turn:
        return exhibit if with_reference else replace(exhibit, reference=())
    answers = tuple(answer[:turn] + ("",) * (turn - len(answer)) for answer in exhibit.answers)
    return replace(exhibit, turns=exhibit.turns[:turn], answers=answers, reference=reference[:turn])


def shown(exhibit: Exhibit) -> Iterator[tuple[str, str]]:
    """The label and the text of each fence, in the order shown; the answers last, each after its own earlier turns."""
    if exhibit.system:
        yield "SYSTEM", exhibit.system
    yield "QUESTION", joined_turns(exhibit.turns)
    if has_reference(exhibit):
        yield "REFERENCE", joined_reference(exhibit)
    for label, turns in zip((" A", " B") if exhibit.is_pair else ("",), exhibit.answers, strict=True):
        if exhibit.turn > 1:
            yield f"EARLIER{label}", _numbered(turns[:-1])
            yield f"ANSWER{label}", turns[-1]
        else:
            yield f"ANSWER{label}", joined_turns(turns)


def fenced(texts: Iterable[tuple[str, str]], nonce: str) -> str:
    """The texts, each between two lines with its label and the nonce."""
    return "\n\n".join(f"<<<{label} {nonce}>>>\n{text}\n<<<END {label} {nonce}>>>" for label, text in texts)


def draw_nonce(exhibit: Exhibit) -> str:
    """16 hex digits that depend on all that is shown, and that occur in none of it.

    An author would have to write a text that contains the hash of itself and of the other texts.
    """
    return nonce_of([text for _, text in shown(exhibit)])


def nonce_of(texts: Sequence[str]) -> str:
    """See draw_nonce."""
    whole = b"".join(len(text).to_bytes(8, "big") + text.encode("utf-8", "surrogatepass") for text in texts)
    for again in range(1_000):
        digest = blake2b(str(again).encode(), digest_size=8, key=b"juryroom fence")
        digest.update(whole)
        nonce = digest.hexdigest()
        if not any(nonce in text for text in texts):
            return nonce
    raise AssertionError("unreachable: a thousand hashes of a text within that text")


def joined_turns(turns: Sequence[str]) -> str:
    """Several turns under their numbers, one after the other; a single turn as it is."""
    return turns[0] if len(turns) == 1 else _numbered(turns)


def _numbered(turns: Sequence[str]) -> str:
    return "\n\n".join(f"[turn {number}]\n{text}" for number, text in enumerate(turns, 1))


def has_reference(exhibit: Exhibit) -> bool:
    """Whether any turn has a reference that says something."""
    return bool(joined_reference(exhibit))


def joined_reference(exhibit: Exhibit) -> str:
    """The references there are; turns without one are left out, not shown as empty. "" where none says anything."""
    said = [(number, text) for number, text in enumerate(exhibit.reference, 1) if text and text.strip()]
    if len(exhibit.turns) == 1:
        return "\n\n".join(text for _, text in said)
    return "\n\n".join(f"[turn {number}]\n{text}" for number, text in said)
