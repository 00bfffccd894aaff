"""The fast kernel is used only where it is exact, and never left switched on."""

import pytest
import torch

from calig_nb import kernels
from calig_nb.evidence import halving

pytestmark = pytest.mark.skipif(
    not hasattr(getattr(torch.backends.mkldnn, "matmul", None), "fp32_precision"),
    reason="this torch has no such switch",
)
CPU = torch.device("cpu")


def mode():
    return torch.backends.mkldnn.matmul.fp32_precision


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    probe = kernels._worthwhile
    probe.cache_clear()
    yield
    probe.cache_clear()


@pytest.mark.parametrize("worthwhile", [True, False])
def test_the_switch_is_restored_also_after_an_exception(monkeypatch, worthwhile):
    before = mode()
    monkeypatch.setattr(kernels, "_worthwhile", lambda: worthwhile)
    with pytest.raises(RuntimeError, match="inside"):
        with kernels.fast_matmul(torch.float32, CPU):
            assert (mode() == kernels.MODE) == worthwhile
            raise RuntimeError("inside")
    assert mode() == before
    with kernels.fast_matmul(torch.float64, CPU):
        assert mode() == before, "double precision is not touched"


def test_a_kernel_that_rounds_is_refused(monkeypatch):
    exact = torch.nn.functional.linear
    monkeypatch.setattr(
        "torch.nn.functional.linear", lambda a, b: exact(a.bfloat16(), b.bfloat16()).to(a.dtype)
    )
    assert not kernels._worthwhile()


def test_a_kernel_that_is_no_faster_is_refused(monkeypatch):
    monkeypatch.setattr(kernels, "_seconds", lambda _: 1.0)
    assert not kernels._worthwhile()


def test_a_pass_that_does_not_fit_is_halved():
    sizes = []

    def run(points):
        sizes.append(len(points))
        if len(points) > 2:
            raise torch.cuda.OutOfMemoryError("no room")
        return points * 2

    points = torch.arange(7.0)
    torch.testing.assert_close(halving(run, points), points * 2)
    assert max(s for s in sizes if s <= 2) == 2

    def hopeless(points):
        raise torch.cuda.OutOfMemoryError("no room")

    with pytest.raises(torch.cuda.OutOfMemoryError, match="no room"):
        halving(hopeless, points)
