"""The engine measures time by monotonic clocks only: one that jumps moves no timeout."""

import ast
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "bsp"
WALL_CLOCKS = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
    "datetime": {"now", "today", "utcnow"},
}
#: Told to people, never compared.
TOLD = {"coordination/record.py"}


def wall_clocks(path: Path) -> list[int]:
    """Lines of a file that read the wall clock, or import what does."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if node.attr in WALL_CLOCKS.get(owner, set()):
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and {name.name for name in node.names} & WALL_CLOCKS.get(
            node.module or "", set()
        ):
            lines.append(node.lineno)
    return lines


def test_the_search_finds_them(tmp_path):
    file = tmp_path / "file.py"
    file.write_text("import time\nfrom time import time_ns\nx = time.time()\ny = datetime.datetime.now()\n")
    assert sorted(wall_clocks(file)) == [2, 3, 4]


def test_the_engine_reads_monotonic_clocks_only():
    found = {str(path.relative_to(ENGINE)): wall_clocks(path) for path in ENGINE.rglob("*.py")}
    assert len(found) > 50
    assert {name: len(lines) for name, lines in found.items() if lines} == dict.fromkeys(TOLD, 1)
