"""Agreement and the judge page: coefficients with intervals, what they mean, and nothing that is not defined."""

import csv
import io
import re

import pytest
from django.urls import reverse

from rating.boards import agreement_rows
from rating.models import Health, SnapshotTable
from rating.trust import Trust, trust
from tests.judging import recorded
from tests.rating import make
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db


def url(snapshot) -> str:
    return reverse("agreement", args=[snapshot.leaderboard.benchmark_id])


def test_people_agree_per_category_all_first(client):
    snapshot = make.snapshot()
    maths = make.categories()[2]
    make.agreement(snapshot, category=maths, alpha=0.81, low=0.7, high=0.9)
    make.agreement(snapshot, alpha=0.55, low=0.5, high=0.6)
    text = words(client.get(url(snapshot)))
    assert "All pairs 60 80% 0.60 0.55 [0.50, 0.60]" in text
    assert text.index("0.55 [0.50") < text.index("Maths and reasoning pairs 60 80% 0.60 0.81 [0.70, 0.90]")


def test_an_undefined_coefficient_is_a_dash_with_its_reason(client):
    snapshot = make.snapshot()
    make.agreement(snapshot, kappa=None, alpha=None, low=None, high=None, note="only one value used")
    response = client.get(url(snapshot))
    assert "80% — — — only one value used" in words(response)
    assert not re.search(r"\b(None|NaN|nan)\b", response.content.decode())


def test_few_items_are_grey_and_say_how_many_more(client):
    snapshot = make.snapshot()
    make.agreement(snapshot, n=12)
    response = client.get(url(snapshot))
    assert 'class="is-few"' in response.content.decode()
    assert "about 18 more items needed" in words(response)


@pytest.mark.parametrize("n", [12, 60])
def test_one_question_wants_more_questions_and_not_more_items(client, n):
    snapshot = make.snapshot()
    make.agreement(snapshot, n=n, low=None, high=None, note="one question only")
    text = words(client.get(url(snapshot)))
    assert "one question only, so no interval · more questions needed" in text
    assert "more items needed" not in text


def test_the_page_says_that_questions_are_resampled(client):
    snapshot = make.snapshot()
    make.agreement(snapshot)
    text = words(client.get(url(snapshot)))
    assert "resamples whole questions" in text and "whole items" not in text


def test_negative_coefficients_carry_a_true_minus(client):
    snapshot = make.snapshot()
    make.agreement(snapshot, alpha=-0.11, low=-0.3, high=0.1)
    assert "−0.11 [−0.30, 0.10]" in words(client.get(url(snapshot)))


def test_a_judge_is_compared_with_people_in_words_and_linked(client):
    snapshot = make.snapshot()
    judge = make.judge("leaning")
    make.agreement(snapshot, alpha=0.7, low=0.65, high=0.75)
    make.agreement(snapshot, "people_judge", "people–leaning", alpha=0.2, low=0.1, high=0.3)
    response = client.get(url(snapshot))
    assert "below people" in words(response)
    assert reverse("judge", args=[judge.pk]) in response.content.decode()


def test_what_the_order_does_to_a_judge_is_one_row_of_shares(client):
    snapshot = make.snapshot()
    make.judge("leaning")
    make.agreement(snapshot, "orders", "leaning", raw=0.71, low=0.62, high=0.79, kappa=None, alpha=None)
    make.agreement(snapshot, "flips", "leaning", raw=0.26, low=0.2, high=0.33, kappa=None, alpha=None, n=12)
    make.agreement(snapshot, "first_slot", "leaning", raw=0.83, low=0.77, high=0.88, kappa=None, alpha=None)
    text = words(client.get(url(snapshot)))
    assert "leaning 71% [62%, 79%] n 60 26% [20%, 33%] n 12 83% [77%, 88%] n 60" in text
    assert "not defined" not in text


def test_a_judge_that_never_decided_has_no_share_but_a_reason(client):
    snapshot = make.snapshot()
    make.agreement(snapshot, "first_slot", "leaning", raw=None, low=None, high=None, n=0, note="no decided vote")
    response = client.get(url(snapshot))
    assert "— no decided vote n 0" in words(response)
    assert not re.search(r"\b(None|NaN|nan)\b", response.content.decode())


def test_without_agreement_the_page_says_what_is_missing(client):
    assert "No two judges on the same items yet" in words(client.get(url(make.snapshot())))
    benchmark = make.benchmark("untouched")
    assert client.get(reverse("agreement", args=[benchmark.pk])).status_code == 200


def test_agreement_costs_the_same_queries_for_2_judges_and_for_30(client, django_assert_num_queries):
    small, large = make.snapshot(), make.snapshot(make.benchmark("large"))
    for place, count in ((small, 2), (large, 30)):
        make.agreement(place)
        for n in range(count):
            make.judge(f"{place.pk}-{n}")
            make.agreement(place, "people_judge", f"people–{place.pk}-{n}")
    for place in (small, large):
        with django_assert_num_queries(6):
            client.get(url(place))


