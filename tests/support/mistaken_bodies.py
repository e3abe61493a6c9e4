"""Mistakes in a neuron, one by one: the body of a method, its line at fault marked, and what is said of it."""

from __future__ import annotations

FORWARD = {
    "never feeds forward": ("def forward(self, messages):  # HERE\n    total = 1.0", "never calls self.feedforward"),
    "feeds forward twice": (
        "self.feedforward(1.0)\nself.feedforward(2.0)  # HERE",
        r"calls self.feedforward\(...\) twice",
    ),
    "an undefined name": ("self.feedforward(totl)  # HERE", "name 'totl' is not defined"),
    "an undefined function": ("self.feedforward(squash(1.0))  # HERE", "name 'squash' is not defined"),
    "a variable before its assignment": (
        "x = y + 1.0  # HERE\ny = 2.0", "local variable 'y' is read before.*begin with a number, y = 0.0"
    ),
    "an attribute never set": ("self.feedforward(self.mask)  # HERE", "self.mask is read, but Unit never sets it"),
    "an attribute set by backward only": (
        "self.feedforward(self.late)  # HERE",
        "Unit.forward reads self.late, but nothing sets it",
    ),
    "an attribute set in training only": (
        "if self.training:\n    self.mask = 0.5\nself.feedforward(self.mask)  # HERE",
        "Unit.forward reads self.mask, but nothing sets it",
    ),
    "a field that messages lack": ("for m in messages:\n    self.feedforward(m.delta)  # HERE", "has no 'delta'"),
    "a message after its loop": (
        "for m in messages:\n    x = m.input\nself.feedforward(m.input)  # HERE",
        "message 'm' is used after its loop",
    ),
    "a second name of a message": (
        "for m in messages:\n    if m.sender == 0:\n        first = m  # HERE\nself.feedforward(1.0)",
        "'first' would be a second name of a message",
    ),
    "loops over messages in each other": (
        "for m in messages:\n    for n in messages:  # HERE\n        pass\nself.feedforward(1.0)",
        "inside a loop over messages",
    ),
    "try": ("try:  # HERE\n    x = 1\nfinally:\n    pass\nself.feedforward(1.0)", "try cannot.*test the condition"),
    "with": ("with open('x') as x:  # HERE\n    pass\nself.feedforward(1.0)", "with cannot be compiled: leave it out"),
    "a function inside": (
        "if True:\n    def double(x):  # HERE\n        return 2.0 * x\nself.feedforward(double(1.0))",
        "a function inside of a method cannot be compiled: write it outside",
    ),
    "an import inside": ("import math as m  # HERE\nself.feedforward(1.0)", "import at the head of the file"),
    "a class inside": ("class A:  # HERE\n    pass\nself.feedforward(1.0)", "a class inside of a method"),
    "raise": ("if self.index > 9:\n    raise ValueError  # HERE\nself.feedforward(1.0)", "raise cannot be compiled"),
    "del": ("x = 1.0\ndel x  # HERE\nself.feedforward(1.0)", "del cannot be compiled: leave it out"),
    "match": ("match self.index:  # HERE\n    case _:\n        pass\nself.feedforward(1.0)", "write if and elif"),
    "a generator": ("self.feedforward(1.0)\nyield 1.0  # HERE", "yield cannot be compiled: a neuron is no generator"),
    "a generator as helper": ("for x in produced():\n    pass\nself.feedforward(1.0)", "yield cannot be compiled"),
    "a set": ("x = {1.0}  # HERE\nself.feedforward(1.0)", "a set cannot be compiled"),
    "a list of messages": ("x = [m.input for m in messages]  # HERE\nself.feedforward(1.0)", "loop over the messages"),
    "any": ("x = any(m.input > 0 for m in messages)  # HERE\nself.feedforward(1.0)", "any cannot.*in a variable"),
    "an f-string": ("x = f'{self.index}'  # HERE\nself.feedforward(1.0)", "a string cannot be compiled"),
    "a complex number": ("self.feedforward(1j)  # HERE", "this constant cannot be compiled"),
    "a slice": ("x = TWO[0:1]  # HERE\nself.feedforward(1.0)", "a slice cannot be compiled: take the items"),
    "an item that is not there": ("x = TWO[7]  # HERE\nself.feedforward(1.0)", "IndexError: tuple index out of range"),
    "a key that is not there": ("x = TABLE['b']  # HERE\nself.feedforward(1.0)", "KeyError: 'b'"),
    "an item that is assigned": ("TABLE['a'] = 1.0  # HERE\nself.feedforward(1.0)", "cannot assign to .*to a variable"),
    "bitwise and": ("x = self.index & 1  # HERE\nself.feedforward(1.0)", "this operator cannot be.*write 'and'"),
    "a matrix product": ("x = TWO @ TWO  # HERE\nself.feedforward(1.0)", "loop over the messages: sum"),
    "targets with a star": ("a, *b = 1.0, 2.0  # HERE\nself.feedforward(a)", "before a target cannot be compiled"),
    "isinstance": ("x = isinstance(1.0, float)  # HERE\nself.feedforward(x)", "isinstance cannot be compiled"),
    "an attribute set under a condition": (
        "if self.index > 0:\n    self.mark = 1.0\nself.feedforward(self.mark)  # HERE",
        "Unit.forward reads self.mark, but nothing sets it on some path.*mark = 0.0, or assign",
    ),
    "a variable set under a condition": (
        "if self.index > 0:\n    x = 1.0\nself.feedforward(x)  # HERE", "Unit.forward reads x, but nothing sets it on"
    ),
    "a variable set in a loop": (
        "for m in messages:\n    x = m.input\nself.feedforward(x)  # HERE", "reads x, but nothing sets it on some path"
    ),
    "a variable set after a break": (
        "k = 0\nwhile True:\n    if k > 3:\n        break\n    k += 1\n    x = k\nself.feedforward(x)  # HERE",
        "reads x, but nothing sets it on some path",
    ),
    "a string": ("self.feedforward('one')  # HERE", "a str stands where a number is needed"),
    "a list": ("x = [1.0, 2.0]  # HERE\nself.feedforward(1.0)", "a list cannot .* or a NumPy array"),
    "a dictionary": ("x = {1: 2.0}  # HERE\nself.feedforward(1.0)", "a dictionary cannot be compiled: keep numbers"),
    "print": ("print(1.0)  # HERE\nself.feedforward(1.0)", "print cannot be compiled.*leave it out"),
    "enumerate": (
        "for i, m in enumerate(messages):  # HERE\n    pass\nself.feedforward(1.0)", "enumerate cannot.*m.sender"
    ),
    "the sum of a list": (
        "self.feedforward(sum([m.input for m in messages]))  # HERE", "sum cannot be compiled.*without brackets"
    ),
    "Python's draws": ("self.feedforward(random.gauss(0, 1))  # HERE", "random.gauss cannot.*self.normal"),
    "NumPy's draws": ("self.feedforward(np.random.normal())  # HERE", "np.random.normal cannot.*self.normal"),
    "an object that is called": ("self.feedforward(HALF(1.0))  # HERE", "HALF cannot.*engine='interpreter'"),
    "a lambda inside": ("f = lambda x: x  # HERE\nself.feedforward(f(1.0))", "a lambda inside.*write it outside"),
    "None": ("x = None\nself.feedforward(x)  # HERE", "None stands where a number is needed.*begin with a number"),
    "a message kept from None on": (
        "best = None\nfor m in messages:\n    if best is None or m.input > best.input:  # HERE\n        best = m",
        "None has no attribute 'input'; what begins as None stays None.*keep the numbers",
    ),
    "a slip in a method's name": (
        "self.feedforwrd(1.0)  # HERE\nself.feedforward(1.0)", r"did you mean self.feedforward\? Else assign it"
    ),
    "a slip in a hyperparameter's name": (
        "self.feedforward(self.haf)  # HERE", r"did you mean self.half\? Else assign it"
    ),
    "a message by its number": (
        "self.feedforward(messages[0].input)  # HERE", "messages have no numbers.*write for m in messages"
    ),
    "a method that is not called": (
        "self.feedforward(self.activation.derivative)  # HERE", r"call it, self.activation.derivative\(...\)"
    ),
    "an activation class that is called": (
        "self.feedforward(ReLU(1.0))  # HERE", r"give it to the layer, add_layer\(units, ReLU, ...\)"
    ),
    "None at times": ("x = None\nif self.index > 1:\n    x = 1.0  # HERE\nself.feedforward(1.0)", "different things"),
    "a global": ("global count  # HERE\nself.feedforward(1.0)", "change of a global.*keep values in self"),
    "an assertion": ("assert self.index >= 0  # HERE\nself.feedforward(1.0)", "assert cannot be compiled: leave"),
    "else after a loop": (
        "for m in messages:  # HERE\n    pass\nelse:\n    pass\nself.feedforward(1.0)",
        "else after a loop",
    ),
    "a loop over something": ("for i in (1, 2):  # HERE\n    pass\nself.feedforward(1.0)", "a loop runs"),
    "range of a fraction": (
        "for i in range(self.half):  # HERE\n    pass\nself.feedforward(1.0)",
        "range.. needs whole numbers, self.half is none",
    ),
    "a comparison of more than numbers": ("x = self in messages  # HERE\nself.feedforward(1.0)", "in a tuple of"),
    "bitwise not": ("self.feedforward(~self.index)  # HERE", "operator ~"),
    "a shift": ("self.feedforward(self.index << 1)  # HERE", "multiply by a power of two"),
    "recursion": ("self.feedforward(again(3.0))", "again calls itself"),
    "a helper that returns nothing": ("self.feedforward(nothing(1.0))  # HERE", "nothing returns nothing"),
    "a helper with too many arguments": ("self.feedforward(helper(1.0, 2.0, 3.0))  # HERE", "too many positional"),
    "a helper with stars": ("self.feedforward(stars(1.0))", "stars takes"),
    "stars in a call": ("self.feedforward(helper(*TWO))  # HERE", r"\* and \*\* in a call"),
    "push in forward": ("for m in messages:\n    self.push(1.0)  # HERE\nself.feedforward(1.0)", "belongs in"),
    "the value of an action": ("x = self.feedforward(1.0)  # HERE", "gives nothing back"),
    "an assignment to what Horn sets": ("self.output = 1.0  # HERE\nself.feedforward(1.0)", "set by Horn"),
    "an assignment to a message": (
        "for m in messages:\n    m.weight = 0.0  # HERE\nself.feedforward(1.0)", "cannot assign to"
    ),
    "a name with two meanings": ("x = 1.0\nx = math  # HERE\nself.feedforward(x)", "different things"),
    "a string in a sum": ("x = 'a' + 'b'  # HERE\nself.feedforward(1.0)", "a str stands where a number is needed"),
    "a step of nothing": ("for i in range(1, 5, 0):  # HERE\n    pass\nself.feedforward(1.0)", "step other than 0"),
    "fewer trials than none": ("self.feedforward(self.binomial(-1, 0.5))  # HERE", "n must be a whole number"),
    "an assignment to a property": ("self.third = 1.0  # HERE\nself.feedforward(1.0)", "third is a property"),
    "half a trial": ("self.feedforward(self.binomial(1.5, 0.5))  # HERE", "n must be a whole number"),
    "a draw without arguments": ("self.feedforward(self.binomial(1))  # HERE", "lacks the argument 'p'"),
    "an unknown argument of a draw": ("self.feedforward(self.normal(mean=1.0))  # HERE", "unexpected argument 'mean'"),
    "too many arguments of mathematics": ("self.feedforward(math.sin(1.0, 2.0))  # HERE", "sin takes one number"),
    "an unknown function of a module": ("self.feedforward(math.sine(1.0))  # HERE", "math has no attribute 'sine'"),
    "a NumPy function of arrays": ("self.feedforward(np.sum(1.0))  # HERE", "np.sum cannot be compiled"),
    "an object where a number is needed": ("self.feedforward(math)  # HERE", "module math stands where a number"),
    "messages where a number is needed": ("self.feedforward(messages)  # HERE", "messages stands where a number"),
    "the length of something": ("self.feedforward(len(1.0))  # HERE", "is known for messages, arrays and tuples"),
    "the sum of something": ("self.feedforward(sum(x for x in TWO))  # HERE", "sum.. is known for"),
    "a tuple that is unpacked wrongly": ("a, b = 1.0, 2.0, 3.0  # HERE\nself.feedforward(a)", "as many values"),
}  # fmt: skip

