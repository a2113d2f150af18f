"""Compiled policies say what the interpreter says, to the letter, and fail into it."""

from __future__ import annotations

import marshal
from dis import get_instructions
from types import CodeType
from typing import Any

import pytest
from hypothesis import given, settings

from policyengine.decision.combine import combine
from policyengine.language import checked, vocabulary
from policyengine.language.compiler import Compiled, compile_policy
from policyengine.language.evaluation import Outcome
from policyengine.language.interpreter import Interpreter, interpret
from policyengine.language.view import View
from tests.language.chance import policies
from tests.language.problems import program
from tests.language.samples import finding, policy, rule, view
from tests.language.views import views


def evaluated(subject: checked.Policy, seen: View) -> Outcome:
    """What the generated code says; unlike `evaluate` this does not fall back on the interpreter."""
    return compile_policy(subject).bind({})._evaluate(seen)


@given(policies(), views())
def test_generated_code_and_the_interpreter_agree(subject: checked.Policy, seen: View) -> None:
    expected = interpret(subject, seen, {})

    assert evaluated(subject, seen) == expected
    missing = [v.missing for rule in expected.rules for v in rule.violations if v.state == "undetermined"]
    assert all(missing)
    assert not any("could not be evaluated" in str(reason) for reason in missing)


@settings(max_examples=20)
@given(policies(), views())
def test_a_dump_evaluates_like_what_it_was_made_of(subject: checked.Policy, seen: View) -> None:
    compiled = compile_policy(subject)

    loaded = Compiled.load(compiled.dump())

    assert loaded.facts == compiled.facts
    assert loaded.bind({}).evaluate(seen) == compiled.bind({}).evaluate(seen)


def test_a_dump_of_another_python_is_refused() -> None:
    data = compile_policy(rule("forbid finding")).dump()

    with pytest.raises(ValueError, match="another version of Python"):
        Compiled.load(data.replace(b"cpython", b"cpyth0n", 1))


def test_evaluators_of_one_policy_do_not_share_parameters() -> None:
    compiled = compile_policy(policy('param limit: int = 0\nrule r deny "t" forbid more than limit finding'))
    seen = view(findings=[finding()])

    strict, lax = compiled.bind({}), compiled.bind({"p.limit": 1})

    assert [e.evaluate(seen).rules[0].status for e in (strict, lax, strict)] == ["violated", "passed", "violated"]


# ---------------------------------------------------------------------------- failing closed


def broken(*_: Any) -> Any:
    raise RecursionError("too deep")


def test_where_generated_code_fails_the_interpreter_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = policy(
        'rule r deny "t" forbid finding message "{finding.id}"\n'
        'rule s deny "t" forbid finding where finding.tool is "x"'
    )
    expected = interpret(subject, view(findings=[finding()]), {})

    monkeypatch.setitem(vocabulary.VOCABULARY, "printed", broken)
    outcome = compile_policy(subject).bind({}).evaluate(view(findings=[finding()]))

    assert outcome == expected
    assert [r.status for r in outcome.rules] == ["violated", "passed"]


def test_a_rule_that_nobody_can_evaluate_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = policy('rule r deny "the title" require image.size < 5 + 2\nrule s deny "t" forbid finding')
    compiled = compile_policy(subject)

    monkeypatch.setattr(Interpreter, "_compare", broken)
    monkeypatch.setattr("policyengine.language.compiler.conclude", broken)
    outcome = compiled.bind({}).evaluate(view(findings=[]))

    (violation,) = outcome.rules[0].violations
    assert (violation.message, violation.state) == ("the title", "undetermined")
    assert violation.missing == "the rule could not be evaluated: RecursionError: too deep"
    assert outcome.rules[1].status == "passed"
    assert combine(outcome.rules, 1)[0] == "deny"


def test_a_scope_that_nobody_can_evaluate_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = policy('applies to image where image.size < 5\nrule s deny "t" forbid finding')
    compiled = compile_policy(subject)

    monkeypatch.setattr(Interpreter, "_compare", broken)
    monkeypatch.setattr("policyengine.language.compiler.conclude", broken)

    assert compiled.bind({}).evaluate(view(findings=[finding()])).applies


def test_conditions_nested_deeply_stay_small() -> None:
    """Each level would double the code if conditions were emitted in both polarities wherever they stand."""
    condition = 'finding.fix is "a"'
    for level in range(25):
        condition = f'some scan where (if {condition} then scan.tool is "{level}" else scan.format is "x" end)'

    compiled = compile_policy(rule(f"forbid finding where {condition}"))

    assert len(compiled.code) < 100_000


# ---------------------------------------------------------------------------- the code itself


def codes(code: CodeType) -> list[CodeType]:
    return [code, *(inner for part in code.co_consts if isinstance(part, CodeType) for inner in codes(part))]


def lines(code: CodeType) -> set[int]:
    return {line for part in codes(code) for _, _, line in part.co_lines() if line}


def test_the_lines_of_the_code_are_those_of_the_policy() -> None:
    text = 'policy p\n\nrule r deny "t"\n  forbid finding where finding.tool is "x"\n    and finding.fix is "y"\n'

    code = marshal.loads(compile_policy(program(text).policies[0]).code)

    assert {4, 5} <= lines(code)
    assert lines(code) <= {1, 2, 3, 4, 5}
    assert {part.co_filename for part in codes(code)} == {"0.policy"}


def test_functions_of_libraries_come_from_their_file() -> None:
    from policyengine.language.policyset import check
    from policyengine.language.source import Source

    library = 'library lib\ndefine bad(f: finding): bool = f.tool is "x"\n'
    main = 'policy p\nimport lib\nrule r deny "t" forbid finding where lib.bad(finding)\n'
    found, _ = check([Source("p.policy", main), Source("lib.policy", library)])

    code = marshal.loads(compile_policy(found.policies[0]).code)

    assert {part.co_filename for part in codes(code) if part.co_name.startswith("f")} == {"lib.policy"}
    assert {part.co_filename for part in codes(code)} == {"lib.policy", "p.policy"}


def test_generated_code_reaches_nothing_but_its_vocabulary() -> None:
    assert set(vocabulary.VOCABULARY["__builtins__"]) == {"bool", "enumerate", "frozenset"}


def test_an_inner_element_may_have_the_name_of_the_outer_one() -> None:
    clauses = 'forbid x in findings where some x in packages where x.version is "1" and x.version is not "2"'

    assert evaluated(rule(clauses), view(findings=[finding()], packages=[])).rules[0].status == "passed"


def test_rules_over_one_collection_share_one_loop() -> None:
    rules = "\n".join(f'rule r{n} deny "t" forbid finding where finding.tool is "{n}"' for n in range(5))

    code = marshal.loads(compile_policy(policy(rules)).code)

    evaluate = next(part for part in codes(code) if part.co_name == "evaluate")
    assert [i.opname for i in get_instructions(evaluate)].count("FOR_ITER") == 1
