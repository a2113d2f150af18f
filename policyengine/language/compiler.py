"""Compiled policies: kept as bytes, bound to parameters, evaluated against a view.

This module is what an evaluation imports; the generator of the code is imported only to compile. A compiled
policy holds the checked tree too, pickled: it is read when something undetermined has to be explained.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from policyengine.language.evaluation import Found, Outcome, conclude
from policyengine.language.facts import Facts, facts, packed, settled, unpacked
from policyengine.language.unknown import Unknown
from policyengine.language.view import View

if TYPE_CHECKING:
    from policyengine.language import checked
    from policyengine.language.hearing import Hearing

FORMAT = f"{sys.implementation.cache_tag} {sys.hexversion:x}\n".encode()
"""What a dump begins with: code objects are those of one version of Python."""


class Compiled(Struct, frozen=True):
    """A compiled policy. `code` is a marshalled code object, `tree` the pickled `checked.Policy`."""

    facts: Facts
    code: bytes
    tree: bytes

    def dump(self) -> bytes:
        """This policy as bytes. They are code: load them only from where nobody else can write."""
        return FORMAT + marshal.dumps((packed(self.facts), self.code, self.tree))

    @classmethod
    def load(cls, data: bytes) -> Compiled:
        """The policy that `dump` wrote; raises `ValueError` where another Python wrote it."""
        if not data.startswith(FORMAT):
            raise ValueError("the compiled policy was made by another version of Python")
        known, code, tree = marshal.loads(data[len(FORMAT) :])  # noqa: S302 - see `dump`
        return cls(unpacked(known), code, tree)

    def policy(self) -> checked.Policy:
        """The checked tree that this was compiled from."""
        import pickle

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
    import pickle

    from policyengine.language.generator import generate

    return Compiled(facts(policy), marshal.dumps(generate(policy)), pickle.dumps(policy))


class Evaluator:
    """A compiled policy with its parameters: evaluates any number of images."""

    def __init__(self, compiled: Compiled, parameters: Mapping[str, Any], environment: str | None) -> None:
        self.compiled, self.parameters, self.environment = compiled, parameters, environment
        self.values = settled(compiled.facts, parameters, environment)

    def evaluate(self, view: View) -> Outcome:
        """What the policy says of the image in `view`. Never raises: where the generated code fails, the
        interpreter says what can be said, rule by rule.
        """
        try:
            return self._evaluate(view)
        except Exception:  # noqa: BLE001 - whatever goes wrong in generated code, the decision must not fail open
            from policyengine.language.interpreter import interpret

            return interpret(self.compiled.policy(), view, self.parameters, self.environment)

    def _evaluate(self, view: View) -> Outcome:
        applies, evaluate = self._program
        if not applies(view):
            return Outcome(applies=False)
        return conclude(self.compiled.facts, CompiledRun(self, view, evaluate(view)), view, self.environment)

    @cached_property
    def _program(self) -> tuple[Callable[[View], bool], Callable[[View], Any]]:
        """The two functions of the generated program, bound to the parameters."""
        from policyengine.language.vocabulary import VOCABULARY

        namespace = dict(VOCABULARY)
        exec(marshal.loads(self.compiled.code), namespace)  # noqa: S102, S302 - see `Compiled.dump`
        bound: tuple[Any, Any] = namespace["bind"](self.values)
        return bound


class CompiledRun:
    """A `Run` of `evaluation` over what generated code found."""

    def __init__(self, evaluator: Evaluator, view: View, results: Any) -> None:
        self.evaluator, self.view = evaluator, view
        self._found, self._waivers, self._messages, self._helps = results

    def found(self, rule: int) -> Found | None:
        """What the rule found."""
        found: Found | None = self._found[rule]
        return found

    def covers(self, waiver: int, element: Any) -> bool:
        """Whether the waiver's condition definitely holds."""
        return bool(self._waivers[waiver](element))

    def message(self, rule: int, each: Any, element: Any, count: str) -> str:
        """The rule's message."""
        return str(self._messages[rule](each, element, count))

    def help(self, rule: int, each: Any, element: Any, count: str) -> str:
        """The rule's help."""
        return str(self._helps[rule](each, element, count))

    @cached_property
    def _hearing(self) -> Hearing:
        """The interpreter, which knows why something is not known."""
        from policyengine.language.hearing import Hearing
        from policyengine.language.interpreter import Interpreter

        return Hearing(Interpreter(self.evaluator.compiled.policy(), self.view, self.evaluator.values))

    def doubt(self, rule: int, each: Any, element: Any) -> Unknown:
        """What is not known of an element."""
        return self._hearing.doubt(rule, each, element)

    def frame_doubt(self, rule: int, each: Any) -> Unknown:
        """What is not known of an element of `for each`."""
        return self._hearing.frame_doubt(rule, each)

    def limit_doubt(self, rule: int, each: Any) -> Unknown:
        """Why the limit is not known."""
        return self._hearing.limit_doubt(rule, each)
