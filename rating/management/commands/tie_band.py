"""tie_band: within which difference of rewards a reward model calls a pair a tie as often as people do; its next version with that."""

from __future__ import annotations

import json

from django.core.management import BaseCommand

from judging.models import Judge
from rating.learning import learn
from rating.management.lessons import lesson_for


class Command(BaseCommand):
    help = "Fit the tie band of a reward judge to people's votes on the same battles; --write makes its next version."

    def add_arguments(self, parser):
        parser.add_argument("judge", metavar="NAME", help="the reward judge, in its newest version")
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--write", action="store_true", help="make the judge's next version with this band")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args, **options):
        told = lesson_for(options["judge"], options["benchmark"], kind=Judge.Kind.REWARD)
        made = learn(told) if options["write"] else None
        judge, band = told.judge, told.band
        if options["format"] == "json":
            said = {**band.as_json(), "judge": str(made or judge), "written": made is not None and made != judge}
            self.stdout.write(json.dumps(said, ensure_ascii=False))
            return
        self.stdout.write(
            f"tie band {band.band:.6g} (it was {band.band_before:.6g}), fitted to {band.n} battles that people"
        )
        self.stdout.write(f"judged too, {band.n_ties} of them as ties")
        self.stdout.write(
            f"agreement with people: {band.before:.3f} before, {band.after:.3f} after (cross-fitted by question)"
        )
        if made is None:
            self.stdout.write("nothing was written: --write makes the next version")
        else:
            self.stdout.write(f"{made} has this band already" if made == judge else f"{made} has this band")
