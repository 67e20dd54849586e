#!/usr/bin/env python3
"""Juryroom's one entry. On a bare machine it first sets itself up: see arena/setup.py.

This file must parse on any Python 3, so that an old one gets a sentence and not a SyntaxError.
"""

import os
import sys


def refusal(version):
    """Return what to tell somebody who runs this with Python `version`, or None where it is new enough."""
    if version[:2] >= (3, 11):
        return None
    here = "{}.{}".format(*version[:2])
    return (
        "Juryroom needs Python 3.11 or newer; this is " + here + ": start it with a newer one, say python3.12 manage.py"
    )


def main():
    """Set the machine up if it is not, then run the command."""
    problem = refusal(sys.version_info)
    if problem:
        sys.exit(problem)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")
    from arena import setup

    setup.ensure(sys.argv)
    if sys.argv[1:2] == ["test"]:
        sys.exit(setup.run_tests(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
