"""The text that surrounds a drawn program: helpers and methods that lead every number back to a grid of quarters.

Numbers on the grid lie between -2 and 2. Products of two or three of them, and sums of these over some messages, need
so few digits that float32 computes them exactly, in any order.
"""

_BASE = """
SCALE = 0.75
TABLE = np.array([0.5, -0.25, 1.0, 2.0, -1.5])
ORDER = np.array([3, -4, 2, 0, 1], np.int16)
ON = np.array([True, False, True, False, True])
GRID = np.asfortranarray((np.arange(20, dtype=np.float64).reshape(5, 4) - 8) / 4)
PAIRS = ((1, -2), (3, 0))


def snap(x):
    return math.floor(max(min(x, 2.0), -2.0) * 4.0) * 0.25


def cut(x, limit=2.0):
    if x > limit:
        return limit
    if x < -limit:
        return -limit
    return int(x * 4) / 4


def halved(x):
    while abs(x) > 2.0:
        x *= 0.5
    return snap(x)


def stepped(x, times=3):
    for i in range(times):
        if x > 0.5 * i:
            return snap(x)
        x = x + 0.25
    return -cut(x)


def both(x, y):
    if x > y:
        return snap(x + y), snap(x - y)
    return y, x


def counted(n, by):
    k = 0
    while n > 0 and k < 4:
        n, k = n // 2 - by, k + 1
    return k


twice = lambda value: snap(value + value)


class Plain(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(snap(self.activation(total)))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        self.backpropagate(snap(gradient * self.activation.derivative()))


class Base(Neuron):
    learning_rule = "local"
    gain = 0.5
    count = 2
    keep = 0.75
    flag = True
    slot = 0.25
    own = np.array([0.5, -1.0, 0.25, 1.0, 0.75])

    @property
    def ratio(self):
        return self.gain / 2 if self.flag else self.gain

    @staticmethod
    def bend(x, y=0.5):
        return snap(x / (1.0 + abs(y)))

    def settle(self, x):
        return cut(x * self.gain)

    def note(self, x):
        self.slot = snap(x)
        return self.slot
"""

_LOOPS = """
    def total_SIDE(self, messages, factor=1.0):
        found = 0.0
        for m in messages:
            found += m.weight * m.VALUE * factor
        return snap(found)

    def first_SIDE(self, messages, limit):
        for m in messages:
            if not m.is_bias and m.VALUE > limit:
                return m.weight
            if m.weight == limit:
                continue
            self.note(m.VALUE)
        return 0.5

    def largest_SIDE(self, messages):
        best, place = -9.0, 0
        for m in messages:
            if m.VALUE * m.weight > best:
                best, place = m.VALUE * m.weight, m.PLACE
        return snap(best), place
"""

_MIDDLE = """

class Middle(Base):
    def settle(self, x):
        return super().settle(x) + 0.25 if x < 1.0 else 1.5
"""


def on_side(text: str, side: str) -> str:
    """SIDE becomes "on" or "back", VALUE the number of a message there, PLACE what numbers the messages."""
    value, place = {"on": ("input", "sender"), "back": ("delta", "receiver")}[side]
    return text.replace("SIDE", side).replace("VALUE", value).replace("PLACE", place)


#: The module's text, to which a drawn class is added.
HELPERS = _BASE + on_side(_LOOPS, "on") + on_side(_LOOPS, "back") + _MIDDLE
