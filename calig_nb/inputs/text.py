"""From a text or a pair of texts to tensors, with what each token stands for, and baselines.

The only file that knows tokenizers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from .._validation import shown, warn_user
from ..models.singular import starts_singular
from .word_segmentation import (
    BoolArray,
    IntArray,
    sentence_ids,
    text_from_pieces,
    token_spans,
    word_ids,
)

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation
    from ..models.block_model import BlockModel, Classifier

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)

WHITE_SPACE = "␣"
"""Shown for a token that stands for white space only."""
MANY = 1000
"""So many tokens no tokenizer has that was loaded without its files."""
Span = tuple[int, int]
Look = Callable[["str | None"], "tuple[Tensor, str]"]

GIVEN = "given_as"
"""In the configuration of an explanation: "token ids" or "messages", where it was no text."""
AUTO = "auto"
"""The default of baselines: the usual one, or the next whose path does not start singular."""
FILLERS = ("pad", "mask", "unk")
PARTS = ("text", "text_pair")
"""The names of the two texts, in the order in which the tokenizer joins them."""
BOXES = "bbox"
"""What models of pages call the place of each token, as transformers does."""
N_OUTPUT = "n_output"
"""In the configuration of an explanation: how many tokens the model has written so far, and began
with; the second text is then its output so far."""
BETWEEN = "\n"
"""Stands between them in the text of an explanation: a line and a sentence end there."""


@dataclass(frozen=True)
class Question:
    """Where a model is asked, and what its classes are there.

    Attributes:
        position: Number of the token that is read; None where all are.
        labels: (C,) names of the classes, where they are this text's own; else empty.
        candidates: Token ids of these classes, the likeliest first; the last class, which has
            none, is all other tokens together.
        targets: Targets, and last the contrast, as the classes here are called; or none.
        must_stay: Whether the token that is read must stay when words are deleted.
        extra_inputs: Names of model inputs that do not hold a value for each token.
        choices: Of multiple choice, what can be chosen.
        pairs: For each choice the text that the model reads, which is the prompt with it.
    """

    position: int | None
    labels: tuple[str, ...] = ()
    candidates: tuple[int, ...] = ()
    targets: tuple[int | str | None, ...] = ()
    must_stay: bool = False
    extra_inputs: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    pairs: tuple[TextInputs, ...] = ()

    @property
    def config(self) -> dict[str, Any]:
        """What the configuration of an explanation says of it, as plain values."""
        named = {
            "position": self.position,
            "candidates": [*self.candidates] or None,
            "choices": [*self.choices] or None,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, eq=False)
class TextInputs:
    """One text, or a pair of them, as the model reads it.

    Attributes:
        text: The text itself; of a pair both, a line break between them.
        model_inputs: What the model is called with, each (1, tokens).
        tokens: The piece of text that each token stands for; a special token's own name.
        special: (tokens,) True for [CLS], [SEP] and their like, and a mask that is asked about.
        offsets: (tokens, 2) start and end in ``text``; 0, 0 for special tokens.
        word_ids: (tokens,) number of the word, -1 for special tokens.
        sentence_ids: (tokens,) number of the sentence, -1 for special tokens.
        segment_ids: (tokens,) which text of a pair, -1 for special tokens; None without one.
        split: Where the line break between the texts of a pair stands; None without one.
        question: What is asked of a model that answers at every token, or for every choice; None
            of all others.
        given: "token ids" or "messages", where these were given and not a text.
        n_output: How many of the tokens, the last, are what an encoder-decoder has written so far
            and what it began with; 0 of all other models.
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
    given: str | None = None
    n_output: int = 0

    @property
    def config(self) -> dict[str, Any]:
        """What the configuration of its explanation says of it, by name."""
        found: dict[str, Any] = {} if self.split is None else {"split": self.split}
        if self.n_output:
            found[N_OUTPUT] = self.n_output
        if self.given is not None:
            found[GIVEN] = self.given
            found["token_ids"] = self.model_inputs["input_ids"][0].tolist()
            if BOXES in self.model_inputs:
                found[BOXES] = self.model_inputs[BOXES][0].tolist()
        return {**found, **({} if self.question is None else self.question.config)}

    def about(self, target: Any) -> TextInputs:
        """What is read to explain this class: of multiple choice the prompt with this choice."""
        pairs = () if self.question is None else self.question.pairs
        return replace(pairs[target], question=self.question) if pairs else self

    def explanation_fields(self) -> dict[str, Any]:
        """The fields that an explanation takes over, by name."""
        inner = ("model_inputs", "split", "question", "given", "n_output")
        return {name: value for name, value in vars(self).items() if name not in inner}

    def among(self, columns: IntArray) -> TextInputs:
        """The text as it stands among tokens that the model adds by itself; for showing only.

        Args:
            columns: (all tokens,) which token of the text each is, in order; -1 for those that
                are added, which are special ones of their own.
        """
        added, columns = columns < 0, np.maximum(columns, 0)
        names = iter(range(1, len(added) + 1))
        segments = self.segment_ids
        return replace(
            self,
            tokens=tuple(
                f"[added {next(names)}]" if new else self.tokens[t]
                for new, t in zip(added, columns, strict=True)
            ),
            special=added | self.special[columns],
            offsets=np.where(added[:, None], 0, self.offsets[columns]),
            word_ids=np.where(added, -1, self.word_ids[columns]),
            sentence_ids=np.where(added, -1, self.sentence_ids[columns]),
            segment_ids=None if segments is None else np.where(added, -1, segments[columns]),
        )


