"""Ballots of every kind a run may ask for: what they show, what they record, and what they refuse."""

from __future__ import annotations

import re

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from judging import ballots, reading_ballots
from judging.assignment import judge_of, next_seat, open_seats
from judging.models import Assignment, Grade, Preference, Run
from judging.reading_ballots import Unreadable
from judging.voting import BadVoting, Voting
from tests.judging import voting
from tests.judging.voting import seat_in_hand

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
POINTS = {
    "base": 8,
    "floor": 1,
    "cap": 10,
    "deductions": [{"key": "invented", "points": 2, "quoted": True, "name_en": "Invented"}],
    "bonuses": [{"key": "extra", "points": 1, "quoted": False, "name_en": "Extra"}],
}


@pytest.fixture
def ann():
    return voting.person("ann")


@pytest.fixture
def client(ann):
    client = Client()
    client.force_login(ann)
    return client


def opened(client, run: Run, ann) -> Assignment:
    client.get(reverse("ballot", args=[run.pk]))
    return seat_in_hand(run, ann)


def cast(client, seat: Assignment, **post):
    return client.post(reverse("cast", args=[seat.token]), post, **HTMX)


@pytest.mark.parametrize(
    ("choice", "value", "both_bad"),
    [("a2", 2, False), ("a", 1, False), ("tie", 0, False), ("b", -1, False), ("b2", -2, False), ("bad", 0, True)],
)
def test_five_steps_and_both_bad_are_recorded_towards_what_was_shown_first(client, ann, choice, value, both_bad):
    run = voting.open_run(voting={"ballot": "five"})
    seat = opened(client, run, ann)
    cast(client, seat, choice=choice)
    vote = Preference.objects.get()
    assert (vote.value_shown, vote.both_bad) == (value, both_bad)


def test_a_ballot_of_four_knows_no_much_better(client, ann):
    run = voting.open_run()
    answer = cast(client, opened(client, run, ann), choice="a2")
    assert "Choose one of those" in answer.text
    assert not Preference.objects.exists()


@pytest.mark.parametrize("swapped", [False, True])
def test_dimensions_of_a_pair_turn_with_the_sides(client, ann, swapped):
    run = voting.open_run(voting={"ballot": "dimensions"})
    seat = opened(client, run, ann)
    Assignment.objects.filter(pk=seat.pk).update(swapped=swapped)
    cast(client, seat, **{"choice-right": "a", "choice-kind": "b", "choice-overall": "a"})
    vote, sign = Preference.objects.get(), -1 if swapped else 1
    assert (vote.value, vote.scores) == (sign, {"right": sign, "kind": -sign})


def test_a_dimension_that_is_missing_is_named_and_the_others_are_kept(client, ann):
    run = voting.open_run(voting={"ballot": "dimensions"})
    answer = cast(client, opened(client, run, ann), **{"choice-right": "a", "choice-overall": "a"})
    assert 'id="error-choice-kind"' in answer.text
    assert answer.text.count(" checked") >= 2
    assert not Preference.objects.exists()


def test_each_turn_is_a_judgment_of_its_own_and_one_undo_takes_all_back(client, ann):
    run = voting.open_run(turns=2, **{"voting": {}})
    Run.objects.filter(pk=run.pk).update(turns="each")
    seat = opened(client, run, ann)
    cast(client, seat, **{"choice-1-overall": "a", "choice-2-overall": "tie"})
    assert dict(Preference.objects.values_list("turn", "value")) == {1: -1 if seat.swapped else 1, 2: 0}
    client.post(reverse("undo", args=[run.pk]), **HTMX)
    assert not Preference.objects.current().exists()


def test_turns_of_a_single_answer_are_marked_one_by_one(client, ann):
    run = voting.open_run(turns=2, mode="single")
    Run.objects.filter(pk=run.pk).update(turns="each")
    marks = {f"mark-{turn}-{key}": str(turn + 2) for turn in (1, 2) for key in ("right", "kind")}
    cast(client, opened(client, run, ann), **marks)
    assert dict(Grade.objects.values_list("turn", "score")) == {1: 3.0, 2: 4.0}


def single_with(**rubric) -> Run:
    run = voting.open_run(mode="single", text="The moon is made of basalt and of green cheese.")
    run.rubric.__dict__.update(rubric)
    run.rubric.save()
    return run


