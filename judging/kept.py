"""Replies that are on record already: the same prompt to the same judge is paid for once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from judging.items import chunks, table_of
from judging.judges.base import OK, AskingEngine, Exhibit, Verdict
from judging.machines import Machine, provenance_of
from judging.models import BY_PERSON, KeptOut, Run


@dataclass(frozen=True)
class Sorted:
    """Exhibits by what is to be done: those whose verdict is on record, those to ask for, and those whose very prompt is
    asked for another exhibit just now (`again`: to be looked up once that one is on record)."""

    verdicts: list[tuple[Exhibit, Verdict]] = field(default_factory=list)
    rest: list[Exhibit] = field(default_factory=list)
    again: list[Exhibit] = field(default_factory=list)


def sort_out(run: Run, machine: Machine, exhibits: Sequence[Exhibit], *, under_way: Collection[str] = ()) -> Sorted:
    """Which of these have a reply of the run's provenance on record, under any name of the judge and in any run; `under_way`
    are the digests of prompts that were asked and not answered yet.

    Where the run is not to use such replies, and for engines that ask nobody, there are none. A kept reply is read again by
    today's parser; where it cannot be read any more it is asked for anew. One query for each 200 prompts, none where this judge
    never said anything.
    """
    engine = machine.engine
    if not isinstance(engine, AskingEngine) or not run.cache:
        return Sorted(rest=list(exhibits))
    digests = [engine.ready(exhibit) for exhibit in exhibits]
    kept = _kept(run, digests, provenance_of(run, machine))
    found = Sorted()
    seen = set(under_way)
    for exhibit, digest in zip(exhibits, digests, strict=True):
        verdict = _reread(engine, exhibit, kept[digest], digest) if digest in kept else None
        if verdict is not None:
            found.verdicts.append((exhibit, verdict))
        elif digest and digest in seen:
            found.again.append(exhibit)
        else:
            found.rest.append(exhibit)
            seen.add(digest)
    return found


def _kept(run: Run, digests: Iterable[str], provenance: str) -> dict[str, dict]:
    """Reply, reasoning, details and prompt on record for these digests, the newest of each: of a run that asks anew only its own,
    of another one none that came of asking anew."""
    wanted = list(dict.fromkeys(filter(None, digests)))
    rows = table_of(run)[0].objects.filter(status=OK, cached=False, provenance=provenance)
    rows = rows.exclude(digest="").exclude(parser=BY_PERSON)
    rows = rows.filter(run=run.pk or 0) if run.trial else rows.exclude(kept_out=KeptOut.AGAIN)
    if not wanted or not _said_anything(rows, {digest.partition(":")[0] for digest in wanted}):
        return {}
    names = ("digest", "reply", "reasoning", "details", "prompt")
    found = (row for some in chunks(wanted) for row in rows.filter(digest__in=some).order_by("pk").values(*names))
    return {row["digest"]: row for row in found}


def _said_anything(rows, judges: Iterable[str]) -> bool:
    """Whether there is any reply of these judges, told by the first half of a digest."""
    return any(rows.filter(digest__gt=f"{judge}:", digest__lt=f"{judge};").exists() for judge in judges)


def _reread(engine: AskingEngine, exhibit: Exhibit, row: dict, digest: str) -> Verdict | None:
    """The verdict of a kept reply, at no cost; None where it can no longer be read."""
    verdict = engine.reread(exhibit, reply=row["reply"], details=row["details"])
    if verdict.status != OK:
        return None
    told = {"reply": row["reply"], "reasoning": row["reasoning"], "prompt": tuple(row["prompt"]), "digest": digest}
    return replace(verdict, cached=True, asked=0, tokens_in=None, tokens_out=None, seconds=0.0, **told)
