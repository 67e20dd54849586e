"""Prompts that are not ours, references and turns: what a judge is shown, and what becomes of it where that cannot be."""

from dataclasses import replace

import pytest

from judging.judges.base import API_ERROR, OK, SKIPPED, Dimension, Exhibit, Level, RubricText, Template
from judging.judges.llm import LLMJudge
from judging.judges.rubrics import text_of
from judging.prompts import PRESETS
from tests.judging.judges.told import PAIR, Told, asked, essence, pair, read_again, run, single
from tests.judging.replies_table import BARE, TO_FIVE

# Presets


SAID_BY_PRESETS = {
    "auto_j": ("Both know the way.\nSo, the final decision is Response 2", "It is short.\nRating: [[7]]", 7),
    "pandalm": ("2\n\n### Reason: It is right.\n\n### Reference: 1", None, None),
    "prometheus": ("Feedback: The second is right. [RESULT] B", "Feedback: It is right. [RESULT] 4", 4),
    "judgelm": ("3 8\nThe second tells more.", None, None),
    "compass_judger": ("B", "It is right.\n[[4]]", 4),
}
"""For each preset what it says of two answers where the second is better, and of one answer, with the mark."""


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("samples", [1, 3])
def test_a_tuned_judge_is_read_in_its_own_form_and_again_from_the_record(name, samples):
    judge, verdict, chat = asked(pair(), SAID_BY_PRESETS[name][0], preset=name, samples=samples)
    assert (verdict.status, verdict.value) == (OK, -1)
    assert judge.calls(pair())[0] == len(chat.asked) == samples // 2 + 1
    assert [message.role for message in chat.asked[0]] == ["user"]
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


@pytest.mark.parametrize("name", PRESETS)
def test_a_tuned_judge_that_cannot_be_read_is_asked_again_for_its_own_form(name):
    judge, verdict, chat = asked(pair(), "Well, well.", SAID_BY_PRESETS[name][0], preset=name)
    assert (verdict.value, verdict.asked) == (-1, 2)
    assert PRESETS[name].pair_form in chat.asked[1][-1].content
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


@pytest.mark.parametrize("name", PRESETS)
def test_of_one_answer_a_tuned_judge_gives_a_mark_or_is_not_asked(name):
    _, says, mark = SAID_BY_PRESETS[name]
    rubric = TO_FIVE if name == "prometheus" else BARE
    judge, verdict, chat = asked(single(), says or "7", rubric=rubric, preset=name)
    if says:
        assert (verdict.status, verdict.value) == (OK, mark)
        assert essence(read_again(judge, single(), verdict)) == essence(verdict)
    else:
        assert (verdict.status, verdict.error) == (SKIPPED, "this judge cannot judge a single answer")
        assert (chat.asked, judge.calls(single())) == ([], (0, 0))


@pytest.mark.parametrize(("name", "rubric"), [("prometheus", BARE), ("auto_j", TO_FIVE)])
def test_a_tuned_judge_marks_on_no_scale_but_its_own(name, rubric):
    judge, verdict, chat = asked(single(), "[[4]]", rubric=rubric, preset=name)
    assert (verdict.status, chat.asked, judge.digest(single())) == (SKIPPED, [], "")
    assert "the rubric has another scale" in verdict.error


# Templates


def published(prompt="Q: {question}\n1: {answer_a}\n2: {answer_b}", **more):
    return RubricText("published", {}, template=Template(prompt, **more))


@pytest.mark.parametrize(
    ("form", "says", "value"),
    [
        ("[[A]]", "[[B]]", -1),
        ("[[A>>B]]", "My final verdict is: [[B>>A]]", -2),
        ("[[rating_a,rating_b]]", "[[3, 8]]", -1),
        ("ranks", "[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]", -1),
    ],
)
def test_a_published_prompt_is_sent_as_it_stands_and_read_in_its_form(form, says, value):
    judge, verdict, chat = asked(pair("{answer_b}", "two"), says, rubric=published(form=form, system="You compare."))
    assert verdict.value == value
    assert [message.content for message in chat.asked[0]] == ["You compare.", "Q: Which way?\n1: {answer_b}\n2: two"]
    assert essence(read_again(judge, pair("{answer_b}", "two"), verdict)) == essence(verdict)


def test_a_doubled_brace_of_a_published_prompt_is_sent_as_a_brace():
    chat = asked(pair(), "[[A]]", rubric=published('{answer_a} {answer_b} {{"winner": }}'))[2]
    assert chat.asked[0][0].content == 'one two {"winner": }'


def test_a_published_prompt_for_one_answer_is_read_as_a_mark_on_the_rubrics_scale():
    rubric = replace(published("{question}: {answer}", form="[[rating]]"), highest=5)
    judge, verdict, chat = asked(single(), "Rating: [[9]]", "[[4]]", rubric=rubric)
    assert (verdict.value, verdict.asked) == (4, 2)
    assert "a number from 1 to 5" in chat.asked[1][-1].content
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)


