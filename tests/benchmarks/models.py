"""What is measured: a model that answers questions of a given length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch
import transformers as hf
from torch import Tensor, nn

import calig_nb as cn
from calig_nb import demo
from calig_nb.models import blocks

DEMO = Path(demo.__file__).parent / "sentiment"
BASE_SHAPES = ("bert-base", "distilbert-base", "vit-base")
_PATCH = 16


@dataclass(frozen=True)
class Question:
    """An input and its baseline, one row each, and the class that is asked about."""

    own: dict[str, Tensor]
    baseline: dict[str, Tensor]
    target: int
    n_tokens: int
    text: str = ""

    @property
    def rest(self) -> dict[str, Tensor]:
        """All inputs but the first: mask and types are the same on the whole path."""
        _, *others = self.own
        return {name: self.own[name] for name in others}

    def score(self, logits: Tensor) -> Tensor:
        """(batch,) logits of the class."""
        return logits[:, self.target]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, and the explainer where it reads text.

    Attributes:
        scale_only: Random weights of a well-known shape: nearly linear, so that a few nodes are
            enough for anybody; good for seconds and bytes, not for ratios.
    """

    name: str
    model: nn.Module
    explainer: cn.Explainer | None
    scale_only: bool

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device

    def question(self, text: str) -> Question:
        """The question about a text; without an explainer, about an image of noise."""
        if self.explainer is None:
            size = self.model.config.image_size
            image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
            own = {"pixel_values": image.to(self.device)}
            baseline, n_tokens = {"pixel_values": torch.zeros_like(own["pixel_values"])}, 0
        else:
            reader = self.explainer.engine.reader
            inputs = reader.read(text)
            replaced, _ = reader.make_baseline(inputs, "pad")
            own = {name: value.to(self.device) for name, value in inputs.model_inputs.items()}
            baseline = {name: value.to(self.device) for name, value in replaced.items()}
            n_tokens = own["input_ids"].shape[1]
        with torch.no_grad():
            target = int(self.model(**own).logits[0].argmax())
        return Question(own, baseline, target, n_tokens or (size // _PATCH) ** 2 + 1, text)

    @cached_property
    def chain(self) -> tuple[list[nn.Module], int]:
        """Its blocks, and how many calls of them one forward pass makes."""
        own = self.question("good").own
        with torch.no_grad():
            modules = list(blocks.find_blocks(self.model, lambda: self.model(**own)))
            with blocks.record_calls(modules) as calls:
                self.model(**own)
        return modules, len(calls)


@lru_cache(maxsize=2)
def opened(name: str, n_tokens: int = 512, device: str = "cpu") -> Subject:
    """The subject of that name.

    Args:
        name: "demo", the embedded model; one of ``BASE_SHAPES``; "bert-LAYERSxWIDTH", another
            random shape; else the folder of a fine-tuned text classifier.
        n_tokens: What an image is to have; 1 + a square number, so about that many.
        device: Where to put it.
    """
    torch.manual_seed(0)
    if name == "vit-base":
        size = _PATCH * round((n_tokens - 1) ** 0.5)
        config = hf.ViTConfig(image_size=size, patch_size=_PATCH, num_labels=2)
        model = hf.ViTForImageClassification(config).eval().to(device)
        return Subject(name, model, None, True)
    if name == "demo":
        explainer = cn.load_demo("sentiment")
    elif (config := _text_shape(name)) is None:
        explainer = cn.Explainer.from_pretrained(name, cache=False)
    else:
        tokenizer = hf.AutoTokenizer.from_pretrained(
            DEMO, model_input_names=["input_ids", "attention_mask"]
        )
        model = hf.AutoModelForSequenceClassification.from_config(config).eval()
        explainer = cn.Explainer(model, tokenizer, cache=False)
    explainer.cache = None
    model = explainer.engine.model.model.to(device)
    return Subject(Path(name).name, model, explainer, _text_shape(name) is not None)


def _text_shape(name: str) -> hf.PretrainedConfig | None:
    # A little wider than the usual 0.02: the score depends on the text, and integrals converge.
    options = {"initializer_range": 0.03, "num_labels": 2, "vocab_size": 8000}
    if name == "bert-base":
        return hf.BertConfig(**options)
    if name == "distilbert-base":
        return hf.DistilBertConfig(**options)
    if not name.startswith("bert-"):
        return None
    layers, width = (int(part) for part in name.removeprefix("bert-").split("x"))
    sizes = {"hidden_size": width, "intermediate_size": 4 * width}
    return hf.BertConfig(
        num_hidden_layers=layers, num_attention_heads=width // 32, **sizes, **options
    )


def texts_of(subject: Subject, texts: Sequence[str], n_tokens: int, most: int) -> list[str]:
    """At most ``most`` texts of at most, and nearly, ``n_tokens`` tokens; joined from shorter ones.

    ``n_tokens`` 0 takes the texts as they are.
    """
    if subject.explainer is None:
        return [""]
    if not n_tokens:
        return list(texts[:most])
    tokenizer = subject.explainer.engine.reader.tokenizer

    def count(words: Sequence[str]) -> int:
        return len(tokenizer(" ".join(words))["input_ids"])

    made = []
    for start in range(min(most, len(texts))):
        words: list[str] = []
        for text in [*texts[start:], *texts[:start]] * (1 + n_tokens // len(texts)):
            words += text.split()
            if count(words) >= n_tokens:
                break
        while count(words) > n_tokens:
            words.pop()
        made.append(" ".join(words))
    return made
