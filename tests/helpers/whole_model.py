"""What the package computes from a block on, by the whole model or by torch's own calls."""

import itertools
from contextlib import ExitStack

import torch

from .zoo import logits_of, row, zoo_blocks, zoo_depth, zoo_inputs

SHAPES = ("bert", "vit")


def slow_logits(user, name, inputs, layer, hidden):
    """The whole model, row by row, with a hook that puts ``hidden`` in; every block computed."""
    members = zoo_blocks(user, name)
    last = layer == zoo_depth(name)
    stack = getattr(user, "transformer", None) if name == "t5" else None
    n = hidden.shape[1] // (1 if stack is None else 2)  # its decoder's tokens follow the encoder's

    def logits(whole):
        count, one = itertools.count(), whole[:, :n]

        def enter(_, args, kwargs):
            if next(count) != layer:
                return None
            return ((one, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": one})

        def leave(_, args, output):
            if next(count) != layer - 1:
                return None
            return (one, *output[1:]) if isinstance(output, tuple) else one

        def decode(_, args, kwargs):
            assert args, "the decoder's first block takes its states by place"
            return (whole[:, n:], *args[1:]), kwargs

        with ExitStack() as hooks:
            if stack is not None:
                first = stack.decoder.block[0]
                hooks.enter_context(first.register_forward_pre_hook(decode, with_kwargs=True))
            for m in members:
                entry, leaving = m.register_forward_pre_hook, m.register_forward_hook
                hooks.enter_context(leaving(leave) if last else entry(enter, with_kwargs=True))
            return logits_of(user(**row(inputs)))

    return torch.cat([logits(one) for one in hidden.split(1)])


def embeddings(user, name):
    """h_0 and h'_0, and the rest of the network by torch's own calls; BERT and ViT shapes."""
    if name == "bert":
        states = user.bert.embeddings(input_ids=zoo_inputs(name)["input_ids"])
    else:
        states = user.vit.embeddings(zoo_inputs(name)["pixel_values"])

    def rest(hidden):
        for block in zoo_blocks(user, name):
            left = block(hidden)
            hidden = left[0] if isinstance(left, tuple) else left
        if name == "bert":
            return user.classifier(user.bert.pooler(hidden))[:, 1]
        return user.classifier(user.vit.layernorm(hidden)[:, 0])[:, 1]

    return states[:1].detach(), states[1:].detach(), rest


def close(got, expected, tolerance):
    """Largest error, relative to the largest expected value; it must be within ``tolerance``."""
    error = (got.detach() - expected.detach()).abs().max() / expected.detach().abs().max()
    assert error <= tolerance, f"{error:.1e} > {tolerance:.0e}"
