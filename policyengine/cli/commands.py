"""The group of commands, and what all of them share: help by topic, and the options of every command.

A command's module is imported when the command is asked for, so that `--help` and `--version` cost little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from policyengine import __version__, limits
from policyengine.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

COMMANDS = {
    "Decide": {
        "eval": "Decide whether images may pass.",
        "compare": "Show which decisions change with other policies.",
    },
    "Write policies": {
        "init": "Write a policy, tests and a pipeline file to start from.",
        "check": "Compile policies and show every problem.",
        "test": "Run the tests in policies.",
        "fmt": "Bring policies into the one canonical form.",
    },
    "Rehearse": {
        "keys": "Make test keys.",
        "sign": "Sign an image or another artifact with a key in a file.",
    },
    "Move": {
        "pull": "Fetch evidence into a folder.",
        "copy": "Copy an image with everything attached to it.",
        "attach": "Attach files to an image.",
    },
    "Look inside": {
        "tree": "Show it verified: who signed what, and what counts.",
        "discover": "Show what is attached to an image.",
        "explain": "Say what rules mean, and why an image was decided about so.",
        "read": "Show what the engine sees in an evidence document.",
        "trust": "Show which signatures are trusted.",
        "cache": "Show or remove what is kept between runs.",
    },
    "Set up": {
        "config": "Show every setting, and where it comes from.",
        "completion": "Print what makes a shell complete this command.",
        "man": "Show or write manual pages.",
    },
}
"""The commands by topic, each with the sentence that the help shows for it."""

TOPICS = ("Images", "Policies", "Trust", "Registry", "Verdict", "Records", "Options", "Output", "Configuration")
"""The order of the topics of options in the help of a command; any other stands before the last three."""

EXAMPLES = (
    "policyengine eval registry.example.com/prod/app@sha256:… policies/",
    "policyengine eval --from-manifest deployment.yaml policies/ -o junit=images.xml",
    "policyengine init && policyengine test policies/",
    "policyengine COMMAND --help",
)

EXIT_CODES = "Exit codes: 0 allow · 1 deny · 2 wrong use or invalid policy · 3 could not decide"


class Group(click.Group):
    """The commands, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        from importlib import import_module

        command: click.Command = import_module(f"policyengine.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise _no_command(name, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # see above
        for topic, commands in COMMANDS.items():
            with formatter.section(topic):
                formatter.write_dl(list(commands.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # see above
        with formatter.section("Examples"):
            for example in EXAMPLES:  # a line each: half a command is of no use
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        formatter.write_paragraph()
        formatter.write_text(EXIT_CODES)


def _no_command(name: str, known: list[str]) -> UsageError:
    from policyengine.evidence.problems import closest, quoted

    near = closest(name, known)
    advice = f"did you mean `{near}`?" if near else f"the commands are {', '.join(known)}"
    return UsageError(f"there is no command {quoted(name)}", advice)


class Paths(click.types.StringParamType):
    """A text that may name a file: a shell completes it so."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG002
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="dir" if param.metavar == "DIR" else "file")]


class Option(click.Option):
    """An option that stands under a `topic` in the help."""

    def __init__(self, *names: Any, topic: str = "Options", **more: Any) -> None:
        super().__init__(*names, **more)
        self.topic = topic
        if self.metavar in ("FILE", "DIR", "PATH"):
            self.type = Paths()


class Command(click.Command):
    """A command whose options are shown by topic, and which answers with its exit code.

    Where it is `settled` its options take what the environment or a configuration says.
    """

    settled = True

    def __init__(self, *names: Any, **more: Any) -> None:
        super().__init__(*names, **more)
        for param in self.params:
            if isinstance(param, click.Argument) and isinstance(param.type, click.types.StringParamType):
                param.type = Paths()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            rest = super().parse_args(ctx, args)
        except click.UsageError as problem:
            problem.ctx = problem.ctx or ctx  # whose help is the one to see
            raise
        for param in () if ctx.resilient_parsing else self.params:
            _given(ctx, param)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        if self.settled:
            from policyengine.cli.configuration import settle

            settle(ctx)
        return super().invoke(ctx)

    def topics(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """The options with what the help says of each, by topic."""
        topics: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                topics.setdefault(getattr(param, "topic", "Options"), []).append(record)
        return dict(sorted(topics.items(), key=lambda topic: _rank(topic[0])))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for topic, records in self.topics(ctx).items():
            with formatter.section(topic):
                formatter.write_dl(records)


def _given(ctx: click.Context, param: click.Parameter) -> None:
    """Refuse an empty text: it comes of a variable that is not set, and as a path it would be the working folder."""
    value = ctx.params.get(str(param.name))
    if ctx.get_parameter_source(str(param.name)) is not click.core.ParameterSource.COMMANDLINE:
        return
    if value == "" or (isinstance(value, tuple) and "" in value):
        name = param.opts[0] if isinstance(param, click.Option) else param.make_metavar(ctx)
        raise UsageError(f"`{name}` is empty", "give it a value or leave it out; is a variable not set?")


def _rank(topic: str) -> int:
    return TOPICS.index(topic if topic in TOPICS else "Records")


def option(*names: str, topic: str = "Options", **more: Any) -> Callable[[F], F]:
    """An option under a topic of the help."""
    return click.option(*names, cls=Option, topic=topic, **more)


def trusting(function: F) -> F:
    """The options that say whose signatures count."""
    store = "The folder that contains x509/ca/…; Notation's truststore."
    policy = "Notation's trustpolicy.json; where Notation keeps it."
    function = option("--trust-store", topic="Trust", metavar="DIR", help=store)(function)
    return option("--trust-policy", topic="Trust", metavar="FILE", help=policy)(function)


def judging(function: F) -> F:
    """The options that say about which images is decided, when, by what parameters and trust, and how they are had."""
    for add in (
        option("--no-cache", topic="Registry", is_flag=True, help="Neither use nor keep what registries served."),
        option("--offline", topic="Registry", is_flag=True, help="Open no connection: layouts only."),
        option("--referrers", topic="Registry", type=click.Choice(["auto", "api", "tag"]), default="auto",
               help="How to find what is attached: by the API, by tags, or both."),
        option("--workers", topic="Registry", type=int, default=8, metavar="N", help="Requests at once; 8."),
        option("--max-signatures", topic="Registry", type=int, default=limits.SIGNATURES_PER_SUBJECT, metavar="N",
               help="Signatures tried of one artifact; 100."),
        option("--timeout", topic="Registry", type=float, default=60.0, metavar="SECONDS", help="For one image; 60."),
        option("--ca-file", topic="Registry", metavar="FILE", help="Certificates of the registry's authority, as PEM."),
        option("--plain-http", topic="Registry", is_flag=True, help="Without TLS; loopback names need no flag."),
        option("--registry-config", topic="Registry", metavar="FILE", help="Logins, as `docker login` keeps them."),
        trusting,
        option("--param", "parameters", topic="Policies", multiple=True, metavar="NAME=VALUE",
               help="A `param` of the policies."),
        option("--environment", topic="Policies", metavar="NAME", help="An `environment` of the policies."),
        option("--at", "--effective-time", "at", topic="Policies", metavar="TIME",
               help="The instant of the evaluation (RFC 3339); now."),
        option("--platform", topic="Images", metavar="OS/ARCH[/VARIANT]",
               help="Decide about one platform of an index."),
        option("--repository", topic="Images", metavar="NAME", help="The repository that a layout's image stands for."),
        option("--oci-layout", topic="Images", is_flag=True,
               help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout."),
        option("-p", "--policy", "policies", topic="Policies", multiple=True, metavar="PATH",
               help="A policy file or folder, said outright."),
    ):  # fmt: skip
        function = add(function)
    return function


def shared(function: F) -> F:
    """The options that every command has; the command gets them as `terminal`."""

    def run(color: str, quiet: bool, verbose: bool, **more: Any) -> Any:
        from policyengine.cli.terminal import Terminal

        return function(terminal=Terminal(color, quiet, verbose), **more)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined] # click's own place
    choices = click.Choice(["auto", "always", "never"])
    for add in (
        option("--no-config", is_flag=True, topic="Configuration", help="Pass over a file that would be found."),
        option(
            "--config",
            metavar="FILE",
            topic="Configuration",
            help="Settings; a policyengine.toml or pyproject.toml here or above is found.",
        ),
        option("-v", "--verbose", is_flag=True, topic="Output", help="Show more, and a traceback for a fault."),
        option("-q", "--quiet", is_flag=True, topic="Output", help="Show the verdict alone, and no warnings."),
        option("--color", type=choices, default="auto", topic="Output", help="When to paint; NO_COLOR is respected."),
    ):
        run = add(run)
    return run  # type: ignore[return-value] # it takes what click gives it


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Group, invoke_without_command=True, context_settings=SETTINGS)
@click.version_option(__version__, message="policyengine %(version)s")
@click.pass_context
def policyengine(context: click.Context) -> None:
    """Decides whether a container image may pass, from its signatures, scans and SBOMs."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)
