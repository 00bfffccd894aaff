"""Running the user's model and leaving it exactly as it was, also after an exception."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .exclusive import exclusive_use, hold_other_threads
from .kernels import FittingThreads
from .wrappers import run_as_written

_DICTS = (dict, OrderedDict)


@contextmanager
def preserve_model(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, no parameter gradients, no cache, no shuffle; as before on leaving.

    Compiled modules run as they were written, in the weights' own precision, and with gradients,
    whatever the caller's autocast, inference mode or ``no_grad`` say.

    What the model's own forward leaves behind goes too: transformers installs hooks when
    attention probabilities are first asked for, and some models draw random numbers. Threads take
    turns, and an interrupt breaks nothing of this.
    """
    own = getattr(model, "explained", model)
    with exclusive_use(own), FittingThreads():
        flags = [(p, p.requires_grad) for p in model.parameters()]
        devices = {p.device for p, _ in flags if p.device.type == "cuda"}
        kinds = {p.device.type for p, _ in flags}
        configs = configs_of(model)
        with (
            _plain_autograd(kinds),
            torch.random.fork_rng(devices),
            restored_attributes([*model.modules(), *configs], flags),
        ):
            run_as_written(model.modules())
            hold_other_threads(own)
            model.eval()
            keep_image_order(model)
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            _set(configs, use_cache=False, return_dict=True)
            # Without a pad token causal heads refuse more than one row. No token is -1.
            _set([c for c in configs if getattr(c, "pad_token_id", 0) is None], pad_token_id=-1)
            yield


@contextmanager
def _plain_autograd(kinds: Iterable[str]) -> Iterator[None]:
    """Gradients, and no rounding, on devices of these kinds; on this thread only."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in kinds:
            stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def configs_of(model: nn.Module) -> list[Any]:
    """All the model's configurations, those within others too."""
    found = [getattr(module, "config", None) for module in model.modules()]
    configs = {id(config): config for config in found if hasattr(config, "__dict__")}
    for config in list(configs.values()):
        for name in getattr(config, "sub_configs", None) or {}:
            if (child := getattr(config, name, None)) is not None:
                configs[id(child)] = child
    return [*configs.values()]


@contextmanager
def changed_settings(model: nn.Module, **values: Any) -> Iterator[None]:
    """Change settings in all the model's configurations that have them; then restore."""
    configs = configs_of(model)
    with restored_attributes(configs):
        _set(configs, **values)
        yield


def _set(configs: Iterable[Any], **values: Any) -> None:
    for config in configs:
        for name, value in values.items():
            if hasattr(config, name):
                setattr(config, name, value)


class restored_attributes:
    """Gives each thing back the attributes it has now; dictionaries among them by content.

    Nothing is ever missing meanwhile, for others may be using it. An interrupt within begins the
    restoring again, and is raised at its end.

    Args:
        things: What may be changed.
        flags: Parameters, and whether each requires a gradient.
    """

    def __init__(
        self, things: Iterable[Any], flags: Sequence[tuple[nn.Parameter, bool]] = ()
    ) -> None:
        self.things, self.flags = [*things], flags

    def __enter__(self) -> None:
        """Note what there is."""
        dicts = [vars(thing) for thing in self.things]
        self.before = [
            (one, dict(one))
            for own in dicts
            for one in (own, *(v for v in own.values() if type(v) in _DICTS))
        ]

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        interrupt: BaseException | None = None
        while True:
            try:
                for changed, content in self.before:
                    _give_back(changed, content)
                for parameter, requires_grad in self.flags:
                    parameter.requires_grad_(requires_grad)
            except Exception:
                raise
            except BaseException as error:
                interrupt = error
            else:
                break
        if interrupt is not None:
            raise interrupt


def _give_back(changed: dict[str, Any], content: dict[str, Any]) -> None:
    """Make a dictionary what it was, its order too."""
    for name, value in content.items():
        if changed.get(name, content) is not value:
            changed[name] = value
    for name in [name for name in changed if name not in content]:
        changed.pop(name, None)
    if [*changed] != [*content]:  # moved to the end one by one, they are in order
        for name, value in content.items():
            changed.pop(name, None)
            changed[name] = value


def keep_image_order(model: nn.Module) -> None:
    """Let a masked autoencoder see every patch in its own place, until attributes are restored.

    ``ViTMAEModel`` draws a random order of the patches and keeps the first of them; at mask ratio
    0 it keeps all, but shuffled still. A classifier cannot tell (position was added before), a map
    can. Here its ``random_masking`` gets noise in ascending order, which shuffles nothing, also
    where the caller gave other noise.

    Source:
        He et al. (2022), arXiv:2111.06377, section 3; the shuffle as in their code.
    """
    for module in model.modules():
        if callable(run := getattr(module, "random_masking", None)):
            module.random_masking = _without_shuffle(run, module)  # type: ignore[assignment]


def _without_shuffle(run: Callable[..., Any], module: nn.Module) -> Callable[..., Any]:
    own = threading.get_ident()

    def masking(sequence: Tensor, noise: Tensor | None = None) -> Any:
        if threading.get_ident() != own:
            return run(sequence, noise)
        ratio = getattr(getattr(module, "config", None), "mask_ratio", 0.0)
        if ratio > 0:
            raise ValueError(
                f"model must see the whole picture, but its mask_ratio is {ratio}: it decides on "
                "patches drawn at random. Set config.mask_ratio = 0 in the encoder."
            )
        ascending = torch.arange(sequence.shape[1], device=sequence.device)
        return run(sequence, noise=ascending.float().expand(len(sequence), -1))

    return masking
