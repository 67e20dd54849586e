"""Who may take part in a run, by which door, and what a lead sees and sets of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from judging.access import may_adjudicate, may_see_run, may_vote_in, runs_open_to, runs_seen_by
from judging.models import Assignment, AuditEntry, Invitation, Membership, Preference, Run
from judging.people import NotLetIn, accept, guest_may_vote, pause, resume
from tests.judging import voting
from tests.judging.voting import seat_in_hand

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
PASSWORD = "a long enough one"


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lead():
    return signed_in(voting.person("lena", role="lead"))


def invite(lead, run, **fields) -> str:
    """The path of a new invitation's link."""
    page = lead.post(reverse("people", args=[run.pk]), {"role": "annotator", "days": "14", **fields}).text
    return re.search(r'value="http://testserver(/join/[^"]+)"', page)[1]


def test_an_invitation_lets_one_person_in_to_one_run_and_no_other(lead):
    run, other = voting.open_run(voting={"open_to": "invited"}), voting.open_run(models=0, questions=0)
    path, newcomer = invite(lead, run, languages="en，zh"), Client()
    assert "You are invited" in newcomer.get(path).text
    form = {"username": "nova", "password1": PASSWORD, "password2": PASSWORD}
    assert newcomer.post(path, form).url == reverse("ballot", args=[run.pk])
    assert newcomer.get(reverse("ballot", args=[run.pk])).status_code == 200
    assert newcomer.get(reverse("ballot", args=[other.pk])).status_code == 403
    assert Membership.objects.get().languages == ["en", "zh"]
    newcomer.post(reverse("cast", args=[seat_in_hand(run, User.objects.get(username="nova")).token]), {"choice": "a"})
    assert Preference.objects.count() == 1
    assert list(AuditEntry.objects.order_by("pk").values_list("act", flat=True)) == [
        "invitation_made",
        "invitation_used",
    ]


def test_a_link_that_lets_nobody_in_says_why_and_makes_no_account(lead):
    run = voting.open_run()
    form = {"username": "nova", "password1": PASSWORD, "password2": PASSWORD}
    for change, word in (
        ({"used_at": timezone.now()}, "used already"),
        ({"revoked_at": timezone.now()}, "taken back"),
        ({"expires_at": timezone.now()}, "too old"),
    ):
        path = invite(lead, run)
        Invitation.objects.filter(pk=Invitation.objects.first().pk).update(**change)
        answer = Client().post(path, form)
        assert (answer.status_code, word in answer.text) == (410, True)
    assert Client().get("/join/made-up/").status_code == 410
    assert not User.objects.filter(username="nova").exists()


def test_the_token_is_nowhere_on_record(lead):
    token = invite(lead, voting.open_run()).split("/")[2]
    assert token not in repr(Invitation.objects.values()) + repr(AuditEntry.objects.values())


def test_whoever_is_invited_to_look_sees_that_run_and_no_other_and_does_not_vote(lead):
    run, other = voting.open_run(), voting.open_run(models=0, questions=0)
    client = signed_in(vic := voting.person("vic", role=""))
    assert client.post(invite(lead, run, role="viewer")).url == reverse("run", args=[run.pk])
    assert client.get(reverse("run", args=[run.pk])).status_code == 200
    assert (may_see_run(vic, run), may_see_run(vic, other), may_vote_in(vic, run)) == (True, False, False)
    assert client.get(reverse("run", args=[other.pk])).status_code == 403


def test_a_lead_who_opens_an_annotators_link_does_not_use_it_up(lead):
    path = invite(lead, voting.open_run())
    answer = lead.post(path)
    assert (answer.status_code, "send it to somebody else" in answer.text) == (403, True)
    assert Invitation.objects.valid().count() == 1


def test_no_account_is_made_whose_name_differs_from_another_by_capitals_alone(lead):
    path, _ann = invite(lead, voting.open_run()), voting.person("ann")
    form = {"username": "Ann", "password1": PASSWORD, "password2": PASSWORD}
    assert Client().post(path, form).status_code == 422
    assert Invitation.objects.valid().count() == 1


