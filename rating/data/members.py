"""Who speaks on a benchmark only through a panel that it sits in."""

from __future__ import annotations

from collections import defaultdict

from arena.models import Benchmark
from judging.models import Run, Seat


def silent_members(benchmark: Benchmark | int) -> list[int]:
    """Ids of the judges that sit in a panel or cascade which a run on this benchmark lists, and that no such run lists.

    Their verdicts are in the panel's already: counted beside it they would count twice. Also the members of a member. Runs that
    ask a member anew, to see whether it drifts, give it no voice.
    One query where no judge has a seat, else two.
    """
    members: dict[int, set[int]] = defaultdict(set)
    for panel, member in Seat.objects.order_by().values_list("panel", "member"):
        members[panel].add(member)
    if not members:
        return []
    speaking = Run.judges.through.objects.filter(run__benchmark=benchmark, run__trial=0)
    listed = set(speaking.values_list("judge", flat=True))
    found: set[int] = set()
    ahead = [*listed]
    while ahead:
        new = members[ahead.pop()] - found
        found |= new
        ahead += new
    return sorted(found - listed)
