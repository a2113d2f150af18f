"""The frame around every command: help, versions, faults, pipes and interruptions."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import policyengine as package
from policyengine.cli import commands
from tests.cli.example import CLEAN, TRUST, VULNERABLE
from tests.command import HEEDING, START, policyengine
from tests.example import AT, POLICIES

COMMANDS = tuple(name for commands in commands.COMMANDS.values() for name in commands)


def test_version() -> None:
    ran = policyengine("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"policyengine {package.__version__}\n", "")


def test_help_is_grouped_by_topic_and_names_every_command() -> None:
    ran = policyengine("--help")
    assert ran.code == 0
    topics = re.findall(r"^(\w[\w ]+):$", ran.out, re.MULTILINE)
    assert topics == ["Options", *commands.COMMANDS, "Examples"]
    for command in COMMANDS:
        assert re.search(rf"^  {command}\s+[A-Z].*\.$", ran.out, re.MULTILINE)
    assert policyengine("-h").out == ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_and_the_shared_options(command: str) -> None:
    ran = policyengine(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"policyengine {command} " in ran.out or f"policyengine {command}\n" in ran.out
    for shared in ("--color", "-q, --quiet", "-v, --verbose"):
        assert shared in ran.out
    assert "Exit codes: 0 " in ran.out
    assert "Examples:" in ran.out


def test_nothing_at_all_is_wrong_use() -> None:
    ran = policyengine()
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: policyengine" in ran.err


@pytest.mark.parametrize(("arguments", "said"), [
    (["evl"], "did you mean `eval`?"),
    (["tre", "x"], "did you mean `tree`?"),
    (["nonsense"], "the commands are eval, compare"),
    (["--versoin"], "did you mean `--version`?"),
    (["check", "--colour", "always"], "did you mean `--color`?"),
    (["\x1b[31mred"], r"\u{1b}[31mred"),
])  # fmt: skip
def test_wrong_commands_and_options(arguments: list[str], said: str) -> None:
    ran = policyengine(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.startswith("error[PE100]: ")


def loaded(*arguments: object) -> set[str]:
    """The modules that a command has loaded when it is done."""
    code = "import sys; from policyengine.cli.main import run; run(sys.argv[1:]); print('\\n', *sys.modules)"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return set(ran.stdout.splitlines()[-1].split())


def test_commands_load_only_what_they_need() -> None:
    network = {"httpx", "ssl", "http.client"}
    assert not loaded("--help") & {*network, "cryptography", "lark", "rich", "pydantic", "msgspec"}
    assert not loaded("--version") & {*network, "cryptography", "lark", "rich", "pydantic", "msgspec"}
    assert not loaded("check", POLICIES) & {*network, "cryptography", "rich", "pydantic"}
    offline = loaded("eval", "--oci-layout", CLEAN, POLICIES, "--at", AT, *TRUST)
    assert not offline & {"httpx", "rich", "pydantic"}
    warm = loaded("eval", "--oci-layout", CLEAN, POLICIES, "--at", AT, *TRUST)
    assert not warm & {"lark"}


# ---------------------------------------------------------------------------- faults


def broken(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`eval` of the example with an engine that fails."""
    code = (
        "import sys, policyengine.engine as engine\n"
        "def fail(*_): raise KeyError('##vso[task.complete result=Succeeded;] \\x1b[2J')\n"
        "engine.decide_about = fail\n" + START
    )
    command = [
        sys.executable,
        "-c",
        code,
        "eval",
        "--oci-layout",
        CLEAN,
        str(POLICIES),
        *map(str, (*TRUST, *arguments)),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


def test_a_fault_of_the_program_is_never_a_pass_and_one_sentence() -> None:
    for more in ((), ("--no-fail",), ("-o", "json")):
        ran = broken(*more)
        assert (ran.returncode, ran.stdout) == (3, "")
        assert ran.stderr.startswith("error[PE000]: this is a fault of policyengine, not of your input: KeyError")
        assert "Traceback" not in ran.stderr
        assert "##vso[" not in ran.stderr
        assert "\x1b" not in ran.stderr


def test_the_traceback_is_for_those_who_ask() -> None:
    ran = broken("-v")
    assert ran.returncode == 3
    assert "Traceback (most recent call last)" in ran.stderr
    assert "##vso[" not in ran.stderr


# ---------------------------------------------------------------------------- pipes and signals


@pytest.mark.parametrize(("image", "code"), [(CLEAN, 0), (VULNERABLE, 1)])
def test_a_reader_who_leaves_changes_neither_the_answer_nor_the_peace(image: str, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", START, "eval", "--oci-layout", image, str(POLICIES), "--at", AT, *map(str, TRUST)]
    command += ["--repository", "registry.example.com/prod/order-api"]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=os.environ)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (code, "")


def test_help_into_a_closed_pipe_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", START, "--help"]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=os.environ)
    os.close(writing)
    assert ran.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_change_nothing(closed: str) -> None:
    command = [sys.executable, "-c", START, "eval", "--oci-layout", VULNERABLE, str(POLICIES), "--at", AT]
    command += [*map(str, TRUST), "--repository", "registry.example.com/prod/order-api"]
    ran = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *command], capture_output=True, check=False, env=os.environ
    )
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_help_in_a_poor_encoding() -> None:
    ran = policyengine("eval", "--help", PYTHONIOENCODING="ascii")
    assert (ran.code, ran.err) == (0, "")
    assert "--trust-policy" in ran.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_answer_that_cannot_be_written_is_no_pass() -> None:
    command = [sys.executable, "-c", START, "eval", "--oci-layout", CLEAN, str(POLICIES), "--at", AT, *map(str, TRUST)]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=os.environ)
    assert ran.returncode == 2
    assert "cannot write to standard output: no space left on device" in ran.stderr


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_that_cannot_be_written_is_no_fault_of_the_program(option: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", START, option]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        2, "error[PE100]: cannot write to standard output: no space left on device\n"
    )  # fmt: skip