def test_points_are_taken_off_and_added_by_the_rules_of_the_rubric(client, ann):
    run = single_with(points=POINTS, dimensions=[], lowest=1, highest=10)
    seat = opened(client, run, ann)
    cast(client, seat, **{"points-invented": "made of basalt\nof green cheese", "points-extra": "1"})
    grade = Grade.objects.get()
    assert grade.score == 8 - 2 - 2 + 1
    assert [point["key"] for point in grade.points] == ["invented", "invented", "extra"]


def test_a_passage_that_is_not_in_the_answer_is_refused_by_name(client, ann):
    run = single_with(points=POINTS, dimensions=[], lowest=1, highest=10)
    answer = cast(client, opened(client, run, ann), **{"points-invented": "the moon is square"})
    assert "This passage is not in the answer: the moon is square" in answer.text
    assert not Grade.objects.exists()


def test_a_mark_below_the_veto_takes_the_whole_to_the_lowest(client, ann):
    dimensions = [{**voting.DIMENSIONS[0], "veto": 3}, voting.DIMENSIONS[1]]
    run = single_with(dimensions=dimensions)
    cast(client, opened(client, run, ann), **{"mark-right": "2", "mark-kind": "5"})
    assert Grade.objects.get().score == 1


def test_a_ballot_of_pairs_by_dimension_says_nothing_of_marks(client):
    levels = [{"mark": 1, "words_en": "wrong throughout"}]
    dimensions = [{**voting.DIMENSIONS[0], "veto": 3, "levels": levels}, voting.DIMENSIONS[1]]
    page = client.get(
        reverse("ballot", args=[voting.open_run(dimensions=dimensions, voting={"ballot": "dimensions"}).pk])
    ).text
    assert "A mark below" not in page and "data-level" not in page and "choose in the row in focus" in page


def test_a_ballot_of_points_says_where_they_start_from_and_nothing_of_digits(client):
    run = single_with(points=POINTS, dimensions=[], lowest=1, highest=10)
    page = client.get(reverse("ballot", args=[run.pk])).text
    assert "It starts from 8;" in page and "stays between 1 and 10" in page
    assert "(worst)" not in page and "mark the dimension in focus" not in page and "record the marks" in page


def test_level_words_stand_beside_the_marks(client, ann):
    levels = [{"mark": 1, "words_en": "wrong throughout"}, {"mark": 5, "words_en": "not a slip"}]
    run = single_with(dimensions=[{**voting.DIMENSIONS[0], "levels": levels}])
    page = client.get(reverse("ballot", args=[run.pk])).text
    assert "wrong throughout" in page
    assert 'data-level="5"' in page


def test_reasons_are_kept_with_the_vote_and_others_are_not(client, ann):
    run = voting.open_run(voting={"reasons": ["made_up", "style"]})
    cast(client, opened(client, run, ann), choice="a", reasons=["style", "off_topic", "<script>"])
    assert Preference.objects.get().reasons == ["style"]


def test_a_note_that_is_asked_for_must_be_there(client, ann):
    run = voting.open_run(voting={"note": "required"})
    seat = opened(client, run, ann)
    assert "say why" in cast(client, seat, choice="a").text
    assert not Preference.objects.exists()
    cast(client, seat, choice="a", note="B rambles")
    assert Preference.objects.get().note == "B rambles"


def test_a_flag_needs_words_only_where_the_run_says_so(client, ann):
    for note, text in (("optional", "Flagged"), ("on_flag", "Say what is broken")):
        run = voting.open_run(models=2, voting={"note": note}) if note == "optional" else Run.objects.get()
        Run.objects.filter(pk=run.pk).update(voting={"note": note})
        seat = opened(client, run, ann)
        assert text in client.post(reverse("flag", args=[seat.token]), {"cause": "answer"}, **HTMX).text


def test_guidelines_that_changed_meanwhile_are_told_and_nothing_is_recorded(client, ann):
    run = voting.open_run()
    answer = cast(client, opened(client, run, ann), choice="a", rubric="4711")
    assert "The guidelines changed" in answer.text
    assert not Preference.objects.exists()


def test_confirm_is_told_to_the_page(client):
    run = voting.open_run(voting={"confirm": True})
    assert client.get(reverse("ballot", args=[run.pk])).text.count("data-confirm") == 4


def test_active_time_is_kept_and_nonsense_is_not(client, ann):
    run = voting.open_run()
    for told in ("5300", "-4", "1e9", ""):
        cast(client, opened(client, run, ann), choice="a", active_ms=told)
    assert list(Assignment.objects.filter(status="done").values_list("active_ms", flat=True)) == [
        5300,
        None,
        None,
        None,
    ]


