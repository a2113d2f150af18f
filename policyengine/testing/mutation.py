"""Which faults of a policy its tests would not notice.

Each fault is made in the syntax, checked, and tried by the interpreter on the tests of the policies that it changes,
until one fails. A fault that does not compile, that means what was written, or that was tried already in another form
is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine.evidence import licenses
from policyengine.language import checked, checker, parser, syntax
from policyengine.language.checked import Constant, Policy, Test
from policyengine.language.policyset import PolicySet, shipped
from policyengine.language.syntax import File, Span
from policyengine.testing.excerpts import Excerpts
from policyengine.testing.faults import Fault, faults
from policyengine.testing.interpreted import Interpreted
from policyengine.testing.runner import NOBODY, only, outcome, selected
from policyengine.verification.trust import Trust

MOST = 2_000
"""Faults that one run tries: half a minute. A policy of forty rules has about four hundred."""

WORK = 100_000
"""Rules that one run checks, each again for each fault: a minute at most, for a policy of thousands of rules too."""

DECIDING = (
    "applies", "exception", "accepts", "assumed", "rules", "waivers", "bindings", "functions", "parameters",
    "environments",
)  # fmt: skip
"""The fields of a policy that decisions depend on."""

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Survivor(Struct, frozen=True):
    """A fault that no test notices; `what` says what was changed, `show` what a test would have to show."""

    span: Span
    what: str
    show: str


class Mutation(Struct, frozen=True):
    """What came of trying faults. `untried` is how many there were beyond the limit (some of them may be none);
    `untested` are the policies without a test, of which none was made.
    """

    tried: int
    survivors: tuple[Survivor, ...]
    untried: int = 0
    untested: tuple[str, ...] = ()

    @property
    def noticed(self) -> int:
        """The faults that made a test fail."""
        return self.tried - len(self.survivors)

    @property
    def passed(self) -> bool:
        """Whether every fault was tried and noticed."""
        return not self.survivors and not self.untried and not self.untested


def mutate(policies: PolicySet, pattern: str = "*", trust: Trust = NOBODY, most: int = MOST) -> Mutation:
    """Try up to `most` faults of `policies` on the tests whose name, or `POLICY/NAME`, matches the glob `pattern`."""
    tests: dict[str, list[Test]] = {}
    for test in selected(policies, pattern):
        tests.setdefault(test.policy, []).append(test)
    files = [_without_tests(parser.parse(source)[0]) for source in policies.sources]
    trial = _Trial(policies, [file for file in files if file is not None], tests, trust)
    trial.most = min(most, WORK // trial.size)
    excerpts = Excerpts(policies.sources)
    made = (fault for file in trial.files if trial.concerns(file) for fault in faults(file, excerpts))
    survivors = [Survivor(fault.span, fault.what, fault.show) for fault in made if trial.survives(fault)]
    ordered = sorted(survivors, key=lambda each: (each.span.path, each.span.line, each.span.column))
    untested = [name for name in policies.policies if name not in tests] if pattern == "*" else []
    return Mutation(trial.tried, tuple(ordered), trial.untried, tuple(untested))


def _without_tests(file: File | None) -> File | None:
    """The file as far as it can be wrong."""
    if file is None or file.kind == "tests":
        return None
    return replace(file, items=tuple(item for item in file.items if not isinstance(item, syntax.Test)))


class _Trial:
    """Tries faults on tests. `tests` are those of each policy, the ones that notice something first."""

    def __init__(
        self, policies: PolicySet, files: Sequence[File], tests: Mapping[str, list[Test]], trust: Trust
    ) -> None:
        self.files, self.trust = files, trust
        libraries = (parser.parse(source)[0] for source in shipped())
        self.shipped = {f"std.{file.name.text}": file for file in libraries if file is not None}
        self.alone = {name: only(policies, name) for name in tests}
        self.written = {policy.name: policy for policy in self._policies(files)}
        self.known: set[object] = set()
        own = {policy.name: policy for policy in policies.program.policies}
        self.tests = {
            name: [test for test in several if self._passes(test, own[name])] for name, several in tests.items()
        }
        self.tried = self.untried = self.most = 0

    @property
    def size(self) -> int:
        """The rules of the largest policy."""
        return max((len(policy.rules) for policy in self.written.values()), default=1)

    def concerns(self, file: File) -> bool:
        """Whether a fault in `file` can matter: it is about a policy with tests, or a library that is imported."""
        if file.kind != "library":
            return file.name.text in self.tests
        imports = (item for each in self.files for item in each.items if isinstance(item, syntax.Import))
        return any(item.module.text == file.name.text for item in imports)

    def survives(self, fault: Fault) -> bool:
        """Whether all tests pass in spite of `fault`; what is no fault, or comes after the last, does not."""
        if self.tried >= self.most:
            self.untried += 1
            return False
        changed = [policy for policy in self._policies(self._around(fault.file)) if self._is_new(policy)]
        self.tried += bool(changed)
        return bool(changed) and not any(self._notices(policy) for policy in changed)

    def _around(self, file: File) -> Iterator[File]:
        """The files that have to be checked with `file`, the changed one of them."""
        for each in self.files:
            if each.span == file.span and each.kind == file.kind:
                yield file
            elif each.kind == "library" or file.kind == "library" or each.name.text == file.name.text:
                yield each

    def _policies(self, files: Iterable[File]) -> tuple[Policy, ...]:
        """The policies of `files` that have tests; none where they do not compile."""
        program, found = checker.check(list(files), self.shipped)
        if any(diagnostic.severity == "error" for diagnostic in found):
            return ()
        return tuple(policy for policy in program.policies if policy.name in self.alone)

    def _is_new(self, policy: Policy) -> bool:
        """Whether `policy` means something that was not tried yet."""
        key = policy.name, difference(policy, self.written[policy.name])
        new = bool(key[1]) and key not in self.known
        self.known.add(key)
        return new

    def _notices(self, policy: Policy) -> bool:
        """Whether a test fails; that one is asked first the next time, since faults come in groups."""
        tests = self.tests[policy.name]
        for index, test in enumerate(tests):
            if not self._passes(test, policy):
                tests.insert(0, tests.pop(index))
                return True
        return False

    def _passes(self, test: Test, policy: Policy) -> bool:
        return outcome(test, policy, Interpreted(self.alone[policy.name], policy), self.trust).passed


# ---------------------------------------------------------------------------- what a policy means


def difference(policy: Policy, other: Policy) -> tuple[object, ...]:
    """What `policy` decides by and `other` does not, whatever the words; comparisons are in one form."""
    return tuple(part for name in DECIDING for part in _difference(name, getattr(policy, name), getattr(other, name)))


def _difference(name: str, one: Any, other: Any) -> Iterator[object]:
    if one == other:
        return
    if isinstance(one, tuple) and len(one) == len(other):
        for index, (member, against) in enumerate(zip(one, other, strict=True)):
            yield from _difference(f"{name} {index}", member, against)
    elif (form := _form(one)) != _form(other):
        yield name, form


def _form(value: Any) -> Any:
    match value:
        case checked.Compare():
            return _comparison(value)
        case checked.Permitted(license=license_, allowed=Constant(value=members)):
            return "permitted", _form(license_), _terms(members)
        case checked.Requires(license=license_, forbidden=Constant(value=members)):
            return "requires", _form(license_), _terms(members)
        case Constant(type=type_, value=members) if type_.container == "set" and members is not None:
            return type_, frozenset(members)
        case Struct():
            named = (getattr(value, name) for name in value.__struct_fields__ if name != "span")
            return type(value).__name__, *map(_form, named)
        case tuple():
            return tuple(map(_form, value))
        case dict():
            return frozenset((name, _form(each)) for name, each in value.items())
    return type(value).__name__, value


def _terms(members: Iterable[str]) -> object:
    """The terms that a set of licences stands for: `GPL-3.0-only` adds nothing beside `GPL-3.0-or-later`."""
    terms = licenses.license_set(members).terms
    return frozenset((base, exception) for base, exception in terms if not exception or (base, "") not in terms)


def _comparison(expr: checked.Compare) -> object:
    """A comparison with the constant on the right, if there is one; on whole numbers `> 3` is `>= 4`."""
    sign, left, right = expr.operator, expr.left, expr.right
    if isinstance(left, Constant) and not isinstance(right, Constant):
        sign, left, right = MIRRORED[sign], right, left
    if isinstance(right, Constant) and isinstance(right.value, int) and right.type.name in ("int", "severity"):
        limit = right.value + (sign in (">", "<="))
        return ">=" if sign in (">", ">=") else "<", _form(left), right.type, limit
    return sign, _form(left), _form(right)
