"""The frame of every page: who sees which way in, messages, errors, sign-in, and honest labels."""

import pytest
from django.contrib.auth.models import Group
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from tests.rating import make
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db


def person(django_user_model, name: str, *groups: str):
    user = django_user_model.objects.create_user(name, password="paper-lantern-7")
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def ways(client) -> set[str]:
    """Addresses that the home page links to."""
    html = client.get("/").content.decode()
    return {name for name in ("runs", "run_new", "vote", "login", "benchmarks") if f'href="{reverse(name)}' in html}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (None, {"login", "benchmarks"}),
        ([], {"benchmarks"}),
        (["annotator"], {"vote", "benchmarks"}),
        (["lead"], {"runs", "run_new", "benchmarks"}),
        (["lead", "annotator"], {"vote", "runs", "run_new", "benchmarks"}),
    ],
)
def test_the_home_page_offers_what_the_role_may_do(client, django_user_model, groups, expected):
    if groups is not None:
        client.force_login(person(django_user_model, "ann", *groups))
    assert ways(client) == expected


def test_signing_out_is_a_post(client, django_user_model):
    client.force_login(person(django_user_model, "ann"))
    assert client.get(reverse("logout")).status_code == 405
    client.post(reverse("logout"))
    assert "_auth_user_id" not in client.session


def test_sign_in_keeps_the_name_and_goes_where_the_reader_was_going(client, django_user_model):
    person(django_user_model, "ann")
    address = reverse("login") + "?next=/help/"
    assert 'name="next" value="/help/"' in client.get(address).content.decode()
    again = client.post(reverse("login"), {"username": "ann", "password": "no", "next": "/help/"}).content.decode()
    assert 'value="ann"' in again and 'name="next" value="/help/"' in again and 'role="alert"' in again
    done = client.post(reverse("login"), {"username": "ann", "password": "paper-lantern-7", "next": "/help/"})
    assert done["Location"] == "/help/"


def test_a_form_from_elsewhere_is_refused_with_an_explanation():
    response = Client(enforce_csrf_checks=True).post(reverse("login"), {"username": "ann"})
    assert response.status_code == 403
    assert "This form is no longer valid" in words(response)


def test_the_page_for_a_broken_server_needs_no_database_and_no_context():
    html = render_to_string("500.html")
    assert "Something broke on our side" in html and "服务器出错了" in html


def test_the_frame_carries_no_inline_script_or_style(client):
    html = client.get(reverse("leaderboard", args=[make.board().leaderboard.benchmark_id])).content.decode()
    assert " style=" not in html and "<style" not in html
    assert " onclick=" not in html and "javascript:" not in html
    assert html.count("<script") == html.count("<script type=")


@pytest.mark.parametrize(
    ("provenance", "shown"),
    [
        ("demo", ["demo"]),
        (["imported", "real"], ["imported"]),
        (["dry_run", "demo"], ["demo", "dry_run"]),
        (["real"], []),
        ("real", []),
        (None, []),
    ],
)
def test_rows_that_are_not_plainly_real_say_so(provenance, shown):
    html = render_to_string("_provenance.html", {"provenance": provenance})
    assert [name for name in ("demo", "dry_run", "imported") if f'data-provenance="{name}"' in html] == shown


@pytest.mark.parametrize("name", ["home", "login", "help"])
def test_a_page_of_the_frame_costs_a_visitor_no_query_but_the_boards(client, django_assert_max_num_queries, name):
    with django_assert_max_num_queries(4):
        assert client.get(reverse(name)).status_code == 200
