"""The script that measures functions and files."""

from __future__ import annotations

from pathlib import Path

from tests.example import load

metrics = load(Path(__file__).resolve().parents[2] / "tools" / "metrics.py", "project_metrics")

FUNCTION = '''
def documented():
    """A text

    of several lines."""

    return 1
'''


def test_docstrings_and_blank_lines_cost_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(FUNCTION)

    assert metrics.measure([tmp_path / "one.py"]) == ([2], [])


def test_long_functions_and_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("def long():\n" + "    pass\n" * 400)
    _, remarks = metrics.measure([tmp_path / "long.py"])

    assert [remark.rpartition("/")[2] for remark in remarks] == ["long.py: 401 lines", "long.py:1: long has 401 lines"]


def test_a_package_of_long_functions_fails(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"file{number}.py").write_text("def f():\n" + "    pass\n" * 12)

    assert metrics.main(str(tmp_path)) == 1
