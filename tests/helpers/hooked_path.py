"""Integrated gradients at every block by torch's own hooks; nothing of the package is used."""

import itertools
from contextlib import ExitStack

import numpy as np
import torch

NODES = 64


def states_of(blocks, depth, run):
    """What enters each of the ``depth`` calls of the blocks, and what leaves the last one."""
    entering, left = [], []

    def enter(_, args, kwargs):
        entering.append((args[0] if args else kwargs["hidden_states"]).detach())

    def leave(_, __, output):
        left.append((output[0] if isinstance(output, tuple) else output).detach())

    with ExitStack() as hooks, torch.no_grad():
        for block in blocks:
            hooks.enter_context(block.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.enter_context(block.register_forward_hook(leave))
        run(1)
    assert len(entering) == depth
    return [*entering, left[-1]]


def scores_from(blocks, depth, run, layer, hidden):
    """(rows,) scores when ``hidden`` enters block ``layer``, or leaves the last one."""
    count = itertools.count()

    def enter(_, args, kwargs):
        if next(count) != layer:
            return None
        return (
            ((hidden, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": hidden})
        )

    def leave(_, __, output):
        if next(count) != layer - 1:
            return None
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    with ExitStack() as hooks:
        for block in blocks:
            if layer == depth:
                hooks.enter_context(block.register_forward_hook(leave))
            else:
                hooks.enter_context(block.register_forward_pre_hook(enter, with_kwargs=True))
        return run(len(hidden))


def layer_attributions(blocks, depth, run, run_baseline):
    """(depth + 1, tokens) by 64 nodes of Gauss and Legendre.

    Args:
        blocks: Distinct modules, from below.
        depth: How many of their calls there are.
        run: Rows -> (rows,) scores of the input, by the whole model.
        run_baseline: The same of its baseline.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    own, below = (states_of(blocks, depth, one) for one in (run, run_baseline))
    at = torch.tensor((nodes + 1) / 2).to(own[0])[:, None, None]
    w = torch.tensor(weights / 2).to(own[0])[:, None, None]
    rows = []
    for layer, (h, start) in enumerate(zip(own, below)):
        points = (start + at * (h - start)).requires_grad_()
        total = scores_from(blocks, depth, run, layer, points).sum()
        (gradient,) = torch.autograd.grad(total, points)
        rows.append(((h - start)[0] * (w * gradient).sum(dim=0)).sum(dim=-1))
    return torch.stack(rows).numpy()
