"""Layer-wise Integrated Gradients of any model by hand, one layer and one node at a time."""

import itertools

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
    parts = output.values() if isinstance(output, dict) else output
    parts = [output] if torch.is_tensor(output) else parts
    return min((part for part in parts if _hidden(part)), key=lambda part: part.ndim)


def _with(output, old, new):
    """What a block returned with another state in it."""
    if torch.is_tensor(output):
        return new
    if isinstance(output, dict):
        return {name: new if part is old else part for name, part in output.items()}
    return type(output)(new if part is old else part for part in output)


def run(user, members, inputs, layer=None, state=None, aside=None):
    """The logits, and what enters each call of ``members`` and leaves the last.

    Args:
        user: The model.
        members: Its blocks, in the order of their calls, one that is shared as often.
        inputs: What it is called with.
        layer: Where ``state`` enters; ``len(members)`` replaces what leaves the last.
        state: (rows, tokens, hidden), or None.
        aside: What blocks are given in the place of the embeddings once more, or None.
    """
    count, seen, again = itertools.count(), [], []

    def entered(block):
        def forward(*args, **kwargs):
            number, own = next(count), _first_hidden(args, kwargs)
            here = state if number == layer else own
            seen.append(here)
            if number == 0 and aside is not None:
                twins = [v for v in (*args, *kwargs.values()) if _hidden(v) and v is not own]
                again.extend(v for v in twins if v.shape == own.shape and torch.equal(v, own))

            def changed(value):
                if any(value is one for one in again):
                    return aside
                return here if value is own else value

            output = block(*map(changed, args), **{n: changed(v) for n, v in kwargs.items()})
            if number + 1 < len(members):
                return output
            left = _first_left(output)
            seen.append(state if layer == len(members) else left)
            return _with(output, left, seen[-1])

        return forward

    distinct = list(dict.fromkeys(members))
    for member in distinct:  # some models call forward itself, which runs no hooks
        member.forward = entered(member.forward)
    try:
        return logits_of(user(**inputs)), seen
    finally:
        for member in distinct:
            del member.forward


def layer_attributions(
    user, members, inputs, baseline, target, nodes=48, token_axis=1, ragged=False, twice=False
):
    """(L + 1, tokens) Integrated Gradients of a logit along the straight line in every layer.

    The baseline lends what enters the first block, all else is the input's own.

    Args:
        user: The model.
        members: Its blocks, in the order of their calls.
        inputs: What it is called with, one row.
        baseline: The same of the baseline.
        target: The class.
        nodes: Of the Gauss-Legendre rule.
        token_axis: That of the blocks' states.
        twice: Whether blocks are given the embeddings once more, which then move along with the
            state of every layer.
        ragged: Whether layers have different numbers of tokens, and come as a list.
    """
    with torch.no_grad():
        start = run(user, members, baseline)[1][0]
        own = run(user, members, inputs)[1]
        other = run(user, members, inputs, 0, start, start if twice else None)[1]
    x, w = np.polynomial.legendre.leggauss(nodes)
    found = []
    for layer, (end, begin) in enumerate(zip(own, other, strict=True)):
        total = torch.zeros_like(end)
        for t, weight in zip((x + 1) / 2, w / 2, strict=True):
            point = (begin + t * (end - begin)).detach().requires_grad_()
            aside = (start + t * (own[0] - start)).detach().requires_grad_() if twice else None
            logits, _ = run(user, members, inputs, layer, point, aside)
            leaves = [point, aside] if twice else [point]
            found_here = torch.autograd.grad(
                logits[0, target], leaves, materialize_grads=True, allow_unused=True
            )
            total += weight * found_here[0] * (end - begin)
            if twice:
                total += weight * found_here[1] * (own[0] - start)
        by_token = total.movedim(token_axis, 0).flatten(1).sum(dim=1)
        found.append(by_token.detach().numpy())
    return found if ragged else np.stack(found)
