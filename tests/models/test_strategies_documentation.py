"""docs/strategies.md: each program runs."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/strategies.md"
RUN = "import runpy, sys; [runpy.run_path(path, run_name='__main__') for path in sys.argv[1:]]"


def test_the_programs_run(tmp_path):
    """One after the other in one process: starting each anew takes longer than what it does."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    paths = [tmp_path / f"program{number}.py" for number in range(len(programs))]
    for path, text in zip(paths, programs, strict=True):
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, *map(str, paths)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
