"""What the log keeps of an act, in words: a label for each fact, and its value as pages say it, with names where ids are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from arena.models import Answer, Battle
from judging.ballots import flag_causes, skip_causes
from judging.exporting import FORMATS
from judging.gold_form import RIGHT
from judging.golding import VERDICTS
from judging.models import Assignment, AuditEntry, Comment, Invitation, Judge, Role, Run, Status, Webhook
from judging.models.people import PRACTICE_NOT_PASSED
from judging.voting_form import VotingFields
from judging.webhook_form import WebhookForm

MOST_LISTED = 20  # things named one by one of a fact that lists more

Details = list[tuple[str, str]]


@dataclass
class Names:
    """What the ids in a page of the log stand for, as far as it is still there."""

    battles: Mapping[int, str] = field(default_factory=dict)
    answers: Mapping[int, str] = field(default_factory=dict)
    seats: Mapping[str, str] = field(default_factory=dict)
    judges: Mapping[int, str] = field(default_factory=dict)
    runs: Mapping[int, str] = field(default_factory=dict)
    comments: Mapping[int, str] = field(default_factory=dict)
    invitations: Mapping[int, str] = field(default_factory=dict)


def details(entries: Sequence[AuditEntry]) -> list[Details]:
    """The facts of each entry as (label, words), in their order; one that has no words yet as it is kept.

    What says nothing, such as an empty reason, is left out. The entries have their run loaded. At most one query for each
    kind of id that is met.
    """
    names = _names(entries)
    return [_told(entry, names) for entry in entries]


def _told(entry: AuditEntry, names: Names) -> Details:
    told = []
    for name, value in _facts(entry).items():
        label, say = WORDS.get(f"{entry.act}.{name}") or WORDS.get(name) or (name, _as_kept)
        if value not in ("", [], {}):
            told.append((str(label), _said(say, value, entry, names)))
    return told


def _said(say: Callable[[Any, AuditEntry, Names], str], value: Any, entry: AuditEntry, names: Names) -> str:
    """A fact in words; one of another shape than today's as it is kept, for a log is never shut by what stands in it."""
    try:
        return say(value, entry, names)
    except (AttributeError, KeyError, TypeError, ValueError):
        return _as_kept(value, entry, names)


def _facts(entry: AuditEntry) -> dict[str, Any]:
    """The facts, of which the two ends of a right vote are one."""
    facts = dict(entry.facts)
    if facts.keys() >= {"lowest", "highest"}:
        facts["right"] = [facts.pop("lowest"), facts.pop("highest")]
    return facts


# What ids stand for


def _names(entries: Sequence[AuditEntry]) -> Names:
    def kept(name: str, kind: type) -> list[Any]:
        return [value for entry in entries if type(value := entry.facts.get(name)) is kind]

    seats = _seats(kept("seat", str))
    battles, answers = set(kept("battle", int)), set(kept("answer", int))
    for entry in entries:
        if entry.run:
            (answers if entry.run.is_single else battles).update(_gold_items(entry))
    return Names(
        battles=_titles(Battle, battles),
        answers=_titles(Answer, answers),
        seats=seats,
        judges=_strings(Judge, kept("judge", int)),
        runs=_strings(Run, kept("like", int)),
        comments=_strings(Comment, kept("comment", int)),
        invitations=dict(_rows(Invitation, kept("invitation", int)).exclude(note="").values_list("pk", "note")),
    )


def _gold_items(entry: AuditEntry) -> Iterable[int]:
    if entry.act == "gold_added":
        return [one["item"] for one in entry.facts.get("items", [])[:MOST_LISTED]]
    return [entry.facts["item"]] if entry.act == "gold_removed" else []


def _rows(table: Any, pks: Iterable[int]) -> Any:
    return table.objects.filter(pk__in=set(pks))


def _strings(table: Any, pks: Iterable[int]) -> dict[int, str]:
    return {row.pk: str(row) for row in _rows(table, pks)}


def _titles(table: type[Battle] | type[Answer], pks: Iterable[int]) -> dict[int, str]:
    """Titles of the questions of these battles or answers, by id."""
    rows = _rows(table, pks).select_related("question").only("question__turns", "question__key")
    return {row.pk: row.question.title for row in rows}


