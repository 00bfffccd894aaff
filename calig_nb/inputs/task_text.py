"""Texts for models that answer at every token, or for every choice: each with its question."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._validation import distinct_names, list_of, shown, warn_user
from ..explanation.formatting import legible, printable
from ..models.block_model import Classifier
from ..models.task_heads import (
    CANDIDATES,
    CHOICE,
    HELD,
    READ,
    AnswerSpan,
    MaskedToken,
    NextToken,
    OneChoice,
    TokenLabel,
)
from .text import (
    BETWEEN,
    PARTS,
    Question,
    TextInputs,
    TextReader,
    check_text,
    refuse_lone_surrogates,
)
from .word_segmentation import sentence_ids, word_ids

CANDIDATES_SHOWN = 10
"""Next tokens that are classes of their own; more, where more are asked about."""
OTHERS = "other tokens"
MASK_SPELLINGS = re.compile(r"\[mask\]|<mask>", re.IGNORECASE)
"""What is read as the tokenizer's mask token, however that is written."""
CHOICE_SHOWN = 80
"""So many characters of a choice are its name."""
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

    def read_anything(self) -> TextInputs:
        """Some text, as the model reads it, asked about at one of its tokens."""
        return self.read("a", position=0)


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


class VocabularyReader(TaskTextReader):
    """Reads a text, and finds the likeliest tokens at one place, which are the classes."""

    def with_candidates(
        self,
        text: TextInputs,
        place: int,
        classes: Sequence[int | str | None],
        *,
        must_stay: bool = False,
    ) -> TextInputs:
        """The text with its question.

        Args:
            text: The text.
            place: Number of the token that is read.
            classes: Targets, and last the contrast or None, as a user names them.
            must_stay: Whether the token that is read must stay when words are deleted.

        Raises:
            ValueError: If a class is no token.
        """
        text = _with_question_at(text, Question(place))
        logits = _head_output(self.model, "token_logits", text.model_inputs)[0]
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
            place,
            labels,
            tuple(found),
            (*targets, *contrast),
            must_stay=must_stay,
            extra_inputs=(CANDIDATES,),
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
        if len(pieces) != 1 and self._is_name(value):
            return int(self.tokenizer.convert_tokens_to_ids(value))
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

    def _is_name(self, value: str) -> bool:
        """Whether this is what the tokenizer itself calls a token, such as "##ly"."""
        found = self.tokenizer.convert_tokens_to_ids(value) if value else None
        return found is not None and found != self.tokenizer.unk_token_id

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
        """What stands before the token that is asked for, and which tokens it is of."""
        raise NotImplementedError

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


