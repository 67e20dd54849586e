"""Panels and cascades: what they say follows from their members' verdicts, whatever their order or the side an answer is on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import API_ERROR, OK, PARSE_ERROR, REFUSED, SKIPPED, Exhibit, Verdict
from judging.judges.composed import (
    ASK,
    NEVER_LEARNT,
    NO_WEIGHT,
    OWN_FAMILY,
    Cascade,
    Panel,
    Voice,
    cascade_next,
    is_of_own_family,
    panel_verdict,
)

PAIR = Exhibit(id=1, turns=("Which is the larger?",), answers=(("Nine.",), ("Ten.",)), families=("oak", "elm"))
SINGLE = Exhibit(id=2, turns=("Name a tree.",), answers=(("Ash.",),), families=("oak",))


def said(value: float | None, *, status: str = OK, name: str = "one", **fields) -> Voice:
    """A member that gave this value, or failed where it is None."""
    verdict = {key: fields.pop(key) for key in ("scores", "both_bad", "error") if key in fields}
    if value is None:
        status = PARSE_ERROR if status == OK else status
    return Voice(**{"judge": name, "family": "", "weight": 1.0, **fields}, verdict=Verdict(status, value, **verdict))


def panel(*values: float | None, how: Panel | None = None, exhibit: Exhibit = PAIR) -> Verdict:
    return panel_verdict([said(value, name=f"j{place}") for place, value in enumerate(values)], exhibit, how)


def negated(voice: Voice) -> Voice:
    value = voice.verdict.value
    return replace(voice, verdict=replace(voice.verdict, value=None if value is None else -value))


# Panels


@pytest.mark.parametrize(
    ("values", "said_by_all"),
    [
        ((1, 1, -1), 1), ((2, 1, -2), 1.5), ((1, -1), 0), ((0, 0, 1), 0), ((1, 0, -1), 0), ((0.4, 0.2, -2), 0.3),
        ((-1, -1, 0), -1),
    ],
)  # fmt: skip
def test_the_side_with_most_voices_wins_by_its_own_mean_and_a_split_panel_is_a_tie(values, said_by_all):
    assert panel(*values).value == pytest.approx(said_by_all)


def test_the_mean_lets_a_strong_voice_outweigh_two_weak_ones():
    assert panel(0.5, 0.5, -2, how=Panel(decide="mean")).value == pytest.approx(-1 / 3)


def test_seats_weigh_voices_and_equal_weights_do_not():
    voices = [said(1, weight=3.0), said(-1, name="two"), said(-1, name="three")]
    assert panel_verdict(voices, PAIR).value == 1
    assert panel_verdict(voices, PAIR, Panel(weights="equal")).value == -1


def test_weights_that_add_up_to_the_same_are_level_though_floats_are_not():
    voices = [said(1, weight=0.1), said(1, weight=0.2, name="two"), said(-1, weight=0.3, name="three")]
    assert panel_verdict(voices, PAIR).value == 0
    assert panel_verdict(voices, PAIR, Panel(decide="mean")).value == 0


def test_marks_are_weighted_means_also_in_each_dimension():
    voices = [
        said(8, weight=3.0, scores={"style": 6.0, "truth": 9.0}),
        said(4, name="two", scores={"truth": 5.0}),
    ]
    verdict = panel_verdict(voices, SINGLE)
    assert (verdict.value, verdict.scores) == (7, {"style": 6, "truth": 8})


def test_a_member_whose_family_wrote_an_answer_does_not_vote_on_it():
    voices = [said(1, name="kin", family="Oak "), said(1, name="also kin", family="elm"), said(-1, name="other")]
    verdict = panel_verdict(voices, PAIR)
    assert verdict.value == -1
    assert [member.get("why") for member in verdict.details["members"]] == [OWN_FAMILY, OWN_FAMILY, None]
    assert panel_verdict(voices, replace(PAIR, families=("fir", "yew"))).value == 1


def test_an_unknown_family_keeps_nobody_out():
    assert not is_of_own_family("", replace(PAIR, families=("", "elm")))
    assert panel_verdict([said(1)], replace(PAIR, families=("", ""))).value == 1


def test_peers_examine_each_other_each_without_its_own_answers():
    """Candidates as a panel: on every battle only those judge who did not write in it."""
    peers = [said(1, name=family, family=family) for family in ("oak", "elm", "fir", "yew")]
    members = panel_verdict(peers, PAIR).details["members"]
    assert [member["judge"] for member in members if member["counted"]] == ["fir", "yew"]


def test_a_panel_of_kin_only_skips_and_does_not_tie():
    verdict = panel_verdict([said(1, family="oak")], PAIR)
    assert (verdict.status, verdict.value) == (SKIPPED, None)


def test_half_of_the_members_is_no_quorum_and_more_than_half_is():
    assert panel(1, None).status == PARSE_ERROR
    assert panel(1, 1, None).value == 1
    failed = panel(1, None, None)
    assert failed.value is None and "only 1 of the 3 members" in failed.error and "2 are needed" in failed.error


def test_the_failure_is_named_by_what_failed_most():
    voices = [said(1), said(None, status=REFUSED), said(None, status=REFUSED), said(None, status=API_ERROR)]
    assert panel_verdict(voices, PAIR).status == REFUSED


def test_a_set_quorum_holds():
    assert panel(1, None, None, how=Panel(quorum=1)).value == 1
    assert panel(1, 1, how=Panel(quorum=3)).status == SKIPPED, "nobody failed, so asking again brings nothing"


def test_who_skipped_is_not_waited_for_and_all_who_skip_make_the_panel_skip():
    voices = [said(1), said(None, status=SKIPPED, error="no checks"), said(None, status=SKIPPED, error="no checks")]
    assert panel_verdict(voices, PAIR).value == 1
    assert panel_verdict(voices[1:], PAIR).status == SKIPPED


def test_a_seat_of_weight_zero_listens_only():
    voices = [said(1, weight=0.0), said(-1, name="two")]
    verdict = panel_verdict(voices, PAIR)
    assert verdict.value == -1 and verdict.details["members"][0]["why"] == NO_WEIGHT


def test_both_are_bad_where_most_of_those_who_tie_say_so():
    voices = [said(0, both_bad=True), said(0, both_bad=True), said(0), said(1)]
    assert panel_verdict(voices, PAIR).both_bad
    assert not panel_verdict(voices[1:], PAIR).both_bad


def test_the_reply_tells_in_words_who_said_what():
    voices = [
        said(-2, name="stern"), said(0, name="mild"), said(None, name="mute", error="cut off"), said(1, name="kin", family="elm"),
    ]  # fmt: skip
    assert panel_verdict(voices, PAIR).reply.splitlines() == [
        "stern: prefers the second answer (2)",
        "mild: a tie",
        "mute: no verdict (parse_error: cut off)",
        "kin: does not vote, because a model of its own family wrote one of the answers",
    ]


def test_a_composed_verdict_costs_no_call():
    verdict = panel(1, 1)
    assert (verdict.asked, verdict.seconds, verdict.tokens_in, verdict.digest) == (0, 0.0, None, "")


values = st.one_of(st.none(), st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0]), st.floats(-2, 2).map(lambda x: round(x, 3)))
voice = st.builds(
    lambda value, weight, family, name: said(value, weight=weight, family=family, name=name),
    values,
    st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 2.5]),
    st.sampled_from(["", "oak", "fir"]),
    st.sampled_from("abcdefgh"),
)
voices_of = st.lists(voice, min_size=1, max_size=6)
how_of = st.builds(
    Panel, st.none() | st.integers(1, 4), st.sampled_from(["equal", "seats"]), st.sampled_from(["majority", "mean"])
)


@given(voices_of, how_of, st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(voices, how, random):
    shuffled = random.sample(voices, len(voices))
    one, other = panel_verdict(voices, PAIR, how), panel_verdict(shuffled, PAIR, how)
    assert (one.status, one.value, one.both_bad) == (other.status, other.value, other.both_bad)


@given(voices_of, how_of)
def test_swapping_the_answers_negates_the_verdict(voices, how):
    swapped = replace(PAIR, families=PAIR.families[::-1])
    one, other = panel_verdict(voices, PAIR, how), panel_verdict([negated(one) for one in voices], swapped, how)
    assert one.status == other.status
    assert other.value is None if one.value is None else other.value == -one.value


@given(voices_of, how_of, st.sampled_from([0.5, 3.0, 7.0]))
def test_only_the_proportions_of_weights_matter(voices, how, factor):
    scaled = [replace(voice, weight=voice.weight * factor) for voice in voices]
    one, other = panel_verdict(voices, PAIR, how), panel_verdict(scaled, PAIR, how)
    assert one.status == other.status
    assert one.value == (None if other.value is None else pytest.approx(other.value, abs=1e-9))


@given(voices_of, how_of)
def test_a_verdict_lies_between_what_members_said_or_is_a_failure(voices, how):
    verdict = panel_verdict(voices, PAIR, how)
    heard = [voice.verdict.value for voice in voices if voice.is_readable]
    assert verdict.status != OK or min(*heard, 0) <= verdict.value <= max(*heard, 0)


@pytest.mark.parametrize(
    "bad", [{"quorum": 0}, {"quorum": True}, {"weights": "loud"}, {"decide": "dice"}, {"quorum": 1.5}]
)
def test_an_option_that_makes_no_sense_is_refused_by_name(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Panel(**bad)


@pytest.mark.parametrize(
    ("weights", "weighed", "is_told"),
    [("learnt", (1, 1), True), ("learnt", (1, 0.4), False), ("seats", (1, 1), False), ("equal", (1, 1), False)],
)
def test_a_panel_that_never_learnt_its_weights_says_so_in_each_verdict(weights, weighed, is_told):
    voices = [said(1, name=f"j{place}", weight=weight) for place, weight in enumerate(weighed)]
    verdict = panel_verdict(voices, PAIR, Panel(weights=weights))
    assert (NEVER_LEARNT in verdict.reply, verdict.details.get("weights") == NEVER_LEARNT) == (is_told, is_told)


# Cascades


def next_of(*voices: Voice, seats: int = 3, exhibit: Exhibit = PAIR, **how):
    return cascade_next(voices, seats, exhibit=exhibit, how=Cascade(**how))


def test_the_first_member_is_asked_first():
    assert next_of() == ASK


def test_a_rule_that_can_judge_stands_alone_and_one_that_skips_does_not():
    rule = said(1, name="rule", kind="rule")
    assert next_of(rule).value == 1
    assert next_of(said(None, status=SKIPPED, kind="rule")) == ASK
    assert next_of(rule, trust_first=()) == ASK


def test_a_rule_after_a_model_is_one_voice_among_others():
    assert next_of(said(-1, kind="llm"), said(1, kind="rule")) == ASK


def test_two_who_agree_are_enough_and_their_mean_is_said():
    assert next_of(said(1), said(2)).value == 1.5
    assert next_of(said(1)) == ASK
    assert next_of(said(1), agree=1).value == 1


@pytest.mark.parametrize("second", [said(-1), said(0), said(None), said(None, status=API_ERROR)])
def test_the_next_is_asked_where_they_disagree_or_cannot_be_read(second):
    assert next_of(said(1), second) == ASK


NO_CHECKS = said(None, status=SKIPPED, name="rules", kind="rule")


@pytest.mark.parametrize("trust", [("rule",), ()])
def test_where_the_rules_skip_the_small_judge_is_enough_and_the_strong_one_is_asked_where_it_cannot_be_read(trust):
    assert next_of(NO_CHECKS, said(-1), trust_first=trust).value == -1
    assert next_of(NO_CHECKS, said(7), exhibit=SINGLE, trust_first=trust).value == 7
    assert next_of(NO_CHECKS, said(None), trust_first=trust) == ASK
    assert next_of(NO_CHECKS, said(-1), said(1), said(1), seats=5, trust_first=trust) == ASK


def test_rules_that_are_not_trusted_must_agree_with_the_small_judge():
    rules = said(1, name="rules", kind="rule")
    assert next_of(rules, said(1, kind="llm"), trust_first=()).value == 1
    assert next_of(rules, said(-1, kind="llm"), trust_first=()) == ASK


def test_of_two_the_second_is_asked_only_where_the_first_has_no_verdict():
    assert next_of(said(1), seats=2).value == 1
    assert next_of(said(None), seats=2) == ASK
    assert next_of(NO_CHECKS, seats=2) == ASK


def test_more_than_there_are_before_the_last_need_not_agree():
    assert next_of(said(1), said(2), seats=3, agree=9).value == 1.5
    assert next_of(said(1), said(None), seats=3, agree=9) == ASK


def test_the_last_ones_verdict_stands_against_all_others():
    assert next_of(said(1), said(0), said(-2)).value == -2


def test_where_the_last_fails_the_cascade_fails_with_its_reason():
    verdict = next_of(said(1), said(-1), said(None, name="strong", status=API_ERROR, error="down"))
    assert (verdict.status, verdict.error) == (API_ERROR, "strong: down")


def test_marks_agree_within_the_band():
    near = [said(7, scores={"truth": 7.0}), said(8, scores={"truth": 9.0})]
    verdict = next_of(*near, exhibit=SINGLE)
    assert (verdict.value, verdict.scores) == (7.5, {"truth": 8})
    assert next_of(*near, exhibit=SINGLE, band=0.5) == ASK


def test_the_last_ones_marks_are_kept_whole():
    strong = said(3, scores={"truth": 2.0})
    assert next_of(said(9), said(2), strong, exhibit=SINGLE).scores == {"truth": 2}


@given(st.lists(voice, max_size=4), st.integers(4, 6))
def test_swapping_the_answers_negates_a_cascade(voices, seats):
    one, other = (cascade_next(said, seats, exhibit=PAIR) for said in (voices, [negated(one) for one in voices]))
    if one == ASK:
        assert other == ASK
    else:
        assert one.status == other.status and (one.value is None or other.value == -one.value)


@given(st.lists(voice, min_size=1, max_size=5))
def test_a_cascade_always_ends_with_its_last_member(voices):
    assert cascade_next(voices, len(voices), exhibit=PAIR) != ASK


def test_more_verdicts_than_members_are_refused():
    with pytest.raises(ValueError, match="cascade of 1"):
        next_of(said(1), said(1), seats=1)
    with pytest.raises(ValueError, match="cascade of 0"):
        next_of(seats=0)


@pytest.mark.parametrize("bad", [{"agree": 0}, {"band": -1}, {"band": float("inf")}, {"band": True}])
def test_an_option_of_a_cascade_that_makes_no_sense_is_refused_by_name(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Cascade(**bad)
