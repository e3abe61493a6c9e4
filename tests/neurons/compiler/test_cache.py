"""Generated modules on disk: shared by processes, named by what they contain, and a help that nobody depends on."""

from __future__ import annotations

import fcntl
import linecache
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from horn.neurons import Compiled, DropoutNeuron, ReLU, StandardNeuron, caching, jit, pruning
from horn.neurons.compiler.analysis.compatibility import layer_analysis
from horn.neurons.compiler.emission import cache, modules

#: Trains a small network; prints what numba compiled, and a digest of the result.
PROGRAM = """
import sys, logging
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
import numpy as np
from horn.neurons import *
from horn.neurons.neuron import hyperparameters
from numba.core.dispatcher import Dispatcher

layers = [Layer(4, DropoutNeuron, Identity(), hyperparameters(DropoutNeuron), None)]
layers += [Layer(3, StandardNeuron, ReLU(), {}, Dense(True))]
spec = NetworkSpec(tuple(layers), SquaredError())
flat = np.linspace(-1, 1, spec.size, dtype=np.float32)
engine = Compiled(spec, flat, np.zeros_like(flat), seed=1)
places = np.arange(4, dtype=np.uint32)
inputs = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
engine.step(Batch(inputs, np.zeros((4, 3), np.float32), places, places, 4), Rates(0, 0.5, 0.5))
own = [module for name, module in sys.modules.items() if name.startswith(("horn_kernels_", "horn.neurons"))]
found = {id(it): it for module in own for it in vars(module).values() if isinstance(it, Dispatcher)}
print(sum(sum(it.stats.cache_misses.values()) for it in found.values()), flat.tobytes().hex())
"""


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {
        "HORN_CACHE": str(folder),
        "HOME": str(folder),
        "PYTHONPATH": str(Path(cache.__file__).parents[3]),
    }
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Number of functions compiled, the result, the log."""
    with process:
        try:
            output, log = process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, log
    misses, result = output.split()
    return int(misses), result, log


def test_processes_that_start_at_once_compile_once(tmp_path) -> None:
    alone = finish(start(tmp_path / "alone"))
    found = [finish(process) for process in [start(tmp_path / "shared") for _ in range(3)]]
    assert sum(misses for misses, _, _ in found) == alone[0] > 0
    assert {result for _, result, _ in found} == {alone[1]}
    misses, result, log = finish(start(tmp_path / "shared"))
    assert (misses, result) == (0, alone[1])
    assert "compiling" not in log
    assert not [path for path in (tmp_path / "shared" / "kernels").iterdir() if path.name.startswith(".")]


def test_a_process_that_compiles_for_too_long_is_not_waited_for(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(caching, "PATIENCE", 0.0)
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with caching.alone(tmp_path / "lock"), caching.alone(tmp_path / "lock"):
            assert "not waiting longer" in caplog.text


def test_nothing_is_written_outside_of_the_cache_and_damage_is_mended(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setenv("HORN_CACHE", str(tmp_path))

    def double(x):
        return 2 * x

    assert jit.kernel(double)(2) == 4
    (folder,) = (tmp_path / "kernels").glob("horn_test_cache_*")
    data = sorted(folder.glob("test_cache.*double*"))
    assert [path.suffix for path in data] == [".nbc", ".nbi"]
    for path in data:
        path.write_bytes(b"damaged")
        assert jit.kernel(double)(3) == 6
        assert "compiling anew" in caplog.text
        caplog.clear()
    again = jit.kernel(double)
    assert again(4) == 8
    assert (caplog.text, sum(again.stats.cache_hits.values())) == ("", 1)
    assert not [path for path in (Path(__file__).parent / "__pycache__").glob("*.nb?") if "double" in path.name]


def test_a_disk_that_is_full_costs_no_result(tmp_path, monkeypatch, caplog) -> None:
    def save(*arguments):
        raise OSError(28, "No space left")

    monkeypatch.setenv("HORN_CACHE", str(tmp_path))
    monkeypatch.setattr(jit.FunctionCache, "save_overload", save)
    assert jit.kernel(lambda x: x + 1)(1) == 2
    assert "No space left" in caplog.text


def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch) -> None:
    def flock(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(caching.fcntl, "flock", flock)
    with caching.alone(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()


@pytest.fixture
def fresh(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HORN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


def test_a_module_is_a_readable_file_named_by_its_content(fresh) -> None:
    module = cache.load('"""Σ."""\n', "sum")
    (path,) = fresh.glob("*.py")
    assert path.name.startswith("sum_")
    assert path.read_text(encoding="utf-8").splitlines()[1] == '"""Σ."""'
    assert "numba" in path.read_text(encoding="utf-8").splitlines()[0]
    assert cache.load('"""Σ."""\n', "sum") is module
    cache.load('"""Π."""\n', "sum")
    assert len(list(fresh.glob("*.py"))) == 2


@pytest.mark.parametrize("obstacle", ["a file where the folder should be", "a folder without the right to write"])
def test_without_a_folder_there_is_a_temporary_one(obstacle, fresh, monkeypatch, caplog) -> None:
    if obstacle.startswith("a file"):
        fresh.parent.write_text("")
    else:
        # Not by its mode: to the superuser every folder is writable.
        monkeypatch.setattr(caching.os, "access", lambda path, mode: False)
    with caplog.at_level(logging.WARNING, "horn.compiler"):
        module = cache.load(f"NAME = {obstacle!r}\n", "obstacle")
    assert obstacle == module.NAME
    assert str(fresh) in caplog.text
    assert "compiled anew in each process" in caplog.text
    cache.load(f"OTHER = {obstacle!r}\n", "obstacle")
    assert len(caplog.records) == 1
    assert not fresh.is_dir() or not list(fresh.glob("*.py"))


def test_a_user_without_a_home_needs_none(fresh, monkeypatch, caplog) -> None:
    for name in ("HORN_CACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # in no list of users
    with caplog.at_level(logging.WARNING, "horn.compiler"):
        assert cache.load("NAME = 'homeless'\n", "homeless").NAME == "homeless"
    assert "~/.cache/horn/kernels" in caplog.text


def test_a_file_system_without_links_will_do(fresh, monkeypatch) -> None:
    def link(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(cache.os, "link", link)
    assert cache.load("NAME = 'unlinked'\n", "unlinked").NAME == "unlinked"
    assert [path.name.split("_")[0] for path in fresh.iterdir() if path.is_file()] == ["unlinked"]


def age(path: Path, days: float) -> None:
    """Make it look as if it had been used and written so long ago."""
    then = time.time() - days * pruning.DAY
    os.utime(path, (then, then))


def test_what_was_not_used_for_a_month_is_removed(fresh) -> None:
    for name in ("old", "recent", "loaded"):
        cache.load(f"NAME = {name!r}\n", name)
    old, recent, loaded = (next(fresh.glob(f"{name}_*.py")) for name in ("old", "recent", "loaded"))
    machine = fresh / "__pycache__" / f"{old.stem}.kernel-3.py312.1.nbc"
    unused, of_horn = fresh / "horn_jit_0123", fresh / "horn_random_4567"
    for folder in (unused, of_horn):
        folder.mkdir()
        (folder / "jit.kernel-3.nbi").touch()
    for path in (machine, machine.with_name(f".{old.stem}.lock")):
        path.touch()
    for path, days in ((old, 31), (recent, 29), (loaded, 31), (unused, 31), (of_horn, 29)):
        age(path, days)
    del sys.modules[f"horn_kernels_{loaded.stem}"]
    assert cache.load("NAME = 'loaded'\n", "loaded").NAME == "loaded"  # which is a use, without a new file
    pruning.prune(fresh)
    assert old.exists()  # it was looked for today
    age(fresh / "__pycache__" / ".pruned", 1.1)
    cache.load("NAME = 'new'\n", "new")
    assert {path.name.split("_")[0] for path in fresh.glob("*.py")} == {"recent", "loaded", "new"}
    assert not [path for path in (fresh / "__pycache__").iterdir() if old.stem in path.name]
    assert (unused.exists(), of_horn.exists()) == (False, True)


def test_only_one_process_prunes(fresh) -> None:
    cache.load("NAME = 'unused'\n", "unused")
    (path,) = fresh.glob("*.py")
    age(path, 31)
    stamp = fresh / "__pycache__" / ".pruned"
    with stamp.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        age(stamp, 2)
        pruning.prune(fresh)
        assert path.exists()
    age(stamp, 2)
    pruning.prune(fresh)
    assert not path.exists()


def test_what_another_process_prunes_meanwhile_is_written_again(fresh, monkeypatch) -> None:
    used = cache.used

    def pruned(path: Path) -> None:
        used(path)
        path.unlink()

    monkeypatch.setattr(cache, "used", pruned)
    assert cache.load("NAME = 'gone'\n", "gone").NAME == "gone"
    assert len(list(fresh.glob("*.py"))) == 1


def test_a_class_that_a_notebook_defines_anew_gets_kernels_of_its_own(around, compare, plain_kernels) -> None:
    def cell(number: int, gain: float) -> type:
        text = f"""
