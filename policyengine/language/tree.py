"""What can be seen of a checked expression without running it: the locals it needs, whether it can be missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts

PATHS = (checked.Field, checked.Keyed)
NAMES = (checked.Constant, checked.Parameter, checked.Binding, checked.Local, checked.TheImage, checked.Collected)


def free(root: Any) -> frozenset[str]:
    """The locals that `root` (an expression, several, or `None`) takes from around it."""
    if isinstance(root, checked.Local):
        return frozenset((root.name,))
    if isinstance(root, checked.Quantified):
        inner = free((root.where, root.body)) - {root.element}
        return inner | free((root.collection, root.limit))
    if isinstance(root, tuple):
        return frozenset().union(*(free(part) for part in root))
    if not isinstance(root, Expr) or isinstance(root, checked.Constant):
        return frozenset()
    return free(tuple(getattr(root, name) for name in root.__struct_fields__[2:]))


def shape(root: Any) -> Any:
    """What makes two expressions the same wherever they stand: all of `root` but its places in the source."""
    if isinstance(root, Expr):
        own = (shape(getattr(root, name)) for name in root.__struct_fields__[2:])
        return type(root).__name__, str(root.type), *own
    if isinstance(root, tuple):
        return tuple(map(shape, root))
    return (type(root).__name__, root)


def pathlike(expr: Expr | None) -> bool:
    """Whether `expr` is a path of fields: what is not known of it is missing, and nothing else."""
    if isinstance(expr, PATHS):
        return pathlike(expr.base)
    if isinstance(expr, checked.StatusFor):
        return pathlike(expr.vex)
    if isinstance(expr, checked.Otherwise):
        return pathlike(expr.value) and pathlike(expr.alternative)
    return isinstance(expr, NAMES)


def asked(functions: Sequence[checked.Function]) -> dict[str, frozenset[int]]:
    """For each function the arguments of which it asks whether they are missing.

    Where such an argument is not known for another reason (a scan that could not be read), it must not
    count as missing: the whole call is not known then. `functions` come with those they call first.
    """
    known: dict[str, frozenset[int]] = {}
    for function in functions:
        found: set[str] = set()
        for part in parts(function.body):
            if isinstance(part, checked.Missing):
                found.update(_roots(part.operand))
            elif isinstance(part, checked.Otherwise):
                found.update(_roots(part.value))
            elif isinstance(part, checked.Apply):
                for index in known.get(part.function, ()):
                    found.update(_roots(part.arguments[index]))
        known[function.name] = frozenset(i for i, name in enumerate(function.arguments) if name in found)
    return known


def _roots(expr: Expr) -> Iterator[str]:
    """The locals that a path of fields, or one of a chain of `otherwise`, begins with."""
    match expr:
        case checked.Field(base=base) | checked.Keyed(base=base) | checked.StatusFor(vex=base):
            yield from _roots(base)
        case checked.Otherwise(value=value, alternative=alternative):
            yield from _roots(value)
            yield from _roots(alternative)
        case checked.Local(name=name):
            yield name


def text(expr: Expr) -> str:
    """`expr` as messages name it: a path as written, `finding.package.purl`."""
    match expr:
        case checked.Field(base=base, name=name):
            return f"{text(base)}.{name}"
        case checked.Keyed(base=base, name=name, key=key):
            return f'{text(base)}.{name}["{key}"]'
        case checked.StatusFor(vex=vex):
            return f"{text(vex)}.status"
        case checked.Local(name=name) | checked.Collected(name=name):
            return name
        case checked.Parameter(name=name) | checked.Binding(name=name):
            return name.rpartition(".")[2]
        case checked.TheImage():
            return "image"
        case checked.Otherwise(value=value):
            return text(value)
        case checked.Apply(function=function):
            return f"{function.rpartition('.')[2]}(…)"
        case checked.Quantified(kind="count"):
            return "count"
    return "the value"


def last_name(expr: Expr) -> str:
    """The name that stands for `expr` in a message where its value is missing: `fix` for `finding.fix`."""
    if isinstance(expr, checked.Keyed):
        return expr.key
    return text(expr).rpartition(".")[2]