class PromptReader(VocabularyReader):
    """Reads a prompt, and finds the likeliest next tokens, which are the classes."""

    continues = True

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The prompt with the question what follows ``position``, by default its last token."""
        place = len(text.tokens) - 1 if position is None else position
        return self.with_candidates(text, place, classes)

    def _written(self, text: TextInputs, place: int) -> tuple[str, slice]:
        return text.text[: int(text.offsets[: place + 1, 1].max())], slice(0, place + 1)


class MaskReader(VocabularyReader):
    """Reads a text with a mask, and finds the likeliest tokens there, which are the classes.

    The mask that is asked about is a special token: it says nothing, and the baseline has it too.
    """

    _told = False

    def read(
        self,
        inputs: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> TextInputs:
        """As :meth:`TextReader.read`; the mask token may be written [MASK] or <mask>."""
        inputs = self._with_own_masks(inputs)
        return super().read(inputs, name, position, classes, longer=longer)

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with the question what stands at ``position``, by default at its one mask."""
        place = self._mask_place(text) if position is None else position
        found = self.with_candidates(text, place, classes, must_stay=True)
        is_mask = int(text.model_inputs["input_ids"][0, place]) == self.tokenizer.mask_token_id
        return _as_special(found, place) if is_mask else found

    def _pieces(self, value: str, text: TextInputs, place: int) -> tuple[list[int], str]:
        spaced = self._written(text, place)[0][-1:].isspace()  # which the word need not bring
        return super()._pieces(value.lstrip(" ") if spaced else value, text, place)

    def _written(self, text: TextInputs, place: int) -> tuple[str, slice]:
        own, end = 0, int(text.offsets[place, 0])
        start = 0 if text.split is None or end <= text.split else text.split + len(BETWEEN)
        if text.segment_ids is not None and start:
            own = int(np.argmax(text.segment_ids == 1))
        return text.text[start:end], slice(own, place)

    def _mask_place(self, text: TextInputs) -> int:
        """The number of the mask.

        Raises:
            ValueError: If there is none, or more than one.
        """
        own = self.tokenizer.mask_token
        ids = text.model_inputs["input_ids"][0].tolist()
        places = [t for t, one in enumerate(ids) if one == self.tokenizer.mask_token_id]
        if own is None or not places:
            how = (
                "and this model's tokenizer names no mask token: set tokenizer.mask_token to it"
                if own is None
                else f"which this model's tokenizer writes {own}, as in “The capital of {own} is "
                "Paris.”"
            )
            raise ValueError(
                f"inputs must hold the mask token where a word is to be explained, {how}. Or name "
                "a token by position=, to explain its word where it stands, seen by the model; got "
                f"{text.text!r:.60}."
            )
        if len(places) > 1:
            named = ", ".join(map(str, places))
            raise ValueError(
                f"position must say which of the text's {len(places)} masks is explained: {own} "
                f"stands at {named}; got none."
            )
        return places[0]

    def _with_own_masks(self, inputs: Any) -> Any:
        """The same text or pair, its masks written as the tokenizer writes them."""
        own = self.tokenizer.mask_token
        if isinstance(inputs, Mapping) and set(inputs) <= set(PARTS):
            return {name: self._with_own_masks(part) for name, part in inputs.items()}
        if own is None or not isinstance(inputs, str):
            return inputs
        foreign = {one for one in MASK_SPELLINGS.findall(inputs) if one != own}
        if foreign and not self._told:
            self._told = True
            warn_user(
                f"{min(foreign)} is read as {own}, which is how this model's tokenizer writes the "
                "mask token."
            )
        return MASK_SPELLINGS.sub(lambda _: own, inputs)


