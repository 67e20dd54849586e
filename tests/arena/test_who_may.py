"""Who may read and who may change what, for every address of the site: a new one fails here until it is in the table."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import get_resolver, reverse

from arena import tokens
from tests.arena import every_page
from tests.arena.every_page import address, names
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
WHO = ("visitor", "annotator", "viewer", "lead")
OK, IN, NO, NOT_SO, GONE = "allowed", "sign-in", "403", "405", "404"

PUBLIC = {"get": (OK, OK, OK, OK), "post": (NOT_SO, NOT_SO, NOT_SO, NOT_SO)}
"""Anybody reads it; nothing is posted."""
OPEN = {"get": (OK, OK, OK, OK), "post": (OK, OK, OK, OK)}
"""Anybody reads and posts: what there is to lose is guarded by a password, or a link."""
ANYBODYS_ACT = {"get": (NOT_SO, NOT_SO, NOT_SO, NOT_SO), "post": (OK, OK, OK, OK)}
SHOWN_TO_LEADS = {"get": (IN, NO, NO, OK), "post": (IN, NO, NO, NOT_SO)}
FORM = {"get": (IN, NO, NO, OK), "post": (IN, NO, NO, OK)}
ACT = {"get": (IN, NO, NO, NOT_SO), "post": (IN, NO, NO, OK)}
"""Leads alone, and by a post."""
OWN = {"get": (IN, OK, OK, OK), "post": (IN, NOT_SO, NOT_SO, NOT_SO)}
OWN_FORM = {"get": (IN, OK, OK, OK), "post": (IN, OK, OK, OK)}
READ_FIRST = {"get": (IN, NO, NO, OK), "post": (NOT_SO, NOT_SO, NOT_SO, NOT_SO)}
"""As SHOWN_TO_LEADS, the method looked at before the person."""

PAGES: dict[str, dict] = {
    **dict.fromkeys(
        (
            "help", "guide", "guide_image", "health", "benchmarks", "benchmark", "benchmark_changes", "categories", "models", "rubrics",
            "rubric", "rubric_export", "judges", "runs", "run", "run_fragment", "record", "question", "battle", "api", "home",
            "leaderboard", "snapshot", "board_export", "board_svg", "leaderboard_export", "history", "embed", "compare",
            "agreement", "trust", "agreement_export", "snapshot_agreement", "snapshot_agreement_export", "snapshot_trust",
            "contested", "meta_evaluations", "meta_evaluation", "meta_export", "judge", "judge_anchors", "model", "model_compare", "model_export", "matrix", "charts",
        ),
        PUBLIC,
    ),
    **dict.fromkeys(("login", "password_reset"), OPEN),
    "password_reset_done": PUBLIC,
    "password_reset_confirm": OPEN,
    # Leads see who wrote what: no invitation lets them vote.
    "join": {"get": (OK, OK, OK, NO), "post": (OK, OK, OK, NO)},
    "rubric_compare": {"get": (GONE, GONE, GONE, GONE), "post": (NOT_SO, NOT_SO, NOT_SO, NOT_SO)},  # without two versions
    **dict.fromkeys(("logout", "theme"), ANYBODYS_ACT),
    # Django's own view answers a GET with the way back, and changes nothing.
    "set_language": {"get": (OK, OK, OK, OK), "post": (OK, OK, OK, OK)},
    **dict.fromkeys(
        (
            "benchmark_new", "benchmark_edit", "benchmark_version", "question_new", "question_edit", "category_new",
            "category_edit", "model_new", "model_edit", "rubric_new", "rubric_edit", "judge_new", "judge_edit",
            "bad_case_take_up", "run_new", "run_voting", "run_unread", "gold", "people", "person", "flags", "webhook_new",
            "webhook_edit", "board_settings", "profile_new", "profile_edit", "upload_new", "grouping_new", "grouping_edit",
            "meta_new",
        ),
        FORM,
    ),
    **dict.fromkeys(
        (
            "bad_cases", "bad_case", "try_out", "try_out_fragment", "run_recipe", "run_export", "leaks", "audit", "webhooks",
            "profiles", "uploads", "upload", "upload_example", "groupings", "grouping_export",
        ),
        SHOWN_TO_LEADS,
    ),
    **dict.fromkeys(("annotators", "annotator"), READ_FIRST),
    **dict.fromkeys(
        (
            "benchmark_delete", "question_delete", "category_move", "category_delete", "model_check", "model_delete",
            "rubric_preview", "judge_check", "bad_case_new", "bad_case_dismiss", "run_from_yaml", "run_start", "run_pause",
            "run_reread", "run_unread_undo", "run_cancel", "run_close", "run_open", "run_retry", "gold_import", "gold_remove",
            "invitation_revoke", "webhook_test", "webhook_delete", "upload_check", "upload_load",
            "upload_delete", "grouping_import", "judge_anchors_ask",
        ),
        ACT,
    ),
    "tokens": OWN_FORM,
    "token_revoke": {"get": (IN, NOT_SO, NOT_SO, NOT_SO), "post": (IN, GONE, GONE, OK)},
    "my_log": OWN,
    "me": {"get": (IN, OK, OK, OK), "post": (NOT_SO, NOT_SO, NOT_SO, NOT_SO)},
    "adjudicate": FORM,
    **dict.fromkeys(("adjudicate_pass", "adjudicate_undo"), ACT),
    # Of an item that the post does not name, a judge that learns nothing, or a case that was not taken up, there is nothing to be had.
    **dict.fromkeys(("comment_on", "contested_send", "judge_learn"), {"get": (IN, NO, NO, NOT_SO), "post": (IN, NO, NO, GONE)}),
    "bad_case_again": {"get": (IN, NO, NO, GONE), "post": (IN, NO, NO, GONE)},
    # Only for somebody whom this run, and no role of the site, has let in.
    "password_link": {"get": (IN, NO, NO, NOT_SO), "post": (IN, NO, NO, NO)},
    "guest": {"get": (GONE, GONE, GONE, GONE), "post": (GONE, GONE, GONE, GONE)},
    "comment": {"get": (IN, GONE, GONE, GONE), "post": (IN, GONE, GONE, GONE)},
    "vote": {"get": (IN, OK, NO, NO), "post": (IN, NOT_SO, NOT_SO, NOT_SO)},
    "ballot": {"get": (IN, OK, NO, NO), "post": (IN, NOT_SO, NOT_SO, NOT_SO)},
    "undo": {"get": (IN, OK, NO, NO), "post": (IN, OK, NO, NO)},
    **dict.fromkeys(("cast", "skip", "flag"), {"get": (IN, GONE, NO, NO), "post": (IN, GONE, NO, NO)}),
    "beat": {"get": (IN, NOT_SO, NOT_SO, NOT_SO), "post": (IN, OK, OK, OK)},
    "model_failures": {"get": (NO, NO, OK, OK), "post": (NOT_SO, NOT_SO, NOT_SO, NOT_SO)},
}  # fmt: skip
"""Over a run that is done. An adjudicator is no more than an annotator but on the pages to adjudicate."""
UNDER_WAY = {
    **dict.fromkeys(("run", "run_fragment"), (NO, NO, OK, OK)),
    "run_recipe": (IN, NO, NO, OK),
    "run_export": (IN, NO, NO, OK),
}
"""Of a run that is not done yet, for GET."""

READ, TOKEN, VIEWER, LEAD = "anybody", "a token", "a lead's or viewer's token", "a lead's token"
API: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "listed", "board", "agreement", "judge_health", "meta_evaluation", "snapshots", "snapshot", "snapshot_board", "snapshot_agreement",
            "snapshot_health", "ratings", "models", "model", "scores", "benchmarks", "benchmark", "categories", "questions",
            "question", "answers", "answer", "battles", "battle", "preferences", "grades", "judges", "judge", "rubrics", "rubric",
            "runs", "run", "openapi", "nothing_here", "api-root", "model_report", "model_compare",
        ),
        ("get", READ),
    ),
    **dict.fromkeys(("annotators", "profiles", "groupings", "bad_cases", "bad_case"), ("get", LEAD)),
    "model_failures": ("get", VIEWER),
    **dict.fromkeys(("add_questions", "add_answers", "make_run", "start", "pause", "cancel"), ("post", LEAD)),
    **dict.fromkeys(("next_seat", "cast", "skip", "flag", "beat", "undo"), ("post", TOKEN)),
}  # fmt: skip
"""How the API is asked under each name, and by whom."""


@pytest.fixture
def there(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    return every_page.rows(tmp_path)


def client_of(who: str, there: dict, **how) -> Client:
    client = Client(**how)
    if who != "visitor":
        client.force_login(there[who])
    return client


def heard(response) -> str:
    """What the site said, in a word."""
    if response.status_code == 302 and response["Location"].startswith(reverse("login")):
        return IN
    if response.status_code in (403, 404, 405):
        return str(response.status_code)
    assert response.status_code < 500, response.content[:500]
    return OK


def test_every_address_is_in_the_table():
    assert {name for name in names() if not name.startswith("api-v1:")} == set(PAGES)
    assert {name.removeprefix("api-v1:") for name in names() if name.startswith("api-v1:")} == set(API)


@pytest.mark.parametrize("who", WHO)
def test_who_may_read_each_page(there, who):
    client, wrong = client_of(who, there), {}
    for name, table in PAGES.items():
        said, meant = heard(client.get(address(name, there))), table["get"][WHO.index(who)]
        if said != meant:
            wrong[name] = f"{said}, not {meant}"
    assert wrong == {}


@pytest.mark.parametrize("who", ["visitor", "annotator", "viewer"])
def test_who_may_post_to_each_page(there, who):
    client, wrong = client_of(who, there), {}
    for name, table in PAGES.items():
        if name in ("logout", "join"):  # after either they are somebody else
            continue
        said, meant = heard(client.post(address(name, there))), table["post"][WHO.index(who)]
        if said != meant:
            wrong[name] = f"{said}, not {meant}"
    assert wrong == {}


@pytest.mark.parametrize("name", [name for name in PAGES if PAGES[name]["post"] is not PUBLIC["post"]])
def test_a_lead_posts_where_leads_may(there, name):
    assert heard(client_of("lead", there).post(address(name, there))) == PAGES[name]["post"][3]


@pytest.mark.parametrize("who", WHO)
def test_who_may_read_a_run_that_is_under_way(there, who):
    there["run"].status = "running"
    there["run"].save()
    client = client_of(who, there)
    said = {name: heard(client.get(address(name, there))) for name in UNDER_WAY}
    assert said == {name: meant[WHO.index(who)] for name, meant in UNDER_WAY.items()}


def test_nothing_is_posted_without_the_sites_own_token(there):
    """A browser brings the cookie along wherever a post comes from; the form's token is what no other site has."""
    client = client_of("lead", there, enforce_csrf_checks=True)
    let_in = [name for name in PAGES if client.post(address(name, there)).status_code != 403]
    assert let_in == []


