"""docs/bsp*.md: each program runs, and each test that is named exists."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from horn.bsp.testing import ZooKeeperServer

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("bsp*.md"))
PROGRAMS = {
    f"{page.stem}-{number}": text
    for page in PAGES
    for number, text in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), 1)
}
REFERENCES = sorted(
    {found for page in PAGES for found in re.findall(r"`((?:\w+/)*test_\w+\.py(?:::\w+)?)`", page.read_text())}
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs(name: str, tmp_path: Path, zookeeper: ZooKeeperServer) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAMS[name].replace("zk1:2181,zk2:2181", zookeeper.address))
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@functools.cache
def named_in(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_test_that_is_named_exists(reference: str) -> None:
    file, _, name = reference.partition("::")
    path = ROOT / "tests/bsp" / file
    assert path.exists()
    assert not name or name in named_in(path)