def test_nobody_is_paused_without_a_reason(lead):
    run, ann = voting.open_run(), voting.person("ann")
    lead.post(reverse("person", args=[run.pk, ann.pk]), {"act": "pause", "why": " "})
    assert not Membership.objects.filter(paused_at__isnull=False).exists()


def test_a_weak_password_is_refused_and_the_link_stays_good(lead):
    path = invite(lead, voting.open_run())
    answer = Client().post(path, {"username": "nova", "password1": "1234", "password2": "1234"})
    assert answer.status_code == 422
    assert Invitation.objects.valid().count() == 1


def test_of_two_who_use_a_link_at_once_one_is_let_in(tmp_path):
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "JURYROOM_DATA": str(tmp_path), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "arena.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.judging.two_guests"],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"let in": 1, "refused": 7, "members": 1}


@pytest.mark.parametrize(
    ("open_to", "who", "may"),
    [
        ("annotators", "annotator", True),
        ("invited", "annotator", False),
        ("guests", "annotator", True),
        ("annotators", "member", True),
        ("annotators", "viewer", False),
        ("annotators", "lead", False),
        ("annotators", "lead member", False),
        ("annotators", "", False),
    ],
)
def test_who_may_vote(open_to, who, may):
    run = voting.open_run(voting={"open_to": open_to})
    user = voting.person("pat", role={"member": "", "lead member": "lead"}.get(who, who))
    if "member" in who:
        Membership.objects.create(run=run, user=user)
    assert may_vote_in(user, run) is may
    assert (run in (runs_open_to(user) or [])) is may
    assert (signed_in(user).get(reverse("ballot", args=[run.pk])).status_code == 200) is may


WITHDRAWN = {
    "annotator": lambda user, run: user.groups.clear(),
    "annotator not invited": lambda user, run: Run.objects.update(voting={"open_to": "invited"}),
    "member": lambda user, run: Membership.objects.all().delete(),
    "member to look": lambda user, run: Membership.objects.update(role="viewer"),
    "member made lead": lambda user, run: user.groups.add(Group.objects.get_or_create(name="lead")[0]),
    "guest": lambda user, run: Run.objects.update(voting={"open_to": "annotators"}),
}


@pytest.mark.parametrize("who", WITHDRAWN)
def test_who_may_vote_no_longer_does_nothing_with_the_item_in_hand(who):
    run = voting.open_run(voting={"open_to": "guests" if who == "guest" else "annotators"})
    pat = voting.person("pat", role="annotator" if who.startswith("annotator") else "")
    if not who.startswith("annotator"):
        Membership.objects.create(run=run, user=pat, is_guest=who == "guest")
    client = signed_in(pat)
    client.get(reverse("ballot", args=[run.pk]))
    seat = seat_in_hand(run, pat)
    WITHDRAWN[who](pat, run)
    for act in ("cast", "skip", "flag"):
        answer = client.post(reverse(act, args=[seat.token]), {"choice": "a", "reason": "cut off"}, **HTMX)
        assert answer.status_code == 403
    assert client.get(reverse("ballot", args=[run.pk])).status_code == 403
    seat.refresh_from_db()
    assert seat.status == "leased" and not Preference.objects.exists()


NOT_NOW = {
    **WITHDRAWN,
    "paused": lambda user, run: pause(run, user, why="Ask me first.", by=user),
    "run closed": lambda user, run: Run.objects.update(status="done"),
    "deactivated": lambda user, run: User.objects.update(is_active=False),
}


@pytest.mark.parametrize("who", NOT_NOW)
def test_who_may_not_vote_now_holds_on_to_no_item(who):
    run = voting.open_run(voting={"open_to": "guests" if who == "guest" else "annotators"})
    of_the_run = who in ("guest", "member", "member to look", "member made lead")
    pat = voting.person("pat", role="" if of_the_run else "annotator")
    if of_the_run:
        Membership.objects.create(run=run, user=pat, is_guest=who == "guest")
    client = signed_in(pat)
    client.get(reverse("ballot", args=[run.pk]))
    seat = seat_in_hand(run, pat)
    assert client.post(reverse("beat", args=[seat.token])).json() == {"held": True}
    NOT_NOW[who](pat, run)
    ends = timezone.now() + timedelta(minutes=1)
    Assignment.objects.update(lease_until=ends)
    answer = client.post(reverse("beat", args=[seat.token]), **HTMX)
    assert "HX-Redirect" in answer.headers if who == "deactivated" else answer.json() == {"held": False}
    seat.refresh_from_db()
    assert (seat.status, seat.lease_until) == ("leased", ends)


