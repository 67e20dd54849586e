"""How people vote in a run: set up, told in words, changed while it is open; the run closed and opened again; recipes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from arena.loading import BadInput
from judging import opening
from judging.assignment import cast, leave, next_seat, open_seats
from judging.judges.base import Verdict
from judging.models import AuditEntry, Rubric, Run, VotingItem
from judging.progress import progress
from judging.recipes import recipe_of
from judging.voting import BadVoting, Voting
from judging.voting_form import NAMES, VotingFields, in_words
from rating import evaluating
from tests.judging import recorded as make
from tests.judging.voting import judge, open_run

pytestmark = pytest.mark.django_db
PLAIN = {
    "overlap": 3, "ballot": "four", "reasons": ["wrong_fact", "made_up", "unsafe", "off_topic", "style"],
    "note": "optional", "leaks": "mark", "open_to": "annotators", "per_day": 0, "per_person": 0, "practice": 0,
    "per_language": "", "pass_mark": 0.6, "gold_every": 0, "repeat_every": 0, "urgent": "on",
}  # fmt: skip
OTHER = {
    "overlap": 5, "third": "on", "ballot": "five", "reasons": ["style"], "note": "on_flag", "confirm": "on", "leaks": "mask",
    "open_to": "invited", "per_day": 40, "per_person": 200, "practice": 8, "pass_mark": 0.75, "gold_every": 15,
    "repeat_every": 30, "per_language": "zh：50， en: 200",
}  # fmt: skip


@pytest.fixture
def lead(client):
    client.user = make.person("lena", "lead")
    client.force_login(client.user)
    return client


def posted(**fields) -> dict:
    """A filled-in form of a run for people, and the pairs that it needs."""
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=2)
    models = [make.model(name).pk for name in ("Ash", "Birch")]
    about = {"name": "by people", "benchmark": benchmark.pk, "mode": "pairwise", "candidates": models, "people": "on"}
    return {**about, "rubric": make.rubric().pk, **fields}


def vote(run: Run, by=None, **fields):
    seat = open_seats().get(pk=next_seat(run, by or judge()).pk)
    return cast(seat, Verdict("ok", value=1.0, **fields))


# --- setting a run up


def test_the_form_has_every_setting_and_no_other():
    assert set(NAMES) == set(Voting.__dataclass_fields__)


def test_the_empty_form_starts_from_the_defaults_and_folds_them_away(lead):
    page = lead.get(reverse("run_new"))
    assert '<details class="details field-voting">' in page.text and "How people vote" in page.text
    assert all(f'name="{name}"' in page.text for name in NAMES)
    lead.post(reverse("run_new"), posted(**PLAIN))
    run = Run.objects.get()
    assert (run.voting, run.limits, Voting.of(run)) == ({}, {"overlap": 3}, Voting())


def test_what_is_set_is_what_the_run_has(lead):
    lead.post(reverse("run_new"), posted(**OTHER))
    run = Run.objects.get()
    assert Voting.of(run) == Voting(
        ballot="five", reasons=("style",), note="on_flag", confirm=True, leaks="mask", overlap=5, third=True,
        open_to="invited", per_day=40, per_person=200, practice=8, pass_mark=0.75, gold_every=15, repeat_every=30, urgent=False,
        per_language={"zh": 50, "en": 200},
    )  # fmt: skip
    assert run.recipe["voting"] == run.voting and AuditEntry.objects.get().act == "run_opened"


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"ballot": "six"}, "ballot", "six is not one of the available choices"),
        ({"reasons": ["boring"]}, "reasons", "boring is not one of the available choices"),
        ({"gold_every": -1}, "gold_every", "greater than or equal to 0"),
        ({"practice": 51}, "practice", "less than or equal to 50"),
        ({"pass_mark": 1.5}, "pass_mark", "less than or equal to 1"),
        ({"third": "on", "overlap": 2}, "overlap", "at least 3 votes"),
        ({"ballot": "dimensions"}, "ballot", "no dimensions"),
        ({"overlap": 101}, "overlap", "less than or equal to 100"),
        ({"per_language": "zh"}, "per_language", "like zh: 50"),
        ({"per_language": "zh: 0"}, "per_language", "like zh: 50"),
        ({"per_language": "zh: few, en: 3"}, "per_language", "like zh: 50"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_the_fold_is_open(lead, fields, field, sentence):
    answer = lead.post(reverse("run_new"), posted(**PLAIN | fields))
    assert answer.status_code == 422 and not Run.objects.exists()
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert ('<details class="details field-voting" open>' in answer.text) is (field != "overlap")


def test_settings_of_votes_do_not_stand_in_the_way_of_a_machines_run(lead, monkeypatch):
    monkeypatch.setattr("judging.calling.call", lambda run: None)
    fields = posted(**PLAIN | {"gold_every": -1}) | {"judges": [make.judge("rules").pk]}
    del fields["people"]
    lead.post(reverse("run_new"), fields)
    run = Run.objects.get()
    assert (run.status, run.voting, run.limits) == ("queued", {}, {})


def test_a_third_on_disagreement_asks_for_two_votes_an_item_at_first(lead):
    page = lead.post(reverse("run_new"), {**posted(**PLAIN | {"third": "on"}), "check": "1"})
    assert page.context["estimate"].votes == 4


def test_a_ballot_by_dimensions_takes_a_rubric_that_has_them(lead):
    rubric = Rubric.objects.create(name="full", dimensions=[{"key": "right", "weight": 1, "name_en": "Right"}])
    lead.post(reverse("run_new"), posted(**PLAIN | {"ballot": "dimensions"}) | {"rubric": rubric.pk})
    assert Run.objects.get().voting == {"ballot": "dimensions"}


# --- told in words


def test_the_runs_page_tells_the_settings_in_words(lead):
    run = open_run(voting={"ballot": "five", "gold_every": 15}, limits={"overlap": 2})
    page = lead.get(reverse("run", args=[run.pk])).text
    assert "the same, with “much better” on either side" in page and "A gold item after so many votes" in page
    assert reverse("run_voting", args=[run.pk]) in page


def test_what_is_switched_off_is_not_told():
    told = dict(in_words(Voting(urgent=False)))
    assert "Votes of one person a day" not in told and told["Note"] == "optional"
    assert "two people, 3 where they disagree" in dict(in_words(Voting(third=True))).values()
    assert "Ballot" not in dict(in_words(Voting(), is_single=True))


def test_a_machines_run_tells_nothing_of_votes(lead):
    run = make.run(make.benchmark(), judges=[make.judge()])
    page = lead.get(reverse("run", args=[run.pk]))
    assert page.context["voting"] == [] and "Open for votes" not in page.text and page.context["people"] is None


# --- changed while it is open


def test_a_lead_changes_an_open_run_and_its_items_want_as_many(lead):
    run = open_run(limits={"overlap": 3, "questions": 9})
    vote(run)
    assert lead.get(reverse("run_voting", args=[run.pk])).status_code == 200
    lead.post(reverse("run_voting", args=[run.pk]), PLAIN | {"overlap": 5, "gold_every": 20, "note": "required"})
    run.refresh_from_db()
    assert run.limits == {"overlap": 5, "questions": 9}
    assert run.voting == {"gold_every": 20, "note": "required"}
    assert set(VotingItem.objects.values_list("wanted", flat=True)) == {5}
    entry = AuditEntry.objects.get(act="voting_changed")
    assert entry.actor == lead.user
    assert entry.facts["changed"] == {"overlap": [3, 5], "gold_every": [0, 20], "note": ["optional", "required"]}


def test_the_ballot_stays_what_it_is_once_somebody_has_voted(lead):
    run = open_run()
    address = reverse("run_voting", args=[run.pk])
    lead.post(address, PLAIN | {"ballot": "five"})
    run.refresh_from_db()
    assert run.voting == {"ballot": "five"}
    vote(run)
    answer = lead.post(address, PLAIN | {"overlap": 4})
    assert answer.status_code == 422 and "another one is another run" in answer.text
    run.refresh_from_db()
    assert run.voting == {"ballot": "five"} and run.limits["overlap"] == 3
    with pytest.raises(BadVoting, match="another run"):
        opening.change(run, Voting())
    assert lead.post(address, PLAIN | {"ballot": "five", "overlap": 4}).status_code == 302


def test_a_run_that_asks_no_more_for_the_urgent_first_forgets_what_was_urgent(lead):
    run = open_run()
    VotingItem.objects.update(urgency=1.5)
    lead.post(reverse("run_voting", args=[run.pk]), {name: value for name, value in PLAIN.items() if name != "urgent"})
    run.refresh_from_db()
    assert run.voting == {"urgent": False} and set(VotingItem.objects.values_list("urgency", flat=True)) == {0.0}


def test_nothing_changed_is_nothing_on_the_log(lead):
    run = open_run()
    assert "Nothing was changed" in lead.post(reverse("run_voting", args=[run.pk]), PLAIN, follow=True).text
    assert not AuditEntry.objects.exists()


def test_only_leads_see_and_change_the_settings(client):
    run = open_run()
    address = reverse("run_voting", args=[run.pk])
    client.force_login(make.person("anna", "annotator"))
    assert (client.get(address).status_code, client.post(address, OTHER).status_code) == (403, 403)
    assert Client().get(address).headers["Location"].startswith(reverse("login"))
    run.refresh_from_db()
    assert run.voting == {}


# --- closed and opened


def test_a_run_is_closed_and_opened_again_and_both_are_on_the_log(lead):
    run = open_run()
    vote(run)
    assert "Close for votes" in lead.get(reverse("run", args=[run.pk])).text
    lead.post(reverse("run_close", args=[run.pk]))
    run.refresh_from_db()
    assert (run.status, bool(run.finished_at)) == ("done", True)
    assert "Open for votes" in lead.get(reverse("run", args=[run.pk])).text
    lead.post(reverse("run_open", args=[run.pk]))
    run.refresh_from_db()
    assert (run.status, run.finished_at, run.preferences.count()) == ("open", None, 1)
    assert [(entry.act, entry.actor) for entry in AuditEntry.objects.order_by("pk")] == [
        ("run_closed", lead.user),
        ("run_opened", lead.user),
    ]


def test_a_machines_run_is_neither_opened_nor_closed_for_votes(lead):
    run = make.run(make.benchmark(), judges=[make.judge()])
    assert "Machines judge in this run" in lead.post(reverse("run_open", args=[run.pk]), follow=True).text
    assert "was not open" in lead.post(reverse("run_close", args=[run.pk]), follow=True).text
    run.refresh_from_db()
    assert run.status == "done" and not AuditEntry.objects.exists()


def test_a_run_whose_votes_were_given_elsewhere_is_not_opened_for_more_of_them(lead):
    run = open_run(provenance="imported")
    Run.objects.update(status="done")
    page = lead.get(reverse("run", args=[run.pk])).text
    assert "Duplicate" in page and "Open for votes" not in page and "Change how people vote" not in page
    for answer in (
        lead.post(reverse("run_open", args=[run.pk]), follow=True),
        lead.post(reverse("run_voting", args=[run.pk]), OTHER, follow=True),
    ):
        assert "were made elsewhere" in answer.text
    run.refresh_from_db()
    assert (run.status, run.voting) == ("done", {}) and not AuditEntry.objects.exists()


# --- how far people are


def test_the_progress_of_people_is_that_of_the_items(lead):
    run = open_run(questions=3, limits={"overlap": 2})
    ann, bob = judge("ann"), judge("bob")
    vote(run, ann)
    for _ in range(2):
        vote(run, bob)
    leave(next_seat(run, ann), "flagged", cause="question", reason="cut off")
    VotingItem.objects.filter(done=0).update(is_out=True)
    counts = VotingItem.objects.filter(is_out=False)
    kept_out = run.preferences.order_by("pk").first()
    run.preferences.filter(pk=kept_out.pk).update(kept_out="leak")
    now = progress(run)
    assert (now.people.items, now.people.votes, now.people.wanted) == (counts.count(), 3, 2 * counts.count())
    assert (now.people.out, now.people.flagged, now.people.kept_out) == (3 - counts.count(), 1, {"leak": 1})
    assert (now.lines[0].done, now.lines[0].total) == (3, 2 * counts.count())
    page = lead.get(reverse("run_fragment", args=[run.pk])).text
    assert "Kept out of ratings: an answer names its maker" in page and "Items covered" in page


@pytest.mark.parametrize("questions", [2, 40])
def test_the_fragment_of_peoples_run_takes_the_same_queries_for_any_size(
    lead, django_assert_max_num_queries, questions
):
    run = open_run(questions=questions)
    with django_assert_max_num_queries(21):
        lead.get(reverse("run_fragment", args=[run.pk]))


# --- recipes


def config(tmp_path: Path, **fields) -> dict:
    (tmp_path / "q.jsonl").write_text('{"key": "q1", "category": "cooking", "turns": ["How long does an egg boil?"]}\n')
    models = []
    for name in ("Ash", "Birch"):
        (tmp_path / f"{name}.jsonl").write_text('{"question": "q1", "turns": ["Six minutes."]}\n')
        models.append({"name": name, "version": "1", "vendor": "N", "answers": str(tmp_path / f"{name}.jsonl")})
    benchmark = {"name": "pantry", "questions": str(tmp_path / "q.jsonl")}
    return {"name": "eggs", "mode": "pairwise", "benchmark": benchmark, "models": models, **fields}


def test_a_recipe_with_voting_opens_the_run_for_people_and_again_leaves_it_open(tmp_path):
    make.category()
    wanted = config(tmp_path, voting={"ballot": "five", "overlap": 2, "reasons": ["style"], "per_language": {"en": 40}})
    run = evaluating.run(wanted).run
    assert (run.status, run.limits["overlap"]) == ("open", 2)
    assert Voting.of(run) == Voting(ballot="five", overlap=2, reasons=("style",), per_language={"en": 40})
    assert run.recipe["voting"]["ballot"] == "five" and AuditEntry.objects.filter(act="run_opened").count() == 1
    again = evaluating.run(wanted).run
    assert (again.pk, again.status) == (run.pk, "open")


def test_a_recipe_without_voting_says_nothing_of_it(tmp_path):
    recipe = recipe_of(config(tmp_path, judges=[{"kind": "rule"}]))
    assert recipe.voting is None and "voting" not in recipe.as_json()


@pytest.mark.parametrize(
    ("voting", "problem"),
    [
        ({"ballott": "four"}, "voting.ballott: There is no such setting."),
        ({"ballot": "six"}, "voting.ballot: One of these is meant: four, five, dimensions"),
        ({"overlap": 0}, "voting.overlap: A whole number from 1 to 100 is meant."),
        ({"overlap": "many"}, "voting.overlap: is text, not a whole number"),
        ({"confirm": 1}, "voting.confirm: is a whole number, not true or false"),
        ({"reasons": ["boring"]}, "voting.reasons: Some of these are meant"),
        ({"per_language": {"zh": -1}}, "voting.per_language: Languages with a number from 1 to 1000000 each are meant"),
        ({"pass_mark": 2}, "voting.pass_mark: A share from 0 to 1 is meant."),
        ([1], "voting: is not a section"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_told_with_its_path(tmp_path, voting, problem):
    with pytest.raises(BadInput) as told:
        recipe_of(config(tmp_path, voting=voting))
    assert problem in str(told.value)


def test_people_and_machines_are_two_runs(tmp_path):
    with pytest.raises(BadInput, match="this one has judges"):
        recipe_of(config(tmp_path, voting={}, judges=[{"kind": "rule"}]))


def test_the_labels_are_words_and_not_names():
    with translation.override("en"):
        assert all(str(field.label) and "_" not in str(field.label) for field in VotingFields.base_fields.values())
