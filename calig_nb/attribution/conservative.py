"""Conservative propagation: a network whose non-linear factors are held, so that it is linear.

What is held is told apart by torch's functions as they are called, within a context and on this
thread only: no class, no module of torch and no other model is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..models import blocks
from ..models.block_model import BlockModel
from ..models.memory import Budget
from ..models.preserve import changed_settings
from .evidence import Batch, Evidence, map_evidence, trace_batch
from .request import score_function

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
_ADDS = ("add", "__add__", "__radd__", "__iadd__", "add_", "sub", "__sub__")


UNACCOUNTED = 1e-3
"""Most of the score, relative to the relevance's mass, that conservative propagation may miss."""


def propagate_relevance(model: BlockModel, batch: Batch, budget: Budget) -> list[list[Evidence]]:
    """Conservative propagation or AttnLRP, as the request names it.

    Raises:
        ValueError: If the score is not linear in the logits, or the model is one that the rules
            cannot account for.
    """
    del budget
    method = batch.request.method
    halved = method == "attn-lrp"
    trace, targets = trace_batch(model, batch, baselines=False)
    n_classes = trace.logits.shape[1]
    if any(not target.is_linear(n_classes) for one in targets for target in one):
        raise ValueError(
            f"method={method!r} shares a sum of logits among the tokens, so output must be "
            f"'logit' or 'margin' for {n_classes} classes, got {targets[0][0].output!r}."
        )
    plain = score_function(targets)

    def score(logits: Tensor, items: Tensor) -> Tensor:
        if not logits.requires_grad:
            raise ValueError(
                f"method={method!r} must find a path from the blocks to the logits that no softmax "
                "closes, but all of the model's end in one. Give it a model that returns logits."
            )
        return plain(logits, items)

    biases = list(bias_parameters(model.model).values())
    found: list[list[Evidence]] = []
    for i, one in enumerate(targets):
        entering = trace.hidden_states[0][i : i + 1]
        # Asked for its attention, a model that was built with another kind writes it out too.
        options = {"output_attentions": True} if halved else {}
        kernel = "eager" if halved else "sdpa"
        written = changed_settings(model.model, _attn_implementation=kernel, **options)
        with written, _requiring_grad(biases), constant_rules(model.model, halved=halved) as rules:
            pairs = model.passage(
                batch.inputs, entering, item=i, score=score, also=[*biases, rules.unit]
            )
        n_layers = len(pairs) - len(biases) - 1
        relevance, shares = propagate(
            pairs[:n_layers], pairs[n_layers:-1], pairs[-1], trace.cells.of_tokens
        )
        scores = trace.scores[i].double()
        missed = (scores - relevance[:, 0].sum(dim=-1) - shares.sum(dim=-1)).abs()
        mass = relevance[:, 0].abs().sum(dim=-1) + shares.abs().sum(dim=-1)
        lost = float((missed / mass.clamp(min=torch.finfo(scores.dtype).tiny)).max())
        if rules.attentions < n_layers - 1 or not lost <= UNACCOUNTED:
            raise ValueError(
                f"method={method!r} must find in the model, from its first block on, only linear "
                f"maps and what it has rules for: {RULES}. Of this model it found attention "
                f"{rules.attentions} times in {n_layers - 1} blocks, and missed {lost:.1%} of the "
                "relevance. Use another method; calig_nb.methods() names them."
            )
        found.append([])
        for k in range(len(one)):
            named = {"bias_share": float(shares[k, 0])}
            if shares[k, 1].abs() > 1e-9 * mass[k]:  # a mask rounds to nothing
                named["constant_share"] = float(shares[k, 1])
            rows = relevance[k].cpu().numpy()
            evidence = map_evidence(
                trace, targets, i, k, rows, n_steps=1, baseline_score=0.0, more=named
            )
            found[-1].append(evidence)
    return found


@contextmanager
def constant_rules(model: nn.Module, *, halved: bool = False) -> Iterator[ConstantRules]:
    """Within, the model computes the same, and its gradient holds what is not linear.

    Attention probabilities and the deviations of its norms are constants (the mean is still
    subtracted), and so is the ratio f(x) / x of each activation. Of a gate times a value the gate
    is held; of any other product of two states each takes half.

    Args:
        model: Whose activations are held.
        halved: AttnLRP instead, which keeps all the same but that queries, keys and gates take
            part: of every product of two states, as A V and Q Kᵀ, each takes half, and softmax
            is expanded about its input, what is left being the share of :attr:`ConstantRules.unit`.
            Attention must be written out.

    Source:
        Ali et al. (2022), arXiv:2202.07304: the rules for attention heads and for LayerNorm of
        its section 4. What the paper leaves open for a whole model, activations and the pooler's
        tanh, takes the identity rule; with it relevance is conserved exactly.
        AttnLRP: Achtibat et al. (2024), arXiv:2402.05602, the rules for activations, softmax
        (Proposition 3.1), products (Proposition 3.3) and norms (Proposition 3.4).
    """
    activations = [m for m in model.modules() if _is_elementwise(m)]
    mode = ConstantRules(halved)

    def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        x = next(iter((*args, *kwargs.values())))
        return mode.constant_ratio(x, run)

    with blocks.intercept_each(activations, enter), mode:
        yield mode


