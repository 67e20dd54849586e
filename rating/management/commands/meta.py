"""meta: how often each machine judge says what the people of a benchmark say, with the policy that makes the figure.

manage.py load auto_j testdata_pairwise.jsonl pairwise_*output.jsonl --benchmark auto_j
manage.py meta --benchmark auto_j                              Auto-J's figures as published
manage.py meta --benchmark pandalm --unread tie                PandaLM's
manage.py meta --benchmark llmbar --flips both --format json   LLMBar's
"""

from __future__ import annotations

import json

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from rating import meta
from rating.management.commands.leaderboard import chosen_benchmark
from rating.printing import table
from rating.words import REASONS

HEAD = (
    "judge", "category", "agreement", "low", "high", "to best", "no ties", "kappa", "consistency", "n", "failed", "flipped",
)  # fmt: skip
CELLS = (
    "judge", "category", "agreement", "low", "high", "difference", "agreement_no_ties", "kappa", "consistency", "n",
    "n_failed", "n_flipped",
)  # fmt: skip


class Command(BaseCommand):
    help = (
        "Compare each machine judge of pairs, ours or published, with the people who judged the same battles: agreement with "
        "and without ties, Cohen's kappa, consistency when the order is swapped. The policy for verdicts that change with the "
        "order, or cannot be read, is printed: published figures differ in it."
    )

    def add_arguments(self, parser):
        parser.add_argument("--benchmark", metavar="B", help="default: the one rated last")
        parser.add_argument("--judge", metavar="NAME", help="one judge alone")
        parser.add_argument(
            "--flips",
            choices=meta.FLIPS,
            default=meta.WRONG,
            help="; ".join(f"{name}: {words}" for name, words in meta.FLIPS.items()) + " (default: wrong, as Auto-J)",
        )
        parser.add_argument(
            "--unread",
            choices=meta.UNREAD,
            default=meta.LEAVE_OUT,
            help="; ".join(f"{name}: {words}" for name, words in meta.UNREAD.items()) + " (default: leave_out)",
        )
        parser.add_argument("--format", choices=TELL, default="text")

    def handle(self, *args, **options):
        migrated()
        policy = meta.Policy(options["flips"], options["unread"])
        try:
            found = meta.compare(chosen_benchmark(options["benchmark"]), judge=options["judge"], policy=policy)
        except meta.NothingToCompare as error:
            raise CommandError(str(error)) from None
        self.stdout.write(TELL[options["format"]](found))


def _json(found: meta.Comparison) -> str:
    return json.dumps(found.as_json(), ensure_ascii=False)


def _csv(found: meta.Comparison) -> str:
    return meta.as_csv(found)


def _text(found: meta.Comparison) -> str:
    title = f"{found.benchmark.name} · {found.n_items} battles judged by people ({found.n_people})"
    parts = [title + (" · DEMO DATA" if found.benchmark.is_demo else ""), ""]
    parts.append(table(HEAD, [[getattr(row, name) for name in CELLS] for row in found.rows]))
    if found.ceilings:
        rows = [(row.category, row.agreement, row.low, row.high, row.n) for row in found.ceilings]
        parts += ["", table(("one person beside the others", "agreement", "low", "high", "n"), rows)]
    if found.people:
        pairs = [(pair.one, pair.other, pair.agreement, pair.kappa, pair.n) for pair in found.people]
        parts += ["", table(("one person", "other", "agreement", "kappa", "n"), pairs)]
    parts += ["", f"policy: {found.policy}"]
    parts.append("agreement: the share of n battles where the judge says what most people say; low and high: 95 %")
    parts.append("to best: agreement minus that of the best judge there, on the questions that both judged")
    if found.n_undecided:
        parts.append(f"left out: {found.n_undecided} battles on which no verdict has the most people")
    parts += [f"left out: {n} {REASONS.get(reason, reason)}" for reason, n in found.excluded.items()]
    return "\n".join(parts)


TELL = {"text": _text, "json": _json, "csv": _csv}
