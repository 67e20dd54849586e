"""Django's SQLite with one addition: threads of one process that write take turns, first come, first served."""