def test_the_administration_is_for_staff_alone(there):
    found = [name for name in _of_admin() if "<" not in name]
    assert len(found) > 20
    for who in WHO:
        client = client_of(who, there)
        for path in found:
            if path not in ("/admin/login/", "/admin/logout/", "/admin/jsi18n/"):
                assert client.get(path).status_code in (302, 301, 404), (who, path)


def _of_admin() -> list[str]:
    """Addresses of the administration that take no argument."""
    site = get_resolver().namespace_dict["admin"][1]
    names = {name for name in site.reverse_dict if isinstance(name, str)}
    return [reverse(f"admin:{name}") for name in names if name.endswith(("_changelist", "_add"))]


# --- programs


def asked_of_api(name: str, there: dict, user=None, *, may_write: bool = True):
    """The answer to a program of this person's, or to one without a token."""
    method, _who = API[name]
    headers = {}
    if user is not None:
        headers["Authorization"] = f"Bearer {tokens.make(user, 'script', may_write=may_write)[1]}"
    client = Client(enforce_csrf_checks=True)
    more = {"data": {}, "content_type": "application/json"} if method == "post" else {}
    return getattr(client, method)(address(f"api-v1:{name}", there), headers=headers, **more)


@pytest.mark.parametrize("name", API)
def test_who_may_ask_the_api(there, name):
    method, who = API[name]
    open_to_all = who == READ
    without = asked_of_api(name, there)
    assert (
        (without.status_code < 400 or name in ("nothing_here", "api-root"))
        if open_to_all
        else without.status_code == 401
    )
    if method == "post":
        refused = asked_of_api(name, there, there["lead"], may_write=False).status_code
        assert refused == 403
    let_in = {LEAD: ("lead",), VIEWER: ("lead", "viewer")}.get(who, ())
    for person in ("annotator", "viewer", "lead") if let_in else ():
        status = asked_of_api(name, there, there[person]).status_code
        assert status not in (401, 403) if person in let_in else status == 403


