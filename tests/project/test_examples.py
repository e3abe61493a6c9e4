"""The examples and the README's program run as a user runs them: as scripts, in a folder of the user's."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from horn.models import DataUnavailable, NeuralNetwork, mnist, mnist_or_digits
from horn.neurons.caching import folder

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/mnist_dropout.py"
UNREACHABLE = "http://127.0.0.1:9"  # as proxy: a machine without a network


def run(script: Path, *options: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script beside itself, downloads excluded: with MNIST where it is at hand, with the digits elsewhere."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), UNREACHABLE)
    return subprocess.run(
        [sys.executable, "-W", "error", script, *options],
        env=os.environ | proxies | environment,
        cwd=script.parent if script.parent != EXAMPLE.parent else None,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def accuracy(done: subprocess.CompletedProcess[str]) -> float:
    """The figure in the last line of a run that ended well."""
    assert done.returncode == 0, done.stderr
    match = re.fullmatch(r"test accuracy ([01]\.\d{4})", done.stdout.splitlines()[-1])
    assert match, done.stdout
    return float(match[1])


@pytest.fixture(scope="module")
def no_mnist(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine on which MNIST can be neither found nor downloaded; kernels are there."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "kernels").symlink_to(folder())
    return {"HORN_DATA": "", "HORN_CACHE": str(cache)}


def test_it_learns_and_keeps_what_was_asked_for(tmp_path):
    model, report, picture = tmp_path / "model.safetensors", tmp_path / "report.json", tmp_path / "curve.png"
    done = run(EXAMPLE, "--iterations", "300", "--save", model, "--json", report, "--plot", picture)

    assert accuracy(done) > 0.85
    (result,) = json.loads(report.read_text())["runs"].values()
    assert f"{result['figures']['test_accuracy']:.4f}" == f"{accuracy(done):.4f}"
    assert len(result["history"]["loss"]) == 300
    assert result["history"]["validation"][-1]["iteration"] == 300
    assert picture.read_bytes().startswith(b"\x89PNG")
    data = mnist_or_digits(download=False)
    assert NeuralNetwork.load(model).evaluate(data.x_test, data.y_test).accuracy == pytest.approx(
        accuracy(done), abs=1e-4
    )


def test_parallel_dropout(tmp_path):
    done = run(EXAMPLE, "--iterations", "200", "--workers", "4", "--submodels", "--schedule", "exponential")
    assert accuracy(done) > 0.7
    assert "4 workers, sub-models: 200 iterations" in done.stdout


def test_both_runs_of_the_paper(tmp_path):
    report, picture = tmp_path / "report.json", tmp_path / "pictures/paper.svg"
    done = run(EXAMPLE, "--paper", "--seeds", "2", "--iterations", "10", "--json", report, "--plot", picture)
    assert 0.0 < accuracy(done) < 1.0
    runs = json.loads(report.read_text())["runs"]
    workers = {"alone, seed 1": 1, "alone, seed 2": 1, "parallel, seed 1": 20, "parallel, seed 2": 20}
    assert {name: result["run"]["workers"] for name, result in runs.items()} == workers
    assert "<svg" in picture.read_text()
    last = [runs[f"parallel, seed {seed}"]["figures"]["test_accuracy"] for seed in (1, 2)]
    assert f"| parallel | 0.9713 | {sum(last) / 2:.4f} |" in done.stdout


def test_without_mnist_and_network_it_says_so_and_takes_the_digits(no_mnist):
    done = run(EXAMPLE, "--iterations", "200", **no_mnist)
    assert accuracy(done) > 0.8
    assert "MNIST" in done.stderr
    assert "scikit-learn's digits (8 × 8 pixels) in place of MNIST" in done.stderr
    assert done.stdout.startswith("digits: 1,437 training and 360 test examples\n")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--workers", "200"], "200"),
        (["--zookeeper", "127.0.0.1:port"], "127.0.0.1:port"),
        (["--learning-rate", "1e30", "--iterations", "50"], "not finite"),
        (["--save", __file__ + "/model.safetensors"], "test_examples.py"),
    ],
    ids=["workers", "zookeeper", "diverging", "save"],
)
def test_bad_options_are_explained_in_one_line(options, what, no_mnist):
    done = run(EXAMPLE, *options, **no_mnist)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("mnist_dropout: ")
    assert what in last


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"half")
    done = run(EXAMPLE, "--data", tmp_path)
    assert done.returncode == 1
    assert f"mnist_dropout: {tmp_path} has only a part of MNIST" in done.stderr


def learned(*rules: str) -> dict[str, list[float]]:
    """The figures that the example prints of some rules."""
    done = run(EXAMPLE.parent / "learning_rules.py", *rules)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:18].strip() for line in lines] == list(rules)
    return {rule: [float(it) for it in re.findall(r"\d+\.\d+", line)] for rule, line in zip(rules, lines, strict=True)}


def test_rules_of_hebb_learn():
    figures = learned("Hebb", "Oja", "Sanger")
    assert figures["Hebb"][0] > 0.99
    assert figures["Hebb"][1] > 100
    assert figures["Oja"] == pytest.approx([1.0, 1.0], abs=0.02)
    assert figures["Sanger"] == pytest.approx([1.0, 1.0], abs=0.02)


@pytest.mark.parametrize("rules", [("perceptron", "node perturbation"), ("forward-forward", "spiking")])
def test_other_rules_learn_the_digits(rules):
    assert min(learned(*rules).values())[0] > 0.8


def test_other_sums_learn_their_functions():
    assert max(learned("RBF", "maxout", "gated").values())[0] < 0.25


def test_a_rule_that_is_none_is_named():
    done = run(EXAMPLE.parent / "learning_rules.py", "Hebbian")
    assert done.returncode == 2
    assert "'Hebbian'; the rules are Hebb, Oja, Sanger" in done.stderr


def test_the_second_papers_experiment(tmp_path):
    figures, report = tmp_path / "figures.svg", tmp_path / "results.json"
    options = ("--splits", "1", "--epochs", "50", "--workers", "1", "2", "--plot", figures, "--json", report)
    done = run(EXAMPLE.parent / "parallel_backprop.py", *options)
    try:
        mnist(download=False)
    except DataUnavailable:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines()[-1].startswith("parallel_backprop: ")
        return
    assert done.returncode == 0, done.stderr
    assert "<svg" in figures.read_text()
    found = {(it["sampling"], it["workers"]): it["accuracy"]["50"] for it in json.loads(report.read_text())}
    assert len(found) == 4
    assert min(found.values()) > 0.2  # from saturated sigmoids, a tenth of them right
    assert found["same", 1] == pytest.approx(found["same", 2], abs=0.01)  # the mean of equal models
    assert f"| 50 |  |  | {found['own', 1]:.2%} | {found['own', 2]:.2%} |" in done.stdout


@pytest.fixture(scope="module")
def readme() -> list[str]:
    """The README's programs, in order."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [block for block in blocks if "import" in block]


def test_the_neuron_of_the_readme_learns(readme, tmp_path):
    script = tmp_path / "my_neuron.py"
    script.write_text(readme[0])
    done = run(script)
    assert done.returncode == 0, done.stderr
    match = re.search(r"accuracy=([01]\.\d+)", done.stdout)
    assert match, done.stdout
    assert float(match[1]) > 0.9


def test_the_other_programs_of_the_readme_run(readme, tmp_path):
    for number, program in enumerate(readme[1:]):
        script = tmp_path / f"program_{number}.py"
        script.write_text(program)
        done = run(script)
        assert done.returncode == 0, done.stderr
        assert done.stdout
