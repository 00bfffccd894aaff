"""Texts for models that answer at every token: each is read with a question about one token."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .._validation import warn_user
from ..models.classifier import Classifier
from ..models.task_heads import CANDIDATES, READ, AnswerSpan, NextToken, TokenLabel
from .text import TextInputs, TextReader
from .token_question import Question, again

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation

CANDIDATES_SHOWN = 10
"""Next tokens that are classes of their own; more, where more are asked about."""
OTHERS = "other tokens"
_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})


def reader_of(model: Classifier, tokenizer: Any) -> Reader:
    """What reads texts for this model."""
    kinds: dict[type[nn.Module], type[Reader]] = {
        NextToken: PromptReader,
        TokenLabel: TokenReader,
        AnswerSpan: SpanReader,
    }
    return kinds.get(type(model.model), Reader)(tokenizer, model)


class Reader(TextReader):
    """Reads texts for a model that answers for each as a whole.

    Args:
        tokenizer: The model's own tokenizer.
        model: The model.
    """

    def __init__(self, tokenizer: Any, model: Classifier) -> None:
        super().__init__(tokenizer, model.max_tokens)
        self.model = model

    windows = True
    """Whether a text may be longer than the model, and is then read in windows."""

    def read(
        self,
        inputs: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> TextInputs:
        """The text and what is asked of it, as :meth:`TextReader.read` says and its errors.

        Args:
            inputs: A text, or a pair of them.
            name: What errors call it.
            position: Number of the token that is asked about, from 0; from the end, where it is
                negative. For models that answer at every token.
            classes: Targets, and last the contrast or None, as a user names them.
            longer: Whether a text may have more tokens than the model takes.
        """
        read = super().read(inputs, name, longer=longer and self.windows)
        if position is not None:
            position = _within(position, len(read.tokens))
        return self.asked(read, position, classes)

    def again(self, explanation: Explanation) -> TextInputs:
        """What was explained, read anew and asked the same.

        Raises:
            ValueError: If it was a picture.
        """
        if explanation.image is not None:
            raise ValueError("explanation must be about a text for this model, got a picture.")
        return self.read(explanation.inputs, **again(explanation.config))

    def asked(
        self, read: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with its question."""
        if position is not None:
            raise ValueError(
                "position is for models that answer at every token (causal language models, token "
                "classifiers, extractive question answering), and this one answers for the whole "
                f"text: leave position out, got {position}."
            )
        return read


