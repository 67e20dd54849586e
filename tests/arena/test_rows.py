"""What the database itself refuses about questions, models, answers and battles; and what these rows can say."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question, storable
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


def refuses(constraint: str, row) -> None:
    """Saving the row fails, and the named constraint (or, in SQLite's words, its columns) is the reason."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        row.save()
    fields = {c.name: getattr(c, "fields", ()) for c in row._meta.constraints}[constraint]
    told = str(refused.value)
    columns = [row._meta.get_field(name).column for name in fields]
    assert constraint in told or (columns and all(f".{column}" in told for column in columns)), told


def answer(**fields) -> Answer:
    question = make.question(make.benchmark()) if "question" not in fields else fields.pop("question")
    return Answer(**{"question": question, "model": make.model("Ash"), "turns": ["Six minutes."], **fields})


def test_a_name_and_version_is_one_benchmark_and_one_model():
    make.benchmark("pantry")
    make.model("Ash")
    refuses("one_benchmark_per_name_and_version", Benchmark(name="pantry"))
    refuses("one_model_per_name_and_version", LanguageModel(name="Ash", version="1", vendor="Else"))
    Benchmark(name="pantry", version="2").save()
    LanguageModel(name="Ash", version="2", vendor="Else").save()


def test_rows_without_a_name_are_refused():
    refuses("a_benchmark_has_a_name", Benchmark(name=""))
    refuses("a_category_has_a_key", Category(key=""))
    question = make.question(make.benchmark())
    refuses(
        "a_question_has_a_key", Question(benchmark=question.benchmark, category=question.category, key="", turns=["?"])
    )


@pytest.mark.parametrize("missing", ["name", "version", "vendor"])
def test_a_model_needs_name_version_and_vendor(missing):
    fields = {"name": "Ash", "version": "1", "vendor": "Northmoor", missing: ""}
    refuses("a_model_has_name_version_and_vendor", LanguageModel(**fields))


def test_a_key_is_one_question_in_its_benchmark():
    first = make.question(make.benchmark(), "q1")
    refuses(
        "one_question_per_key_and_benchmark",
        Question(benchmark=first.benchmark, category=first.category, key="q1", turns=["?"]),
    )
    make.question(make.benchmark("cellar"), "q1")


def test_a_model_answers_a_question_once_a_sample():
    first = answer()
    first.save()
    refuses("one_answer_per_question_model_and_sample", answer(question=first.question))
    answer(question=first.question, sample=1).save()


def test_an_answer_has_turns_or_an_error_and_never_both():
    question = make.question(make.benchmark())
    refuses("an_answer_has_turns_or_an_error", answer(question=question, turns=[], error=""))
    refuses("an_answer_has_turns_or_an_error", answer(question=question, error="timed out"))
    answer(question=question, turns=[], error="timed out").save()


def test_a_battle_is_an_unordered_pair_stored_once():
    question = make.answered(make.benchmark())[0]
    first, second = question.answers.order_by("pk")
    refuses("a_battle_is_stored_in_one_order", Battle(question=question, first=second, second=first))
    refuses("a_battle_is_stored_in_one_order", Battle(question=question, first=first, second=first))
    Battle(question=question, first=first, second=second).save()
    refuses("a_pair_of_answers_is_one_battle", Battle(question=question, first=first, second=second))


def test_pairing_twice_and_the_other_way_round_gives_the_same_battles(django_assert_num_queries):
    questions = make.answered(make.benchmark(), "Ash", "Birch", "Cedar", questions=2)
    pairs = [tuple(question.answers.order_by("pk"))[:2] for question in questions]
    once = Battle.objects.pair(pairs)
    again = Battle.objects.pair([(other, one) for one, other in pairs])
    assert {battle.pk for battle in once} == {battle.pk for battle in again} and Battle.objects.count() == 2
    with django_assert_num_queries(1):
        [first, *_] = Battle.objects.pair(pairs)
        assert first.first is pairs[0][0] and first.second is pairs[0][1]


def test_no_battle_between_answers_to_two_questions_or_by_one_model():
    one, other = make.answered(make.benchmark(), "Ash", "Birch", questions=2)
    with pytest.raises(ValueError):
        Battle.objects.pair([(one.answers.first(), other.answers.last())])
    again = answer(question=one, model=make.model("Ash"), sample=1)
    again.save()
    with pytest.raises(ValueError):
        Battle.objects.pair([(one.answers.get(model__name="Ash", sample=0), again)])
    assert Battle.objects.pair([]) == [] and not Battle.objects.exists()


def test_unanswered_are_questions_without_a_good_answer_in_that_sample():
    benchmark = make.benchmark()
    done, failed, untouched = (make.question(benchmark, key) for key in ("q1", "q2", "q3"))
    ash = make.model("Ash")
    answer(question=done).save()
    answer(question=failed, turns=[], error="timed out").save()
    assert set(Question.objects.unanswered_by(ash)) == {failed, untouched}
    assert set(Question.objects.unanswered_by(ash, sample=1)) == {done, failed, untouched}
    assert set(Answer.objects.ok()) | set(Answer.objects.failed()) == set(Answer.objects.all())


def test_names_come_in_the_readers_language_and_fall_back_to_the_other():
    full, english = Category(key="c", name_en="Cooking", name_zh="烹饪"), Category(key="d", name_en="Dining")
    assert (full.name, english.name, Category(key="e").name) == ("Cooking", "Dining", "e")
    with translation.override("zh-hans"):
        assert (full.name, english.name) == ("烹饪", "Dining")


def test_an_answers_html_is_read_from_the_row_until_the_renderer_changes(monkeypatch):
    answer(turns=["**six**"]).rendered().save()
    row = Answer.objects.get()
    assert "<strong>six</strong>" in row.html_turns[0]
    row.turns = ["changed behind its back"]
    assert "six" in row.html_turns[0]
    monkeypatch.setattr("arena.models.answer.HTML_VERSION", row.html_version + 1)
    assert "changed" in row.html_turns[0]


def test_a_call_costs_by_the_million_tokens_and_nothing_is_known_without_a_price():
    model = LanguageModel(price_in=2, price_out=10)
    assert model.cost(500_000, 100_000) == 2.0
    assert model.cost(None, 5) is None and LanguageModel(price_in=2).cost(1, 1) is None


def test_an_endpoint_takes_the_rows_options_and_those_of_the_call():
    model = LanguageModel(name="Ash", provider="openai", options={"temperature": 1, "max_tokens": 9, "timeout": 5})
    endpoint = model.endpoint("sesame", temperature=0)
    assert (endpoint.model, endpoint.timeout, dict(endpoint.options)) == ("Ash", 5, {"temperature": 0, "max_tokens": 9})
    assert "sesame" not in repr(endpoint)


def test_what_no_database_keeps_is_taken_out_of_a_text():
    assert storable("a\0b\ud800c 烹") == "ab?c 烹"
