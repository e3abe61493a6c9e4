"""What is shown of a long run."""

import io
import logging
import sys

import pytest

from horn.models.watching.progress import Monitor
from horn.models.watching.recorder import Report


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("verbose", "terminal", "shown"), [(1, True, True), (0, True, False), (1, False, False)])
def test_the_bar_is_for_terminals(monkeypatch, verbose, terminal, shown):
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Monitor(10, verbose) as monitor:
        monitor(Report(4, 0.25, 0.5))
        monitor(Report(10, 0.125, 1.0))
    assert ("10/10" in stream.getvalue()) == shown
    assert bool(stream.getvalue()) == shown


def test_the_bar_tells_what_goes_on_and_the_figures_of_the_iterations_it_shows(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Monitor(10, 1) as monitor:
        assert "compiling" in sys.stderr.getvalue()
        monitor.training()
        monitor(Report(10, 0.125, 1.0))
        last = sys.stderr.getvalue().split("\r")[-1]
    assert "training: 100%" in last
    assert "loss=0.1250" in last


def test_looks_at_the_validation_data_are_logged(build, task, caplog):
    with caplog.at_level(logging.INFO, logger="horn"):
        build().fit(*task, iterations=4, batch_size=10, validation=task)
    assert [record.name for record in caplog.records] == ["horn.models"]
    assert "iteration 4: validation loss" in caplog.text
