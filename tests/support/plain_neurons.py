"""The text that surrounds a drawn neuron: helpers that it may call, bases that it may have."""

PLAIN = """
SCALE = 0.75


class Plain(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())


def clip(x, limit=1.5):
    if x > limit:
        return limit
    if x < -limit:
        return -limit
    return x


def both(x, y):
    return x + y, x - y


def halve(x):
    while abs(x) > 1.37:
        x *= 0.5
    return x


def first_large(x):
    for i in range(3):
        if x > 0.41 * i:
            return x
        x = x + 0.3
    return -x


twice = lambda value: value + value


class Base(Neuron):
    learning_rule = "local"
    gain = 0.5
    count = 2
    keep = 0.7
    flag = True
    slot = 0.25

    @property
    def ratio(self):
        return self.gain / self.count

    @staticmethod
    def bend(x):
        return x / (1.0 + abs(x))

    def squash(self, x):
        return math.tanh(x * self.gain)

    def note(self, x):
        self.noted = x
        return self.noted * 0.5

    def weighted_on(self, messages, factor=1.0):
        total = 0.0
        for m in messages:
            total += m.weight * m.input * factor
        return total

    def found_on(self, messages):
        for m in messages:
            if not m.is_bias and self.uniform() < 0.4:
                return m.weight
            if self.index == 2:
                continue
            self.noted = m.input
        return 0.5

    def largest_on(self, messages):
        best, place = -9.0, 0
        for m in messages:
            value = m.input * m.weight
            if value > best + 0.0137:
                best = value
                place += 1
        return best, place

    def weighted_back(self, messages, factor=1.0):
        total = 0.0
        for m in messages:
            total += m.weight * m.delta * factor
        return total

    def found_back(self, messages):
        for m in messages:
            if not m.is_bias and self.uniform() < 0.4:
                return m.weight
            if self.index == 2:
                continue
            self.noted = m.delta
        return 0.5

    def largest_back(self, messages):
        best, place = -9.0, 0
        for m in messages:
            value = m.delta * m.weight
            if value > best + 0.0137:
                best = value
                place += 1
        return best, place


class Middle(Base):
    def squash(self, x):
        return super().squash(x) + 0.125
"""
