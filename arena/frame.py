"""What the common frame of every page needs to know."""

from functools import cached_property

from django.conf import settings

LEADS = frozenset({"lead", "admin"})
"""Groups whose people set up runs, and see who said what."""


def is_lead(user) -> bool:
    """Whether this user sets up runs; admins and superusers are leads."""
    return user.is_authenticated and (user.is_superuser or user.groups.filter(name__in=LEADS).exists())


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


MENUS = {
    "boards": "home leaderboard snapshot history compare embed agreement snapshot_agreement trust snapshot_trust contested "
    "contested_send board_settings matrix charts meta_evaluations meta_evaluation meta_new",
    "questions": "benchmarks benchmark benchmark_new benchmark_edit benchmark_delete benchmark_version benchmark_changes "
    "question question_new question_edit question_delete battle record",
    "models": "models model model_new model_edit model_check model_delete model_compare",
    "runs": "runs run run_new run_from_yaml run_start run_voting try_out people person password_link annotators annotator "
    "gold gold_import leaks flags audit",
    "setup": "uploads upload upload_new categories category_new category_edit rubrics rubric rubric_new rubric_edit "
    "rubric_preview rubric_compare judges judge judge_new judge_edit judge_check judge_learn judge_anchors bad_cases bad_case bad_case_new "
    "bad_case_take_up bad_case_again bad_case_dismiss profiles profile_new profile_edit groupings grouping_new "
    "grouping_edit grouping_import webhooks webhook_new webhook_edit webhook_test",
    "vote": "vote ballot adjudicate",
}
"""Names of addresses by the menu in which a reader looks for them."""
_MENU_OF = {name: menu for menu, names in MENUS.items() for name in names.split()}


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
        return self.user.is_superuser or bool(self._groups & LEADS)

    @property
    def annotator(self) -> bool:
        return "annotator" in self._groups

    @property
    def adjudicator(self) -> bool:
        return self.lead or "adjudicator" in self._groups


def frame(request) -> dict:
    """Context of every page: the version, the roles, the menu it belongs to, and the theme that the reader chose."""
    theme = request.COOKIES.get("theme", "")
    return {
        "version": settings.VERSION,
        "roles": Roles(request.user) if hasattr(request, "user") else None,
        "menu": _MENU_OF.get(getattr(getattr(request, "resolver_match", None), "url_name", None), ""),
        "theme": theme if theme in ("light", "dark") else "",
    }
