"""What the machine does when: the engine's spans of one layer and stage, as a trace that a viewer opens."""

from sparsesim.timeline.timeline import Timeline, record_timeline
from sparsesim.timeline.trace_file import check_file, write_trace

__all__ = ["Timeline", "check_file", "record_timeline", "write_trace"]
