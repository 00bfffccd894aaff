"""Small random models of several architectures, built from a config: no download, no training."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

torch.set_num_threads(1)
torch.backends.mha.set_fastpath_enabled(False)

WORDS = (
    "the plot is thin but acting superb not good bad a film it , . ' very ##ly ##s un ##th".split()
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCE = "The plot is thin, but the acting is superb."


def tiny_tokenizer(**options):
    """A lower-casing WordPiece tokenizer with a vocabulary of a few words and all letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = SPECIAL + WORDS + list(letters) + [f"##{c}" for c in letters]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=48,
        **{f"{key}_token": value for key, value in names.items()},
        **options,
    )


_SIZE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 80}
_FORWARD = {"intermediate_size": 24, "max_position_embeddings": 64}
_CONFIGS = {
    "bert": lambda: hf.BertConfig(**_SIZE, **_FORWARD),
    "albert": lambda: hf.AlbertConfig(
        **_SIZE, **_FORWARD, embedding_size=8, inner_group_num=1, num_hidden_groups=1
    ),
    "distilbert": lambda: hf.DistilBertConfig(
        vocab_size=80, dim=16, n_layers=3, n_heads=2, hidden_dim=24, max_position_embeddings=64
    ),
    "gpt2": lambda: hf.GPT2Config(
        vocab_size=80,
        n_embd=16,
        n_layer=3,
        n_head=2,
        n_positions=64,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    ),
    "deberta-v2": lambda: hf.DebertaV2Config(
        **_SIZE,
        **_FORWARD,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_buckets=8,
    ),
}
ARCHITECTURES = tuple(_CONFIGS)


def tiny_model(architecture, dtype=torch.float64, seed=0, n_labels=3):
    """A random classifier in evaluation mode, rough enough that nothing is nearly linear."""
    torch.manual_seed(seed)
    config = _CONFIGS[architecture]()
    config.num_labels = n_labels
    model = hf.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.mul_(7)
            elif name.endswith("bias"):
                parameter.normal_(std=0.2)
    return model.to(dtype).eval()


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture
def explainer(tokenizer):
    from calig_nb import Explainer

    return Explainer(tiny_model("bert"), tokenizer)


@pytest.fixture(scope="session")
def explanation(tokenizer):
    from calig_nb import Explainer

    return Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
