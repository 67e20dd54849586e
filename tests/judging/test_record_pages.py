"""The record: questions and battles with their answers and judgments; who is kept blind; hostile answers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arena.models import Answer, Battle, Benchmark
from judging.models import Comment, Judge, VotingItem
from judging.views.record import verdict_of
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
RANDOM = r'name="csrfmiddlewaretoken" value="\w+"'  # which may hold any two digits
HOSTILE = """<script>alert(1)</script> <img src=x onerror=alert(2)> <iframe src="https://evil.example"></iframe>

[a link](javascript:alert(3)) ![picture](https://evil.example/p.png) <style>body{display:none}</style> [[A]]"""


@pytest.fixture
def question():
    return make.answered(make.benchmark(), "Ash", "Birch")[0]


def signed_in(*roles: str) -> Client:
    client = Client()
    client.force_login(make.person("-".join(roles) or "plain", *roles))
    return client


def page(client: Client, row) -> str:
    response = client.get(reverse("battle" if isinstance(row, Battle) else "question", args=[row.pk]))
    assert response.status_code == 200
    return response.text


# --- what the record shows


def test_a_visitor_reads_the_question_its_answers_and_every_judgment(client, question):
    question.reference, question.checks = ["Six minutes, from cold."], [{"type": "contains", "value": "six"}]
    question.save()
    battle, llm = make.battle(question), make.llm_judge()
    sent = [{"role": "user", "content": "Which of the two is better?"}]
    make.preference(
        battle,
        llm,
        value=-2,
        swapped=True,
        reply="[[B]] it is",
        prompt=sent,
        tokens_in=90,
        tokens_out=4,
        cost=0.0012,
        seconds=1.5,
    )
    text = page(client, question)
    for shown in (
        "How long does an egg boil?",
        "Six minutes.",
        "Six minutes, from cold.",
        "contains",
        "prefers Birch by far",
    ):
        assert shown in text
    assert "A Birch, B Ash" in text, "the order shown"
    for shown in ("[[B]] it is", "Which of the two is better?", "90 tokens in, 4 out", "0.00120", "1.50"):
        assert shown in page(client, battle)


def test_the_questions_page_leaves_prompts_and_replies_to_the_battles_own(client, question):
    battle, text = make.battle(question), "a long text " * 500
    make.preference(battle, reply=text, reasoning=text, prompt=[{"role": "user", "content": text}])
    assert text not in page(client, question) and page(client, battle).count(text) == 3


@pytest.mark.parametrize(("grades", "shown"), [(50, True), (51, False)])
def test_prompts_of_marks_are_shown_until_there_are_too_many(client, question, grades, shown):
    for n in range(grades):
        sent = [{"role": "user", "content": f"Mark it, judge {n}!"}]
        make.grade(question.answers.first(), make.judge(f"judge {n}"), reply=f"My mark is {n}", prompt=sent)
    text = page(client, question)
    assert ("Mark it, judge 7!" in text) is shown and "My mark is 7" in text
    assert ("the prompts sent for them are not shown" in text) is not shown


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": 2}, "prefers Ash by far"),
        ({"value": 1}, "prefers Ash"),
        ({"value": 0.5}, "leans to Ash (probability 0.75)"),
        ({"value": 0}, "tie"),
        ({"value": 0, "both_bad": True}, "both bad"),
        ({"value": -0.2}, "leans to Birch (probability 0.60)"),
        ({"value": -1, "swapped": True}, "prefers Birch"),
        ({"status": "refused", "error": "I would rather not"}, "the judge refused"),
    ],
)
def test_a_verdict_is_told_in_words(question, fields, words):
    battle = make.battle(question)
    assert str(verdict_of(make.preference(battle, **fields), battle)) == words


def test_a_failure_is_shown_as_a_failure_with_its_reason_and_never_as_a_tie(client, question):
    battle = make.battle(question)
    make.preference(battle, status="parse_error", error="no verdict at the end", reply="Hm, hard to say.")
    for row in (question, battle):
        text = page(client, row)
        assert "no verdict could be read" in text and "no verdict at the end" in text
        assert "tie" not in re.findall(r"<strong>(.*?)</strong>", text)
    assert "Hm, hard to say." in page(client, battle)


def test_what_the_endpoint_was_asked_otherwise_is_told_and_an_imports_own_notes_are_not(client, question):
    battle = make.battle(question)
    notes = ["temperature was left out", "the endpoint refused a schema"]
    make.preference(battle, make.llm_judge("ours"), details={"notes": notes})
    make.preference(battle, make.llm_judge("theirs"), details={"notes": 4711}, provenance="imported")
    text = page(client, battle)
    assert all(f"Asked otherwise than wanted: {note}" in text for note in notes)
    assert text.count("Asked otherwise than wanted") == 2


