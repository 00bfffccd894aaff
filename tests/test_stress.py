"""Interrupts, threads and killed writers, a few of them; `python -m tests.stress` does many."""

import signal

import pytest

from . import stress

pytestmark = [
    pytest.mark.full,
    pytest.mark.filterwarnings("ignore:model is in train mode"),
    pytest.mark.filterwarnings("ignore:Layer weights are estimated"),
]


@pytest.fixture(autouse=True)
def handlers():
    """Those of the test run, which the interrupts take away."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_interrupts_leave_the_model_as_it_was():
    landed = stress.interrupt(150)
    assert landed.total() == 150
    assert len(landed) == 5


def test_threads_share_an_explainer_beside_predictions():
    assert stress.share(4, 10) > 0


def test_killed_writers_lose_nothing():
    stress.kill(30)
