"""What people who are asked to vote, and visitors, find anywhere on the site of a benchmark that is voted on.

No page that shows an answer says which model wrote it, and no page shows a judgment. Boards, matrices and charts name models
while people vote, as they were before the vote: see tests/rating/test_held_figures.py.
"""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arena.models import Answer
from judging import adjudication
from judging.access import is_blind_on
from judging.assignment import judge_of
from judging.judges.base import OK, Verdict
from judging.models import AuditEntry, Comment, Grade, Membership, Preference, Run, VotingItem
from judging.watching import sights_of
from tests.arena import every_page
from tests.arena.every_page import address, names
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
NAMES = ("Zephyrion", "Blatherskite")
SAID = ("SAID-IN-AN-ANSWER-1", "SAID-IN-AN-ANSWER-2")
JUDGED = ("REPLY-OF-A-JUDGE", "NOTE-OF-A-PERSON", "MARK-EXPLAINED", "WHY-IT-FAILED", "COMMENT-OF-ANOTHER")
"""What nobody reads before they voted."""
WHO = ("visitor", "annotator", "plain", "viewer")
QUERIES = {
    "model_compare": "?with={other}&benchmark={benchmark}",
    "question": "?list=questions&model={model}",
    "battle": "?list=battles&model={model}&outcome=first",
    "compare": "?one={snapshot}&other={snapshot}",
    "run": "?status=api_error",
}
KINDS = ("battles", "answers", "questions")


@pytest.fixture
def there(tmp_path, settings):
    """A benchmark with answers, judgments, failures and comments by a run that is done, and a run open for votes."""
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    found = every_page.rows(tmp_path)
    for row, name, said in zip((found["model"], found["other"]), NAMES, SAID, strict=True):
        type(row).objects.filter(pk=row.pk).update(name=name, vendor=f"Vendor{name}")
        Answer.objects.filter(model=row).update(turns=[said], html=[f"<p>{said}</p>"])
    battle, judge, run = found["battle"], found["judge"], found["run"]
    fields = {"reply": JUDGED[0], "reasoning": JUDGED[0], "note": JUDGED[1], "error": ""}
    Preference.objects.update(**fields, prompt=[{"role": "user", "content": JUDGED[0]}])
    Grade.objects.update(reply=JUDGED[2], note=JUDGED[2], prompt=[{"role": "user", "content": JUDGED[2]}])
    failed = {"value": None, "status": "api_error", "error": f"{NAMES[0]} {JUDGED[3]}", "run": run}
    make.preference(battle, judge, swapped=True, **failed)
    Comment.objects.create(run=run, battle=battle, author=found["lead"], text=JUDGED[4])
    AuditEntry.note("export_downloaded", actor=found["lead"], run=run, format=JUDGED[4], names=False)
    make.run(found["benchmark"], name="open for votes", status="open", created_at=timezone.now())
    found["plain"] = make.person("nobody")
    return found


def client_of(who: str, there: dict) -> Client:
    client = Client()
    if who != "visitor":
        client.force_login(there[who])
    return client


def heard(client: Client, path: str) -> str:
    """All that comes back from an address: where it leads, its headers, its body; nothing of what cannot be read as text."""
    answer = client.get(path)
    assert answer.status_code < 500, path
    body = b"".join(answer) if answer.streaming else answer.content
    return f"{answer.headers}\n{body.decode('utf-8', 'replace')}"


def paths(there: dict) -> list[str]:
    """The address of every page, of every form of every file, and of the lists of the record."""
    known = {name: row.pk for name, row in there.items() if hasattr(row, "pk")}
    found = [address(name, there) + QUERIES.get(name, "").format(**known) for name in names() if name != "logout"]
    record = reverse("record")
    found += [
        f"{record}?kind={kind}{more}" for kind in KINDS for more in ("", "&text=SAID-IN", f"&model={known['model']}")
    ]
    found += [reverse("model_export", args=[known["model"], one]) for one in ("md", "html")]
    found += [reverse("board_export", args=[known["snapshot"], one]) for one in ("csv", "txt", "md", "json")]
    return found + [
        f"/api/v1/{one}?benchmark={known['benchmark']}" for one in ("answers", "battles", "preferences", "grades")
    ]


@pytest.mark.parametrize("who", WHO)
def test_no_page_with_an_answer_names_its_model_and_none_shows_a_judgment(there, who):
    client, told = client_of(who, there), {}
    for path in paths(there):
        text = heard(client, path)
        wrong = [word for word in JUDGED if word in text]
        if any(said in text for said in SAID):
            wrong += [name for name in NAMES if name in text]
        if wrong:
            told[path] = wrong
    assert told == {}


def test_the_same_crawl_finds_names_and_judgments_where_a_lead_looks(there):
    """Else the test above would find nothing whatever the pages showed."""
    client = client_of("lead", there)
    text = "".join(heard(client, path) for path in paths(there))
    assert [word for word in (*NAMES, *SAID, *JUDGED) if word not in text] == []


@pytest.mark.parametrize("who", WHO)
def test_the_blind_still_read_the_question_and_its_answers(there, who):
    text = heard(client_of(who, there), address("question", there))
    assert all(said in text for said in SAID)


def test_the_socket_of_a_run_is_as_blind_as_its_page(there):
    people = [None, *(there[who].pk for who in WHO[1:])]
    assert {sight.blind for sight in sights_of(people, there["run"]).values() if sight} == {True}
    assert not sights_of([there["lead"].pk], there["run"])[there["lead"].pk].blind


@pytest.mark.parametrize("way", ["group", "member"])
def test_whoever_has_something_to_decide_stays_blind_when_the_run_is_closed(there, way):
    run = there["benchmark"].runs.get(status="open")
    ada = make.person("ada", *(["adjudicator"] if way == "group" else []))
    if way == "member":
        Membership.objects.create(user=ada, run=run, role="adjudicator")
    battle = there["battle"]
    VotingItem.objects.filter(run=run, battle=battle).delete()
    VotingItem.objects.create(run=run, battle=battle, category=battle.question.category, is_split=True)
    Run.objects.filter(pk=run.pk).update(status="done")
    client = Client()
    client.force_login(ada)
    page = client.get(address("battle", there)).text
    assert not any(word in page for word in (*NAMES, *JUDGED))
    assert sights_of([ada.pk], there["run"])[ada.pk].blind and is_blind_on(ada, there["benchmark"])
    assert any(name in Client().get(address("battle", there)).text for name in NAMES), "nobody else is kept blind"
    seat = adjudication.next_case(run, judge_of(ada))
    adjudication.decide(seat, [(0, Verdict(status=OK, value=1.0))], why="so", reasons=[], saw_votes=False)
    assert all(name in client.get(address("battle", there)).text for name in NAMES)
    assert not sights_of([ada.pk], there["run"])[ada.pk].blind
