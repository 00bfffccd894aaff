"""Layer-wise Integrated Gradients of any model by torch's own hooks, the slow and obvious way."""

import itertools
from contextlib import ExitStack

import numpy as np
import torch

from .zoo import logits_of


def _hidden(value):
    return torch.is_tensor(value) and value.is_floating_point() and value.ndim >= 3


def _first_hidden(args, kwargs):
    """What enters a block: a tensor of three axes or more, by place or by name."""
    named = [kwargs["hidden_states"]] if "hidden_states" in kwargs else []
    return next(v for v in (*args, *named, *kwargs.values()) if _hidden(v))


def _first_left(output):
    """What leaves a block: in a tuple or a list that with the fewest axes."""
    parts = output if isinstance(output, (tuple, list)) else [output]
    return min((part for part in parts if _hidden(part)), key=lambda part: part.ndim)


def run(user, members, inputs, layer=None, state=None):
    """The logits, and what enters each call of ``members`` and leaves the last.

    Args:
        user: The model.
        members: Its blocks, in the order of their calls, one that is shared as often.
        inputs: What it is called with.
        layer: Where ``state`` enters; ``len(members)`` replaces what leaves the last.
        state: (rows, tokens, hidden), or None.
    """
    count, seen = itertools.count(), []

    def enter(_, args, kwargs):
        own = _first_hidden(args, kwargs)
        if next(count) == layer:
            args = tuple(state if value is own else value for value in args)
            kwargs = {name: state if v is own else v for name, v in kwargs.items()}
            own = state
        seen.append(own)
        return args, kwargs

    def leave(_, args, output):
        if len(seen) < len(members):
            return None
        left = _first_left(output)
        seen.append(state if layer == len(members) else left)
        if layer != len(members):
            return None
        if torch.is_tensor(output):
            return state
        return type(output)(state if part is left else part for part in output)

    with ExitStack() as hooks:
        for member in dict.fromkeys(members):
            hooks.enter_context(member.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.enter_context(member.register_forward_hook(leave))
        logits = logits_of(user(**inputs))
    return logits, seen


def layer_attributions(user, members, inputs, baseline, target, nodes=48, panels=1):
    """(L + 1, tokens) Integrated Gradients of a logit along the straight line in every layer.

    The baseline lends what enters the first block, all else is the input's own.
    """
    with torch.no_grad():
        start = run(user, members, baseline)[1][0]
        own = run(user, members, inputs)[1]
        other = run(user, members, inputs, 0, start)[1]
    x, w = np.polynomial.legendre.leggauss(nodes)
    ts = np.concatenate([(i + (x + 1) / 2) / panels for i in range(panels)])
    ws = np.tile(w / 2 / panels, panels)
    found = []
    for layer, (end, begin) in enumerate(zip(own, other, strict=True)):
        total = torch.zeros_like(end)
        for t, weight in zip(ts, ws, strict=True):
            point = (begin + t * (end - begin)).detach().requires_grad_()
            logits, _ = run(user, members, inputs, layer, point)
            total += weight * torch.autograd.grad(logits[0, target], point)[0]
        found.append((total * (end - begin)).sum(dim=-1)[0].detach().numpy())
    return np.stack(found)
