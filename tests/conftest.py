"""Fixtures and options of all tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the texts under tests/golden anew, then compare"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """golden(name, text): the text must equal tests/golden/NAME, which --update-golden rewrites."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        update = f"python -m pytest --update-golden {request.node.nodeid}"
        assert path.is_file(), f"{path} is missing; make it with: {update}"
        expected = path.read_text(encoding="utf-8")
        assert text == expected, (
            f"differs from {path}; if it should, rewrite it and look at the diff: {update}"
        )

    return check
