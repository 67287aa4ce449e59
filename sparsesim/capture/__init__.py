"""Recording the sparsity of a training run in PyTorch, and pruning its gradients.

    from sparsesim.capture import Recorder, prune_gradients

`Recorder(model)` measures densities and writes traces for `run --trace`; `prune_gradients(model, p=0.9)`
is the stochastic pruning that SparseTrain's figures rest on (Dai et al., DAC 2020). Both work through hooks,
leave the model as it is and can be taken off again. docs/traces.md describes them and the file that is
written. PyTorch is the extra `capture`; without it both raise a UserError that says how to install it.
"""

from __future__ import annotations

from sparsesim.capture.gradient_pruning import GradientPruning, prune_gradients
from sparsesim.capture.recorder import Recorder

__all__ = ["GradientPruning", "Recorder", "prune_gradients"]
