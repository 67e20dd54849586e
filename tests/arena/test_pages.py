"""Pages of what is judged: benchmarks, one benchmark's questions; and its administration."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from arena.models import Answer, LanguageModel
from rating.models import Leaderboard, Rating, Snapshot
from tests.judging import recorded as make
from tests.judging.voting import person

pytestmark = pytest.mark.django_db


# --- benchmarks


def test_no_benchmarks_says_what_to_do_next(client):
    assert "python3 manage.py load" in client.get(reverse("benchmarks")).text


def test_the_list_says_how_much_each_benchmark_holds(client):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=3)
    make.question(benchmark, "unanswered", category=make.category("sums"))
    empty = make.benchmark("empty")
    Answer.objects.filter(model__name="Ash").first().delete()
    rows = {row.pk: row for row in client.get(reverse("benchmarks")).context["benchmarks"]}
    counted = rows[benchmark.pk]
    assert (counted.question_count, counted.category_count, counted.answer_count, counted.model_count) == (4, 2, 5, 2)
    assert rows[empty.pk].question_count == 0


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_takes_the_same_queries_for_one_benchmark_and_for_thirty(client, django_assert_num_queries, count):
    for n in range(count):
        make.answered(make.benchmark(f"b{n}"))
    with django_assert_num_queries(1):
        client.get(reverse("benchmarks"))


# --- one benchmark


def keys(response) -> list[str]:
    return [question.key for question in response.context["page"]]


@pytest.fixture
def mixed():
    """Four questions: two kinds, two languages, one of them in two turns."""
    benchmark = make.benchmark()
    sums = make.category("sums", position=1, name_en="Sums", name_zh="算术")
    make.question(benchmark, "soup", "How is SOUP made?", category=make.category(position=2))
    make.question(benchmark, "add", "What is 2 + 2?", category=sums)
    make.question(benchmark, "加法", "二加二等于几?", category=sums, language="zh")
    make.question(benchmark, "turns", "Think of a number.", "Now double the soup.", category=sums)
    return benchmark


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["add", "加法", "turns", "soup"]),
        ({"category": "sums"}, ["add", "加法", "turns"]),
        ({"language": "zh"}, ["加法"]),
        ({"text": "soup"}, ["turns", "soup"]),
        ({"text": "等于几"}, ["加法"]),
        ({"text": "加法"}, ["加法"]),
        ({"category": "sums", "language": "en", "text": "2 + 2"}, ["add"]),
        ({"category": "no such", "page": "x"}, []),
        ({"text": "100%"}, []),
        ({"text": "' OR 1=1 --"}, []),
    ],
)
def test_questions_are_grouped_by_category_and_filtered_by_what_the_address_says(client, mixed, query, found):
    assert keys(client.get(reverse("benchmark", args=[mixed.pk]), query)) == found


def test_a_filter_that_fits_nothing_leads_back(client, mixed):
    address = reverse("benchmark", args=[mixed.pk])
    text = client.get(address, {"text": "<script>alert(1)</script>"}).text
    assert f'<a href="{address}">Show all questions</a>' in text and "<script>alert" not in text


def test_categories_are_named_in_the_readers_language(client, mixed):
    address = reverse("benchmark", args=[mixed.pk])
    assert "<h2>Sums</h2>" in client.get(address).text
    assert "<h2>算术</h2>" in client.get(address, headers={"Accept-Language": "zh-hans"}).text


def test_a_page_holds_fifty_and_keeps_the_filter(client):
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", questions=51)
    address = reverse("benchmark", args=[benchmark.pk])
    first = client.get(address, {"language": "en"})
    assert len(keys(first)) == 50 and "?language=en&amp;page=2" in first.text
    assert len(keys(client.get(address, {"language": "en", "page": 2}))) == 1


@pytest.mark.parametrize("count", [1, 50])
def test_a_benchmark_takes_the_same_queries_for_one_question_and_for_fifty(client, django_assert_num_queries, count):
    benchmark = make.benchmark()
    make.answered(benchmark, questions=count)
    with django_assert_num_queries(9):
        client.get(reverse("benchmark", args=[benchmark.pk]))


@pytest.mark.parametrize("name", ["text", "category", "language"])
def test_what_no_database_takes_is_left_out_of_a_search_and_long_words_are_cut(client, mixed, name):
    response = client.get(reverse("benchmark", args=[mixed.pk]), {name: "so\x00up" + "x" * 5000})
    assert response.status_code == 200
    assert response.context["chosen"][name] == "soup" + "x" * 196


def test_a_demo_benchmark_says_so(client):
    benchmark = make.benchmark(provenance="demo")
    assert 'data-provenance="demo"' in client.get(reverse("benchmark", args=[benchmark.pk])).text
    assert "demo" in client.get(reverse("benchmarks")).text


def rated(model: LanguageModel, benchmark, **fields) -> Rating:
    board = Leaderboard.objects.get_or_create(benchmark=benchmark)[0]
    snapshot = Snapshot.objects.create(
        leaderboard=board,
        digest=f"{Snapshot.objects.count()}",
        code_version="1",
        n=9,
        provenances=fields.pop("provenances", ["real"]),
    )
    board.current = snapshot
    board.save()
    defaults = {"source": "people", "method": "bt", "rating": 1010, "low": 980, "high": 1040, "rank": 2, "n": 9}
    return Rating.objects.create(snapshot=snapshot, model=model, **{**defaults, **fields})


@pytest.mark.parametrize("name", ["benchmark", "model"])
def test_what_is_not_there_is_a_404(client, name):
    assert client.get(reverse(name, args=[404])).status_code == 404


# --- administration


@pytest.fixture
def root(admin_client):
    return admin_client


@pytest.mark.parametrize(
    "table",
    [
        "arena_benchmark",
        "arena_question",
        "arena_answer",
        "arena_battle",
        "arena_category",
        "arena_languagemodel",
        "judging_judge",
        "judging_rubric",
        "judging_run",
        "judging_preference",
        "judging_grade",
        "judging_assignment",
        "rating_snapshot",
        "rating_rating",
        "rating_agreement",
        "rating_score",
        "rating_profile",
        "rating_leaderboard",
    ],
)
def test_every_table_can_be_read_in_the_administration(root, table):
    question = make.answered(make.benchmark())[0]
    run = make.run(question.benchmark, judges=[make.llm_judge()])
    make.preference(make.battle(question), make.llm_judge(), run=run)
    make.grade(question.answers.first())
    rated(make.model("Ash"), question.benchmark)
    assert root.get(reverse(f"admin:{table}_changelist")).status_code == 200


def test_frozen_rows_and_the_record_cannot_be_changed_there(root):
    question = make.answered(make.benchmark(frozen_at=timezone.now()))[0]
    judge, rubric = make.judge(frozen_at=timezone.now()), make.rubric(frozen_at=timezone.now())
    preference = make.preference(make.battle(question), judge)
    rows = {
        "arena_benchmark": question.benchmark,
        "arena_question": question,
        "judging_judge": judge,
        "judging_rubric": rubric,
    }
    for table, row in {**rows, "judging_preference": preference, "arena_answer": question.answers.first()}.items():
        address = reverse(f"admin:{table}_change", args=[row.pk])
        assert root.get(address).status_code == 200
        assert root.post(address, {"name": "other", "value": 2}).status_code == 403
        assert root.post(reverse(f"admin:{table}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert root.get(reverse("admin:judging_preference_add")).status_code == 403


def test_a_rubric_not_yet_used_can_be_changed(root):
    rubric = make.rubric()
    fields = {"name": "helpful", "version": 1, "title_en": "Better", "dimensions": "[]", "lowest": 1, "highest": 5}
    fields |= {"created_at_0": "2026-01-01", "created_at_1": "00:00:00"}
    assert root.post(reverse("admin:judging_rubric_change", args=[rubric.pk]), fields).status_code == 302
    rubric.refresh_from_db()
    assert rubric.title_en == "Better"


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"key_env": "OPENAI_API_KEY"}, False),
        ({"key_env": "sk-proj-abcdefghijklmnop"}, True),
        ({"key_env": "sk_abcdefghijklmnop"}, True),
        ({"options": '{"temperature": 0, "max_tokens": 9}'}, False),
        ({"options": '{"api_key": "x"}'}, True),
        ({"options": '{"extra": [{"Authorization": "Bearer x"}]}'}, True),
        ({"options": "[1]"}, True),
        ({"key_env": "abcdef0123456789"}, True),
        ({"key_env": "AKIAIOSFODNN7EXAMPLE"}, True),
        ({"options": '{"user": "sk-proj-abcdefghijklmnop"}'}, True),
        ({"base_url": "https://me:sesame@host/v1"}, True),
        ({"base_url": "https://host/v1?key=sesame"}, True),
        ({"base_url": "https://host/v1"}, False),
    ],
)
def test_a_key_cannot_be_stored_with_a_model(root, change, refused):
    fields = {"name": "Ash", "version": "1", "vendor": "N", "options": "{}", "limits": "{}", **change}
    root.post(reverse("model_new"), fields)
    assert LanguageModel.objects.exists() is not refused


def test_no_question_comes_into_a_frozen_benchmark(root):
    frozen, free = make.benchmark("frozen", frozen_at=timezone.now()), make.benchmark("free")
    question = make.question(free)
    fields = {
        "benchmark": frozen.pk,
        "category": question.category.pk,
        "key": "new",
        "turns": '["?"]',
        "language": "en",
    }
    fields |= {"reference": "[]", "checks": "[]", "tags": "[]", "meta": "{}", "position": 0}
    for address in (
        reverse("admin:arena_question_add"),
        reverse("admin:arena_question_change", args=[question.pk]),
    ):
        assert "is frozen" in root.post(address, fields).text
    assert not frozen.questions.exists() and free.questions.count() == 1
    root.post(reverse("admin:arena_question_add"), {**fields, "benchmark": free.pk})
    assert free.questions.count() == 2


def test_the_administration_is_closed_to_annotators(client):
    client.force_login(make.person("anna", "annotator"))
    assert client.get(reverse("admin:index")).status_code == 302
    assert not User.objects.get(username="anna").is_staff


def test_questions_that_were_uploaded_are_said_to_come_from_a_file_and_not_to_be_judged(client):
    benchmark = make.benchmark(provenance="imported")
    page = client.get(reverse("benchmark", args=[benchmark.pk])).text
    assert "loaded from a file" in page and "Some of these judgments" not in page


def test_a_lead_starts_a_run_from_a_benchmark_with_questions(client):
    benchmark, empty = make.benchmark(), make.benchmark("empty")
    make.question(benchmark, "q1")
    client.force_login(person("lea", role="lead"))
    start = f'href="{reverse("run_new")}?benchmark='
    assert f"{start}{benchmark.pk}" in client.get(reverse("benchmark", args=[benchmark.pk])).text
    assert start not in client.get(reverse("benchmark", args=[empty.pk])).text