class ConstantRules(TorchFunctionMode):
    """Holds the factors of torch's functions within the context.

    Attributes:
        attentions: How many attention probabilities were met.
        unit: The number 1, whose share is what constants bring that are added to states (masks,
            positions), and what softmax adds to its own linear part.
    """

    def __init__(self, halved: bool) -> None:
        super().__init__()
        self.halved, self.attentions = halved, 0
        self.unit = torch.ones((), dtype=torch.float64, requires_grad=True)

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
            if self.halved and name == "softmax":
                return self._expanded(output, args[0], args[1] if len(args) > 1 else kwargs["dim"])
            return output.detach()
        if name == "scaled_dot_product_attention":
            self.attentions += 1
            query, key, *rest = args if len(args) > 1 else (kwargs.pop("query"), kwargs.pop("key"))
            return func(query.detach(), key.detach(), *rest, **kwargs)
        if name in _ACTIVATIONS and args and _flows(args[0]):
            x, *rest = args
            inplace = {n: v for n, v in kwargs.items() if n != "inplace"}
            return self.constant_ratio(x, lambda detached: func(detached, *rest, **inplace))
        if name in ("layer_norm", "rms_norm"):
            return (_layer_norm if name == "layer_norm" else _rms_norm)(*args, **kwargs)
        if len(args) == 2 and name in _ADDS and not kwargs and _flows(args[0]) != _flows(args[1]):
            return self._with_constant(func(*args), args, -1 if "sub" in name else 1)
        if len(args) != 2 or not all(map(_flows, args)):
            return func(*args, **kwargs)
        a, b = args
        if name in ("mul", "multiply", "__mul__", "__rmul__") and not self.halved:
            gates = [getattr(one, "calig_gate", False) for one in args]
            if any(gates):
                return func(a.detach(), b) if gates[0] else func(a, b.detach())
        if name in ("mul", "multiply", "__mul__", "__rmul__") or (
            self.halved and name in ("matmul", "bmm", "__matmul__")
        ):
            return 0.5 * (func(a, b.detach()) + func(a.detach(), b))
        if name in ("div", "divide", "true_divide", "__truediv__"):
            return func(a, b.detach(), **kwargs)
        return func(*args, **kwargs)

    def _with_constant(self, output: Tensor, args: tuple[Any, Any], sign: int) -> Tensor:
        """A sum of a state and a constant, whose share is the unit's; infinite ones have none."""
        constant = args[0] if _flows(args[1]) else args[1]
        if not torch.is_tensor(constant) or not constant.is_floating_point():
            return output
        finite = torch.where(constant.isfinite(), constant, 0).detach().to(output)
        return output + (self.unit.to(output) - 1) * (finite if _flows(args[1]) else sign * finite)

    def _expanded(self, output: Tensor, x: Tensor, axis: int) -> Tensor:
        """Softmax, what its linear part about x leaves being the share of the unit."""
        with torch.no_grad():
            weighed = torch.where(output > 0, output * x.to(output), 0)
            rest = output - (weighed - output * weighed.sum(dim=axis, keepdim=True))
        return output + (self.unit.to(output) - 1) * rest

    def constant_ratio(self, x: Tensor, run: Callable[[Tensor], Tensor]) -> Tensor:
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


def bias_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """What a model adds to its states by itself, by name."""
    return {name: p for name, p in model.named_parameters() if name.endswith("bias")}


def propagate(
    layers: list[tuple[Tensor, Tensor]],
    biases: list[tuple[Tensor, Tensor]],
    unit: tuple[Tensor, Tensor],
    summed: Callable[[int, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Relevance of every token at every layer, and the shares of biases and of constants.

    Args:
        layers: For each layer h_b (1, tokens, hidden) and, with factors held, ∂f/∂h_b (targets,
            1, tokens, hidden).
        biases: For each bias its value, and ∂f/∂bias (targets, ...).
        unit: The same for :attr:`ConstantRules.unit`.
        summed: A layer's token values (..., tokens) in what is explained, (..., cells).

    Returns:
        (targets, layers, cells), signed, in units of the score; and (targets, 2), what all
        biases above the embeddings brought, and the unit. At the embeddings all this sums to the
        score.
    """
    tokens = [(h.double() * g.double()).sum(dim=-1)[:, 0] for h, g in layers]
    relevance = [summed(layer, values) for layer, values in enumerate(tokens)]
    shares = relevance[0].new_zeros(len(relevance[0]), 2)
    # What stands for no token, as the one that a decoder starts from, is a constant too.
    shares[:, 1] = tokens[0].sum(dim=-1) - relevance[0].sum(dim=-1)
    for column, (value, gradient) in [*((0, pair) for pair in biases), (1, unit)]:
        taken = value.double() * gradient.double()
        shares[:, column] += taken.reshape(len(shares), -1).sum(dim=1).to(shares)
    return torch.stack(relevance, dim=1), shares


def _flows(value: Any) -> bool:
    return torch.is_tensor(value) and value.requires_grad


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


@contextmanager
def _requiring_grad(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """Inside, these weights ask for a gradient; afterwards, as before."""
    before = [weight.requires_grad for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_(True)
        yield
    finally:
        for weight, flag in zip(weights, before, strict=True):
            weight.requires_grad_(flag)