class _Usual(NamedTuple):
    """The default baseline of a model, with the marks of its weights, and why it is that one."""

    marks: list[tuple[int, int]]
    name: str
    note: str


class InputReader:
    """From what a user gives to the model's inputs; as it is for texts, where kinds differ.

    Attributes:
        noun: What an input is.
        max_tokens: Most tokens that the model reads at once.
        is_of_pictures: Whether inputs are pictures.
        deletions: How parts of an input may be deleted; the first is the default.
    """

    noun = "text"
    max_tokens = 10**9
    is_of_pictures = False
    deletions: tuple[str, ...] = ("remove", "mask", "pad")
    _usual = _Usual([], "", "")

    def is_single(self, inputs: Any) -> bool:
        """Whether this is one input, not several."""
        alone = isinstance(inputs, (str, bytes, Mapping)) or getattr(inputs, "shape", None) == ()
        return alone or not isinstance(inputs, Iterable)

    def label_of(self, one: Any, number: int) -> str:
        """What a table calls an input."""
        del number
        return str(one)

    def warn_of_unknown_words(self, read: Any, name: str) -> None:
        """Warn where the model cannot tell an input from others; errors call it ``name``."""

    def with_prefix(self, one: Any, prefix: Any) -> Any:
        """An input with the beginning of what the model writes; here it writes nothing.

        Raises:
            ValueError: If there is one.
        """
        if prefix is not None:
            raise ValueError(
                "prefix is for encoder-decoders, which write in a decoder of their own, and this "
                f"model is none: leave prefix out, got {shown(prefix)}. What a causal language "
                "model has written so far is the end of its text."
            )
        return one

    def shape_of(self, read: Any) -> Any:
        """What inputs of about one length must have alike to share a pass."""
        del read

    def length_of(self, inputs: Mapping[str, Tensor]) -> int:
        """The number of tokens; inputs of about one length may share a pass."""
        return int(inputs["input_ids"].shape[1])

    def check_baselines(self, baselines: Any) -> Any:
        """The baseline in the form that a request takes: of texts, as it is given."""
        return baselines

    def read(self, one: Any, name: str = "inputs") -> Any:
        """The input as the model reads it; errors call it ``name``."""
        raise NotImplementedError

    def read_anything(self) -> Any:
        """Some input, as the model reads it."""
        raise NotImplementedError

    def baseline_note(self, baselines: Any) -> str:
        """Why the default baseline is not the usual one, in words; else empty."""
        return self._usual.note if isinstance(baselines, str) and baselines == AUTO else ""

    def usual_baseline(self, model: Classifier | None, names: Sequence[str], look: Look) -> str:
        """The first of these baselines from which no path starts where the model is singular.

        It is looked for once, and again when a weight of the model has changed.

        Args:
            model: The model; None is not looked at.
            names: Baselines, the usual one first.
            look: What enters the first block, (tokens, hidden), for a name; for None that of the
                input itself. With it what a baseline is called.
        """
        if model is None or not hasattr(model, "entering_states"):
            return names[0]
        marks = [(weight.data_ptr(), weight._version) for weight in model.model.parameters()]
        if marks != self._usual.marks:
            self._usual = _Usual(marks, *self._first_that_is_regular(model, names, look))
        return self._usual.name

    def _first_that_is_regular(
        self, model: Classifier, names: Sequence[str], look: Look
    ) -> tuple[str, str]:
        """The baseline's name, and why it is that one."""
        with model.preserve():
            try:
                own, why = look(None)
                for name in names:
                    state, called = look(name)
                    if not starts_singular(own, state):
                        return name, why
                    why = why or f"as {called} enters as zero"
            except (ValueError, RuntimeError):  # said with its reason where it is computed
                pass
        return names[0], ""

    def read_again(self, explanation: Explanation) -> Any:
        """The input of an explanation, read once more.

        Raises:
            ValueError: If it was not what this reads.
        """
        raise NotImplementedError