def test_a_changed_vote_stays_in_the_record_marked_as_replaced(client, question):
    battle = make.battle(question)
    make.preference(battle, value=-1, superseded_at=timezone.now())
    make.preference(battle, value=1)
    text = page(client, battle)
    assert "prefers Birch" in text and "prefers Ash" in text and text.count("replaced later") == 1


def test_grades_are_shown_with_their_marks_by_dimension_in_the_readers_language(client, question):
    rubric = make.rubric(dimensions=[{"key": "warm", "name_en": "Warmth", "name_zh": "温度", "weight": 1}])
    make.grade(question.answers.first(), rubric=rubric, score=7.5, scores={"warm": 7.5})
    assert "7.5 of 10" in page(client, question) and "Warmth" in page(client, question)
    assert "温度" in client.get(reverse("question", args=[question.pk]), headers={"Accept-Language": "zh-hans"}).text


def test_an_answer_that_failed_is_named_as_missing(client, question):
    Answer.objects.filter(question=question, model__name="Ash").delete()
    Answer.objects.create(question=question, model=make.model("Ash"), error="timed out after 120 s")
    assert "There is no answer." in page(client, question) and "timed out after 120 s" in page(client, question)


@pytest.mark.parametrize(
    ("provenance", "words"), [("demo", "Demo data"), ("dry_run", "Dry run"), ("imported", "Imported")]
)
def test_what_is_not_real_says_so(client, question, provenance, words):
    battle = make.battle(question)
    assert f'data-provenance="{provenance}"' not in page(client, question)
    make.preference(battle, provenance=provenance)
    for row in (question, battle):
        assert f'data-provenance="{provenance}"' in page(client, row) and words in page(client, row)


def test_questions_and_answers_from_a_file_are_not_said_to_be_judged_elsewhere(client, question):
    Benchmark.objects.update(provenance="imported")
    Answer.objects.update(provenance="imported")
    for row in (question, make.battle(question)):
        assert 'data-provenance="imported"' not in page(client, row)


def test_the_neighbours_are_those_of_the_benchmark_in_its_order(client):
    benchmark = make.benchmark()
    first, second, third = make.answered(benchmark, questions=3)
    make.answered(make.benchmark("other"))
    context = client.get(reverse("question", args=[second.pk])).context
    assert (context["previous"], context["next"]) == (first.pk, third.pk)
    assert client.get(reverse("question", args=[first.pk])).context["previous"] is None
    assert client.get(reverse("question", args=[third.pk])).context["next"] is None


def test_the_questions_language_is_on_its_texts(client):
    benchmark = make.benchmark()
    question = make.question(benchmark, "z", "鸡蛋要煮多久?", language="zh")
    make.answer(question, make.model("Ash"), "六分钟。").save()
    text = page(client, question)
    assert '<div class="answer" lang="zh">' in text and 'lang="zh">六分钟。</pre>' in text


@pytest.mark.parametrize("name", ["question", "battle"])
def test_what_is_not_there_is_a_404(client, name):
    assert client.get(reverse(name, args=[404])).status_code == 404


@pytest.mark.parametrize("judgments", [1, 60])
def test_the_pages_take_the_same_queries_for_one_judgment_and_for_sixty(
    client, question, django_assert_num_queries, judgments
):
    battle = make.battle(question)
    for n in range(judgments):
        make.preference(battle, make.judge(f"judge {n}"), run=make.run(question.benchmark, name=f"run {n}"))
        make.grade(question.answers.first(), make.judge(f"judge {n}"))
    with django_assert_num_queries(9):
        page(client, question)
    with django_assert_num_queries(3):
        page(client, battle)


def test_both_orders_of_one_verdict_stand_side_by_side_and_a_flip_is_named(client, question):
    battle, oracle = make.battle(question), make.llm_judge()
    make.preference(battle, oracle, value=1, reply="plain reply")
    make.preference(battle, oracle, value=-1, swapped=True, reply="swapped reply")
    make.preference(battle, make.judge("alone"), value=1)
    response = client.get(reverse("battle", args=[battle.pk]))
    assert sorted(len(group.judgments) for group in response.context["groups"]) == [1, 2]
    assert response.text.count("Both orders, side by side") == 1 and "turns round with the order" in response.text


