"""The checked tree: what the checker makes of the syntax, and all that compiler and interpreter see.

Every name is resolved, every expression has its type, every literal is the value that its place
asked for. Three kinds of names remain: parameters and bindings (bound once, before evidence is
seen) and locals (elements and arguments).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import Struct

from policyengine.language.syntax import Span
from policyengine.language.types import Type


class Expr(Struct, frozen=True):
    """What every checked expression has."""

    type: Type
    span: Span


class Constant(Expr, frozen=True):
    """A value in portable form, which `runtime.constant(type, value)` turns into the real one.

    bool, int, text, enum members other than severities, ids, package URLs, ranges, licences, globs and
    digests: themselves as Python values; decimal: its text; severity: 0 to 4, or `None` for UNKNOWN;
    time: RFC 3339 text in UTC; date: ISO text; duration: whole seconds; identity: `("x509", text)`,
    `("keyless", issuer, subject)` or `("key", fingerprint)`; sets and lists: a tuple of members.
    """

    value: Any


class Parameter(Expr, frozen=True):
    """A parameter, by its qualified name (`production.max_medium`)."""

    name: str


class Binding(Expr, frozen=True):
    """A `let` that depends on parameters, by its qualified name."""

    name: str


class Local(Expr, frozen=True):
    """An element of a quantifier or rule, or an argument of a function."""

    name: str


class TheImage(Expr, frozen=True):
    """`image`."""


class Collected(Expr, frozen=True):
    """A collection of evidence: `findings`, `scans`, a declared kind's."""

    name: str


class Field(Expr, frozen=True):
    """`base.name`. `optional` says that it may be missing although the base is there."""

    base: Expr
    name: str
    optional: bool


class Keyed(Expr, frozen=True):
    """`base.name["key"]`: a label, annotation or signed metadata entry. It may always be missing."""

    base: Expr
    name: str
    key: str


class And(Expr, frozen=True):
    parts: tuple[Expr, ...]


class Or(Expr, frozen=True):
    parts: tuple[Expr, ...]


class Not(Expr, frozen=True):
    part: Expr


class Compare(Expr, frozen=True):
    """`<`, `<=`, `>` or `>=` between values of one ordered type."""

    operator: str
    left: Expr
    right: Expr


class Equal(Expr, frozen=True):
    """`is`, for values of one type. (`is not` is `Not` of it.)"""

    left: Expr
    right: Expr


class In(Expr, frozen=True):
    """`item in members`. (`not in` is `Not` of it.)"""

    item: Expr
    members: Expr


class Matches(Expr, frozen=True):
    """`subject matches [any of] patterns`: globs on a text or purl, ranges on a package.

    `patterns` has the type glob or range, or a set or list of them.
    """

    subject: Expr
    patterns: Expr


class Permitted(Expr, frozen=True):
    license: Expr
    allowed: Expr


class Requires(Expr, frozen=True):
    license: Expr
    forbidden: Expr


class Within(Expr, frozen=True):
    moment: Expr
    duration: Expr


class Missing(Expr, frozen=True):
    """`is missing`, never unknown itself. (`is present` is `Not` of it.)"""

    operand: Expr


class Signed(Expr, frozen=True):
    """`is signed [by identities]`; `identities` has the type identity, or a set or list of it."""

    document: Expr
    identities: Expr | None


class Covers(Expr, frozen=True):
    vex: Expr
    finding: Expr


class StatusFor(Expr, frozen=True):
    """`vex.status` where a finding is at hand: unknown if current statements that cover it disagree.

    `finding` is `None` where none is in scope: then it is unknown if any two statements may disagree.
    """

    vex: Expr
    finding: Expr | None


class Quantified(Expr, frozen=True):
    """`some no every at least at most count` over a collection, a set or a list.

    `where` and `body` see the local `element`; `body` is there for `every` only, `limit` for the
    two with a number. `count` is an int, the rest are bool.
    """

    kind: str
    element: str
    collection: Expr
    where: Expr | None
    limit: Expr | None
    body: Expr | None


class Arithmetic(Expr, frozen=True):
    """`+` or `-` on int, decimal, duration and time; `+`, `-`, `&` on sets; `+` on lists and collections."""

    operator: str
    left: Expr
    right: Expr


class Otherwise(Expr, frozen=True):
    value: Expr
    alternative: Expr


class Choice(Expr, frozen=True):
    """`if … then … else … end`."""

    condition: Expr
    then: Expr
    otherwise: Expr


class Apply(Expr, frozen=True):
    """A call of an author's function, by its qualified name."""

    function: str
    arguments: tuple[Expr, ...]


