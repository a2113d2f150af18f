"""The syntax tree of a policy file, exactly as written: nothing is resolved or typed here.

Every node knows its `span`. Names keep the author's spelling; numbers, durations and escapes in
texts are decoded; dates, times, ids, globs and licences are still texts, because what a text
means depends on the type that its place asks for (language reference, section 5).
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Span(Struct, frozen=True):
    """A stretch of a source file. Lines and columns count from 1, columns in characters; the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Node(Struct, frozen=True):
    """What every part of the tree has."""

    span: Span


class Name(Node, frozen=True):
    text: str


class Text(Node, frozen=True):
    """A `"…"` literal, escapes decoded."""

    value: str


# ---------------------------------------------------------------------------- expressions


class Integer(Node, frozen=True):
    value: int


class Fraction(Node, frozen=True):
    """A literal with a decimal point, exact."""

    value: Decimal


class Boolean(Node, frozen=True):
    value: bool


class Moment(Node, frozen=True):
    """A date (`2026-03-01`) or a time (`2026-03-01T12:00:00Z`), as written."""

    text: str


class Period(Node, frozen=True):
    """An integer with a word behind it: `14 days`. The checker knows which words are units."""

    amount: int
    unit: Name


class Variable(Node, frozen=True):
    """A bare name: a constant, a parameter, an element, a collection, a record or an enum member."""

    name: str


class Member(Node, frozen=True):
    """`base.name`: a field, or a member of an imported library."""

    base: Expression
    name: Name


class Lookup(Node, frozen=True):
    """`base["key"]`."""

    base: Expression
    key: Text


class Argument(Node, frozen=True):
    """An argument of a call; `name` is given only in `keyless(issuer: "…")`."""

    name: Name | None
    value: Expression


class Call(Node, frozen=True):
    """`name(arguments)`: a function of the author's, possibly of a library, or `x509`, `keyless`, `key`."""

    function: Variable | Member
    arguments: tuple[Argument, ...]


class SetLiteral(Node, frozen=True):
    items: tuple[Expression, ...]


class ListLiteral(Node, frozen=True):
    items: tuple[Expression, ...]


class RecordField(Node, frozen=True):
    """`name: value`; the name is a text where the author wrote quotes, as keys of labels may need."""

    name: Name | Text
    value: Expression


class RecordLiteral(Node, frozen=True):
    """`{ id: "…", severity: HIGH }`: only in the steps of a test."""

    fields: tuple[RecordField, ...]


class Operation(Node, frozen=True):
    """An operator with its operands.

    `operator` is one of: `or` `and` `not` `+` `-` `&` `otherwise` `<` `<=` `>` `>=` `is` `is not` `in`
    `not in` `matches` `matches any of` `permitted by` `requires any of` `within` `is present`
    `is missing` `is signed` `is not signed` `is signed by` `is not signed by` `covers`.
    `and` and `or` have all parts of one chain; `parenthesised` tells whether the author wrote
    parentheses around the whole operation.
    """

    operator: str
    operands: tuple[Expression, ...]
    parenthesised: bool = False


class Quantifier(Node, frozen=True):
    """`some|no|every|at least N|at most N X [in C] [where E]`, and `count(X [in C] [where E])`.

    `kind` is `some`, `no`, `every`, `at least`, `at most` or `count`; `limit` belongs to the two in
    the middle; `body` is the `satisfies` of `every`.
    """

    kind: str
    element: Name
    collection: Expression | None
    where: Expression | None
    limit: Expression | None = None
    body: Expression | None = None
    parenthesised: bool = False


class Conditional(Node, frozen=True):
    """`if E then E else E end`."""

    condition: Expression
    then: Expression
    otherwise: Expression


Expression = (
    Integer | Fraction | Boolean | Moment | Period | Text | Variable | Member | Lookup | Call | SetLiteral
    | ListLiteral | RecordLiteral | Operation | Quantifier | Conditional
)  # fmt: skip


class TypeName(Node, frozen=True):
    """`T`, `set of T` or `list of T`: `container` is `set`, `list` or empty."""

    name: str
    container: str = ""


# ---------------------------------------------------------------------------- clauses of rules and waivers


class When(Node, frozen=True):
    condition: Expression


class ForEach(Node, frozen=True):
    element: Name
    collection: Expression
    where: Expression | None


class Require(Node, frozen=True):
    condition: Expression


