"""Conservative propagation: a network whose non-linear factors are held, so that it is linear.

What is held is told apart by torch's functions as they are called, within a context and on this
thread only: no class, no module of torch and no other model is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from . import blocks

RULES = (
    "softmax or scaled_dot_product_attention for attention, layer_norm, rms_norm or rsqrt for "
    "norms, torch's own activations or modules of one tensor element by element, and products "
    "of two states"
)

_CONSTANT = ("softmax", "_softmax", "rsqrt", "sqrt", "std", "var")
_ACTIVATIONS = (
    "gelu", "relu", "silu", "tanh", "sigmoid", "elu", "celu", "selu", "leaky_relu", "relu6",
    "hardswish", "hardtanh", "hardsigmoid", "mish", "softplus", "softsign", "logsigmoid", "erf",
    "exp", "pow", "square", "abs",
)  # fmt: skip


@contextmanager
def held(model: nn.Module) -> Iterator[Held]:
    """Within, the model computes the same, and its gradient holds what is not linear.

    Attention probabilities and the deviations of its norms are constants (the mean is still
    subtracted), and so is the ratio f(x) / x of each activation. Of a gate times a value the gate
    is held; of any other product of two states each takes half.

    Source:
        Ali et al. (2022), arXiv:2202.07304: the rule for attention heads (eq. 8) and for
        LayerNorm (eq. 9 and 10). What the paper leaves open for a whole model, activations and
        the pooler's tanh, takes the identity rule; with it relevance is conserved exactly.
        Products follow Achtibat et al. (2024), arXiv:2402.05602, eq. 15.
    """
    activations = [m for m in model.modules() if _is_elementwise(m)]
    mode = Held()

    def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        x = next(iter((*args, *kwargs.values())))
        return mode.ratio_held(x, run)

    with blocks.taken_over_each(activations, enter), mode:
        yield mode


class Held(TorchFunctionMode):
    """Holds the factors of torch's functions within the context.

    Attributes:
        attentions: How many attention probabilities were held.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attentions = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if not torch.is_grad_enabled():
            return func(*args, **kwargs)
        if name in _CONSTANT:
            self.attentions += name.endswith("softmax")
            output = func(*args, **kwargs)
            return _constant(output)
        if name == "scaled_dot_product_attention":
            self.attentions += 1
            query, key, *rest = args if len(args) > 1 else (kwargs.pop("query"), kwargs.pop("key"))
            return func(query.detach(), key.detach(), *rest, **kwargs)
        if name in _ACTIVATIONS and args and _flows(args[0]):
            x, *rest = args
            inplace = {n: v for n, v in kwargs.items() if n != "inplace"}
            return self.ratio_held(x, lambda detached: func(detached, *rest, **inplace))
        if name in ("layer_norm", "rms_norm"):
            return (_layer_norm if name == "layer_norm" else _rms_norm)(*args, **kwargs)
        if name in ("mul", "multiply", "__mul__", "__rmul__") and all(map(_flows, args[:2])):
            a, b = args[:2]
            if getattr(a, "calig_gate", False) or getattr(b, "calig_gate", False):
                gate, value = (a, b) if getattr(a, "calig_gate", False) else (b, a)
                return func(value, gate.detach())
            return 0.5 * (func(a, b.detach()) + func(a.detach(), b))
        if name in ("div", "divide", "true_divide", "__truediv__") and all(map(_flows, args[:2])):
            return func(args[0], args[1].detach(), **kwargs)
        return func(*args, **kwargs)

    def ratio_held(self, x: Tensor, run: Callable[[Tensor], Tensor]) -> Tensor:
        """``f(x)``, whose gradient is the ratio f(x) / x; marked, for it may be a gate."""
        if not _flows(x):
            return run(x)
        with torch.no_grad():
            detached = x.detach().clone()
            y = run(detached.clone())
            ratio = torch.where(detached != 0, y / detached, torch.zeros_like(y))
            rest = y - detached * ratio
        output = x * ratio + rest
        output.calig_gate = True  # type: ignore[attr-defined]
        return output


def biases_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """What a model adds to its states by itself, by name."""
    return {name: p for name, p in model.named_parameters() if name.endswith("bias")}


def conserved(
    layers: list[tuple[Tensor, Tensor]], biases: list[tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Relevance of every token at every layer, and the share that the biases take.

    Args:
        layers: For each layer h_b (1, tokens, hidden) and, with factors held, ∂f/∂h_b (targets,
            1, tokens, hidden).
        biases: For each bias its value, and ∂f/∂bias (targets, ...).

    Returns:
        (targets, layers, tokens), signed, in units of the score; and (targets,) what all biases
        above the embeddings brought. At the embeddings both sum to the score.
    """
    relevance = [(h.double() * g.double()).sum(dim=-1)[:, 0] for h, g in layers]
    share = torch.zeros(len(relevance[0]), dtype=torch.float64, device=relevance[0].device)
    for value, gradient in biases:
        share += (value.double() * gradient.double()).flatten(start_dim=1).sum(dim=1)
    return torch.stack(relevance, dim=1), share


def _flows(value: Any) -> bool:
    return torch.is_tensor(value) and value.requires_grad


def _constant(output: Any) -> Any:
    if torch.is_tensor(output):
        return output.detach()
    return type(output)(_constant(part) for part in output)


def _layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *_: Any,
) -> Tensor:
    """LayerNorm with its deviation held and its mean subtracted."""
    axes = tuple(range(-len(tuple(normalized_shape)), 0))
    centred = input - input.mean(dim=axes, keepdim=True)
    with torch.no_grad():
        scale = (centred.detach().square().mean(dim=axes, keepdim=True) + eps).rsqrt()
        exact = functional.layer_norm(input.detach(), normalized_shape, None, None, eps)
    output = centred * scale
    output = output + (exact - output.detach())
    output = output if weight is None else output * weight
    return output if bias is None else output + bias


def _rms_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """RMSNorm with its deviation held."""
    axes = tuple(range(-len(tuple(normalized_shape)), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    scale = (input.detach().square().mean(dim=axes, keepdim=True) + eps).rsqrt()
    output = input * scale
    return output if weight is None else output * weight


def _is_elementwise(module: nn.Module) -> bool:
    """Whether a module without parts or weights maps each number by itself: an activation."""
    parts = (*module.children(), *module.parameters(), *module.buffers())
    if parts or isinstance(module, nn.Embedding):
        return False
    probe = torch.tensor([[-1.3, 0.4, 2.1]])
    try:
        with torch.no_grad():
            whole = module.forward(probe)
            single = [module.forward(probe[:, i : i + 1]) for i in range(3)]
        return bool(
            torch.is_tensor(whole)
            and whole.shape == probe.shape
            and torch.allclose(whole, torch.cat(single, dim=1))
            and not torch.equal(whole, probe)
        )
    except Exception:
        return False  # it takes something else than one tensor
