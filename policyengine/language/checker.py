"""The checker: from the files of a policy set to a checked program, with every problem reported at once.

It runs in the order in which names become known: which files there are, what they declare and
import, the functions, then the policies' own items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from policyengine import limits
from policyengine.evidence.problems import closest
from policyengine.language import checked, demand, repositories, syntax, vacuity
from policyengine.language.components import components
from policyengine.language.declarations import declare, document_kinds, fields_of
from policyengine.language.diagnostics import Diagnostic, Problems, order
from policyengine.language.expressions import Expressions
from policyengine.language.names import Names
from policyengine.language.rules import Rules
from policyengine.language.scenarios import Scenarios
from policyengine.language.schema import ENUMS
from policyengine.language.scope import DefineEntry, Entry, LetEntry, Module, ParamEntry, Scope
from policyengine.language.types import UNKNOWN

T = TypeVar("T")

SHOWN = 5
"""Libraries of a cycle that are named."""


def check(
    files: Sequence[syntax.File], shipped: Mapping[str, syntax.File] | None = None
) -> tuple[checked.Program, tuple[Diagnostic, ...]]:
    """The program that `files` are, and every problem found, in order.

    `shipped` are the engine's own libraries by their import names (`std.licenses`). Where a problem is an
    error the program must not be used.
    """
    return Checker(files, shipped or {}).run()


class Checker:
    """One run over one set of files."""

    def __init__(self, files: Sequence[syntax.File], shipped: Mapping[str, syntax.File]) -> None:
        self.problems = Problems()
        self.typing = Expressions(self.problems, Names(self.problems))
        self.files = files
        self.modules: dict[str, Module] = {}
        self.libraries: dict[str, Module] = {}
        self._enter_files(shipped)

    def run(self) -> tuple[checked.Program, tuple[Diagnostic, ...]]:
        """Check everything."""
        everything = [*self.libraries.values(), *self.modules.values()]
        for module in everything:
            declare(module, self.libraries, self.problems)
        self._import_cycles(everything)
        for module in everything:
            self._functions(module)
        self._recursion(everything)
        policies = [self._policy(module) for module in self.modules.values()]
        for module in everything:
            self._constants(module)
        tests = tuple(test for _, tests in policies for test in tests)
        program = checked.Program(tuple(policy for policy, _ in policies), tests)
        return program, tuple(sorted(dict.fromkeys(self.problems.found), key=order))

    # ------------------------------------------------------------------ files

    def _enter_files(self, shipped: Mapping[str, syntax.File]) -> None:
        self.libraries.update({name: Module(file) for name, file in shipped.items()})
        for file in self.files:
            if file.kind in ("policy", "library"):
                home = self.modules if file.kind == "policy" else self.libraries
                if file.name.text in self.modules or file.name.text in self.libraries:
                    help = "names are unique in a policy set; was a file named twice?"
                    self.problems.error("E104", file.name.span, f"a second `{file.name.text}`", help=help)
                else:
                    home[file.name.text] = Module(file)
        for file in self.files:
            if file.kind in ("tests", "waivers") and file.name.text not in self.modules:
                near = closest(file.name.text, self.modules)
                help = f"did you mean `{near}`?" if near else "name its policy's file on the command line too"
                self.problems.error(
                    "E119", file.name.span, f"there is no policy `{file.name.text}`", help=help, suggestion=near
                )

    def _items(self, module: Module) -> list[syntax.Item]:
        """The items of a policy: those of its own file, and of the files of tests and waivers for it."""
        others = [file for file in self.files if file.kind in ("tests", "waivers") and file.name.text == module.name]
        items = list(module.file.items)
        for file in others:
            wanted = syntax.Test if file.kind == "tests" else syntax.Waive
            for item in file.items:
                if isinstance(item, wanted | syntax.Broken):
                    items.append(item)
                else:
                    word = type(item).__name__.lower()
                    self.problems.error("E119", item.span, f"this `{word}` cannot stand in a file of {file.kind}")
        return items

    def _import_cycles(self, modules: Sequence[Module]) -> None:
        """Report each cycle of imports once, at the first import of it."""
        for cycle in _cycles(modules, _imported):
            first = cycle[0]
            into = next(entry for entry in first.imports.values() if entry.module in cycle)
            names = ", ".join(module.name for module in cycle[:SHOWN])
            more = f" and {len(cycle) - SHOWN} more" if len(cycle) > SHOWN else ""
            self.problems.error("E105", into.item.span, f"a cycle of imports: {names}{more}")

    # ------------------------------------------------------------------ functions and constants

    def _functions(self, module: Module) -> None:
        for entry in module.entries.values():
            if isinstance(entry, DefineEntry):
                names = [argument.name.text for argument in entry.item.arguments]
                scope = Scope(module, dict(zip(names, entry.arguments, strict=True)), entry)
                expected = entry.result if entry.result != UNKNOWN else None
                entry.body = self.typing.check(entry.item.body, expected, scope)

    def _recursion(self, modules: Sequence[Module]) -> None:
        """Report each cycle of functions once, at its first definition, and what calls too much."""
        functions = [e for module in modules for e in module.entries.values() if isinstance(e, DefineEntry)]
        cycles = _cycles(functions, lambda entry: entry.calls)
        for cycle in cycles:
            name = cycle[0].item.name
            help = "a policy always ends: there is no recursion"
            self.problems.error("E105", name.span, f"`{name.text}` calls itself", help=help)
        if not cycles:
            self._too_much(functions)

    def _too_much(self, functions: Sequence[DefineEntry]) -> None:
        """Report the functions of which one call comes to too many, or that go too deep; of those the innermost."""
        calls: dict[DefineEntry, int] = {}
        depth: dict[DefineEntry, int] = {}
        for (entry,) in components(functions, lambda entry: entry.calls):
            inner = [called for called in entry.calls if called in calls]
            calls[entry] = 1 + sum(calls[called] for called in inner)
            depth[entry] = 1 + max((depth[called] for called in inner), default=0)
            if len(inner) == len(entry.calls) and calls[entry] > limits.FUNCTION_CALLS:
                self._beyond(entry, f"comes to more than {limits.FUNCTION_CALLS} calls")
            elif len(inner) == len(entry.calls) and depth[entry] > limits.EXPRESSION_DEPTH:
                self._beyond(entry, f"calls functions {limits.EXPRESSION_DEPTH} deep")
            else:
                continue
            del calls[entry], depth[entry]

    def _beyond(self, entry: DefineEntry, what: str) -> None:
        help = "say it with fewer functions, or give them the value that they share"
        self.problems.error("E123", entry.item.name.span, f"`{entry.item.name.text}` {what}", help=help)

    def _constants(self, module: Module) -> None:
        """Check the constants that nothing uses, and say that nothing uses them."""
        unused = module.file.kind == "policy" and not self._incomplete(module)
        for name, entry in module.entries.items():
            if isinstance(entry, LetEntry):
                self.typing.names.let_value(entry, None, self.typing)
            if unused and not entry.used:
                self.problems.warn("W201", entry.item.name.span, f"nothing uses `{name}`")
        for alias, imported in module.imports.items():
            if unused and not imported.used and imported.module is not None:
                self.problems.warn("W201", imported.item.span, f"nothing uses the import `{alias}`")

    def _incomplete(self, module: Module) -> bool:
        """Whether something of the file could not be read or resolved: what that uses is not known then."""
        path = module.file.span.path
        return any(problem.severity == "error" and problem.span.path == path for problem in self.problems.found) or any(
            isinstance(item, syntax.Broken) for item in module.file.items
        )

    # ------------------------------------------------------------------ policies

    def _policy(self, module: Module) -> tuple[checked.Policy, tuple[checked.Test, ...]]:
        items = self._items(module)
        parameters = self._parameters(module)
        checker = Rules(module, self.problems, self.typing)
        rules = self._rules(module, items, checker)
        vacuity.warn(rules, self.problems)
        broken = {item.name.text for item in items if isinstance(item, syntax.Broken) and item.name is not None}
        waivers = tuple(w for i in items if isinstance(i, syntax.Waive) if (w := checker.waiver(i, broken)) is not None)
        environments = self._environments(module, items, [*checker.elements, *broken])
        applies, exception = self._scope(module, items)
        accepts, assumed, kinds = self._accepts(module, items), self._assumed(items), self._kinds(items)
        names = [environment.name for environment in environments]
        scenarios = Scenarios(module, self.problems, self.typing, [*checker.elements, *broken], names)
        tests = tuple(scenarios.test(item) for item in items if isinstance(item, syntax.Test))
        roots = (applies, exception, rules, waivers)
        usable = not self.problems.errors
        bindings, functions = _used(roots, [*self.libraries.values(), module]) if usable else ((), ())
        vacuity.unequal((roots, functions), self.problems)
        repositories.warn((roots, functions), self.problems)
        policy = checked.Policy(
            module.name, module.file.description.value if module.file.description else "", module.file.name.span,
            parameters, environments, applies, exception, accepts, assumed, kinds, bindings, functions, rules, waivers,
            demand.demand((roots, bindings, functions)),
        )  # fmt: skip
        return policy, tests

    def _rules(self, module: Module, items: Sequence[syntax.Item], checker: Rules) -> tuple[checked.Rule, ...]:
        found: dict[str, checked.Rule | None] = {}
        for item in items:
            if not isinstance(item, syntax.Rule):
                continue
            if item.name.text in found:
                self.problems.error(
                    "E104", item.name.span, f"a second rule `{item.name.text}`", help="choose another name"
                )
                continue
            found[item.name.text] = checker.rule(item)
        if not found and not any(isinstance(item, syntax.Broken) and item.keyword in ("rule", "") for item in items):
            self.problems.error(
                "E120",
                module.file.span,
                f"the policy `{module.name}` has no rule",
                help="a policy without a rule checks nothing",
            )
        return tuple(rule for rule in found.values() if rule is not None)

    def _parameters(self, module: Module) -> tuple[checked.ParameterDeclaration, ...]:
        """The parameters of a policy and of the libraries it imports."""
        return tuple(
            self._parameter(entry)
            for owner in _with_imports(module)
            for entry in owner.entries.values()
            if isinstance(entry, ParamEntry)
        )

    def _parameter(self, entry: ParamEntry) -> checked.ParameterDeclaration:
        item, default = entry.item, None
        if item.default is not None:
            expected = entry.type if entry.type != UNKNOWN else None
            default = self._constant(item.default, expected, entry.module)
        description = item.description.value if item.description is not None else ""
        return checked.ParameterDeclaration(
            entry.qualified, entry.type, item.default is None, default, description, item.span
        )

    def _constant(self, node: syntax.Expression, expected: Any, module: Module) -> Any:
        """The portable value of a constant expression."""
        value = self.typing.check(node, expected, Scope(module, {}))
        if not isinstance(value, checked.Constant):
            self.problems.error("E122", node.span, "the value of a parameter is a constant")
            return None
        return value.value

    def _environments(
        self, module: Module, items: Sequence[syntax.Item], rules: Sequence[str]
    ) -> tuple[checked.Environment, ...]:
        found: dict[str, checked.Environment] = {}
        for item in items:
            if isinstance(item, syntax.Environment):
                if item.name.text in found:
                    self.problems.error("E104", item.name.span, f"a second environment `{item.name.text}`")
                found[item.name.text] = self._environment(module, item, rules)
        return tuple(found.values())

    def _environment(self, module: Module, item: syntax.Environment, rules: Sequence[str]) -> checked.Environment:
        settings: dict[str, Any] = {}
        downgraded: set[str] = set()
        for entry in item.entries:
            if isinstance(entry, syntax.Downgrade):
                self._downgrade(entry, rules)
                downgraded.add(entry.rule.text)
                continue
            param = module.entries.get(entry.name.text)
            if not isinstance(param, ParamEntry):
                params = [name for name, known in module.entries.items() if isinstance(known, ParamEntry)]
                near = closest(entry.name.text, params)
                help = f"did you mean `{near}`?" if near else "an environment sets parameters of its policy"
                self.problems.error(
                    "E114", entry.name.span, f"there is no parameter `{entry.name.text}`", help=help, suggestion=near
                )
            elif param.qualified in settings:
                self.problems.error("E104", entry.name.span, f"`{entry.name.text}` is set twice")
            else:
                settings[param.qualified] = self._constant(entry.value, param.type, module)
        return checked.Environment(item.name.text, settings, frozenset(downgraded))

    def _downgrade(self, entry: syntax.Downgrade, rules: Sequence[str]) -> None:
        if entry.effect.text != "warn":
            self.problems.error(
                "E114", entry.effect.span, "an environment downgrades to `warn` only", suggestion="warn"
            )
        if entry.rule.text == "all" and "all" in rules:
            self.problems.error(
                "E114", entry.rule.span, "`all` is every rule here, and one of them is called `all`",
                help="give the rule another name",
            )  # fmt: skip
        elif entry.rule.text != "all" and entry.rule.text not in rules:
            near = closest(entry.rule.text, rules)
            help = f"did you mean `{near}`?" if near else "write a rule's name, or `all`"
            self.problems.error(
                "E114", entry.rule.span, f"there is no rule `{entry.rule.text}`", help=help, suggestion=near
            )

    def _scope(self, module: Module, items: Sequence[syntax.Item]) -> tuple[checked.Expr | None, checked.Expr | None]:
        """What the policy applies to, and what it excepts."""
        found = [item for item in items if isinstance(item, syntax.AppliesTo)]
        for item in found[1:]:
            self.problems.error("E104", item.span, "a second `applies to`", help="join the conditions with `or`")
        if not found:
            return None, None
        first = found[0]
        if first.record.text != "image":
            self.problems.error("E119", first.record.span, "a policy applies to an image", suggestion="image")
        scope = Scope(module, {})
        where = self.typing.condition(first.where, scope)
        return where, self.typing.condition(first.exception, scope) if first.exception is not None else None

    def _accepts(self, module: Module, items: Sequence[syntax.Item]) -> frozenset[str]:
        kinds = document_kinds(module.schema)
        found = [item.kind for item in items if isinstance(item, syntax.AcceptUnsigned)]
        for kind in found:
            if kind.text not in kinds:
                near = closest(kind.text, kinds)
                help = f"the kinds are {', '.join(kinds)}"
                self.problems.error(
                    "E119", kind.span, f"there is no kind of document `{kind.text}`", help=help, suggestion=near
                )
        return frozenset(kind.text for kind in found)

    def _assumed(self, items: Sequence[syntax.Item]) -> int | None:
        found = [item for item in items if isinstance(item, syntax.AssumeSeverity)]
        for item in found[1:]:
            self.problems.error("E104", item.span, "a second `assume severity`")
        if not found:
            return None
        word, severity = found[0].word, found[0].severity
        known = ENUMS["severity"][1:]
        if word.text != "UNKNOWN":
            self.problems.error("E109", word.span, "only an UNKNOWN severity can be assumed", suggestion="UNKNOWN")
        if severity.text not in known:
            near = closest(severity.text, known)
            help = f"a known severity is one of {', '.join(known)}"
            self.problems.error(
                "E109", severity.span, f"`{severity.text}` is not a known severity", help=help, suggestion=near
            )
            return None
        return known.index(severity.text)

    def _kinds(self, items: Sequence[syntax.Item]) -> tuple[checked.CustomKind, ...]:
        silent = Problems()  # everything about the fields was reported when they were declared
        return tuple(
            checked.CustomKind(item.name.text, item.artifact_type.value, fields_of(item, silent))
            for item in items
            if isinstance(item, syntax.EvidenceKind)
        )


def _cycles(nodes: Sequence[T], following: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """The groups of nodes that reach each other, each in the order of `nodes`."""
    places = {node: place for place, node in enumerate(nodes)}
    found = [
        sorted(group, key=places.__getitem__)
        for group in components(nodes, following)
        if len(group) > 1 or group[0] in following(group[0])
    ]
    return sorted(found, key=lambda group: places[group[0]])


def _imported(module: Module) -> list[Module]:
    """The libraries that a file imports."""
    return [entry.module for entry in module.imports.values() if entry.module is not None]


def _with_imports(module: Module) -> list[Module]:
    """`module` and every library that it imports, directly or not."""
    found = [module]
    for owner in found:
        targets = (imported.module for imported in owner.imports.values())
        found.extend(target for target in targets if target is not None and target not in found)
    return found


def _used(roots: Any, modules: Sequence[Module]) -> tuple[tuple[checked.BoundValue, ...], tuple[checked.Function, ...]]:
    """The constants that depend on parameters and the functions that `roots` use, dependencies first."""
    entries: dict[str, Entry] = {entry.qualified: entry for module in modules for entry in module.entries.values()}
    bindings: dict[str, checked.BoundValue] = {}
    functions: dict[str, checked.Function] = {}

    def visit(root: Any) -> None:
        for part in demand.parts(root):
            if isinstance(part, checked.Binding) and part.name not in bindings:
                entry = entries[part.name]
                if isinstance(entry, LetEntry) and entry.value is not None:
                    visit(entry.value)
                    bindings.setdefault(part.name, checked.BoundValue(part.name, entry.value))
            elif isinstance(part, checked.Apply) and part.function not in functions:
                entry = entries[part.function]
                if isinstance(entry, DefineEntry) and entry.body is not None:
                    visit(entry.body)
                    names = tuple(argument.name.text for argument in entry.item.arguments)
                    functions.setdefault(
                        part.function, checked.Function(part.function, names, entry.arguments, entry.body)
                    )

    visit(roots)
    return tuple(bindings.values()), tuple(functions.values())
