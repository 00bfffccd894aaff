"""The fast kernel is used only where it is exact, and never left switched on.

The probe and its clock are the module's own: no call from outside shows what they decide.
"""

import contextlib

import pytest
import torch

from calig_nb.models import kernels

pytestmark = pytest.mark.skipif(
    not hasattr(getattr(torch.backends.mkldnn, "matmul", None), "fp32_precision"),
    reason="this torch has no such switch",
)
CPU = torch.device("cpu")


def mode():
    return torch.backends.mkldnn.matmul.fp32_precision


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    probe = kernels._is_worthwhile
    probe.cache_clear()
    yield
    probe.cache_clear()


@pytest.mark.parametrize("worthwhile", [True, False])
def test_the_switch_is_restored_also_after_an_exception(monkeypatch, worthwhile):
    before = mode()
    monkeypatch.setattr(kernels, "_is_worthwhile", lambda: worthwhile)
    with pytest.raises(RuntimeError, match="inside"):
        with kernels.fast_matmul(torch.float32, CPU):
            assert (mode() == kernels.MODE) == worthwhile
            raise RuntimeError("inside")
    assert mode() == before
    with kernels.fast_matmul(torch.float64, CPU):
        assert mode() == before, "double precision is not touched"


def test_a_kernel_that_rounds_is_refused(monkeypatch):
    exact = torch.nn.functional.linear

    def rounded(a, b):
        if a.dtype == torch.float64:  # what the probe compares with
            return exact(a, b)
        return exact(a.bfloat16(), b.bfloat16()).to(a.dtype)

    seconds = iter([1.0, 9.0])  # it would be nine times as fast
    monkeypatch.setattr(kernels, "_best_seconds", lambda _: next(seconds))
    monkeypatch.setattr("torch.nn.functional.linear", rounded)
    assert not kernels._is_worthwhile()
    assert next(seconds) == 1.0, "refused for its error, before it is timed"


def test_a_kernel_that_is_no_faster_is_refused(monkeypatch):
    monkeypatch.setattr(kernels, "_best_seconds", lambda _: 1.0)
    assert not kernels._is_worthwhile()


@pytest.mark.parametrize("kind", ["plain", "causal", "bool", "float", "shared", "scale"])
def test_attention_written_out_is_torchs_own(kind):
    torch.manual_seed(0)
    heads = 2 if kind == "shared" else 4
    q = torch.randn(2, 4, 5, 8, dtype=torch.float64, requires_grad=True)
    k, v = torch.randn(2, 2, heads, 5, 8, dtype=torch.float64)
    options = {
        "plain": {},
        "causal": {"is_causal": True},
        "bool": {"attn_mask": (torch.rand(2, 1, 5, 5) > 0.3) | torch.eye(5, dtype=torch.bool)},
        "float": {"attn_mask": torch.randn(5, 5, dtype=torch.float64)},
        "shared": {"enable_gqa": True},
        "scale": {"scale": 0.3},
    }[kind]
    results = []
    for mode in (contextlib.nullcontext(), kernels.UnfusedAttention()):
        with mode:
            output = torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)
        results.append((output, torch.autograd.grad((output**2).sum(), q)[0]))
    for own, written in zip(*results, strict=True):
        torch.testing.assert_close(written, own)
