"""The public surface: what is exported resolves, once, is documented and typed; the packages have one name each."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "horn",
    "horn.bsp",
    "horn.bsp.testing",
    "horn.neurons",
    "horn.neurons.library",
    "horn.models",
    "horn.models.data",
)
BARE = ("bsp", "neurons", "models")
SOURCES = [
    path
    for folder in (*BARE, "horn", "tests", "examples", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not (folder == "horn" and len(path.relative_to(ROOT).parts) > 2)
]


def exported(package: str) -> list[str]:
    """Names in a package's `__all__`."""
    return list(importlib.import_module(package).__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_resolves_and_stands_once_in_order(package):
    module = importlib.import_module(package)
    assert [name for name in exported(package) if not hasattr(module, name)] == []
    assert len(set(exported(package))) == len(exported(package))
    assert all(not name.startswith("_") or name == "__version__" for name in exported(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_public_is_left_out(package):
    """A public class or function that a package's `__init__` imports from inside Horn is exported by it."""
    found = [
        name
        for name, value in vars(importlib.import_module(package)).items()
        if not name.startswith("_") and str(getattr(value, "__module__", "")).startswith("horn.")
    ]
    assert sorted(set(found) - set(exported(package))) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package):
    """Classes and functions, their public methods and properties, and every module; inherited docstrings count."""
    module = importlib.import_module(package)
    bare = [package] if not inspect.getdoc(module) else []
    for name in exported(package):
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        if not inspect.getdoc(value):
            bare.append(name)
        if inspect.isclass(value):
            bare += [f"{name}.{member}" for member in undocumented_members(value)]
    assert bare == []


def undocumented_members(value: type) -> list[str]:
    """Public methods and properties that `value` defines itself, without a docstring."""
    return [
        name
        for name, member in vars(value).items()
        if not name.startswith("_")
        and (inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod))
        and not inspect.getdoc(getattr(value, name))
    ]


def test_every_module_can_be_imported():
    horn = importlib.import_module("horn")
    names = [module.name for module in pkgutil.walk_packages(horn.__path__, "horn.")]
    assert {"horn.bsp", "horn.neurons", "horn.neurons.library", "horn.models"} <= set(names)
    for name in names:
        importlib.import_module(name)


def test_the_packages_are_loaded_under_one_name():
    program = f"import sys, horn, horn.bsp, horn.neurons, horn.models; sys.exit(any(b in sys.modules for b in {BARE}))"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, cwd=ROOT, check=False).returncode == 0


def test_the_engine_starts_light():
    """A worker that runs no network does not pay for the compiler's libraries."""
    program = "import sys, horn.bsp; print({'numba', 'scipy', 'sklearn', 'horn.neurons'} & set(sys.modules) or '')"
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_imports_a_bare_name(path):
    """`import neurons` from the checkout loads a second copy, whose classes are not those of `horn.neurons`."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imported.add(node.module.split(".")[0])
    assert imported & set(BARE) == set()
