"""The tile loops of a program: tiles in order, and what is loaded before and stored after each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler.ir.nodes import Load, Loop, Node, Program, Store
from compiler.program import Transfer
from compiler.unrolled.iterations import ONCE, Iterations, Whole

Transfers = list[tuple[Transfer, ...]]


@dataclass(frozen=True)
class TileLevel:
    """One tile loop: its iterations, the loads before what is inside it and the stores behind."""

    iterations: Iterations
    loads: tuple[Load, ...]
    stores: tuple[Store, ...]


def only_loop(body: Sequence[Node], kind: str) -> Loop:
    """The single loop of a kind in a body; ValueError where there is none or another one."""
    loops = [n for n in body if isinstance(n, Loop) and n.kind == kind]
    if len(loops) != 1:
        raise ValueError(f"lowering expects exactly one {kind} loop here, found {len(loops)}")
    return loops[0]


def tile_levels(program: Program) -> tuple[list[TileLevel], list[Loop]]:
    """(the tile loops from outside in, the job loops inside them)."""
    levels: list[TileLevel] = []
    body, around = program.body, ONCE
    while not levels or any(isinstance(node, Loop) and node.kind == "tile" for node in body):
        loop = only_loop(body, "tile")
        body, around = loop.body, around.inside(loop)
        loads = tuple(node for node in body if isinstance(node, Load))
        stores = tuple(node for node in body if isinstance(node, Store))
        loops = tuple(node for node in body if isinstance(node, Loop))
        if body != (*loads, *loops, *stores):
            raise ValueError("lowering expects loads before the loops of a tile and stores behind them")
        levels.append(TileLevel(around, loads, stores))
    if len(program.body) != 1 or {loop.kind for loop in loops} != {"job"}:
        raise ValueError("lowering expects tile loops around everything, and job loops in the innermost")
    return levels, list(loops)


def transfers(levels: Sequence[TileLevel]) -> tuple[Transfers, Transfers]:
    """(loads, stores) of every tile. Loads of a loop precede its first tile, stores follow its last."""
    tiles = levels[-1].iterations.count
    loads: list[list[Transfer]] = [[] for _ in range(tiles)]
    stores: list[list[Transfer]] = [[] for _ in range(tiles)]
    known: dict[tuple[Any, ...], Transfer] = {}
    owners = _owners(levels)
    for level, owner in zip(levels, owners, strict=True):
        for load in level.loads:
            _attach(load, level, np.flatnonzero(np.diff(owner, prepend=-1)), loads, known)
    for level, owner in zip(reversed(levels), reversed(owners), strict=True):
        for store in level.stores:
            _attach(store, level, np.flatnonzero(np.diff(owner, append=tiles)), stores, known)
    return [tuple(some) for some in loads], [tuple(some) for some in stores]


def _owners(levels: Sequence[TileLevel]) -> list[Whole]:
    """Of every tile: the iteration of each level that it belongs to."""
    owner = np.arange(levels[-1].iterations.count)
    owners = [owner]
    for level in reversed(levels[1:]):
        owner = level.iterations.origin[owner]
        owners.append(owner)
    return owners[::-1]


def _attach(
    node: Load | Store,
    level: TileLevel,
    tiles: Whole,
    to: list[list[Transfer]],
    known: dict[tuple[Any, ...], Transfer],
) -> None:
    """Give each iteration's transfer to its tile; equal transfers are one object."""
    boxes = level.iterations.columns(
        (node.channels.start, node.channels.stop, node.rows.start, node.rows.stop)
    )
    # An iteration without tiles would be one box too many.
    for tile, box in zip(tiles.tolist(), boxes.tolist(), strict=True):
        key = node.tensor, node.share, *box
        if key not in known:
            known[key] = Transfer(node.tensor, (box[0], box[1]), (box[2], box[3]), node.share)
        to[tile].append(known[key])
