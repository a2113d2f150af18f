"""What is known of a policy beforehand: all that reports and results need besides its expressions.

Plain data, so that a compiled policy is loaded without the checked tree it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import astuple

from policyengine.errors import UsageError
from policyengine.language import runtime
from policyengine.language.types import Type

if TYPE_CHECKING:
    from policyengine.language import checked


class RuleFacts(Struct, frozen=True):
    """What a report says of a rule whatever the evidence. `element` is the type of what it finds, or empty.

    `counted` is `forbid more than`; `speaks` says that it has a message, `advises` that its help depends on
    the element. `waivers` are the indexes of its waivers.
    """

    identifier: str
    name: str
    effect: str
    title: str
    path: str
    line: int
    help: str | None
    element: str
    outer: str
    counted: bool
    speaks: bool
    advises: bool
    waivers: tuple[int, ...]


class WaiverFacts(Struct, frozen=True):
    """A waiver, without its condition."""

    rule: str
    owner: str
    reason: str
    ticket: str | None
    expires: date
    path: str
    line: int


class ParameterFacts(Struct, frozen=True):
    """A parameter: its qualified name, its type, and its default in portable form unless it is required."""

    name: str
    type: Type
    required: bool
    default: Any


class EnvironmentFacts(Struct, frozen=True):
    """An environment: portable values by qualified parameter, and the rules that it downgrades."""

    name: str
    settings: dict[str, Any]
    downgraded: frozenset[str]


class Facts(Struct, frozen=True):
    """Everything about one policy that is no expression."""

    name: str
    assumed: int | None
    rules: tuple[RuleFacts, ...]
    waivers: tuple[WaiverFacts, ...]
    parameters: tuple[ParameterFacts, ...]
    environments: tuple[EnvironmentFacts, ...]

    def environment(self, name: str | None) -> EnvironmentFacts:
        """The environment called `name`; one that this policy does not declare changes nothing."""
        found = (environment for environment in self.environments if environment.name == name)
        return next(found, EnvironmentFacts("", {}, frozenset()))


def facts(policy: checked.Policy) -> Facts:
    """What `policy` says besides its expressions."""
    return Facts(
        policy.name,
        policy.assumed,
        tuple(_rule(rule, policy) for rule in policy.rules),
        tuple(
            WaiverFacts(w.rule, w.owner, w.reason, w.ticket, w.expires, w.span.path, w.span.line)
            for w in policy.waivers
        ),
        tuple(ParameterFacts(p.name, p.type, p.required, p.default) for p in policy.parameters),
        tuple(EnvironmentFacts(e.name, e.settings, e.downgraded) for e in policy.environments),
    )


def _rule(rule: checked.Rule, policy: checked.Policy) -> RuleFacts:
    from policyengine.language.tree import last_name

    parts = rule.help.parts if rule.help is not None else ()
    names = [part if isinstance(part, str | None) else f"<{last_name(part)}>" for part in parts]
    outer = rule.each.collection.type.name if rule.each is not None else ""
    return RuleFacts(
        rule.identifier, rule.name, rule.effect, rule.title, rule.span.path, rule.span.line,
        "".join(name or "<count>" for name in names) if rule.help is not None else None,
        rule.forbid.collection.type.name if rule.forbid is not None else outer,
        outer,
        rule.forbid is not None and rule.forbid.limit is not None,
        rule.message is not None,
        not all(isinstance(part, str) for part in parts),
        tuple(index for index, waiver in enumerate(policy.waivers) if waiver.rule == rule.name),
    )  # fmt: skip


def settled(facts: Facts, given: Mapping[str, Any], environment: str | None) -> dict[str, Any]:
    """The values of the parameters: what is `given` beats the environment, which beats the defaults.

    Raises `UsageError` where a parameter has no value.
    """
    settings = facts.environment(environment).settings
    values = {}
    for parameter in facts.parameters:
        name = parameter.name
        if name not in given and name not in settings and parameter.required:
            short_name = name.rpartition(".")[2]
            raise UsageError(
                f"the parameter `{short_name}` of `{name.rpartition('.')[0]}` has no value",
                f"give it with `--param {short_name}=…`, or set it in an environment",
            )
        portable = given.get(name, settings.get(name, parameter.default))
        values[name] = runtime.constant(parameter.type, portable, facts.assumed)
    return values


# ---------------------------------------------------------------------------- as plain values


def packed(value: Any) -> Any:
    """Facts as values that `marshal` takes: each record and tuple begins with what it is."""
    if isinstance(value, Struct):
        return type(value).__name__, *map(packed, astuple(value))
    if isinstance(value, tuple):
        return "tuple", *map(packed, value)
    return ("date", value.isoformat()) if isinstance(value, date) else value


def unpacked(value: Any) -> Any:
    """What `packed` packed."""
    if not isinstance(value, tuple):
        return value
    kind, *parts = value
    if kind == "tuple":
        return tuple(map(unpacked, parts))
    return KINDS[kind](*map(unpacked, parts))


KINDS: Mapping[str, Callable[..., Any]] = {
    "date": date.fromisoformat, "Facts": Facts, "RuleFacts": RuleFacts, "WaiverFacts": WaiverFacts,
    "ParameterFacts": ParameterFacts, "EnvironmentFacts": EnvironmentFacts, "Type": Type,
}  # fmt: skip
