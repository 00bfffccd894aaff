"""Everything of a user's model that an explanation might change, and that it did not."""

import copy
import signal

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


def process_state():
    """What the whole process has once, or this thread: none of it belongs to an explanation."""
    matmul = torch.backends.mkldnn.matmul
    return {
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "threads": torch.get_num_threads(),
        "random": torch.get_rng_state().tolist(),
        "modes": torch._C._len_torch_function_stack(),
        "saved tensors": torch._C._autograd._top_saved_tensors_default_hooks(True),
        "hooks": len(torch.nn.modules.module._global_forward_hooks),
        "precision": getattr(matmul, "fp32_precision", None),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)],
    }
