"""Full text in English and Chinese: what is found, on this database and in the spelling of the other."""

from __future__ import annotations

import pytest

from arena.models import Answer, Question
from judging import searching
from tests.judging import recorded as make
from tests.judging import searched


def test_words_are_told_apart_by_spaces_and_quotes_keep_them_together():
    assert searching.words('boil  "soft egg" 鸡蛋 boil') == ["boil", "soft egg", "鸡蛋"]
    assert searching.words('  " ') == [] and len(searching.words("a b c d e f g h i j")) == 8


def test_sqlite_is_asked_for_both_spellings_and_postgresql_for_one():
    assert list(searching._spellings("鸡\n", "sqlite")) == ["鸡\\n", "\\u9e21\\n"]
    assert list(searching._spellings("鸡", "postgresql")) == ["鸡"]
    assert list(searching._spellings('say "no"', "sqlite")) == ['say \\"no\\"']


@pytest.fixture
def egg(db):
    benchmark = make.benchmark()
    plain = make.question(benchmark, "egg-1", "How long does an egg boil?", "And a goose egg?")
    chinese = make.question(benchmark, "egg-2", "鸡蛋要煮多久？请用一句话回答。", language="zh")
    for question, ash, birch in (
        (plain, 'Six "minutes", from\ncold: 100% sure_ly.', "Ten."),
        (chinese, "溏心蛋大约六分钟。", "十分钟。"),
    ):
        make.answer(question, make.model("Ash"), ash).save()
        make.answer(question, make.model("Birch"), birch).save()
        make.battle(question)
    return benchmark


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("goose", {"egg-1"}),
        ("BOIL long", {"egg-1"}),
        ("egg-2", {"egg-2"}),
        ("鸡蛋", {"egg-2"}),
        ("一句话 多久", {"egg-2"}),
        ("多 久 鸡", {"egg-2"}),
        ("鸡 goose", set()),
        ("egg", {"egg-1", "egg-2"}),
        ("%", set()),
        ("u9e21", set()),
        ("9e2", set()),
        ("bo", {"egg-1"}),
        ("", {"egg-1", "egg-2"}),
    ],
)
def test_questions_have_every_word_in_any_order(egg, text, keys):
    assert {one.key for one in searching.questions(Question.objects.all(), text)} == keys


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"from  cold"', 1),
        ('"cold from"', 0),
        ("ncold", 0),
        ("from cold", 1),
        ('"minutes"', 1),
        ("100%", 1),
        ("sure_ly", 1),
        ("sureXly", 0),
        ("六分钟", 1),
        ("分钟", 2),
        ("蛋 六", 1),
        ("钟六", 0),
    ],
)
def test_answers_are_searched_by_what_was_written_and_not_by_patterns(egg, text, found):
    assert searching.answers(Answer.objects.all(), text).count() == found


@pytest.mark.parametrize(
    ("text", "keys"), [("cold", ["egg-1"]), ("溏心", ["egg-2"]), ("goose", ["egg-1"]), ("Ten egg", [])]
)
def test_a_battle_is_found_by_its_question_or_by_one_of_its_answers(egg, text, keys):
    found = searching.search(make.Battle.objects.all(), text, most=9).ids
    assert [make.Battle.objects.get(pk=pk).question.key for pk in found] == keys


def test_a_backslash_before_an_n_or_a_t_is_found(egg):
    make.answer(Question.objects.first(), make.model("Cedar"), "So \\theta \\neq C:\\new\nline").save()
    for text, found in (
        (r"\theta", 1),
        (r"\neq", 1),
        (r"c:\new", 1),
        ("theta", 0),
        (r"\eq", 0),
        (r"\line", 0),
        ("line", 1),
    ):
        assert len(searching.search(Answer.objects.all(), text, most=9).ids) == found, text


def test_a_search_by_pieces_finds_what_one_look_finds_in_any_mixture_of_scripts(db, monkeypatch):
    monkeypatch.setattr(searching, "PIECE", 20)
    assert searched.wrong(seed=20261127, number=40) == []


def test_a_search_stops_when_time_is_up_but_looks_at_a_piece_first(egg, monkeypatch):
    monkeypatch.setattr(searching, "PIECE", 3)
    first, *_others, last = Answer.objects.order_by("pk")
    rows = Answer.objects.all()
    assert searching.search(rows, "absent", most=9, seconds=0) == searching.Found([], last.pk - 1)
    assert searching.search(rows, "absent", most=9) == searching.Found([], None)
    assert searching.search(rows, "六", most=9, seconds=0, beyond=last.pk - 1) == searching.Found([], None)
    assert searching.search(rows, "minutes", most=1, seconds=0) == searching.Found([first.pk], None)


def test_a_piece_of_a_search_looks_at_each_answer_once(egg, django_assert_num_queries):
    with django_assert_num_queries(3):  # the battles, their questions, their answers
        assert len(searching.search(make.Battle.objects.all(), "minutes", most=9).ids) == 1


def test_text_that_was_written_without_escapes_is_found_as_well(egg):
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps JSON without escapes anyway")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE arena_question SET turns = ? WHERE key = 'egg-2'".replace("?", "%s"), ['["鸡蛋羹"]'])
    assert {one.key for one in searching.questions(Question.objects.all(), "蛋羹")} == {"egg-2"}


def test_an_excerpt_stands_around_what_was_found():
    long = "word " * 100 + "needle in it " + "word " * 100
    cut = searching.excerpt([long], "NEEDLE", length=60)
    assert "needle" in cut and cut.startswith("…") and cut.endswith("…") and len(cut) <= 62
    assert searching.excerpt(["short\n text"], "") == "short text"
    assert searching.excerpt(["鸡蛋" * 100], "没有", length=10) == "鸡蛋鸡蛋鸡蛋鸡蛋鸡蛋…"