@pytest.mark.parametrize("name", [name for name in API if API[name][0] == "post"])
def test_a_cookie_alone_writes_nothing_through_the_api(there, name):
    client = client_of("lead", there)
    assert client.post(address(f"api-v1:{name}", there), {}, content_type="application/json").status_code == 401


@pytest.mark.parametrize("what", ["revoked", "expired", "inactive", "unknown", "digest"])
def test_a_token_that_is_not_in_force_lets_nobody_in(there, what):
    from django.utils import timezone

    row, token = tokens.make(there["lead"], "script", may_write=True)
    if what == "revoked":
        tokens.revoke(row)
    elif what == "expired":
        type(row).objects.filter(pk=row.pk).update(expires_at=timezone.now())
    elif what == "inactive":
        there["lead"].is_active = False
        there["lead"].save()
    token = {"unknown": token + "x", "digest": row.digest}.get(what, token)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/models").status_code == 401
    assert client.post(f"/api/v1/runs/{there['run'].pk}/pause").status_code == 401


def test_a_token_opens_no_page(there):
    _row, token = tokens.make(there["lead"], "script", may_write=True)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert heard(client.get(reverse("uploads"))) == IN


def test_another_persons_token_is_not_to_be_taken_back(there):
    client = client_of("annotator", there)
    assert client.post(address("token_revoke", there)).status_code == 404
    assert make.User.objects.get(username="lea").api_tokens.get().revoked_at is None
