"""How a lead changes the way a board counts: nothing is judged again, older snapshots stay, two leads do not overwrite."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from arena.style import FEATURES
from judging.models import Preference
from rating import groupings, snapshots, tasks
from rating.models import Grouping, Leaderboard, Profile, Snapshot
from tests.rating import make
from tests.rating.test_snapshots import judged

pytestmark = pytest.mark.django_db
DEFAULTS = {
    "level": "95",
    "methods": ["bt", "elo", "style", "score"],
    "k": "32",
    "style": "format",
    "flips": "tie",
    "few": "30",
}


@pytest.fixture
def lead(client, django_user_model):
    user = django_user_model.objects.create_user("lena")
    user.groups.add(Group.objects.get_or_create(name="lead")[0])
    client.force_login(user)
    return client


@pytest.fixture
def asked_for(monkeypatch):
    """The benchmarks that a snapshot was asked for."""
    found: list[int] = []
    monkeypatch.setattr(tasks.rate, "delay", found.append)
    return found


def mark(client, address) -> str:
    return client.get(address).context["form"]["mark"].value()


def save(client, benchmark, **fields):
    address = reverse("board_settings", args=[benchmark.pk])
    return client.post(address, {**DEFAULTS, "mark": mark(client, address), **fields})


def test_every_setting_becomes_part_of_the_recipe_by_the_name_that_snapshots_read(lead):
    benchmark = make.benchmark()
    Profile.objects.create(name="business", weights={"maths": 3})
    Grouping.objects.create(name="effort", kinds=[])
    told = {
        "level": "90", "methods": ["score", "bt"], "k": "16", "style": "length", "flips": "abstain", "few": "50",
        "profile": "business", "grouping": "effort",
    }  # fmt: skip
    assert save(lead, benchmark, **told).status_code == 302
    board = Leaderboard.objects.get()
    assert board.recipe == {
        "level": 0.9, "methods": ["bt", "score"], "k": 16.0, "style": ["length"], "flips": "abstain", "few": 50,
        "profile": "business", "grouping": "effort",
    }  # fmt: skip
    kept, used = snapshots.recipe(board)
    assert kept["weights"] == {"maths": 3} and used.level == 0.9 and not used.wants_style


def test_what_the_form_shows_at_first_is_what_holds_without_it(lead):
    benchmark = make.benchmark()
    before = snapshots.recipe(Leaderboard.objects.create(benchmark=benchmark))[0]
    save(lead, benchmark)
    after = snapshots.recipe(Leaderboard.objects.get())[0]
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(("style", "features"), [("off", []), ("length", ["length"]), ("format", list(FEATURES))])
def test_style_is_off_or_length_or_length_and_format(lead, style, features):
    save(lead, make.benchmark(), style=style)
    assert Leaderboard.objects.get().recipe["style"] == features


def test_what_the_form_does_not_know_stays(lead):
    benchmark = make.benchmark()
    Leaderboard.objects.create(benchmark=benchmark, recipe={"note": "ours", "style": ["bold"]})
    save(lead, benchmark, style="other")
    recipe = Leaderboard.objects.get().recipe
    assert recipe["note"] == "ours" and recipe["style"] == ["bold"]


def test_saving_asks_for_a_snapshot_judges_nothing_again_and_keeps_the_old_one(
    lead, asked_for, django_capture_on_commit_callbacks
):
    benchmark = judged(questions=6)
    old, judgments = snapshots.take(benchmark), Preference.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        save(lead, benchmark, level="80", methods=["bt"])
    assert asked_for == [benchmark.pk]
    tasks.rate(benchmark.pk)
    new = Leaderboard.objects.get().current
    assert new != old and Snapshot.objects.filter(pk=old.pk, recipe__level=0.95).exists()
    assert set(new.ratings.values_list("method", flat=True)) == {"bt"} and Preference.objects.count() == judgments


def test_a_board_by_another_grouping_has_its_kinds_without_new_judgments(lead, asked_for):
    benchmark = judged(questions=6)
    found = Grouping.objects.create(
        name="one", kinds=[{"key": "both", "name_en": "Both", "name_zh": "", "of": ["cooking", "sums"]}]
    )
    groupings.refresh(found)
    save(lead, benchmark, grouping="one")
    snapshot = snapshots.take(benchmark)
    assert snapshot.ratings.filter(category__key="one:both", method="bt").exists()


def test_without_a_broker_the_settings_are_saved_all_the_same(
    lead, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    def dead(_benchmark):
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(tasks.rate, "delay", dead)
    with django_capture_on_commit_callbacks(execute=True):
        assert save(lead, make.benchmark()).status_code == 302
    assert "no worker could be asked" in caplog.text and Leaderboard.objects.get().recipe


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("level", "20", "greater than or equal to 50"),
        ("level", "100", "less than or equal to 99.9"),
        ("level", "nan", "Enter a number"),
        ("methods", [], "Choose one method at least"),
        ("flips", "coin", "Select a valid choice"),
        ("profile", "nobody", "Select a valid choice"),
        ("few", "0", "greater than or equal to 1"),
        ("k", "", "This field is required"),
    ],
)
def test_a_setting_that_cannot_be_is_marked_and_nothing_is_saved(lead, field, value, words):
    response = save(lead, make.benchmark(), **{field: value})
    assert response.status_code == 422 and words in response.text and 'role="alert"' in response.text
    assert not Leaderboard.objects.exists()


def test_of_two_leads_the_second_hears_what_the_first_one_wrote(lead):
    benchmark = make.benchmark()
    board = Leaderboard.objects.create(benchmark=benchmark, recipe={"level": 0.9})
    address = reverse("board_settings", args=[benchmark.pk])
    first = mark(lead, address)
    Leaderboard.objects.update(recipe={"level": 0.8})
    response = lead.post(address, {**DEFAULTS, "level": "99", "mark": first})
    board.refresh_from_db()
    assert response.status_code == 422 and board.recipe == {"level": 0.8}
    text = response.text
    assert "Somebody else saved this" in text and "<td>80</td><td>99</td>" in text and 'value="99"' in text
    again = {**DEFAULTS, "level": "99", "mark": response.context["form"]["mark"].value()}
    assert lead.post(address, again).status_code == 302
    board.refresh_from_db()
    assert board.recipe["level"] == 0.99


def test_two_leads_who_meet_at_a_board_without_settings_do_not_overwrite_either(lead):
    benchmark = make.benchmark()
    address = reverse("board_settings", args=[benchmark.pk])
    first = mark(lead, address)
    Leaderboard.objects.create(benchmark=benchmark, recipe={"level": 0.8})
    assert lead.post(address, {**DEFAULTS, "mark": first}).status_code == 422


def test_settings_are_for_leads(client, django_user_model):
    address = reverse("board_settings", args=[make.benchmark().pk])
    assert client.get(address).status_code == 302
    client.force_login(django_user_model.objects.create_user("ann"))
    assert client.get(address).status_code == 403 and client.post(address, DEFAULTS).status_code == 403
    assert not Leaderboard.objects.exists()
