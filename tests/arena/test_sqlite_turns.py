"""SQLite's writers in one process take turns: nobody is told that the database is locked because others came later."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.db.utils import ConnectionHandler

from arena.sqlite.turns import Turns


@pytest.fixture
def database(tmp_path, django_db_blocker):
    """Connections to a file of its own, one for each thread, as the product opens them."""
    how = {"timeout": 5, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"}
    handler = ConnectionHandler({"default": {"ENGINE": "arena.sqlite", "NAME": tmp_path / "d.sqlite3", "OPTIONS": how}})
    with django_db_blocker.unblock():
        with handler["default"].cursor() as cursor:
            cursor.execute("CREATE TABLE said (who integer UNIQUE)")
        yield handler
        handler["default"].close()


class Writing:
    """A transaction on a connection, as `transaction.atomic` begins and ends one."""

    def __init__(self, connection) -> None:
        self.connection = connection

    def __enter__(self):
        self.connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)

    def __exit__(self, kind, error, trace):
        (self.connection.rollback if kind else self.connection.commit)()
        self.connection.set_autocommit(True)


def say(connection, who: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO said VALUES (%s)", [who])


def waiting(turns: Turns, number: int) -> None:
    while len(turns._waiting) < number:
        time.sleep(0.001)


def test_whoever_has_waited_longest_is_next():
    turns, order = Turns(), []

    def wait(who: int) -> None:
        assert turns.take(10)
        order.append(who)
        turns.hand_on()

    assert turns.take(1)
    threads = [threading.Thread(target=wait, args=(who,)) for who in range(5)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        waiting(turns, number)
    turns.hand_on()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def test_a_turn_that_does_not_come_round_in_time_is_given_up_and_holds_up_nobody():
    turns = Turns()
    assert turns.take(1) and not turns.take(0.01)
    turns.hand_on()
    assert turns.take(0.01)


def test_many_threads_that_write_at_once_all_get_their_turn(database):
    def write(who: int) -> None:
        with Writing(database["default"]):
            say(database["default"], who)
        database["default"].close()

    threads = [threading.Thread(target=write, args=(who,)) for who in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with database["default"].cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM said").fetchone() == (40,)


@pytest.mark.django_db(transaction=True)
def test_the_tests_own_database_is_read_while_another_thread_writes_as_a_sites_is():
    written, looked = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                Group.objects.create(name="half way")
                written.set()
                looked.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)
    try:
        assert not Group.objects.filter(name="half way").exists()
    finally:
        looked.set()
        writer.join(10)
    assert Group.objects.filter(name="half way").exists()


@pytest.mark.parametrize("end", ["rollback", "failure", "close"])
def test_a_transaction_gives_its_turn_back_however_it_ends(database, end):
    connection = database["default"]
    if end == "close":
        Writing(connection).__enter__()
        connection.close()
    else:
        with pytest.raises((DatabaseError, KeyError)), Writing(connection):
            say(connection, 1)
            if end == "failure":
                say(connection, 1)
            raise KeyError
    assert not connection._has_turn
    with Writing(connection):
        assert connection._has_turn
    assert not connection._has_turn
