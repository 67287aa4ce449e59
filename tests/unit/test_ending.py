"""Does a signal end a command even where it came when Python could not raise?"""

from __future__ import annotations

import subprocess
import sys

import pytest

_SIGNALLED_WHILE_COLLECTING = """
import os, signal, sys
from sparsesim.cli.ending import end_if_asked, end_on_signals

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        for _ in range(1000): pass

end_on_signals()
end_if_asked()
Deaf()
print("went on", flush=True)
end_if_asked()
print("did not end")
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", -2), ("SIGTERM", 143)])
def test_a_signal_that_could_not_raise_is_remembered(name: str, status: int) -> None:
    """A finalizer cannot raise; the next question whether to end does. -2: uncaught KeyboardInterrupt."""
    command = [sys.executable, "-c", _SIGNALLED_WHILE_COLLECTING, name]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("went on\n", status)
    assert "Exception ignored" in done.stderr