class ChoiceReader(TaskTextReader):
    """Reads a prompt with each of its choices, which are the classes."""

    _checked = False

    def read_anything(self) -> TextInputs:
        """Some question and choices, as the model reads them."""
        return self.read({"text": "a", "choices": ["a", "b"]})

    def read_again(self, explanation: Any) -> TextInputs:
        """The input of an explanation, with the same question."""
        return self.read(explanation.inputs, classes=(explanation.target, explanation.contrast))

    def read(
        self,
        inputs: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> TextInputs:
        """The prompt with the choice that is explained, the logits of the others held.

        Args:
            inputs: ``{"text": prompt, "choices": [choice, …]}``; each choice is what the model
                reads second.
            name: What it is called in errors.
            position: None: the model answers for the whole text.
            classes: Targets, and last the contrast or None: choices by their text or number.
            longer: Without effect: a text must fit.

        Raises:
            TypeError: If ``inputs`` is no such thing.
            ValueError: If there are fewer than two choices, or two that are the same; if a class
                is none of them; or if the model does not answer each by itself.
        """
        prompt, choices = choices_of(inputs, name)
        read_pair = partial(super().read, name=name, position=position, longer=longer)
        pairs = [read_pair({"text": prompt, "text_pair": one}) for one in choices]
        logits = [_head_output(self.model, "pair_logits", one.model_inputs) for one in pairs]
        held = torch.cat(logits, dim=1)
        if not self._checked:
            self._refuse_choices_that_meet(pairs[0], held[0, 0])
            self._checked = True
        labels = distinct_names([legible(one, CHOICE_SHOWN) for one in choices])
        predicted = int(held[0].argmax())
        targets = [
            predicted if one is None else _choice_index("target", one, choices, labels)
            for one in classes[:-1]
        ]
        against = [
            None if one is None else _choice_index("contrast", one, choices, labels)
            for one in classes[-1:]
        ]
        question = Question(
            None,
            labels,
            targets=(*targets, *against),
            extra_inputs=(HELD, CHOICE),
            choices=choices,
            pairs=tuple(
                replace(
                    one,
                    model_inputs={**one.model_inputs, HELD: held, CHOICE: torch.tensor([[i]])},
                )
                for i, one in enumerate(pairs)
            ),
        )
        shown_one = targets[0] if targets else predicted
        return replace(pairs[0], question=question).about(shown_one)

    def _refuse_choices_that_meet(self, text: TextInputs, own: Tensor) -> None:
        """Refuse a model that lets choices see each other; tried once, beside a turned row.

        Raises:
            ValueError: If a pair's logit is another when the other choice is.
        """
        placed = {name: one.to(self.model.placement[1]) for name, one in text.model_inputs.items()}
        rows = {name: torch.stack([one, one], dim=1) for name, one in placed.items()}
        ids = placed["input_ids"]
        rows["input_ids"] = torch.stack([ids, ids.flip(1)], dim=1)
        head: Any = self.model.model
        with self.model.preserve(), torch.no_grad():
            beside = head.choice_logits(2, **rows)[0, 0].double().cpu()
        if torch.isfinite(own) and not torch.allclose(beside, own, rtol=1e-3, atol=1e-4):
            raise ValueError(
                "model must give a prompt with one choice the same logit whatever the others are, "
                f"so that it can be explained by itself, got {float(own):.4g} alone and "
                f"{float(beside):.4g} beside another."
            )


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


def choices_of(inputs: Any, name: str) -> tuple[str, tuple[str, ...]]:
    """The prompt and its choices, checked; errors call them ``name``.

    Raises:
        TypeError: If ``inputs`` is no such thing, or one of them no text.
        ValueError: If one is empty, or there are not two different choices.
    """
    if not isinstance(inputs, Mapping) or set(inputs) != {"text", "choices"}:
        got = f"the keys {[*inputs]}" if isinstance(inputs, Mapping) else shown(inputs)
        raise TypeError(
            f"{name} must be a question and its choices for this model, "
            f"{{'text': …, 'choices': [ …, … ]}}, got {got}."
        )
    prompt = check_text(inputs["text"], f"{name}['text']")
    given = list_of(f"{name}['choices']", inputs["choices"], "texts")
    choices = tuple(check_text(one, f"{name}['choices'][{i}]") for i, one in enumerate(given))
    if len(set(choices)) < max(2, len(choices)):
        raise ValueError(
            f"{name}['choices'] must be at least two different texts, got {shown([*choices])}."
        )
    return prompt, choices


def _choice_index(name: str, value: Any, choices: Sequence[Any], labels: Sequence[Any]) -> int:
    """The number of the choice that a user means, by its text or its number."""
    for known in (choices, labels, range(len(choices))):
        if not isinstance(value, bool) and value in known:
            return known.index(value)
    raise ValueError(
        f"{name} must be one of the choices {[*labels]}, or its number, 0 to {len(choices) - 1}, "
        f"got {shown(value)}."
    )


def _as_special(text: TextInputs, place: int) -> TextInputs:
    """The text with this token as a special one, called as the tokenizer calls it."""
    special = text.special.copy()
    special[place] = True
    offsets = np.where(special[:, None], 0, text.offsets)
    segments = text.segment_ids
    return replace(
        text,
        special=special,
        offsets=offsets,
        word_ids=word_ids(text.text, offsets, special),
        sentence_ids=sentence_ids(text.text, offsets, special),
        segment_ids=None if segments is None else np.where(special, -1, segments),
    )


def _with_question_at(text: TextInputs, question: Question) -> TextInputs:
    upto = torch.zeros_like(text.model_inputs["input_ids"])
    upto[:, : (question.position or 0) + 1] = 1
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
    MaskedToken: MaskReader,
    OneChoice: ChoiceReader,
    TokenLabel: TokenReader,
    AnswerSpan: SpanReader,
}
"""What reads for a model that is seen as one of these."""
