"""panel_weights: what each member of a panel is worth beside people, and the panel's next version with these weights."""

from __future__ import annotations

import json

from django.core.management import BaseCommand

from judging.models import Judge
from rating.learning import learn
from rating.management.lessons import lesson_for
from rating.printing import table


class Command(BaseCommand):
    help = "Learn the weights of a panel's members from the people who judged the same battles; --write makes its next version."

    def add_arguments(self, parser):
        parser.add_argument("panel", metavar="NAME", help="the panel, in its newest version")
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--write", action="store_true", help="make the panel's next version with these weights")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        told = lesson_for(options["panel"], options["benchmark"], kind=Judge.Kind.PANEL)
        learnt, made = told.weights, learn(told) if options["write"] else None
        if options["format"] == "json":
            as_json = {
                "panel": str(made or told.judge),
                "written": made is not None,
                "members": [one.as_json() for one in learnt],
            }
            self.stdout.write(json.dumps(as_json, ensure_ascii=False))
            return
        rows = [(one.judge, one.weight, one.agreement, one.n) for one in learnt]
        self.stdout.write(table(("member", "weight", "agrees with people (no ties)", "n"), rows))
        self.stdout.write(
            f"{made} has these weights" if made else "nothing was written: --write makes the next version"
        )
