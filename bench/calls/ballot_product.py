"""The product's own database, seen from a measurement of votes: runs of any size, people, votes timed, votes counted.

`main` reads JSON lines, [command, arguments], and answers each with one; see COMMANDS. Django is set up before, with the
environment of the site that is measured (DATABASE_URL, REDIS_URL, JURYROOM_DATA).
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from itertools import combinations
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question
from bench.calls.ballot_texts import DIFFERENT, asked, markdown
from judging.assignment import prepare
from judging.models import Assignment, Preference, Run, VotingItem
from judging.preparing import standard_rubric

CATEGORIES = ("maths", "prose", "chat")
MANY = 10_000  # items from which on more than two models take part
LARGE = 10  # models of such a run
WARM = 5  # votes before the first that counts
AT_ONCE = 2000  # rows


def fill() -> None:
    """An empty database."""
    call_command("migrate", verbosity=0)


def make(name: str, items: int, overlap: int = 3, maths: bool = False) -> dict[str, Any]:
    """A run that is open for votes on at least so many pairs: its id, its items, and the seconds its items took to be made."""
    benchmark = Benchmark.objects.create(name=name, version="1", title_en=name)
    categories = [Category.objects.get_or_create(key=key)[0] for key in CATEGORIES]
    models = [_model(number) for number in range(LARGE if items >= MANY else 2)]
    pairs = list(combinations(range(len(models)), 2))
    questions = Question.objects.bulk_create(
        (
            Question(benchmark=benchmark, category=categories[k % 3], key=str(k), turns=[asked(k)], position=k)
            for k in range(-(-items // len(pairs)))
        ),
        batch_size=AT_ONCE,
    )
    answers = _answers(questions, models, maths=maths)
    battles = (
        Battle(question=one, first=answers[one.pk][a], second=answers[one.pk][b]).named()
        for one in questions
        for a, b in pairs
    )
    Battle.objects.bulk_create(battles, batch_size=AT_ONCE)
    run = Run.objects.create(
        name=name,
        benchmark=benchmark,
        mode=Run.Mode.PAIRWISE,
        rubric=standard_rubric("pairwise"),
        limits={"overlap": overlap},
        status=Run.Status.OPEN,
    )
    run.candidates.set(models)
    began = time.perf_counter()
    prepare(run)
    seconds = time.perf_counter() - began
    if connection.vendor == "postgresql":  # as autovacuum does within a minute
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return {"run": run.pk, "items": VotingItem.objects.filter(run=run).count(), "seconds": seconds}


def _model(number: int) -> LanguageModel:
    return LanguageModel.objects.get_or_create(name=f"Quill {number:02}", version="1", defaults={"vendor": "bench"})[0]


def _answers(questions: list[Question], models: list[LanguageModel], *, maths: bool) -> dict[int, list[Answer]]:
    """Saved answers by question, in the order of their models; texts repeat, and each is rendered once."""
    rendered: dict[tuple[int, int], Answer] = {}
    rows = []
    for k, question in enumerate(questions):
        for side, model in enumerate(models):
            place = (side % 2, k % DIFFERENT)
            known = rendered.setdefault(place, Answer(turns=[markdown(*place, maths=maths)]).rendered())
            row = Answer(question=question, model=model, turns=known.turns, html=known.html)
            row.html_version, row.length = known.html_version, known.length
            row.headers, row.lists, row.bold = known.headers, known.lists, known.bold
            rows.append(row)
    Answer.objects.bulk_create(rows, batch_size=AT_ONCE)
    by_question: dict[int, list[Answer]] = {}
    for row in rows:
        by_question.setdefault(row.question_id, []).append(row)
    return by_question


def people(number: int, first: int = 0, role: str = "annotator") -> list[str]:
    """The sessions of so many people in this role."""
    group = Group.objects.get_or_create(name=role)[0]
    return [_session(f"{role} {first + k}", group) for k in range(number)]


def _session(name: str, group: Group) -> str:
    user = User.objects.get_or_create(username=name)[0]
    user.groups.add(group)
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def _noting(counted: list[str]):
    """A wrapper of statements that notes each but BEGIN."""

    def noted(execute, sql, params, many, context):
        if not sql.startswith("BEGIN"):
            counted.append(sql)
        return execute(sql, params, many, context)

    return noted


def served(run: int, votes: int) -> dict[str, list[float]]:
    """Milliseconds and statements of each of so many votes of one person, in this process: from the request to the next ballot.

    BEGIN and COMMIT are no statements; the session's and the person's own rows are.
    """
    client = Client(SERVER_NAME="127.0.0.1", HTTP_HX_REQUEST="true")
    people(1)
    client.force_login(User.objects.get(username="annotator 0"))
    html = client.get(f"/vote/{run}/").content.decode()
    found: dict[str, list[float]] = {"milliseconds": [], "queries": []}
    for number in range(WARM + votes):
        token = re.search(r'data-token="([^"]+)"', html)[1]
        counted: list[str] = []
        with connection.execute_wrapper(_noting(counted)):
            began = time.perf_counter()
            answer = client.post(f"/vote/{token}/cast/", {"choice": "ab"[number % 2]})
            took = time.perf_counter() - began
        assert answer.status_code == 200, answer.content[:500]
        html = answer.content.decode()
        if number >= WARM:
            found["milliseconds"].append(took * 1e3)
            found["queries"].append(len(counted))
    return found


def facts(run: int, voted: list[str]) -> dict[str, Any]:
    """What came of a run: votes that were acknowledged and are not on record, votes more than seats that were voted from,
    items that more people voted on or hold than are wanted, items short of it, and items whose counts are wrong."""
    row = Run.objects.get(pk=run)
    seats = Assignment.objects.filter(run=row, purpose=Assignment.Purpose.VOTE)
    done = {str(token) for token in seats.filter(status="done").values_list("token", flat=True)}
    votes = Preference.objects.current().filter(run=row)
    twice = sum(number - 1 for number in Counter(votes.values_list("judge", "battle")).values())
    by_item = Counter(seats.filter(status="done").values_list("battle", flat=True))
    held = Counter(seats.filter(holds=True).values_list("battle", flat=True))
    items = list(VotingItem.objects.filter(run=row).values_list("battle", "wanted", "held", "done"))
    return {
        "votes": votes.count(),
        "on_record": Preference.objects.filter(run=row).count(),
        "seats": len(done),
        "lost": len(set(voted) - done) + max(0, len(done) - votes.count()),
        "doubled": twice + max(0, votes.count() - len(done)) + len(voted) - len(set(voted)),
        "over": sum(max(by_item[pk], held[pk]) > wanted for pk, wanted, _, _ in items),
        "under": sum(by_item[pk] < wanted for pk, wanted, _, _ in items),
        "miscounted": sum((held[pk], by_item[pk]) != (h, d) for pk, _, h, d in items),
        "in_hand": seats.filter(status="leased").count(),
        "uncounted": Preference.objects.new().count(),
        "items": len(items),
        "full": VotingItem.objects.filter(run=row, done=F("wanted")).count(),
    }


COMMANDS = {one.__name__: one for one in (fill, make, people, served, facts)}


def main() -> None:
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](**arguments)), flush=True)
