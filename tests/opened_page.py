"""A page in a real browser, watched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page


@dataclass
class Opened:
    """A page in the browser, and all it has said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def check_quiet(self) -> None:
        """Nothing was complained about, and nothing but the page itself was fetched."""
        assert self.said == []
        assert self.asked == [self.page.url.partition("#")[0]]


@contextlib.contextmanager
def opened(
    browser: Browser, file: Path, width: int = 1440, scheme: str = "light", anchor: str = ""
) -> Iterator[Opened]:
    """The page, watched from its first byte on; nothing may have been complained about in the end."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = Opened(page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: found.said.append(dialog.message))
    page.on("request", lambda request: found.asked.append(request.url))
    page.goto(file.as_uri() + anchor)
    try:
        yield found
        found.check_quiet()
    finally:
        page.close()
