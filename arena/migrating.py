"""The database brought up to date before a command needs it, so that the first command may be any command."""

from __future__ import annotations

from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

PATIENCE = 5  # seconds; the pool of connections would try for thirty, and not say what is wrong


def unreachable() -> str:
    """Why the database cannot be reached, in one line; "" when it can."""
    if connection.vendor != "postgresql":
        return ""
    parameters = {**connection.get_connection_params(), "connect_timeout": PATIENCE}
    parameters.pop("pool", None)
    try:
        connection.Database.connect(**parameters).close()
    except connection.Database.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


def waiting() -> int:
    """How many migrations are still to be applied. Raises DatabaseError."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrated() -> None:
    """Apply the migrations that are waiting, if any. Raises CommandError when the database cannot be used."""
    reason = unreachable()
    if reason:
        raise CommandError(f"the database cannot be reached: {reason}")
    try:
        if waiting():
            call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        raise CommandError(f"the database cannot be used: {str(error).strip().splitlines()[0]}") from None
