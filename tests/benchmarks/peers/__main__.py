"""sparsesim beside other simulators, in one run: `python -m tests.benchmarks.peers` (an hour or more).

SCALE-Sim and ZigZag are installed into virtual environments of their own. Prints Markdown, for
docs/performance.md; what could not be run stands in it with the reason. --quick takes minutes.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.peers import own
from tests.benchmarks.peers.arguments import read_arguments
from tests.benchmarks.peers.document import document
from tests.benchmarks.peers.findings import find


def main() -> None:
    """Measure and print."""
    asked = read_arguments()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        own.simulate("resnet18", scratch / "warm")  # compiles the kernels
        findings = [find(network, asked, scratch / network) for network in asked.networks]
    print(document(findings, asked.first_layers))
    if asked.json_file:
        everything = [asdict(each) for each in findings]
        asked.json_file.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