def test_an_interruption_is_quiet_and_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/app:1"
        command = [sys.executable, "-c", START, "eval", image, str(POLICIES), *map(str, TRUST)]
        process = subprocess.Popen(
            [*HEEDING, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        silent.settimeout(30)
        connection, _ = silent.accept()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        connection.close()
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err


# ---------------------------------------------------------------------------- what a user types


@pytest.mark.parametrize("arguments", [
    ("check", ""),
    ("check", POLICIES, ""),
    ("eval", "--oci-layout", CLEAN, "--policy", ""),
    ("eval", "--oci-layout", CLEAN, POLICIES, "--repository", ""),
    ("eval", "localhost:1/app:1", POLICIES, "--ca-file", ""),
    ("trust", "--trust-store", ""),
    ("pull", "--oci-layout", CLEAN, "--to", ""),
    ("init", ""),
    ("man", "--write", ""),
])  # fmt: skip
def test_an_empty_value_is_no_working_folder_and_no_default(arguments: tuple[object, ...], tmp_path: Path) -> None:
    ran = policyengine(*arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "is empty" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("fmt", "-o", "json"), ("fmt", "--run"), ("check", "--at")])
def test_the_advice_is_the_help_of_the_command_and_no_guess_at_one_letter(arguments: tuple[str, ...]) -> None:
    ran = policyengine(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert f"help: see `policyengine {arguments[0]} --help`" in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_of_the_help_stay_on_their_lines(command: str) -> None:
    examples = policyengine(command, "--help").out.partition("Examples:\n")[2].partition("Exit codes:")[0]
    commands = [line.strip() for line in examples.splitlines()]
    assert any(commands)
    assert not any(line.count("policyengine ") > 1 and "&&" not in line for line in commands)


def test_an_example_of_the_first_help_is_a_whole_command() -> None:
    assert "-o junit=images.xml\n" in policyengine("--help").out
    assert "  policyengine eval --from-manifest deployment.yaml policies/ -o junit=images.xml" in policyengine().err


def test_standard_input_is_read_once() -> None:
    ran = policyengine("read", "-", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "standard input can be read once only" in ran.err


@pytest.mark.parametrize(("arguments", "said"), [
    (("trust", "--trust-policy", "/nowhere"), "cannot be read: no such file or directory"),
    (("discover", "localhost:1/app:1"), "cannot be reached: connection refused"),
    (("explain", POLICIES, "zzz"), "help: see `policyengine explain POLICIES…`"),
    (("explain", "Q999"), "help: "),
    (("man", "zzz"), "help: see `policyengine --help`"),
])  # fmt: skip
def test_a_refusal_says_why_in_our_words_and_what_to_do(arguments: tuple[object, ...], said: str) -> None:
    assert said in policyengine(*arguments).err


def test_every_option_stands_in_the_documentation() -> None:
    told = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    context = commands.policyengine.make_context("policyengine", ["eval"], resilient_parsing=True)
    for name in COMMANDS:
        command = commands.policyengine.get_command(context, name)
        assert command is not None
        for option in (each for each in command.params if each.param_type_name == "option"):
            assert any(re.search(rf"[`\[ ]{spelt}\b", told) for spelt in option.opts), (name, option.opts)
