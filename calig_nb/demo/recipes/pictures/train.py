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
from functools import partial
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

from .. import common
from .classifier import MaskedClassifier
from .lessons import (
    SIDE,
    Pictures,
    change_colours,
    draw_batches,
    hold_out,
    read_pictures,
    scale_pixels,
)

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Recipe(common.Recipe):
    """The recipe's own numbers, beside those of :class:`common.Recipe`.

    Attributes:
        filling: Passes over the pictures in which masked patches are filled in.
        naming: Passes in which they are named from some of their patches.
        finishing: Passes in which they are named from all.
        held_out: Training pictures kept back, by which this recipe was chosen.
        patch: Side of a patch, in pixels.
        mask_ratio: Share of the patches that are masked and filled in.
        unseen: Share of the patches that are left out while pictures are named: twice the
            passes in the same time, and a model that does not lean on any one patch.
        decoder: Width of the decoder, which is thrown away.
        batch: Pictures an optimiser step.
        filling_rate: Peak of the learning rate while patches are filled in.
        naming_rate: The same while pictures are named from some of their patches.
        finishing_rate: The same while they are named from all.
        smoothing: Label smoothing.
    """

    intermediate: int = 256
    warm_up: float = 0.08
    mean_decay: float = 0.998
    filling: int = 20
    naming: int = 64
    finishing: int = 16
    held_out: int = 500
    patch: int = 4
    mask_ratio: float = 0.75
    unseen: float = 0.5
    decoder: int = 64
    batch: int = 64
    filling_rate: float = 1.5e-3
    naming_rate: float = 1e-3
    finishing_rate: float = 5e-4
    smoothing: float = 0.05


def build_autoencoder(recipe: Recipe) -> ViTMAEForPreTraining:
    """The untrained masked autoencoder."""
    config = ViTMAEConfig(
        **common.shape_options(recipe),
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
    pictures: Pictures,
    loss_of: Callable[[Model, Tensor, Tensor], Tensor],
    n_epochs: int,
    peak: float,
    recipe: Recipe,
    rng: torch.Generator,
    evaluate: Callable[[Any], str] = lambda mean: "",
) -> Model:
    """The running mean of the weights at the end of training.

    Args:
        model: What learns.
        pictures: What it learns from.
        loss_of: The loss of the model on pixels and labels.
        n_epochs: Passes over the pictures.
        peak: Of the learning rate.
        recipe: All other numbers.
        rng: Source of the draws.
        evaluate: What the line printed after each pass also says, from the running mean.
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in weights if p.ndim <= 1]},
    ]
    return common.train(
        model,
        torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.0),
        (draw_batches(pictures, recipe.batch, rng) for _ in range(n_epochs)),
        lambda batch: loss_of(model, *(part.to(weights[0].device) for part in batch)),
        recipe,
        peak=peak,
        n_steps=n_epochs * (len(pictures) // recipe.batch),
        message="  {number}: loss {loss:.3f}, {seconds:.0f} s",
        evaluate=evaluate,
    )


def filling_loss(model: ViTMAEForPreTraining, pixels: Tensor, labels: Tensor) -> Tensor:
    """How far the masked patches are from what the model fills in; no label is used."""
    loss: Tensor = model(pixel_values=pixels).loss
    return loss


def naming_loss(
    model: nn.Module, pixels: Tensor, labels: Tensor, *, smoothing: float, rng: torch.Generator
) -> Tensor:
    """Cross entropy of the labels, given pictures whose colours are changed a little."""
    logits = model(pixel_values=change_colours(pixels, rng))
    logits = getattr(logits, "logits", logits)
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def accuracy(model: nn.Module, pictures: Pictures) -> float:
    """Share of the pictures whose own class is the likeliest."""
    right = 0
    for pixels, labels in zip(*map(_parts, (pictures.pixels, pictures.labels)), strict=True):
        with torch.inference_mode():
            logits = model(pixel_values=scale_pixels(pixels)).logits
        right += int((logits.argmax(dim=1) == labels).sum())
    return right / len(pictures)


def _parts(values: Tensor) -> tuple[Tensor, ...]:
    return torch.split(values, 250)


def save_classifier(model: nn.Module, out: Path) -> None:
    """Write the classifier, its weights at half precision, and its image processor."""
    processor = ViTImageProcessor(
        size={"height": SIDE, "width": SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    common.save_model(model, processor, out)


@contextmanager
def print_time(what: str) -> Iterator[None]:
    """Print how long it took."""
    start = time.monotonic()
    print(what, flush=True)
    yield
    print(f"{what}: {time.monotonic() - start:.0f} s", flush=True)


def main() -> None:
    """Train, save, load what was saved, and print its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="zip of train|test/CLASS/*.jpg, 32 by 32 pixels"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (%(default)s)")
    options, recipe = common.parse_options(parser, Recipe, "filling", "naming", "finishing")
    rng = torch.Generator().manual_seed(recipe.seed)

    read = read_pictures(options.data, "train")
    pictures, held_out = hold_out(read, recipe.held_out, recipe.seed)
    learn = partial(train, pictures=pictures, recipe=recipe, rng=rng)
    loss_of = partial(naming_loss, smoothing=recipe.smoothing, rng=rng)

    with print_time("filling gaps"):
        autoencoder = learn(
            build_autoencoder(recipe).to(options.device),
            loss_of=filling_loss,
            n_epochs=recipe.filling,
            peak=recipe.filling_rate,
        )

    classifier = MaskedClassifier(autoencoder.vit).to(options.device)
    classifier.encoder.config.mask_ratio = recipe.unseen
    with print_time("naming them from some patches"):
        classifier = learn(
            classifier,
            loss_of=loss_of,
            n_epochs=recipe.naming,
            peak=recipe.naming_rate,
            evaluate=lambda mean: f", {accuracy(mean.to_vit(), held_out):.1%} of those kept back",
        )

    best = 0.0

    def keep_best(mean: ViTForImageClassification) -> str:
        nonlocal best
        mean = copy.deepcopy(mean).cpu()
        share = accuracy(mean, held_out)
        if share >= best:
            best = share
            save_classifier(mean, options.out)
        return f", {share:.1%} of those kept back"

    with print_time("naming them from all"):
        learn(
            classifier.to_vit().to(options.device),
            loss_of=loss_of,
            n_epochs=recipe.finishing,
            peak=recipe.finishing_rate,
            evaluate=keep_best,
        )

    some = held_out.pixels[: recipe.calibration]
    images = [Image.fromarray(pixels.permute(1, 2, 0).numpy()) for pixels in some]
    common.weigh_layers(options.out, images)
    model = ViTForImageClassification.from_pretrained(options.out, dtype=torch.float32).eval()
    test = read_pictures(options.data, "test")
    for name, part in (("kept back", held_out), ("test", test)):
        print(f"{name}: {accuracy(model, part):.4f}, n = {len(part)}")


if __name__ == "__main__":
    main()
