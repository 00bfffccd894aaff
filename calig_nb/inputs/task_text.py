"""Texts for models that answer at every token: each is read with a question about one token."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .._validation import warn_user
from ..explanation.formatting import printable
from ..models.block_model import Classifier
from ..models.task_heads import CANDIDATES, READ, AnswerSpan, NextToken, TokenLabel
from .text import Question, TextInputs, TextReader, refuse_lone_surrogates

CANDIDATES_SHOWN = 10
"""Next tokens that are classes of their own; more, where more are asked about."""
OTHERS = "other tokens"
_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})


class TaskTextReader(TextReader):
    """Reads a text with a question about one of its tokens.

    Args:
        tokenizer: The model's own tokenizer.
        model: The model.
    """

    can_split = False
    model: Classifier

    def __init__(self, tokenizer: Any, model: Classifier) -> None:
        super().__init__(tokenizer, model.max_tokens, model)


class TokenReader(TaskTextReader):
    """Reads a text with the number of the token whose label is asked about."""

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with its question."""
        if position is None:
            named = ", ".join(f"{t} {printable(token)}" for t, token in enumerate(text.tokens))
            raise ValueError(
                "position must say which token's label is explained; this text's tokens are "
                f"{named:.300}."
            )
        return _with_question_at(text, Question(position, must_stay=True))


class PromptReader(TaskTextReader):
    """Reads a prompt, and finds the likeliest next tokens, which are the classes."""

    continues = True

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The prompt with the question what follows ``position``, by default its last token."""
        place = len(text.tokens) - 1 if position is None else position
        text = _with_question_at(text, Question(place))
        logits = _head_output(self.model, "next_token_logits", text.model_inputs)[0]
        names = ["target"] * (len(classes) - 1) + ["contrast"]
        wanted = [
            None if value is None else self._token_id(name, value, text, place, len(logits))
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
        # A target that is not named is the likeliest; a contrast that is not named is none.
        targets = [0 if one is None else found.index(one) for one in wanted[:-1]]
        contrast = [None if one is None else found.index(one) for one in wanted[-1:]]
        written = self._written(text, place)[1]
        labels = self._labels(text.model_inputs["input_ids"][0, written].tolist(), found)
        question = Question(
            place, labels, tuple(found), (*targets, *contrast), extra_inputs=(CANDIDATES,)
        )
        inputs = {**text.model_inputs, CANDIDATES: torch.tensor([found])}
        return replace(text, model_inputs=inputs, question=question)

    def _token_id(
        self, name: str, value: int | str, text: TextInputs, place: int, size: int
    ) -> int:
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
        refuse_lone_surrogates(value, name)
        pieces, before = self._pieces(value, text, place)
        spaced = self._pieces(f" {value}", text, place)[0]
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

    def _pieces(self, value: str, text: TextInputs, place: int) -> tuple[list[int], str]:
        """Token ids of ``value`` as it goes on with the text, and the text before it."""
        before, written = self._written(text, place)
        ordinary = torch.from_numpy(~text.special[written])
        known = text.model_inputs["input_ids"][0, written][ordinary].tolist()
        longer = self._ids_of(before + value)
        if known and longer[: len(known)] == known:
            return longer[len(known) :], before
        return self._ids_of(value), before

    def _ids_of(self, piece: str) -> list[int]:
        """Token ids of a text that the model may write."""
        found = self.tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"]
        return [int(one) for one in found]

    def _written(self, text: TextInputs, place: int) -> tuple[str, slice]:
        """What stands before the next token, and which tokens it is of."""
        return text.text[: int(text.offsets[: place + 1, 1].max())], slice(0, place + 1)

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


class SpanReader(TaskTextReader):
    """Reads question and passage, and finds where the answer starts or ends."""

    def read(
        self,
        inputs: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> TextInputs:
        """As :meth:`TextReader.read`; a pair may be called question and context too."""
        if isinstance(inputs, Mapping) and set(inputs) == {"question", "context"}:
            inputs = {"text": inputs["question"], "text_pair": inputs["context"]}
        return super().read(inputs, name, position, classes, longer=longer)

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with the question whether the answer starts or ends at ``position``."""
        if position is None:
            first = next(iter(classes), 0)
            which = int(isinstance(first, (str, int)) and str(first).casefold() in ("end", "1"))
            ends = _head_output(self.model, "span_logits", text.model_inputs)[0, :, which]
            passage = ~text.special if text.segment_ids is None else text.segment_ids == 1
            ends[~torch.from_numpy(passage)] = -torch.inf
            position = int(ends.argmax())
        targets = *(0 if one is None else one for one in classes[:-1]), *classes[-1:]
        return _with_question_at(text, Question(position, targets=targets, must_stay=True))


def _with_question_at(text: TextInputs, question: Question) -> TextInputs:
    upto = torch.zeros_like(text.model_inputs["input_ids"])
    upto[:, : question.position + 1] = 1
    return replace(text, model_inputs={**text.model_inputs, READ: upto}, question=question)


def _head_output(model: Classifier, name: str, inputs: dict[str, Tensor]) -> Tensor:
    """What the head's method ``name`` gives for one text, on the processor, in double."""
    placed = {key: value.to(model.placement[1]) for key, value in inputs.items()}
    with model.preserve(), torch.no_grad():
        try:
            found: Tensor = getattr(model.model, name)(**placed)
        except (ValueError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise ValueError(
                f"model must answer when it is called with a text, but {type(model.own).__name__} "
                f"failed: {type(error).__name__}: {error!s:.200}"
            ) from error
    return found.double().cpu()


TASK_READERS: dict[type[nn.Module], type[TaskTextReader]] = {
    NextToken: PromptReader,
    TokenLabel: TokenReader,
    AnswerSpan: SpanReader,
}
"""What reads for a model that is seen as one of these."""
