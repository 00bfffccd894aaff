"""Models that answer at every token, or for every choice, seen as classifiers of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any, ClassVar, NamedTuple, get_args, get_type_hints

import torch
from torch import Tensor, nn

from .blocks import Run, intercept_each
from .outputs import part_of

READ = "read_upto"
"""Input (batch, tokens): 1 up to the token that is read, then 0. Deleting tokens moves it along."""
CANDIDATES = "candidates"
"""Input (batch, k): token ids. It holds no value for each token: it is neither cut nor filled."""
HELD = "held_logits"
"""Input (batch, choices): the logits of all choices, of which those of the others are constants."""
CHOICE = "choice"
"""Input (batch, 1): which of the choices stands in the text."""
OUTPUT = "is_output"
"""Input (batch, tokens) of an encoder-decoder: 1 for the output so far, which follows the input."""


class TaskHead(nn.Module):
    """A user's model with another end; the model itself is not changed.

    Args:
        model: The user's.
    """

    class_config: ClassVar[dict[str, Any]] = {}
    """Entries of the model's configuration on its classes, as they are for this head."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.explained = model
        self.config = getattr(model, "config", None)

    @property
    def training(self) -> bool:
        """As the user's model is at this moment."""
        return self.explained.training

    @training.setter
    def training(self, mode: bool) -> None:
        """Nothing to set: torch sets it in the user's model, which is a child."""

    def logits_at(self, logits: Tensor, read_upto: Tensor) -> Tensor:
        """(batch, ...) the rows of (batch, tokens, ...) at the token that each item reads.

        Raises:
            ValueError: If the model does not answer once for every token.
        """
        if logits.shape[1] != read_upto.shape[1]:
            raise ValueError(
                "model must answer once for every token of the text, so that it can be told which "
                f"answer is asked about, got {logits.shape[1]} answers for {read_upto.shape[1]} "
                "tokens. Explain it without what it puts between them, such as a trained prompt."
            )
        return logits[torch.arange(len(logits), device=logits.device), read_positions(read_upto)]


class VocabularyHead(TaskHead):
    """A model that says which token stands somewhere.

    Classes are a few candidates and, last, all other tokens together, whose logit is the
    log-sum-exp of theirs: the softmax is the model's own distribution.
    """

    class_config: ClassVar[dict[str, Any]] = {
        "id2label": {},
        "label2id": {},
        "problem_type": "single_label_classification",
    }

    def forward(self, read_upto: Tensor, candidates: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, k + 1)."""
        logits = self.token_logits(read_upto, **inputs)
        others = logits.scatter(1, candidates, -torch.inf).logsumexp(dim=1, keepdim=True)
        return torch.cat([logits.gather(1, candidates), others], dim=1)

    def token_logits(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, vocabulary) of what is asked at the token that is read."""
        raise NotImplementedError


class NextToken(VocabularyHead):
    """A causal language model: which token follows the one that is read?"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._narrows = "logits_to_keep" in signature(model.forward).parameters

    def token_logits(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, vocabulary) of what follows the token that is read."""
        if not self._narrows:
            return self.logits_at(part_of(self.explained(**inputs), "logits"), read_upto)
        positions, row = torch.unique(read_positions(read_upto), return_inverse=True)
        logits = part_of(self.explained(**inputs, logits_to_keep=positions), "logits")
        found: Tensor = logits[torch.arange(len(row), device=row.device), row]
        return found


