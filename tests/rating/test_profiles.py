"""Profiles: weights by basis, the published totals they must give, and the pages that set them up."""

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rating import snapshots, stats
from rating.models import Leaderboard, Profile
from rating.profiles import weights_of
from tests.rating import make

pytestmark = pytest.mark.django_db
THREE = {"writing": 0.9, "maths": 0.6, "code": 0.75}
COUNTS = {"writing": 50, "maths": 30, "code": 20}


@pytest.fixture
def lead(client, django_user_model):
    user = django_user_model.objects.create_user("lena")
    user.groups.add(Group.objects.get_or_create(name="lead")[0])
    client.force_login(user)
    return client


def total(profile: Profile, values: dict[str, float], counts: dict[str, int]) -> float:
    """The total by the statistics that boards use."""
    weights = weights_of(profile, counts)
    row = np.array([[values[key] for key in values]])
    return float(stats.weighted_total(row, np.array([weights.get(key, 0.0) for key in values]), mode=profile.mode)[0])


@pytest.mark.parametrize(
    ("basis", "mode", "expected"),
    [("ones", "sum", 2.25), ("ones", "mean", 0.75), ("counts", "mean", 0.78), ("given", "mean", 0.69)],
)
def test_each_basis_gives_the_total_that_it_should(basis, mode, expected):
    given = {"writing": 1.0, "maths": 3.0, "code": 1.0}
    profile = Profile(name="p", mode=mode, basis=basis, weights=given if basis == "given" else {})
    assert total(profile, THREE, COUNTS) == pytest.approx(expected, abs=1e-12)


def test_shares_of_the_questions_give_the_published_average_of_mmlu():
    # Humanities, STEM, social sciences, other: accuracy and number of questions, and their weighted average
    counts = {"humanities": 4692, "stem": 3000, "social": 3065, "other": 3228}
    values = {"humanities": 0.4111, "stem": 0.3807, "social": 0.5233, "other": 0.504}
    assert total(Profile(name="p", basis="counts"), values, counts) == pytest.approx(0.4506, abs=5e-5)


def test_a_sum_is_never_called_a_mean(client):
    snapshot = make.snapshot(recipe={"total": "sum"})
    make.ranking(snapshot, make.models(2), weighted=2.25)
    page = client.get(reverse("leaderboard", args=[snapshot.leaderboard.benchmark_id])).text
    assert "Weighted sum" in page and "Weighted mean" not in page


def post(profile: Profile | None = None, gates=(), **fields) -> dict:
    """What the form sends; `gates` as dictionaries of their fields."""
    data = {
        "name": "business",
        "mode": "mean",
        "basis": "given",
        "gates-TOTAL_FORMS": str(len(gates)),
        "gates-INITIAL_FORMS": "0",
    }
    for place, gate in enumerate(gates):
        data |= {f"gates-{place}-{name}": value for name, value in gate.items()}
    return data | fields


GATE = {
    "name": "good enough", "kind": "board", "benchmark": "kitchen", "category": "", "metric": "bt", "source": "people",
    "at": "low", "op": ">=", "value": "1000", "min_n": "30", "against": "", "tolerance": "",
}  # fmt: skip


def test_a_lead_sets_up_weights_and_gates(lead):
    writing, _chat, maths, _code = make.categories()
    data = post(gates=[GATE], **{f"weight-{writing.pk}": "1", f"weight-{maths.pk}": "3"})
    assert lead.post(reverse("profile_new"), data).status_code == 302
    profile = Profile.objects.get()
    assert profile.weights == {"writing": 1.0, "maths": 3.0}
    told = {"min_n": 30, "value": 1000.0, "against": None, "tolerance": None}
    assert profile.gates == [{**GATE, **told}]


def test_a_gate_that_asks_for_nothing_is_marked_and_the_input_is_kept(lead):
    first, *_ = make.categories()
    gate = {**GATE, "benchmark": "", "value": "", "kind": "score", "metric": ""}
    response = lead.post(reverse("profile_new"), post(gates=[gate], **{f"weight-{first.pk}": "1"}))
    assert response.status_code == 422 and not Profile.objects.exists()
    for words in ("Name the benchmark.", "Name the metric.", "Give a threshold", 'value="good enough"'):
        assert words in response.text


