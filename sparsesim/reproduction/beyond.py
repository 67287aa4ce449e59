"""From the published arrangement to the better machine, one change at a time."""

from __future__ import annotations

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("channels grouped by density", ("policy.channel_order=density",)),
)
"""Words of each step, and the settings it changes, KEY=VALUE."""
