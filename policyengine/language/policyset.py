"""A policy set: the files named on a command line, compiled, with a digest (language reference, section 3).

Compiling costs a parser and a checker; a set whose sources did not change comes from the private
cache instead, and then neither is imported.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyengine.decision.model import Decision, PolicySetSummary, Subject
from policyengine.errors import PolicyError, UsageError
from policyengine.language import source as sources
from policyengine.language.source import SUFFIX, Source
from policyengine.language.summary import CONFIGURED, Summary

if TYPE_CHECKING:
    from policyengine.evidence.assembly import Evidence
    from policyengine.language.checked import Program, Test
    from policyengine.language.diagnostics import Diagnostic

LIBRARY = "policies"
"""The folder of the engine's own policies: in the wheel inside the package, in a checkout beside it."""


class PolicySet:
    """Policies that compile. Frozen: evaluating never changes it.

    `digest` is over the sources of the set, however their files are called; `policies` are their names.
    """

    __slots__ = ("_program", "_sources", "summary")

    def __init__(self, texts: Sequence[Source], summary: Summary, program: Program | None = None) -> None:
        self._sources, self.summary, self._program = tuple(texts), summary, program

    @classmethod
    def load(cls, *paths: str | Path) -> PolicySet:
        """The policies in the files and folders `paths`, folders read recursively.

        Raises `UsageError` for what is not there or no text, and `PolicyError` with every diagnostic for
        what does not compile.
        """
        return cls.compile(read_all(paths))

    @classmethod
    def parse(cls, text: str, name: str = "<text>") -> PolicySet:
        """The policy set whose one file has the content `text`; `name` is its path in diagnostics."""
        return cls.compile([Source(name, text)])

    @classmethod
    def compile(cls, texts: Sequence[Source]) -> PolicySet:
        """The policy set of some sources, from the cache where they were compiled before."""
        from policyengine import cache

        key = _key(texts)
        cached = cache.load("policyset", key)
        if cached is not None and (summary := Summary.load(cached)) is not None:
            return cls(texts, summary)
        program, found = check(texts)
        if any(diagnostic.severity == "error" for diagnostic in found):
            raise failure(found)
        summary = Summary.of(program, found, digest(texts))
        cache.store("policyset", key, summary.dump())
        return cls(texts, summary, program)

    @property
    def digest(self) -> str:
        return self.summary.digest

    @property
    def policies(self) -> tuple[str, ...]:
        return self.summary.names

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What compiles and probably is not meant."""
        return self.summary.diagnostics()

    def expiring(self, at: datetime) -> tuple[Diagnostic, ...]:
        """A warning for each waiver that has expired at the instant `at`, or soon will."""
        from policyengine.language.compiler import Compiled
        from policyengine.language.expiry import ends_soon, expiring

        waivers = (each for policy in self.summary.policies for each in Compiled.load(policy.compiled).facts.waivers)
        if not any(ends_soon(waiver.expires, at) for waiver in waivers):  # then there is no need for the program
            return ()
        return tuple(expiring((waiver for policy in self.program.policies for waiver in policy.waivers), at))

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that this set was made of."""
        return self._sources

    @property
    def program(self) -> Program:
        """The checked program; compiled again where this set came from the cache."""
        if self._program is None:
            self._program = check(self._sources)[0]
        return self._program

    @property
    def tests(self) -> tuple[Test, ...]:
        return self.program.tests

    def parameters(self, given: Iterable[str]) -> dict[str, Any]:
        """Parameters written as `NAME=VALUE`, or `POLICY.NAME=VALUE`, in portable form by their qualified names.

        Raises `UsageError` for what no policy declares and for values of another type.
        """
        from policyengine.language.settings import parameters

        return parameters(self.summary, given)

    def decide(
        self,
        evidence: Evidence,
        *,
        at: datetime,
        environment: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        subject: Subject | None = None,
    ) -> Decision:
        """The decision about one image; pure. `parameters` are portable values by qualified name.

        Raises `UsageError` for an environment or parameter that is missing or that no policy declares.
        """
        from policyengine.language.deciding import decide

        self.settle(environment, parameters or {})
        return decide(self.summary, evidence, at, environment, parameters or {}, subject)

    def settle(self, environment: str | None, parameters: Mapping[str, Any]) -> None:
        """Raise `UsageError` for an environment or parameter that is missing or that no policy declares."""
        from policyengine.language.deciding import settle

        settle(self.summary, environment, parameters)

    def shown(self, environment: str | None, parameters: Mapping[str, Any]) -> PolicySetSummary:
        """This set as a report states it."""
        from policyengine.language.deciding import shown

        return shown(self.summary, environment, parameters)

    # -------------------------------------------------------------- what it asks for

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of documents that any policy asks for, of those that every policy knows."""
        own = {kind.name for policy in self.summary.policies for kind in policy.kinds}
        return frozenset(kind for policy in self.summary.policies for kind in policy.documents) - own

    @property
    def artifact_types(self) -> frozenset[str]:
        """The artifact types of the kinds of documents that the policies declare."""
        return frozenset(kind.artifact_type for policy in self.summary.policies for kind in policy.kinds)

    @property
    def accepts(self) -> frozenset[str]:
        """The kinds of documents that some policy takes unsigned; `declared` stands for any of its own kinds."""
        policies = self.summary.policies
        named = {kind.name for policy in policies for kind in policy.kinds}
        taken = {kind for policy in policies for kind in policy.accepts}
        return frozenset(taken - named | ({"declared"} if taken & named else set()))

    @property
    def configuration(self) -> bool:
        """Whether a rule reads what only the image's configuration holds."""
        return any(policy.demand.get("image", frozenset()) & CONFIGURED for policy in self.summary.policies)