@pytest.mark.parametrize(
    ("value", "superseded", "found"),
    [(-1, False, True), (0, False, False), (1, False, False), (-1, True, False)],
)
def test_only_standing_verdicts_for_the_other_side_turn_round(client, question, value, superseded, found):
    battle, oracle = make.battle(question), make.llm_judge()
    make.preference(battle, oracle, value=1)
    gone = {"superseded_at": timezone.now()} if superseded else {}
    make.preference(battle, oracle, value=value, swapped=True, **gone)
    assert ("turns round with the order" in page(client, battle)) is found


def test_most_people_stand_beside_each_judge(client, question):
    battle = make.battle(question)
    for n, value in enumerate((1, 1, -1)):
        make.preference(battle, make.judge(f"Simulated {n}", kind="simulated"), value=value)
    make.preference(battle, make.judge("gold seeker", kind="simulated"), value=-1, kept_out="gold")
    for name, values in {"same": (1, 2), "other": (-1, -1), "torn": (1, -1)}.items():
        for swapped, value in enumerate(values):
            make.preference(battle, make.judge(name), value=value, swapped=bool(swapped))
    make.preference(battle, make.judge("mute"), status="refused", error="no")
    told = client.get(reverse("battle", args=[battle.pk])).context["compared"]
    assert told["people"] == {"n": 3, "said": "Ash"}
    assert {one.judge.name: (one.said, one.n, one.stands) for one in told["judges"]} == {
        "same": ("Ash", 2, "same"), "other": ("Birch", 2, "other"), "torn": ("neither", 2, "open"),
    }  # fmt: skip


def test_without_people_nobody_is_compared_with_them(client, question):
    battle = make.battle(question)
    make.preference(battle, make.judge())
    response = client.get(reverse("battle", args=[battle.pk]))
    assert "no vote of a person counts here" in response.text
    assert [one.stands for one in response.context["compared"]["judges"]] == [""]


def test_an_adjudicators_decision_stands_above_the_judgments_with_its_reason(client, question):
    battle = make.battle(question)
    ada = make.judge("Simulated ada", kind="simulated")
    make.preference(battle, ada, value=-1, kept_out="adjudication", note="Six is the time.")
    text = page(client, battle)
    assert "Decided by an adjudicator: prefers Birch" in text and "not in ratings: adjudication" in text
    assert text.count("Six is the time.") == 2


def test_each_judgment_has_a_link_of_its_own_and_the_older_kind_still_works(client, question):
    battle = make.battle(question)
    made, grade = make.preference(battle), make.grade(question.answers.first())
    text = page(client, battle)
    assert f'href="#judgment-p{made.pk}"' in text and f'id="judgment-p{made.pk}"' in text
    assert f'id="preference-{made.pk}"' in text
    assert f'id="judgment-g{grade.pk}"' in page(client, question)


def test_what_came_from_the_cache_and_how_often_was_asked_is_told(client, question):
    battle = make.battle(question)
    make.preference(battle, cached=True, asked=3, turn=2)
    text = page(client, battle)
    assert "from the cache" in text and "3 calls" in text and "turn 2 alone" in text


def test_comments_on_answers_stand_on_the_questions_page_and_leads_make_them(question):
    answer = question.answers.first()
    run = make.run(question.benchmark, mode="single", status="done")
    VotingItem.objects.create(run=run, answer=answer, category=question.category)
    author = make.person("ann", "annotator")
    Comment.objects.create(run=run, author=author, text="Too short, I think.", answer=answer)
    text = page(signed_in("lead"), question)
    assert "Too short, I think." in text and 'name="answer"' in text and f'value="{answer.pk}"' in text
    assert "Too short, I think." not in page(Client(), question)


def test_others_comments_are_kept_from_those_who_vote(voted_on):
    run, answer = voted_on.benchmark.runs.get(), voted_on.answers.first()
    Comment.objects.create(run=run, author=make.person("ben", "annotator"), text="It gives itself away.", answer=answer)
    assert "gives itself away" not in page(signed_in("annotator"), voted_on)


# --- who is kept blind


def shows_names(text: str) -> bool:
    return "Ash" in text or "Birch" in text or "oracle" in text


@pytest.fixture
def voted_on(question):
    """A question with a judged battle, in a benchmark that is open for votes."""
    make.preference(make.battle(question), make.llm_judge(), reply="[[A]]")
    Answer.objects.update(tokens_out=41, seconds=3.25)
    make.run(question.benchmark, name="open one", status="open")
    return question


