"""The command `policyengine`: runs one subcommand and answers with its exit code.

0 allow, done · 1 deny, failed · 2 wrong use, invalid policy · 3 could not decide · 5 no test found · 130 interrupted.
Whatever goes wrong is one sentence on standard error; a traceback is shown only with `-v`, and only for a fault of
this program.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

FAULT = 3
"""The exit code of a fault of this program: nothing was decided."""
INTERRUPTED = 130
CLOSED = 141
"""The exit code of every program whose reader left before it was done."""
YOUNG = 100_000
"""Objects that are made before Python looks for unused ones that refer to each other in a circle. Its own figure is
700: it would look seventy times while the modules of an `eval` are imported, find none, and take 15 of its 250 ms."""
SWITCH = 0.0005
"""Seconds for which one of several threads may hold the interpreter. With Python's own 5 ms every request and every
answer would wait that long for what another thread imports or reads."""
COMPLETE = "_POLICYENGINE_COMPLETE"
"""Set by shells that ask for completions; click answers."""


def main() -> None:
    """The entry point: runs the command that the command line names, and ends the process."""
    gc.set_threshold(YOUNG)
    sys.setswitchinterval(SWITCH)
    _prepare()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        code = code or CLOSED
    # An orderly end would take down some four hundred modules one by one, which is a sixth of the processor time of an
    # `eval`, and would wait for threads that wait for a registry. Nothing is left to do that needs it.
    os._exit(code)


def _prepare() -> None:
    """Give closed streams a place to go, and let the others escape what their encoding does not have."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 # open to the end
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # not a stranger's object yet


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; the exit code."""
    from click.exceptions import Exit

    from policyengine.cli.commands import policyengine
    from policyengine.errors import UsageError

    try:
        if any("\0" in argument for argument in arguments):
            raise UsageError("an argument holds a NUL character, which no path and no name can hold")
        if COMPLETE in os.environ:
            return int(policyengine.main(list(arguments), "policyengine", standalone_mode=False) or 0)
        with policyengine.make_context("policyengine", list(arguments)) as context:
            return int(policyengine.invoke(context) or 0)
    except Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, EOFError):
        return INTERRUPTED
    except Exception as problem:  # noqa: BLE001 # the last line of defence: one sentence, and never a pass
        from policyengine.cli.failures import answer

        return answer(problem, arguments)


if __name__ == "__main__":
    main()
