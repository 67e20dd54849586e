"""What the common frame of every page needs to know."""

from functools import cached_property

from django.conf import settings


def is_lead(user) -> bool:
    """Whether this user sets up runs; admins and superusers are leads."""
    return user.is_authenticated and (user.is_superuser or user.groups.filter(name__in=("lead", "admin")).exists())


def is_admin(user) -> bool:
    """Whether this user looks after the accounts of others."""
    return user.is_authenticated and (user.is_superuser or user.groups.filter(name="admin").exists())


def is_adjudicator(user) -> bool:
    """Whether this user decides what people are split on, in every run."""
    return user.is_authenticated and user.groups.filter(name="adjudicator").exists()


def is_viewer(user) -> bool:
    """Whether this user may look at runs that are under way, without steering them."""
    return user.is_authenticated and user.groups.filter(name="viewer").exists()


def is_annotator(user) -> bool:
    """Whether this user may vote. Leads see who wrote what, so that they vote only where they are annotators as well."""
    return user.is_authenticated and user.groups.filter(name="annotator").exists()


class Roles:
    """The signed-in person's roles, asked for only where a template looks."""

    def __init__(self, user):
        self.user = user

    @cached_property
    def _groups(self) -> set[str]:
        """The person's groups. One query, of those who are signed in alone."""
        return set(self.user.groups.values_list("name", flat=True)) if self.user.is_authenticated else set()

    @property
    def lead(self) -> bool:
        return self.user.is_superuser or bool(self._groups & {"lead", "admin"})

    @property
    def annotator(self) -> bool:
        return "annotator" in self._groups

    @property
    def adjudicator(self) -> bool:
        return self.lead or "adjudicator" in self._groups


def frame(request) -> dict:
    """Context of every page: the version, the roles, and the theme that the reader chose."""
    theme = request.COOKIES.get("theme", "")
    return {
        "version": settings.VERSION,
        "roles": Roles(request.user) if hasattr(request, "user") else None,
        "theme": theme if theme in ("light", "dark") else "",
    }
