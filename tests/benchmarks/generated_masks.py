"""How far generated masks are off, in cycles: `python tests/benchmarks/generated_masks.py [TRACE ...]`.

Simulates the recorded samples of every trace (default: those of the package) on the sparsetrain machine, on
chip, and the same programs with masks drawn to imitate them: same shapes, as many samples, each with the
densities of the recorded one (--drawn-densities: with the fitted spread between samples, as profiles are
drawn). Prints Markdown tables: per layer and stage the recorded cycles and the error, mean over the seeds +-
standard deviation of one seed, of

- generated: masks of the generator, fitted to the trace;
- reordered: the recorded masks with the channels of each layer in a random order. What this changes no
  generator could know, as records and profiles hold no order of channels;
- independent: zeros anywhere, at the same densities.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.resources import as_file
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.imitated_cycles import AIM, GENERATED, INDEPENDENT, REORDERED, Imitated, imitated
from workloads.sparsity.records import recorded_trace

RECORDED = tuple(
    f"{network}_{run}"
    for network in ("alexnet_32", "resnet18_32", "resnet18_224")
    for run in ("plain", "p0.9")
)
KINDS = (GENERATED, REORDERED, INDEPENDENT)
STAGES = {"forward": "Forward", "gta": "GTA", "gtw": "GTW"}


def main() -> None:
    """Simulate and print."""
    arguments = _arguments()
    found = []
    for path in arguments.traces or _packaged():
        found.append(imitated(path, arguments.seeds, own_densities=not arguments.drawn_densities))
        if not arguments.summary:
            print("\n".join(layer_table(found[-1])), "\n", flush=True)
    print("\n".join(summary(found)))
    print("\n" + "\n".join(worst(found)))
    if arguments.figure:
        from tests.benchmarks.generated_masks_figure import write_figure

        write_figure(found, arguments.figure)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("traces", nargs="*", type=Path, metavar="TRACE")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--drawn-densities", action="store_true")
    parser.add_argument("--summary", action="store_true", help="leave the tables of the layers out")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="errors of the layers, .svg, .png or .pdf"
    )
    return parser.parse_args()


def _packaged() -> Iterator[Path]:
    for name in RECORDED:
        with as_file(recorded_trace(name)) as path:
            yield path


def layer_table(one: Imitated) -> list[str]:
    """Markdown: errors of every layer and stage of a trace."""
    lines = [f"**{one.trace}**\n", f"| layer | stage | recorded cycles | {' | '.join(KINDS)} |"]
    lines.append("|---|---|---:" + "|---:" * len(KINDS) + "|")
    for layer in one.layers():
        stages = [stage for stage in STAGES if (layer, stage) in one.recorded]
        lines += [_row(one, layer, stage) for stage in [*stages, None]]
    return lines + [_row(one, None, stage) for stage in [*STAGES, None]]


def _row(one: Imitated, layer: str | None, stage: str | None) -> str:
    errors = " | ".join(_text(one.errors(kind, layer, stage)) for kind in KINDS)
    where = f"| {layer or 'network'} | {STAGES[stage] if stage else 'total'}"
    return f"{where} | {one.cycles(layer, stage):,} | {errors} |"


def _text(errors: np.ndarray) -> str:
    return f"{errors.mean():+.1f} ± {errors.std():.1f} %"


def summary(found: Sequence[Imitated]) -> list[str]:
    """Markdown: errors of stages, networks and layer totals, a line per trace and kind."""
    head = "| trace | masks | Forward | GTA | GTW | network | layer totals, rms | largest | layers over 3 % |"
    lines = [head, "|---|---|" + "---:|" * 7]
    return lines + [_summary(one, kind) for one in found for kind in KINDS]


def _summary(one: Imitated, kind: str) -> str:
    by_stage = [one.errors(kind, None, stage).mean() for stage in [*STAGES, None]]
    layers = one.layer_errors(kind)
    errors = np.array(list(layers.values()))
    largest = max(layers, key=lambda layer: abs(layers[layer]))
    cells = [f"{error:+.1f} %" for error in by_stage]
    cells += [f"{np.sqrt((errors**2).mean()):.1f} %", f"{layers[largest]:+.1f} % ({largest})"]
    over = int((np.abs(errors) > AIM).sum())
    return f"| {one.trace} | {kind} | {' | '.join(cells)} | {over} of {len(errors)} |"


def worst(found: Sequence[Imitated]) -> list[str]:
    """Markdown: the layers whose generated total is off by more than AIM, beside what reordering does."""
    lines = [
        "| trace | layer | stage | generated | reordered | independent |",
        "|---|---|---|---:|---:|---:|",
    ]
    for one in found:
        for layer, error in one.layer_errors(GENERATED).items():
            stages = [stage for stage in STAGES if (layer, stage) in one.recorded]
            if abs(error) > AIM:
                lines += [_worst(one, layer, stage) for stage in [*stages, None]]
    return lines if len(lines) > 2 else ["No layer's total is off by more than 3 %."]


def _worst(one: Imitated, layer: str, stage: str | None) -> str:
    errors = " | ".join(_text(one.errors(kind, layer, stage)) for kind in KINDS)
    return f"| {one.trace} | {layer} | {STAGES[stage] if stage else 'total'} | {errors} |"


if __name__ == "__main__":
    main()
