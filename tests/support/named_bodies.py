"""Neurons worth a name: one for each way of writing that was, or might have been, compiled wrongly."""

from __future__ import annotations

BODIES = {
    "noisy ReLU": """
class Unit(StandardNeuron):
    noise = 0.25

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        if self.training:
            total += self.normal(0.0, self.noise)
        self.active = total > 0.0
        self.feedforward(total if self.active else 0.0)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient if self.active else 0.0)
""",
    "own squashing": """
class Unit(StandardNeuron):
    steepness = 2

    def forward(self, messages):
        total = sum(m.input * m.weight for m in messages)
        if total >= 0:
            y = 1.0 / (1.0 + math.exp(-self.steepness * total))
        else:
            e = math.exp(self.steepness * total)
            y = e / (1.0 + e)
        self.feedforward(y)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.steepness * self.output * (1 - self.output))
""",
    "weight decay in the push": """
class Unit(StandardNeuron):
    decay = 0.125

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            step = self.learning_rate * (self.output * m.delta + self.decay * m.weight)
            self.push(self.momentum * m.prev_weight - step)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "a factor of the push that differs between neurons": """
class Unit(DropoutNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * self.mask * (self.output + 0.5) * m.delta)
        self.backpropagate(gradient * self.mask * self.activation.derivative())
""",
    "a push that is no product": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            step = self.learning_rate * m.weight_gradient
            self.push(-min(max(step, -0.125), 0.125) + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "the bias goes its own way": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            if m.is_bias:
                self.push(-0.5 * self.learning_rate * m.delta)
                continue
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "draws in backward": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        part = self.binomial(1, 0.5)
        for m in messages:
            gradient += m.input_gradient * (1 + 0.125 * self.uniform(-1.0, 1.0))
            self.push(-self.learning_rate * m.weight_gradient * part)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "several trials": """
class Unit(DropoutNeuron):
    trials = 4

    def forward(self, messages):
        self.mask = self.binomial(self.trials, self.keep) / self.trials if self.training else self.keep
        self.plain(messages)

    def plain(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * self.mask)
""",
    "pushes on one path only": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        if self.output > 0.0:
            for m in messages:
                self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "pushes by two rules, one of them no product": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        if self.output > 0.0:
            for m in messages:
                self.push(-self.learning_rate * m.weight_gradient)
        else:
            for m in messages:
                self.push(self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "never pushes": """
class Unit(DropoutNeuron):
    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        self.backpropagate(gradient * self.mask * self.activation.derivative())
""",
    "the number of messages": """
class Unit(DropoutNeuron):
    def forward(self, messages):
        self.mask = self.binomial(1, self.keep) if self.training else self.keep
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * self.mask / (1 + len(messages)))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient * self.mask / len(messages))
        self.backpropagate(gradient * self.mask * self.activation.derivative() / len(messages))
""",
    "what is declared holds where forward sets nothing": """
class Unit(StandardNeuron):
    boost = 1.5

    def forward(self, messages):
        if self.index % 2 == 1:
            self.boost = 0.5
        super().forward(messages)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * self.boost * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "names that kernels use": """
class Unit(StandardNeuron):
    share = 0.5
    step = 2
    first = 3.0

    def forward(self, messages):
        self.W, self.D, self.X, self.MAX, self.P = 0.5, 1.5, self.uniform(), self.step, self.first
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        S = total
        self.feedforward(self.activation(S) * self.share)

    def backward(self, messages):
        U = 0.0
        for m in messages:
            U += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient * self.X)
        self.backpropagate(U * (self.W + self.D - self.MAX * 0.25 + self.P * 0.125) * self.activation.derivative())
""",
    "the slope within forward, and the output after it": """
class Unit(StandardNeuron):
    def forward(self, messages):
        before = self.activation.derivative()
        y = self.activation(sum(m.input * m.weight for m in messages))
        self.feedforward(y + 0.25 * self.activation.derivative() + before)
        self.left = self.output * 0.5

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * m.delta * self.left)
        self.backpropagate(self.activation.derivative())
""",
    "effects in Python's order": """
class Unit(StandardNeuron):
    def bump(self):
        self.level = self.level * 2.0 + 1.0
        return self.level

    def pair(self, x):
        return x + 1.0, x * 2.0

    def forward(self, messages):
        self.level = 1.0
        total = sum(m.input * m.weight for m in messages)
        p = self.pair(total)
        q = self.pair(p[1])
        total = total * (self.level + 0.25 * self.bump() + self.level) + p[0] - q[1]
        self.level += self.bump()
        drawn = 1.0 if 0.4 < self.uniform() < self.uniform() else self.uniform()
        self.feedforward(self.activation(total * 0.125) * self.level + drawn)
""",
    "options that are known when it is compiled": """
MODE, WEIGHTS = "soft", {"soft": [0.5, 0.25], "hard": None}


def bent(x, limit=None):
    if MODE == "hard":
        return undefined
    if limit is None:
        return x * WEIGHTS[MODE][1]
    return min(x, limit)


class Base(StandardNeuron):
    gain = 3.0


class Unit(Base):
    gain = 0.5

    def forward(self, messages, /):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        if MODE is not None and super().gain > self.gain:
            total = bent(total) + bent(total, 0.75) * super().gain
        self.feedforward(self.activation(total))
""",
    "methods that loop over the messages": """
class Unit(StandardNeuron):
    def total(self, messages, scale=1):
        found = 0.0
        for m in messages:
            found += m.input * m.weight * scale
        return found

    def forward(self, messages):
        return self.feedforward(self.activation(self.total(messages)))

    def deltas(self, messages):
        for m in messages:
            if m.receiver == 1:
                return m.delta
        return 0.0

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(self.deltas(messages) * self.activation.derivative())
""",
    "wrapped by a decorator": """
import functools


def marked(method):
    @functools.wraps(method)
    def wrapper(self, messages):
        self.mark = 0.5
        method(self, messages)
    return wrapper


class Unit(StandardNeuron):
    @marked
    def forward(self, messages):
        total = 0.0
# a comment where no code may stand
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * self.mark)
""",
    "overrides push": """
class Unit(StandardNeuron):
    def push(self, update):
        super().push(update * 0.5)
""",
    "a loop of its own over the messages": """
class Unit(StandardNeuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
            if m.sender == 5:
                break
        self.feedforward(self.activation(total))
""",
    "an integer that backward makes a float": """
class Unit(StandardNeuron):
    def forward(self, messages):
        self.level = self.index
        super().forward(messages)

    def backward(self, messages):
        self.level *= 0.3
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient * self.level)
        self.backpropagate(self.level)
""",
    "a whole number of the step that wraps around": """
class Unit(StandardNeuron):
    stride = 3037000500

    def backward(self, messages):
        part = 0.5 if (self.iteration + self.stride) * self.stride > 0 else 0.25
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient + part * m.prev_weight)
        self.backpropagate(sum(m.input_gradient for m in messages) * self.activation.derivative())
""",
}