def test_agreement_as_json_has_the_promised_fields():
    snapshot = make.snapshot()
    make.agreement(snapshot, alpha=None, low=None, high=None)
    told = agreement_rows(snapshot.leaderboard.benchmark).as_json()
    row = {
        "category": "all",
        "judges": "people",
        "n": 60,
        "raw": 0.8,
        "kappa": 0.6,
        "alpha": None,
        "low": None,
        "high": None,
    }
    assert told["benchmark"] == "kitchen" and row.items() <= told["rows"][0].items()


def test_what_a_judge_loses_to_people_is_shown_in_points_with_its_interval_and_n(client):
    snapshot = make.snapshot()
    make.judge("leaning")
    make.agreement(snapshot, alpha=0.7, low=0.65, high=0.75)
    beside = {"difference": -0.032, "difference_low": -0.061, "difference_high": -0.004, "difference_n": 140}
    make.agreement(snapshot, "people_judge", "people–leaning", alpha=0.68, low=0.6, high=0.75, **beside)
    text = words(client.get(url(snapshot)))
    assert "−3.2 [−6.1, −0.4] n 140 below people" in text


def test_ac1_stands_beside_alpha_only_where_one_value_is_very_common(client):
    snapshot = make.snapshot()
    make.agreement(snapshot, alpha=0.2, ac1=0.86, top_share=0.91)
    make.agreement(snapshot, alpha=0.3, ac1=0.44, top_share=0.5, category=make.categories()[0])
    text = words(client.get(url(snapshot)))
    assert "0.20 AC1 0.86" in text and "0.44" not in text


@pytest.mark.parametrize(
    ("low", "high", "n", "people_low", "expected"),
    [
        (-0.04, 0.02, 60, 0.3, Trust.CLOSE),
        (-0.06, 0.02, 60, 0.3, Trust.UNSURE),
        (-0.2, -0.01, 60, 0.3, Trust.BELOW),
        (-0.2, -0.01, 29, 0.3, Trust.FEW),
        (-0.04, 0.02, 60, -0.1, Trust.UNSURE),
        (None, None, 60, 0.3, Trust.UNSURE),
    ],
)
def test_the_paired_difference_decides_where_there_is_one(low, high, n, people_low, expected):
    snapshot = make.snapshot()
    people = make.agreement(snapshot, alpha=0.5, low=people_low, high=0.7, n=60)
    beside = {"difference": 0.0, "difference_low": low, "difference_high": high, "difference_n": n}
    judge = make.agreement(snapshot, "people_judge", "people–leaning", alpha=0.5, low=0.3, high=0.7, n=60, **beside)
    assert trust(judge, people) == expected


def row(alpha, half, n=60):
    low, high = (None, None) if alpha is None else (alpha - half, alpha + half)
    return make.Agreement(n=n, alpha=alpha, low=low, high=high)


@pytest.mark.parametrize(
    ("judge", "people", "expected"),
    [
        (row(0.68, 0.04), row(0.70, 0.04), Trust.CLOSE),
        (row(0.80, 0.05), row(0.70, 0.05), Trust.CLOSE),
        (row(0.20, 0.05), row(0.70, 0.05), Trust.BELOW),
        (row(0.60, 0.20), row(0.70, 0.20), Trust.UNSURE),
        (row(0.50, 0.05), row(0.05, 0.05), Trust.UNSURE),
        (row(0.50, 0.05), row(0.05, 0.04), Trust.CLOSE),
        (row(-0.50, 0.05), row(0.05, 0.06), Trust.BELOW),
        (row(0.68, 0.04, n=12), row(0.70, 0.04), Trust.FEW),
        (row(None, 0), row(0.70, 0.04), Trust.FEW),
        (row(0.68, 0.04), None, Trust.FEW),
    ],
)
def test_trust_says_no_more_than_the_intervals_allow(judge, people, expected):
    assert trust(judge, people) == expected


def test_the_judge_page_shows_options_but_never_keys(client):
    judge = make.judge(
        options={
            "temperature": 0,
            "max_tokens": 300,
            "api_key": "sk-secret",
            "headers": {"x": "sk-other"},
            "sampling": {"top_p": 0.75, "token": "sk-third", "stop": ["sk-proj-abcdefghijklmnop"]},
        }
    )
    response = client.get(reverse("judge", args=[judge.pk]))
    text = words(response)
    assert "max_tokens 300" in text and "temperature 0" in text
    assert "sk-" not in response.content.decode()


