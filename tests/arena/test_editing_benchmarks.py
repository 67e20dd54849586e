"""Benchmarks and their questions in the browser, until they are judged; then their next version."""

from __future__ import annotations

import pytest
from django.urls import reverse

from arena import versioning
from arena.models import UNPUBLISHED, Answer, Benchmark, Question
from tests.judging import recorded as make
from tests.judging import voting

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    client.force_login(make.person("lee", "lead"))
    return client


def fields_of(client, url: str) -> dict:
    """What a browser would post of the form at this address."""
    form = client.get(url).context["form"]
    return {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}


def errors(page) -> dict:
    return {name: list(found) for name, found in page.context["form"].errors.items()}


# --- benchmarks


def test_a_benchmark_is_made_and_says_what_to_do_next(lead):
    page = lead.post(reverse("benchmark_new"), {"name": "pantry", "version": "1", "title_en": "Pantry"}, follow=True)
    benchmark = Benchmark.objects.get()
    assert page.status_code == 200 and benchmark.title == "Pantry"
    assert reverse("question_new", args=[benchmark.pk]) in page.text and reverse("upload_new") in page.text


def test_a_name_and_version_that_are_taken_are_refused(lead):
    make.benchmark("pantry", version="1")
    page = lead.post(reverse("benchmark_new"), {"name": "pantry", "version": "1", "title_en": "Kept"})
    assert page.status_code == 422 and "already exists" in page.text and 'value="Kept"' in page.text


def test_titles_change_at_any_time_and_the_name_until_it_is_judged(lead):
    benchmark = make.benchmark()
    url = reverse("benchmark_edit", args=[benchmark.pk])
    lead.post(url, {**fields_of(lead, url), "name": "larder"})
    benchmark.refresh_from_db()
    benchmark.freeze()
    lead.post(url, {**fields_of(lead, url), "name": "cellar", "title_en": "Larder"})
    benchmark.refresh_from_db()
    assert (benchmark.name, benchmark.title_en) == ("larder", "Larder")


def test_an_empty_benchmark_is_deleted_and_another_stays(lead):
    empty, full = make.benchmark("empty"), make.benchmark("full")
    make.question(full)
    for benchmark in (empty, full):
        lead.post(reverse("benchmark_delete", args=[benchmark.pk]))
    assert list(Benchmark.objects.values_list("name", flat=True)) == ["full"]


def test_the_page_says_of_each_model_what_is_there_and_what_is_missing(lead):
    benchmark = make.benchmark()
    questions = make.answered(benchmark, "Ash", "Birch", questions=3)
    Answer.objects.filter(model__name="Birch", question=questions[0]).update(error="timeout", turns=[])
    Answer.objects.filter(model__name="Birch", question=questions[1]).update(error=UNPUBLISHED, turns=[])
    Answer.objects.filter(model__name="Birch", question=questions[2]).delete()
    make.answer(questions[0], make.model("Ash"), "Once more.", sample=1).save()
    told = {row["model__name"]: row for row in lead.get(reverse("benchmark", args=[benchmark.pk])).context["coverage"]}
    keys = ("good", "answers", "failed", "unpublished", "missing")
    assert [told["Ash"][key] for key in keys] == [3, 4, 0, 0, 0]
    assert [told["Birch"][key] for key in keys] == [0, 0, 1, 1, 1]


def test_who_answered_is_kept_from_those_who_may_vote_on_it(client):
    run = voting.open_run(questions=1)
    url = reverse("benchmark", args=[run.benchmark_id])
    client.force_login(voting.person("ann"))
    assert "Zephyrion" not in client.get(url).text
    client.force_login(make.person("lee", "lead"))
    assert "Zephyrion" in client.get(url).text


# --- questions