@pytest.mark.parametrize("is_member", [False, True])
def test_a_beat_takes_at_most_five_queries(is_member, django_assert_max_num_queries):
    run, pat = voting.open_run(), voting.person("pat", role="" if is_member else "annotator")
    if is_member:
        Membership.objects.create(run=run, user=pat)
    client = signed_in(pat)
    client.get(reverse("ballot", args=[run.pk]))
    beat = reverse("beat", args=[seat_in_hand(run, pat).token])
    with django_assert_max_num_queries(4 + is_member):  # session, user, seat, membership, lease
        answer = client.post(beat)
    assert answer.json() == {"held": True}


def test_a_guest_who_is_invited_votes_when_the_door_is_shut(lead):
    run, guest = voting.open_run(voting={"open_to": "guests"}), Client()
    guest.post(reverse("guest", args=[run.pk]))
    guest.post(invite(lead, run))
    Run.objects.update(voting={"open_to": "invited"})
    assert guest.get(reverse("ballot", args=[run.pk])).status_code == 200


def test_who_may_adjudicate_and_who_sees_runs_that_are_under_way():
    run, other = voting.open_run(), voting.open_run(models=0, questions=0)
    ada, vi = voting.person("ada", role=""), voting.person("vi", role="viewer")
    Membership.objects.create(run=run, user=ada, role="adjudicator")
    assert (may_adjudicate(ada, run), may_adjudicate(ada, other)) == (True, False)
    assert run in runs_seen_by(vi)
    assert run not in runs_seen_by(ada)


def test_a_member_of_one_run_cannot_use_the_seat_of_somebody_else():
    run, ann, eve = voting.open_run(), voting.person("ann"), voting.person("eve", role="")
    Membership.objects.create(run=run, user=eve)
    signed_in(ann).get(reverse("ballot", args=[run.pk]))
    token = seat_in_hand(run, ann).token
    assert signed_in(eve).post(reverse("cast", args=[token]), {"choice": "a"}).status_code == 404


def test_guests_come_by_the_open_door_and_not_too_many_from_one_address():
    run = voting.open_run(voting={"open_to": "guests"})
    for number in range(6):
        visitor = Client()
        answer = visitor.post(reverse("guest", args=[run.pk]))
        assert answer.status_code == (302 if number < 5 else 429)
    guests = Membership.objects.filter(is_guest=True)
    assert guests.count() == 5
    assert not guests.first().user.has_usable_password()


def test_a_run_without_an_open_door_has_none():
    run = voting.open_run()
    assert Client().post(reverse("guest", args=[run.pk])).status_code == 404


def test_a_guest_votes_so_many_times_a_minute_and_no_more():
    guest = User.objects.create(username="guest-1")
    assert [guest_may_vote(guest) for _vote in range(41)] == [True] * 40 + [False]


def test_pausing_and_resuming_change_no_vote(lead):
    run, ann = voting.open_run(), voting.person("ann")
    client = signed_in(ann)
    client.get(reverse("ballot", args=[run.pk]))
    client.post(reverse("cast", args=[seat_in_hand(run, ann).token]), {"choice": "a"})
    before = list(Preference.objects.values())
    lead.post(reverse("person", args=[run.pk, ann.pk]), {"act": "pause", "why": "Too quick."})
    assert "Too quick." in client.get(reverse("ballot", args=[run.pk])).text
    lead.post(reverse("person", args=[run.pk, ann.pk]), {"act": "resume"})
    assert 'data-ballot="pair"' in client.get(reverse("ballot", args=[run.pk])).text
    assert list(Preference.objects.values()) == before
    acts = AuditEntry.objects.filter(run=run).order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["person_paused", "person_resumed"]


