"""Optuna's samplers, made so that every trial draws from a random stream of its own.

A sampler is made anew for each trial and seeded with SeedSequence((seed, number of the trial)). What it
proposes then depends on the trials before it alone, not on what the process did before, so that a search that
was killed and continued proposes what one that ran through does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from workloads.errors import unknown_name

SearchedSpace = dict[str, BaseDistribution]

BATCH = "batch"  # user attribute of a trial: the batch it was proposed in
PARENTS_NEEDED = 2  # of a crossover


class GenerationalSampler(NSGAIISampler):
    """NSGA-II (Deb et al., IEEE Trans. Evolutionary Computation 6(2), 2002) whose generation is the batch.

    Optuna counts a generation as full when population_size trials of it are complete. With batches, a single
    failed trial would leave it one short and the whole next batch would be bred from the same parents again.
    Here a batch is a generation whatever became of its trials. `parents` keeps the trial numbers selected for
    each generation; it may be shared between samplers of one study.
    """

    def __init__(
        self,
        *,
        space: SearchedSpace,
        generation: int,
        population: int,
        seeds: Any,
        parents: dict[int, list[int]],
    ) -> None:
        super().__init__(population_size=population, seed=int(seeds[0]))
        self._space = space
        self._generation = generation
        self._parents = parents
        # Optuna seeds crossover and independent draws alike: with one trial per sampler the value a parameter
        # mutates to would be the number that decided on the crossover.
        self._independent = RandomSampler(seed=int(seeds[1]))

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> SearchedSpace:
        """The whole space: it never changes, and to infer it reads every trial."""
        return self._space

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
        """The batch that is being proposed."""
        return self._generation

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """The complete trials of a batch."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [trial for trial in complete if trial.user_attrs[BATCH] == generation]

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """The trials that breed a generation, by number: the elite of the generation before and its parents.

        Generations not selected yet are selected in turn, so that it does not matter when this is asked.
        """
        for missing in range(len(self._parents) + 1, generation + 1):
            elite = self.select_parent(study, missing)
            self._parents[missing] = sorted(trial.number for trial in elite)
        trials = study.get_trials(deepcopy=False)
        return [trials[number] for number in self._parents.get(generation, [])]

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: SearchedSpace
    ) -> dict[str, Any]:
        """Children of two parents; nothing, so that all is drawn independently, where fewer succeeded."""
        if len(self.get_parent_population(study, self._generation)) < PARENTS_NEEDED:
            return {}
        return super().sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value drawn uniformly: of the first generation, and where a child mutates."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


class TreeSampler(TPESampler):
    """The multivariate tree-structured Parzen estimator (Watanabe, arXiv 2304.11127).

    Multivariate: settings of a machine act together (groups and PEs per group), and the estimate is made
    once per trial, not once per setting.
    """

    def __init__(self, *, space: SearchedSpace, startup: int, seed: int) -> None:
        super().__init__(seed=seed, multivariate=True, n_startup_trials=startup)
        self._space = space

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> SearchedSpace:
        """As of GenerationalSampler."""
        return self._space


class SamplerMaker:
    """Makes the sampler of each trial. name: one of SAMPLERS (UserError for another). seed: of the search.
    population: trials of a batch. distributions: of the searched settings.
    """

    def __init__(
        self, name: str, seed: int, population: int, distributions: Mapping[str, BaseDistribution]
    ) -> None:
        if name not in SAMPLERS:
            raise unknown_name("sampler", name, SAMPLERS)
        self.name = name
        self._seed = seed
        self._population = population
        self._parents: dict[int, list[int]] = {}
        # Optuna itself gives a parameter of a single value that value, and samplers cannot transform it.
        self._space = {name: given for name, given in sorted(distributions.items()) if not given.single()}

    def sampler(self, number: int, batch: int) -> BaseSampler:
        """The sampler that proposes trial `number` as one of `batch`."""
        seeds = np.random.SeedSequence((self._seed, number)).generate_state(2)
        return SAMPLERS[self.name](self, batch, seeds)

    def _nsga2(self, batch: int, seeds: Any) -> BaseSampler:
        return GenerationalSampler(
            space=self._space,
            generation=batch,
            population=self._population,
            seeds=seeds,
            parents=self._parents,
        )

    def _tpe(self, batch: int, seeds: Any) -> BaseSampler:
        return TreeSampler(space=self._space, startup=self._population, seed=int(seeds[0]))

    def _random(self, batch: int, seeds: Any) -> BaseSampler:
        return RandomSampler(seed=int(seeds[0]))


SAMPLERS: Mapping[str, Callable[[SamplerMaker, int, Any], BaseSampler]] = {
    "nsga2": SamplerMaker._nsga2,
    "tpe": SamplerMaker._tpe,
    "random": SamplerMaker._random,
}
