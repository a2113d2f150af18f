"""Parameters as they come from a command line: texts, checked against their declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.language import literals
from policyengine.language.compiler import Compiled
from policyengine.language.deciding import undeclared
from policyengine.language.diagnostics import Problems
from policyengine.language.facts import ParameterFacts
from policyengine.language.schema import ENUMS
from policyengine.language.summary import Summary
from policyengine.language.syntax import Moment, Name, Period, Span, Text
from policyengine.language.types import Type

NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
NOWHERE = Span("--param", 1, 1, 1, 1)
IDENTITY = 'an identity is written x509("O=acme, CN=release"), keyless(issuer: "…", subject: "…") or key("sha256:…")'


def parameters(summary: Summary, given: Iterable[str]) -> dict[str, Any]:
    """Portable values by qualified name, from texts `NAME=VALUE` or `POLICY.NAME=VALUE`.

    A short name sets the parameter of every policy that has one of this name.
    """
    known = [p for policy in summary.policies for p in Compiled.load(policy.compiled).facts.parameters]
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{quoted(text)} is not a parameter", "write it as NAME=VALUE")
        targets = [p for p in known if name in (p.name, p.name.rpartition(".")[2])]
        if not targets:
            raise undeclared(name, [p.name for p in known])
        values.update({target.name: _value(target, value) for target in targets})
    return values


def _value(parameter: ParameterFacts, text: str) -> Any:
    """The portable value that `text` writes for a parameter."""
    if parameter.type.name == "identity":
        return _identities(parameter, text)
    if parameter.type.container:
        members = [_one(parameter, part.strip(), parameter.type.member) for part in text.split(",") if part.strip()]
        if not members:
            raise _unfit(parameter, text, "it is empty")
        return tuple(dict.fromkeys(members)) if parameter.type.container == "set" else tuple(members)
    return _one(parameter, text, parameter.type)


def _one(parameter: ParameterFacts, text: str, type_: Type) -> Any:
    try:
        match type_.name:
            case "bool":
                return {"true": True, "false": False}[text]
            case "int":
                return int(_number(text))
            case "decimal":
                return str(Decimal(_number(text)))
            case "severity":
                return ENUMS["severity"][1:].index(text)
            case _:
                return _literal(parameter, text, type_)
    except (KeyError, ValueError, InvalidOperation):
        raise _unfit(parameter, text, "") from None


def _number(text: str) -> str:
    """`text`, if it is a number as the language writes them."""
    if NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _literal(parameter: ParameterFacts, text: str, type_: Type) -> Any:
    """The values that are written as in the language, without quotes."""
    problems = Problems()
    node: Text | Moment | Period = Text(NOWHERE, text)
    if type_.name in ("time", "date"):
        node = Moment(NOWHERE, text)
    elif type_.name == "duration":
        amount, _, unit = text.partition(" ")
        node = Period(NOWHERE, int(_number(amount)), Name(NOWHERE, unit.strip()))
    found = literals.constant(node, type_, problems)
    if problems.errors:
        raise _unfit(parameter, text, problems.found[0].message)
    return found.value


def _identities(parameter: ParameterFacts, text: str) -> Any:
    """Identities, which are written as in the language: `x509("O=acme, CN=release")`, several with commas."""
    from policyengine.language import parser
    from policyengine.language.policyset import check
    from policyengine.language.source import Source

    braced = not parameter.type.container or text.lstrip().startswith(("{", "["))
    value = text if braced else f"{{ {text} }}"
    policy = f'policy p param value: {parameter.type} = {value}\nrule r deny "r" require image is signed'
    source = Source(NOWHERE.path, policy)
    program, found = check([source])
    problem = next((each.message for each in found if each.severity == "error"), "")
    file, _ = parser.parse(source)
    if problem or file is None or len(file.items) != 2:
        raise _unfit(parameter, text, problem or "it is more than a value", IDENTITY)
    (declared,) = program.policies[0].parameters
    return declared.default


def _unfit(parameter: ParameterFacts, text: str, why: str, help: str = "") -> UsageError:
    short = parameter.name.rpartition(".")[2]
    reason = f": {why}" if why else ""
    return UsageError(f"{quoted(text)} is not {literals.article(parameter.type)}, which `{short}` is{reason}", help)
