"""The weights of a panel's members, learnt from people."""

from __future__ import annotations

import json
from io import StringIO
from math import log

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from judging.models import Judge, Seat
from rating import learning
from rating.panel_weights import NothingToLearn, learn, next_version
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

BATTLES = 40
MISSES = {"sound": 4, "shaky": 16, "coin": 20}


@pytest.fixture
def benchmark():
    """Forty battles that a person decides for the first; each member misses so many of them, in both orders."""
    benchmark = make.benchmark()
    person = make.judge("person", kind=Judge.Kind.IMPORTED_PERSON)
    members = {name: make.judge(name) for name in MISSES}
    for number, question in enumerate(make.answered(benchmark, questions=BATTLES)):
        battle = make.battle(question)
        make.preference(battle, person, value=1)
        for name, member in members.items():
            make.preference(battle, member, value=-1 if number < MISSES[name] else 1)
    return benchmark


@pytest.fixture
def panel(benchmark):
    panel = make.judge("jury", kind="panel", options={"quorum": 2})
    for position, name in enumerate(MISSES):
        Seat.objects.create(panel=panel, member=Judge.objects.get(name=name), position=position, weight=1)
    return panel


def test_a_members_weight_is_the_log_of_its_odds_beside_the_best(panel, benchmark):
    sound, shaky, coin = learn(panel, benchmark)
    assert (sound.judge, sound.weight, sound.n) == ("sound", 1.0, BATTLES) and sound.agreement == pytest.approx(0.9)
    assert shaky.weight == pytest.approx(log(25 / 17) / log(37 / 5)) and coin.weight == 0


def test_the_next_version_has_the_weights_and_the_one_before_stays(panel, benchmark):
    made = next_version(panel, learn(panel, benchmark))
    assert (made.name, made.version, made.options) == ("jury", 2, {"quorum": 2, "weights": "learnt"})
    assert [seat.member.name for seat in made.seats.all()] == list(MISSES)
    assert [seat.weight for seat in panel.seats.all()] == [1, 1, 1] != [seat.weight for seat in made.seats.all()]


def test_the_command_writes_only_when_it_is_told_to(panel, benchmark):
    def said(**options) -> str:
        out = StringIO()
        call_command("panel_weights", "jury", stdout=out, **options)
        return out.getvalue()

    assert "nothing was written" in said() and Judge.objects.filter(name="jury").count() == 1
    told = json.loads(said(format="json", write=True))
    assert (told["panel"], told["written"], len(told["members"])) == ("jury v2", True, 3)
    with pytest.raises(CommandError, match="there is no judge 'crowd'"):
        call_command("panel_weights", "crowd")


def test_where_there_is_nothing_to_learn_from_it_says_why(panel, benchmark):
    with pytest.raises(NothingToLearn, match="judge sound is no panel"):
        learn(Judge.objects.get(name="sound"), benchmark)
    make.Preference.objects.filter(battle__question__position__gte=29).delete()
    with pytest.raises(NothingToLearn, match="sound and the people have decided 29 battles together; 30 are needed"):
        learn(panel, benchmark)


def test_a_panel_of_the_demo_stays_one_of_the_demo(panel, benchmark):
    Judge.objects.filter(name="sound").update(provenance="demo")
    assert next_version(panel, learn(panel, benchmark)).provenance == "demo"


def test_a_panel_that_never_learnt_says_so_until_it_did(panel, benchmark, client):
    client.force_login(make.person("lena", "lead"))
    Judge.objects.filter(pk=panel.pk).update(options={"weights": "learnt"})
    panel.refresh_from_db()
    outer = make.judge("outer", kind="panel")
    Seat.objects.create(panel=outer, member=panel)
    run = make.run(benchmark, judges=[outer])
    words = "nobody has let it learn: every voice counts the same"
    pages = [reverse("judge", args=[panel.pk]), reverse("run", args=[run.pk])]
    assert all(words in client.get(page).text for page in pages)
    shown = client.post(reverse("judge_learn", args=[panel.pk]), {"benchmark": benchmark.pk})
    assert "Save as v2" in shown.text and "90%" in shown.text
    client.post(reverse("judge_learn", args=[panel.pk]), {"benchmark": benchmark.pk, "write": "1"})
    made = Judge.objects.get(name="jury", version=2)
    page = client.get(reverse("judge", args=[made.pk])).text
    assert words not in page and f"This version learnt from the people of {benchmark.title} v1" in page
    assert [one["judge"] for one in learning.learnt_by(made)["members"]] == list(MISSES)
    assert Judge.objects.filter(name="jury").unlearnt() == [panel]
