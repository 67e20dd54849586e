"""The tie band of a reward judge, fitted to people's votes: by the command, on the judge's page, and on record."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from judging.judges.reward import fit_tie_band, preference
from judging.models import AuditEntry, Judge
from rating.learning import learn, learnt_by, lesson, places
from rating.panel_weights import NothingToLearn
from rating.tie_bands import fit
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

BATTLES = 40


@pytest.fixture
def benchmark():
    return make.benchmark()


@pytest.fixture
def scorer(benchmark):
    """A reward judge of forty battles; where the rewards differ by less than one, as in ten, people see a tie."""
    judge = make.judge("scorer", kind="reward", model=make.model("rm", provider="local"), options={"verdict": "sign"})
    person = make.judge("person", kind=Judge.Kind.IMPORTED_PERSON)
    make.run(benchmark, judges=[judge])
    for number, question in enumerate(make.answered(benchmark, questions=BATTLES)):
        size = 0.1 * (number // 4) if number % 4 == 0 else 1 + number
        side = -1 if number % 3 == 0 else 1
        battle = make.battle(question)
        make.preference(battle, person, value=0 if size < 1 else side)
        for swapped in (False, True):
            rewards = [side * size, 0.0] if not swapped else [0.0, side * size]
            make.preference(battle, judge, value=side, swapped=swapped, details={"rewards": rewards})
    return judge


def test_the_band_calls_as_many_battles_a_tie_as_people_and_says_what_that_brings(scorer, benchmark):
    told = fit(scorer, benchmark)
    assert (told.n, told.n_ties, told.band_before) == (BATTLES, 10, 0)
    assert 0.9 < told.band < 2 and told.before == pytest.approx(31 / 40)  # rewards that are equal are a tie already
    assert told.before < told.after <= 1


def test_the_agreement_afterwards_is_told_of_questions_that_the_band_was_not_fitted_on(scorer, benchmark):
    rows = make.Preference.objects.filter(judge=scorer, swapped=False).order_by("battle__question")
    differences = [row.details["rewards"][0] - row.details["rewards"][1] for row in rows]
    words = [make.Preference.objects.get(battle=row.battle_id, judge__name="person").value for row in rows]
    hits = 0
    for fold in range(5):
        others = [n for n in range(BATTLES) if n % 5 != fold]
        ties = sum(words[n] == 0 for n in others) / len(others)
        band = fit_tie_band([differences[n] for n in others], ties)
        hits += sum(
            preference(differences[n], tie_band=band, as_sign=True) == words[n] for n in range(fold, BATTLES, 5)
        )
    assert fit(scorer, benchmark).after == hits / BATTLES


def test_the_next_version_has_the_band_and_the_log_keeps_what_it_was_learnt_from(scorer, benchmark):
    made = learn(lesson(scorer, benchmark))
    told = fit(scorer, benchmark)
    assert (made.version, made.options) == (2, {"verdict": "sign", "tie_band": told.band})
    assert made.model == scorer.model and Judge.objects.get(pk=scorer.pk).options == {"verdict": "sign"}
    kept = learnt_by(made)
    assert (kept["n"], kept["before"], kept["after"]) == (told.n, told.before, told.after)
    assert learnt_by(scorer) is None
    # Rewards do not depend on the band: those of the first version teach the second, which knows it already.
    assert learn(lesson(made, benchmark)) == made and Judge.objects.filter(name="scorer").count() == 2


def test_with_too_few_votes_it_says_how_many_there_are(scorer, benchmark):
    make.Preference.objects.filter(judge__name="person", battle__question__position__gte=29).delete()
    with pytest.raises(NothingToLearn, match="have judged 29 battles on 29 questions together; 30 are needed"):
        fit(scorer, benchmark)
    with pytest.raises(NothingToLearn, match="judge steady is no reward model"):
        fit(make.judge("steady"), benchmark)


def test_the_command_writes_only_when_it_is_told_to(scorer, benchmark):
    def said(**options) -> str:
        out = StringIO()
        call_command("tie_band", "scorer", stdout=out, **options)
        return out.getvalue()

    assert "nothing was written" in said() and "fitted to 40 battles" in said() and "0.775 before" in said()
    told = json.loads(said(format="json", write=True))
    assert (told["judge"], told["written"], told["n"]) == ("scorer v2", True, BATTLES)
    with pytest.raises(CommandError, match="there is no judge 'nobody'"):
        call_command("tie_band", "nobody")
    make.judge("steady")
    with pytest.raises(CommandError, match="judge steady is no reward model"):
        call_command("tie_band", "steady")


def test_a_lead_sees_what_it_would_learn_and_saves_it_as_the_next_version(scorer, benchmark, client):
    client.force_login(make.person("lena", "lead"))
    page = client.get(reverse("judge", args=[scorer.pk]))
    assert reverse("judge_learn", args=[scorer.pk]) in page.text and places(scorer) == [benchmark]
    post = {"benchmark": benchmark.pk}
    shown = client.post(reverse("judge_learn", args=[scorer.pk]), post)
    assert "Save as v2" in shown.text and "78%" in shown.text and Judge.objects.filter(name="scorer").count() == 1
    saved = client.post(reverse("judge_learn", args=[scorer.pk]), post | {"write": "1"}, follow=True)
    made = Judge.objects.get(name="scorer", version=2)
    assert (
        saved.context["judge"] == made and f"This version learnt from the people of {benchmark.title} v1" in saved.text
    )
    assert AuditEntry.objects.get(act="judge_learnt").actor_name == "lena"


def test_the_page_says_where_there_is_nothing_to_learn(scorer, benchmark, client):
    client.force_login(make.person("lena", "lead"))
    make.Preference.objects.filter(judge__name="person").delete()
    page = client.post(reverse("judge_learn", args=[scorer.pk]), {"benchmark": benchmark.pk}, follow=True)
    assert "There is nothing to learn here: scorer and the people have judged 0 battles" in page.text
    chinese = client.post(
        reverse("judge_learn", args=[scorer.pk]),
        {"benchmark": benchmark.pk},
        follow=True,
        headers={"Accept-Language": "zh-hans"},
    )
    assert "scorer 与人共同评判了 0 场对战" in chinese.text and "people have judged" not in chinese.text
    other = make.judge("steady")
    for pk, place in ((scorer.pk, "x"), (scorer.pk, 10**12), (other.pk, benchmark.pk)):
        assert client.post(reverse("judge_learn", args=[pk]), {"benchmark": place}).status_code == 404