class MaskedToken(VocabularyHead):
    """A masked language model: which token stands where one is read, as a rule a mask?"""

    def token_logits(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, vocabulary) of what stands at the token that is read.

        The map onto the vocabulary, by far the largest, is computed there only, where it is a
        module that is given all tokens: no other logits are read.

        Raises:
            ValueError: If the model does not answer with the vocabulary at every token.
        """
        rows = torch.arange(len(read_upto), device=read_upto.device)
        at = read_positions(read_upto)

        def enter(_: nn.Module, run: Run, args: Any, kwargs: Any) -> Any:
            x = args[0] if args else None
            if torch.is_tensor(x) and x.ndim == 3 and x.shape[:2] == read_upto.shape:
                args = (x[rows, at][:, None], *args[1:])
            return run(*args, **kwargs)

        with intercept_each(self._vocabulary_maps(), enter):
            output = self.explained(**inputs)
        logits = part_of(output, "logits")
        logits = part_of(output, "prediction_logits") if logits is None else logits
        if not torch.is_tensor(logits) or logits.ndim != 3:
            got = f"shape {tuple(logits.shape)}" if torch.is_tensor(logits) else "none"
            raise ValueError(
                "model must say at every token which of the vocabulary stands there, in logits "
                f"(batch, tokens, vocabulary), got {got} from {type(self.explained).__name__}. "
                "Load it with AutoModelForMaskedLM."
            )
        return logits[:, 0] if logits.shape[1] == 1 else self.logits_at(logits, read_upto)

    def _vocabulary_maps(self) -> list[nn.Module]:
        """The map onto the vocabulary, where the model names one."""
        find = getattr(self.explained, "get_output_embeddings", None)
        found = find() if callable(find) else None
        return [found] if isinstance(found, nn.Linear) else []


class NextOutputToken(NextToken):
    """An encoder-decoder: which token follows in its output?

    It is called with one row of tokens for both sides: the input's, then those of the output so
    far, which begin with the token that the decoder starts from.
    """

    @property
    def start_ids(self) -> list[int]:
        """What the output begins with: the decoder's start token, and one that is forced, if any.

        Raises:
            ValueError: If the model does not say what its decoder starts from.
        """
        start = self._stated("decoder_start_token_id")
        start = self._stated("bos_token_id") if start is None else start
        if start is None:
            raise ValueError(
                "model must say which token its decoder starts from, and its configuration does "
                "not. Set model.generation_config.decoder_start_token_id."
            )
        forced = self._stated("forced_bos_token_id")
        return [int(one) for one in (start, forced) if one is not None]

    def token_logits(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, vocabulary) of what follows the token that is read."""
        n = first_output(inputs.pop(OUTPUT))
        own = {
            name: value[:, :n] if torch.is_tensor(value) else value
            for name, value in inputs.items()
        }
        output = self.explained(
            **own,
            decoder_input_ids=inputs["input_ids"][:, n:],
            use_cache=False,
            return_dict=True,
        )
        return self.logits_at(part_of(output, "logits"), read_upto[:, n:])

    def _stated(self, name: str) -> Any:
        for config in (getattr(self.explained, "generation_config", None), self.config):
            if (found := getattr(config, name, None)) is not None:
                return found
        return None


class TokenLabel(TaskHead):
    """A token classifier: which label has this token?"""

    class_config: ClassVar[dict[str, Any]] = {"problem_type": "single_label_classification"}

    def forward(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, classes)."""
        return self.logits_at(part_of(self.explained(**inputs), "logits"), read_upto)


class AnswerSpan(TaskHead):
    """Extractive question answering: does the answer start, or end, at this token?

    The two classes are independent. Their logits are log-odds, log p / (1 - p), of this token
    against all others.
    """

    class_config: ClassVar[dict[str, Any]] = {
        "id2label": {0: "start", 1: "end"},
        "problem_type": "multi_label_classification",
    }

    def forward(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        ends = self.span_logits(**inputs)
        own = self.logits_at(ends, read_upto)
        here = torch.arange(ends.shape[1], device=ends.device) == read_positions(read_upto)[:, None]
        return own - ends.masked_fill(here[..., None], -torch.inf).logsumexp(dim=1)

    def span_logits(self, **inputs: Tensor) -> Tensor:
        """(batch, tokens, 2): logits of start and end at every token; -inf where none is.

        Raises:
            ValueError: If the model does not answer in this form.
        """
        output = self.explained(**inputs)
        named = enumerate(("start_logits", "end_logits"))
        found = [part_of(output, name, n) for n, name in named]
        if not all(torch.is_tensor(one) and one.ndim == 2 for one in found):
            got = [*output] if isinstance(output, Mapping) else type(output).__name__
            raise ValueError(
                "model must say at every token whether the answer starts or ends there, in "
                f"start_logits and end_logits (batch, tokens), got {got} from "
                f"{type(self.explained).__name__}. Load it with AutoModelForQuestionAnswering; "
                "one that answers in another way cannot be explained by its tokens."
            )
        ends = torch.stack(found, dim=-1)
        mask = inputs.get("attention_mask")
        return ends if mask is None else ends.masked_fill(mask[..., None] == 0, -torch.inf)


class OneChoice(TaskHead):
    """A multiple-choice model, which reads a prompt with each choice: how good is this one?

    The model gives each pair of prompt and choice one logit. The classes are the choices; the
    logits of the others are held, so that what is said is a function of one pair's tokens.
    """

    class_config: ClassVar[dict[str, Any]] = VocabularyHead.class_config

    def forward(self, held_logits: Tensor, choice: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, choices)."""
        own = self.pair_logits(**inputs)
        return held_logits.to(own).scatter(1, choice, own)

    def pair_logits(self, **inputs: Any) -> Tensor:
        """Logits (batch, 1) of prompts with one choice each, whose inputs are (batch, tokens).

        Raises:
            ValueError: If the model does not give a pair one logit.
        """
        rows = {n: v[:, None] if torch.is_tensor(v) else v for n, v in inputs.items()}
        return self.choice_logits(1, **rows)

    def choice_logits(self, n_choices: int, **inputs: Tensor) -> Tensor:
        """Logits (batch, choices) of inputs (batch, choices, tokens).

        Raises:
            ValueError: If the model does not give a pair one logit.
        """
        logits = part_of(self.explained(**inputs), "logits")
        shape = len(next(iter(inputs.values()))), n_choices
        if not torch.is_tensor(logits) or logits.shape != shape:
            got = f"shape {tuple(logits.shape)}" if torch.is_tensor(logits) else "none"
            raise ValueError(
                f"model must give every choice one logit, of shape {shape} here, got {got} from "
                f"{type(self.explained).__name__}. Load it with AutoModelForMultipleChoice."
            )
        found: Tensor = logits
        return found


