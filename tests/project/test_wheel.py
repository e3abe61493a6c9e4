"""The wheel that users install: built from the sdist, put into an environment of its own, away from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bsp", "neurons", "models")


def run(command: list[str | Path], folder: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this checkout in its environment, and without a network."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the sdist from a copy of the sources, so that nothing stale gets in."""
    folder = tmp_path_factory.mktemp("build")
    source, target = folder / "source", folder / "dist"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in (*PACKAGES, "horn"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source], folder)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a scratch environment: Horn from the wheel, the libraries from this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    scratch = {name: sysconfig.get_path(name, vars={"base": str(folder)}) for name in ("purelib", "scripts")}
    packages, scripts = Path(scratch["purelib"]), Path(scratch["scripts"])
    # A path in a .pth file is appended; .pth files that lie there, the editable install among them, are not read.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return scripts / "python"


def test_the_wheel_holds_every_module_once(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    sources = {
        f"horn/{path.relative_to(ROOT)}" for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")
    } | {"horn/__init__.py", "horn/py.typed"}  # fmt: skip
    assert sorted(names) == sorted(sources)


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert "License-Expression: Apache-2.0" in text
    assert "Requires-Python: >=3.11" in text


def test_horn_is_imported_from_the_wheel(python, tmp_path):
    program = "import horn.bsp, horn.neurons, horn.models.data, sys; print(horn.__file__, *sys.path, sep='\\n')"
    found, *path = run([python, "-c", program], tmp_path).stdout.splitlines()
    assert Path(found).is_relative_to(python.parents[1])
    assert str(ROOT) not in path


def test_the_example_runs_from_the_wheel(python, tmp_path):
    """From a folder of the user's, whose own `models.py` must not be in the way."""
    shutil.copy(ROOT / "examples/mnist_dropout.py", tmp_path)
    (tmp_path / "models.py").write_text("raise ImportError('the user has models too')\n")
    options = ["--iterations", "20", "--workers", "2", "--batch-size", "20"]
    done = run([python, tmp_path / "mnist_dropout.py", *options], tmp_path)
    assert done.stdout.splitlines()[-1].startswith("test accuracy 0.")
