"""Text to IR: recursive descent over compiler.ir.tokens, the exact inverse of compiler.ir.printer.

Grammar (one statement per line by custom only; white space and `# comments` separate):

    program    = "program" STRING stage operation "{" conv array tensor* statement* "}"
    conv       = "conv" "in_channels" N "out_channels" N "in_size" sizes "kernel" sizes "stride" sizes
                 "padding" sizes ["end_padding" sizes] "dilation" sizes "groups" N
    array      = "array" "groups_per_cluster" N "pes_per_group" N "row_step" N ["broadcast" ("dO" | "I")]
    tensor     = "tensor" NAME kind sizes
    statement  = loop | transfer | job | row_op | "ppu" action*
    loop       = "for" kind NAME "=" expr ".." expr ["step" expr] ["where" expr] "{" statement* "}"
    transfer   = ("load" | "store") NAME "channels" range "rows" range ["share" N]
    job        = "job" "out" counted [block] "read_sums" expr "final" expr "{" statement* "}"
    row_op     = ("SRC" | "MSRC" | "OSRC") "channel" expr "kernel_row" expr [block]
    block      = "block" "phase" expr "rows" counted "columns" counted
    range      = "[" expr "," expr ")"          counted = "[" expr "," "+" expr ")"
    expr       = conjunction of comparisons of sums of products; "min(a, b)", "max(a, b)", "( expr )"

The parser builds trees as they are written, without folding, so that text and program agree exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Binary, Const, Expression, Variable
from compiler.ir.nodes import (
    LOOP_KINDS,
    PPU_ACTIONS,
    TENSOR_KINDS,
    Block,
    Job,
    Load,
    Loop,
    Node,
    Ppu,
    Program,
    Range,
    RowOp,
    Store,
    Tensor,
)
from compiler.ir.printer import COMPARISONS, FUNCTIONS, PRECEDENCE
from compiler.ir.tokens import Token, number_value, string_value, syntax_error, tokenize
from compiler.program import BROADCAST_OPERANDS, GRADIENTS_BROADCAST, RowOperation, Stage
from workloads.errors import UserError

# Far above what a program needs, far below what Python's own recursion allows.
MAX_DEPTH = 60
RESERVED_WORDS = FUNCTIONS | {"and"}

_SUM, _PRODUCT = PRECEDENCE["+"], PRECEDENCE["*"]
_STATEMENTS = ("for", "load", "store", "job", "ppu", *RowOperation)


def parse_program(text: str, filename: str = "<text>") -> Program:
    """The one program of a text. UserError `file:line:column: expected X, found Y` where it is not one."""
    parser = _Parser(text, filename)
    program = parser.program()
    if parser.token.kind != "end":
        raise parser.error("the end of the text")
    return program


def parse_programs(text: str, filename: str = "<text>") -> tuple[Program, ...]:
    """The programs of a text that may hold several, in order. UserError as parse_program."""
    parser = _Parser(text, filename)
    programs = [parser.program()]
    while parser.token.kind != "end":
        programs.append(parser.program())
    return tuple(programs)


def parse_expression(text: str, filename: str = "<text>") -> Expression:
    """The expression a text holds. UserError as parse_program."""
    parser = _Parser(text, filename)
    expression = parser.expression()
    if parser.token.kind != "end":
        raise parser.error("the end of the text")
    return expression


class _Cursor:
    """A place in the tokens, and the steps every rule is made of."""

    def __init__(self, text: str, filename: str) -> None:
        self._filename = filename
        self._tokens = tokenize(text, filename)
        self._next = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def error(self, expected: str) -> UserError:
        return syntax_error(self._filename, self.token, expected)

    def advance(self) -> Token:
        token = self.token
        self._next += token.kind != "end"
        return token

    def at(self, text: str) -> bool:
        return self.token.kind in ("word", "mark") and self.token.text == text

    def accept(self, text: str) -> bool:
        if not self.at(text):
            return False
        self.advance()
        return True

    def expect(self, *texts: str) -> None:
        for text in texts:
            if not self.accept(text):
                raise self.error(repr(text))

    def choice(self, what: str, allowed: Iterable[str]) -> str:
        """One of the allowed words."""
        names = tuple(str(name) for name in allowed)
        if self.token.kind != "word" or self.token.text not in names:
            raise self.error(f"{what} ({', '.join(names)})")
        return self.advance().text

    def name(self, what: str) -> str:
        if self.token.kind != "word" or self.token.text in RESERVED_WORDS:
            raise self.error(what)
        return self.advance().text

    def number(self, what: str = "a number") -> int:
        negative = self.accept("-")
        if self.token.kind != "number":
            raise self.error(what)
        value = number_value(self.token, self._filename)
        self.advance()
        return -value if negative else value

    def string(self, what: str) -> str:
        if self.token.kind != "string":
            raise self.error(what)
        value = string_value(self.token, self._filename)
        self.advance()
        return value

    def sizes(self) -> tuple[int, ...]:
        """`[a, b, ...]` with at least one number."""
        self.expect("[")
        sizes = [self.number()]
        while self.accept(","):
            sizes.append(self.number())
        self.expect("]")
        return tuple(sizes)

    def pair(self) -> tuple[int, int]:
        self.expect("[")
        first = self.number()
        self.expect(",")
        second = self.number()
        self.expect("]")
        return first, second


class _ExpressionParser(_Cursor):
    """Operator precedence by climbing; the depth of every tree is bounded."""

    def __init__(self, text: str, filename: str) -> None:
        super().__init__(text, filename)
        self._depth = 0

    def expression(self) -> Expression:
        return self._infix(1)[0]

    def _infix(self, weakest: int) -> tuple[Expression, int]:
        """A tree of operators at least as strong as `weakest`, and its depth."""
        left, depth = self._primary()
        while (strength := self._operator_strength()) >= weakest:
            operator = self.advance().text
            right, right_depth = self._infix(strength + 1)
            left, depth = Binary(operator, left, right), self._depth_over(depth, right_depth)
            if operator in COMPARISONS and self.token.text in COMPARISONS:
                raise self.error("no second comparison without parentheses")
        return left, depth

    def _operator_strength(self) -> int:
        return PRECEDENCE.get(self.token.text, 0) if self.token.kind in ("word", "mark") else 0

    def _primary(self) -> tuple[Expression, int]:
        if self.token.kind == "number" or self.at("-"):
            return Const(self.number("a number after the sign '-'")), 0
        if self.at("("):
            return self._nested(1)
        if self.token.kind == "word" and self.token.text in FUNCTIONS:
            return self._nested(2)
        return Variable(self.name("a number, a variable, 'min', 'max' or '('")), 0

    def _nested(self, arguments: int) -> tuple[Expression, int]:
        """`( a )`, or `min(a, b)` and `max(a, b)`."""
        if self._depth >= MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} nested parentheses")
        self._depth += 1
        operator = self.advance().text if arguments == 2 else ""
        self.expect("(")
        tree, depth = self._infix(1)
        if arguments == 2:
            self.expect(",")
            right, right_depth = self._infix(1)
            tree, depth = Binary(operator, tree, right), self._depth_over(depth, right_depth)
        self.expect(")")
        self._depth -= 1
        return tree, depth

    def _depth_over(self, left: int, right: int) -> int:
        """Depth of a tree above two of these depths."""
        depth = 1 + max(left, right)
        if depth > MAX_DEPTH:
            raise self.error(f"the end of an expression that is {MAX_DEPTH} operators deep")
        return depth


class _Parser(_ExpressionParser):
    """The statements."""

    def program(self) -> Program:
        self.expect("program")
        layer = self.string("the layer's name in quotes")
        stage = Stage(self.choice("a stage", Stage))
        operation = RowOperation(self.choice("a row operation", RowOperation))
        self.expect("{")
        geometry = self._geometry()
        groups, pes, row_step = self._array()
        broadcast = self._broadcast()
        tensors = self._tensors()
        body = self._statements()
        return Program(layer, stage, operation, geometry, row_step, groups, pes, tensors, body, broadcast)

    def _geometry(self) -> ConvGeometry:
        self.expect("conv")
        return ConvGeometry(
            in_channels=self._field_number("in_channels"),
            out_channels=self._field_number("out_channels"),
            in_size=self._field_pair("in_size"),
            kernel=self._field_pair("kernel"),
            stride=self._field_pair("stride"),
            padding=self._field_pair("padding"),
            end_padding=self._end_padding(),
            dilation=self._field_pair("dilation"),
            groups=self._field_number("groups"),
        )

    def _end_padding(self) -> tuple[int, int] | None:
        return self._field_pair("end_padding") if self.at("end_padding") else None

    def _field_number(self, field: str) -> int:
        self.expect(field)
        return self.number()

    def _field_pair(self, field: str) -> tuple[int, int]:
        self.expect(field)
        return self.pair()

    def _array(self) -> tuple[int, int, int]:
        self.expect("array")
        return (
            self._field_number("groups_per_cluster"),
            self._field_number("pes_per_group"),
            self._field_number("row_step"),
        )

    def _broadcast(self) -> str:
        if not self.accept("broadcast"):
            return GRADIENTS_BROADCAST
        return self.choice("an operand", BROADCAST_OPERANDS)

    def _tensors(self) -> tuple[Tensor, ...]:
        tensors = []
        while self.accept("tensor"):
            name = self.name("the tensor's name")
            tensors.append(Tensor(name, self.choice("a tensor kind", TENSOR_KINDS), self.sizes()))
        return tuple(tensors)

    def _statements(self) -> tuple[Node, ...]:
        """Statements up to and including the closing brace; the opening one has been read."""
        if self._depth >= MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} nested bodies")
        self._depth += 1
        statements = []
        while not self.accept("}"):
            statements.append(self._statement())
        self._depth -= 1
        return tuple(statements)

    def _statement(self) -> Node:
        if self.token.kind != "word" or self.token.text not in _STATEMENTS:
            raise self.error(f"a statement ({', '.join(_STATEMENTS)}) or '}}'")
        keyword = self.advance().text
        if keyword == "for":
            return self._loop()
        if keyword == "job":
            return self._job()
        if keyword == "ppu":
            return self._ppu()
        if keyword in ("load", "store"):
            return self._transfer(Load if keyword == "load" else Store)
        return self._row_op(RowOperation(keyword))

    def _loop(self) -> Loop:
        kind = self.choice("a loop kind", LOOP_KINDS)
        variable = self.name("the loop variable's name")
        self.expect("=")
        start = self.expression()
        self.expect("..")
        stop = self.expression()
        step = self.expression() if self.accept("step") else Const(1)
        where = self.expression() if self.accept("where") else None
        self.expect("{")
        return Loop(kind, variable, start, stop, step, self._statements(), where)

    def _transfer(self, node: type[Load] | type[Store]) -> Load | Store:
        tensor = self.name("the tensor's name")
        self.expect("channels")
        channels = self._range()
        self.expect("rows")
        rows = self._range()
        return node(tensor, channels, rows, self.number() if self.accept("share") else 1)

    def _job(self) -> Job:
        self.expect("out")
        out_start, out_count = self._counted()
        block = self._optional_block()
        self.expect("read_sums")
        read_sums = self.expression()
        self.expect("final")
        final = self.expression()
        self.expect("{")
        return Job(out_start, out_count, block, read_sums, final, self._statements())

    def _row_op(self, operation: RowOperation) -> RowOp:
        self.expect("channel")
        channel = self.expression()
        self.expect("kernel_row")
        kernel_row = self.expression()
        return RowOp(operation, channel, kernel_row, self._optional_block())

    def _ppu(self) -> Ppu:
        actions = []
        while self.token.kind == "word" and self.token.text not in _STATEMENTS:
            actions.append(self.choice("a PPU action", PPU_ACTIONS))
        return Ppu(tuple(actions))

    def _optional_block(self) -> Block | None:
        if not self.accept("block"):
            return None
        self.expect("phase")
        phase = self.expression()
        self.expect("rows")
        first, rows = self._counted()
        self.expect("columns")
        column, width = self._counted()
        return Block(phase, first, rows, column, width)

    def _range(self) -> Range:
        self.expect("[")
        start = self.expression()
        self.expect(",")
        stop = self.expression()
        self.expect(")")
        return Range(start, stop)

    def _counted(self) -> tuple[Expression, Expression]:
        self.expect("[")
        start = self.expression()
        self.expect(",", "+")
        count = self.expression()
        self.expect(")")
        return start, count
