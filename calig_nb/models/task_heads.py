"""Models that answer at every token, seen as classifiers that answer at one."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from .outputs import part_of

READ = "read_upto"
"""Input (batch, tokens): 1 up to the token that is read, then 0. Deleting tokens moves it along."""
CANDIDATES = "candidates"
"""Input (batch, k): token ids. It holds no value for each token: it is neither cut nor filled."""
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


class NextToken(TaskHead):
    """A causal language model: which token follows?

    Classes are a few candidates and, last, all other tokens together, whose logit is the
    log-sum-exp of theirs: the softmax is the model's own distribution.
    """

    class_config: ClassVar[dict[str, Any]] = {
        "id2label": {},
        "label2id": {},
        "problem_type": "single_label_classification",
    }

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._narrows = "logits_to_keep" in signature(model.forward).parameters

    def forward(self, read_upto: Tensor, candidates: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, k + 1)."""
        logits = self.next_token_logits(read_upto, **inputs)
        others = logits.scatter(1, candidates, -torch.inf).logsumexp(dim=1, keepdim=True)
        return torch.cat([logits.gather(1, candidates), others], dim=1)

    def next_token_logits(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, vocabulary) of what follows the token that is read."""
        if not self._narrows:
            return self.logits_at(part_of(self.explained(**inputs), "logits"), read_upto)
        positions, row = torch.unique(read_positions(read_upto), return_inverse=True)
        logits = part_of(self.explained(**inputs, logits_to_keep=positions), "logits")
        found: Tensor = logits[torch.arange(len(row), device=row.device), row]
        return found


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

    def next_token_logits(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
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
        """(batch, tokens, 2): logits of start and end at every token; -inf where none is."""
        output = self.explained(**inputs)
        named = enumerate(("start_logits", "end_logits"))
        ends = torch.stack([part_of(output, name, n) for n, name in named], dim=-1)
        mask = inputs.get("attention_mask")
        return ends if mask is None else ends.masked_fill(mask[..., None] == 0, -torch.inf)


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
        head: What the model is seen as, where it answers at every token.
    """

    ending: str
    loader: str
    processor: str = "AutoTokenizer"
    head: type[TaskHead] | None = None


TASKS = (
    Task("ForImageClassification", "AutoModelForImageClassification", "AutoImageProcessor"),
    Task("ForCausalLM", "AutoModelForCausalLM", head=NextToken),
    Task("LMHeadModel", "AutoModelForCausalLM", head=NextToken),
    Task("ForTokenClassification", "AutoModelForTokenClassification", head=TokenLabel),
    Task("ForQuestionAnswering", "AutoModelForQuestionAnswering", head=AnswerSpan),
    Task("", "AutoModelForSequenceClassification"),
)
"""The first whose ending fits counts; the last fits all."""


WRITING = Task("", "AutoModelForSeq2SeqLM", head=NextOutputToken)
"""That of encoder-decoders that write, by whatever name."""


def task_of(architectures: Iterable[str]) -> Task:
    """The task of a model, by the names of its class and of those it is derived from."""
    names = [*architectures, ""]
    return next(task for task in TASKS if any(name.endswith(task.ending) for name in names))


def with_task_head(model: nn.Module) -> nn.Module:
    """The model as a classifier; itself, unless its architecture answers at every token."""
    names = [kind.__name__ for kind in type(model).__mro__]
    head = (WRITING if _writes_beside(model) else task_of(names)).head
    return model if head is None else head(model)


def _writes_beside(model: nn.Module) -> bool:
    """Whether a model writes in a decoder of its own, beside the encoder that reads the text."""
    taken = signature(model.forward).parameters if isinstance(model, nn.Module) else {}
    can_write = getattr(model, "can_generate", None)
    return {"input_ids", "decoder_input_ids"} <= set(taken) and callable(can_write) and can_write()
