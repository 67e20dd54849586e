"""llmuses's own data and recipes, judged over real HTTP by an endpoint that fails and garbles: every call is counted."""

from __future__ import annotations

import json
import time
from io import StringIO

import pytest
from django.core.management import call_command

from judging.models import Grade, Preference
from judging.replies import parse_pair
from rating.models import Snapshot
from tests import openai_server
from tests.judging.llmuses_files import BASELINE, MODELS, adapted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
CONCURRENCY = 16


@pytest.fixture
def server(monkeypatch):
    with openai_server.serve(fail=0.05, garble=0.05, key="sesame") as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sesame")
        yield served


def evaluate(file, **options) -> dict:
    out = StringIO()
    call_command("evaluate", str(file), format="json", stdout=out, **options)
    return json.loads(out.getvalue())


def board(**options) -> dict:
    out = StringIO()
    call_command("leaderboard", format="json", stdout=out, **options)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("name", "count", "table", "method"),
    [
        ("single", 320, Grade, "score"),
        ("pairwise_baseline", 3 * 80 * 2, Preference, "bt"),
        ("arena", 6 * 80 * 2, Preference, "bt"),
    ],
)
def test_every_item_is_asked_once_and_what_fails_or_is_garbled_on_top(
    server, shared, tmp_path, name, count, table, method
):
    file = adapted(shared, name, tmp_path)
    began = time.monotonic()

    (bill,) = evaluate(file, estimate=True)["judges"]
    assert bill["calls"] == count and bill["tokens_in"] > 100 * count
    assert server.count == 0 and not table.objects.exists()

    told = evaluate(file)
    first_asks = [call for call in server.calls if call.status == 200 and not asked_again(call)]
    repairs = [call for call in server.calls if call.status == 200 and asked_again(call)]
    garbled = sum(call.outcome == "garbled" for call in (*first_asks, *repairs))
    assert len(first_asks) == count, "every item is asked once, and once only"
    unread = table.objects.current().exclude(status="ok").count()
    assert len(repairs) == garbled - unread > 0, "each unreadable reply is asked again, and nothing else is"
    assert server.count == count + len(repairs) + server.failed and server.failed > 0
    assert server.peak <= CONCURRENCY

    rows = table.objects.current().select_related("run")
    assert rows.count() == count == told["judges"][0]["done"] + told["judges"][0]["failed"]
    assert unread == told["judges"][0]["failed"]
    assert set(rows.exclude(status="ok").values_list("status", flat=True)) <= {"parse_error"}
    assert sum(rows.values_list("asked", flat=True)) == server.count
    assert sum(rows.values_list("tokens_in", flat=True)) > 0

    server.forget()
    again = evaluate(file)
    assert server.count == 0 and again["run"] == told["run"] and table.objects.count() == count
    assert Snapshot.objects.count() == 1

    assert told["leaderboard"]["method"] == method and {row["model"] for row in told["leaderboard"]["rows"]} == set(
        MODELS
    )
    assert board(benchmark="llmuses")["rows"] == again["leaderboard"]["rows"]
    assert len(board(benchmark="llmuses", category="math")["rows"]) == 4
    assert time.monotonic() - began < 60


def asked_again(call) -> bool:
    """Whether a request is the repair turn: it holds the judge's own first reply."""
    return any(message["role"] == "assistant" for message in call.body["messages"])


def test_three_recipes_on_one_database_share_their_questions_and_answers(server, shared, tmp_path, monkeypatch):
    """The arena recipe asks at another temperature, which is another judge of the same model."""
    single = evaluate(adapted(shared, "single", tmp_path), limit=2)
    baseline = evaluate(adapted(shared, "pairwise_baseline", tmp_path), limit=2)
    arena = evaluate(adapted(shared, "arena", tmp_path), limit=2)
    assert [run["judges"][0]["total"] for run in (single, baseline, arena)] == [8, 12, 24]
    assert [run["judges"][0]["judge"] for run in (single, baseline, arena)] == ["gpt-4", "gpt-4", "gpt-4 v2"]
    assert Preference.objects.count() == 36 and Grade.objects.count() == 8
    temperatures = {call.body["temperature"] for call in server.calls}
    assert temperatures == {0, 0.2}


def test_the_verdicts_on_record_are_the_endpoints_rule_whichever_side_was_shown(server, shared, tmp_path):
    evaluate(adapted(shared, "arena", tmp_path), limit=4)
    letters = {"A": 1, "B": -1, "C": 0}
    rows = list(Preference.objects.decided().select_related("battle__first", "battle__second"))
    assert len(rows) > 40
    for row in rows:
        shown = row.battle.shown(swapped=row.swapped)
        assert row.value_shown == letters[openai_server.preferred(*(answer.text for answer in shown))]
        assert parse_pair(row.reply).value == row.value_shown
        prompt = row.prompt[-1]["content"]
        assert prompt.index(shown[0].text.strip()) < prompt.rindex(shown[1].text.strip())


def test_a_dry_run_of_llmuses_calls_nobody_and_rates_nothing(server, shared, tmp_path):
    told = evaluate(adapted(shared, "pairwise_baseline", tmp_path), dry_run=True)
    assert server.count == 0 and told["judges"][0]["done"] == 480 and told["leaderboard"] is None
    assert {row.provenance for row in Preference.objects.all()} == {"dry_run"} and not Snapshot.objects.exists()
    assert BASELINE in MODELS
