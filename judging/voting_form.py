"""How people vote in a run, as a form: part of setting a run up, and the page on which an open run's settings are changed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from judging import voting
from judging.models import Assignment, Run
from judging.voting import BETWEEN, MOST_VOTES, BadVoting, Voting

BALLOTS = {
    voting.FOUR: _("A is better, B is better, tie, both bad"),
    voting.FIVE: _("the same, with “much better” on either side"),
    voting.DIMENSIONS: _("each dimension of the rubric, then overall"),
}
REASONS = {
    "wrong_fact": _("wrong fact"),
    "made_up": _("made up"),
    "unsafe": _("unsafe"),
    "off_topic": _("off topic"),
    "style": _("style"),
}
NOTES = {
    voting.OPTIONAL: _("optional"),
    voting.REQUIRED: _("required with every vote"),
    voting.ON_FLAG: _("required when an item is flagged"),
}
LEAKS = {
    voting.MARK: _("keep the vote out of ratings"),
    voting.MASK: _("cover the name on the ballot"),
    voting.IGNORE: _("do nothing"),
}
OPEN_TO = {
    voting.ANNOTATORS: _("every annotator"),
    voting.INVITED: _("only those invited to this run"),
    voting.GUESTS: _("also anybody who has its link"),
}
ANOTHER_BALLOT = _("People have voted on this ballot already: another one is another run.")


def _number(name: str, label: Any, help_text: Any) -> forms.IntegerField:
    low, high = BETWEEN[name]
    return forms.IntegerField(label=label, min_value=low, max_value=high, required=False, help_text=help_text)


class VotingFields(forms.Form):
    """The settings of `Voting`, one field each; `voting` is what they come to once the form is cleaned.

    A form that was posted without them, as by a script, leaves them as they were at first.
    """

    at_first = Voting()
    voting = Voting()

    overlap = forms.IntegerField(
        label=_("Votes on each item"),
        min_value=1,
        max_value=MOST_VOTES,
        required=False,
        help_text=_("How many people see the same pair or answer; 3 where you leave this empty."),
    )
    third = forms.BooleanField(
        label=_("Ask a third person only where two disagree"),
        required=False,
        help_text=_("Two people see each item at first; where they decide against each other, as many as stand above."),
    )
    ballot = forms.ChoiceField(
        label=_("Ballot"),
        choices=BALLOTS.items(),
        required=False,
        help_text=_(
            "For pairs. A single answer gets a mark for each dimension of the rubric, whatever is chosen here."
        ),
    )
    reasons = forms.MultipleChoiceField(
        label=_("Reasons offered with a vote"),
        choices=REASONS.items(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("One press each; nobody has to give one."),
    )
    note = forms.ChoiceField(
        label=_("Note"), choices=NOTES.items(), required=False, help_text=_("A few words in the person's own language.")
    )
    confirm = forms.BooleanField(
        label=_("A choice counts when it is pressed again"),
        required=False,
        help_text=_("Slower, and safer against slips of the finger; votes can be taken back either way."),
    )
    leaks = forms.ChoiceField(
        label=_("An answer that gives its maker away"),
        choices=LEAKS.items(),
        required=False,
        help_text=_("A vote on an answer that says who wrote it is not blind."),
    )
    open_to = forms.ChoiceField(
        label=_("Who may vote"),
        choices=OPEN_TO.items(),
        required=False,
        help_text=_("People are invited on the run's page for people."),
    )
    per_day = _number("per_day", _("Votes of one person a day"), _("The most; 0 for any number."))
    per_person = _number("per_person", _("Votes of one person in all"), _("The most in this run; 0 for any number."))
    per_language = forms.CharField(
        label=_("Votes of one person in a language"),
        max_length=400,
        required=False,
        help_text=_("The most on questions in it, like zh: 50, en: 200; any number in a language that is not named."),
    )
    practice = _number(
        "practice",
        _("Items of practice first"),
        _("With the right verdict shown after each, from the run's gold items for practice; 0 for no practice."),
    )
    pass_mark = forms.FloatField(
        label=_("Pass mark of practice"),
        min_value=0,
        max_value=1,
        required=False,
        help_text=_("The share of practice items to get right, from 0 to 1."),
    )
    gold_every = _number(
        "gold_every",
        _("A gold item after so many votes"),
        _("An item whose true verdict is known, not to be told from others; 0 for none."),
    )
    repeat_every = _number(
        "repeat_every",
        _("A hidden repeat after so many votes"),
        _("An item that the person judged at least 20 items before, with sides changed; 0 for none."),
    )
    urgent = forms.BooleanField(
        label=_("Once all items are covered, ask first where a vote tells most"),
        required=False,
        help_text=_("Where machine judges or people disagree, or the interval of the two models is wide."),
    )

    @property
    def folded(self) -> list[forms.BoundField]:
        """The fields but the first, in the order in which they are shown."""
        return [self[name] for name in NAMES if name != "overlap"]

    @property
    def is_unfolded(self) -> bool:
        """Whether something in the fold is wrong, so that it must be seen."""
        return bool(set(self.errors) & set(NAMES[1:]))

    def clean_per_language(self) -> dict[str, Any]:
        """The numbers by language; what is no number stays as it is, for `Voting` to refuse."""
        text = self.cleaned_data["per_language"].replace("，", ",").replace("：", ":")
        pairs = [part.partition(":") for part in text.split(",") if part.strip()]
        return {name.strip(): int(most) if most.strip().isdecimal() else most for name, _colon, most in pairs}

    def clean_voting(self, cleaned: dict[str, Any]) -> None:
        """Find out what the settings come to; what is wrong with them is told at its field."""
        if "ballot" not in self.data:
            self.voting = replace(self.at_first, overlap=cleaned.get("overlap") or self.at_first.overlap)
            return
        told = {name: cleaned[name] for name in NAMES if cleaned.get(name) not in (None, "")}
        try:
            self.voting = Voting.of_data(told)
        except BadVoting as bad:
            for name, sentence in bad.errors.items():
                self.add_error(name, sentence)

    def check_ballot(self, rubric: Any, *, is_single: bool) -> None:
        """A ballot by dimensions needs a rubric that has some."""
        if self.voting.ballot == voting.DIMENSIONS and not is_single and rubric and not rubric.dimensions:
            self.add_error("ballot", _("This rubric has no dimensions to vote on: choose another ballot or rubric."))


NAMES = tuple(VotingFields.base_fields)


def as_initial(settings: Voting) -> dict[str, Any]:
    """What a form starts from for these settings."""
    told = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return told | {"reasons": list(settings.reasons), "per_language": _by_language(settings)}


def _by_language(settings: Voting) -> str:
    return ", ".join(f"{language}: {most}" for language, most in settings.per_language.items())


def in_words(settings: Voting, *, is_single: bool = False) -> list[tuple[str, str]]:
    """The settings as a reader sees them: (label, words), without what is switched off."""
    said = VotingFields.base_fields
    told: list[tuple[str, str]] = []
    if not is_single:
        told.append(("ballot", str(BALLOTS[settings.ballot])))
    told.append(("third" if settings.third else "overlap", _seen_by(settings)))
    told.append(("reasons", gettext(", ").join(str(REASONS[one]) for one in settings.reasons) or gettext("none")))
    told += [("note", str(NOTES[settings.note])), ("leaks", str(LEAKS[settings.leaks]))]
    told.append(("open_to", str(OPEN_TO[settings.open_to])))
    numbers = ("per_day", "per_person", "practice", "gold_every", "repeat_every")
    told += [(name, str(getattr(settings, name))) for name in numbers if getattr(settings, name)]
    if settings.per_language:
        told.append(("per_language", _by_language(settings)))
    if settings.practice:
        told.append(("pass_mark", f"{settings.pass_mark:g}"))
    told += [(name, gettext("yes")) for name in ("confirm", "urgent") if getattr(settings, name)]
    return [(str(said[name].label), words) for name, words in told]


def _seen_by(settings: Voting) -> str:
    if settings.third:
        return gettext("two people, %(n)d where they disagree") % {"n": settings.overlap}
    return str(settings.overlap)


class VotingForm(VotingFields):
    """The settings of a run that is there. What kind of ballot it is stays as it is once somebody has voted."""

    def __init__(self, data: Any = None, *, run: Run):
        self.run = run
        self.at_first = self.voting = Voting.of(run)
        super().__init__(data, initial=as_initial(self.at_first))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.clean_voting(cleaned)
        self.check_ballot(self.run.rubric, is_single=self.run.is_single)
        if self.voting.ballot != self.at_first.ballot and has_votes(self.run):
            self.add_error("ballot", ANOTHER_BALLOT)
        return cleaned


def has_votes(run: Run) -> bool:
    """Whether anybody has voted in the run, in practice too. Two queries at most."""
    judged = run.grades if run.is_single else run.preferences
    done = run.assignments.filter(status=Assignment.Status.DONE)
    return done.exists() or judged.filter(judge__kind="person").exists()