def read_positions(read_upto: Tensor) -> Tensor:
    """(batch,) number of the token that each row reads; the first, where all are deleted."""
    return (read_upto.sum(dim=1) - 1).clamp(min=0)


def first_output(is_output: Tensor) -> int:
    """Number of the first token of the output, which all rows have at one place."""
    return int(is_output[0].argmax())


class Task(NamedTuple):
    """What is done with models of one kind.

    Attributes:
        ending: End of the name of their architecture.
        loader: The class of transformers that loads the model.
        processor: The class of transformers that loads what reads its inputs.
        head: What the model is seen as, where it answers at every token or for every choice.
    """

    ending: str
    loader: str
    processor: str = "AutoTokenizer"
    head: type[TaskHead] | None = None


TASKS = (
    Task("ForImageClassification", "AutoModelForImageClassification", "AutoImageProcessor"),
    Task("ForCausalLM", "AutoModelForCausalLM", head=NextToken),
    Task("WithLMHeadModel", "AutoModelForMaskedLM", head=MaskedToken),
    Task("LMHeadModel", "AutoModelForCausalLM", head=NextToken),
    Task("ForMaskedLM", "AutoModelForMaskedLM", head=MaskedToken),
    Task("ForPreTraining", "AutoModelForMaskedLM", head=MaskedToken),
    Task("ForMultipleChoice", "AutoModelForMultipleChoice", head=OneChoice),
    Task("ForTokenClassification", "AutoModelForTokenClassification", head=TokenLabel),
    Task("ForQuestionAnswering", "AutoModelForQuestionAnswering", head=AnswerSpan),
    Task("", "AutoModelForSequenceClassification"),
)
"""The first whose ending fits counts; the last fits all."""


WRITING = Task("", "AutoModelForSeq2SeqLM", head=NextOutputToken)
"""That of encoder-decoders that write, by whatever name."""


def task_of(architectures: Iterable[str], kind: type[nn.Module] | None = None) -> Task:
    """The task of a model, by what it says it returns; else by its name.

    Args:
        architectures: The names of its class, and of those it is derived from.
        kind: The class itself, where known.
    """
    if kind is not None and (head := _declared_head(kind)) is not None:
        return next(task for task in TASKS if task.head is head)
    names = [*architectures, ""]
    task = next(task for task in TASKS if any(name.endswith(task.ending) for name in names))
    if task.head is AnswerSpan and kind and "pixel_values" in signature(kind.forward).parameters:
        return TASKS[-1]  # questions about a picture are answered in other ways
    return task


def with_task_head(model: nn.Module) -> nn.Module:
    """The model as a classifier; itself, unless it answers at every token or for every choice."""
    kind = type(model)
    task = task_of((base.__name__ for base in kind.__mro__), kind)
    head = (WRITING if _writes_beside(model) else task).head
    if head is MaskedToken:
        if "input_ids" not in signature(model.forward).parameters:  # of pictures or sound
            return model
        if getattr(getattr(model, "config", None), "causal", False):  # XLM's are one or the other
            head = NextToken
    return model if head is None else head(model)


def _declared_head(kind: type[nn.Module]) -> type[TaskHead] | None:
    """What a model is seen as that is annotated to return start and end, or next tokens."""
    try:
        declared = get_type_hints(kind.forward).get("return")
    except (NameError, TypeError, AttributeError):  # names that only a type checker knows
        return None
    for output in (declared, *get_args(declared)):
        if {"start_logits", "end_logits"} <= {*getattr(output, "__annotations__", ())}:
            return AnswerSpan
        if "CausalLM" in getattr(output, "__name__", ""):
            return NextToken
    return None


def _writes_beside(model: nn.Module) -> bool:
    """Whether a model writes in a decoder of its own, beside the encoder that reads the text."""
    taken = signature(model.forward).parameters if isinstance(model, nn.Module) else {}
    can_write = getattr(model, "can_generate", None)
    return {"input_ids", "decoder_input_ids"} <= set(taken) and callable(can_write) and can_write()