BACKWARD = {
    "an attribute that forward sets at times": (
        "self.backpropagate(self.mark)  # HERE", "reads self.mark, but nothing sets it on some path"
    ),
    "never backpropagates": ("def backward(self, messages):  # HERE\n    x = 1.0", "never calls self.backprop"),
    "pushes twice": (
        "for m in messages:\n    self.push(m.delta)\n    self.push(1.0)  # HERE", "twice for one message"
    ),
    "may push twice": (
        "for m in messages:\n    if m.is_bias:\n        self.push(m.delta)\n    self.push(1.0)  # HERE",
        "twice for one message",
    ),
    "pushes in two loops": (
        "for m in messages:\n    self.push(m.delta)\nfor m in messages:\n    self.push(1.0)  # HERE",
        "pushes in two loops",
    ),
    "pushes in a loop that repeats": (
        "for i in range(2):\n    for m in messages:\n        self.push(m.delta)  # HERE", "pushes in two loops"
    ),
    "pushes outside of the loop": ("self.push(1.0)  # HERE", "call it inside the loop"),
    "an attribute that forward never sets": ("x = self.mask  # HERE", "self.mask is read, but Unit never sets it"),
    "an attribute that only prediction sets": ("self.backpropagate(self.scale)  # HERE", "some path.*scale = 0.0"),
    "feeds forward": ("self.feedforward(1.0)  # HERE", "belongs in forward"),
    "the input of a message": ("for m in messages:\n    self.push(m.input)  # HERE", "has no 'input'"),
}  # fmt: skip

HEAD = """
import random
from functools import partial

from horn.neurons import ReLU

TWO = (1.0, 2.0)
HALF = partial(pow, 0.5)
TABLE = {"a": 1.0}


def helper(x, y=1.0):
    return x + y


def nothing(x):
    y = x


def again(x):
    return again(x - 1.0)  # HERE recursion


def produced():
    yield 1.0  # HERE a generator as helper


def stars(*x):  # HERE a helper with stars
    return x


class Unit(StandardNeuron):
    half = 0.5

    @property
    def third(self):
        return 1 / 3

"""