class TokenReader(Reader):
    """Reads a text with the number of the token whose label is asked about."""

    windows = False

    def asked(
        self, read: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with its question."""
        if position is None:
            named = ", ".join(f"{t} {token}" for t, token in enumerate(read.tokens))
            raise ValueError(
                "position must say which token's label is explained; this text's tokens are "
                f"{named:.300}."
            )
        return _with(read, Question(position, stays=True))


class PromptReader(Reader):
    """Reads a prompt, and finds the likeliest next tokens, which are the classes."""

    windows = False

    def asked(
        self, read: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The prompt with the question what follows ``position``, by default its last token."""
        place = len(read.tokens) - 1 if position is None else position
        read = _with(read, Question(place))
        logits = _said(self.model, "next_token_logits", read.model_inputs)[0]
        names = ["target"] * (len(classes) - 1) + ["contrast"]
        wanted = [
            None if value is None else self._id(name, value, read, place, len(logits))
            for name, value in zip(names, classes, strict=False)
        ]
        ranked = logits.argsort(descending=True, stable=True).tolist()
        shown = {one for one in wanted if one is not None}
        most = min(max(CANDIDATES_SHOWN, len(shown)), len(ranked) - 1)
        for one in ranked:
            if len(shown) >= most and ranked[0] in shown:
                break
            shown.add(one)
        found = [one for one in ranked if one in shown]
        asked = [None if one is None else found.index(one) for one in wanted]
        asked[:-1] = [one or 0 for one in asked[:-1]]  # a target that is not named is the likeliest
        labels = self._labels(read.model_inputs["input_ids"][0, : place + 1].tolist(), found)
        question = Question(place, labels, tuple(found), tuple(asked), beside=(CANDIDATES,))
        inputs = {**read.model_inputs, CANDIDATES: torch.tensor([found])}
        return replace(read, model_inputs=inputs, question=question)

    def _id(self, name: str, value: int | str, read: TextInputs, place: int, size: int) -> int:
        """The one token that a user means."""
        if not isinstance(value, str):
            try:
                one = operator.index(value)
            except TypeError:
                one = -1
            if isinstance(value, bool) or not 0 <= one < size:
                raise ValueError(
                    f"{name} must be a token as text or its id, 0 to {size - 1}, got {value!r}."
                )
            return one
        pieces, before = self._pieces(value, read, place)
        spaced = self._pieces(f" {value}", read, place)[0]
        if len(pieces) != 1:
            shown = ", ".join(repr(self.tokenizer.decode([one])) for one in pieces)
            fits = len(spaced) == 1 and spaced[0] != self.tokenizer.unk_token_id
            more = f"{f' {value}'!r}, with a space before it, is one. " if fits else ""
            first = f", such as its first, {self.tokenizer.decode(pieces[:1])!r}" if pieces else ""
            raise ValueError(
                f"{name} must be exactly one token, got {value!r}, which this tokenizer reads as "
                f"{len(pieces)}: {shown or 'none'}. {more}Name one token{first}, or give an id."
            )
        if pieces[0] == self.tokenizer.unk_token_id and value != self.tokenizer.unk_token:
            raise ValueError(
                f"{name} must be a token that the model knows, got {value!r}, which its tokenizer "
                f"reads as {self.tokenizer.unk_token}."
            )
        glued = before[-1:].isalnum() and value[:1].isalnum()
        if glued and len(spaced) == 1 and spaced != pieces:
            warn_user(
                f"{name}={value!r} is read as more of the word before it, "
                f"“…{before[-12:]}{value}”; for the word of its own write {f' {value}'!r}."
            )
        return pieces[0]

    def _pieces(self, value: str, read: TextInputs, place: int) -> tuple[list[int], str]:
        """Token ids of ``value`` as it goes on with the text, and the text before it."""

        def ids_of(text: str) -> list[int]:
            found = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            return [int(one) for one in found]

        before = read.text[: int(read.offsets[: place + 1, 1].max())]
        ordinary = torch.from_numpy(~read.special[: place + 1])
        known = read.model_inputs["input_ids"][0, : place + 1][ordinary].tolist()
        longer = ids_of(before + value)
        if known and longer[: len(known)] == known:
            return longer[len(known) :], before
        return ids_of(value), before

    def _labels(self, context: Sequence[int], found: Sequence[int]) -> tuple[str, ...]:
        """What each token adds to the text, as words; where that is not clear, its own name."""
        near = list(context[-4:])
        before = self._decoded(near)
        texts = []
        for one in found:
            whole = self._decoded([*near, one])
            text = whole[len(before) :] if whole.startswith(before) else self._decoded([one])
            word = text.strip()
            goes_on = before[-1:].isalnum() and text[:1].isalnum()
            texts.append(f"…{word}" if goes_on else word or text.translate(_VISIBLE))
        names = self.tokenizer.convert_ids_to_tokens(list(found))
        return (
            *(
                text if text and "\ufffd" not in text and texts.count(text) == 1 else
                str(name or f"token {one}")
                for text, name, one in zip(texts, names, found, strict=True)
            ),
            OTHERS,
        )  # fmt: skip

    def _decoded(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))


class SpanReader(Reader):
    """Reads question and passage, and finds where the answer starts or ends."""

    windows = False

    def read(
        self,
        inputs: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> TextInputs:
        """As :meth:`Reader.read`; a pair may be called question and context too."""
        if isinstance(inputs, Mapping) and set(inputs) == {"question", "context"}:
            inputs = {"text": inputs["question"], "text_pair": inputs["context"]}
        return super().read(inputs, name, position, classes, longer=longer)

    def asked(
        self, read: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with the question whether the answer starts or ends at ``position``."""
        if position is None:
            which = int(classes[:1] in (("end",), (1,)))
            ends = _said(self.model, "span_logits", read.model_inputs)[0, :, which]
            passage = ~read.special if read.segment_ids is None else read.segment_ids == 1
            ends[~torch.from_numpy(passage)] = -torch.inf
            position = int(ends.argmax())
        asked = *(0 if one is None else one for one in classes[:-1]), *classes[-1:]
        return _with(read, Question(position, asked=asked, stays=True))


def _within(position: Any, n_tokens: int) -> int:
    try:
        place = operator.index(position)
    except TypeError:
        place = n_tokens
    if isinstance(position, bool) or not -n_tokens <= place < n_tokens:
        raise ValueError(
            f"position must be the number of a token, 0 to {n_tokens - 1}, or from the end -1 to "
            f"{-n_tokens}, got {position!r}."
        )
    return place % n_tokens


def _with(read: TextInputs, question: Question) -> TextInputs:
    upto = torch.zeros_like(read.model_inputs["input_ids"])
    upto[:, : question.position + 1] = 1
    return replace(read, model_inputs={**read.model_inputs, READ: upto}, question=question)


def _said(model: Classifier, name: str, inputs: dict[str, Tensor]) -> Tensor:
    """What the head's method ``name`` gives for one text, on the processor, in double."""
    placed = {key: value.to(model.placement[1]) for key, value in inputs.items()}
    with model.undisturbed(), torch.no_grad():
        found: Tensor = getattr(model.model, name)(**placed)
    return found.double().cpu()
