"""What is wrong with the data of a rubric: every fault with the field it is in, and none that raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import RubricText
from judging.judges.rubrics import BadRubric, problems, text_of
from tests.judging.judges.test_rubrics import BY_CASE, COUNTED, DIMENSION, POINTS, SUPPORT, TEMPLATE


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "dimensions",
                        "points",
                        "variants",
                        "template",
                        "key",
                        "weight",
                        "levels",
                        "mark",
                        "veto",
                        "base",
                        "deductions",
                        "prompt",
                        "cases",
                        "reference",
                        "turns",
                        "form",
                        "lowest",
                        "highest",
                        "only_variants",
                    ]
                )
                | st.text(max_size=3),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_anything_at_all_is_a_rubric_or_has_a_problem(data):
    if not problems(data):
        assert isinstance(text_of("r", data), RubricText)


@pytest.mark.parametrize(
    "number", [10**400, -(10**400), float("nan"), float("inf")], ids=["huge", "deep", "nan", "inf"]
)
@pytest.mark.parametrize("name", ["lowest", "highest"])
def test_a_number_beyond_all_bounds_is_a_problem(number, name):
    assert (name, "is not a finite number") in problems({name: number})


# What is wrong


def with_dimension(**changes):
    return problems({"dimensions": [{"key": "brief"}, {**DIMENSION, **changes}]})


def with_points(**changes):
    return problems({"points": {**POINTS, **changes}})


def with_kind(**changes):
    return problems({"points": {**POINTS, "deductions": [{"key": "wrong", "points": 2, **changes}]}})


def with_template(**changes):
    return problems({"template": {**TEMPLATE, **changes}})


def with_cases(*rows):
    return problems({"template": {"cases": list(rows)}})


@pytest.mark.parametrize(
    ("rows", "field", "message"),
    [
        ([], "", "is empty"),
        ([{**TEMPLATE, "turns": "two"}], "[0].turns", "is not one of single, multi"),
        ([{**TEMPLATE, "reference": True}], "[0].reference", "is not one of with, without"),
        ([{"turns": "single"}], "[0].prompt", "is missing or empty"),
        ([TEMPLATE, {**TEMPLATE, "turns": "multi"}], "[1]", "is for a case that one before it is for"),
        ([{**TEMPLATE, "turn": "multi"}], "[0].turn", "is not known"),
        ([{**TEMPLATE, "system": "{ref_answer_1}"}], "[0].system", "{ref_answer_1} is not there in every case"),
        ([{**TEMPLATE, "prompt": "{answer_a_2} {answer_b_2}"}], "[0].prompt", "{answer_a_2} is not there in every"),
        (
            [{**TEMPLATE, "turns": "single"}, {"turns": "multi", "prompt": "{answer}", "form": "[[rating]]"}],
            "",
            "ask for verdicts on one answer and on two",
        ),
    ],
)
def test_a_fault_of_a_template_for_a_case_names_its_field(rows, field, message):
    found = [(where, message in said) for where, said in with_cases(*rows)]
    assert found[:1] == [(f"template.cases{field}", True)] and len({where for where, _is in found}) <= 2


def test_a_template_beside_those_for_cases_is_a_problem():
    assert with_template(cases=[TEMPLATE])[0] == ("template.form", "stands beside cases: each of them says its own")


@pytest.mark.parametrize("data", [SUPPORT, COUNTED, {}, {"template": TEMPLATE}, {"dimensions": [DIMENSION]}, BY_CASE])
def test_what_is_right_has_no_problems(data):
    assert problems(data) == []


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_section_at_all_is_a_problem_of_the_whole(data):
    assert problems(data) == [("", "is not a section of keys and values")]


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"intructions_en": "x"}, "intructions_en", "is not known"),
        ({"instructions_en": 3}, "instructions_en", "is not text"),
        ({"title_zh": None}, "title_zh", "is not text"),
        ({"lowest": "1"}, "lowest", "is not a number"),
        ({"lowest": None}, "lowest", "is missing"),
        ({"highest": True}, "highest", "is not a number"),
        ({"lowest": 5, "highest": 5}, "highest", "is not above the lowest mark, 5"),
        ({"only_variants": "yes", "variants": {"math": {}}}, "only_variants", "is neither true nor false"),
        ({"only_variants": True}, "only_variants", "there are no variants"),
        ({"variants": ["math"]}, "variants", "is not a section with a rubric for each category"),
        ({"variants": {"math": None}}, "variants.math", "is not a section"),
        ({"variants": {"math": {"lowest": 1}}}, "variants.math.lowest", "is not known"),
        ({"variants": {"math": {"variants": {}}}}, "variants.math.variants", "is not known"),
        ({"variants": {"math": {"dimensions": [{}]}}}, "variants.math.dimensions[0].key", "is missing"),
        ({"variants": {2024: {}}}, "variants.2024", "is not text"),
        ({"variants": {True: {}}}, "variants.True", "is not text"),
        ({"dimensions": {"key": "x"}}, "dimensions", "is not a list"),
        ({"dimensions": "facts"}, "dimensions", "is not a list"),
        ({"dimensions": ["facts"]}, "dimensions[0]", "is not a section"),
        ({"dimensions": [DIMENSION, DIMENSION]}, "dimensions[1].key", "'facts' stands here twice"),
        ({"dimensions": [{**DIMENSION, "weight": 0}]}, "dimensions", "all weights are 0"),
        ({"dimensions": [DIMENSION], "points": POINTS}, "points", "stand beside dimensions"),
        ({"points": "many"}, "points", "is not a section"),
        ({"template": "{answer}"}, "template", "is not a section"),
    ],
)
def test_a_fault_of_the_rubric_names_its_field(data, field, message):
    assert [(where, message in said) for where, said in problems(data)] == [(field, True)]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"key": ""}, "key", "is not text, or empty"),
        ({"key": 7}, "key", "is not text, or empty"),
        ({"key": None}, "key", "is missing"),
        ({"key": "brief"}, "key", "'brief' stands here twice"),
        ({"weight": -1}, "weight", "is below 0"),
        ({"weight": None}, "weight", "is missing"),
        ({"weight": "2"}, "weight", "is not a number"),
        ({"weight": float("nan")}, "weight", "is not a finite number"),
        ({"veto": 11}, "veto", "is outside the scale from 1 to 10"),
        ({"veto": 1}, "veto", "is the lowest mark: no mark is below it"),
        ({"levels": 3}, "levels", "is not a list"),
        ({"levels": [{"words_en": "x"}]}, "levels[0].mark", "is missing"),
        ({"levels": [{"mark": 0, "words_en": "x"}]}, "levels[0].mark", "is outside the scale"),
        ({"levels": [{"mark": 3}]}, "levels[0]", "has no words"),
        ({"levels": [{"mark": 3, "words_en": "  "}]}, "levels[0]", "has no words"),
        ({"levels": [{"mark": 3, "words_en": "x"}, {"mark": 3.0, "words_zh": "y"}]}, "levels[1].mark", "3 stands here"),
        ({"levels": [{"mark": 3, "words_fr": "x", "words_en": "x"}]}, "levels[0].words_fr", "is not known"),
        ({"description_en": ["x"]}, "description_en", "is not text"),
        ({"points": 3}, "points", "is not known"),
    ],
)
def test_a_fault_of_a_dimension_names_its_field(changes, field, message):
    assert [(where, message in said) for where, said in with_dimension(**changes)] == [(f"dimensions[1].{field}", True)]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"base": None}, "base", "is missing"),
        ({"base": 11}, "base", "is outside the scale"),
        ({"floor": 8}, "floor", "is above the base, 7"),
        ({"cap": 6}, "cap", "is below the base, 7"),
        ({"cap": 12}, "cap", "is outside the scale"),
        ({"deductions": []}, "", "has neither deductions nor bonuses"),
        ({"deductions": {}}, "deductions", "is not a list"),
        ({"bonuses": [{"key": "wrong", "points": 1}]}, "bonuses[0].key", "'wrong' stands here twice"),
        ({"weight": 1}, "weight", "is not known"),
    ],
)
def test_a_fault_of_the_points_names_its_field(changes, field, message):
    found = [(where, message in said) for where, said in with_points(**changes)]
    assert (f"points.{field}".rstrip("."), True) in found


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"points": None}, "points", "is missing"),
        ({"points": 0}, "points", "is not above 0"),
        ({"points": -2}, "points", "is not above 0"),
        ({"most": 0}, "most", "is not above 0"),
        ({"most": "6"}, "most", "is not a number"),
        ({"quoted": "no"}, "quoted", "is neither true nor false"),
        ({"weight": 1}, "weight", "is not known"),
    ],
)
def test_a_fault_of_a_kind_of_point_names_its_field(changes, field, message):
    found = [(where, message in said) for where, said in with_kind(**changes)]
    assert found == [(f"points.deductions[0].{field}", True)]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"prompt": ""}, "prompt", "is missing or empty"),
        ({"prompt": 3}, "prompt", "is missing or empty"),
        ({"form": "[[Z]]"}, "form", "[[Z]] is not known; there are [[A]]"),
        ({"form": None}, "form", "is not text"),
        ({"system": ["x"]}, "system", "is not text"),
        ({"user": "x"}, "user", "is not known"),
        ({"prompt": "{answer_a} {answer_b} {secret}"}, "prompt", "{secret} is not known"),
        ({"system": "{secret}"}, "system", "{secret} is not known"),
        ({"prompt": "{answer_a}"}, "prompt", "does not show {answer_b}"),
        ({"form": "[[rating]]"}, "prompt", "does not show {answer}"),
    ],
)
def test_a_fault_of_a_template_names_its_field(changes, field, message):
    found = [(where, message in said) for where, said in with_template(**changes)]
    assert found == [(f"template.{field}", True)]


def test_a_template_may_show_an_answer_turn_by_turn_and_hold_braces():
    prompt = '{question_1} {answer_a_1} {answer_a_2} {answer_b_1} {{"winner": 1}}'
    assert with_template(prompt=prompt) == []


def test_all_faults_are_told_at_once():
    data = {"lowest": 3, "highest": 1, "dimensions": [{"key": "a", "weight": -1}, {}], "template": {"form": "x"}}
    assert [where for where, _ in problems(data)] == [
        "highest",
        "dimensions[1].key",
        "dimensions[0].weight",
        "template.prompt",
    ]


def test_marks_are_checked_on_the_rubrics_own_scale():
    row = {**DIMENSION, "levels": [{"mark": 50, "words_en": "half"}]}
    assert problems({"highest": 100, "dimensions": [row]}) == []
    assert [where for where, _ in problems({"dimensions": [row]})] == ["dimensions[0].levels[0].mark"]


def test_bad_data_tell_their_name_and_every_field():
    error = BadRubric("mine", [("lowest", "is missing"), ("", "is odd")])
    assert str(error) == "rubric mine: lowest: is missing; is odd"
