"""Model files: all that a network is goes in and comes back; what is foreign or damaged is refused."""

import json
import pickle
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from horn.models import LinearSchedule, ModelFileError, NeuralNetwork
from horn.models.structure.modelfile import checksum, read_model, write_model
from horn.neurons import (
    Activation,
    Cost,
    CrossEntropy,
    FunctionInterlayer,
    Interlayer,
    Sigmoid,
    Softmax,
    SquaredError,
    StandardNeuron,
    Tanh,
)


class Leaky(Activation):
    def __init__(self, slope=0.1):
        self.slope = slope

    def apply(self, x):
        return x if x > 0.0 else self.slope * x

    def derivative(self, y):
        return 1.0 if y > 0.0 else self.slope


class Weighted(Cost):
    def __init__(self, weight):
        self.weight = weight

    def apply(self, output, target):
        return self.weight * (output - target) ** 2

    def derivative(self, output, target):
        return 2.0 * self.weight * (output - target)


class Own(StandardNeuron):
    strength = 1.0

    def interlayer(self, output):
        return self.strength * output


class Shift(Interlayer):
    def __init__(self, by):
        self.by = by

    def apply(self, output):
        return output + self.by


def half(output):
    return output / 2


def falling(progress, step):
    return 0.1 / (1 + step)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_a_network_comes_back_and_training_goes_on(build, task, same_weights, path):
    nn, whole = build(learning_rate=LinearSchedule(0.2), regularization=0.01, max_norm=3.0), build()
    whole = build(learning_rate=LinearSchedule(0.2), regularization=0.01, max_norm=3.0)
    for network in (nn, whole):
        network.fit(*task, iterations=7, batch_size=9)
    nn.save(path)
    loaded = NeuralNetwork.load(path)
    assert same_weights(loaded, nn)
    assert np.array_equal(loaded.predict(task[0]), nn.predict(task[0]))
    assert loaded.summary() == nn.summary()
    assert loaded.learning_rate == LinearSchedule(0.2)
    assert loaded.spec.max_norm == 3.0
    assert loaded.step == 7
    for network in (loaded, whole):
        network.fit(*task, iterations=7, batch_size=9)
    assert same_weights(loaded, whole)


def test_what_a_user_wrote_is_found_among_the_classes_given(task, path):
    nn = NeuralNetwork(learning_rate=falling, engine="interpreter")
    nn.input_layer(6)
    nn.add_layer(4, Leaky(0.3), Own, strength=0.5)
    nn.add_layer(4, Tanh, interlayer=half)
    nn.add_layer(4, Tanh, interlayer=Shift(1.5))
    nn.output_layer(3, Sigmoid, cost=Weighted(2.0))
    nn.save(path)
    loaded = NeuralNetwork.load(path, classes=[Leaky, Own, Weighted, half, Shift, falling])
    assert np.array_equal(loaded.predict(task[0]), nn.predict(task[0]))
    assert loaded.spec.layers[1].activation.slope == 0.3
    assert loaded.spec.cost.weight == 2.0
    assert loaded.learning_rate is falling
    with pytest.raises(ModelFileError, match=r"'Leaky', which is not Horn's.*classes=\[Leaky\]"):
        NeuralNetwork.load(path, classes=[Own])
    with pytest.raises(ModelFileError, match="'Leaky' as a Activation, which it is not"):
        NeuralNetwork.load(path, classes=[type("Leaky", (), {}), Own])


def test_what_has_no_name_or_is_no_number_is_not_saved(path):
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(2)
    nn.add_layer(2, interlayer=FunctionInterlayer(lambda output: output))
    nn.output_layer(2, Leaky(np.ones(3)), cost=SquaredError)
    with pytest.raises(ModelFileError, match=r"no name.*write it with def"):
        nn.save(path)
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(2)
    nn.output_layer(2, Leaky("steep"), cost=SquaredError)
    with pytest.raises(ModelFileError, match=r"Leaky.*attribute slope is 'steep'.*numbers only"):
        nn.save(path)
    assert not path.exists()


