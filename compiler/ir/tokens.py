"""The words of IR text, each with its place, so that errors can point at them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from workloads.errors import UserError

# Eighteen digits always fit an int64, and keep hostile text from building giant integers.
MAX_DIGITS = 18

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v]+|\#[^\n]*)
      | (?P<newline>\n)
      | (?P<number>[0-9]+)
      | (?P<word>[A-Za-z_][A-Za-z_0-9]*)
      | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
      | (?P<mark>\.\.|//|<=|==|[-+*%<=(){}\[\],])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """kind: "number", "word", "string", "mark" or "end"; line and column count from 1."""

    kind: str
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return "the end of the text" if self.kind == "end" else repr(self.text)


def syntax_error(filename: str, token: Token, expected: str, found: str | None = None) -> UserError:
    """The error `file:line:column: expected X, found Y`."""
    return UserError(f"{filename}:{token.line}:{token.column}: expected {expected}, found {found or token}")


def tokenize(text: str, filename: str) -> list[Token]:
    """All tokens of the text, closed by one of kind "end". UserError at a character that starts no token."""
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text[position], line, position - line_start + 1, filename)
        kind = match.lastgroup or ""
        if kind == "newline":
            line, line_start = line + 1, match.end()
        elif kind != "space":
            tokens.append(Token(kind, match.group(), line, position - line_start + 1))
        position = match.end()
    tokens.append(Token("end", "", line, position - line_start + 1))
    return tokens


def _unreadable(character: str, line: int, column: int, filename: str) -> UserError:
    token = Token("mark", character, line, column)
    return syntax_error(
        filename, token, "a closing '\"' on the same line" if character == '"' else "a statement"
    )


def number_value(token: Token, filename: str) -> int:
    """The value of a number token; UserError beyond MAX_DIGITS digits."""
    if len(token.text) > MAX_DIGITS:
        found = f"{len(token.text)} digits"
        raise syntax_error(filename, token, f"a number of at most {MAX_DIGITS} digits", found)
    return int(token.text)


def string_value(token: Token, filename: str) -> str:
    """The value of a string token, whose escapes are those of JSON."""
    try:
        return str(json.loads(token.text))
    except ValueError:
        raise syntax_error(filename, token, "a string with the escapes of JSON") from None
