"""Writing by the API: answers and questions whole or not at all, votes exactly as on the page, runs by their recipe."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from arena.models import Answer, Battle, LanguageModel, Question
from judging import assignment, people
from judging.models import Assignment, AuditEntry, Gold, Grade, Membership, Preference, Role, Run
from tests.judging import recorded, voting
from tests.rating.api_client import Program, faults

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def lead():
    return Program(recorded.person("lea", "lead"))


def places(questions: int = 2) -> tuple[list[Question], LanguageModel]:
    benchmark = recorded.benchmark()
    return [recorded.question(benchmark, f"q{n}") for n in range(questions)], recorded.model("Ash")


def answers(asked: list[Question], model: LanguageModel, *texts: str) -> dict:
    return {
        "answers": [
            {"question": q.pk, "model": model.pk, "turns": [text]} for q, text in zip(asked, texts, strict=True)
        ]
    }


# --- answers


def test_answers_are_added_and_the_same_ones_are_there_already(lead):
    asked, model = places()
    sent = answers(asked, model, "Six **minutes**.", "Ten.")
    assert (lead.post("answers", sent).status_code, lead.post("answers", sent).status_code) == (201, 200)
    assert lead.post("answers", sent).json() == {"made": 0, "already_there": 2}
    row = Answer.objects.get(question=asked[0])
    assert row.html_turns and row.bold == 1 and row.provenance == "imported"


def test_all_answers_are_added_or_none_and_every_fault_names_index_and_field(lead):
    asked, model = places()
    lead.post("answers", answers(asked, model, "Six minutes.", "Ten."))
    sent = {
        "answers": [
            {"question": asked[0].pk, "model": model.pk, "sample": 1, "turns": ["New and good."]},
            {"question": asked[0].pk, "model": model.pk, "turns": ["Quite another text."]},
            {"question": 999, "model": 998, "turns": ["x"]},
            {"question": asked[1].pk, "model": model.pk, "sample": 1, "turns": ["one", "two"]},
            {"question": asked[1].pk, "model": model.pk, "sample": 2, "turns": [" "]},
        ]
    }
    response = lead.post("answers", sent)
    assert response.status_code == 422
    assert faults(response).keys() == {
        "answers[1].turns", "answers[2].question", "answers[2].model", "answers[3].turns", "answers[4].turns",
    }  # fmt: skip
    assert Answer.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"turns": []}, "answers[0].turns"),
        ({"turns": [7]}, "answers[0].turns[0]"),
        ({"sample": -1}, "answers[0].sample"),
        ({"seconds": -1}, "answers[0].seconds"),
        ({"question": None}, "answers[0].question"),
        ({"question": 2**63}, "answers[0].question"),
    ],
)
def test_a_field_of_the_wrong_shape_is_named(lead, change, field):
    [question], model = places(1)
    sent = answers([question], model, "Six.")
    sent["answers"][0] |= change
    response = lead.post("answers", sent)
    assert response.status_code == 422 and field in faults(response)


def test_at_most_500_answers_come_at_once_and_two_for_one_place_are_refused(lead):
    [question], model = places(1)
    one = {"question": question.pk, "model": model.pk, "turns": ["Six."]}
    many = [{**one, "sample": n} for n in range(501)]
    assert "answers" in faults(lead.post("answers", {"answers": many}))
    assert lead.post("answers", {"answers": many[:500]}).json()["made"] == 500
    assert faults(lead.post("answers", {"answers": [one, one]})).keys() == {"answers[1]"}


def test_a_failed_answer_gives_way_to_one_that_is_posted(lead):
    [question], model = places(1)
    Answer.objects.create(question=question, model=model, error="timed out")
    assert lead.post("answers", answers([question], model, "Six.")).status_code == 201
    assert Answer.objects.get().text == "Six."


@pytest.mark.parametrize("sent", [b"{", b"[]", b'{"answers": 3}', b"\xff", b""])
def test_what_is_no_json_or_another_thing_is_refused(lead, sent):
    response = lead.client.post("/api/v1/answers", sent, content_type="application/json", headers=lead.headers)
    assert response.status_code in (400, 422) and response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("role", ["annotator", "viewer", "adjudicator", ""])
def test_only_leads_add_answers_and_questions(role):
    [question], model = places(1)
    program = Program(voting.person(role=role))
    assert program.post("answers", answers([question], model, "Six.")).status_code == 403
    path = f"benchmarks/{question.benchmark_id}/questions"
    assert program.post(path, {"questions": [{"key": "k", "category": "c", "turns": ["?"]}]}).status_code == 403
    assert Answer.objects.count() == 0


# --- questions


def test_questions_are_added_once_and_a_frozen_benchmark_takes_no_new_ones(lead):
    benchmark = recorded.benchmark()
    path = f"benchmarks/{benchmark.pk}/questions"
    sent = {
        "questions": [{"key": "k1", "category": "maths", "turns": ["1 + 1?"], "reference": ["2"], "language": "zh"}]
    }
    assert lead.post(path, sent).json() == {"made": 1, "already_there": 0}
    assert lead.post(path, sent).json() == {"made": 0, "already_there": 1}
    other = {"questions": [{**sent["questions"][0], "turns": ["2 + 2?"]}]}
    assert "questions[0].key" in faults(lead.post(path, other))
    benchmark.freeze()
    new = {"questions": [{"key": "k2", "category": "maths", "turns": ["?"]}]}
    refused = lead.post(path, new)
    assert (refused.status_code, refused.json()["word"]) == (409, "frozen")
    assert lead.post(path, sent).status_code == 200
    assert Question.objects.count() == 1


def test_questions_with_a_fault_are_all_left_out(lead):
    path = f"benchmarks/{recorded.benchmark().pk}/questions"
    good = {"key": "a", "category": "maths", "turns": ["?"]}
    bad = {"key": "b", "category": "maths", "turns": ["?"], "checks": [{"kind": "nonsense"}], "reference": ["1", "2"]}
    response = lead.post(path, {"questions": [good, bad]})
    assert faults(response).keys() == {"questions[1].checks", "questions[1].reference"}
    assert Question.objects.count() == 0


# --- votes


@pytest.fixture
def ann():
    return Program(voting.person("ann"))


def seat(program: Program, run: Run) -> dict:
    told = program.post(f"runs/{run.pk}/seat").json()
    assert told["seat"], told
    return told["seat"]


@pytest.mark.parametrize(("choice", "value"), [("a", 1), ("b", -1), ("tie", 0), ("bad", 0)])
def test_a_vote_is_recorded_towards_what_was_shown_first(ann, choice, value):
    run = voting.open_run()
    item = seat(ann, run)
    sent = {"choice": choice, "note": " because ", "reasons": ["made_up"], "rubric": item["rubric"], "active_ms": 4200}
    assert ann.post(f"votes/{item['token']}", sent).json()["word"] == "recorded"
    said = Preference.objects.get()
    assert (said.value_shown, said.both_bad, said.note, said.reasons) == (
        value,
        choice == "bad",
        "because",
        ["made_up"],
    )
    assert said.judge.user.username == "ann" and said.provenance == "real"
    assert Assignment.objects.get(token=item["token"]).active_ms == 4200


def test_the_next_item_is_the_same_on_the_same_sides_until_it_is_left(ann):
    run = voting.open_run()
    first = seat(ann, run)
    again = seat(ann, run)
    assert {**again, "lease_until": None} == {**first, "lease_until": None}
    ann.post(f"votes/{first['token']}", {"choice": "a"})
    assert seat(ann, run)["token"] != first["token"]


def test_the_api_and_the_page_hold_one_and_the_same_item(ann):
    run = voting.open_run()
    item = seat(ann, run)
    page = Client()
    page.force_login(Preference._meta.get_field("judge").related_model.objects.get(user__username="ann").user)
    assert item["token"] in page.get(reverse("ballot", args=[run.pk])).text


def test_a_vote_sent_twice_counts_once(ann):
    run = voting.open_run()
    item = seat(ann, run)
    words = [ann.post(f"votes/{item['token']}", {"choice": choice}).json()["word"] for choice in ("a", "a", "b")]
    assert words == ["recorded", "already", "already"]
    assert Preference.objects.get().value_shown == 1


def test_nothing_sent_before_the_vote_tells_who_wrote_what(ann):
    run = voting.open_run(models=4)
    for _ in range(4):
        response = ann.post(f"runs/{run.pk}/seat")
        text = response.content.decode() + str(response.headers)
        for name, vendor in voting.NAMES:
            assert not any(part in text for part in (name, vendor, f"fam{name}", f"aka{name}", f"ep{name}"))
        told = response.json()["seat"]
        assert not {"model", "battle", "answer", "id", "purpose", "swapped"} & told.keys()
        ann.post(f"votes/{told['token']}", {"choice": "tie"})


def test_an_item_is_skipped_or_flagged_with_a_reason_and_a_flag_without_one_is_refused(ann):
    run = voting.open_run()
    first = seat(ann, run)
    assert ann.post(f"votes/{first['token']}/skip", {"cause": "undecided"}).json()["word"] == "skipped"
    second = seat(ann, run)
    assert faults(ann.post(f"votes/{second['token']}/flag", {"cause": "nonsense"})).keys() == {"reason"}
    cause = second["flag_causes"][0]["word"]
    assert ann.post(f"votes/{second['token']}/flag", {"cause": cause}).json()["word"] == "flagged"
    assert AuditEntry.objects.filter(act="item_flagged").exists()
    assert set(Assignment.objects.values_list("status", flat=True)) == {"skipped", "flagged"}


def test_undo_reopens_the_last_vote_on_the_same_sides(ann):
    run = voting.open_run()
    item = seat(ann, run)
    ann.post(f"votes/{item['token']}", {"choice": "a"})
    last = ann.post(f"runs/{run.pk}/seat").json()["last"]
    assert last == item["token"]
    told = ann.post(f"runs/{run.pk}/undo", {"last": last}).json()
    assert {told["seat"]["token"]} <= {item["token"]} and told["seat"]["answers"] == item["answers"]
    assert not Preference.objects.current().exists() and Preference.objects.count() == 1
    refused = ann.post(f"runs/{run.pk}/undo", {"last": str(uuid.uuid4())})
    assert (refused.status_code, refused.json()["word"]) == (409, "nothing")


def test_undo_of_a_skip_that_a_quota_has_no_room_for_is_refused_in_a_word(ann):
    run = voting.open_run(voting={"per_person": 1})
    ann.post(f"votes/{seat(ann, run)['token']}/skip", {})
    in_hand = seat(ann, run)
    refused = ann.post(f"runs/{run.pk}/undo", {})
    assert (refused.status_code, refused.json()["word"]) == (409, "full") and "does not come back" in refused.json()[
        "detail"
    ]
    assert seat(ann, run)["token"] == in_hand["token"]


def test_undo_without_a_last_seat_goes_on_to_the_one_that_there_is_room_for(ann):
    run = voting.open_run(voting={"per_person": 2})
    voted = seat(ann, run)["token"]
    ann.post(f"votes/{voted}", {"choice": "a"})
    skipped = seat(ann, run)["token"]
    ann.post(f"votes/{skipped}/skip", {})
    seat(ann, run)
    refused = ann.post(f"runs/{run.pk}/undo", {"last": skipped})
    assert (refused.status_code, refused.json()["word"]) == (409, "full")
    assert ann.post(f"runs/{run.pk}/undo", {}).json()["seat"]["token"] == voted
    assert not Preference.objects.current().exists()


def test_a_run_that_is_deleted_while_its_next_item_is_looked_for_is_not_found(ann, monkeypatch):
    run, read = voting.open_run(), assignment.standing

    def meanwhile(one, *facts, **options):
        Run.objects.filter(pk=run.pk).delete()
        return read(one, *facts, **options)

    monkeypatch.setattr(assignment, "standing", meanwhile)
    assert ann.post(f"runs/{run.pk}/seat").status_code == 404


def test_single_answers_are_marked_field_by_field(ann):
    run = voting.open_run(mode="single", models=1)
    item = seat(ann, run)
    assert [field["name"] for field in item["fields"]] == ["mark-right", "mark-kind"] and item["choices"] == []
    refused = ann.post(f"votes/{item['token']}", {"fields": {"mark-right": 9}})
    assert faults(refused).keys() == {"fields.mark-right", "fields.mark-kind"}
    assert (
        ann.post(f"votes/{item['token']}", {"fields": {"mark-right": 4, "mark-kind": "2"}}).json()["word"] == "recorded"
    )
    assert Grade.objects.get().scores == {"right": 4, "kind": 2}


@pytest.mark.parametrize("sent", [{}, {"choice": "c"}, {"choice": "a2"}])
def test_a_choice_that_is_not_on_the_ballot_is_refused(ann, sent):
    run = voting.open_run()
    response = ann.post(f"votes/{seat(ann, run)['token']}", sent)
    assert faults(response).keys() == {"choice"} and not Preference.objects.exists()


def test_a_run_that_was_closed_or_whose_guidelines_changed_counts_nothing(ann):
    run = voting.open_run()
    item = seat(ann, run)
    other = ann.post(f"votes/{item['token']}", {"choice": "a", "rubric": item["rubric"] + 1})
    assert (other.status_code, other.json()["word"]) == (409, "rubric")
    Run.objects.update(status="done")
    closed = ann.post(f"votes/{item['token']}", {"choice": "a"})
    assert (closed.status_code, closed.json()["word"]) == (409, "closed")
    assert ann.post(f"runs/{run.pk}/seat").json()["why"] == "closed"
    assert not Preference.objects.exists()


def test_nobody_votes_on_the_seat_of_another_or_without_the_role(ann):
    run = voting.open_run()
    item = seat(ann, run)
    bob, lead, nobody = (
        Program(voting.person(name, role=role)) for name, role in (("bob", "annotator"), ("lea", "lead"), ("eve", ""))
    )
    assert bob.post(f"votes/{item['token']}", {"choice": "a"}).status_code == 404
    assert lead.post(f"runs/{run.pk}/seat").status_code == nobody.post(f"runs/{run.pk}/seat").status_code == 403
    assert Program().post(f"runs/{run.pk}/seat").status_code == 401
    assert not bob.post(f"votes/{item['token']}/beat").json()["held"]
    assert ann.post(f"votes/{item['token']}/beat").json()["held"]
    assert not Preference.objects.exists()


def test_rights_that_were_withdrawn_end_with_the_item_in_hand():
    run, user = voting.open_run(), voting.person("eve")
    eve = Program(user)
    token = seat(eve, run)["token"]
    user.groups.clear()
    for path, sent in ((f"votes/{token}", {"choice": "a"}), (f"votes/{token}/skip", {}), (f"runs/{run.pk}/undo", {})):
        assert eve.post(path, sent).status_code == 403
    assert eve.post(f"votes/{token}/beat").json() == {"held": False}
    assert not Preference.objects.exists()


def test_a_program_cannot_tell_a_gold_item_by_what_is_left(ann):
    run = voting.open_run(questions=20, limits={"overlap": 1}, voting={"gold_every": 3})
    for battle in Battle.objects.all()[:3]:
        Gold.objects.create(run=run, battle=battle, lowest=1, highest=2)
    told = []
    while (now := ann.post(f"runs/{run.pk}/seat").json())["seat"]:
        told += [(now["done"], now["left"]) for now in (now, ann.post(f"runs/{run.pk}/seat").json())]
        ann.post(f"votes/{now['seat']['token']}", {"choice": "a"})
    assert Assignment.objects.filter(purpose="gold").count() == 3
    assert told == [(done, 20 - done) for done in range(20) for _time in range(2)]
    assert (now["done"], now["left"], now["why"]) == (20, 0, "nothing")


def test_a_person_who_is_paused_or_has_voted_enough_is_told_so(ann):
    run = voting.open_run(limits={"overlap": 1}, voting={"per_day": 1})
    ann.post(f"votes/{seat(ann, run)['token']}", {"choice": "a"})
    assert ann.post(f"runs/{run.pk}/seat").json()["why"] == "day"
    user = Assignment.objects.get().judge.user
    Membership.objects.create(run=run, user=user, role=Role.ANNOTATOR)
    people.pause(run, user, why="look again", by=recorded.person("lea", "lead"))
    assert ann.post(f"runs/{run.pk}/seat").json()["why"] == "paused"


# --- runs


def recipe(**more) -> dict:
    benchmark = recorded.benchmark("pantry")
    recorded.answered(benchmark, "Ash", "Birch", questions=2)
    return {
        "name": "by a program",
        "mode": "pairwise",
        "benchmark": {"name": "pantry"},
        "models": [{"name": name, "version": "1", "vendor": "Northmoor"} for name in ("Ash", "Birch")],
        "judges": [{"name": "dry", "kind": "dry_run", "seed": 1}],
        **more,
    }


def test_a_recipe_sets_up_a_run_once_and_starts_it(lead):
    sent = {"recipe": recipe()}
    first = lead.post("runs", sent)
    assert first.status_code == 201, first.content
    assert first.json()["status"] == "queued"
    again = lead.post("runs", sent)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    run = Run.objects.get()
    assert (run.name, run.created_by.username) == ("by a program", "lea")


def test_a_run_is_paused_resumed_and_cancelled(lead):
    pk = lead.post("runs", {"recipe": recipe(), "start": False}).json()["id"]
    assert lead.post(f"runs/{pk}/pause").status_code == 409
    assert lead.post(f"runs/{pk}/start").json()["status"] == "queued"
    assert lead.post(f"runs/{pk}/pause").json()["status"] == "paused"
    assert lead.post(f"runs/{pk}/cancel").json()["status"] == "cancelled"
    assert lead.post(f"runs/{pk}/cancel").status_code == 409
    assert Program(recorded.person("vic", "viewer")).post(f"runs/{pk}/start").status_code == 403


def test_a_recipe_from_a_program_names_no_files_and_asks_nobody_who_is_not_set_up_here(lead, tmp_path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text("not for you")
    sent = recipe()
    sent["benchmark"]["questions"] = str(secret)
    sent["models"][0]["answers"] = str(secret)
    response = lead.post("runs", {"recipe": sent})
    assert faults(response).keys() == {"recipe.benchmark.questions", "recipe.models[0].answers"}
    assert "not for you" not in response.content.decode()
    asked = recipe_of_a_stranger()
    response = lead.post("runs", {"recipe": asked})
    assert response.status_code == 422 and "recipe.models" in faults(response)
    assert not LanguageModel.objects.filter(name="Thief").exists()


def recipe_of_a_stranger() -> dict:
    asked = {
        "version": "1",
        "vendor": "V",
        "provider": "openai",
        "base_url": "http://thief.test",
        "key_env": "DATABASE_URL",
    }
    return {**recipe_parts(), "judges": [{"name": "thief", "kind": "llm", "model": "Thief", **asked}]}


def recipe_parts() -> dict:
    return {
        "name": "another",
        "mode": "pairwise",
        "benchmark": {"name": "pantry"},
        "models": [{"name": name, "version": "1", "vendor": "Northmoor"} for name in ("Ash", "Birch")],
    }


def test_what_is_wrong_with_a_recipe_is_named_by_its_field(lead):
    response = lead.post("runs", {"recipe": {"name": "x", "mode": "both", "colour": "red"}})
    assert response.status_code == 422
    told = json.dumps(response.json())
    assert "recipe.mode" in told and "recipe.colour" in told and not Run.objects.exists()
