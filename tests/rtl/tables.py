"""The tables of the machine's instruction stream: fields of their words, the first at the bottom."""

from __future__ import annotations

from tests.rtl.ports import packed

REGISTERS, JOB, ROWOP, UNIT, TAPS, PLACES, CH1_PLACES, TILE, DMA = range(9)

# (name, bits). Taps and places are sized by the build: see tests/rtl/block_geometries.py.
FIELDS: dict[int, tuple[tuple[str, int], ...]] = {
    REGISTERS: (
        ("is_msrc", 1), ("is_osrc", 1), ("use_mask", 1), ("has_masks", 1), ("dense", 1),
        ("row_handout_dynamic", 1), ("job_handout_dynamic", 1), ("relu", 1), ("prune", 1), ("shift", 5),
        ("threshold", 16), ("seed", 32), ("kernel_columns", 4), ("dispatch_cycles", 8),
        ("tile_switch_cycles", 8), ("tiles", 12), ("descriptors", 16),
    ),
    JOB: (
        ("out_count", 8), ("out_bank", 8), ("out_row", 12), ("accumulators", 12), ("read_sums", 1),
        ("final", 1), ("sums_address", 16), ("sums_stride", 16), ("result_address", 16),
        ("result_stride", 16), ("mask_address", 16), ("mask_stride", 16),
        # SRC, MSRC
        ("rowop_start", 12), ("rowop_count", 8), ("reduce_count", 12), ("reduce_bank", 8),
        ("reduce_row", 12), ("pointer_base", 16), ("pointer_stride", 16), ("weight_address", 16),
        ("weight_stride", 16), ("geometry", 8),
        # OSRC
        ("unit_start", 12), ("unit_count", 4), ("ch1_pointer_base", 16), ("ch1_pointer_stride", 16),
        ("no_items", 1),
    ),
    ROWOP: (
        ("pointer_offset", 16), ("rows", 8), ("row_base", 8), ("row_words", 8), ("positions", 8),
        ("geometry", 8), ("weight_offset", 16), ("ch1_pointer_offset", 16), ("ch1_positions", 8),
    ),
    UNIT: (
        ("rowop_start", 12), ("rowop_count", 12), ("channel_count", 12), ("channel_bank", 8),
        ("channel_row", 12), ("pointer_base", 16), ("pointer_stride", 16), ("drain_start", 12),
    ),
    TILE: (("job_start", 16), ("job_end", 16), ("descriptors_needed", 16)),
    DMA: (
        ("is_store", 1), ("first", 1), ("to_pointers", 1), ("bank", 8), ("line", 16), ("lines", 16),
        ("memory_line", 24), ("after_tiles", 12),
    ),
}  # fmt: skip


class DoesNotFitError(ValueError):
    """A layer that a build of the machine was not made for."""


def fitting(value: int, limit: int, what: str) -> int:
    """The value if 0 <= value < limit; DoesNotFitError otherwise."""
    if not 0 <= value < limit:
        raise DoesNotFitError(f"{what} is {value}, not within 0..{limit - 1}")
    return value


def pack(select: int, **values: int) -> int:
    """A word of a table; fields not named are 0. DoesNotFitError for a value too large or negative."""
    fields = FIELDS[select]
    unknown = values.keys() - {name for name, _ in fields}
    if unknown:
        raise TypeError(f"table {select} has no field {sorted(unknown)}")
    return packed(
        (fitting(int(values.get(name, 0)), 1 << bits, f"field {name}"), bits) for name, bits in fields
    )


def unpack(select: int, word: int) -> dict[str, int]:
    """The fields of a word."""
    values = {}
    for name, bits in FIELDS[select]:
        values[name] = word & ((1 << bits) - 1)
        word >>= bits
    return values


class Neighbours:
    """A table whose words are used in runs; equal runs stand in it once."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._starts: dict[tuple[int, ...], int] = {(): 0}

    def start_of(self, run: tuple[int, ...]) -> int:
        """Address of the first word of a run; 0 for an empty one."""
        if run not in self._starts:
            self._starts[run] = len(self.words)
            self.words += run
        return self._starts[run]