def test_the_judge_page_shows_flips_first_slot_and_agreement_with_people(client):
    snapshot = make.snapshot()
    judge, maths = make.judge("leaning"), make.categories()[2]
    make.judge("not leaning")
    make.agreement(snapshot, category=maths, alpha=0.8, low=0.75, high=0.85)
    make.agreement(snapshot, "people_judge", "people–leaning", category=maths, alpha=0.1, low=0, high=0.2)
    make.agreement(snapshot, "people_judge", "people–not leaning", raw=0.99)
    make.agreement(snapshot, "orders", "leaning", raw=0.62, kappa=None, alpha=None)
    make.agreement(snapshot, "first_slot", "leaning", raw=0.87, kappa=None, alpha=None)
    text = words(client.get(reverse("judge", args=[judge.pk])))
    assert "62%" in text and "87%" in text and "99%" not in text
    assert "Maths and reasoning pairs 60 80% 0.60 0.10 [0.00, 0.20] — below people" in text


def test_a_judge_compared_with_nobody_says_what_to_do(client):
    judge = make.judge()
    assert "Not compared with anyone yet" in words(client.get(reverse("judge", args=[judge.pk])))


# --- filters, permalinks, any two


def crossed(snapshot, **told):
    """Two machines and two persons on the same items, as `rating.confusions` keeps them."""
    strict, lax = make.judge("strict"), make.judge("lax")
    zoe, ben = (
        make.judge(name, kind="person", user=recorded.person(name, "annotator")) for name in ("zoeann", "benedikt")
    )
    names = {str(one.pk): str(one) for one in (strict, lax, zoe, ben)}
    type(snapshot).objects.filter(pk=snapshot.pk).update(judges=names)
    pairs = {
        "values": ["second", "tie", "first"],
        "people": [zoe.pk, ben.pk],
        "left_out": 3,
        "tables": [
            [0, strict.pk, None, 40, 0.75, 0.5, [15, 0, 5, 0, 0, 0, 5, 0, 15]],
            [strict.pk, lax.pk, None, 40, 0.5, 0.0, [10, 1, 9, 0, 0, 0, 12, 0, 8]],
            [zoe.pk, ben.pk, None, 12, 1.0, None, [0, 0, 0, 0, 0, 0, 0, 0, 12]],
        ],
        "habits": [[zoe.pk, 30, 0.7, 0.6, 0.8, 20, 0.55, 0.4, 0.7]],
    }
    SnapshotTable.objects.create(snapshot=snapshot, name="confusions", data={"pairs": pairs, **told})
    return strict, lax, zoe, ben


def test_any_two_stand_in_one_table_with_n_and_a_link_to_their_verdicts(client):
    snapshot = make.snapshot()
    strict, lax, *_ = crossed(snapshot)
    make.agreement(snapshot, "people_judge", "people–strict", kappa=0.48, n=40)
    response = client.get(url(snapshot))
    text = words(response)
    assert "Cohen’s κ of any two" in text and "0.48 κ n 40" in text and "0.00 κ n 40" in text
    assert f"one={strict.pk}&amp;other={lax.pk}#confusion" in response.text
    assert "— κ n 12 · only one value used" in text, "an undefined κ says why"


def test_the_verdicts_of_two_are_counted_values_by_values_and_turn_with_them(client):
    snapshot = make.snapshot()
    strict, lax, *_ = crossed(snapshot)
    make.agreement(snapshot, "judges", "strict–lax")
    as_kept = words(client.get(url(snapshot), {"one": strict.pk, "other": lax.pk}))
    assert "strict beside lax" in as_kept and "second answer 10 25% 1 2% 9 22% 20" in as_kept
    turned = words(client.get(url(snapshot), {"one": lax.pk, "other": strict.pk}))
    assert "lax beside strict" in turned and "second answer 10 25% 0 0% 12 30% 22" in turned


@pytest.mark.parametrize("asked", [{"one": "0", "other": "99999"}, {"one": "1", "other": "1"}])
def test_two_without_a_table_say_so(client, asked):
    snapshot = make.snapshot()
    crossed(snapshot)
    make.agreement(snapshot)
    assert "No table of these two" in words(client.get(url(snapshot), asked))


@pytest.mark.parametrize("asked", [{"one": "x", "other": "²"}, {"category": "\x00", "kind": "no", "judge": "-1"}])
def test_what_cannot_be_meant_is_taken_as_nothing_asked(client, asked):
    snapshot = make.snapshot()
    make.agreement(snapshot)
    assert "0.61 [0.50, 0.70]" in words(client.get(url(snapshot), asked))


def test_single_people_are_numbers_to_all_but_leads(client, admin_client):
    snapshot = make.snapshot()
    crossed(snapshot)
    make.agreement(snapshot)
    text = words(client.get(url(snapshot)))
    assert "person 1" in text and "zoeann" not in text and "benedikt" not in text
    assert "person 1 70% [60%, 80%] n 30 55% [40%, 70%] n 20" in text
    assert "zoeann 70% [60%, 80%] n 30" in words(admin_client.get(url(snapshot)))