class Unit(StandardNeuron):
    def forward(self, messages):
        self.feedforward({gain} * sum(m.input * m.weight for m in messages))
"""
        name, scope = f"<python-input-{number}>", {"StandardNeuron": StandardNeuron, "__name__": "__main__"}
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), scope)
        return scope["Unit"]

    try:
        first, second = cell(0, 0.5), cell(1, 0.25)
        with plain_kernels():
            for cls in (first, second, first):
                compare(around(cls), train=False, exact=True)
            assert code(around(first)) != code(around(second))
    finally:
        for number in (0, 1):
            linecache.cache.pop(f"<python-input-{number}>", None)


@pytest.mark.parametrize("name", ["keep 1/2", "../Unit", "Нейрон", "N" * 300])
def test_a_class_may_be_called_anything(name, around, plain_kernels) -> None:
    cls = type(name, (DropoutNeuron,), {})
    with plain_kernels():
        path = Path(code(around(cls)))
    assert path.parent == caching.folder()
    assert path.exists()


def code(spec, index: int = 1) -> str:
    """The file of a layer's kernels."""
    return modules.layer_code(layer_analysis(spec.layers[index]), "dense", "dense").path


def test_numbers_of_a_layer_are_arguments(chain) -> None:
    one = chain((2, StandardNeuron), (3, DropoutNeuron, activation := ReLU()), (1, StandardNeuron))
    two = chain((5, StandardNeuron), (9, DropoutNeuron, activation), (1, StandardNeuron), numbers={"keep": 0.9})
    assert code(one) == code(two)
    whole = chain((2, StandardNeuron), (3, DropoutNeuron, activation), (1, StandardNeuron), numbers={"keep": 1})
    assert layer_analysis(whole.layers[1]) is not layer_analysis(one.layers[1])  # an integer


