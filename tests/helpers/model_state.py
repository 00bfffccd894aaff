"""Everything of a user's model that an explanation might change, and that it did not."""

import copy

import torch


def state_of(model):
    """Weights, modes, flags, gradients, hooks, attributes and configuration of a model."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "weights": {name: value.clone() for name, value in model.state_dict().items()},
        "modes": [module.training for module in model.modules()],
        "flags": [p.requires_grad for p in model.parameters()],
        "grads": [p.grad for p in model.parameters()],
        "hooks": [[dict(getattr(m, kind)) for kind in hooks] for m in model.modules()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "config": copy.deepcopy(vars(model.config)),
    }


def assert_unchanged(model, before):
    after = state_of(model)
    weights = before.pop("weights")
    for name, value in after.pop("weights").items():
        assert torch.equal(value, weights[name])
    assert after == before
