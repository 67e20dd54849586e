"""Two versions of a model on the same questions: the same answers, what changed, what fails now."""

from __future__ import annotations

import pytest
from django.urls import reverse

from arena.models import LanguageModel
from judging.models import Run
from rating.reporting.compared import compared, shared_benchmarks
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


class Pair:
    """bf16 and int8 of one model on one benchmark, and a judge who marks them."""

    def __init__(self, kind: str = "rule"):
        self.benchmark = make.benchmark()
        self.before, self.after = (
            LanguageModel.objects.create(name="Ash", version=precision, vendor="Northmoor", precision=precision)
            for precision in ("bf16", "int8")
        )
        self.judge = make.judge("sums", kind=kind) if kind == "rule" else make.llm_judge()

    def question(self, before, after, *, same=False, category="sums"):
        """A question with both marks on 1 to 10; None for no mark."""
        key = f"q{self.benchmark.questions.count()}"
        question = make.question(self.benchmark, key, category=make.category(category))
        for model, mark, text in ((self.before, before, "yes"), (self.after, after, "yes" if same else "no")):
            answer = make.answer(question, model, text)
            answer.save()
            if mark is not None:
                make.grade(answer, self.judge, score=mark)
        return question

    def compared(self, **options):
        return compared(self.before, self.after, self.benchmark, **options)


@pytest.fixture
def pair():
    return Pair()


def test_the_share_of_same_answers_counts_equal_texts(pair):
    for number in range(8):
        pair.question(10, 10, same=number < 6)
    found = pair.compared()
    assert (found.same, found.looked, found.same_share.value) == (6, 8, 0.75)
    assert found.same_share.low == pytest.approx(0.409, abs=1e-3)


def test_what_passed_before_and_fails_now_is_named_and_so_is_what_no_longer_does(pair):
    pair.question(10, 10)
    broken, mended = pair.question(10, 5.5), pair.question(1, 10)
    pair.question(5.5, 1)
    found = pair.compared()
    assert [row.question for row in found.failed] == [broken.pk] and [row.question for row in found.fixed] == [
        mended.pk
    ]
    assert (found.failed[0].before, found.failed[0].after) == (100, 50)
    assert (found.failed_n, found.fixed_n) == (1, 1)


def test_a_language_model_lets_pass_from_six_tenths_of_the_scale():
    pair = Pair("llm")
    broken = pair.question(7, 6)
    pair.question(7, 6.5)
    assert [row.question for row in pair.compared().failed] == [broken.pk]


def test_the_difference_is_paired_by_question(pair):
    # 10 hard and easy questions, each 10 points worse: as sure as can be, though the marks differ widely
    for number in range(10):
        pair.question(1 + 0.9 * number, 1 + 0.9 * max(number - 1, 0))
    found = pair.compared()
    assert found.overall.difference == pytest.approx(-9.0) and found.overall.n == 10
    assert found.overall.high < -6 and found.overall.certain == -1


def test_the_interval_is_that_of_students_t(pair):
    for before, after in ((1, 10), (10, 10), (10, 10), (10, 10)):
        pair.question(before, after)
    overall = pair.compared().overall
    # differences 100, 0, 0, 0: mean 25, standard error 25, t(3) = 3.1824
    assert (overall.difference, overall.low, overall.high) == (
        25,
        pytest.approx(25 - 79.561, abs=1e-2),
        pytest.approx(104.561, abs=1e-2),
    )


@pytest.mark.parametrize(
    ("questions", "tolerance", "verdict"), [(400, 1.0, "within"), (20, 1.0, "unknown"), (20, 20.0, "within")]
)
def test_where_nothing_differs_the_number_of_questions_decides(questions, tolerance, verdict):
    from rating.reporting.compared import _change, _Pair

    change = _change([_Pair(n, "sums", 100.0, 100.0, 100.0) for n in range(questions)], "", "")
    assert change.high == pytest.approx(100 * (1 - 0.025 ** (1 / questions))) and change.low == -change.high
    assert ("within" if change.low > -tolerance else "unknown") == verdict


def test_worse_is_worse_by_more_than_the_tolerance(pair):
    for number in range(12):
        pair.question(10, 5.5 if number % 2 else 6.4)
    assert pair.compared(tolerance=1).verdict == "worse"
    assert pair.compared(tolerance=60).verdict == "within"
    assert pair.compared(tolerance=45).verdict == "unknown"


def test_one_question_has_no_interval_and_no_verdict(pair):
    pair.question(10, 1)
    found = pair.compared()
    assert (found.overall.low, found.verdict, found.overall.certain) == (None, "unknown", 0)