class Forbid(Node, frozen=True):
    """`forbid [more than N] X [in C] [where E]`."""

    element: Name
    collection: Expression | None
    where: Expression | None
    limit: Expression | None


class Unless(Node, frozen=True):
    condition: Expression


class Message(Node, frozen=True):
    text: Text


class Help(Node, frozen=True):
    text: Text


Clause = When | ForEach | Require | Forbid | Unless | Message | Help


class Note(Node, frozen=True):
    """`owner`, `reason`, `ticket` or `expires` of a waiver; the last has a `Moment`."""

    name: Name
    value: Text | Moment


# ---------------------------------------------------------------------------- steps of tests


class InEnvironment(Node, frozen=True):
    name: Name


class At(Node, frozen=True):
    moment: Moment


class With(Node, frozen=True):
    name: Name
    value: Expression


class Given(Node, frozen=True):
    """`given KIND { … }`, `given signature on image { … }` (then `on` is `image`)."""

    kind: Name
    record: RecordLiteral
    on: Name | None = None


class GivenNo(Node, frozen=True):
    kind: Name


class GivenUnreachable(Node, frozen=True):
    kind: Name


class GivenFile(Node, frozen=True):
    path: Text
    kind: Name


class GivenLayout(Node, frozen=True):
    path: Text


class Expect(Node, frozen=True):
    """One expectation.

    `kind` is `allow`, `deny`, `error` (the decision), `deny by`, `warn by`, `undetermined by`,
    `no violation of` or `waived`; `rule` belongs to the last five.
    """

    kind: str
    rule: Name | None = None
    containing: Text | None = None
    times: Integer | None = None


Step = InEnvironment | At | With | Given | GivenNo | GivenUnreachable | GivenFile | GivenLayout | Expect


# ---------------------------------------------------------------------------- items


class Import(Node, frozen=True):
    """`import std.licenses as allowed`: `module` is the dotted text."""

    module: Name
    alias: Name | None


class Param(Node, frozen=True):
    name: Name
    type: TypeName
    default: Expression | None
    description: Text | None


class Setting(Node, frozen=True):
    name: Name
    value: Expression


class Downgrade(Node, frozen=True):
    """`downgrade RULE to warn`; `all` is a rule of that name here."""

    rule: Name
    effect: Name


class Environment(Node, frozen=True):
    name: Name
    entries: tuple[Setting | Downgrade, ...]


class AppliesTo(Node, frozen=True):
    """`applies to image where E [except where E]`; `record` is the word after `to`."""

    record: Name
    where: Expression
    exception: Expression | None


class AcceptUnsigned(Node, frozen=True):
    kind: Name


class AssumeSeverity(Node, frozen=True):
    """`assume severity UNKNOWN is S`: `word` is what stands where `UNKNOWN` belongs."""

    word: Name
    severity: Name


class EvidenceField(Node, frozen=True):
    name: Name
    type: TypeName
    optional: bool
    path: Text | None


class EvidenceKind(Node, frozen=True):
    name: Name
    artifact_type: Text
    fields: tuple[EvidenceField, ...]


class Let(Node, frozen=True):
    name: Name
    type: TypeName | None
    value: Expression


class ArgumentDeclaration(Node, frozen=True):
    name: Name
    type: TypeName


class Define(Node, frozen=True):
    name: Name
    arguments: tuple[ArgumentDeclaration, ...]
    type: TypeName
    body: Expression


class Rule(Node, frozen=True):
    name: Name
    effect: Name
    title: Text
    clauses: tuple[Clause, ...]


class Waive(Node, frozen=True):
    rule: Name
    element: Name
    where: Expression
    notes: tuple[Note, ...]


class Test(Node, frozen=True):
    name: Text
    steps: tuple[Step, ...]


class Broken(Node, frozen=True):
    """An item with a syntax error: `keyword` and `name` are what could be seen of it, so that what
    follows from the error is not reported as another one."""

    keyword: str
    name: Name | None


Item = (
    Import | Param | Environment | AppliesTo | AcceptUnsigned | AssumeSeverity | EvidenceKind | Let | Define | Rule
    | Waive | Test | Broken
)  # fmt: skip


class File(Node, frozen=True):
    """One source file. `kind` is `policy`, `library`, `tests` or `waivers`."""

    kind: str
    name: Name
    description: Text | None
    items: tuple[Item, ...]
