"""The `sentiment` model before training: its first weights, from a teacher. No data."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerBase

from .lessons import piece_vectors


def build_model(
    config: BertConfig, tokenizer: PreTrainedTokenizerBase, teacher: Path, spread: float
) -> BertForSequenceClassification:
    """The untrained model, which starts from the teacher's view of its word pieces.

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