@pytest.mark.parametrize("kind", ["question", "battle"])
def test_an_annotator_sees_no_name_and_no_verdict_while_votes_are_open(voted_on, kind):
    row = voted_on if kind == "question" else voted_on.battles.get()
    text = page(signed_in("annotator"), row)
    assert not shows_names(text) and "[[A]]" not in text
    assert "hidden while people are voting" in text and "Go on voting" in text and "Answer 2" in text
    assert "3.25" not in text and "41" not in re.sub(RANDOM + r"|\d{3,}|/[\w./-]+", "", text), (
        "speed and tokens tell who wrote"
    )


def test_an_annotator_with_nothing_left_is_not_asked_to_go_on(voted_on):
    item = {"run": voted_on.benchmark.runs.get(status="open"), "battle": voted_on.battles.get()}
    VotingItem.objects.create(**item, category=voted_on.category, wanted=1, held=1, done=1)
    client = signed_in("annotator")
    for row in (voted_on, voted_on.battles.get()):
        text = page(client, row)
        assert "hidden while people are voting" in text and "Go on voting" not in text


@pytest.mark.parametrize("roles", [("lead",), ("lead", "annotator")])
def test_leads_see_all(voted_on, roles):
    client = signed_in(*roles)
    for row in (voted_on, voted_on.battles.get()):
        assert shows_names(page(client, row))


@pytest.mark.parametrize("who", [Client, signed_in], ids=["signed out", "without a role"])
def test_signing_out_or_in_with_another_account_opens_no_eyes_while_votes_are_open(voted_on, who):
    client = who()
    for row in (voted_on, voted_on.battles.get()):
        text = page(client, row)
        assert not shows_names(text) and "[[A]]" not in text
        assert "hidden while people are voting" in text and "Go on voting" not in text


def test_a_demo_teaches_visitors_and_keeps_its_annotators_blind(voted_on):
    voted_on.benchmark.runs.update(provenance="demo")
    for row in (voted_on, voted_on.battles.get()):
        assert shows_names(page(Client(), row))
    assert not shows_names(page(signed_in("annotator"), voted_on))
    make.run(voted_on.benchmark, name="a real one beside it", status="open")
    assert not shows_names(page(Client(), voted_on))


def test_what_is_blind_carries_no_id_of_an_answer(question):
    make.run(question.benchmark, status="open")
    make.answer(question, make.model("Cedar"), pk=424242).save()
    text = page(signed_in("annotator"), question)
    assert "424242" not in text and 'id="answer-1"' in text


# --- whose judgment it is


@pytest.fixture
def votes(question):
    """The judgments of two people with an account, one machine and one simulated person; on a benchmark that is closed."""
    battle, people = make.battle(question), [make.person(name, "annotator") for name in ("zoeann", "benedikt")]
    judges = [Judge.objects.create(name=one.username, kind="person", user=one) for one in people]
    for judge in (*judges, make.llm_judge(), make.judge("Simulated person 1", kind="simulated")):
        make.preference(battle, judge)
        make.grade(question.answers.first(), judge)
    return people


def test_people_are_numbers_to_everybody_but_leads_and_the_same_number_all_over_the_page(votes, question):
    for row in (question, question.battles.get()):
        text = page(Client(), row)
        assert "zoeann" not in text and "benedikt" not in text and "oracle" in text and "Simulated person 1" in text
        assert text.count("<span>person 1</span>") == text.count("<span>person 2</span>") > 0
        assert "zoeann" in page(signed_in("lead"), row)
        User.objects.get(username="lead").delete()


def test_a_person_finds_their_own_judgments_and_not_the_names_of_others(votes, question):
    client = Client()
    client.force_login(votes[0])
    text = page(client, question)
    assert "<span>you</span>" in text and "<span>person 2</span>" in text and "benedikt" not in text


def test_the_page_of_a_person_is_for_leads(votes, client):
    person, machine = Judge.objects.get(name="zoeann"), Judge.objects.get(name="oracle")
    assert client.get(reverse("judge", args=[person.pk])).status_code == 404
    assert client.get(reverse("judge", args=[machine.pk])).status_code == 200
    assert signed_in("lead").get(reverse("judge", args=[person.pk])).status_code == 200


def test_the_annotator_sees_all_again_when_votes_are_closed(voted_on):
    voted_on.benchmark.runs.update(status="done")
    assert shows_names(page(signed_in("annotator"), voted_on))


def test_another_benchmarks_open_run_hides_nothing_here(voted_on):
    elsewhere = make.answered(make.benchmark("larder"), "Ash", "Birch")[0]
    assert shows_names(page(signed_in("annotator"), elsewhere))