class Members(Expr, frozen=True):
    """A set or list literal with members that are not all constants."""

    items: tuple[Expr, ...]


class BoundValue(Struct, frozen=True):
    """A `let` that depends on parameters: qualified name and value."""

    name: str
    value: Expr


class Function(Struct, frozen=True):
    """A `define`, by its qualified name; `arguments` are the names of its locals."""

    name: str
    arguments: tuple[str, ...]
    argument_types: tuple[Type, ...]
    body: Expr


class ParameterDeclaration(Struct, frozen=True):
    """A `param`. `default` is a constant in portable form; `required` says that there is none."""

    name: str
    type: Type
    required: bool
    default: Any
    description: str
    span: Span


class Environment(Struct, frozen=True):
    """An `environment`: portable values by qualified parameter, and the rules that it downgrades."""

    name: str
    settings: dict[str, Any]
    downgraded: frozenset[str]


class Each(Struct, frozen=True):
    """`for each element in collection [where …]`."""

    element: str
    collection: Expr
    where: Expr | None


class Forbidden(Struct, frozen=True):
    """`forbid [more than limit] element [in collection] [where …]`."""

    element: str
    collection: Expr
    where: Expr | None
    limit: Expr | None


class Template(Struct, frozen=True):
    """A message or help: texts and expressions, in order. The expression `None` stands for `{count}`."""

    parts: tuple[str | Expr | None, ...]


class Rule(Struct, frozen=True):
    """A rule; exactly one of `require` and `forbid` is there. `element` is its element's record, or empty.

    `identifier` is `POLICY.RULE`. The rule's element (for waivers and reports) is `forbid.element`,
    else that of `each`; under `forbid more than` the waived element is `forbid`'s.
    """

    identifier: str
    name: str
    effect: str
    title: str
    span: Span
    when: Expr | None
    each: Each | None
    require: Expr | None
    forbid: Forbidden | None
    unless: Expr | None
    message: Template | None
    help: Template | None
    element: str = ""


class Waiver(Struct, frozen=True):
    """A waiver. `element` is the local's name that `where` sees, or `image`; `expires` is its last day (UTC)."""

    rule: str
    element: str
    where: Expr
    owner: str
    reason: str
    ticket: str | None
    expires: date
    span: Span


class CustomField(Struct, frozen=True):
    """A field of a declared kind of document: the dotted path is into its JSON."""

    name: str
    type: Type
    optional: bool
    path: str


class CustomKind(Struct, frozen=True):
    """`evidence NAME from "artifact/type"`."""

    name: str
    artifact_type: str
    fields: tuple[CustomField, ...]


class Policy(Struct, frozen=True):
    """One policy, checked. `assumed` is how an unknown severity counts, 0 to 4, or `None`.

    `bindings` are in the order in which they can be evaluated; `functions` and `bindings` hold those
    of the libraries too, as far as this policy uses them. `demand` maps each record to the fields
    that anything in the policy reads (documents' collections are named there too).
    """

    name: str
    description: str
    span: Span
    parameters: tuple[ParameterDeclaration, ...]
    environments: tuple[Environment, ...]
    applies: Expr | None
    exception: Expr | None
    accepts: frozenset[str]
    assumed: int | None
    kinds: tuple[CustomKind, ...]
    bindings: tuple[BoundValue, ...]
    functions: tuple[Function, ...]
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...]
    demand: dict[str, frozenset[str]]


# ---------------------------------------------------------------------------- tests


class GivenRecord(Struct, frozen=True):
    """A record of a test: `values` maps field names to portable constants, nested `GivenRecord`s or tuples of them."""

    kind: str
    values: dict[str, Any]
    span: Span


class Step(Struct, frozen=True):
    """A step that sets the stage: `kind` is `record`, `no`, `unreachable`, `file` or `layout`.

    `subject` is the document kind (or `signature`, with `record`); `path` belongs to `file` and `layout`.
    """

    kind: str
    subject: str
    record: GivenRecord | None
    path: str
    span: Span


class Expectation(Struct, frozen=True):
    """`kind` as in `syntax.Expect`; `rule` is a rule's name, or empty."""

    kind: str
    rule: str
    containing: str | None
    times: int | None
    span: Span


class Test(Struct, frozen=True):
    """One test of the policy called `policy`. `at` is RFC 3339 text in UTC, or `None` for the default."""

    policy: str
    name: str
    environment: str | None
    at: str | None
    parameters: dict[str, Any]
    steps: tuple[Step, ...]
    expectations: tuple[Expectation, ...]
    span: Span


class Program(Struct, frozen=True):
    """Everything that was compiled from a set of files."""

    policies: tuple[Policy, ...]
    tests: tuple[Test, ...]