def decide(
    policies: PolicySet,
    evidence: Evidence,
    *,
    at: datetime,
    environment: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Decision:
    """The decision of `policies` about one image of which `evidence` is all that is known; pure.

    `at` is the instant of the evaluation, aware. Raises `UsageError` as `PolicySet.decide` does.
    """
    return policies.decide(evidence, at=at, environment=environment, parameters=parameters)


# ---------------------------------------------------------------------------- files


def read_all(paths: Iterable[str | Path]) -> list[Source]:
    """The sources in files and folders, each file once, in the order of their paths."""
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        found = list(_files(path))
        if not found:
            raise UsageError(f"no `*{SUFFIX}` file in `{path}`", "name a policy file, or a folder that contains one")
        files.update({os.path.realpath(file): file for file in found})
    if not files:
        raise UsageError("no policy was named", "name the files or folders that hold your policies")
    return [sources.read(file) for file in sorted(files.values())]


def _files(path: Path) -> Iterable[Path]:
    """The policy files that `path` names."""
    if not path.is_dir():
        if not path.exists():
            raise UsageError(f"there is no `{path}`", "name the files or folders that hold your policies")
        return [path]
    return (_regular(file) for file in _inside(path) if file.name.endswith(SUFFIX))


def _inside(path: Path) -> Iterable[Path]:
    """All files in the folder `path`, links to other folders followed: a policy that is passed over denies nothing.

    Each folder is read once, so that links in a circle end.
    """
    seen: set[str] = set()
    for folder, inner, names in os.walk(path, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
        else:
            seen.add(real)
            yield from (Path(folder) / name for name in names)


def _regular(path: Path) -> Path:
    """`path`, unless it is a pipe, which somebody who named its folder cannot mean: reading one waits for ever."""
    if path.is_fifo():
        raise UsageError(f"`{path}` is a pipe and not a file", "name it by itself, or remove it from the folder")
    return path


def _unreadable(error: OSError) -> None:
    """A folder that cannot be listed must not look empty."""
    raise UsageError(f"cannot read the folder `{error.filename}`: {(error.strerror or 'input error').lower()}")


def shipped() -> list[Source]:
    """The engine's own libraries, `std.*`."""
    package = Path(__file__).resolve().parent.parent
    places = (package / LIBRARY / "std", package.parent / LIBRARY / "std")
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        return []
    return [Source(f"std/{file.name}", sources.read(file).text) for file in sorted(folder.glob(f"*{SUFFIX}"))]


# ---------------------------------------------------------------------------- compiling


def check(texts: Sequence[Source]) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program that sources are, and every problem of all of them, in order."""
    from policyengine.language import checker, letters, parser
    from policyengine.language.diagnostics import order

    parsed = [parser.parse(text) for text in texts]
    libraries = [parser.parse(text)[0] for text in shipped()]
    std = {f"std.{file.name.text}": file for file in libraries if file is not None and file.kind == "library"}
    program, problems = checker.check([file for file, _ in parsed if file is not None], std)
    syntax = [diagnostic for _, found in parsed for diagnostic in found]
    said = {diagnostic.span for diagnostic in syntax}
    doubles = [each for text in texts for each in letters.doubles(text) if each.span not in said]
    return program, tuple(sorted((*syntax, *doubles, *problems), key=order))


def failure(found: Sequence[Diagnostic]) -> PolicyError:
    """The exception for policies that do not compile."""
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    first = errors[0]
    place = f"{first.span.path}:{first.span.line}:{first.span.column}"
    more = f" ({len(errors)} errors in all)" if len(errors) > 1 else ""
    message = f"the policies do not compile: {place}: {first.message}{more}"
    return PolicyError(message, "run `policyengine check` to see every problem", tuple(found))


def digest(texts: Sequence[Source]) -> str:
    """The digest of a policy set: over what its files say, not over where they are or how their lines end."""
    parts = sorted(hashlib.sha256(text.text.replace("\r\n", "\n").encode()).digest() for text in texts)
    return f"sha256:{hashlib.sha256(b''.join(parts)).hexdigest()}"


def _key(texts: Sequence[Source]) -> bytes:
    """What a compiled set depends on: paths and texts, the engine, the interpreter."""
    key = hashlib.sha256(f"{sys.version}\0{_build()}".encode())
    for text in (*texts, *shipped()):
        for part in (text.path, text.text):
            data = part.encode("utf-8", "surrogatepass")
            key.update(len(data).to_bytes(8, "big") + data)
    return key.digest()


COMPILING = ("language", "evidence", "evidence/data", "evidence/versions", "oci", "")
"""The folders of the package on which compiling depends: `evidence` reads and normalises the literals of a policy."""


def _build() -> str:
    """This build of the compiler, by its version and files: a change to one makes every cached set another."""
    from policyengine import __version__
    from policyengine.language.grammar import grammar_file

    package = Path(__file__).resolve().parent.parent
    files = [file for folder in COMPILING for file in _listed(package / folder)]
    files.append(_stated("", grammar_file().stat()))
    return "\0".join([__version__, *files])


def _listed(folder: Path) -> list[str]:
    """Name, size and time of each file in `folder`."""
    with os.scandir(folder) as entries:
        return sorted(_stated(entry.path, entry.stat()) for entry in entries if entry.is_file())


def _stated(name: str, status: os.stat_result) -> str:
    return f"{name} {status.st_size} {status.st_mtime_ns}"
