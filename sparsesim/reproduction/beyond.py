"""From sparsetrain to sparsetrain-tuned, one change after the other: what each of them buys."""

from __future__ import annotations

from sparsesim.machine import Machine, load_machine

START = "sparsetrain"
END = "sparsetrain-tuned"

# Words, and the overrides of the step; steps add up. Remedies for waiting come first, then what makes room,
# then what fills it: the area is largest after the third step (3.88 mm2) and ends below that of the start.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rows to the stream that asks", ("policy.row_handout=dynamic",)),
    ("lines of 256 bits", ("buffer.line_bits=256",)),
    ("16 banks", ("buffer.banks=16",)),
    ("PPUs of one lane", ("ppu.words_per_cycle=1",)),
    ("28 positions a PE", ("pe.row_slot_entries=28", "pe.reg1_words=28", "pe.reg2_words=28")),
    ("14 clusters of 8 groups", ("array.groups=112", "array.clusters=14")),
    ("416 KB", ("buffer.kilobytes=416",)),
)


def machine_after(steps: int) -> Machine:
    """sparsetrain with the first `steps` of STEPS, 0 to len(STEPS)."""
    return load_machine(START, [override for _, overrides in STEPS[:steps] for override in overrides])