def test_the_blind_order_is_the_persons_own_and_stays(question):
    make.run(question.benchmark, status="open")
    Answer.objects.bulk_create(
        [make.answer(question, make.model(f"Model {n}"), f"answer number {n}") for n in range(8)]
    )
    anna, ben = signed_in("annotator"), Client()
    ben.force_login(make.person("ben", "annotator"))

    def order(client):
        return re.findall(r"<p>answer number (\d)</p>", page(client, question))

    assert order(anna) == order(anna) and len(order(anna)) == 8
    assert order(anna) != sorted(order(anna)) or order(ben) != sorted(order(ben))
    assert order(anna) != order(ben)


# --- hostile input


class Dangers(HTMLParser):
    """What on a page could run or load something that is not the site's own, or is markup that an answer brought."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in ("img", "iframe", "object", "embed", "style", "base", "b", "i", "u"):
            self.found.append(tag)
        for name, value in attrs:
            value = (value or "").strip().lower()
            loads = name in ("src", "srcset", "data", "action", "formaction") or (name == "href" and tag != "a")
            if name.startswith("on") or name == "style" or value.startswith(("javascript:", "data:", "vbscript:")):
                self.found.append(f"{tag} {name}={value}")
            if loads and not value.startswith("/"):
                self.found.append(f"{tag} {name}={value}")
        if tag == "script" and not dict(attrs).get("src"):
            self.found.append("inline script")


def dangers(html: str) -> list[str]:
    parser = Dangers()
    parser.feed(html)
    return parser.found


def test_a_hostile_answer_reply_or_name_is_inert_everywhere(client, question):
    make.answer(question, make.model("<b>Cedar</b>"), HOSTILE).save()
    one, other = question.answers.get(model__name="<b>Cedar</b>"), question.answers.get(model__name="Ash")
    battle = Battle.objects.pair([(one, other)])[0]
    judge = make.judge("<i>sly</i>", kind="imported")
    make.preference(
        battle, judge, reply=HOSTILE, note=HOSTILE, reasoning=HOSTILE, prompt=[{"role": "user", "content": HOSTILE}]
    )
    make.preference(battle, judge, trial=1, status="api_error", error=HOSTILE)
    make.grade(one, judge, reply=HOSTILE, scores={"<u>warm</u>": 3})
    for row in (question, battle):
        assert dangers(page(client, row)) == []
    assert dangers(client.get(reverse("model", args=[one.model_id])).text) == []


def test_marks_that_pile_up_are_thinned_in_raw_text_as_in_panes(client, question):
    pile = "o" + "\u0336" * 500
    Answer.objects.filter(question=question).update(turns=[pile])
    type(question).objects.filter(pk=question.pk).update(system=pile, reference=[pile])
    battle = make.battle(question)
    make.preference(battle, trial=1, status="api_error", error=pile)
    told = {"reply": pile, "reasoning": pile, "note": pile, "prompt": [{"role": "user", "content": pile}]}
    make.preference(battle, **told)
    for row in (question, battle):
        shown = page(client, row)
        assert "\u0336" * 100 not in shown and "◌̂" in shown


RAW = re.compile(r'<(pre|p) class="(?:record-raw|raw)\b[^>]*>(.*?)</\1>', re.DOTALL)


def test_every_template_thins_what_it_shows_raw():
    files = {file: RAW.findall(file.read_text(encoding="utf-8")) for file in Path("templates").rglob("*.html")}
    shown = [(file.name, text) for file, found in files.items() for _tag, text in found if "{{" in text]
    assert len(shown) > 15
    assert [(name, text) for name, text in shown if "|thinned" not in text and "turn.source" not in text] == []


def test_a_hostile_question_is_inert_too(client):
    benchmark = make.benchmark(title_en="<b>Pantry</b>", title_zh="", description=HOSTILE)
    checks = [{"type": "<script>alert(1)</script>", "value": HOSTILE}]
    question = make.question(
        benchmark,
        "<i>key</i>",
        HOSTILE,
        reference=[HOSTILE],
        system=HOSTILE,
        tags=["<u>tag</u>"],
        checks=checks,
        language='e"><b>',
    )
    assert dangers(page(client, question)) == []
    for name in ("benchmark", "benchmarks"):
        assert dangers(client.get(reverse(name, args=[benchmark.pk] if name == "benchmark" else [])).text) == []


def test_this_test_would_notice():
    assert len(dangers(HOSTILE + '<a href="javascript:x()" onclick="y()">z</a>')) >= 6
