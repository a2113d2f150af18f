"""Which arguments of `explain` are policies, images and rules, and which rules are meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from policyengine.cli.asking import Options
from policyengine.errors import UsageError
from policyengine.evidence.problems import closest, quoted
from policyengine.language import checked
from policyengine.language.policyset import PolicySet
from policyengine.language.source import SUFFIX

NO_POLICY = "name the files or folders that hold your policies, or a code like E103"

Chosen = Callable[[checked.Rule], bool]
"""Whether a rule is one that was asked for."""


class Arguments(Struct, frozen=True):
    """The positional arguments, told apart."""

    paths: tuple[str, ...]
    references: tuple[str, ...]
    rules: tuple[str, ...]


def sorted_out(options: Options, rules: Sequence[str]) -> Arguments:
    """What exists is a policy, what holds a `:` or `@` is an image, the rest are rules.

    Raises `UsageError` where no policy is named, and for what is plainly meant to be a path.
    """
    paths = [argument for argument in options.arguments if os.path.lexists(argument)]
    others = [argument for argument in options.arguments if argument not in paths]
    references = [argument for argument in others if ":" in argument or "@" in argument]
    named = [argument for argument in others if argument not in references]
    for argument in named:
        if "/" in argument or argument.endswith(SUFFIX) or not (paths or options.policies):
            raise UsageError(f"there is no file or folder {quoted(argument)}", NO_POLICY)
    if not paths and not options.policies:
        raise UsageError(
            "no policy was named", "name the files or folders that hold your policies, or a code like E103"
        )
    return Arguments((*options.policies, *paths), tuple(references), (*rules, *named))


def chosen(policies: PolicySet, patterns: Sequence[str]) -> Chosen:
    """Whether a rule is one that `patterns` name; raises `UsageError` for a pattern that names none."""
    rules = [rule for policy in policies.program.policies for rule in policy.rules]
    for pattern in patterns:
        if not any(_named(rule, pattern) for rule in rules):
            near = closest(pattern, [name for rule in rules for name in (rule.name, rule.identifier)])
            help = f"did you mean `{near}`?" if near else "see `policyengine explain POLICIES…` for all of them"
            raise UsageError(f"no rule matches {quoted(pattern)}", help)
    return lambda rule: not patterns or any(_named(rule, pattern) for pattern in patterns)


def _named(rule: checked.Rule, pattern: str) -> bool:
    return fnmatchcase(rule.name, pattern) or fnmatchcase(rule.identifier, pattern)
