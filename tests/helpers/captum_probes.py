"""Places on the way of the hidden states where Captum can put its hooks.

Captum hooks modules that are called once and return a tensor. Blocks may be shared by layers, and
may return tuples with None in them.
"""

from contextlib import ExitStack, contextmanager
from itertools import count

from torch import nn


@contextmanager
def probes(members, n_calls=None):
    """Identity modules that each hidden state passes through: before every block, after the last.

    Args:
        members: The blocks.
        n_calls: Their calls in one forward pass, where layers share them.

    Yields:
        ``n_calls + 1`` modules in the order of the layers.
    """
    n_calls = n_calls or len(members)
    places = [nn.Identity() for _ in range(n_calls + 1)]
    entered, left = count(), count()

    def enter(_, args, kwargs):
        place = places[next(entered) % n_calls]
        if args:
            return (place(args[0]), *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": place(kwargs["hidden_states"])}

    def leave(_, args, output):
        if (next(left) + 1) % n_calls:
            return None
        if isinstance(output, tuple):
            return (places[-1](output[0]), *output[1:])
        return places[-1](output)

    with ExitStack() as hooks:
        for member in members:
            hooks.enter_context(member.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.enter_context(member.register_forward_hook(leave))
        yield places
