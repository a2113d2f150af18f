"""Compiled policies: kept as bytes, bound to parameters, evaluated against a view.

This module is what an evaluation imports; the generator of the code is imported only to compile. A compiled
policy holds the checked tree too, pickled: it is read when something undetermined has to be explained.
"""

from __future__ import annotations

import marshal
import pickle
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from policyengine.language.evaluation import Outcome
from policyengine.language.facts import Facts, facts, settled
from policyengine.language.view import View

if TYPE_CHECKING:
    from policyengine.language import checked

FORMAT = f"{sys.implementation.cache_tag} {sys.hexversion:x}\n".encode()
"""What a dump begins with: code objects are those of one version of Python."""


class Compiled(Struct, frozen=True):
    """A compiled policy. `code` is a marshalled code object, `tree` the pickled `checked.Policy`."""

    facts: Facts
    code: bytes
    tree: bytes

    def dump(self) -> bytes:
        """This policy as bytes. They are code: load them only from where nobody else can write."""
        return FORMAT + marshal.dumps((pickle.dumps(self.facts), self.code, self.tree))

    @classmethod
    def load(cls, data: bytes) -> Compiled:
        """The policy that `dump` wrote; raises `ValueError` where another Python wrote it."""
        if not data.startswith(FORMAT):
            raise ValueError("the compiled policy was made by another version of Python")
        known, code, tree = marshal.loads(data[len(FORMAT) :])  # noqa: S302 - see `dump`
        return cls(pickle.loads(known), code, tree)  # noqa: S301 - see `dump`

    def policy(self) -> checked.Policy:
        """The checked tree that this was compiled from."""
        policy: checked.Policy = pickle.loads(self.tree)  # noqa: S301 - see `dump`
        return policy

    def bind(self, parameters: Mapping[str, Any], environment: str | None = None) -> Evaluator:
        """An evaluator with the values of the parameters: `parameters`, portable and by qualified name, beat
        those of the environment, which beat the defaults. What belongs to other policies is passed over.

        Raises `UsageError` where a parameter has no value.
        """
        return Evaluator(self, parameters, environment)


def compile_policy(policy: checked.Policy) -> Compiled:
    """The compiled form of a checked policy."""
    return Compiled(facts(policy), b"", pickle.dumps(policy))


class Evaluator:
    """A compiled policy with its parameters: evaluates any number of images."""

    def __init__(self, compiled: Compiled, parameters: Mapping[str, Any], environment: str | None) -> None:
        self.compiled, self.parameters, self.environment = compiled, parameters, environment
        self.values = settled(compiled.facts, parameters, environment)

    def evaluate(self, view: View) -> Outcome:
        """What the policy says of the image in `view`. Never raises: a rule that cannot be evaluated is undetermined."""
        from policyengine.language.interpreter import interpret

        return interpret(self.compiled.policy(), view, self.parameters, self.environment)
