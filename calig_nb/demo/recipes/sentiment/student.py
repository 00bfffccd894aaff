"""The untaught `sentiment` model: its tokenizer, its first weights, and how both are written.

No data, no training.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch import Tensor
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from .lessons import piece_vectors

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
TYPOGRAPHY = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "--", "—": "--", "…": "..."}


def build_tokenizer(texts: Sequence[str], size: int, longest: int) -> PreTrainedTokenizerFast:
    """Lower-case WordPiece tokenizer trained on the texts.

    Args:
        texts: Texts to learn the word pieces from.
        size: Number of word pieces.
        longest: Most tokens that the model reads.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL_TOKENS["unk_token"]))
    plain = [normalizers.Replace(typeset, typed) for typeset, typed in TYPOGRAPHY.items()]
    tokenizer.normalizer = normalizers.Sequence(
        [*plain, normalizers.BertNormalizer(lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS.values()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=longest,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **SPECIAL_TOKENS,
    )


def build_model(
    config: BertConfig, tokenizer: PreTrainedTokenizerBase, teacher: Path, spread: float
) -> BertForSequenceClassification:
    """Untaught model that starts from the teacher's view of its word pieces.

    Args:
        config: Shape of the model.
        tokenizer: Its tokenizer.
        teacher: Folder of the teacher.
        spread: Standard deviation of the word embeddings.
    """
    model = BertForSequenceClassification(config)
    words = piece_vectors(tokenizer, teacher, config.hidden_size)
    words[tokenizer.pad_token_id] = 0
    places = sinusoids(config.max_position_embeddings, config.hidden_size)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(spread * words)
        model.bert.embeddings.position_embeddings.weight.copy_(0.02 * places)
    return model


def sinusoids(positions: int, width: int) -> Tensor:
    """(positions, width) sines and cosines, under which a shift is the same turn everywhere."""
    waves = 10_000 ** (2 * torch.arange(width // 2) / width)
    angles = torch.arange(positions)[:, None] / waves
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def save(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, out: Path
) -> None:
    """Write both: the weights at half precision, the tokenizer under its documented class."""
    copy.deepcopy(model).half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    path = out / "tokenizer_config.json"
    fields = json.loads(path.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(fields, indent=2) + "\n")