@pytest.mark.parametrize(
    ("rubric", "exhibit", "reason"),
    [
        (published(), single(), "no verdict on one answer"),
        (published("{answer}", form="[[rating]]"), pair(), "no verdict on two answers"),
        (published("{ref_answer_1} {answer_a} {answer_b}"), pair(), "the question has none there"),
        (published("{ref_answer_1} {answer_a} {answer_b}"), pair(reference=(" ",)), "the question has none there"),
        (published("{question_2} {answer_a} {answer_b}"), pair(), "has nothing by that name"),
        (published("{question_1} {answer_a} {answer_b}"), pair(), ""),
        (published("{question_1} {answer_a} {answer_b}"), replace(pair(), turns=("a", "b")), "shows 1 turns"),
        (PAIR, pair(turn=2), "turn 2 is to be judged, and the question has 1"),
    ],
)
def test_what_cannot_be_shown_is_a_skipped_verdict_and_never_a_call(rubric, exhibit, reason):
    judge, verdict, chat = asked(exhibit, "[[A]]", rubric=rubric, samples=3)
    if not reason:
        assert (verdict.status, len(chat.asked)) == (OK, 2)
        return
    assert (verdict.status, verdict.value, verdict.asked, verdict.prompt) == (SKIPPED, None, 0, ())
    assert reason in verdict.error
    assert (chat.asked, judge.calls(exhibit), judge.digest(exhibit)) == ([], (0, 0), "")
    assert judge.request(exhibit) == verdict


BY_CASE = text_of(
    "by case",
    {
        "template": {
            "cases": [
                {"reference": "without", "turns": "single", "prompt": "plain {answer_a} {answer_b}"},
                {"reference": "with", "turns": "single", "prompt": "{ref_answer_1} {answer_a} {answer_b}"},
                {"reference": "without", "turns": "multi", "prompt": "then {answer_a_2} {answer_b_2}"},
            ]
        }
    },
)


def said_twice(**fields) -> Exhibit:
    return replace(pair(**fields), turns=("Which way?", "Why?"), answers=(("one", "1"), ("two", "2")))


@pytest.mark.parametrize(
    ("exhibit", "options", "prompt"),
    [
        (pair(), {}, "plain one two"),
        (pair(reference=(" ",)), {}, "plain one two"),
        (pair(reference=("north",)), {}, "north one two"),
        (pair(reference=("north",)), {"reference": "none"}, "plain one two"),
        (said_twice(), {}, "then 1 2"),
        (said_twice(turn=2), {}, "then 1 2"),
        (said_twice(turn=1, reference=("north", "south")), {}, "north one two"),
        (said_twice(turn=1, reference=("", "south")), {}, "plain one two"),
    ],
)
def test_the_template_is_chosen_by_the_reference_and_the_turns_that_are_shown(exhibit, options, prompt):
    judge, verdict, chat = asked(exhibit, "[[B]]", rubric=BY_CASE, **options)
    assert (verdict.value, chat.asked[0][-1].content) == (-1, prompt)
    assert essence(read_again(judge, exhibit, verdict)) == essence(verdict)
    alone = replace(BY_CASE, template=Template(judge.asking.rubric_of(exhibit).template.prompt), cases={})
    assert asked(exhibit, "[[B]]", rubric=alone, **options)[0].digest(exhibit) == judge.digest(exhibit)


def test_a_case_that_the_rubric_has_no_template_for_is_a_failure_and_never_a_call():
    exhibit = said_twice(reference=("north",))
    judge, verdict, chat = asked(exhibit, "[[A]]", rubric=BY_CASE)
    assert (verdict.status, chat.asked, judge.calls(exhibit)) == (API_ERROR, [], (0, 0))
    assert "no template for several turns with a reference" in verdict.error


def test_an_option_that_does_not_go_with_a_template_does_not_go_with_those_for_cases():
    with pytest.raises(ValueError, match="whose template asks in its own way"):
        asked(pair(), "[[A]]", rubric=BY_CASE, scale="five")


def test_a_category_that_the_rubric_has_nothing_for_is_a_failure_and_never_a_call():
    rubric = RubricText("few", {}, variants={"math": BARE}, only_variants=True)
    judge, verdict, chat = asked(pair(category="code"), "[[A]]", rubric=rubric, samples=3)
    assert (verdict.status, verdict.value, verdict.asked, verdict.prompt) == (API_ERROR, None, 0, ())
    assert "it has math" in verdict.error
    assert (chat.asked, judge.calls(pair(category="code")), judge.digest(pair(category="code"))) == ([], (0, 0), "")


def test_what_cannot_be_shown_stops_none_of_the_others():
    rubric = replace(PAIR, variants={"math": PAIR}, only_variants=True)
    chat = Told("[[A]]")
    exhibits = [replace(pair(category=category), id=category) for category in ("code", "math", "poems", "math")]
    verdicts = run(LLMJudge(lambda: chat, rubric), exhibits)
    assert sorted((exhibit.id, verdict.status) for exhibit, verdict in verdicts) == [
        ("code", API_ERROR),
        ("math", OK),
        ("math", OK),
        ("poems", API_ERROR),
    ]
    assert len(chat.asked) == 2