def test_the_own_family_of_a_judge_stands_beside_its_position_and_length(client):
    snapshot = make.snapshot()
    judge = make.judge("leaning")
    make.agreement(snapshot, "first_slot", "leaning", raw=0.83, low=0.77, high=0.88, kappa=None, alpha=None)
    share = {"share": 0.6, "low": 0.5, "high": 0.7, "n": 44}
    Health.objects.create(snapshot=snapshot, judge=judge, told={"own_family": share, "longer": {**share, "share": 0.9}})
    assert "leaning 83% [77%, 88%] n 60 90% [50%, 70%] n 44 60% [50%, 70%] n 44" in words(client.get(url(snapshot)))


def test_filters_live_in_the_address_and_leave_people_beside_the_judge(client):
    snapshot = make.snapshot()
    maths, code = make.categories()[2:]
    make.judge("strict"), make.judge("lax")
    for category, alpha in ((None, 0.55), (maths, 0.66), (code, 0.77)):
        make.agreement(snapshot, category=category, alpha=alpha)
        make.agreement(snapshot, "people_judge", "people–strict", category=category, alpha=alpha + 0.01)
        make.agreement(snapshot, "people_judge", "people–lax", category=category, alpha=alpha + 0.02)
    text = words(client.get(url(snapshot), {"category": "maths", "judge": make.Judge.objects.get(name="lax").pk}))
    assert "0.66" in text and "0.68" in text
    assert "0.55" not in text and "0.77" not in text and "0.67" not in text
    overall = words(client.get(url(snapshot), {"category": "all"}))
    assert "0.55" in overall and "0.66" not in overall


def test_a_snapshot_keeps_its_agreement_and_the_names_of_its_judges_for_ever(client):
    old = make.snapshot()
    judge = make.judge("leaning")
    type(old).objects.filter(pk=old.pk).update(judges={str(judge.pk): "leaning"})
    make.agreement(old, "people_judge", "people–leaning", alpha=0.31)
    Health.objects.create(snapshot=old, judge=judge, told={"failures": {}, "verdicts": [0, 3, 0, 2, 0]})
    make.Judge.objects.filter(pk=judge.pk).update(name="straightened")
    new = make.snapshot(old.leaderboard.benchmark)
    make.agreement(new, "people_judge", "people–straightened", judge=judge, alpha=0.91)
    text = words(client.get(reverse("snapshot_agreement", args=[old.pk])))
    assert "0.31" in text and "0.91" not in text and "People and leaning" in text and "this page never changes" in text
    trusted = words(client.get(reverse("snapshot_trust", args=[old.pk])))
    assert "leaning" in trusted and "straightened" not in trusted
    assert client.get(reverse("snapshot_trust", args=[404])).status_code == 404


def test_the_whole_table_is_taken_away_as_the_command_prints_it(client):
    snapshot = make.snapshot()
    make.agreement(snapshot, alpha=None, low=None, high=None)
    benchmark = snapshot.leaderboard.benchmark
    told = agreement_rows(benchmark).as_json()
    for name, pk in (("agreement_export", benchmark.pk), ("snapshot_agreement_export", snapshot.pk)):
        assert client.get(reverse(name, args=[pk, "json"])).json() == told
        sheet = client.get(reverse(name, args=[pk, "csv"]))
        [row] = csv.DictReader(io.StringIO(sheet.text))
        assert (row["category"], row["raw"], row["alpha"]) == ("all", "0.8", "")
        assert sheet["Content-Disposition"].startswith('attachment; filename="agreement-')
        assert client.get(reverse(name, args=[pk, "exe"])).status_code == 404


def test_the_page_of_trust_leads_to_the_record_of_each_judge(client):
    snapshot = make.snapshot()
    judge = make.judge("leaning")
    drift = {"note": "no change that can be told", "difference": -0.01, "low": -0.05, "high": 0.03, "items": 80}
    test = {
        "winning_rate": 0.75,
        "verdict": True,
        "note": "a judge that knows nothing passes too",
        "people": 4,
        "epsilon": 0.2,
    }
    told = {"failures": {}, "verdicts": [0, 3, 0, 2, 0], "drift": drift, "alternative": test}
    Health.objects.create(snapshot=snapshot, judge=judge, told=told)
    response = client.get(reverse("trust", args=[snapshot.leaderboard.benchmark_id]))
    text = words(response)
    assert "−1.0 [−5.0, +3.0] n 80 · no change that can be told" in text
    assert "it can stand in for a person: it can replace 75% of 4 people" in text
    assert "a judge that knows nothing passes too" in text
    assert f"judge={judge.pk}&amp;flips=1" in response.text and f"judge={judge.pk}&amp;outcome=failed" in response.text
