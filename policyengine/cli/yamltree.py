"""YAML and JSON texts as trees that know their lines: read strictly, because a reader that guesses can be made to miss.

What two readers may understand differently is refused: a repeated key, an explicit tag, a key that is not a text. An
alias stands for the very node that its anchor names, so a text with many of them grows no further than its own size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.strictjson import JsonError, loads

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
MERGE = "<<"


class Node(Struct, eq=False):
    """A scalar (`text`, `None` for null), a list (`items`) or a map (`fields`); `line` is 0 where none is known."""

    line: int
    text: str | None = None
    items: list[Node] | None = None
    fields: dict[str, Node] | None = None

    def get(self, *path: str) -> Node | None:
        """The node below the keys of `path`, if there is one."""
        found: Node | None = self
        for key in path:
            found = (found.fields or {}).get(key) if found is not None else None
        return found

    @property
    def empty(self) -> bool:
        """Whether this is a null."""
        return self.text is None and self.items is None and self.fields is None


def documents(data: bytes, name: str) -> list[Node]:
    """The documents of a YAML stream, or the one of a JSON text, nulls left out; `name` stands in messages.

    Raises `UsageError` with the place for what cannot be read in exactly one way.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: byte {error.start + 1} is not UTF-8") from None
    if text.lstrip()[:1] in ("{", "["):
        if sum(map(text.count, ",{[")) > limits.YAML_NODES:
            raise UsageError(f"{name}: there are more than {limits.YAML_NODES} values")
        try:
            return [_from_json(loads(data, max_depth=limits.YAML_DEPTH))]
        except JsonError:
            pass  # YAML has braces too
    return [node for node in _from_yaml(text, name) if not node.empty]


def _from_json(value: object) -> Node:
    match value:
        case dict():
            return Node(0, fields={key: _from_json(each) for key, each in value.items()})
        case list():
            return Node(0, items=[_from_json(each) for each in value])
        case None:
            return Node(0)
        case bool():
            return Node(0, "true" if value else "false")
        case _:
            return Node(0, str(value))


def _from_yaml(text: str, name: str) -> Iterator[Node]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    composer = _Composer(name)
    try:
        for event in yaml.parse(text, Loader=loader):
            yield from composer.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        reason = getattr(error, "problem", None) or "it holds a character that YAML has not"
        raise UsageError(f"{place}: this is not YAML: {reason}", _advice(text)) from None


def _advice(text: str) -> str:
    """What to do about a text that is no YAML, where it is plain what it is."""
    return "this looks like a template; name what `helm template` makes of it" if "{{" in text else ""


class _Composer:
    """Nodes from the parser's events, which are looked at one by one: a text too deep or too long ends early."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[tuple[Node, list[Node], str | None]] = []
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def take(self, event: Any) -> Iterable[Node]:
        """The document that ends with this event, if one does."""
        match type(event).__name__:
            case "DocumentStartEvent":
                self._anchors = {}
            case "ScalarEvent":
                return self._put(self._scalar(event))
            case "AliasEvent":
                return self._put(self._alias(event))
            case "SequenceStartEvent" | "MappingStartEvent" as kind:
                self._enter(event, kind == "MappingStartEvent")
            case "SequenceEndEvent" | "MappingEndEvent":
                return self._put(self._leave())
        return ()

    def _put(self, node: Node) -> Iterable[Node]:
        if not self._open:
            return (node,)
        self._open[-1][1].append(node)
        return ()

    def _started(self, event: Any) -> int:
        """The line of a node that begins here, which is counted and has no tag."""
        line = int(event.start_mark.line) + 1
        self._count(1, line)
        if event.tag is not None:
            advice = "name what `docker compose config` prints" if event.tag in ("!reset", "!override") else ""
            raise self._refusal(line, f"the tag {quoted(event.tag)} says how to read a value; it is not obeyed", advice)
        return line

    def _count(self, more: int, line: int) -> None:
        self._nodes += more
        if self._nodes > limits.YAML_NODES:
            raise self._refusal(line, f"there are more than {limits.YAML_NODES} values")

    def _scalar(self, event: Any) -> Node:
        line = self._started(event)
        null = event.implicit[0] and event.value in NULLS  # only a plain scalar may be one
        return self._named(event.anchor, Node(line, None if null else event.value))

    def _named(self, anchor: str | None, node: Node) -> Node:
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        line = int(event.start_mark.line) + 1
        self._count(1, line)
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refusal(line, f"the alias {quoted('*' + event.anchor)} stands for nothing before it")
        return node

    def _enter(self, event: Any, is_map: bool) -> None:
        line = self._started(event)
        if len(self._open) >= limits.YAML_DEPTH:
            raise self._refusal(line, f"values are nested more than {limits.YAML_DEPTH} deep")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = Node(line, fields={}) if is_map else Node(line, items=[])
        self._open.append((node, [], event.anchor))

    def _leave(self) -> Node:
        node, children, anchor = self._open.pop()
        if node.fields is None:
            node.items = children
        else:
            node.fields = self._fields(children)
        return self._named(anchor, node)

    def _fields(self, children: list[Node]) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if key.items is not None or key.fields is not None:
                advice = "a template in braces? name what `helm template` makes of it" if key.fields is not None else ""
                raise self._refusal(key.line, "a key is not a text", advice)
            name = key.text or ""
            if name in fields:
                raise self._refusal(key.line, f"the key {quoted(name)} stands here a second time")
            fields[name] = value
        return self._merged(fields) if MERGE in fields else fields

    def _merged(self, fields: dict[str, Node]) -> dict[str, Node]:
        """The fields with those that `<<` brings in, which give way to those that are written behind it.

        Of a key before it, some readers (kubectl's among them) take what is merged, and others what is written.
        """
        before = list(fields)[: list(fields).index(MERGE)]
        source = fields.pop(MERGE)
        sources = [source] if source.items is None else source.items
        merged: dict[str, Node] = {}
        for each in sources:
            if each.fields is None:
                raise self._refusal(source.line, "`<<` merges something that is not a map")
            self._count(len(each.fields), source.line)
            merged = {**each.fields, **merged}
        for name in filter(merged.__contains__, before):
            what = f"`<<` brings in the key {quoted(name)}, which stands here before it"
            raise self._refusal(fields[name].line, what, "write `<<` as the first key")
        return {**merged, **fields}

    def _refusal(self, line: int, what: str, help: str = "") -> UsageError:
        return UsageError(f"{self._name}:{line}: {what}", help)
