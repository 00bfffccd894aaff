"""A masked autoencoder's encoder with a head: how the `pictures` model is fine-tuned."""

from __future__ import annotations

from torch import Tensor, nn
from transformers import ViTConfig, ViTForImageClassification, ViTMAEModel

from .lessons import CLASSES


class MaskedClassifier(nn.Module):
    """The encoder of a masked autoencoder with a head, for fine-tuning on part of the patches.

    Args:
        encoder: It still leaves patches out; ``encoder.config.mask_ratio`` says how many.
    """

    def __init__(self, encoder: ViTMAEModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, len(CLASSES))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Logits (pictures, classes)."""
        logits: Tensor = self.head(self.encoder(pixel_values).last_hidden_state[:, 0])
        return logits

    def to_vit(self) -> ViTForImageClassification:
        """The same weights as a ViT, which sees every patch in its place."""
        own = self.encoder.config
        names = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
        names += ["image_size", "patch_size", "layer_norm_eps"]
        config = ViTConfig(
            **{name: getattr(own, name) for name in names},
            id2label=dict(enumerate(CLASSES)),
            label2id={name: index for index, name in enumerate(CLASSES)},
        )
        model = ViTForImageClassification(config).eval()
        model.vit.load_state_dict(self.encoder.state_dict())
        model.classifier.load_state_dict(self.head.state_dict())
        return model
