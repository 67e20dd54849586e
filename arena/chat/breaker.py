"""When to stop asking an endpoint: what tells that it will refuse every other question too."""

from __future__ import annotations

from dataclasses import dataclass

from arena.chat.base import ChatError

# Replies that are the same for every question: the key is wrong, the bill is unpaid, the model is not there. A 429 that
# does not pass tells of a quota that is used up.
DOWN_AT_ONCE = frozenset({401, 402, 404, 429})
# The same, unless something has been answered before: some endpoints refuse single texts in this way.
DOWN_AT_FIRST = frozenset({403})
FAILURES_IN_A_ROW = 20


@dataclass
class Breaker:
    """Watches for an endpoint that no longer answers; `error` is None while it does, then the first reason to stop."""

    error: ChatError | None = None
    failures: int = 0
    answered: bool = False

    @property
    def reason(self) -> str:
        """Why nothing more is to be asked; empty while the endpoint answers."""
        return "" if self.error is None else str(self.error) or type(self.error).__name__

    def succeeded(self) -> None:
        self.failures, self.answered = 0, True

    def failed(self, error: ChatError) -> bool:
        """Whether this very error is the endpoint's to whoever asks, and says nothing of what was asked."""
        self.failures += 1
        first = error.status in DOWN_AT_FIRST and not self.answered
        final = error.down or (not error.transient and (error.status in DOWN_AT_ONCE or first))
        if final or self.failures >= FAILURES_IN_A_ROW:
            self.error = self.error or error
        return final
