"""The only file that knows tokenizers: text to tensors, tokens, words, sentences and baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import text_pairs as pairs
from .reader import Reading
from .segmentation import BoolArray, IntArray, joined, sentence_ids, spans_in, word_ids
from .token_question import Question

WHITE_SPACE = "␣"
"""Shown for a token that stands for white space only."""


@dataclass(frozen=True, eq=False)
class TextInputs:
    """One text, or a pair of them, as the model reads it.

    Attributes:
        text: The text itself; of a pair both, a line break between them.
        model_inputs: What the model is called with, each (1, tokens).
        tokens: The piece of text that each token stands for; a special token's own name.
        special: (tokens,) True for [CLS], [SEP] and their like.
        offsets: (tokens, 2) start and end in ``text``; 0, 0 for special tokens.
        word_ids: (tokens,) number of the word, -1 for special tokens.
        sentence_ids: (tokens,) number of the sentence, -1 for special tokens.
        segment_ids: (tokens,) which text of a pair, -1 for special tokens; None without one.
        split: Where the line break between the texts of a pair stands; None without one.
        question: What is asked of a model that answers at every token; None of all others.
    """

    text: str
    model_inputs: dict[str, Tensor]
    tokens: tuple[str, ...]
    special: BoolArray
    offsets: IntArray
    word_ids: IntArray
    sentence_ids: IntArray
    segment_ids: IntArray | None = None
    split: int | None = None
    question: Question | None = None

    @property
    def noted(self) -> dict[str, Any]:
        """What the configuration of its explanation says of it, by name."""
        split = {} if self.split is None else {"split": self.split}
        return {**split, **({} if self.question is None else self.question.kept)}

    def described(self) -> dict[str, Any]:
        """What an explanation keeps of it, by name."""
        inner = ("model_inputs", "split", "question")
        return {name: value for name, value in vars(self).items() if name not in inner}


class TextReader(Reading):
    """Reads texts with a Hugging Face tokenizer.

    Args:
        tokenizer: The model's own tokenizer.
        max_tokens: Most tokens that the model can take, or None.

    Raises:
        TypeError: If ``tokenizer`` is missing or is not a tokenizer.
    """

    def __init__(self, tokenizer: Any, max_tokens: int | None) -> None:
        if not callable(tokenizer) or not hasattr(tokenizer, "all_special_ids"):
            raise TypeError(
                f"processor must be the model's tokenizer, got {tokenizer!r}. "
                "Load it with AutoTokenizer.from_pretrained."
            )
        self.tokenizer = tokenizer
        stated = int(min(tokenizer.model_max_length, 10**9))
        self.max_tokens = stated if max_tokens is None else min(stated, max_tokens)
        # An unknown word and a mask stand for a word of the text, unless they also end texts.
        ordinary = {tokenizer.unk_token_id, getattr(tokenizer, "mask_token_id", None)}
        ordinary -= {getattr(tokenizer, f"{end}_token_id", None) for end in ("bos", "eos")}
        self._special = set(tokenizer.all_special_ids) - ordinary

    def read(self, inputs: Any, name: str = "inputs", *, longer: bool = False) -> TextInputs:
        """The text or pair as tensors, with what each token stands for; errors call it ``name``.

        Args:
            inputs: A text; or a pair of them, ``{"text": …, "text_pair": …}``.
            name: What it is called in errors.
            longer: Whether a text may have more tokens than the model takes.

        Raises:
            TypeError: If ``inputs`` is neither.
            ValueError: If it holds no ordinary token, or too many.
        """
        parts = pairs.parts_of(inputs, name)
        text = pairs.BETWEEN.join(parts)
        fast = getattr(self.tokenizer, "is_fast", False)
        encoded = self.tokenizer(*parts, return_offsets_mapping=fast, verbose=False)
        ids = encoded["input_ids"]
        if len(ids) > self.max_tokens and not (longer and len(parts) == 1):
            raise ValueError(
                f"{name} must have at most {self.max_tokens} tokens for this model, got "
                f"{len(ids)}. Shorten the text, or explain it in parts."
            )
        special = np.array([i in self._special for i in ids])
        if special.all():
            raise ValueError(
                f"{name} must hold at least one ordinary token, got only special ones: {text!r}."
            )
        pieces = self.tokenizer.convert_ids_to_tokens(ids)
        one = len(parts) == 1
        segments = None if one else pairs.segments(self.tokenizer, encoded, parts, special)
        if fast:
            spans = [
                (0, 0) if is_special else span
                for span, is_special in zip(encoded["offset_mapping"], special, strict=True)
            ]
            own = spans if segments is None else pairs.shifted(spans, segments, parts[0])
            offsets = spans_in(text, pieces, own)
        else:  # the tokenizer does not say where its tokens stand: show the tokens themselves
            second = -1 if segments is None else int(np.argmax(segments == 1))
            text, spans = joined(pieces, special, second)
            offsets = np.where(special[:, None], 0, np.array(spans, dtype=np.int64))
        tokens = tuple(
            piece if is_special else text[start:end] or WHITE_SPACE
            for piece, is_special, (start, end) in zip(pieces, special, offsets, strict=True)
        )
        return TextInputs(
            text=text,
            model_inputs={
                key: torch.tensor([encoded[key]])
                for key in self.tokenizer.model_input_names
                if key in encoded
            },
            tokens=tokens,
            special=special,
            offsets=offsets,
            word_ids=word_ids(text, offsets, special),
            sentence_ids=sentence_ids(text, offsets, special),
            segment_ids=segments,
            split=None if segments is None else pairs.split_at(parts[0], spans, segments, fast),
        )

    def padded(self, texts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Several texts' inputs, a row each; the shorter ones filled up on the right."""
        fill = {"input_ids": self.tokenizer.pad_token_id or 0}
        longest = {name: max(one[name].shape[1] for one in texts) for name in texts[0]}
        return {
            name: torch.cat(
                [
                    nn.functional.pad(
                        one[name], (0, longest[name] - one[name].shape[1]), value=fill.get(name, 0)
                    )
                    for one in texts
                ]
            )
            for name in texts[0]
        }

    def baseline(
        self, inputs: TextInputs, baselines: str | Tensor
    ) -> tuple[dict[str, Tensor], str]:
        """The same sentence with its ordinary tokens replaced, and the replacement's name.

        Special tokens, attention mask and positions stay as they are.

        Args:
            inputs: The text.
            baselines: "pad" or "mask"; another text, whose tokens take the places of this one's,
                the rest being filled up with the pad token; or a tensor of token ids (tokens,).

        Raises:
            ValueError: If the tokenizer has no such token, or the text or tensor does not fit.
        """
        ids = inputs.model_inputs["input_ids"]
        ordinary = torch.from_numpy(~inputs.special)
        if torch.is_tensor(baselines):
            replaced = baselines.reshape(1, -1).to(ids)
            if replaced.shape != ids.shape or baselines.is_floating_point():
                raise ValueError(
                    f"baselines must be token ids of shape ({ids.shape[1]},), got "
                    f"{tuple(baselines.shape)} of {baselines.dtype}."
                )
            return {**inputs.model_inputs, "input_ids": replaced}, "given ids"
        replaced = ids.clone()
        if baselines in ("pad", "mask"):
            token, token_id = self._filler(baselines)
            replaced[0, ordinary] = token_id
            return {**inputs.model_inputs, "input_ids": replaced}, token
        pairs.refuse_halves(baselines, "baselines")
        read = self.tokenizer(baselines, verbose=False)["input_ids"]
        other = torch.tensor([i for i in read if i not in self._special])
        room = int(ordinary.sum())
        if len(other) > room:
            raise ValueError(
                f"baselines must be a text of at most {room} tokens here, got {len(other)}: "
                f"{baselines!r:.60}."
            )
        replaced[0, ordinary] = self._filler("pad")[1]
        replaced[0, torch.nonzero(ordinary).flatten()[: len(other)]] = other
        return {**inputs.model_inputs, "input_ids": replaced}, f"“{baselines}”"

    def without(
        self, inputs: TextInputs, deleted: BoolArray, how: str = "remove"
    ) -> dict[str, Tensor]:
        """The model's inputs when these tokens are gone; nothing is tokenised again.

        Args:
            inputs: The text.
            deleted: (tokens,) True for what goes. Special tokens stay, whatever it says.
            how: "remove" closes the gaps, so that later tokens move up; "mask" and "pad" put that
                token in their places. Where not even a special token would be left, one pad token
                is.

        Raises:
            ValueError: If there is no mark for each token, or the tokenizer has no such token.
        """
        if deleted.shape != inputs.special.shape:
            raise ValueError(
                f"deleted must have shape {inputs.special.shape} for this text, got "
                f"{deleted.shape}."
            )
        gone = torch.from_numpy(deleted & ~inputs.special)
        own, beside = dict(inputs.model_inputs), {}
        if question := inputs.question:
            gone[question.position] &= not question.stays
            beside = {name: own.pop(name) for name in question.beside}
        if how == "remove" and not gone.all():
            return {**{name: value[:, ~gone] for name, value in own.items()}, **beside}
        token_id = self._filler("pad" if how == "remove" else how, "deletion")[1]
        own["input_ids"] = own["input_ids"].masked_fill(gone, token_id)
        left = {name: value[:, :1] for name, value in own.items()} if how == "remove" else own
        return {**left, **beside}

    def _filler(self, kind: str, name: str = "baselines") -> tuple[str, int]:
        """The token that replaces ordinary ones; where there is no pad token, the nearest to it."""
        kinds = ("pad", "mask", "unk", "eos") if kind == "pad" else (kind,)
        for one in kinds:
            token_id = getattr(self.tokenizer, f"{one}_token_id", None)
            if token_id is not None:
                return getattr(self.tokenizer, f"{one}_token"), token_id
        instead = "a text or a tensor of token ids" if name == "baselines" else "'remove'"
        raise ValueError(
            f"{name}={kind!r} needs a tokenizer with a {kind} token; this one has none. "
            f"Give {instead}."
        )
