"""What judging tells whoever listens above it."""

from django.dispatch import Signal

judged = Signal()  # sender: Run; arguments: run. Some judgments of the run were saved, or it came to its end.
orders_joined = Signal()  # sender: Run; arguments: benchmark. Runs on it are about to be read as asked in both orders.
