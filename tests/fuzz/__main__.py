"""`python -m tests.fuzz [NAME…]`: every fuzzer, or those that are named, for ten minutes in all."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.harness import fuzzers, run


def main() -> int:
    """Run the fuzzers one after the other; 1 where one found a fault, and how to see it again."""
    known = fuzzers()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all of them by default")
    parser.add_argument("--seconds", type=float, default=600, help="for all fuzzers together; 600")
    parser.add_argument("--seed", type=int, default=None, help="of the cases; another one every time")
    parser.add_argument("--case", type=int, default=None, help="one case of the seed and no other")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no fuzzer {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000_000
    names = options.names or list(known)
    failed = [_run(name, seed, options.seconds / len(names), options.case) for name in names]
    return int(any(failed))


def _run(name: str, seed: int, seconds: float, case: int | None) -> bool:
    """Whether the fuzzer called `name` found a fault."""
    module = fuzzers()[name]
    first, most = (0, None) if case is None else (case, 1)
    report = run(seconds, seed, module.make_input, module.check, first=first, most=most)
    print(f"{name}: {report.cases} cases in {report.seconds:.0f} s, seed {seed}", flush=True)  # noqa: T201
    if report.fault is None:
        return False
    fault = report.fault
    again = f"python -m tests.fuzz {name} --seed {seed} --case {fault.case}"
    print(f"{fault.trace}\ninput, cut down: {fault.input!r}\nto see it again: {again}", flush=True)  # noqa: T201
    return True


if __name__ == "__main__":
    sys.exit(main())
