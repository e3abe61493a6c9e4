"""Learning rates over a run, and when a run ends early."""

import pytest

from horn.models import ConstantSchedule, Convergence, ExponentialSchedule, LinearSchedule
from horn.models.convergence import ConvergenceCheck


def test_rates():
    assert ConstantSchedule(0.1)(0.7, 3) == 0.1
    assert LinearSchedule(0.1)(0.0, 0) == 0.1
    assert LinearSchedule(0.1)(0.75, 0) == pytest.approx(0.025)
    assert LinearSchedule(0.1, final=0.02)(0.5, 0) == pytest.approx(0.06)
    assert ExponentialSchedule(0.1)(1.0, 0) == pytest.approx(0.001)
    assert ExponentialSchedule(0.1, decay=0.25)(0.5, 0) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.2, [0.2] * 4),
        (LinearSchedule(0.4), [0.4, 0.3, 0.2, 0.1]),
        (lambda progress, step: progress + step, [4.0, 5.25, 6.5, 7.75]),
    ],
)
def test_a_fit_runs_through_its_schedule_and_tells_the_step(build, task, rate, expected):
    nn = build(learning_rate=rate if isinstance(rate, float) else 0.0)
    nn.fit(*task, iterations=4, batch_size=8)
    nn.learning_rate = rate
    assert nn.fit(*task, iterations=4, batch_size=8).learning_rate == pytest.approx(expected)


def test_a_rate_of_zero_changes_nothing(build, task, same_weights):
    nn = build(learning_rate=0)
    nn.fit(*task, iterations=3, batch_size=8)
    assert same_weights(nn, build())


def stops_at(losses, tol, window):
    check = ConvergenceCheck(Convergence(tol, window))
    return next((number for number, loss in enumerate(losses, 1) if check.converged(loss)), None)


def test_convergence_compares_the_means_of_two_windows():
    assert stops_at([4, 2, 2, 2, 2, 2], 0.5, 2) == 6  # means 3, 2, 2
    assert stops_at([4, 2, 2, 2, 2, 2], 1.0, 2) == 4  # a fall by tol itself is not enough
    assert stops_at([1.0] * 20, 0.1, 5) == 10
    assert stops_at([20 - i for i in range(20)], 0.1, 5) is None
    assert stops_at([1, 2], 0.0, 1) == 2


def test_a_fit_ends_when_the_loss_has_converged(build, task):
    nn = build(learning_rate=0.0)
    history = nn.fit(*task, iterations=50, batch_size=8, convergence=Convergence(tol=10.0, window=3), validation=task)
    assert history.stopped == "converged"
    assert len(history) == 6
    assert nn.step == 6
    assert history.validation[-1].iteration == 6
