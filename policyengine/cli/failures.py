"""What went wrong, as one sentence on standard error, and the exit code that says so."""

from __future__ import annotations

import errno
import select
import sys
from collections.abc import Sequence
from itertools import pairwise

import click
from click.exceptions import NoSuchOption

from policyengine.cli.main import CLOSED, FAULT, INTERRUPTED
from policyengine.cli.terminal import Terminal, silence
from policyengine.errors import PolicyEngineError, PolicyError, UsageError
from policyengine.evidence.problems import closest, quoted
from policyengine.reports.safe import orderless, printable


def answer(problem: Exception, arguments: Sequence[str]) -> int:
    """Say what `problem` was; the exit code. `arguments` are the command line, which may not have been parsed."""
    terminal = _terminal(arguments)
    error: PolicyEngineError
    match problem:
        case click.Abort():
            return INTERRUPTED
        case BrokenPipeError() if _reader_left():
            return CLOSED
        case OSError(errno=errno.ENOSPC):  # help and version, which click writes; whatever else writes says where
            silence(sys.stdout)
            error = UsageError("cannot write to standard output: no space left on device")
        case click.ClickException():
            error = explained(problem)
        case PolicyError():
            from policyengine.cli.diagnostics import explain

            explain(terminal, problem.diagnostics)
            error = problem
        case PolicyEngineError():
            error = problem
        case _:
            error = fault(problem)
            if terminal.verbose:
                _traceback(terminal, problem)
    terminal.error(error)
    return error.exit_code


def _terminal(arguments: Sequence[str]) -> Terminal:
    """The terminal as the command line wants it, read without understanding the rest."""
    colour = "auto"
    for before, after in pairwise([*arguments, ""]):
        choice = before.partition("=")[2] if before.startswith("--color=") else after if before == "--color" else ""
        colour = choice if choice in ("always", "never") else colour
    verbose = any(argument in ("-v", "--verbose") for argument in arguments)
    return Terminal(colour, verbose=verbose)


def _reader_left() -> bool:
    """Whether it was standard output that broke, and not some other pipe."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLERR)
    left = any(event & select.POLLERR for _, event in poll.poll(0))
    if left:
        silence(sys.stdout)
    return left


def fault(problem: Exception) -> PolicyEngineError:
    """A fault of this program, which is never a decision."""
    error = PolicyEngineError(
        f"this is a fault of policyengine, not of your input: {type(problem).__name__}: {sentence(str(problem))}",
        "run the command again with -v, and report what it prints; nothing was allowed",
    )
    assert error.exit_code == FAULT
    return error


def _traceback(terminal: Terminal, problem: Exception) -> None:
    from traceback import format_exception

    lines = "".join(format_exception(problem)).splitlines()
    terminal.complain(orderless("\n".join(map(printable, lines)) + "\n"))


def explained(problem: click.ClickException) -> UsageError:
    """What click says of a command line, in our words."""
    context = getattr(problem, "ctx", None)
    manual = f"see `{context.command_path} --help`" if context else "see `policyengine --help`"
    if isinstance(problem, NoSuchOption):
        known = [name for param in context.command.get_params(context) for name in param.opts] if context else []
        near = closest(problem.option_name, known) if problem.option_name.startswith("--") else None
        message = f"there is no option {quoted(problem.option_name)}"
        return UsageError(message, f"did you mean `{near}`?" if near else manual)
    return UsageError(sentence(problem.format_message()), manual)


def sentence(text: str) -> str:
    """A message of somebody else's in our form: one line, lower case, no full stop, cut short."""
    text = " ".join(text.split()).rstrip(".")[:500]
    return text[:1].lower() + text[1:]