def test_rates_and_batch_sizes_compile_nothing_anew(chain) -> None:
    spec = chain((4, DropoutNeuron), (3, DropoutNeuron), (1, StandardNeuron))
    flat = np.ones(spec.size, np.float32)
    engine = Compiled(spec, flat, flat.copy(), seed=1)
    kernels = [stage.code.predict[-1].function for stage in engine.passes.stages]
    compiled = []  # other tests may have had the same kernels for arrays of other layouts
    for size in (1, 3, 8):
        engine.predict(np.ones((size, 4), np.float32))
        compiled.append([len(kernel.signatures) for kernel in kernels])
    assert compiled[0] == compiled[1] == compiled[2]
    assert min(compiled[0]) > 0


def test_a_constant_in_a_closure_is_part_of_the_code(define, chain, plain_kernels) -> None:
    text = """
def scaled(factor):
    class Unit(StandardNeuron):
        def forward(self, messages):
            self.feedforward(factor * sum(m.input * m.weight for m in messages))
    return Unit
"""
    module = define(text)
    with plain_kernels():
        files = [code(chain((2, StandardNeuron), (2, module.scaled(factor)))) for factor in (2.0, 3.0, 2.0)]
    assert files[0] != files[1]
    assert files[0] == files[2]
    assert "real(3.0)" in Path(files[1]).read_text(encoding="utf-8")


def test_what_lies_on_disk_is_loaded_ahead_and_nothing_is_compiled_for_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HORN_CACHE", str(tmp_path))

    def double(x):
        return 2 * x

    assert jit.kernel(double)(2) == 4
    found = []
    for kept in (True, False):
        if not kept:
            for data in (tmp_path / "kernels").rglob("*.nbc"):
                data.unlink()
        again = jit.kernel(double)
        monkeypatch.setattr(jit, "_LIBRARY", [again])
        jit.load()
        found.append((len(again.overloads), sum(again.stats.cache_misses.values())))
    assert found == [(1, 0), (0, 0)]
