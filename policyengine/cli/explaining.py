"""What `explain` does once its options are known: codes, the meaning of rules, or the reasons of a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from policyengine.cli import codes, explanations, meanings
from policyengine.cli.asking import Options
from policyengine.cli.output import outputs, put
from policyengine.cli.selecting import Arguments, chosen, sorted_out
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.evidence.problems import closest, quoted
from policyengine.language.meaning import Meanings
from policyengine.language.policyset import PolicySet, shipped
from policyengine.reports.look import Page
from policyengine.testing.excerpts import Excerpts

Forms = Mapping[str, Callable[[Page], str]]
"""What is to be said, by the name of the format."""


def run(terminal: Terminal, options: Options, rules: tuple[str, ...], decision: str | None) -> int:
    """Explain what the arguments name; the exit code."""
    wanted = outputs(options.outputs, ("table", "json"))
    if codes.asked(options.arguments) and not options.policies and decision is None:
        code, forms = 0, _codes(options.arguments)
    else:
        code, forms = _explained(terminal, options, sorted_out(options, rules), decision)
    for output in wanted:
        page = Page(terminal.look() if output.path is None else replace(terminal.look(), width=0, colour=False))
        put(terminal, output, forms[output.format](page))
    return code


def _codes(named: Sequence[str]) -> Forms:
    found = [codes.explained(code) for code in named]
    return {"json": lambda _: codes.document(found), "table": lambda page: codes.text(page, found)}


def _explained(terminal: Terminal, options: Options, arguments: Arguments, decision: str | None) -> tuple[int, Forms]:
    if not arguments.references and decision is None:
        meant = _meant(options, arguments)
        return 0, {"json": lambda _: meanings.document(meant), "table": lambda page: meanings.text(page, meant)}
    from policyengine.cli.reasons import explained

    code, found = explained(terminal, options, arguments, decision)
    return code, {"json": lambda _: explanations.document(found), "table": lambda page: explanations.text(page, found)}


# ---------------------------------------------------------------------------- what rules mean


def _meant(options: Options, arguments: Arguments) -> meanings.Meant:
    policies = PolicySet.load(*arguments.paths)
    wanted = chosen(policies, arguments.rules)
    given = policies.parameters(options.parameters) if options.parameters else {}
    known = {each.name for policy in policies.program.policies for each in policy.environments}
    if options.environment is not None and options.environment not in known:
        near = closest(options.environment, sorted(known))
        listed = f"the environments are {', '.join(sorted(known))}" if known else "none is declared"
        help = f"did you mean `{near}`?" if near else listed
        raise UsageError(f"no policy has an environment {quoted(options.environment)}", help)
    excerpts = Excerpts((*policies.sources, *shipped()))
    found = (
        Meanings(policy, excerpts.text, options.environment, given).policy_meaning(wanted)
        for policy in policies.program.policies
    )
    shown = [meaning for meaning in found if meaning.rules]
    return meanings.Meant(policies, options.environment, shown)
