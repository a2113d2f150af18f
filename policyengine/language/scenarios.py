"""Checking `test` items: their steps set a stage, their expectations name rules (language reference, section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policyengine.evidence.problems import closest, quoted
from policyengine.language import checked, literals, syntax
from policyengine.language.declarations import document_kinds
from policyengine.language.diagnostics import Problems
from policyengine.language.expressions import Expressions
from policyengine.language.schema import Field
from policyengine.language.scope import Module, ParamEntry, Scope
from policyengine.language.types import BOOL, LICENSE, TIME, UNKNOWN, Type

GIVEN_ONLY: Mapping[str, Field] = {"unsigned": Field(BOOL)}
"""What a given document can say beside its fields."""

ATTACHED = Field(TIME, optional=True)
"""What a given document of a declared kind can say too, as `created`: the time by which the newest is found."""

WITHOUT_DEFAULT = ("int", "decimal", "bool", "time", "date")
"""The types of declared fields that are given or optional: a 0 that nobody wrote could make a test pass."""


class Scenarios:
    """The tests of one policy."""

    def __init__(
        self, module: Module, problems: Problems, typing: Expressions, rules: Iterable[str], environments: Iterable[str]
    ) -> None:
        self.module, self.problems, self.typing = module, problems, typing
        self.rules, self.environments = list(rules), list(environments)

    def test(self, item: syntax.Test) -> checked.Test:
        """The checked test; what is wrong with it is reported."""
        environment = at = None
        parameters: dict[str, Any] = {}
        steps: list[checked.Step] = []
        expectations: list[checked.Expectation] = []
        for step in item.steps:
            match step:
                case syntax.InEnvironment():
                    environment = self._environment(step)
                case syntax.At():
                    at = literals.constant(step.moment, TIME, self.problems).value
                case syntax.With():
                    parameters.update(self._parameter(step))
                case syntax.Expect():
                    expectations.append(self._expectation(step))
                case _:
                    steps.append(self._step(step))
        if not expectations:
            self.problems.error(
                "E116", item.name.span, f"the test `{item.name.value}` does not `expect` anything",
                help="end it with `expect allow`, `expect deny by RULE` or another expectation",
            )  # fmt: skip
        self._order(item)
        return checked.Test(
            self.module.name, item.name.value, environment, at, parameters, tuple(steps), tuple(expectations), item.span
        )

    def _order(self, item: syntax.Test) -> None:
        """`in`, `at` and `with` come first (each once, of each parameter), then what is given, then expected."""
        rank = {syntax.InEnvironment: 0, syntax.At: 0, syntax.With: 0, syntax.Expect: 2}
        highest = 0
        seen: set[object] = set()
        for step in item.steps:
            place = rank.get(type(step), 1)
            if place < highest:
                self.problems.error(
                    "E116", step.span, "this step stands too late", help="the order is: in, at, with; given; expect"
                )
            if (once := _once(step)) is not None and once in seen:
                self.problems.error("E116", step.span, "this step is there twice")
            highest = max(highest, place)
            seen.add(once)

    def _environment(self, step: syntax.InEnvironment) -> str:
        if step.name.text not in self.environments:
            self._unknown("environment", step.name, self.environments)
        return step.name.text

    def _unknown(self, what: str, name: syntax.Name, known: list[str]) -> None:
        near = closest(name.text, known)
        help = f"did you mean `{near}`?" if near else None
        self.problems.error("E116", name.span, f"there is no {what} `{name.text}`", help=help, suggestion=near)

    def _parameter(self, step: syntax.With) -> dict[str, Any]:
        """`with NAME = E` as a portable value by the qualified name."""
        entry = self.module.entries.get(step.name.text)
        if not isinstance(entry, ParamEntry):
            params = [name for name, known in self.module.entries.items() if isinstance(known, ParamEntry)]
            self._unknown("parameter", step.name, params)
            return {}
        value = self.typing.check(step.value, entry.type, Scope(self.module, {}))
        if isinstance(value, checked.Constant):
            return {entry.qualified: value.value}
        self.problems.error("E122", step.value.span, "a parameter of a test is a constant")
        return {}

    # ------------------------------------------------------------------ given

    def _step(self, step: syntax.Step) -> checked.Step:
        match step:
            case syntax.Given():
                return self._given(step)
            case syntax.GivenNo() | syntax.GivenUnreachable():
                self._document(step.kind)
                kind = "no" if isinstance(step, syntax.GivenNo) else "unreachable"
                return checked.Step(kind, step.kind.text, None, "", step.span)
            case syntax.GivenFile():
                self._document(step.kind)
                return checked.Step("file", step.kind.text, None, step.path.value, step.span)
            case syntax.GivenLayout():
                return checked.Step("layout", "", None, step.path.value, step.span)
        raise AssertionError(step)

    def _document(self, kind: syntax.Name) -> None:
        """Report what is not a kind of document."""
        kinds = [*document_kinds(self.module.schema), "signature"]
        if kind.text not in kinds:
            self._unknown("kind of document", kind, kinds)

    def _given(self, step: syntax.Given) -> checked.Step:
        kind = step.kind.text
        schema = self.module.schema
        if not schema.is_record(kind):
            self._unknown("record", step.kind, [*schema.collections.values(), "image", "signature"])
        elif (kind == "signature") != (step.on is not None) or (step.on is not None and step.on.text != "image"):
            help = "a signature is given `on image`; documents hold theirs: `signatures: [ { … } ]`"
            self.problems.error("E116", step.span, f"this is not where a {kind} is given", help=help)
        mistakes = len(self.problems.found)
        record = self.record(kind, step.record)
        if len(self.problems.found) == mistakes:
            self._complete(step.kind, record)
        return checked.Step("record", kind, record, "", step.span)

    def _complete(self, kind: syntax.Name, record: checked.GivenRecord) -> None:
        """Report what a document of a declared kind leaves out that it must have and that has no default."""
        fields = self.module.schema.kinds.get(kind.text, {})
        needed = [name for name, field in fields.items() if field.type.name in WITHOUT_DEFAULT and not field.optional]
        left_out = [f"`{name}`" for name in needed if name not in record.values]
        if left_out:
            self.problems.error(
                "E116", kind.span,
                f"the {kind.text} that is given has no {', '.join(left_out)}, which every {kind.text} has",
                help="give it: numbers, bools, times and dates have no default, since one could make the test pass",
            )  # fmt: skip

    def record(self, kind: str, node: syntax.RecordLiteral) -> checked.GivenRecord:
        """The values of a given record, each of the type of its field."""
        schema = self.module.schema
        fields = dict(schema.record(kind))
        fields.pop("age", None)
        if kind in schema.kinds:
            fields.setdefault("created", ATTACHED)
        if schema.is_document(kind) and kind != "image":
            fields.update(GIVEN_ONLY)
            fields.pop("kind", None)
        values: dict[str, Any] = {}
        for name, entry in self._entries(node):
            field = fields.get(name)
            if field is None:
                self._no_field(kind, name, entry.name.span, list(fields))
                continue
            if isinstance(entry.name, syntax.Text):
                message = f"a field of a {kind} stands without quotes"
                self.problems.error(
                    "E102", entry.name.span, message, help=f"write `{name}` without them", suggestion=name
                )
            values[name] = self._value(field, entry.value)
        return checked.GivenRecord(kind, values, node.span)

    def _entries(self, node: syntax.RecordLiteral) -> Iterator[tuple[str, syntax.RecordField]]:
        """The fields of a record by their names, each once; a repeated one is reported."""
        seen: set[str] = set()
        for entry in node.fields:
            name = entry.name.value if isinstance(entry.name, syntax.Text) else entry.name.text
            if name in seen:
                self.problems.error("E104", entry.name.span, f"{quoted(name)} is given twice")
            else:
                yield name, entry
            seen.add(name)

    def _no_field(self, kind: str, name: str, span: syntax.Span, known: list[str]) -> None:
        if not known:
            return
        near = closest(name, known)
        help = f"did you mean `{near}`?" if near else f"its fields are {', '.join(sorted(known))}"
        self.problems.error(
            "E102",
            span,
            f"{literals.article(Type(kind))} has no field {quoted(name)} to give",
            help=help,
            suggestion=near,
        )

    def _value(self, field: Field, node: syntax.Expression) -> Any:
        """One given value in portable form: a constant, a record, or a tuple of records."""
        type_ = field.type
        if field.keyed:
            return self._keyed(node)
        if self.module.schema.is_record(type_.name):
            return self._records(type_, node)
        if type_ == LICENSE and isinstance(node, syntax.Text):
            return node.value
        if isinstance(node, syntax.Variable) and node.name == "UNKNOWN" and type_.name == "severity":
            return None
        value = self.typing.check(node, type_, Scope(self.module, {}))
        if not isinstance(value, checked.Constant) and value.type != UNKNOWN:
            self.problems.error("E122", node.span, "what is given in a test is a constant")
        return value.value if isinstance(value, checked.Constant) else None

    def _keyed(self, node: syntax.Expression) -> dict[str, str]:
        """Labels, annotations or metadata: `{ team: "payments", "org.opencontainers.image.source": "…" }`."""
        if not isinstance(node, syntax.RecordLiteral):
            self.problems.error("E103", node.span, "expected a record of texts", help='write `{ team: "payments" }`')
            return {}
        texts = {name: entry.value for name, entry in self._entries(node)}
        for value in texts.values():
            if not isinstance(value, syntax.Text):
                self.problems.error("E103", value.span, "expected text")
        return {name: value.value for name, value in texts.items() if isinstance(value, syntax.Text)}

    def _records(self, type_: Type, node: syntax.Expression) -> Any:
        """A nested record, or a list of them."""
        if type_.container != "list":
            if isinstance(node, syntax.RecordLiteral):
                return self.record(type_.name, node)
            self.problems.error("E103", node.span, f"expected a {type_} as a record: `{{ … }}`")
            return None
        if isinstance(node, syntax.ListLiteral):
            return tuple(self._records(type_.member, item) for item in node.items)
        self.problems.error("E103", node.span, f"expected a {type_}: `[ {{ … }} ]`")
        return ()

    # ------------------------------------------------------------------ expected

    def _expectation(self, step: syntax.Expect) -> checked.Expectation:
        rule = step.rule.text if step.rule is not None else ""
        if step.rule is not None and rule not in self.rules:
            self._unknown("rule", step.rule, self.rules)
        containing = step.containing.value if step.containing is not None else None
        times = step.times.value if step.times is not None else None
        return checked.Expectation(step.kind, rule, containing, times, step.span)


def _once(step: syntax.Step) -> object:
    """What stands for a step that a test can have once; `None` for the others."""
    match step:
        case syntax.InEnvironment() | syntax.At():
            return type(step)
        case syntax.With():
            return step.name.text
    return None
