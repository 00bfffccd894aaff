"""Models that answer at every token, seen as classifiers that answer at one."""

from __future__ import annotations

from inspect import signature
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

READ = "read_upto"
"""Input (batch, tokens): 1 up to the token that is read, then 0. Deleting tokens moves it along."""
CANDIDATES = "candidates"
"""Input (batch, k): token ids. It holds no value for each token: it is neither cut nor filled."""


class Head(nn.Module):
    """A user's model with another end; the model itself is not changed.

    Args:
        model: The user's.
    """

    stated: ClassVar[dict[str, Any]] = {}
    """What the model's configuration says of its classes, put right."""

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
        """The user's model is told by torch itself."""

    def at(self, logits: Tensor, read_upto: Tensor) -> Tensor:
        """What (batch, tokens, ...) holds at the token that each row reads: (batch, ...)."""
        return logits[torch.arange(len(logits), device=logits.device), places(read_upto)]


class NextToken(Head):
    """A causal language model: which token follows?

    Classes are a few candidates and, last, all other tokens together, whose logit is the
    log-sum-exp of theirs: the softmax is the model's own distribution.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._narrow = "logits_to_keep" in signature(model.forward).parameters

    def forward(self, read_upto: Tensor, candidates: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, k + 1)."""
        logits = self.vocabulary(read_upto, **inputs)
        others = logits.scatter(1, candidates, -torch.inf).logsumexp(dim=1, keepdim=True)
        return torch.cat([logits.gather(1, candidates), others], dim=1)

    def vocabulary(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, vocabulary) of what follows the token that is read."""
        kept, row = torch.unique(places(read_upto), return_inverse=True)
        if self._narrow:
            logits = self.explained(**inputs, logits_to_keep=kept).logits
        else:
            logits = self.explained(**inputs).logits[:, kept]
        found: Tensor = logits[torch.arange(len(row), device=row.device), row]
        return found


class TokenLabel(Head):
    """A token classifier: which label has this token?"""

    def forward(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, classes)."""
        return self.at(self.explained(**inputs).logits, read_upto)


class AnswerSpan(Head):
    """Extractive question answering: does the answer start, or end, at this token?

    The two classes are independent. Their logits are log-odds, log p / (1 - p), of this token
    against all others.
    """

    stated: ClassVar[dict[str, Any]] = {
        "id2label": {0: "start", 1: "end"},
        "problem_type": "multi_label_classification",
    }

    def forward(self, read_upto: Tensor, **inputs: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        ends = self.both(**inputs)
        own = self.at(ends, read_upto)
        here = torch.arange(ends.shape[1], device=ends.device) == places(read_upto)[:, None]
        return own - ends.masked_fill(here[..., None], -torch.inf).logsumexp(dim=1)

    def both(self, **inputs: Tensor) -> Tensor:
        """(batch, tokens, 2): logits of start and end at every token; -inf where none is."""
        output = self.explained(**inputs)
        ends = torch.stack([output.start_logits, output.end_logits], dim=-1)
        mask = inputs.get("attention_mask")
        return ends if mask is None else ends.masked_fill(mask[..., None] == 0, -torch.inf)


def places(read_upto: Tensor) -> Tensor:
    """(batch,) the token that each row reads; the first, where all before it are gone."""
    return (read_upto.sum(dim=1) - 1).clamp(min=0)


_HEADS = {
    "ForCausalLM": NextToken,
    "LMHeadModel": NextToken,
    "ForTokenClassification": TokenLabel,
    "ForQuestionAnswering": AnswerSpan,
}
"""End of an architecture's name; what it is seen as."""


def headed(model: nn.Module) -> nn.Module:
    """The model as a classifier; itself, unless its architecture answers at every token."""
    names = [kind.__name__ for kind in type(model).__mro__]
    for end, head in _HEADS.items():
        if any(name.endswith(end) for name in names):
            return head(model)
    return model
