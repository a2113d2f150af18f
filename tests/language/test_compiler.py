"""Compiled policies say what the interpreter says, to the letter."""

from __future__ import annotations

from hypothesis import given

from policyengine.language import checked
from policyengine.language.compiler import compile_policy
from policyengine.language.evaluation import Outcome
from policyengine.language.interpreter import interpret
from policyengine.language.view import View
from tests.language.chance import policies
from tests.language.views import views


def evaluated(policy: checked.Policy, view: View) -> Outcome:
    """What the generated code says; unlike `evaluate` this does not fall back on the interpreter."""
    return compile_policy(policy).bind({})._evaluate(view)


@given(policies(), views())
def test_generated_code_and_the_interpreter_agree(policy: checked.Policy, view: View) -> None:
    expected = interpret(policy, view, {})

    assert evaluated(policy, view) == expected
    missing = [v.missing for rule in expected.rules for v in rule.violations if v.missing is not None]
    assert not any("could not be evaluated" in reason for reason in missing)
    assert all(missing)
