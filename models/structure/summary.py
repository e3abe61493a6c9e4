"""A network as a table."""

from __future__ import annotations

from horn.neurons import Block, Interlayer, Layer, NetworkSpec

HEADINGS = ("layer", "units", "activation", "neuron", "parameters")


def summary(spec: NetworkSpec) -> str:
    """The layers of a network, one per line, and its cost and number of parameters."""
    rows = [HEADINGS, *(_row(spec, number, layer) for number, layer in enumerate(spec.layers))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    numeric = {"units", "parameters"}
    lines = [
        "  ".join(
            cell.rjust(width) if heading in numeric else cell.ljust(width)
            for cell, width, heading in zip(row, widths, HEADINGS, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, f"{spec.parameter_count:,} parameters, cost {type(spec.cost).__name__}"])


def _row(spec: NetworkSpec, number: int, layer: Layer) -> tuple[str, ...]:
    block = spec.block_into(number)
    numbers = ", ".join(f"{name}={value:g}" for name, value in layer.hyperparameters.items())
    neuron = f"{layer.neuron.__name__}({numbers})" if numbers else layer.neuron.__name__
    activation = type(layer.activation).__name__
    if isinstance(layer.incoming, Interlayer):
        activation = f"after {_named(layer.incoming)}"
    return str(number), f"{layer.units:,}", activation, neuron, _parameters(block)


def _parameters(block: Block | None) -> str:
    if block is None:
        return "0"
    if block.frozen:
        return f"frozen {block.size:,}"
    return f"{block.size:,}" if block.rate_factor == 1.0 else f"rate × {block.rate_factor:g} {block.size:,}"


def _named(interlayer: Interlayer) -> str:
    plain = type(interlayer).__str__ is object.__str__
    return type(interlayer).__name__ if plain else str(interlayer)
