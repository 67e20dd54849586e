"""Signing in, with a brake on guessing, and links to a new password."""

from __future__ import annotations

import hashlib
import logging

from django.conf import settings
from django.contrib.auth import views
from django.core.cache import cache
from django.dispatch import Signal
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

log = logging.getLogger(__name__)

WINDOW = 15 * 60  # seconds in which failures are counted
MOST_OF_NAME = 6  # failures of one name from one address, after which it waits
MOST_OF_ADDRESS = 40  # failures from one address, whatever the names

held_back = Signal()  # sender: SignIn; arguments: name, address. Sign-ins are refused from here on: once per window.


def address_of(request) -> str:
    """Where a request comes from: the last hop that the proxy in front of us wrote down, behind HTTPS; else the peer."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.HTTPS else ""
    return told.split(",")[-1].strip() or request.META.get("REMOTE_ADDR", "")


def counted(*what: object, within: int = WINDOW) -> int:
    """Count one more of these; how many there were within so many seconds of the first."""
    key = _key(what)
    if cache.add(key, 1, within):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # it ran out meanwhile
        cache.set(key, 1, within)
        return 1


def forgiven(*what: object) -> None:
    """Begin to count these anew."""
    cache.delete(_key(what))


def taken_back(*what: object) -> None:
    """Count one fewer of these."""
    try:
        cache.decr(_key(what))
    except ValueError:  # it ran out meanwhile
        return


def _key(what: tuple) -> str:
    """A name that any cache takes, and that says nothing of who it is about."""
    return "counted-" + hashlib.sha256(repr(what).encode()).hexdigest()[:40]


class SignIn(views.LoginView):
    """Too many failures of one name, or from one address, and it waits: the right password is not tried either.

    An attempt counts before its password is looked at, so that many at once are no way round, and is forgiven if it is right.
    """

    template_name = "arena/sign_in.html"

    def post(self, request, *args, **kwargs):
        name, address = request.POST.get("username", "").casefold(), address_of(request)
        over = counted("name", name, address) - MOST_OF_NAME
        if over <= 0:  # whoever is held back by name does not use up what others at the address have left
            over = counted("address", address) - MOST_OF_ADDRESS
        if over <= 0:
            return super().post(request, *args, **kwargs)
        if over == 1:
            log.warning("sign-in is held back: too many failures from one address")
            held_back.send(SignIn, name=name, address=address)
        context = self.get_context_data(form=self.get_form_class()(request), wait=WINDOW // 60)
        return render(request, self.template_name, context, status=429)

    def form_valid(self, form):
        address = address_of(self.request)
        forgiven("name", self.request.POST.get("username", "").casefold(), address)
        taken_back("address", address)
        return super().form_valid(form)


class AskForLink(views.PasswordResetView):
    """A link to a new password by mail, where mail can be sent; else who to ask."""

    template_name = "arena/password_reset.html"
    email_template_name = "arena/password_reset_mail.txt"
    subject_template_name = "arena/password_reset_subject.txt"
    success_url = reverse_lazy("password_reset_done")

    def get_context_data(self, **kwargs):
        return super().get_context_data(can_mail=can_mail(), **kwargs)

    def post(self, request, *args, **kwargs):
        if not can_mail() or counted("link", address_of(request), within=3600) > MOST_OF_NAME:
            return render(request, self.template_name, self.get_context_data(refused=can_mail()), status=429)
        return super().post(request, *args, **kwargs)


def can_mail() -> bool:
    """Whether this site can send mail; a test's mailbox is one."""
    return bool(settings.EMAIL_HOST) or "smtp" not in settings.EMAIL_BACKEND


class Sent(views.PasswordResetDoneView):
    template_name = "arena/password_reset_sent.html"


class NewPassword(views.PasswordResetConfirmView):
    """A new password by a link that works once."""

    template_name = "arena/password_new.html"
    post_reset_login = True
    success_url = reverse_lazy("home")

    def get_context_data(self, **kwargs):
        return super().get_context_data(title=_("New password"), **kwargs)
