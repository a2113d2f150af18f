"""Well-typed policies and evidence by chance: the compiler says what the interpreter says.

An input is a seed for hypothesis, which draws the policies and the evidence of the tests of `language`, and cuts down
what fails by itself.
"""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, seed, settings

from policyengine.language import checked
from policyengine.language.compiler import compile_policy
from policyengine.language.interpreter import interpret
from policyengine.language.view import View
from tests.language.chance import policies
from tests.language.views import views

CASES = 1  # the tests of `language` draw enough
DRAWN = 25
"""Policies of one case."""


def make_input(random: Random) -> int:
    """A seed."""
    return random.getrandbits(32)


def check(number: int) -> None:
    """Whatever is drawn has one meaning."""

    @seed(number)
    @settings(max_examples=DRAWN, database=None, derandomize=False, suppress_health_check=list(HealthCheck))
    @given(policies(), views())
    def agree(subject: checked.Policy, view: View) -> None:
        assert compile_policy(subject).bind({})._evaluate(view) == interpret(subject, view, {})

    agree()