def test_each_category_has_its_line(pair):
    pair.question(10, 1, category="sums")
    pair.question(1, 10, category="cooking")
    assert {(one.category, one.difference, one.n) for one in pair.compared().changes} == {
        ("sums", -100, 1),
        ("cooking", 100, 1),
    }


def test_questions_that_only_one_answered_or_was_marked_on_are_left_out(pair):
    pair.question(10, 10)
    pair.question(10, None)
    make.answer(make.question(pair.benchmark, "alone"), pair.before).save()
    found = pair.compared()
    assert (found.shared, found.overall.n) == (2, 1)


def test_without_a_judge_of_both_there_is_no_verdict(pair):
    pair.question(None, None)
    found = pair.compared()
    assert (found.marker, found.overall, found.verdict) == (None, None, "unknown")


def test_the_reader_chooses_whose_marks_count(pair):
    question = pair.question(10, 10)
    oracle = make.llm_judge()
    for answer in question.answers.all():
        make.grade(answer, oracle, score=1 if answer.model == pair.after else 10)
    found = pair.compared(marker=f"{oracle.pk}-{make.rubric().pk}")
    assert found.overall.difference == -100 and len(found.markers) == 2


def test_peoples_marks_count_together(pair):
    question = pair.question(None, None)
    for name, mark in (("Mei", 10), ("Ann", 5.5)):
        person = make.judge(name, kind="imported_person")
        for answer in question.answers.all():
            make.grade(answer, person, score=mark if answer.model == pair.after else 1)
    found = pair.compared()
    assert found.marker.judge == 0 and found.overall.after == 75


def test_marks_that_were_taken_back_or_of_another_kind_of_record_do_not_count(pair):
    question = pair.question(10, 10)
    question.answers.get(model=pair.after).grades.update(provenance="dry_run")
    assert pair.compared().marker is None


def test_only_so_many_questions_are_looked_at_and_the_page_says_so(pair):
    for _ in range(4):
        pair.question(10, 1, same=True)
    found = pair.compared(most=3)
    assert (found.shared, found.looked, found.same, found.overall.n, found.is_part) == (4, 3, 3, 3, True)


def test_benchmarks_that_both_answered_can_be_compared_on(pair):
    pair.question(None, None)
    make.answer(make.question(make.benchmark("alone"), "q"), pair.before).save()
    assert shared_benchmarks(pair.before, pair.after) == [pair.benchmark]


# --- the page


def address(pair, **query):
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{reverse('model_compare', args=[pair.after.pk])}?{words}"


def test_the_page_shows_all_of_it(client, pair):
    broken = pair.question(10, 1)
    pair.question(10, 10, same=True)
    text = client.get(address(pair, **{"with": pair.before.pk})).text
    assert "1 of 2 answers have the same words" in text and "cannot tell" in text and "sums under helpful v1" in text
    assert reverse("question", args=[broken.pk]) in text and "Newly failed" in text and "−50.0" in text


def test_before_a_model_is_chosen_the_page_offers_them(client, pair):
    text = client.get(reverse("model_compare", args=[pair.after.pk])).text
    assert f'value="{pair.before.pk}"' in text and "Choose what to compare it with" in text


def test_two_without_a_common_benchmark_are_told_what_to_do(client, pair):
    assert "no benchmark in common" in client.get(address(pair, **{"with": pair.before.pk})).text


@pytest.mark.parametrize("other", ["0", "x", "999", "self"])
def test_another_model_there_is_not_is_a_404(client, pair, other):
    other = pair.after.pk if other == "self" else other
    assert client.get(address(pair, **{"with": other})).status_code == 404


@pytest.mark.parametrize("tolerance", ["much", "-1", "nan", "101"])
def test_a_tolerance_that_is_none_keeps_the_form_and_says_what_is_meant(client, pair, tolerance):
    pair.question(10, 10)
    response = client.get(address(pair, tolerance=tolerance, **{"with": pair.before.pk}))
    assert response.status_code == 422
    assert "0 to 100 is meant" in response.text and f'value="{tolerance}"' in response.text


def test_on_a_benchmark_that_people_vote_on_nothing_is_told_but_to_leads(client, pair):
    pair.question(10, 1)
    make.run(pair.benchmark, status=Run.Status.OPEN)
    where = address(pair, **{"with": pair.before.pk})
    assert "People are voting on" in client.get(where).text and "Newly failed" not in client.get(where).text
    client.force_login(make.person("lena", "lead"))
    assert "Newly failed" in client.get(where).text


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_takes_the_same_queries_for_one_question_and_for_thirty(
    client, pair, django_assert_num_queries, count
):
    for _ in range(count):
        pair.question(10, 1)
    with django_assert_num_queries(13):
        client.get(address(pair, **{"with": pair.before.pk}))
