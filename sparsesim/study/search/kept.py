"""The trials of one Optuna study, in a file or in memory: added, finished, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sparsesim.study.objectives import Goal


class KeptTrials:
    """The trials of the study `name`, which is made where the storage has none of that name."""

    def __init__(self, storage: BaseStorage, name: str, directions: Sequence[Goal]) -> None:
        self._study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=directions,
            sampler=RandomSampler(),
            load_if_exists=True,
        )
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(name)

    def all(self) -> list[FrozenTrial]:
        """Every trial, by number. Not to be changed."""
        return self._study.get_trials(deepcopy=False)

    def add(
        self,
        params: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        attributes: Mapping[str, Any],
        *,
        state: TrialState = TrialState.RUNNING,
        violations: Mapping[str, float] | None = None,
    ) -> None:
        """Add a trial with all it has in one transaction: a killed process leaves it whole or not at all."""
        trial = optuna.create_trial(
            state=state,
            params=dict(params),
            distributions=dict(distributions),
            user_attrs=dict(attributes),
            constraints=dict(violations or {}),
        )
        self._study.add_trial(trial)

    def ask(
        self,
        sampler: BaseSampler,
        distributions: Mapping[str, BaseDistribution],
        attributes: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Add a running trial with the parameters that the sampler proposes; the parameters."""
        self._study.sampler = sampler
        trial = self._study.ask(dict(distributions))
        for name, value in attributes.items():
            trial.set_user_attr(name, value)
        self._study.sampler = RandomSampler()
        return trial.params

    def finish(
        self,
        number: int,
        state: TrialState,
        values: Sequence[float] | None = None,
        violations: Mapping[str, float] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Finish a running trial; the state is written last, so that it is not finished without the rest."""
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
        if violations:
            trial = optuna.Trial(self._study, trial_id)
            for name, violation in violations.items():
                trial.set_constraint(name, violation)
        for name, value in (attributes or {}).items():
            self._storage.set_trial_user_attr(trial_id, name, value)
        self._study.tell(number, values, state)
