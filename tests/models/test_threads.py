"""As many of torch's threads as pay, here and now, and nothing left changed."""

import os
import subprocess
import sys
import threading

import pytest
import torch

from calig_nb.models import kernels
from calig_nb.models.kernels import SMALL_WORK, FittingThreads, fit_threads


@pytest.fixture
def two():
    """Torch's own default on two cores, for this test."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.fixture
def paying(monkeypatch):
    """Says how many threads pay; counts how often it was asked."""
    asked = []

    def measure(most):
        asked.append(most)
        return paying.count

    def paying(count):
        paying.count = count
        monkeypatch.setattr(kernels, "_measure", measure)
        monkeypatch.setattr(kernels, "_paying", kernels._PayingThreads())
        return asked

    return paying


@pytest.mark.parametrize("count", [1, 2])
def test_large_work_takes_what_pays_and_small_work_one(two, paying, count):
    paying(count)
    with FittingThreads():
        fit_threads(SMALL_WORK)
        assert torch.get_num_threads() == count
        fit_threads(SMALL_WORK / 2)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_it_is_put_back_after_an_interrupt(two, paying):
    paying(1)
    with pytest.raises(KeyboardInterrupt), FittingThreads():
        fit_threads(SMALL_WORK)
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 2


def test_other_threads_find_what_the_user_set(two, paying):
    paying(1)
    found = []
    with FittingThreads():
        fit_threads(SMALL_WORK)
        thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert torch.get_num_threads() == 1
    assert found == [2]


def test_without_a_model_nothing_is_set(two, paying):
    asked = paying(1)
    fit_threads(SMALL_WORK)
    assert torch.get_num_threads() == 2
    assert not asked


def test_what_the_user_set_is_the_most(paying):
    asked = paying(2)
    with FittingThreads():
        fit_threads(SMALL_WORK)
        assert torch.get_num_threads() == 1
    assert not asked


def test_it_is_measured_again_but_seldom(two, paying, monkeypatch):
    asked, now = paying(1), [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    measure = kernels._measure

    def slowly(most):
        now[0] += 0.01
        return measure(most)

    monkeypatch.setattr(kernels, "_measure", slowly)
    with FittingThreads():
        for _ in range(100):
            fit_threads(SMALL_WORK)
            now[0] += 0.011
    assert len(asked) == 3, "0.01 s of each half second"


def test_measuring_leaves_the_number_of_threads(two):
    assert kernels._measure(2) in (1, 2)
    assert torch.get_num_threads() == 2


USER = """
import sys, time, warnings
import torch
if len(sys.argv) > 1:
    torch.set_num_threads(int(sys.argv[1]))
import calig_nb as cn
explainer = cn.load_demo("sentiment")
explainer.cache = None
texts = [
    "The plot is thin, but the acting is superb.",
    "It promises a feast and then hands us crumbs.",
    "A dull film that I would gladly see again.",
]
explainer.explain(texts[0])
before, began = torch.get_num_threads(), time.perf_counter()
cn.evaluate(explainer, texts, progress=False)
assert torch.get_num_threads() == before
print(time.perf_counter() - began)
"""


def seconds(*arguments):
    """How long an evaluation takes in a process of a user's, with torch's own settings."""
    plain = {n: v for n, v in os.environ.items() if not n.startswith(("OMP_", "MKL_", "GOMP_"))}
    found = subprocess.run(
        [sys.executable, "-c", USER, *arguments],
        env=plain, capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return float(found.stdout)


@pytest.mark.timed
def test_beside_a_busy_process_it_takes_little_longer():
    """Within 1.6 times what it takes alone with one thread, each of five times.

    Five more times where there may have been another neighbour than the one here.
    """
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core has no threads that wait for each other")
    alone = min(seconds("1") for _ in range(2))
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        beside = [seconds() for _ in range(5)]
        if max(beside) >= 1.6 * alone:
            beside = [seconds() for _ in range(5)]
    finally:
        busy.kill()
        busy.wait()
    assert max(beside) < 1.6 * alone, (alone, beside)
