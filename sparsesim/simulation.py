"""From a request and its workload to a plan for the engine, and from the engine's records to the result."""

from __future__ import annotations

from collections.abc import Sequence

from sparsesim.energy import EnergyModel
from sparsesim.engine.record import StepRecords
from sparsesim.engine.step import Plan, Run
from sparsesim.request import Request
from sparsesim.results.bounds import check_bounds
from sparsesim.results.model import DENSE
from sparsesim.results.result import Result, build_result
from sparsesim.workload import Workload, accumulated_samples, workload_of


def request_workload(request: Request) -> Workload:
    """The workload of a request on its machine; errors as workload_of."""
    return workload_of(request.load, accumulated_samples(request.machine, request.load.batch))


def runs_of(request: Request, workload: Workload) -> list[Run]:
    """The dense baseline of the machine, then the runs of the workload."""
    sparse = request.machine.to_target()
    dense = Run(DENSE, request.machine.dense_baseline().to_target(), None)
    return [dense, *(Run(name, sparse, pruning) for name, pruning in workload.runs)]


def plan_of(workload: Workload, runs: Sequence[Run], batch: int, check: bool = False) -> Plan:
    """What the engine has to do for some runs of a workload. check: compare values with a reference."""
    return Plan(
        workload.works,
        workload.other,
        workload.source,
        runs,
        batch,
        workload.samples,
        workload.accumulate,
        check,
    )


def result_of(request: Request, workload: Workload, records: StepRecords, wall_seconds: float) -> Result:
    """The result of all runs of a request; raises BoundViolation for records that cannot be true."""
    result = build_result(
        records,
        request.machine,
        EnergyModel(request.machine, request.table),
        EnergyModel(request.machine.dense_baseline(), request.table),
        network=workload.network,
        dataset=workload.dataset,
        batch=request.load.batch,
        seed=request.load.seed,
        profile=dict(workload.profile),
        wall_seconds=wall_seconds,
        prune=request.load.prune,
        density_over_time=workload.density_over_time,
    )
    check_bounds(result)
    return result
