"""What judging tells whoever listens above it."""

from django.dispatch import Signal

judged = Signal()  # sender: Run; arguments: run. Some judgments of the run were saved, or it came to its end.
