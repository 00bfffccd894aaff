"""Recipe of the embedded `pictures` model: a small ViT-MAE that fills gaps, then names pictures.

``python -m calig_nb.demo.recipes.pictures.train --data ARCHIVE --out DIR``
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    ViTForImageClassification,
    ViTImageProcessor,
    ViTMAEConfig,
    ViTMAEForPreTraining,
)

from ..common import follow, learn, weigh_layers
from .lessons import SIDE, Pictures, batches, hold_out, read, recoloured, scaled
from .namer import Namer

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe.

    Attributes:
        seed: Seed of all draws.
        filling: Passes over the pictures in which masked patches are filled in.
        naming: Passes in which they are named from some of their patches.
        finishing: Passes in which they are named from all.
        held_out: Training pictures kept back, by which this recipe was chosen.
        patch: Side of a patch, in pixels.
        hidden: Width of the hidden states.
        layers: Blocks.
        heads: Attention heads a block.
        intermediate: Width inside a block's feed-forward part.
        mask_ratio: Share of the patches that are masked and filled in.
        unseen: Share of the patches that are left out while pictures are named: twice the
            passes in the same time, and a model that does not lean on any one patch.
        decoder: Width of the decoder, which is thrown away.
        batch: Pictures an optimiser step.
        filling_rate: Peak of the learning rate, reached after `warm_up` of the steps, then a
            cosine to zero.
        naming_rate: The same while pictures are named from some of their patches.
        finishing_rate: The same while they are named from all.
        warm_up: Share of the steps.
        weight_decay: AdamW's.
        smoothing: Label smoothing.
        mean_decay: Decay of the running mean of the weights, which is what is kept.
        calibration: Held-out pictures that the layer weights are estimated from.
    """

    seed: int = 0
    filling: int = 20
    naming: int = 64
    finishing: int = 16
    held_out: int = 500
    patch: int = 4
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    intermediate: int = 256
    mask_ratio: float = 0.75
    unseen: float = 0.5
    decoder: int = 64
    batch: int = 64
    filling_rate: float = 1.5e-3
    naming_rate: float = 1e-3
    finishing_rate: float = 5e-4
    warm_up: float = 0.08
    weight_decay: float = 0.05
    smoothing: float = 0.05
    mean_decay: float = 0.998
    calibration: int = 20


def untaught(recipe: Recipe) -> ViTMAEForPreTraining:
    """The masked autoencoder before any lesson."""
    config = ViTMAEConfig(
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        image_size=SIDE,
        patch_size=recipe.patch,
        mask_ratio=recipe.mask_ratio,
        decoder_hidden_size=recipe.decoder,
        decoder_num_hidden_layers=1,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=2 * recipe.decoder,
        norm_pix_loss=True,
        layer_norm_eps=1e-6,
    )
    return ViTMAEForPreTraining(config)


def train(
    model: Model,
    lessons: Callable[[], Iterator[tuple[Tensor, ...]]],
    loss_of: Callable[..., Tensor],
    n_epochs: int,
    n_steps: int,
    peak: float,
    recipe: Recipe,
    after: Callable[[Any], str],
) -> Model:
    """The running mean of the weights at the end of training.

    Args:
        model: What learns.
        lessons: Gives one pass of batches, asked anew for each.
        loss_of: The loss of ``model`` on one batch.
        n_epochs: Passes.
        n_steps: Steps in all, for the learning rate.
        peak: Of the learning rate.
        recipe: All other numbers.
        after: Told the running mean after each pass; what it says is printed.
    """
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.0)
    mean, step = copy.deepcopy(model).eval(), 0
    for epoch in range(n_epochs):
        model.train()
        began, total, count = time.monotonic(), 0.0, 0
        for batch in lessons():
            loss = loss_of(model, *(part.to(decayed[0].device) for part in batch))
            total += learn(optimizer, loss, step / n_steps, peak=peak, warm_up=recipe.warm_up)
            count, step = count + 1, step + 1
            follow(mean, model, step, recipe.mean_decay)
        seconds = time.monotonic() - began
        said = after(mean)
        print(f"  {epoch + 1}: loss {total / count:.3f}, {seconds:.0f} s{said}", flush=True)
    return mean


