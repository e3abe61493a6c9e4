"""Model files and optimizers: older files, bad ones, and files without what their optimizer keeps."""

import numpy as np
import pytest

from horn.models import Adam, ModelFileError, NeuralNetwork
from horn.models.structure.modelfile import read_model, write_model


def test_files_from_before_there_were_optimizers(build, task, tmp_path):
    nn, path = build(), tmp_path / "model.safetensors"
    nn.fit(*task, iterations=2, batch_size=8)
    nn.save(path)
    network, tensors = read_model(path)
    for name in ("optimizer", "began"):
        del network[name]
    for layer in network["layers"]:
        del layer["rate_factor"]
    write_model(path, network, tensors)
    loaded = NeuralNetwork.load(path)
    assert loaded.optimizer is None
    assert loaded.rate_factors == {1: 1.0, 2: 1.0}
    assert np.array_equal(loaded.predict(task[0]), nn.predict(task[0]))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"class": "Adam", "numbers": {"beta1": 2.0, "beta2": 0.9, "epsilon": 1.0}}},
        {"optimizer": {"class": "LinearSchedule", "numbers": {}}},
        {"optimizer": {"class": "Optimizer", "numbers": {}}},
        {"began": -1},
    ],
    ids=str,
)
def test_files_with_bad_optimizers(changes, build, tmp_path):
    path = tmp_path / "model.safetensors"
    build(optimizer=Adam()).save(path)
    network, tensors = read_model(path)
    write_model(path, {**network, **changes}, tensors)
    with pytest.raises(ModelFileError, match=str(path)):
        NeuralNetwork.load(path)


def test_a_file_without_what_its_optimizer_keeps(build, tmp_path):
    path = tmp_path / "model.safetensors"
    build(optimizer=Adam()).save(path)
    network, tensors = read_model(path)
    del tensors["optimizer.first_moment.weights.0"]
    write_model(path, network, tensors)
    with pytest.raises(ModelFileError, match="first_moment"):
        NeuralNetwork.load(path)
