import re
from pathlib import Path

import pytest

from policyengine.reports import FORMATS
from tests.cli.test_main import COMMANDS
from tests.command import policyengine

PAGE = (Path(__file__).parents[2] / "docs/commands.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_format_is_on_the_page(command: str) -> None:
    assert re.search(rf"^\| `{command}\b", PAGE, re.MULTILINE)
    assert all(f"`{form}`" in PAGE for form in FORMATS)


def test_every_option_of_eval_is_on_the_page_and_in_the_help() -> None:
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", policyengine("eval", "--help").out)) - {"--help"}
    assert options - {"--verbose", "--quiet"} == {each for each in options if each in PAGE}
    section = PAGE.partition("## `eval`")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(--[a-z-]+)", section)) <= options
