"""What a run would take, counted before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from arena.keys import Lack
from arena.models import LanguageModel
from judging.forecasting import Forecast
from judging.judges.composed import is_same_family
from judging.models import Judge


@dataclass(frozen=True)
class Estimate:
    """What a run would take, counted before it starts.

    `items` are answers (single) or battles; `judgments` all there will be, of which `known` are on record already and are
    not asked again: none where the run asks anew, as `trial` above 0;
    `calls` go to judging models, `answer_calls` to the candidates (one a turn); `votes` are asked of people.
    `missing` lists (model, n) with answers not yet there, `keys` those that calls need and cannot have, `own` each
    judge with the candidates of its own family. `forecast` says what that comes to in tokens, money and time; None where
    nobody is asked.
    """

    questions: int
    items: int
    orders: int
    judges: int
    judgments: int
    known: int
    trial: int
    calls: int
    answer_calls: int
    votes: int
    missing: list[tuple[LanguageModel, int]]
    keys: list[Lack]
    own: list[tuple[Judge, list[LanguageModel]]]
    unlearnt: list[Judge]
    forecast: Forecast | None = None

    @property
    def has_free(self) -> bool:
        """Whether some of the judgments to come are made without calling a model."""
        return self.calls < self.judgments - self.known


def of_own_family(judges: list[Judge], models: list[LanguageModel]) -> list[tuple[Judge, list[LanguageModel]]]:
    """Judges that are one of these models themselves, or of its family; not panels, which give such a member no voice."""
    found = []
    for judge in judges:
        if judge.model_id and judge.kind not in Judge.COMPOSED:
            own = judge.model
            same = [one for one in models if one == own or is_same_family(one.family, own.family)]
            found += [(judge, list(dict.fromkeys(same)))] if same else []
    return found