class TextReader(InputReader):
    """Reads texts with a Hugging Face tokenizer.

    Args:
        tokenizer: The model's own tokenizer.
        max_tokens: Most tokens that the model can take, or None.
        model: The model, which says what inputs it takes; None for any.

    Raises:
        TypeError: If ``tokenizer`` is missing or is not one, or the model takes no token ids.
        ValueError: If it knows no word.
    """

    can_split = True
    """Whether a text may be longer than the model, and is then read in windows."""
    continues = False
    """Whether the model goes on writing, so that messages end where its answer begins."""

    def __init__(
        self,
        tokenizer: Any,
        max_tokens: int | None,
        model: Classifier | None = None,
    ) -> None:
        if not callable(tokenizer) or not hasattr(tokenizer, "all_special_ids"):
            raise TypeError(
                f"processor must be the model's tokenizer, got {shown(tokenizer)}. "
                "Load it with AutoTokenizer.from_pretrained."
            )
        _refuse_empty_vocabulary(tokenizer)
        if model is not None and not model.takes("input_ids"):
            raise TypeError(
                "model must take input_ids by this name, as the tokenizer gives them, and its "
                "forward does not. Wrap it in a torch.nn.Module whose forward(self, input_ids, "
                "attention_mask) calls it."
            )
        self.tokenizer, self.model = tokenizer, model
        stated = int(min(tokenizer.model_max_length, 10**9))
        self.max_tokens = stated if max_tokens is None else min(stated, max_tokens)
        # An unknown word and a mask stand for a word of the text, unless they also end texts.
        ordinary = {tokenizer.unk_token_id, getattr(tokenizer, "mask_token_id", None)}
        ordinary -= {getattr(tokenizer, f"{end}_token_id", None) for end in ("bos", "eos")}
        self._special = set(tokenizer.all_special_ids) - ordinary
        self._warned = False

    def is_special(self, token_id: int) -> bool:
        """Whether a token stands for no word of a text, as [CLS] does."""
        return token_id in self._special

    def is_single(self, inputs: Any) -> bool:
        """Whether this is one input, not several; token ids and a list of messages are one."""
        return super().is_single(inputs) or is_messages(inputs) or is_token_ids(inputs)

    def read(
        self,
        inputs: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> TextInputs:
        """The text or pair as tensors, with what each token stands for, and its question.

        Args:
            inputs: A text; a pair of them, ``{"text": …, "text_pair": …}``; a list of messages,
                ``{"role": …, "content": …}``, that the tokenizer's chat template joins; or token
                ids, to which nothing is added.
            name: What it is called in errors.
            position: Number of the token that is asked about, from 0; from the end, where it is
                negative. For models that answer at every token.
            classes: Targets, and last the contrast or None, as a user names them.
            longer: Whether a text may have more tokens than the model takes.

        Raises:
            TypeError: If ``inputs`` is neither.
            ValueError: If it holds no ordinary token, or too many; or if the position or a class
                is not one of this text's.
        """
        text = self._encode(inputs, name, longer=longer and self.can_split)
        if position is not None:
            position = _position_within(position, len(text.tokens))
        return self.with_question(text, position, classes)

    def read_anything(self) -> TextInputs:
        """Some text, as the model reads it."""
        return self.read("a")

    def read_again(self, explanation: Explanation) -> TextInputs:
        """The input of an explanation, with the same question.

        Raises:
            ValueError: If it was a picture.
        """
        if explanation.image is not None:
            raise ValueError("explanation must be about a text for this model, got a picture.")
        config = explanation.config
        classes = tuple(config.get("candidates", ()))
        inputs = explanation.inputs
        if GIVEN in config:  # its text says how these are shown, and nothing is added to it
            inputs = {"input_ids": config["token_ids"], "text": explanation.text}
            inputs |= {BOXES: config[BOXES]} if BOXES in config else {}
        return self.read(inputs, position=config.get("position"), classes=classes)

    def with_question(
        self, text: TextInputs, position: int | None, classes: Sequence[int | str | None]
    ) -> TextInputs:
        """The text with its question; here the model answers for the whole text."""
        del classes
        if position is not None:
            raise ValueError(
                "position is for models that answer at every token (causal and masked language "
                "models, token classifiers, extractive question answering), and this one answers "
                f"for the whole text: leave position out, got {position}."
            )
        return text

    def warn_of_unknown_words(self, read: TextInputs, name: str) -> None:
        """Warn of a text that holds none of the tokenizer's words."""
        ids = {*read.model_inputs["input_ids"][0, torch.from_numpy(~read.special)].tolist()}
        if ids == {self.tokenizer.unk_token_id}:
            warn_user(
                f"{name} holds no word that the tokenizer knows, only {self.tokenizer.unk_token}: "
                f"the model cannot tell it from others. {read.text!r:.60}"
            )

    def _encode(self, inputs: Any, name: str, *, longer: bool) -> TextInputs:
        fast = getattr(self.tokenizer, "is_fast", False)
        given, known = None, None
        parts: tuple[str, ...]
        beside: dict[str, Any] = {}
        if isinstance(inputs, Mapping) and "input_ids" in inputs:
            beside, known = self._values_beside(inputs), inputs.get("text")
            inputs = plain_ids(inputs, name)
        if is_messages(inputs):
            given, parts = "messages", (self._join_messages(inputs, name),)
            encoded = self._tokenize(parts, special=False)
        elif is_token_ids(inputs):
            given, parts, encoded = "token ids", *self._decode(inputs, name, known)
            encoded |= beside
            fast = "offset_mapping" in encoded
        else:
            parts = parts_of(inputs, name)
            encoded = self._tokenize(parts)
        text = BETWEEN.join(parts)
        ids = encoded["input_ids"]
        if len(ids) > self.max_tokens and not (longer and len(parts) == 1):
            raise ValueError(
                f"{name} must have at most {self.max_tokens} tokens for this model, got "
                f"{len(ids)}. Shorten the text, or explain it in parts."
            )
        self._refuse_unknown_ids(ids, name, "Take the tokenizer that belongs to the model.")
        special = np.array([i in self._special for i in ids])
        if special.all():
            raise ValueError(
                f"{name} must hold at least one ordinary token, got only special ones: {text!r}."
            )
        pieces = self.tokenizer.convert_ids_to_tokens(ids)
        one = len(parts) == 1
        segments = None if one else segment_ids_of(self.tokenizer, encoded, parts, special)
        if fast:
            spans = [
                (0, 0) if is_special else span
                for span, is_special in zip(encoded["offset_mapping"], special, strict=True)
            ]
            own = spans if segments is None else shift_spans(spans, segments, parts[0])
            offsets = token_spans(text, pieces, own)
        else:  # the tokenizer does not say where its tokens stand: show the tokens themselves
            second = -1 if segments is None else int(np.argmax(segments == 1))
            text, spans = text_from_pieces(pieces, special, second)
            offsets = np.where(special[:, None], 0, np.array(spans, dtype=np.int64))
        tokens = tuple(
            piece if is_special else text[start:end] or WHITE_SPACE
            for piece, is_special, (start, end) in zip(pieces, special, offsets, strict=True)
        )
        return TextInputs(
            text=text,
            model_inputs={key: torch.tensor([encoded[key]]) for key in self._taken(encoded, name)},
            tokens=tokens,
            special=special,
            offsets=offsets,
            word_ids=word_ids(text, offsets, special),
            sentence_ids=sentence_ids(text, offsets, special),
            segment_ids=segments,
            split=None
            if segments is None
            else line_break_position(parts[0], spans, segments, fast),
            given=given,
        )

    def _taken(self, encoded: Mapping[str, Any], name: str) -> list[str]:
        """Of what the tokenizer made of a text, the inputs that the model takes."""
        stated = [key for key in self.tokenizer.model_input_names if key in encoded]
        if self.model is None:
            return stated
        n_tokens = len(encoded["input_ids"])
        others = [
            key
            for key in encoded
            if key not in (*stated, "token_type_ids")  # which GPT-2 looks up as words
            and self.model.names(key)
            and len(encoded[key]) == n_tokens
        ]
        if BOXES not in encoded and self.model.names(BOXES) and not self._warned:
            self._warned = True
            warn_user(
                f"the model also reads where each token stands on its page, and {name} says "
                "nothing of it: what it does without is explained. Give "
                f"{{'input_ids': …, '{BOXES}': …}}."
            )
        return [key for key in stated if self.model.takes(key)] + others

    def _values_beside(self, encoded: Mapping[str, Any]) -> dict[str, Any]:
        """Beside token ids, values for each token that the model takes by name, as boxes."""
        plain = ("input_ids", "attention_mask", "token_type_ids", "text")
        found = {}
        for key, value in encoded.items():
            if key not in plain and self.model is not None and self.model.names(key):
                rows = torch.as_tensor(value)
                found[key] = (rows[0] if rows.ndim > 1 and len(rows) == 1 else rows).tolist()
        return found

    def _tokenize(self, parts: Sequence[str], *, special: bool = True) -> Any:
        """What the tokenizer makes of a text or a pair; what a text begins with is not added.

        Args:
            parts: The text, or both.
            special: Whether special tokens are added.
        """
        fast = getattr(self.tokenizer, "is_fast", False)
        options = {"return_offsets_mapping": fast, "verbose": False}
        plain = {**options, "add_special_tokens": False}
        encoded = self.tokenizer(*parts, **(options if special else plain))
        ids = encoded["input_ids"]
        twice = {*ids[:1]} & {*ids[1:2]} | {*ids[-1:]} & {*ids[-2:-1]}
        if not special or not twice & self._special or len(parts) > 1:
            return encoded
        # A template that was filled in before has written them already.
        own = self.tokenizer(*parts, **plain)["input_ids"]
        before = next((n for n in range(len(ids)) if ids[n : n + len(own)] == own), 0)
        after = len(ids) - before - len(own)
        start = before if own[:before] == ids[:before] else 0
        end = len(ids) - (after if after and own[-after:] == ids[-after:] else 0)
        return {key: encoded[key][start:end] for key in encoded}

    def _join_messages(self, messages: Sequence[Mapping[str, Any]], name: str) -> str:
        """The messages as the model reads them."""
        if not getattr(self.tokenizer, "chat_template", None):
            raise ValueError(
                f"{name} are messages, but this tokenizer has no chat template to join them. Give "
                "the text, or set tokenizer.chat_template to the model's."
            )
        answered = messages[-1]["role"] == "assistant"
        ends = {"continue_final_message": True} if answered else {"add_generation_prompt": True}
        try:
            joined = self.tokenizer.apply_chat_template(
                [dict(one) for one in messages],
                tokenize=False,
                **(ends if self.continues else {}),
            )
        except Exception as error:  # whatever the template's own code raises
            raise ValueError(
                f"{name} must be messages that the tokenizer's chat template takes, got "
                f"{messages!r:.60}: {error!s:.200}"
            ) from error
        return check_text(joined, name)

    def _decode(
        self, inputs: Any, name: str, text: str | None
    ) -> tuple[tuple[str, ...], dict[str, list[Any]]]:
        """The text of token ids, where known as ``text``, and what its tokenizer makes of it."""
        known = _count_tokens(self.tokenizer)
        rule = f"{name} must be token ids from 0 to {known - 1}, got"
        try:
            flat = torch.as_tensor(inputs).flatten().tolist()
        except (TypeError, ValueError, RuntimeError, OverflowError):  # too large, or of two lengths
            raise ValueError(f"{rule} {shown(inputs)}.") from None
        if wrong := [one for one in flat if not 0 <= one < known]:
            raise ValueError(f"{rule} {wrong[0]}.")
        text = text or self.tokenizer.decode(flat, clean_up_tokenization_spaces=False)
        encoded = {"input_ids": flat, "attention_mask": [1] * len(flat)}
        encoded["token_type_ids"] = [0] * len(flat)
        if getattr(self.tokenizer, "is_fast", False):
            again = self._tokenize((text,), special=False)
            if again["input_ids"] == flat:
                encoded["offset_mapping"] = again["offset_mapping"]
        return (text,), encoded

    def pad_batch(self, texts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Several texts' inputs, a row each; the shorter ones filled up on the right."""
        fill = {"input_ids": self.tokenizer.pad_token_id or 0}
        longest = {name: max(one[name].shape[1] for one in texts) for name in texts[0]}

        def filled(name: str, value: Tensor) -> Tensor:
            behind = (0, 0) * (value.ndim - 2) + (0, longest[name] - value.shape[1])
            return nn.functional.pad(value, behind, value=fill.get(name, 0))

        return {name: torch.cat([filled(name, one[name]) for one in texts]) for name in texts[0]}

    def make_baseline(
        self, inputs: TextInputs, baselines: str | Tensor
    ) -> tuple[dict[str, Tensor], str]:
        """The same sentence with its ordinary tokens replaced, and the replacement's name.

        Special tokens, attention mask and positions stay as they are.

        Args:
            inputs: The text.
            baselines: "pad", "mask" or "unk"; "auto", the first of these whose embedding is not
                zero; another text, whose tokens take the places of this one's, the rest being
                filled up as by "auto"; or a tensor of token ids (tokens,).

        Raises:
            ValueError: If the tokenizer has no such token, or the text or tensor does not fit.
        """
        ids = inputs.model_inputs["input_ids"]
        ordinary = torch.from_numpy(~inputs.special)
        if torch.is_tensor(baselines):
            replaced = baselines.reshape(1, -1).to(ids)
            if replaced.shape != ids.shape or baselines.dtype not in _WHOLE:
                raise ValueError(
                    f"baselines must be token ids of shape ({ids.shape[1]},), got "
                    f"{tuple(baselines.shape)} of {baselines.dtype}."
                )
            self._refuse_unknown_ids(replaced[0].tolist(), "baselines", "Give ids of its own.")
            return {**inputs.model_inputs, "input_ids": replaced}, "given ids"
        if baselines in (AUTO, *FILLERS):
            kind = self._usual_filler(inputs) if baselines == AUTO else baselines
            return self._filled(inputs, kind)
        replaced = ids.clone()
        refuse_lone_surrogates(baselines, "baselines")
        read = self.tokenizer(baselines, verbose=False)["input_ids"]
        other = torch.tensor([i for i in read if i not in self._special])
        room = int(ordinary.sum())
        if not len(other):
            raise ValueError(
                "baselines must be 'pad', 'mask' or a text with at least one ordinary token, got "
                f"{shown(baselines)}."
            )
        if len(other) > room:
            raise ValueError(
                f"baselines must be a text of at most {room} tokens here, got {len(other)}: "
                f"{shown(baselines)}."
            )
        replaced[0, ordinary] = self._filler_token(self._usual_filler(inputs))[1]
        replaced[0, torch.nonzero(ordinary).flatten()[: len(other)]] = other
        return {**inputs.model_inputs, "input_ids": replaced}, f"“{baselines}”"

    def delete_units(
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
            if question.must_stay and question.position is not None:
                gone[question.position] = False
            beside = {name: own.pop(name) for name in question.extra_inputs}
        if how == "remove" and not gone.all():
            return {**{name: value[:, ~gone] for name, value in own.items()}, **beside}
        token_id = self._filler_token("pad" if how == "remove" else how, "deletion")[1]
        own["input_ids"] = own["input_ids"].masked_fill(gone, token_id)
        left = {name: value[:, :1] for name, value in own.items()} if how == "remove" else own
        return {**left, **beside}

    def _filled(self, inputs: TextInputs, kind: str) -> tuple[dict[str, Tensor], str]:
        """The text with its ordinary tokens replaced by one, and that token."""
        token, token_id = self._filler_token(kind)
        replaced = inputs.model_inputs["input_ids"].clone()
        replaced[0, torch.from_numpy(~inputs.special)] = token_id
        return {**inputs.model_inputs, "input_ids": replaced}, token

    def _usual_filler(self, inputs: TextInputs) -> str:
        """The kind of token that replaces others where nothing is said."""
        has = [k for k in FILLERS if getattr(self.tokenizer, f"{k}_token_id", None) is not None]

        def look(kind: str | None) -> tuple[Tensor, str]:
            model = cast("BlockModel", self.model)
            own = inputs.model_inputs, ""
            rows, token = own if kind is None else self._filled(inputs, kind)
            kept = model.positions(model.to_device(inputs.model_inputs))
            states = model.entering_states(model.to_device(rows) | kept)
            return torch.cat(states, dim=1)[0], token

        names = ["pad", *(kind for kind in has if kind != "pad")]
        table = None if self.model is None else self.model.token_table
        if table is not None:  # a row that is not zero needs no look at what becomes of it
            rows = table.weight.detach()
            own = rows[inputs.model_inputs["input_ids"][0].to(rows.device)]
            if rows.is_meta or not starts_singular(
                own, rows[self._filler_token("pad")[1]].expand_as(own)
            ):
                self._usual = InputReader._usual
                return "pad"
        return self.usual_baseline(self.model, names, look)

    def _refuse_unknown_ids(self, ids: Sequence[int], name: str, remedy: str) -> None:
        """Refuse token ids that the model's table has not; there the error would name nothing."""
        most = None if self.model is None else self.model.n_token_ids
        if most is not None and (wrong := [one for one in ids if not 0 <= one < most]):
            raise ValueError(
                f"{name} must be of token ids between 0 and {most - 1}, which the model knows, "
                f"got {shown(wrong)}. {remedy}"
            )

    def _filler_token(self, kind: str, name: str = "baselines") -> tuple[str, int]:
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


def parts_of(inputs: Any, name: str) -> tuple[str, ...]:
    """The text alone, or both texts of a pair, checked; errors call them ``name``.

    Raises:
        TypeError: If ``inputs`` is neither a text nor a pair of texts.
        ValueError: If a text is missing, unknown or empty, or holds half a character.
    """
    if not isinstance(inputs, Mapping):
        return (check_text(inputs, name),)
    if set(inputs) != set(PARTS):
        raise ValueError(
            f"{name} must be a text or a pair {{'text': …, 'text_pair': …}}, got the keys "
            f"{list(inputs)}. What the model read first in training, as a premise or a question, "
            "is the text, what came second the text_pair."
        )
    return tuple(check_text(inputs[part], f"{name}[{part!r}]") for part in PARTS)


def is_messages(inputs: Any) -> bool:
    """Whether this is a list of messages, each with a role and a content."""
    named = {"role", "content"}
    return (
        isinstance(inputs, (list, tuple))
        and len(inputs) > 0
        and all(isinstance(one, Mapping) and named <= set(one) for one in inputs)
    )


def plain_ids(encoded: Mapping[str, Any], name: str) -> Tensor:
    """The token ids in what a tokenizer returned for one text.

    Raises:
        ValueError: If they are padded, of several texts, or of a pair.
    """
    ids, *others = (
        torch.as_tensor(encoded[key])
        for key in ("input_ids", "attention_mask", "token_type_ids")
        if key in encoded
    )
    whole = all(len(torch.unique(one)) == 1 for one in others) and is_token_ids(ids)
    if not whole:
        raise ValueError(
            f"{name} must be the token ids of one text without padding, got input_ids of shape "
            f"{tuple(ids.shape)}. Give the text, or the pair, and the tokenizer does the same."
        )
    return ids


def is_token_ids(inputs: Any) -> bool:
    """Whether these are the token ids of one text: whole numbers, or a row of a tensor of them."""
    if isinstance(inputs, (Tensor, np.ndarray)):
        row = inputs.ndim == 1 or (inputs.ndim == 2 and len(inputs) == 1)
        return row and inputs.shape[-1] > 0 and "int" in str(inputs.dtype)
    return (
        isinstance(inputs, (list, tuple))
        and len(inputs) > 0
        and all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in inputs)
    )


def check_text(text: Any, name: str) -> str:
    """The text, if it is one with at least one word."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text (str), got {type(text).__name__}: {text!r:.60}.")
    refuse_lone_surrogates(text, name)
    if not text.strip():
        raise ValueError(f"{name} must hold at least one word, got {text!r}.")
    return text


def refuse_lone_surrogates(text: str, name: str) -> None:
    """Refuse a text with half a character in it, as bytes read in a wrong encoding leave it.

    Raises:
        ValueError: If there is one; the message says where.
    """
    for at, c in enumerate(text):
        if "\ud800" <= c <= "\udfff":
            raise ValueError(
                f"{name} must be a text, got the half character {c!r} at {at}: its bytes were "
                "read in another encoding. Read them anew, or drop it."
            )


def _count_tokens(tokenizer: Any) -> int:
    """How many tokens it knows; many, where one of one's own does not say."""
    return len(tokenizer) if hasattr(type(tokenizer), "__len__") else 10**9


def _refuse_empty_vocabulary(tokenizer: Any) -> None:
    """Refuse a tokenizer that was loaded without its files: to it every word is the same."""
    if _count_tokens(tokenizer) < MANY and hasattr(tokenizer, "get_vocab"):
        special = {*tokenizer.all_special_tokens}
        ordinary = [token for token in tokenizer.get_vocab() if token not in special]
        if not any(c.isalnum() for token in ordinary for c in token):
            raise ValueError(
                "processor must be a tokenizer that knows words, got one whose vocabulary is "
                f"{sorted(tokenizer.get_vocab())[:6]}: its files (tokenizer.json, or vocab.txt and "
                "the like) were not where it was loaded from. Save them there with "
                "tokenizer.save_pretrained, or load it from where the model came from."
            )


def segment_ids_of(
    tokenizer: Any, encoded: Any, parts: tuple[str, ...], special: BoolArray
) -> IntArray:
    """(tokens,) which of the two texts each token belongs to; -1 for special tokens.

    A tokenizer that does not say is asked how many ordinary tokens the first text alone has.

    Raises:
        ValueError: If a text has no ordinary token.
    """
    if getattr(tokenizer, "is_fast", False):
        known = [-1 if number is None else number for number in encoded.sequence_ids(0)]
        found = np.where(special, -1, np.array(known, dtype=np.int64))
    else:
        alone = tokenizer(parts[0], return_offsets_mapping=False, verbose=False)["input_ids"]
        specials = {i for i, s in zip(encoded["input_ids"], special, strict=True) if s}
        first = sum(i not in specials for i in alone)
        found = np.where(special, -1, (np.cumsum(~special) > first).astype(np.int64))
    for number, part in enumerate(parts):
        if not (found == number).any():
            raise ValueError(
                f"both texts must hold at least one ordinary token, got {part!r:.60} as the "
                f"{PARTS[number]}."
            )
    return found


def shift_spans(spans: list[Span], segment_ids: IntArray, first: str) -> list[Span]:
    """Spans within each text as spans within both, joined by :data:`BETWEEN`."""
    by = np.where(segment_ids == 1, len(first) + len(BETWEEN), 0).tolist()
    return [(start + n, end + n) for (start, end), n in zip(spans, by, strict=True)]


def line_break_position(first: str, spans: list[Span], segment_ids: IntArray, fast: bool) -> int:
    """Where :data:`BETWEEN` stands in the joined text; where tokens are shown, before a token."""
    return len(first) if fast else spans[int(np.argmax(segment_ids == 1))][0] - len(BETWEEN)


def _position_within(position: Any, n_tokens: int) -> int:
    """The number of a token, counted from the start."""
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