def test_an_incomplete_network_is_not_saved(path):
    with pytest.raises(ValueError, match="no output layer"):
        NeuralNetwork(engine="interpreter").save(path)


def test_saving_replaces_a_file_whole_and_leaves_nothing_else(build, path):
    path.write_bytes(b"old")
    build().save(path)
    assert NeuralNetwork.load(path).step == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there(build, tmp_path):
    with pytest.raises(ModelFileError, match=r"nowhere/model.safetensors cannot be written: No such file"):
        build().save(tmp_path / "nowhere" / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"model.safetensors cannot be read: No such file"):
        NeuralNetwork.load(tmp_path / "model.safetensors")


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_a_pickle_is_refused_and_not_executed(path):
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelFileError, match="a pickle, which could run any program"):
        NeuralNetwork.load(path)


def test_foreign_files_are_named(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(ModelFileError, match=f"{path} is no model of Horn but a zip archive"):
        NeuralNetwork.load(path)
    save_file({"w": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelFileError, match="a safetensors file, but no model of Horn"):
        NeuralNetwork.load(path)
    path.write_bytes(b"")
    with pytest.raises(ModelFileError, match="damaged or no safetensors file"):
        NeuralNetwork.load(path)
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}" * 50)
    with pytest.raises(ModelFileError, match="damaged or no safetensors file"):
        NeuralNetwork.load(path)


def test_truncation_and_every_flipped_bit_are_noticed(build, path):
    build().save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    with pytest.raises(ModelFileError, match=f"{path} is damaged"):
        NeuralNetwork.load(path)
    for place in np.random.default_rng(0).integers(8, len(content), 60):
        flipped = bytearray(content)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(ModelFileError, match=str(path)):
            NeuralNetwork.load(path)


def changed(path, **changes):
    """Rewrite the description of the network, with a right checksum."""
    network, tensors = read_model(path)
    write_model(path, {**network, **changes}, tensors)


def test_a_description_that_does_not_fit_its_numbers(build, path):
    build().save(path)
    layers = read_model(path)[0]["layers"]
    layers[1]["units"] = 10**9
    changed(path, layers=layers)
    with pytest.raises(ModelFileError, match="parameters, the file holds another number"):
        NeuralNetwork.load(path)
    changed(path, layers=[])
    with pytest.raises(ModelFileError, match="describes no network"):
        NeuralNetwork.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"momentum": 2},
        {"step": -1},
        {"cost": {"class": "StandardNeuron", "numbers": {}}},
        {"layers": [{}]},
        {"engine": "os"},
    ],
)
def test_a_description_with_bad_values(build, path, changes):
    build().save(path)
    changed(path, **changes)
    with pytest.raises(ModelFileError, match=str(path)):
        NeuralNetwork.load(path)


def test_a_normalization_of_another_width_is_refused(path):
    network = NeuralNetwork()
    network.input_layer(3, keep=0.8)
    network.output_layer(2, Softmax, cost=CrossEntropy)
    network.save(path)
    layers = read_model(path)[0]["layers"]
    layers[-1]["units"] = 50  # has no weights, so that the number of parameters stays right
    changed(path, layers=layers)
    with pytest.raises(ModelFileError, match="normalizes the 2 units before it one to one and has 50 units"):
        NeuralNetwork.load(path)


def test_a_keep_probability_out_of_its_range_is_refused(path):
    network = NeuralNetwork()
    network.input_layer(3, keep=0.8)
    network.output_layer(2, cost=SquaredError)
    network.save(path)
    layers = read_model(path)[0]["layers"]
    layers[0]["hyperparameters"]["keep"] = -1.0
    changed(path, layers=layers)
    with pytest.raises(ModelFileError, match=r"must be in \(0, 1\], got -1.0"):
        NeuralNetwork.load(path)


def test_a_newer_format(build, path):
    build().save(path)
    network, tensors = read_model(path)
    text = json.dumps(network)
    metadata = {"format": "horn-model", "version": "2", "network": text, "checksum": checksum(text, tensors)}
    save_file(load_file(path), path, metadata)
    with pytest.raises(ModelFileError, match=r"version '2'.*reads 1"):
        NeuralNetwork.load(path)
