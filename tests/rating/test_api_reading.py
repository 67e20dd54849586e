"""Reading by the API: pages of rows, filters, fingerprints, errors that name the field, and what nobody is told."""

from __future__ import annotations

import json
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from jsonschema import Draft202012Validator

from arena import tokens
from arena.models import UNFINISHED, UNPUBLISHED, Answer, Battle, Benchmark, LanguageModel, Question
from judging.models import BadCase, Judge, Preference, Rubric, Run
from rating.api import auth, description
from rating.api.openapi import parts
from rating.models import Score
from tests.judging import recorded, voting
from tests.rating import make
from tests.rating.api_client import Program, at, faults

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
    yield
    cache.clear()


def record(questions: int = 3):
    """A benchmark with answers, battles and a vote by a machine and by a person on each."""
    benchmark = recorded.benchmark()
    rule, person = recorded.judge(), recorded.judge("ann", kind="person", user=recorded.person("ann"))
    run = recorded.run(benchmark, judges=[rule])
    for one in recorded.answered(benchmark, questions=questions):
        battle = recorded.battle(one)
        recorded.preference(battle, rule, run=run)
        recorded.preference(battle, person, value=-1)
        recorded.grade(battle.first, rule, run=run)
    return benchmark


# --- the description


def test_the_description_is_openapi_31_with_an_answer_for_every_reference():
    told = Program().get("openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert {"title", "version", "description"} <= told["info"].keys()
    refs = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(told)))
    assert refs <= told["components"]["schemas"].keys()
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_its_own_name_words_and_errors_in_the_description():
    told = description()
    operations = [(path, method, one) for path, methods in told["paths"].items() for method, one in methods.items()]
    names = [one["operationId"] for _path, _method, one in operations]
    assert len(names) == len(set(names)) > 40
    for path, method, one in operations:
        assert one["summary"] and one["tags"], path
        assert "application/problem+json" in one["responses"]["429"]["content"]
        assert ({} in one["security"]) is (method == "get")
        wanted = set(re.findall(r"{(\w+)}", path))
        assert {p["name"] for p in one.get("parameters", []) if p["in"] == "path"} == wanted


def test_every_answer_keeps_to_the_description():
    benchmark = record()
    BadCase.objects.create(question=benchmark.questions.first(), text="It names no source.")
    snapshot = make.board(3, provenances=["real"])
    told = description()
    fixed = {"boards": snapshot.leaderboard.benchmark_id, "snapshots": snapshot.pk}
    program = Program(recorded.person("lea", "lead"))
    read = 0
    for path, methods in told["paths"].items():
        if "get" not in methods:
            continue
        kind = path.removeprefix("/api/v1/").split("/")[0]
        address = path.replace("{pk}", str(fixed.get(kind) or first_of(kind))) if "{pk}" in path else path
        address = address.replace("{other}", str(first_of(kind) + 1) if "{other}" in path else "")
        response = program.get(address)
        assert response.status_code == 200, (address, response.content)
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": told["components"]}).validate(response.json())
        read += 1
    assert read >= 30


ROWS = {
    "answers": Answer, "bad-cases": BadCase, "battles": Battle, "benchmarks": Benchmark, "judges": Judge,
    "models": LanguageModel, "questions": Question, "rubrics": Rubric, "runs": Run,
}  # fmt: skip


def first_of(kind: str) -> int:
    return ROWS[kind].objects.order_by("pk").values_list("pk", flat=True)[0]


def test_our_own_page_lists_every_operation_and_loads_nothing_from_elsewhere():
    page = Client().get(reverse("api")).text
    for part in parts(description()):
        for one in part.operations:
            assert f'id="{one.anchor}"' in page and one.path in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


# --- pages and filters