def test_a_rubric_by_category_is_what_the_ballot_shows():
    run = voting.open_run(mode="single")
    run.rubric.variants = {"prose": {"dimensions": [{"key": "rhythm", "weight": 1, "name_en": "Rhythm"}]}}
    run.rubric.save()
    seat = seat_in(run, "prose")
    assert [row.label for part in ballots.form(seat).parts for row in part.rows] == ["Rhythm"]


def guide_of(seat: Assignment) -> str:
    request = RequestFactory().get("/")
    told = {"run": seat.run, "guide": ballots.guide(seat)}
    return re.sub(r"\s+", " ", strip_tags(render_to_string("judging/_ballot_guide.html", told, request)))


def seat_in(run: Run, category: str) -> Assignment:
    """A seat of bob's on a question of this category."""
    seat = next_seat(run, judge_of(voting.person("bob")))
    while ballots.question_of(seat).category.key != category:
        Assignment.objects.filter(pk=seat.pk).update(status="skipped", holds=False, closed_at=timezone.now())
        seat = next_seat(run, seat.judge)
    return seat


@pytest.mark.parametrize("mode", ["pairwise", "single"])
def test_the_guide_is_that_of_the_category(mode):
    run = voting.open_run(mode=mode)
    rhythm = {"key": "rhythm", "weight": 1, "name_en": "Rhythm", "veto": 3}
    run.rubric.variants = {"prose": {"instructions_en": "Read aloud.", "dimensions": [rhythm]}}
    run.rubric.save()
    guide = guide_of(seat_in(run, "prose"))
    assert "Rhythm 100 %" in guide and "Read aloud." in guide and "Prose" in guide
    assert ("A mark below 3 takes the whole to the lowest mark." in guide) is (mode == "single")  # pairs have no marks
    assert "Kind" not in guide and "Read both." not in guide


def test_the_guide_says_what_a_dimension_weighs():
    guide = guide_of(next_seat(voting.open_run(), judge_of(voting.person("bob"))))
    assert "Right 75 %" in guide and "Kind 25 %" in guide and "Read both." in guide


def test_the_guide_says_what_costs_and_what_earns_points():
    invented = {**POINTS["deductions"][0], "most": 4, "description_en": "Nobody said so."}
    run = single_with(points={**POINTS, "deductions": [invented]}, dimensions=[], lowest=1, highest=12)
    guide = guide_of(next_seat(run, judge_of(voting.person("bob"))))
    assert "starts from 8" in guide and "stays between 1 and 10" in guide
    assert "Invented -2 each, at most -4 in all Nobody said so. Quote the passages of the answer." in guide
    assert "Extra +1 each" in guide


def test_a_category_that_the_rubric_has_nothing_for_has_the_common_guide():
    run = voting.open_run()
    run.rubric.variants, run.rubric.only_variants = {"law": {"instructions_en": "Cite."}}, True
    run.rubric.save()
    assert "Read both." in guide_of(next_seat(run, judge_of(voting.person("bob"))))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"ballot": "six"}, "ballot"),
        ({"overlap": 0}, "overlap"),
        ({"gold_every": True}, "gold_every"),
        ({"pass_mark": 1.5}, "pass_mark"),
        ({"reasons": ["cheek"]}, "reasons"),
        ({"confrim": True}, "confrim"),
        ({"third": "yes"}, "third"),
    ],
)
def test_settings_that_are_none_are_named(data, field):
    with pytest.raises(BadVoting) as caught:
        Voting.of_data(data)
    assert list(caught.value.errors) == [field]


def test_settings_come_back_as_they_were_said():
    told = Voting.of_data({"ballot": "five", "third": True, "reasons": ["style"], "per_day": 40})
    run = Run(voting=told.as_data(), limits={"overlap": 3})
    assert Voting.of(run) == told
    assert Voting.of(run).as_data() == {"ballot": "five", "third": True, "reasons": ["style"], "per_day": 40}


def test_a_ballot_may_be_read_from_any_mapping():
    run = voting.open_run()
    seat = open_seats().get(pk=next_seat(run, judge_of(voting.person("bob"))).pk)
    read = reading_ballots.read(QueryDict("choice=tie&reasons=style&note=+hm+"), seat)
    assert (read.verdicts[0][1].value, read.reasons, read.note) == (0.0, ["style"], "hm")
    with pytest.raises(Unreadable):
        reading_ballots.read({}, seat)