def test_a_question_of_two_turns_is_written_in_the_browser(lead):
    benchmark, category = make.benchmark(), make.category("tea")
    told = {
        "key": "q1", "category": category.pk, "language": "en", "turns": ["How hot?\r\nReally.", "And why?", "", ""],
        "reference": ["", "Tannins.", ""], "system": "", "tags": "a\nb", "checks": '[{"type": "contains", "any": ["80"]}]',
    }  # fmt: skip
    lead.post(reverse("question_new", args=[benchmark.pk]), told)
    question = Question.objects.get()
    assert question.turns == ["How hot?\nReally.", "And why?"] and question.reference == ["", "Tannins."]
    assert question.tags == ["a", "b"] and question.checks == [{"type": "contains", "any": ["80"]}]
    url = reverse("question_edit", args=[question.pk])
    assert lead.post(url, fields_of(lead, url)).status_code == 302
    question.refresh_from_db()
    assert question.turns == ["How hot?\nReally.", "And why?"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("key", "q0", "has a question of this key"),
        ("key", "", "required"),
        ("turns", ["", ""], "required"),
        ("turns", ["a", "", "c"], "Turn 2 is empty"),
        ("turns", ["a\0"], "no database keeps"),
        ("turns", ["x"] * 21, "At most 20"),
        ("reference", ["a", "b"], "more references than turns"),
        ("language", "english please", "at most 12"),
        ("language", "12", "A language is written"),
        ("checks", '[{"type": "magic"}]', "unknown type of check"),
        ("checks", '{"type": "exact"}', "A list is meant"),
        ("category", "999", "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_question_is_told_at_its_field(lead, field, value, words):
    benchmark = make.benchmark()
    there = make.question(benchmark, "q0")
    told = {"key": "q1", "category": there.category_id, "language": "en", "turns": ["How hot?"], field: value}
    page = lead.post(reverse("question_new", args=[benchmark.pk]), told)
    assert page.status_code == 422 and list(errors(page)) == [field] and words in errors(page)[field][0]
    assert benchmark.questions.count() == 1


def test_what_was_typed_is_kept_and_cannot_break_out_of_its_box(lead):
    told = {"key": "", "language": "en", "turns": ["</textarea><script>x</script>", "second"]}
    page = lead.post(reverse("question_new", args=[make.benchmark().pk]), told)
    assert "&lt;/textarea&gt;&lt;script&gt;" in page.text and "</textarea><script>" not in page.text
    assert page.text.count('name="turns"') == 3


def test_other_words_drop_the_answers_only_after_a_second_word(lead):
    benchmark = make.benchmark()
    question = make.answered(benchmark, "Ash", "Birch")[0]
    url = reverse("question_edit", args=[question.pk])
    told = {**fields_of(lead, url), "turns": ["Something else?"]}
    page = lead.post(url, told)
    assert page.status_code == 422 and "2 answers were given to the old words" in page.text
    assert question.answers.count() == 2
    assert lead.post(url, {**told, "sure": "on"}).status_code == 302
    assert question.answers.count() == 0 and Question.objects.get().turns == ["Something else?"]


def test_what_changes_no_words_keeps_the_answers(lead):
    question = make.answered(make.benchmark(), "Ash", "Birch")[0]
    url = reverse("question_edit", args=[question.pk])
    lead.post(url, {**fields_of(lead, url), "reference": ["Six."], "sure": "on"})
    assert question.answers.count() == 2 and Question.objects.get().reference == ["Six."]


def test_of_two_leads_the_second_is_shown_what_the_first_one_saved(lead):
    question = make.question(make.benchmark())
    url = reverse("question_edit", args=[question.pk])
    mine = fields_of(lead, url)
    lead.post(url, {**mine, "turns": ["Theirs?"]})
    page = lead.post(url, {**mine, "turns": ["Mine?"]})
    assert page.status_code == 422 and "Theirs?" in page.text and "Mine?" in page.text
    assert Question.objects.get().turns == ["Theirs?"]


def test_a_question_is_removed_with_its_answers(lead):
    question = make.answered(make.benchmark(), "Ash", "Birch")[0]
    lead.post(reverse("question_delete", args=[question.pk]))
    assert not Question.objects.exists() and not Answer.objects.exists()


def test_what_was_judged_does_not_change(lead):
    benchmark = make.benchmark()
    question = make.answered(benchmark, "Ash", "Birch")[0]
    make.battle(question)  # verdicts that were imported freeze nothing, and count
    paths = [
        reverse("question_new", args=[benchmark.pk]),
        reverse("question_edit", args=[question.pk]),
        reverse("question_delete", args=[question.pk]),
    ]
    for path in paths:
        page = lead.post(path, {"key": "x", "turns": ["x"]})
        assert page.url == reverse("benchmark_version", args=[benchmark.pk])
    assert Question.objects.get().turns == question.turns


# --- versions


def test_the_next_version_is_a_copy_with_the_answers_if_the_lead_wants_them(lead):
    benchmark = make.benchmark(version="1")
    questions = make.answered(benchmark, "Ash", "Birch", questions=2)
    Answer.objects.filter(question=questions[0], model__name="Ash").update(error="timeout", turns=[])
    benchmark.freeze()
    url = reverse("benchmark_version", args=[benchmark.pk])
    assert lead.get(url).context["form"]["version"].value() == "2"
    lead.post(url, {"version": "2", "answers": "on"})
    lead.post(url, {"version": "bare"})
    made = {one.version: one for one in Benchmark.objects.all()}
    assert made["2"].frozen_at is None and [one.key for one in made["2"].questions.all()] == ["q1", "q2"]
    assert Answer.objects.filter(question__benchmark=made["2"]).count() == 3
    copied, was = (Answer.objects.get(question__benchmark=made[v], question__key="q2", model__name="Ash") for v in "21")
    assert (copied.turns, copied.html, copied.provenance) == (was.turns, was.html, was.provenance)
    assert not Answer.objects.filter(question__benchmark=made["bare"]).exists()


def test_a_version_that_is_taken_is_refused(lead):
    benchmark = make.benchmark(version="1")
    page = lead.post(reverse("benchmark_version", args=[benchmark.pk]), {"version": "1"})
    assert page.status_code == 422 and Benchmark.objects.count() == 1


@pytest.mark.parametrize(
    ("versions", "of", "following"),
    [(["1"], "1", "2"), (["1", "7"], "1", "8"), (["may"], "may", "may.2"), (["may", "may.2"], "may", "may.3")],
)
def test_the_next_word_for_a_version_is_one_that_is_free(versions, of, following):
    made = {version: make.benchmark(version=version) for version in versions}
    assert versioning.next_version(made[of]) == following


def test_what_changed_between_two_versions_is_told_question_by_question(client):
    old, new = make.benchmark(version="1"), make.benchmark(version="2")
    for benchmark in (old, new):
        make.question(benchmark, "same")
        make.question(benchmark, "told otherwise", "How?" if benchmark == old else "Why?")
    make.question(old, "gone")
    make.question(new, "come")
    page = client.get(reverse("benchmark_changes", args=[new.pk, old.pk]))
    found = page.context["changes"]
    assert [one.key for one in found.added] == ["come"] and [one.key for one in found.removed] == ["gone"]
    assert [(was.turns, now.turns, fields) for was, now, fields in found.changed] == [(["How?"], ["Why?"], ["turns"])]
    assert found.same == 1 and "How?" in page.text and "Why?" in page.text
    assert reverse("benchmark_changes", args=[new.pk, old.pk]) in client.get(reverse("benchmark", args=[old.pk])).text


def test_versions_of_two_names_are_not_compared(client):
    one, other = make.benchmark("one"), make.benchmark("other")
    assert client.get(reverse("benchmark_changes", args=[one.pk, other.pk])).status_code == 404


def test_only_leads_change_benchmarks(client):
    benchmark = make.benchmark()
    question = make.question(benchmark)
    acts = ("benchmark_edit", "benchmark_delete", "benchmark_version", "question_new")
    paths = [reverse("benchmark_new"), *(reverse(name, args=[benchmark.pk]) for name in acts)]
    paths += [reverse(name, args=[question.pk]) for name in ("question_edit", "question_delete")]
    assert all(client.post(path, {"name": "x"}).status_code == 302 for path in paths)
    client.force_login(make.person("ann", "annotator"))
    assert all(client.post(path, {"name": "x"}).status_code == 403 for path in paths)
    assert Benchmark.objects.count() == Question.objects.count() == 1
