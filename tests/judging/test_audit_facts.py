"""The details of the log: each fact in the reader's words, with names where ids are kept."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from arena.models import Answer, Battle
from judging import audit_facts, golding, opening
from judging.golding import Truth
from judging.models import AuditEntry, Judge, VotingItem
from judging.voting import Voting
from tests.judging import voting

pytestmark = pytest.mark.django_db


def told(act: str, *, run=None, **facts) -> dict[str, str]:
    entry = AuditEntry.note(act, run=run, **facts)
    return dict(audit_facts.details([entry])[0])


def lead_of(run) -> Client:
    client = Client()
    client.force_login(voting.person("lea", role="lead"))
    return client


def noted() -> set[tuple[str, str]]:
    """Every fact that the code puts on record by name, with its act."""
    found = set()
    for app in ("arena", "judging", "rating"):
        for file in Path(app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "AuditEntry.note":
                    act = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
                    found |= {(act, one.arg) for one in node.keywords if one.arg not in (None, "actor", "run")}
    return found


def test_every_fact_that_is_put_on_record_has_its_words_in_both_languages():
    assert len(noted()) > 30
    assert not {fact for fact in noted() if not {fact[1], ".".join(fact)} & audit_facts.WORDS.keys()}
    with translation.override("en"):
        english = {name: str(label) for name, (label, _say) in audit_facts.WORDS.items()}
    with translation.override("zh-hans"):
        chinese = {name: str(label) for name, (label, _say) in audit_facts.WORDS.items()}
    assert not {name for name, label in english.items() if label == chinese[name]}


def test_a_fact_without_words_is_shown_as_it_is():
    assert told("moon_landed", crater="Tycho", depth=4.7) == {"crater": "Tycho", "depth": "4.7"}


def test_a_seat_is_told_by_the_question_of_its_item_and_one_that_is_gone_as_it_is_kept():
    run, ann = voting.open_run(), voting.person()
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    seat = voting.seat_in_hand(run, ann)
    said = told("vote_undone", run=run, seat=str(seat.token), status="skipped", cause="too_long", reason="")
    assert said == {"Item": seat.battle.question.title, "It was": "skipped", "Why": "It is too long"}
    assert told("item_flagged", seat="no token", cause="leak") == {
        "Item": "no token",
        "Why": "An answer tells who wrote it",
    }


@pytest.mark.parametrize("mode", ["pairwise", "single"])
def test_gold_items_are_told_by_their_question_and_what_is_right(mode):
    run = voting.open_run(mode=mode)
    item = VotingItem.objects.filter(run=run).first()
    pk = item.answer_id or item.battle_id
    ends = (2.0, 4.0) if mode == "single" else golding.VERDICTS["b_or_tie"]
    golding.add(run, [Truth(pk, *ends, is_practice=True)], by=voting.person("lea", role="lead"))
    (said,) = audit_facts.details(AuditEntry.objects.filter(act="gold_added").select_related("run"))
    kind, table = ("answer", Answer) if mode == "single" else ("battle", Battle)
    right = "a mark from 2 to 4" if mode == "single" else "The second answer is better, or a tie"
    title = table.objects.get(pk=pk).question.title
    assert dict(said) == {"Told": "on the page", "Gold items": f"{kind} {pk}: {title} → {right} (in practice)"}
    golding.remove(run.golds.get(), by=None)
    (said,) = audit_facts.details(AuditEntry.objects.filter(act="gold_removed").select_related("run"))
    assert dict(said) == {"Item": f"{kind} {pk}: {title}", "What is right": right}


def test_of_many_gold_items_so_many_are_named_and_the_rest_counted():
    items = [{"item": n, "lowest": -1.0, "highest": 1.0, "practice": False} for n in range(1, 31)]
    said = told("gold_added", run=voting.open_run(), source="file", items=items)
    assert said["Gold items"].startswith(
        "battle 1: What is 0 plus 0? → from -1 to 1 towards the first answer (silently); "
    )
    assert said["Gold items"].endswith("; 10 more")


def test_settings_of_a_vote_are_told_by_the_words_of_their_form():
    run = voting.open_run()
    changed = Voting(ballot="five", note="required", reasons=("unsafe",), confirm=True, overlap=5)
    opening.change(run, changed, by=voting.person("lea", role="lead"))
    (said,) = audit_facts.details(AuditEntry.objects.filter(act="voting_changed").select_related("run"))
    assert dict(said)["What changed"].split("; ") == [
        "Ballot: A is better, B is better, tie, both bad → the same, with “much better” on either side",
        "Reasons offered with a vote: wrong fact, made up, unsafe, off topic, style → unsafe",
        "Note: optional → required with every vote",
        "A choice counts when it is pressed again: no → yes",
        "Votes on each item: 3 → 5",
    ]


def test_ids_are_told_by_name_and_words_of_ours_by_their_labels():
    run = voting.open_run()
    judge = Judge.objects.create(name="strict", kind=Judge.Kind.METRIC)
    assert told("reply_read", judgment=7, read_from=3, judge=judge.pk) == {
        "Judgment": "7",
        "Made of judgment": "3",
        "Judge": str(judge),
    }
    assert told("judged_again", name="new", like=run.pk, questions=4)["Like the run"] == str(run)
    assert told("run_retried", judgments=2, cause="parse_error", judge="strict") == {
        "Judgments": "2",
        "Cause": "no verdict could be read",
        "Judge": "strict",
    }
    assert told("budget_changed", before=None, now=2.5) == {"Before": "none", "Now": "2.5"}
    assert told("person_paused", person="ann", why="practice_not_passed") == {
        "Whom": "ann",
        "Why": "The practice round was not passed.",
    }
    assert told("export_downloaded", format="dpo", names=False) == {
        "Format": "training pairs, plain texts (JSON lines)",
        "With people’s names": "no",
    }
    assert told("webhook_changed", name="ops", changed=["url_env", "is_on"]) == {
        "Name": "ops",
        "What changed": "Variable with the address, Messages are sent",
    }


def test_the_page_speaks_the_readers_language_and_the_file_keeps_the_names():
    run = voting.open_run()
    AuditEntry.note("item_flagged", run=run, seat="s1", cause="leak")
    client = lead_of(run)
    page = client.get(reverse("audit", args=[run.pk]), headers={"Accept-Language": "zh-hans"}).text
    assert "内容：s1 · 理由：有回答透露了作者" in page
    answer = client.get(reverse("audit", args=[run.pk]), {"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert rows[1][3] == "{'seat': 's1', 'cause': 'leak'}"


def test_a_page_of_acts_on_many_items_asks_for_their_names_at_once(django_assert_num_queries):
    run = voting.open_run()
    battles = list(VotingItem.objects.filter(run=run).values_list("battle", flat=True))
    entries = [AuditEntry.note("flag_settled", run=run, battle=pk) for pk in battles]
    with django_assert_num_queries(1):
        assert audit_facts.details(entries[:1]) != audit_facts.details([])
    with django_assert_num_queries(1):
        audit_facts.details(entries)
