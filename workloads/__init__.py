"""Networks, data sets and recorded sparsity: what is simulated.

Start at `workloads.catalog.load_network`; `workloads.network` holds the graph, `workloads.layers`
its typed nodes, `workloads.zoo` the built-in networks and `workloads.sparsity` the masks.
"""

from workloads.catalog import DATASETS, NETWORKS, load_network
from workloads.errors import UserError
from workloads.network import Network, NetworkBuilder

__all__ = ["DATASETS", "NETWORKS", "Network", "NetworkBuilder", "UserError", "load_network"]
