"""The one canonical form of a policy file.

The words of a file stay as they are, in their order; what changes is the white space between them, and
the commas behind last elements. So what is formatted means the same; it is read again to be sure. Blank
lines are kept only between items, one at a time; comments stay with the word that they stand behind,
or before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from policyengine.errors import PolicyError
from policyengine.language import layout, syntax
from policyengine.language.layout import SPACE, Comma, Comment, Doc, Group, Line, group
from policyengine.language.parser import parse
from policyengine.language.source import Source
from policyengine.language.syntax import Node
from policyengine.language.words import Remark, Word, words

HARD = Line(hard=True)
SOFT = Line()
BACK = Line(inner=False)

CLOSING = (")", "]", "}")
LITERALS = (syntax.SetLiteral, syntax.ListLiteral, syntax.RecordLiteral)
BLOCKS = (syntax.Environment, syntax.EvidenceKind)
CALLS = (syntax.Call, syntax.Define, syntax.Quantifier)
MEMBERS = (syntax.Setting, syntax.Downgrade, syntax.EvidenceField)
LINES = (
    syntax.When, syntax.ForEach, syntax.Require, syntax.Forbid, syntax.Unless, syntax.Message, syntax.Help, syntax.Note,
    syntax.InEnvironment, syntax.At, syntax.With, syntax.Given, syntax.GivenNo, syntax.GivenUnreachable,
    syntax.GivenFile, syntax.GivenLayout, syntax.Expect,
)  # fmt: skip
"""The clauses, notes and steps: each has a line of its own, though notes share one where they fit."""

BREAKS = {
    (syntax.Operation, "and"): SOFT,
    (syntax.Operation, "or"): SOFT,
    (syntax.Quantifier, "satisfies"): SOFT,
    (syntax.Conditional, "then"): SOFT,
    (syntax.Conditional, "else"): SOFT,
    (syntax.Conditional, "end"): BACK,
    (syntax.AppliesTo, "except"): HARD,
}
"""The words before which a line may, or must, end."""


def format(source: Source) -> str:
    """The canonical text of a source; formatting it again changes nothing.

    Raises `PolicyError` for a text with a syntax error.
    """
    file, problems = parse(source)
    if file is None or problems:
        raise PolicyError(f"`{source.path}` cannot be formatted: it has mistakes of syntax", diagnostics=problems)
    read = words(source)
    text = "".join(f"{line}\n" for line in _lines(file, read))
    if _essence(words(Source(source.path, text))) != _essence(read):
        raise PolicyError(f"`{source.path}` cannot be formatted: its meaning would change", "please report this")
    return text


def _essence(read: Sequence[Word]) -> list[str]:
    return [word.text for word in read if word.text != ","]


def _lines(file: syntax.File, read: Sequence[Word]) -> list[str]:
    """The lines of a file: its blocks, with an empty line between any two that are not of one sort."""
    blocks = _blocks(file, read)
    result = list(blocks[0].lines)
    for before, block in pairwise(blocks):
        if block.apart or not (before.sort and before.sort == block.sort):
            result.append("")
        result += block.lines
    return result


# ---------------------------------------------------------------------------- blocks


class Block(Struct, frozen=True):
    """The header, an item, or the comments at the end, with the comments before and behind.

    `apart` if a blank line stood before it. `sort` is the first word of a block of one line, else empty:
    only such blocks may follow each other without an empty line.
    """

    lines: tuple[str, ...]
    apart: bool
    sort: str


def _blocks(file: syntax.File, read: Sequence[Word]) -> list[Block]:
    starts = [0, *(bisect_left(read, _start(item), key=_place) for item in file.items), len(read) - 1]
    shaper = Shaper(read)
    docs = [shaper.header(starts[1]), *map(shaper.shape, file.items), group(())]
    taken = [0, *(_taken(read[start]) for start in starts[1:]), 0]
    blocks = []
    for place, (start, doc) in enumerate(zip(starts, docs, strict=True)):
        before = read[start].before[taken[place] :]
        behind = read[starts[place + 1]].before[: taken[place + 1]] if place + 1 < len(starts) else ()
        blocks.append(_block(read[start], before, layout.lines(doc), behind))
    return [block for block in blocks if block.lines]


def _taken(word: Word) -> int:
    """How many of the comments before the word are the end of the block before: indented, with no blank line."""
    return next((n for n, remark in enumerate(word.before) if remark.apart or not remark.inner), len(word.before))


def _block(word: Word, before: Sequence[Remark], body: Sequence[str], behind: Sequence[Remark]) -> Block:
    lines: list[str] = []
    for remark in before:
        lines += ["", remark.text] if lines and remark.apart else [remark.text]
    if before and body and word.apart:
        lines.append("")
    lines += [*body, *(" " * layout.STEP + remark.text for remark in behind)]
    return Block(
        tuple(lines), before[0].apart if before else word.apart, word.text if len(lines) == len(body) == 1 else ""
    )


def _place(word: Word) -> tuple[int, int]:
    return word.place


def _start(node: Node) -> tuple[int, int]:
    return node.span.line, node.span.column


def _end(node: Node) -> tuple[int, int]:
    return node.span.end_line, node.span.end_column


# ---------------------------------------------------------------------------- items and expressions


class Shaper:
    """Makes documents of nodes, word by word: `_next` is the place of the first word that is not used yet.

    Comments before a word stand in the outermost group that does not begin with it; those before a block are not here.
    """

    def __init__(self, read: Sequence[Word]) -> None:
        self._read = read
        self._next = 0

    def header(self, end: int) -> Group:
        """The words before the place `end`, in a row."""
        parts: list[Doc] = []
        while self._next < end:
            parts += [SPACE, *self._remarks(), *self._word()] if parts else self._word()
        return group(parts)

    def shape(self, node: Node) -> Group:
        """The node's words and children in order, with what parts them."""
        parts: list[Doc] = []
        before: str | Node = ""
        for piece in self._pieces(node):
            if piece == ",":
                parts += [*self._comma(node), *self._remarks(), *self._behind()]
            elif piece in ("}", "]") and isinstance(node, LITERALS + BLOCKS):
                parts += [*self._closing(node, before), *self._word()]
            else:
                parts += [*_glue(node, before, piece), *self._remarks()] if parts else []
                parts += [self.shape(piece)] if isinstance(piece, Node) else self._word()
            before = piece
        return _notes_together(parts) if isinstance(node, syntax.Waive) else group(parts)

    def _pieces(self, node: Node) -> Iterator[str | Node]:
        """The texts of the node's own words, and its children, in order; who asks uses up each before the next."""
        for child in _children(node):
            while self._read[self._next].place < _start(child):
                yield self._read[self._next].text
            if self._read[self._next].place < _end(child):
                yield child
        while self._read[self._next].place < _end(node):
            yield self._read[self._next].text

    def _comma(self, node: Node) -> list[Doc]:
        """The next word, a comma: none is left in a block, nor behind a last argument."""
        last = self._read[self._next + 1].text in CLOSING
        return [] if isinstance(node, BLOCKS) or (last and not isinstance(node, LITERALS)) else [Comma(last)]

    def _closing(self, node: Node, before: str | Node) -> list[Doc]:
        """What stands before the bracket that is the next word; comments there stand where the elements do."""
        remarks = self._remarks()
        if before in ("{", "[") and not remarks:
            return [SPACE]
        comma: list[Doc] = [] if before in (",", "{", "[") or isinstance(node, BLOCKS) else [Comma(last=True)]
        return [*comma, *([SOFT, *remarks] if remarks else []), BACK]

    def _remarks(self) -> list[Doc]:
        """The comments on the lines before the next word."""
        return [Comment(remark.text, own=True) for remark in self._read[self._next].before]

    def _word(self) -> list[Doc]:
        """The next word, and the comment behind it."""
        return [self._read[self._next].text, *self._behind()]

    def _behind(self) -> list[Doc]:
        """The comment behind the next word, which is used up."""
        word = self._read[self._next]
        self._next += 1
        return [Comment(word.behind, own=False)] if word.behind else []


