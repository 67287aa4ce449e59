"""The trials of a search: proposed in batches, kept in storage as they are asked and as they finish.

A trial is proposed from what finished in the batches before its own, from the parameters of those asked
before it in its own, and from what was refused before it. Nothing else counts: neither how many workers there
are, nor the order in which points finish, nor where a search was killed and continued.

Samplers read a copy in memory, to which a batch's results are told when the next batch begins. Optuna's
storage then takes one transaction to add a trial, not one for each of its parameters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from sparsesim.study.exploration import Trial, TrialStatus
from sparsesim.study.point import Point, Row, Scalar
from sparsesim.study.search.aims import Aims
from sparsesim.study.search.gate import Gate, Refusal
from sparsesim.study.search.kept import KeptTrials
from sparsesim.study.search.samplers import BATCH, SamplerMaker
from sparsesim.study.search.space import Space
from workloads.errors import UserError

REFUSED = "refused"  # user attributes of a trial
REASON = "reason"
ROWS = "rows"
RETRY_OF = "retry_of"

REFUSALS_PER_BATCH = 10  # times the batch: then the sampler may learn from them before it goes on
HOPELESS_REFUSALS = 1000  # in a row
_STATUS: Mapping[TrialState, TrialStatus] = {
    TrialState.COMPLETE: "done",
    TrialState.FAIL: "failed",
    TrialState.PRUNED: "refused",
    TrialState.RUNNING: "pending",
}


class Ledger:
    """The trials of one search in `storage` under `name`. batch: trials that are asked together.

    pending: design of each trial asked and not finished. admitted: trials that count, which are all that
    were not refused. succeeded: trials that are done.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        space: Space,
        aims: Aims,
        gate: Gate,
        maker: SamplerMaker,
        batch: int,
    ) -> None:
        self._stored = KeptTrials(storage, name, aims.directions)
        self._memory = KeptTrials(InMemoryStorage(), name, aims.directions)
        self._space, self._aims, self._gate, self._maker = space, aims, gate, maker
        self._distributions = space.distributions()
        self._batch_size = batch
        self.pending: dict[int, dict[str, Scalar]] = {}
        self.admitted = 0
        self.succeeded = 0
        self._asked = 0
        self._batch = 0
        self._in_batch: list[int] = []
        self._new_in_batch = 0
        self._refused_in_batch = 0
        self._refused_in_a_row: list[str] = []
        self._example = ""  # why a design was refused that was not known already
        self._replay(self._stored.all())

    @property
    def exhausted(self) -> bool:
        """Whether no design that can be simulated is left, or none has been proposed for long."""
        return self.admitted > 0 and self._nothing_new

    def propose(self, most: int) -> None:
        """Ask for the trials of a batch, or what is left of it, until `most` are admitted in all.

        UserError where nothing that was proposed can be simulated.
        """
        while self.admitted < most and not self.exhausted:
            self._check_hope()
            if self._batch_is_full():
                if self.pending:
                    return
                self._next_batch(self._stored.all())
            self._ask()

    def retry_failed(self) -> None:
        """Ask for the designs of failed trials again, as trials that do not count."""
        trials = self._stored.all()
        retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
        for trial in trials:
            if trial.state == TrialState.FAIL and trial.number not in retried:
                self._again(trial)

    def points(self) -> list[Point]:
        """The points of the pending trials, by number."""
        numbered = sorted(self.pending.items())
        return [point for number, design in numbered for point in self._space.points(number, design)]

    def finish(self, number: int, rows: Sequence[Row]) -> Trial:
        """Judge and keep a pending trial, whose rows are given in the order of the workloads."""
        verdict = self._aims.verdict(rows)
        attributes: dict[str, Any] = {ROWS: [row.row for row in rows]}
        if verdict.values is None:
            attributes[REASON] = verdict.error
        state = TrialState.FAIL if verdict.values is None else TrialState.COMPLETE
        self._stored.finish(number, state, verdict.values, verdict.violations, attributes)
        self.succeeded += state == TrialState.COMPLETE
        return Trial(
            number,
            self.pending.pop(number),
            _STATUS[state],
            verdict.values or (),
            verdict.violations,
            tuple(attributes[ROWS]),
            verdict.error,
        )

    def trials(self) -> list[Trial]:
        """Every trial, by number."""
        return [self._reported(trial) for trial in self._stored.all()]

    def _reported(self, trial: FrozenTrial) -> Trial:
        return Trial(
            trial.number,
            self._space.design(trial.params),
            _STATUS[trial.state],
            tuple(trial.values or ()) if trial.state == TrialState.COMPLETE else (),
            trial.constraints,
            tuple(trial.user_attrs.get(ROWS, ())),
            trial.user_attrs.get(REASON, ""),
        )

    def _replay(self, trials: list[FrozenTrial]) -> None:
        """Bring the copy in memory to where the stored trials are."""
        for trial in trials:
            while self._batch < trial.user_attrs[BATCH]:
                self._next_batch(trials)
            self._memory.add(trial.params, trial.distributions, trial.user_attrs)
            self._count(trial.number, trial.params, trial.user_attrs, trial.constraints)
            self.succeeded += trial.state == TrialState.COMPLETE
            if trial.state == TrialState.RUNNING:
                self.pending[trial.number] = self._space.design(trial.params)

    def _ask(self) -> None:
        """Propose one trial, and keep it as pending or as refused."""
        number = self._asked
        sampler = self._maker.sampler(number, self._batch)
        params = self._memory.ask(sampler, self._distributions, {BATCH: self._batch})
        design = self._space.design(params)
        refusal = self._gate.refusal(number, design)
        attributes: dict[str, Any] = {BATCH: self._batch}
        if refusal is None:
            self._stored.add(params, self._distributions, attributes)
            self.pending[number] = design
        else:
            attributes |= {REFUSED: refusal.kind, REASON: refusal.reason}
            self._store_refused(params, attributes, refusal)
        self._count(number, params, attributes, refusal.violations if refusal else {})

    def _store_refused(self, params: dict[str, Any], attributes: dict[str, Any], refusal: Refusal) -> None:
        self._stored.add(
            params,
            self._distributions,
            attributes,
            state=TrialState.PRUNED,
            violations=refusal.violations,
        )

    def _count(
        self,
        number: int,
        params: Mapping[str, Any],
        attributes: Mapping[str, Any],
        violations: Mapping[str, float],
    ) -> None:
        """Take note of a trial that is in storage and runs in memory; a refused one ends there."""
        self._asked += 1
        self._gate.note(number, self._space.design(params))
        if REFUSED in attributes:
            self._refused_in_batch += 1
            self._refused_in_a_row.append(attributes[REFUSED])
            if attributes[REFUSED] != "known":
                self._example = str(attributes[REASON])
            self._tell_refused(number, violations)
            return
        self._in_batch.append(number)
        if RETRY_OF not in attributes:
            self.admitted += 1
            self._new_in_batch += 1
            self._refused_in_a_row.clear()

    def _tell_refused(self, number: int, violations: Mapping[str, float]) -> None:
        """Tell samplers of a refused trial. TPE learns from the violations of a pruned trial; NSGA-II only
        from complete trials, among which one that breaks a constraint is ranked by its violations alone and
        its values do not count.
        """
        if violations and self._maker.name == "nsga2":
            self._memory.finish(number, TrialState.COMPLETE, self._aims.worst, violations)
        else:
            self._memory.finish(number, TrialState.PRUNED, None, violations)

    def _batch_is_full(self) -> bool:
        refusals = REFUSALS_PER_BATCH * self._batch_size
        return self._new_in_batch >= self._batch_size or self._refused_in_batch >= refusals

    def _next_batch(self, trials: list[FrozenTrial]) -> None:
        """Tell the samplers what became of the batch, and begin the next."""
        for number in self._in_batch:
            trial = trials[number]
            self._memory.finish(number, trial.state, trial.values, trial.constraints)
        self._batch += 1
        self._in_batch.clear()
        self._new_in_batch = self._refused_in_batch = 0

    def _again(self, trial: FrozenTrial) -> None:
        number, attributes = self._asked, {BATCH: self._batch, RETRY_OF: trial.number}
        for kept in (self._stored, self._memory):
            kept.add(trial.params, trial.distributions, attributes)
        self._count(number, trial.params, attributes, {})
        self.pending[number] = self._space.design(trial.params)

    @property
    def _nothing_new(self) -> bool:
        return self._gate.everything_known or len(self._refused_in_a_row) >= HOPELESS_REFUSALS

    def _check_hope(self) -> None:
        if not self._nothing_new:
            return
        kinds = Counter(self._refused_in_a_row)
        counted = ", ".join(f"{count} {_KINDS[kind]}" for kind, count in kinds.most_common())
        raise UserError(
            f"none of the {self._asked} designs that were proposed can be simulated ({counted}, for "
            f"example: {self._example.rstrip('.')}); the constraints and the rules of machines exclude "
            "nearly everything that is searched; relax a constraint, or give other values or ranges."
        )


_KINDS = {"known": "known already", "rule": "against a rule of machines", "constraint": "break a constraint"}
