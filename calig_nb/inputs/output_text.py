"""Texts for encoder-decoders: each is read with what the model has written so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from .._validation import shown
from ..models.block_model import Classifier
from ..models.task_heads import CANDIDATES, OUTPUT, NextOutputToken, first_output
from .task_text import PromptReader
from .text import BETWEEN, GIVEN, N_OUTPUT, PARTS, WHITE_SPACE, TextInputs, refuse_lone_surrogates
from .word_segmentation import (
    BoolArray,
    sentence_ids,
    text_from_pieces,
    token_spans,
    word_ids,
)

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation

PREFIX = "prefix"


class OutputReader(PromptReader):
    """Reads a text and the output so far, and finds the likeliest next tokens.

    Both are one row of tokens: the text's, what the decoder starts from, and the output's. The
    texts of an explanation are these two; without output there is one.

    Args:
        tokenizer: The model's own tokenizer.
        model: The model.
    """

    continues = False

    def __init__(self, tokenizer: Any, model: Classifier) -> None:
        super().__init__(tokenizer, model)
        self._most = self.max_tokens  # in the text, and in the output so far
        self.max_tokens = 2 * self._most
        self._takes_targets = "text_target" in signature(type(tokenizer).__call__).parameters

    def with_prefix(self, one: Any, prefix: Any) -> Any:
        """The text and the output so far, as :meth:`read` takes them.

        Raises:
            TypeError: If the output so far is not a text.
            ValueError: If it is given twice.
        """
        if prefix is None:
            return one
        if _has_prefix(one):
            raise ValueError(
                f"prefix must be given once, but inputs have one too: {shown(one[PREFIX])}, and "
                f"{shown(prefix)}."
            )
        return {PARTS[0]: one, PREFIX: prefix}

    def shape_of(self, read: TextInputs) -> tuple[int, int]:
        """How many tokens the text and the output so far have."""
        n = _first_output(read.model_inputs)
        return n, len(read.tokens) - n

    def read_again(self, explanation: Explanation) -> TextInputs:
        """The text and the output so far of an explanation, with the same question.

        Raises:
            ValueError: If it was a picture.
        """
        config, inputs = explanation.config, explanation.inputs
        if GIVEN not in config or explanation.image is not None:
            return super().read_again(explanation)
        text, prefix = (inputs, "") if isinstance(inputs, str) else inputs.values()
        ids = config["token_ids"][: -config[N_OUTPUT]]
        given = {PARTS[0]: {"input_ids": ids, "text": text}, PREFIX: prefix}
        classes = tuple(config.get("candidates", ()))
        return self.read(given, position=config.get("position"), classes=classes)

    def read_anything(self) -> TextInputs:
        """Some text, of which nothing is written yet."""
        return self.read("a")

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """Both with the question what follows ``position``, by default the last token.

        Raises:
            ValueError: If the position is not one of the output's.
        """
        n = _first_output(text.model_inputs)
        if position is not None and position < n:
            raise ValueError(
                f"position must be the number of a token of the output so far, {n} to "
                f"{len(text.tokens) - 1}, after which the next one is explained, got {position}, "
                f"which is {text.tokens[position]!r} in the input."
            )
        return super().with_question(text, position, classes)

    def pad_batch(self, texts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Several inputs, a row each, the shorter filled up in the text and in the output."""
        longest = max(map(_first_output, texts))
        fill = {"input_ids": self.tokenizer.pad_token_id or 0}

        def filled(one: Mapping[str, Tensor], name: str) -> Tensor:
            value, n = one[name], _first_output(one)
            if name == CANDIDATES or value.shape[1] != one[OUTPUT].shape[1]:
                return value
            missing = (0, longest - n)
            own = nn.functional.pad(value[:, :n], missing, value=fill.get(name, 0))
            return torch.cat([own, value[:, n:]], dim=1)

        return super().pad_batch([{name: filled(one, name) for name in one} for one in texts])

    def make_baseline(
        self, inputs: TextInputs, baselines: str | Tensor
    ) -> tuple[dict[str, Tensor], str]:
        """Both with their ordinary tokens replaced; of another text, those of the text alone.

        Raises:
            ValueError: As :meth:`TextReader.make_baseline`.
        """
        if torch.is_tensor(baselines) or baselines in ("pad", "mask"):
            return super().make_baseline(inputs, baselines)
        n = _first_output(inputs.model_inputs)
        ids = inputs.model_inputs["input_ids"]
        source = replace(inputs, model_inputs={"input_ids": ids[:, :n]}, special=inputs.special[:n])
        own, name = super().make_baseline(source, baselines)
        padded = super().make_baseline(inputs, "pad")[0]
        joined = torch.cat([own["input_ids"], padded["input_ids"][:, n:]], dim=1)
        return {**inputs.model_inputs, "input_ids": joined}, name

    def delete_units(
        self, inputs: TextInputs, deleted: BoolArray, how: str = "remove"
    ) -> dict[str, Tensor]:
        """As :meth:`TextReader.delete_units`; one pad token stays where no text would be left."""
        n = _first_output(inputs.model_inputs)
        empty = deleted.shape == inputs.special.shape and bool(deleted[:n].all())
        if how != "remove" or not empty or inputs.special[:n].any():
            return super().delete_units(inputs, deleted, how)
        kept = deleted.copy()
        kept[0] = False
        found = super().delete_units(inputs, kept, how)
        ids = found["input_ids"].clone()
        ids[:, 0] = super().delete_units(inputs, deleted, "pad")["input_ids"][:, 0]
        return {**found, "input_ids": ids}

    def _encode(self, inputs: Any, name: str, *, longer: bool) -> TextInputs:
        """The text and the output so far as one row of tokens."""
        del longer
        source, prefix = (inputs[PARTS[0]], inputs[PREFIX]) if _has_prefix(inputs) else (inputs, "")
        if isinstance(source, Mapping) and set(source) == set(PARTS):
            raise ValueError(
                f"{name} must be one text for an encoder-decoder that writes, got a pair. Join "
                "both as the model was trained to read them; what it has written so far is the "
                "prefix."
            )
        text = super()._encode(source, name, longer=False)
        output = self._read_output(prefix, f"{name}[{PREFIX!r}]" if inputs is not source else name)
        for what, one in (("", text), (" in its output so far", output)):
            if len(one.tokens) > self._most:
                raise ValueError(
                    f"{name} must have at most {self._most} tokens{what} for this model, got "
                    f"{len(one.tokens)}. Shorten it."
                )
        return self._joined(text, output)

    def _read_output(self, prefix: Any, name: str) -> TextInputs:
        """What the decoder reads: what it starts from, and the output so far."""
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a text (str), the output so far, got {shown(prefix)}.")
        refuse_lone_surrogates(prefix, name)
        start = self._start_ids()
        fast = getattr(self.tokenizer, "is_fast", False)
        encoded = self._as_output(prefix, add_special_tokens=False, return_offsets_mapping=fast)
        own = [int(one) for one in encoded["input_ids"]] if prefix.strip() else []
        ids = [*start, *own]
        special = np.array([t < len(start) or self.is_special(one) for t, one in enumerate(ids)])
        pieces = self.tokenizer.convert_ids_to_tokens(ids)
        spans = [(0, 0)] * len(start)
        if fast:
            shown_text = prefix
            offsets = token_spans(
                prefix, pieces, spans + list(encoded["offset_mapping"][: len(own)])
            )
        else:
            shown_text, placed = text_from_pieces(pieces, special)
            offsets = np.array(placed, dtype=np.int64)
        offsets = np.where(special[:, None], 0, offsets)
        tokens = tuple(
            str(piece) if is_special else shown_text[first:last] or WHITE_SPACE
            for piece, is_special, (first, last) in zip(pieces, special, offsets, strict=True)
        )
        nothing = np.full(len(ids), -1)
        row = torch.tensor([ids])
        return TextInputs(
            shown_text, {"input_ids": row}, tokens, special, offsets, nothing, nothing
        )

    def _joined(self, text: TextInputs, output: TextInputs) -> TextInputs:
        """The text's tokens and the output's, which follow."""
        n, n_output = len(text.tokens), len(output.tokens)
        special = np.concatenate([text.special, output.special])
        both, split, segments = text.text, None, None
        offsets = np.concatenate([text.offsets, np.zeros((n_output, 2), dtype=np.int64)])
        if not output.special.all():
            both, split = BETWEEN.join([text.text, output.text]), len(text.text)
            moved = output.offsets + split + len(BETWEEN)
            offsets[n:] = np.where(output.special[:, None], 0, moved)
            second = np.arange(n + n_output) >= n
            segments = np.where(special, -1, second.astype(np.int64))
        ids = output.model_inputs["input_ids"]
        filler = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        rows = {
            name: torch.cat([value, filler.get(name, torch.zeros_like(ids))], dim=1)
            for name, value in text.model_inputs.items()
        }
        rows[OUTPUT] = (torch.arange(n + n_output) >= n).long()[None]
        return replace(
            text,
            text=both,
            model_inputs=rows,
            tokens=(*text.tokens, *output.tokens),
            special=special,
            offsets=offsets,
            word_ids=word_ids(both, offsets, special),
            sentence_ids=sentence_ids(both, offsets, special),
            segment_ids=segments,
            split=split,
            n_output=n_output,
        )

    def _start_ids(self) -> list[int]:
        """What the output begins with, and its language, where the tokenizer was told it."""
        head = self.model.model
        assert isinstance(head, NextOutputToken)
        start = head.start_ids
        if len(start) > 1 or getattr(self.tokenizer, "tgt_lang", None) is None:
            return start
        labels = self._as_output("a")["input_ids"]
        return start + [int(one) for one in takewhile(self.is_special, labels)]

    def _as_output(self, text: str, **options: Any) -> Any:
        """What the tokenizer makes of a text that the model may write."""
        given = {"text_target": text} if self._takes_targets else {"text": text}
        return self.tokenizer(**given, verbose=False, **options)

    def _ids_of(self, piece: str) -> list[int]:
        """Token ids of a text that the model may write."""
        found = self._as_output(piece, add_special_tokens=False)["input_ids"]
        return [int(one) for one in found]

    def _written(self, text: TextInputs, place: int) -> tuple[str, slice]:
        """The output so far up to a token, and which tokens it is of."""
        own = slice(_first_output(text.model_inputs), place + 1)
        begin = 0 if text.split is None else text.split + len(BETWEEN)
        return text.text[begin : int(text.offsets[own, 1].max())], own


def _has_prefix(inputs: Any) -> bool:
    return isinstance(inputs, Mapping) and set(inputs) == {PARTS[0], PREFIX}


def _first_output(inputs: Mapping[str, Tensor]) -> int:
    """The number of the first token of the output."""
    return first_output(inputs[OUTPUT])