def _glue(node: Node, before: str | Node, piece: str | Node) -> list[Doc]:
    """What parts two neighbouring pieces of the node."""
    if isinstance(node, LITERALS) and before in ("{", "[", ","):
        return [SOFT]
    if isinstance(node, BLOCKS) and isinstance(piece, MEMBERS):
        return [SOFT if before == "{" else Line("  ")]
    if isinstance(piece, LINES):
        return [BACK if isinstance(before, syntax.Note) else HARD]
    if isinstance(piece, str) and (line := BREAKS.get((type(node), piece))):
        return [line]
    return [] if _close(node, before, piece) else [SPACE]


def _notes_together(parts: Sequence[Doc]) -> Group:
    """A waiver: its notes share a line where they fit."""
    place = parts.index(HARD) + 1 if HARD in parts else len(parts)
    return group([*parts[:place], group(parts[place:])])


def _close(node: Node, before: str | Node, word: str | Node) -> bool:
    """Whether a piece stands directly behind the one before it."""
    if before in ("(", "["):
        return True
    if isinstance(word, Node):
        return False
    if word in (")", "]", ",", ":") or word.startswith("."):
        return True
    if word == "[":
        return isinstance(node, syntax.Lookup)
    return word == "(" and isinstance(node, CALLS) and (isinstance(before, Node) or before == "count")


def _children(node: Node) -> list[Node]:
    """The nodes directly below, in the order of the text."""
    found: list[Node] = []
    for field in node.__struct_fields__:
        value = getattr(node, field)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found += value
    return sorted(found, key=_start)