def test_pages_follow_each_other_and_hold_every_row_once():
    record(questions=7)
    program = Program()
    ids = [row["id"] for row in program.rows("preferences", limit=3)]
    assert len(ids) == len(set(ids)) == 14 and ids == sorted(ids)
    page = program.get("preferences", {"limit": 3, "by": "people"}).json()
    assert "by=people" in page["next"] and "after=" in page["next"]
    assert program.get("preferences", {"limit": 500}).json()["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 501}, "limit"),
        ({"limit": 0}, "limit"),
        ({"after": "x"}, "after"),
        ({"after": 2**63}, "after"),
        ({"modle": 3}, "modle"),
        ({"by": "robots"}, "by"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(query, field):
    response = Program().get("preferences", query)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert field in faults(response)
    assert response.json()["status"] == 422


def test_an_answer_that_is_not_whole_yet_or_was_not_published_did_not_fail():
    record()
    for answer, error in zip(Answer.objects.all()[:3], (UNFINISHED, UNPUBLISHED, "gone"), strict=True):
        Answer.objects.filter(pk=answer.pk).update(error=error, turns=[])
    reader = Program()
    assert [row["error"] for row in reader.rows("answers", failed="true")] == ["gone"]
    assert {row["error"] for row in reader.rows("answers", failed="false")} == {None}


def test_filters_narrow():
    benchmark = record()
    program = Program()
    assert len(program.rows("answers", benchmark=benchmark.pk)) == 6
    ash = LanguageModel.objects.get(name="Ash")
    assert {row["model"]["name"] for row in program.rows("answers", model=ash.pk)} == {"Ash"}
    assert len(program.rows("battles", model=ash.pk)) == 3
    assert len(program.rows("preferences", by="machines")) == 3
    assert program.rows("preferences", status="refused") == []
    assert [row["key"] for row in program.rows("questions", text="Q2")] == ["q2"]
    assert len(program.rows("grades", benchmark=benchmark.pk)) == 3


@pytest.mark.parametrize(
    "path", ["models/999", "questions/999", f"answers/{2**70}", "nowhere", "runs/999", "snapshots/1/x"]
)
def test_what_is_not_there_is_a_problem_of_404(path):
    response = Program().get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["preferences", "answers", "battles", "questions", "models", "scores", "ratings", "snapshots", "judges"]
)
def test_a_page_costs_as_many_queries_for_one_row_as_for_many(path, django_assert_num_queries):
    record(questions=1)
    snapshot = make.board(2)
    model = make.models(1, prefix="S")[0]
    Score.objects.create(model=model, benchmark="b0", metric="m", value=1, source="s")
    program = Program()
    with CaptureQueriesContext(
        connection,
    ) as few:
        program.get(path, {"limit": 500})
    for question in recorded.answered(recorded.benchmark("other"), questions=12):
        recorded.preference(recorded.battle(question))
    for n in range(10):
        make.judge(f"j{n}")
        Score.objects.create(model=model, benchmark=f"c{n}", metric="m", value=1, source="s")
        make.snapshot(snapshot.leaderboard.benchmark)
    with django_assert_num_queries(len(few)):
        program.get(path, {"limit": 500})


# --- fingerprints


def test_what_has_not_changed_is_not_sent_again():
    snapshot = make.board(3)
    path = f"snapshots/{snapshot.pk}/board"
    first = Program().get(path)
    again = Program().get(path, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert Program().get(path, **{"If-None-Match": '"other", W/' + first["ETag"]}).status_code == 304
    assert Program().get(path, {"category": "maths"})["ETag"] != first["ETag"]
    LanguageModel.objects.filter(name="M1").update(name="M1 renamed")
    assert Program().get(path, **{"If-None-Match": first["ETag"]}).status_code == 200


# --- boards


def test_a_board_tells_ratings_intervals_and_ties_as_the_page_does():
    snapshot = make.board(3, provenances=["demo"], excluded={"parse_error": 2})
    told = Program().get(f"boards/{snapshot.leaderboard.benchmark_id}").json()
    assert [row["model"]["name"] for row in told["rows"]] == ["M1", "M2", "M3"]
    assert told["rows"][0]["rating"] == 1100 and told["rows"][0]["low"] == 1075
    assert (told["snapshot"], told["provenances"], told["excluded"]) == (snapshot.pk, ["demo"], {"parse_error": 2})
    assert told["rows"][0]["weighted"] is None and told["language"] is None
    row = Program().get(f"snapshots/{snapshot.pk}").json()
    assert (row["digest"], row["recipe"], row["is_current"]) == (snapshot.digest, {"level": 0.95}, True)


def test_a_board_says_which_categories_and_methods_there_are():
    board = f"boards/{make.board(2).leaderboard.benchmark_id}"
    assert "there are" in faults(Program().get(board, {"category": "nonsense"}))["category"]
    assert "method" in faults(Program().get(board, {"method": "magic"}))
    assert Program().get(board, {"category": "maths"}).json()["category"] == "maths"


def test_a_benchmark_without_ratings_has_an_empty_board_and_no_zero():
    told = Program().get(f"boards/{make.benchmark('bare').pk}").json()
    assert (told["snapshot"], told["rows"]) == (None, [])


def test_agreement_says_null_and_why_where_it_is_undefined():
    snapshot = make.board(2)
    make.agreement(snapshot, alpha=None, low=None, high=None, note="only one value used")
    rows = Program().get(f"snapshots/{snapshot.pk}/agreement").json()["rows"]
    assert (rows[0]["alpha"], rows[0]["note"]) == (None, "only one value used")


# --- who may see what


def test_people_with_an_account_are_named_to_leads_only():
    record()
    rows = Program().rows("preferences", by="people")
    assert {row["judge"]["name"] for row in rows} == {None} and {row["judge"]["id"] for row in rows} == {None}
    lead = Program(recorded.person("lea", "lead"))
    named = lead.rows("preferences", by="people")
    assert {row["judge"]["name"] for row in named} == {"ann"}
    ann = named[0]["judge"]["id"]
    assert Program().rows("preferences", judge=ann) == []
    assert len(lead.rows("preferences", judge=ann)) == 3
    assert Program().get(f"judges/{ann}").status_code == 404
    assert lead.get(f"judges/{ann}").status_code == 200
    assert "ann" not in {row["name"] for row in Program().rows("judges")}


def test_an_endpoint_and_the_name_of_its_key_are_for_leads(monkeypatch):
    monkeypatch.setenv("ASH_KEY", "sk-abcdefghijklmnop")
    fields = {
        "provider": "openai",
        "base_url": "https://ash.test/v1",
        "key_env": "ASH_KEY",
        "options": {"api_key": "sk-abcdefghijklmnop", "top_p": 1},
    }
    model = recorded.model("Ash", **{"vendor": "V", **fields})
    for program in (Program(), Program(recorded.person("ann", "annotator")), Program(recorded.person("vic", "viewer"))):
        text = program.get(f"models/{model.pk}").content.decode()
        assert "ASH_KEY" not in text and "ash.test" not in text and json.loads(text)["endpoint"] is None
    text = Program(recorded.person("lea", "lead")).get(f"models/{model.pk}").content.decode()
    assert json.loads(text)["endpoint"]["key_env"] == "ASH_KEY" and json.loads(text)["endpoint"]["key_is_set"] is True
    assert "sk-abc" not in text


@pytest.mark.parametrize("path", ["profiles", "groupings", "bad-cases", "bad-cases/{case}", "runs/{run}/annotators"])
def test_what_leads_alone_see_says_so(path):
    benchmark = record()
    case = BadCase.objects.create(question=benchmark.questions.first(), text="It names no source.")
    path = path.format(run=benchmark.runs.get().pk, case=case.pk)
    assert Program().get(path).status_code == 401
    assert Program(recorded.person("bob", "annotator")).get(path).status_code == 403
    assert Program(recorded.person("lea", "lead")).get(path).status_code == 200


def test_runs_under_way_are_seen_by_leads_and_viewers_only():
    benchmark = record()
    running = recorded.run(benchmark, status="running")
    seen = {
        role: running.pk in {row["id"] for row in Program(recorded.person(f"a {role}", role)).rows("runs")}
        for role in ("annotator", "viewer", "lead")
    }
    assert seen == {"annotator": False, "viewer": True, "lead": True}
    assert Program().get(f"runs/{running.pk}").status_code == 404
    done = Program().get(f"runs/{benchmark.runs.get(status='done').pk}").json()
    assert done["judges"][0]["done"] == 3 and done["spent"] is None


def crawl(program: Program) -> dict[str, str]:
    """Everything that can be read, by address: every list, and every single thing with ids from 1 to 14."""
    found = {}
    for path, methods in description()["paths"].items():
        if "get" not in methods:
            continue
        for pk in range(1, 15) if "{pk}" in path else [0]:
            address = path.replace("{pk}", str(pk)).replace("{other}", str(pk % 14 + 1))
            response = program.get(address)
            assert response.status_code in (200, 401, 403, 404), (address, response.content)
            found[address] = response.content.decode()
    return found


OF_MODELS = re.compile(r"/api/v1/(models(?!/\d+/failures)|boards|snapshots|ratings|scores|judges)\b")
"""Tables of models and of standings, as public as their pages are: they tie nobody to an answer."""


@pytest.mark.parametrize("reader", ["annotator", "visitor", "viewer"])
def test_a_crawl_while_people_vote_finds_nothing_that_tells_who_wrote_what(reader, monkeypatch):
    monkeypatch.setattr(auth, "MOST_OF_TOKEN", 10**6)
    monkeypatch.setattr(auth, "MOST_OF_VISITOR", 10**6)
    run = voting.open_run(questions=3, models=3)
    for question in run.benchmark.questions.all():
        recorded.preference(recorded.battle(question), note="Zephyrion is the better one")
    recorded.run(run.benchmark, *[name for name, _vendor in voting.NAMES[:3]], status="done")
    program = Program() if reader == "visitor" else Program(voting.person(role=reader))
    told = crawl(program)
    secret = re.compile("|".join(part for name in voting.NAMES for part in (*name, f"fam{name[0]}", f"aka{name[0]}")))
    leaks = [address for address, text in told.items() if not OF_MODELS.match(address) and secret.search(text)]
    assert leaks == []
    assert "It is what text" in told["/api/v1/questions/1"]
    whole = json.loads(told["/api/v1/questions/1"])
    assert whole["is_blind"] and {answer["id"] for answer in whole["answers"]} == {None}
    for answer in whole["answers"]:
        assert {answer[name] for name in ("model", "sample", "tokens_out", "seconds", "characters", "created_at")} == {
            None
        }
    listed = json.loads(told["/api/v1/answers"])
    assert (listed["rows"], listed["withheld"]) == ([], [run.benchmark_id])
    assert json.loads(told["/api/v1/preferences"])["rows"] == []
    assert json.loads(told["/api/v1/battles/1"])["judgments"] is None


def test_a_filter_by_model_does_not_tell_which_hidden_answers_are_its_own():
    run = voting.open_run()
    program = Program(voting.person())
    for model in run.candidates.all():
        assert program.rows("answers", model=model.pk) == program.rows("battles", model=model.pk) == []
        assert program.rows("questions", benchmark=run.benchmark_id)


def test_leads_see_through_and_votes_are_told_again_once_the_run_is_closed():
    run = voting.open_run()
    assert len(Program(voting.person("lea", role="lead")).rows("answers")) == 8
    run.status = "done"
    run.save()
    assert len(Program(voting.person()).rows("answers")) == 8


# --- tokens, cookies, and how often


def test_a_cookie_reads_and_never_writes():
    lead = recorded.person("lea", "lead")
    client = Client()
    client.force_login(lead)
    assert client.get(at("profiles")).status_code == 200
    response = client.post(at("answers"), {"answers": []}, content_type="application/json")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    elsewhere = client.get(at("profiles"), headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer jr_nonsense", "Basic YTpi", "Bearer", "Bearer \xff"])
def test_a_token_that_is_none_is_refused_even_for_what_is_public(header):
    assert Client().get(at("models"), headers={"Authorization": header}).status_code == 401


def test_a_token_that_may_only_read_does_not_write():
    program = Program(recorded.person("lea", "lead"), may_write=False)
    assert program.get("profiles").status_code == 200
    response = program.post("answers", {"answers": []})
    assert (response.status_code, response.json()["word"]) == (403, "read_only")


def test_a_token_that_is_taken_back_or_whose_person_left_lets_nobody_in():
    lead = recorded.person("lea", "lead")
    program = Program(lead)
    lead.is_active = False
    lead.save()
    assert program.get("profiles").status_code == 401
    lead.is_active = True
    lead.save()
    tokens.revoke(lead.api_tokens.get())
    assert program.get("profiles").status_code == 401


def test_too_many_requests_are_told_when_to_come_again(monkeypatch):
    monkeypatch.setattr(auth, "MOST_OF_TOKEN", 3)
    program, other = Program(recorded.person("lea", "lead")), Program(recorded.person("max", "lead"))
    monkeypatch.setattr(auth, "time", lambda: 1_700_000_010.0)
    statuses = [program.get("models").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = program.get("models")
    assert 0 < int(refused["Retry-After"]) <= 60 and refused["Content-Type"] == "application/problem+json"
    assert other.get("models").status_code == 200
    monkeypatch.setattr(auth, "time", lambda: 1_700_000_075.0)
    assert program.get("models").status_code == 200


def test_superseded_verdicts_are_read_where_they_are_asked_for():
    record()
    Preference.objects.filter(judge__kind="rule").update(superseded_at=timezone.now())
    assert len(Program().rows("preferences")) == 3
    assert len(Program().rows("preferences", current="false")) == 6
