"""docs/watching.md: its programs run one after the other, and what it names exists."""

import re
from pathlib import Path

import pytest

from horn.models import WorkerHistory

PAGE = Path(__file__).parents[2] / "docs/watching.md"


def test_the_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) == 2
    for program in programs:
        exec(compile(program, str(PAGE), "exec"), names)
    assert capsys.readouterr().out.count("<WorkerHistory: worker ") == 2
    assert (tmp_path / "training.svg").stat().st_size > 1000


def test_the_table_has_what_a_worker_has() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    fields = set(WorkerHistory.__dataclass_fields__) - {"workers", "task"}
    assert named == fields | {"time", "examples_per_second"}
