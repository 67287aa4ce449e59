"""A page of a report as a reader of HTML takes it apart, for tests of what is on it."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

# Elements without an end (HTML standard, "void elements").
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_ADDRESSES = ("href", "src", "action", "srcset", "data", "poster")


class Parsed(HTMLParser):
    """Elements with their attributes, and all text outside of script and style.

    Raises AssertionError for an element that is not closed, or not in its place.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._verbatim = False
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "elements that are never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        self.elements.append((tag, dict(attrs)))
        self._verbatim = tag in ("script", "style")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._verbatim = False
        assert self._open and self._open.pop() == tag, f"the end of {tag} is not where its start is"

    def handle_data(self, data: str) -> None:
        if not self._verbatim:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def linked(html: str, name: str) -> str:
    """The file that a link of the page carries."""
    (link,) = [one["href"] for one in Parsed(html).all("a") if one.get("download") == name]
    return base64.b64decode(str(link).partition(",")[2]).decode()


def check_nothing_is_fetched(html: str) -> None:
    """Every address is a part of the page itself, and its policy allows no other."""
    parsed = Parsed(html)
    addresses = [
        value for _, attributes in parsed.elements for name, value in attributes.items() if name in _ADDRESSES
    ]
    assert all(str(address).startswith(("#", "data:")) for address in addresses)
    policies = [meta["content"] for meta in parsed.all("meta") if "http-equiv" in meta]
    assert len(policies) == 1 and str(policies[0]).startswith("default-src 'none'; img-src data:;")
    assert "url(http" not in html and "@import" not in html