# References and turns


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("question", "REFERENCE is one good solution"),
        ("own", "REFERENCE is what you answered yourself"),
        ("none", None),
    ],
)
def test_a_reference_is_shown_as_what_it_is_or_not_at_all(option, told):
    exhibit = pair(reference=("Follow the river.",))
    messages = asked(exhibit, "[[A]]", reference=option)[2].asked[0]
    whole = "".join(message.content for message in messages)
    assert ("Follow the river." in whole) == ("REFERENCE" in whole) == (told is not None)
    assert told is None or told in messages[0].content


@pytest.mark.parametrize("option", ["question", "own", "none"])
def test_without_a_reference_none_is_spoken_of(option):
    messages = asked(pair(), "[[A]]", reference=option)[2].asked[0]
    assert "REFERENCE" not in "".join(message.content for message in messages)


def test_whose_the_reference_is_makes_another_digest():
    exhibit = pair(reference=("Follow the river.",))
    digests = {asked(exhibit, "[[A]]", reference=option)[1].digest for option in ("question", "own", "none")}
    assert len(digests) == 3


@pytest.mark.parametrize("name", PRESETS)
def test_a_tuned_judge_is_shown_a_reference_only_where_it_may_see_it(name):
    exhibit = pair(reference=("Follow the river.",))
    shown = [
        "Follow the river."
        in asked(exhibit, SAID_BY_PRESETS[name][0], preset=name, reference=option)[2].asked[0][0].content
        for option in ("question", "none")
    ]
    assert shown == [True, False]


def test_with_none_a_template_that_needs_one_is_skipped():
    exhibit = pair(reference=("Follow the river.",))
    rubric = published("{ref_answer_1} {answer_a} {answer_b}")
    assert asked(exhibit, "[[A]]", rubric=rubric)[1].status == OK
    assert asked(exhibit, "[[A]]", rubric=rubric, reference="none")[1].status == SKIPPED


TALK = replace(
    pair(),
    turns=("First?", "Second?", "Third?"),
    answers=(("a1", "a2", "a3"), ("b1", "b2")),
    reference=("r1", "r2", "r3"),
)


@pytest.mark.parametrize("turn", [0, 1, 3])
def test_no_reference_is_shown_for_a_single_turn_either(turn):
    told = "".join(each.content for each in asked(replace(TALK, turn=turn), "[[A]]", reference="none")[2].asked[0])
    assert "REFERENCE" not in told
    assert "r1" not in told


def test_later_turns_than_the_one_judged_are_not_shown():
    text = asked(replace(TALK, turn=2), "[[A]]")[2].asked[0][1].content
    assert all(said in text for said in ("First?", "Second?", "a1", "a2", "b1", "b2", "r2"))
    assert not any(said in text for said in ("Third?", "a3", "r3"))
    assert text.index("EARLIER A") < text.index("<<<ANSWER A") < text.index("EARLIER B") < text.index("<<<ANSWER B")


def test_a_model_that_gave_no_answer_to_the_turn_is_shown_with_an_empty_one():
    text = asked(replace(TALK, turn=3), "[[A]]")[2].asked[0][1].content
    assert text.split("<<<ANSWER B")[1].split("\n")[1] == ""


def test_each_turn_is_another_prompt_with_another_digest():
    digests = {asked(replace(TALK, turn=turn), "[[A]]")[1].digest for turn in (0, 1, 2, 3)}
    assert len(digests) == 4


@pytest.mark.parametrize("options", [{}, *({"preset": name} for name in PRESETS)])
@pytest.mark.parametrize("nothing", ["", " \n", None])
def test_a_turn_without_a_reference_is_not_shown_as_an_empty_one(options, nothing):
    exhibit = replace(TALK, reference=(nothing, "r2", nothing))
    text = asked(exhibit, "[[A]]", **options)[2].asked[0][-1].content
    reference = text.split("r2")[0].rsplit("[turn", 1)[1]
    assert (reference, text.count("[turn 2]\nr2"), "None" in text) == (" 2]\n", 1, False)
    alone = asked(replace(TALK, reference=(nothing,) * 3), "[[A]]", **options)[2].asked[0]
    assert not any(
        "reference" in message.content.casefold().replace("write a reference answer", "") for message in alone
    )


def test_what_a_mark_stands_for_is_told_to_a_tuned_judge_in_the_rubrics_words():
    levels = (Level(1, {"en": "gets lost"}), Level(5, {"zh": "走对了路"}))
    rubric = replace(TO_FIVE, dimensions=(Dimension("way", {"en": "The way"}, levels=levels),))
    text = asked(single(), "[RESULT] 4", rubric=rubric, preset="prometheus")[2].asked[0][0].content
    assert "Score 1: gets lost" in text
    assert "Score 5: 走对了路" in text
    assert text.index("Score 1") < text.index("Score 3: ") < text.index("Score 5")