def test_a_lead_sees_who_has_done_how_much(lead, django_assert_max_num_queries):
    run = voting.open_run(questions=6)
    for name in ("ann", "bob"):
        user = voting.person(name)
        client = signed_in(user)
        client.get(reverse("ballot", args=[run.pk]))
        for _vote in range(2 if name == "ann" else 1):
            client.post(
                reverse("cast", args=[seat_in_hand(run, user).token]), {"choice": "a", "active_ms": "5000"}, **HTMX
            )
    with django_assert_max_num_queries(14):
        page = lead.get(reverse("people", args=[run.pk])).text
    assert page.index(">ann<") < page.index(">bob<")
    assert ">5<" in page


@pytest.mark.parametrize("role", ["annotator", "viewer", "adjudicator", ""])
def test_others_do_not_see_the_people_of_a_run(role):
    run, pat = voting.open_run(), voting.person("pat", role=role)
    for name, more in (("people", []), ("person", [pat.pk]), ("flags", []), ("audit", []), ("gold", [])):
        assert signed_in(pat).get(reverse(name, args=[run.pk, *more])).status_code == 403


def test_a_lead_makes_no_link_to_the_password_of_somebody_above(lead):
    run, root, ann = voting.open_run(), User.objects.create_superuser("root"), voting.person("ann")
    for user, status in ((root, 403), (ann, 403)):
        assert lead.post(reverse("password_link", args=[run.pk, user.pk])).status_code == status
    Membership.objects.create(run=run, user=ann)
    page = lead.post(reverse("password_link", args=[run.pk, ann.pk])).text
    path = re.search(r'value="http://testserver(/password/[^"]+)"', page)[1]
    visitor = Client()
    where = visitor.get(path).url
    assert visitor.post(where, {"new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 302
    assert Client().login(username="ann", password=PASSWORD)
    assert "used already" in Client().get(path, follow=True).text


def test_an_invitation_that_was_taken_back_is_told_from_one_that_was_used(lead):
    run, ann = voting.open_run(), voting.person("ann")
    accept(invite(lead, run).split("/")[2], ann)
    used = Invitation.objects.get()
    lead.post(reverse("invitation_revoke", args=[run.pk, used.pk]))
    used.refresh_from_db()
    assert used.revoked_at is None
    with pytest.raises(NotLetIn):
        accept("nothing", ann)


def test_whoever_goes_on_after_practice_gets_new_tries(lead):
    run, ann = voting.open_run(), voting.person("ann")
    pause(run, ann, why="", by=None)
    resume(run, ann, by=None)
    assert Membership.objects.get().paused_at is None


def test_too_many_wrong_passwords_hold_even_the_right_one_back():
    user = voting.person("ann")
    user.set_password(PASSWORD)
    user.save()
    client = Client()
    for _try in range(6):
        client.post(reverse("login"), {"username": "ann", "password": "guess"})
    answer = client.post(reverse("login"), {"username": "Ann", "password": PASSWORD})
    assert (answer.status_code, "Too many attempts failed" in answer.text) == (429, True)
    assert client.post(reverse("login"), {"username": "bob", "password": "guess"}).status_code == 200


def test_a_forgotten_password_is_mended_by_mail(mailoutbox, settings):
    user = voting.person("ann")
    user.email = "ann@example.org"
    user.set_password("before it was forgotten")
    user.save()
    Client().post(reverse("password_reset"), {"email": "ann@example.org"})
    Client().post(reverse("password_reset"), {"email": "nobody@example.org"})
    (mail,) = mailoutbox
    path = re.search(r"http://testserver(/password/\S+)", mail.body)[1]
    visitor = Client()
    visitor.post(visitor.get(path).url, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert Client().login(username="ann", password=PASSWORD)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    assert "Ask your evaluation lead" in Client().get(reverse("password_reset")).text


def test_a_quota_of_ones_own_goes_before_that_of_the_run(lead):
    run, ann = voting.open_run(voting={"per_day": 50}), voting.person("ann")
    form = {"role": "annotator", "per_day": "1", "per_person": "", "languages": ""}
    lead.post(reverse("person", args=[run.pk, ann.pk]), form)
    client = signed_in(ann)
    client.get(reverse("ballot", args=[run.pk]))
    answer = client.post(reverse("cast", args=[seat_in_hand(run, ann).token]), {"choice": "a"}, **HTMX)
    assert "enough for today" in answer.text


def test_an_invitation_lasts_as_long_as_the_lead_said(lead):
    invite(lead, voting.open_run(), days="3")
    left = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