def test_what_the_readers_of_gates_refuse_is_put_on_its_row_and_field(lead):
    first, *_ = make.categories()
    gates = [{"name": ""}, {**GATE, "source": "nobody"}]
    response = lead.post(reverse("profile_new"), post(gates=gates, **{f"weight-{first.pk}": "1"}))
    rows = response.context["form"].rows.forms
    assert response.status_code == 422 and not rows[0].errors and list(rows[1].errors) == ["source"]


@pytest.mark.parametrize("weight", ["-1", "many", "nan", "inf"])
def test_a_weight_is_a_number_from_0(lead, weight):
    first, *_ = make.categories()
    response = lead.post(reverse("profile_new"), post(**{f"weight-{first.pk}": weight}))
    assert response.status_code == 422 and f'value="{weight}"' in response.text


def test_weights_of_our_own_that_are_all_0_weigh_nothing(lead):
    make.categories()
    assert "one category at least" in lead.post(reverse("profile_new"), post()).text


def test_another_row_for_a_gate_keeps_what_is_written_and_saves_nothing(lead):
    response = lead.post(reverse("profile_new"), post(gates=[GATE], more="1"))
    assert response.status_code == 200 and not Profile.objects.exists()
    assert 'name="gates-2-name"' in response.text and 'value="good enough"' in response.text
    assert "errorlist" not in response.text


def test_of_two_leads_the_second_hears_what_the_first_one_wrote(lead):
    first, *_ = make.categories()
    profile = Profile.objects.create(name="business", weights={"writing": 1.0})
    address = reverse("profile_edit", args=[profile.pk])
    mark = lead.get(address).context["form"]["mark"].value()
    Profile.objects.update(weights={"writing": 5.0})
    data = post(mark=mark, **{f"weight-{first.pk}": "2"})
    response = lead.post(address, data)
    assert response.status_code == 422 and "writing 5" in response.text and "writing 2" in response.text
    again = data | {"mark": response.context["form"]["mark"].value()}
    assert lead.post(address, again).status_code == 302
    assert Profile.objects.get().weights == {"writing": 2.0}


def test_boards_follow_a_profile_that_is_renamed_and_are_asked_for_a_snapshot(
    lead, asked_for, django_capture_on_commit_callbacks
):
    first, *_ = make.categories()
    profile = Profile.objects.create(name="business", weights={"writing": 1.0})
    board = Leaderboard.objects.create(benchmark=make.benchmark(), recipe={"profile": "business", "level": 0.9})
    address = reverse("profile_edit", args=[profile.pk])
    mark = lead.get(address).context["form"]["mark"].value()
    with django_capture_on_commit_callbacks(execute=True):
        lead.post(address, post(name="trade", mark=mark, **{f"weight-{first.pk}": "2"}))
    board.refresh_from_db()
    assert board.recipe == {"profile": "trade", "level": 0.9} and asked_for == [board.benchmark_id]
    assert snapshots.recipe(board)[0]["weights"] == {"writing": 2.0}


@pytest.fixture
def asked_for(monkeypatch):
    """The benchmarks that a snapshot was asked for."""
    from rating import tasks

    found: list[int] = []
    monkeypatch.setattr(tasks.rate, "delay", found.append)
    return found


def test_the_list_says_which_boards_use_a_profile_at_the_same_cost_for_many(lead):
    def show():
        return lead.get(reverse("profiles")).text

    assert "No profile yet" in show()
    Profile.objects.create(name="business")
    Leaderboard.objects.create(benchmark=make.benchmark(), recipe={"profile": "business"})
    with CaptureQueriesContext(connection) as few:
        assert "Kitchen table" in show()
    Profile.objects.bulk_create(Profile(name=f"p{n}") for n in range(20))
    with CaptureQueriesContext(connection) as many:
        show()
    assert len(few) == len(many) < 10


@pytest.mark.parametrize("name", ["profiles", "profile_new"])
def test_profiles_are_for_leads(client, django_user_model, name):
    assert client.get(reverse(name)).status_code == 302
    client.force_login(django_user_model.objects.create_user("ann"))
    assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse(name), {}).status_code in (403, 405)
