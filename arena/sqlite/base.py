"""The database wrapper: `ENGINE` is the package.

SQLite lets a writer that finds the file locked sleep and try again, for longer each time: under a hundred at once those who
came first wait past any time limit while newcomers get in. So a transaction waits for its turn here before it begins; other
processes are still waited for by SQLite.
"""

from __future__ import annotations

from django.db.backends.sqlite3 import base

from arena.sqlite.turns import Turns

_TURNS = Turns()


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args, **how):
        super().__init__(*args, **how)
        self._has_turn = False

    def _start_transaction_under_autocommit(self):
        # who does not get a turn in time goes on to SQLite's own waiting, which then says that the database is locked
        self._has_turn = _TURNS.take(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._give_up_turn()
            raise

    def _commit(self):
        super()._commit()
        self._give_up_turn()

    def _rollback(self):
        try:
            super()._rollback()
        finally:
            self._give_up_turn()

    def _close(self):
        try:
            super()._close()
        finally:
            self._give_up_turn()

    def _give_up_turn(self):
        if self._has_turn:
            self._has_turn = False
            _TURNS.hand_on()
