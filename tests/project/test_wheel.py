"""What is installed: the wheel has everything that the engine reads, and works without the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.command import policyengine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def data_of(folder: Path) -> set[str]:
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in files if not name.endswith((".py", ".pyc"))}


def test_every_data_file_of_the_checkout_is_in_the_wheel(installed: Path) -> None:
    expected = data_of(ROOT / "policyengine") | {"grammar/policy.lark", "grammar/policy.tables"}
    expected |= {f"policies/{name}" for name in data_of(ROOT / "policies")}
    expected |= {f"diagnostics/{name}" for name in data_of(ROOT / "docs" / "diagnostics")}

    assert data_of(installed / "policyengine") == expected
    assert {"py.typed", "schemas/decision-v1.json"} < expected


def test_the_command_runs_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    policies = ROOT / "examples" / "order-api" / "policies"
    finished = policyengine("test", policies, cwd=tmp_path, PYTHONPATH=str(installed), PYTHONSAFEPATH="1")

    assert finished.code == 0, finished.out + finished.err


def test_the_pages_of_codes_are_shown_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    finished = policyengine("explain", "E103", cwd=tmp_path, PYTHONPATH=str(installed), PYTHONSAFEPATH="1")

    assert "Right:" in finished.out


def test_the_wheel_is_what_was_imported(installed: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import policyengine; print(policyengine.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
    )

    assert Path(found.stdout.strip()).is_relative_to(installed)
