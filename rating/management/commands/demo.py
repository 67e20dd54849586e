"""demo: everything in one command, on answers of our own: load, judge, rate, print, serve."""

from __future__ import annotations

import time

from django.core.management import CommandError, call_command

from arena.local_server import NotInstalled
from arena.management.commands.up import Command as Up
from arena.models import Benchmark
from arena.setup import port_problem
from arena.stopping import ctrl_c
from judging import demo
from judging.models import Run
from judging.progress import progress, without_verdict
from judging.real_demo import carry_out_real_demo
from judging.running import carry_out_in_turn
from rating import snapshots


class Command(Up):
    help = (
        "Load the demo, let it be judged and rated, print its leaderboard, and serve the site. The second start keeps all data. "
        "--real lets real small models answer and judge instead, on this machine."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--no-serve", action="store_true", help="stop after printing")
        parser.add_argument(
            "--real", action="store_true", help="real small language models, no key and no network after set-up"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="with --real: the first N questions only")

    def handle(self, *args, host, port, threads, no_serve, real, limit=None, **options):
        if not no_serve and (problem := port_problem(host, port)):
            raise CommandError(problem)
        try:
            self._print(real=real, limit=limit)
        except KeyboardInterrupt:
            raise CommandError("stopped; the next start goes on from here", returncode=130) from None
        if not no_serve:
            self.serve(host, port, threads)

    def _print(self, *, real: bool, limit: int | None) -> None:
        """Load, judge, rate, and print the leaderboard and the accounts."""
        call_command("migrate", verbosity=0, interactive=False)
        benchmark = self._real(limit) if real else self._written()
        call_command("leaderboard", benchmark=benchmark.name, method="score" if real else "bt", stdout=self.stdout)
        self.stdout.write("")
        self._accounts()

    def _written(self) -> Benchmark:
        """The demo of our own words, judged as far as it is not yet."""
        began = time.monotonic()
        if not demo.is_loaded():
            self.stdout.write(
                "Loading the demo: questions and answers written by us, people simulated, all labelled so."
            )
            demo.load()
        for run in demo.unfinished():
            self._judge(run)
        benchmark = Benchmark.objects.get(name=demo.NAME)
        snapshots.take(benchmark)
        self.stdout.write(f"Ready in {time.monotonic() - began:.1f} s\n")
        return benchmark

    def _judge(self, run: Run) -> None:
        self.stdout.write(f"  {run.name} …")
        run.enqueue()
        with ctrl_c() as heard:
            carry_out_in_turn(run, watch=lambda run: heard(), waiting=lambda words: self.stdout.write(f"    {words}"))
        if run.status != Run.Status.DONE:
            raise CommandError(
                f"{run.name} is {run.get_status_display()}: {run.error or 'start the demo again to go on'}"
            )
        now = progress(run)
        for line in now.lines:
            self.stdout.write(f"    {line.label}: {line.done} judged" + without_verdict(line, now.skips))

    def _real(self, limit: int | None) -> Benchmark:
        """The demo of real models; their answers are collected and judged on this machine."""
        try:
            benchmark = carry_out_real_demo(self.stdout.write, limit=limit)
        except (NotInstalled, OSError, RuntimeError) as error:
            raise CommandError(str(error)) from None
        snapshots.take(benchmark)
        return benchmark

    def _accounts(self) -> None:
        made = demo.accounts()
        for name, password in made.items():
            self.stdout.write(f"Sign in as {name:<10} password {password}")
        if not made:
            names = ", ".join(name for name, _ in demo.ACCOUNTS)
            self.stdout.write(f"Sign in as {names}; their passwords were printed when they were made")
            self.stdout.write("(`python3 manage.py changepassword NAME` sets a new one)")