def accuracy(model: nn.Module, pictures: Pictures) -> float:
    """Share of the pictures whose own class is the likeliest."""
    right = 0
    for pixels, labels in zip(*map(_parts, (pictures.pixels, pictures.labels)), strict=True):
        with torch.inference_mode():
            found = model(pixel_values=scaled(pixels)).logits.argmax(dim=1)
        right += int((found == labels).sum())
    return right / len(pictures)


def _parts(values: Tensor) -> tuple[Tensor, ...]:
    return torch.split(values, 250)


def save(model: nn.Module, out: Path) -> None:
    """Write the classifier, its weights at half precision, and its image processor."""
    copy.deepcopy(model).half().save_pretrained(out)  # type: ignore[operator]
    (out / "model.safetensors").chmod(0o644)
    processor = ViTImageProcessor(
        size={"height": SIDE, "width": SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    processor.save_pretrained(out)


def calibrate(folder: Path, held: Pictures, n: int) -> None:
    """Estimate the layer weights on n held-out pictures, and keep them."""
    weigh_layers(folder, [Image.fromarray(one.permute(1, 2, 0).numpy()) for one in held.pixels[:n]])


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long it took."""
    began = time.monotonic()
    print(what, flush=True)
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Train, save, load what was saved, and print its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="zip of train|test/CLASS/*.jpg, 32 by 32 pixels"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--filling", type=int, default=Recipe.filling, help="passes")
    parser.add_argument("--naming", type=int, default=Recipe.naming, help="passes")
    parser.add_argument("--finishing", type=int, default=Recipe.finishing, help="passes")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (%(default)s)")
    options = parser.parse_args()
    recipe = Recipe(options.seed, options.filling, options.naming, options.finishing)
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.seed)
    rng = torch.Generator().manual_seed(recipe.seed)

    taught, held = hold_out(read(options.data, "train"), recipe.held_out, recipe.seed)
    steps = len(taught) // recipe.batch

    def lessons() -> Iterator[tuple[Tensor, ...]]:
        return batches(taught, recipe.batch, rng)

    autoencoder = untaught(recipe).to(options.device)
    with timed("filling gaps"):
        autoencoder = train(
            autoencoder,
            lessons,
            lambda model, pixels, _: model(pixel_values=pixels).loss,
            recipe.filling,
            recipe.filling * steps,
            recipe.filling_rate,
            recipe,
            lambda _: "",
        )

    def named(model: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        logits = model(pixel_values=recoloured(pixels, rng))
        logits = getattr(logits, "logits", logits)
        return F.cross_entropy(logits, labels, label_smoothing=recipe.smoothing)

    namer = Namer(autoencoder.vit).to(options.device)
    namer.encoder.config.mask_ratio = recipe.unseen
    with timed("naming them from some patches"):
        namer = train(
            namer,
            lessons,
            named,
            recipe.naming,
            recipe.naming * steps,
            recipe.naming_rate,
            recipe,
            lambda mean: f", {accuracy(mean.classifier(), held):.1%} of those kept back",
        )

    best = [0.0]

    def keep_best(mean: ViTForImageClassification) -> str:
        mean = copy.deepcopy(mean).cpu()
        right = accuracy(mean, held)
        if right >= best[0]:
            best[0] = right
            save(mean, options.out)
        return f", {right:.1%} of those kept back"

    with timed("naming them from all"):
        train(
            namer.classifier().to(options.device),
            lessons,
            named,
            recipe.finishing,
            recipe.finishing * steps,
            recipe.finishing_rate,
            recipe,
            keep_best,
        )

    calibrate(options.out, held, recipe.calibration)
    saved = ViTForImageClassification.from_pretrained(options.out, dtype=torch.float32).eval()
    for name, found in (("kept back", held), ("test", read(options.data, "test"))):
        print(f"{name}: {accuracy(saved, found):.4f}, n = {len(found)}")


if __name__ == "__main__":
    main()
