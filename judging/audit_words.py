"""What people did, in words for the log."""

from __future__ import annotations

from django.utils.translation import gettext as _


def sentence(act: str) -> str:
    """What an act of the log is in the reader's language; one that has no words yet as it is kept."""
    words = {
        "vote_undone": _("took the last vote back"),
        "item_flagged": _("flagged an item as broken"),
        "flag_settled": _("settled the flags on an item: it stays"),
        "item_taken_out": _("took an item out of the run"),
        "flag_reopened": _("opened the flags on an item again"),
        "sent_to_adjudication": _("put an item before the adjudicators"),
        "item_adjudicated": _("decided an item that people were split on"),
        "votes_shown": _("looked at the votes on an item before deciding it"),
        "adjudication_undone": _("took a decision back"),
        "comment_made": _("commented on an item"),
        "invitation_made": _("made an invitation"),
        "invitation_used": _("came by an invitation"),
        "invitation_revoked": _("took an invitation back"),
        "guest_came": _("came as a guest"),
        "person_paused": _("paused a person"),
        "person_resumed": _("let a person go on"),
        "person_changed": _("changed a person’s settings"),
        "password_link_made": _("made a link to a new password"),
        "signed_in_throttled": _("sign-in was held back"),
        "judge_learnt": _("let a judge learn from people"),
        "judged_again": _("judged again what a new rubric touches"),
        "asked_for_drift": _("asked a judge again, to see whether it drifts"),
        "run_opened": _("opened the run for votes"),
        "run_closed": _("closed the run for votes"),
        "run_started": _("started the run, or let it go on"),
        "run_paused": _("paused the run"),
        "run_cancelled": _("cancelled the run"),
        "run_retried": _("asked again for what failed"),
        "reply_read": _("read a reply that no parser could read"),
        "reply_says_nothing": _("read a reply that no parser could read: it says nothing"),
        "reading_undone": _("took back how a reply was read"),
        "budget_changed": _("changed the budget"),
        "voting_changed": _("changed how people vote"),
        "gold_added": _("made items gold"),
        "gold_removed": _("made a gold item an ordinary one"),
        "export_written": _("wrote the votes to a file"),
        "export_downloaded": _("downloaded the votes"),
        "run_set_up": _("set up a run by a program"),
        "webhook_made": _("added a webhook"),
        "webhook_changed": _("changed a webhook"),
        "webhook_deleted": _("deleted a webhook"),
    }
    return words.get(act, act)
