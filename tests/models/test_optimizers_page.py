"""docs/optimizers.md: each program runs, and learns; the table's names exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from horn import models

PAGE = (Path(__file__).parents[2] / "docs" / "optimizers.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_runs(number: int, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAMS[number])
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    accuracy = re.search(r"accuracy=(0\.\d+)", done.stdout)
    assert float(accuracy[1]) > 0.8 if accuracy else done.stdout == "{1: 0.1, 2: 0.5}\n"


def test_the_tables_name_what_there_is() -> None:
    named = re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)
    assert len(named) == 9
    assert all(issubclass(getattr(models, name), models.Optimizer | models.Minimizer) for name in named)
