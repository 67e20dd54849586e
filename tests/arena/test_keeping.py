"""Rows kept as they arrive: what is there stays, what the database refuses is never lost in silence."""

from __future__ import annotations

import pytest

from arena.keeping import NotKept, keep
from arena.models import Answer
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def questions():
    benchmark = make.benchmark()
    return [make.question(benchmark, f"q{n}") for n in range(4)]


def kept(rows) -> None:
    keep(
        rows,
        key=lambda row: row.question_id,
        known=lambda: set(Answer.objects.values_list("question", flat=True)),
    )


def answers(questions, text: str = "Six minutes.") -> list[Answer]:
    return [make.answer(question, make.model("Ash"), text) for question in questions]


def test_rows_are_saved_and_what_is_on_record_stays_as_it_is(questions):
    kept(answers(questions[:2], "first"))
    kept(answers(questions, "second"))
    assert [answer.text for answer in Answer.objects.order_by("pk")] == ["first", "first", "second", "second"]
    kept([])


def test_nobody_looks_at_what_is_on_record_where_all_rows_are_taken(questions):
    rows = answers(questions)
    keep(rows, key=lambda row: row.question_id, known=lambda: pytest.fail("looked"))
    assert {row.question_id for row in rows} == set(Answer.objects.values_list("question", flat=True))


def test_rows_of_many_statements_are_all_kept_but_for_the_last_which_breaks_a_rule():
    benchmark = make.benchmark()
    rows = answers([make.question(benchmark, f"q{n}") for n in range(150)])
    rows[-1].tokens_out = -1
    with pytest.raises(NotKept, match="^1 of 150 answer rows"):
        kept(rows)
    assert set(Answer.objects.values_list("question", flat=True)) == {row.question_id for row in rows[:-1]}


def test_a_row_that_breaks_a_rule_is_named_and_all_others_are_kept(questions, caplog):
    rows = answers(questions)
    rows[1].tokens_out = -1
    with pytest.raises(NotKept, match=r"^1 of 4 answer rows could not be saved: IntegrityError: .*tokens_out") as lost:
        kept(rows)
    assert "\n" not in str(lost.value) and "could not be saved" in caplog.text
    assert set(Answer.objects.values_list("question", flat=True)) == {q.pk for q in questions} - {questions[1].pk}


def test_a_number_that_no_column_holds_is_named_too(questions):
    rows = answers(questions)
    rows[3].tokens_in = 2**70
    with pytest.raises(NotKept, match="OverflowError|DataError"):
        kept(rows)
    assert Answer.objects.count() == 3