def _seats(tokens: Iterable[str]) -> dict[str, str]:
    """Titles of the questions of these seats, by token."""
    texts = ("turns", "key")
    columns = [f"{item}__question__{text}" for item in ("battle", "answer") for text in texts]
    related = [f"{item}__question" for item in ("battle", "answer")]
    seats = Assignment.objects.filter(token__in=[token for token in set(tokens) if _is_token(token)])
    rows = seats.select_related(*related).only("token", *columns)
    return {str(seat.token): (seat.battle or seat.answer).question.title for seat in rows}


def _is_token(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


# Values in words

Say = Callable[[Any, AuditEntry, Names], str]


def _as_kept(value: Any, _entry: AuditEntry, _names: Names) -> str:
    """A text or number as it is; what is or is not, and nothing, in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _("none") if value is None else str(value)


def _of(labels: Callable[[], Mapping[str, Any]]) -> Say:
    """One of these words by its label."""
    return lambda value, _entry, _names: str(labels().get(value, value))


def _named(kind: str) -> Say:
    """A name in place of an id: the id where there is none any more."""
    return lambda value, _entry, names: getattr(names, kind).get(value, str(value))


def _share(value: float, _entry: AuditEntry, _names: Names) -> str:
    return f"{100 * value:.0f}%"


def _number(value: float, _entry: AuditEntry, _names: Names) -> str:
    return f"{value:.6g}"


def _battle(value: int, _entry: AuditEntry, names: Names) -> str:
    return _("battle %(pk)s: %(title)s") % {"pk": value, "title": names.battles.get(value, "—")}


def _answer(value: int, _entry: AuditEntry, names: Names) -> str:
    return _("answer %(pk)s: %(title)s") % {"pk": value, "title": names.answers.get(value, "—")}


def _item(value: int, entry: AuditEntry, names: Names) -> str:
    """An item of the entry's run, as it is kept where the run is gone."""
    if entry.run is None:
        return str(value)
    return (_answer if entry.run.is_single else _battle)(value, entry, names)


def _right(value: Sequence[float], entry: AuditEntry, _names: Names) -> str:
    """What a right vote is, in the words of the form for gold items."""
    low, high = value
    if entry.run and not entry.run.is_single:
        for word, ends in VERDICTS.items():
            if ends == (low, high):
                return str(dict(RIGHT)[word])
        return _("from %(lowest)g to %(highest)g towards the first answer") % {"lowest": low, "highest": high}
    return _("a mark from %(lowest)g to %(highest)g") % {"lowest": low, "highest": high}


def _gold(value: Sequence[Mapping[str, Any]], entry: AuditEntry, names: Names) -> str:
    told = []
    for one in value[:MOST_LISTED]:
        right = _right([one["lowest"], one["highest"]], entry, names)
        shown = _("in practice") if one.get("practice") else _("silently")
        told.append(f"{_item(one['item'], entry, names)} → {right} ({shown})")
    return _listed(told, len(value))


def _members(value: Sequence[Mapping[str, Any]], _entry: AuditEntry, _names: Names) -> str:
    told = [f"{one['judge']} {one['weight']:.2f} ({100 * one['agreement']:.0f}%, n = {one['n']})" for one in value]
    return _listed(told, len(told))


def _listed(told: Sequence[str], n: int) -> str:
    """These in a row, and how many more there are of `n`."""
    shown = list(told[:MOST_LISTED])
    more = [_("%(n)d more") % {"n": n - len(shown)}] if n > len(shown) else []
    return "; ".join(shown + more)


def _cause(value: str, entry: AuditEntry, _names: Names) -> str:
    """Why somebody skipped or flagged an item, or what failed, by its label."""
    if entry.act == "run_retried":
        labels = dict(Status.choices)
    else:
        labels = dict(skip_causes() if entry.facts.get("status") == Assignment.Status.SKIPPED else flag_causes())
    return str(labels.get(value, value))


def _paused_why(value: str, _entry: AuditEntry, _names: Names) -> str:
    return _("The practice round was not passed.") if value == PRACTICE_NOT_PASSED else value


def _settings(value: Mapping[str, Sequence[Any]], _entry: AuditEntry, _names: Names) -> str:
    """Each setting of a vote that changed: what it was and what it is now."""
    told = []
    for name, (was, now) in value.items():
        asked = VotingFields.base_fields.get(name)
        label = asked.label if asked else name
        told.append(f"{label}{pgettext('after a name', ': ')}{_chosen(asked, was)} → {_chosen(asked, now)}")
    return _listed(told, len(told))


def _chosen(asked: forms.Field | None, value: Any) -> str:
    """What was set in a field, by the labels of its choices."""
    labels = dict(getattr(asked, "choices", ()))
    if isinstance(value, list):
        return pgettext("between names", ", ").join(str(labels.get(one, one)) for one in value) or _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _("none") if value in ("", None) else str(labels.get(value, value))


def _fields(value: Sequence[str], _entry: AuditEntry, _names: Names) -> str:
    """The fields of a webhook by their labels."""
    known = WebhookForm.base_fields
    return pgettext("between names", ", ").join(str(known[name].label) if name in known else name for name in value)


def _sources() -> dict[str, str]:
    return {"page": _("on the page"), "file": _("by a file")}


def _formats() -> dict[str, Promise]:
    return {name: form.title for name, form in FORMATS.items()}


ITEM, JUDGMENT = gettext_lazy("Item"), gettext_lazy("Judgment")
WORDS: dict[str, tuple[str | Promise, Say]] = {
    "seat": (ITEM, _named("seats")),
    "battle": (ITEM, _battle),
    "answer": (ITEM, _answer),
    "item": (ITEM, _item),
    "gold_added.items": (gettext_lazy("Gold items"), _gold),
    "items": (gettext_lazy("Items"), _as_kept),
    "lowest": (gettext_lazy("Lowest"), _as_kept),
    "highest": (gettext_lazy("Highest"), _as_kept),
    "right": (gettext_lazy("What is right"), _right),
    "source": (gettext_lazy("Told"), _of(_sources)),
    "status": (gettext_lazy("It was"), _of(lambda: dict(Assignment.Status.choices))),
    "run_retried.cause": (gettext_lazy("Cause"), _cause),
    "cause": (gettext_lazy("Why"), _cause),
    "reason": (gettext_lazy("In own words"), _as_kept),
    "why": (gettext_lazy("Why"), _paused_why),
    "saw_votes": (gettext_lazy("Saw the votes first"), _as_kept),
    "comment": (gettext_lazy("Comment"), _named("comments")),
    "invitation": (gettext_lazy("Invitation"), _named("invitations")),
    "role": (gettext_lazy("As"), _of(lambda: dict(Role.choices))),
    "person": (gettext_lazy("Whom"), _as_kept),
    "address": (gettext_lazy("From the address"), _as_kept),
    "name": (gettext_lazy("Name"), _as_kept),
    "judge": (gettext_lazy("Judge"), _named("judges")),
    "benchmark": (gettext_lazy("Benchmark"), _as_kept),
    "members": (gettext_lazy("What each member is worth"), _members),
    "band": (gettext_lazy("Tie band"), _number),
    "band_before": (gettext_lazy("Tie band before"), _number),
    "n": (gettext_lazy("Battles that people judged too"), _as_kept),
    "n_ties": (gettext_lazy("Of them ties to most people"), _as_kept),
    "judge_learnt.before": (gettext_lazy("Agreement with people before"), _share),
    "judge_learnt.after": (gettext_lazy("Agreement with people after"), _share),
    "before": (gettext_lazy("Before"), _as_kept),
    "now": (gettext_lazy("Now"), _as_kept),
    "like": (gettext_lazy("Like the run"), _named("runs")),
    "questions": (gettext_lazy("Questions"), _as_kept),
    "judgments": (gettext_lazy("Judgments"), _as_kept),
    "judgment": (JUDGMENT, _as_kept),
    "read_from": (gettext_lazy("Made of judgment"), _as_kept),
    "format": (gettext_lazy("Format"), _of(_formats)),
    "names": (gettext_lazy("With people’s names"), _as_kept),
    "written": (gettext_lazy("Written"), _as_kept),
    "kind": (gettext_lazy("Kind"), _of(lambda: dict(Webhook.Kind.choices))),
    "voting_changed.changed": (gettext_lazy("What changed"), _settings),
    "changed": (gettext_lazy("What changed"), _fields),
}
"""Each fact's label and how its value is said; "act.fact" where it means something else in one act."""
