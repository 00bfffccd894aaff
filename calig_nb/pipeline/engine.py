"""From texts and requests to explanations: those asked before, and those computed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ..attribution.request import Request
from ..explanation.explanation import Explanation
from ..inputs.reader import Reader
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from ..models.fingerprint import Identity
from ..models.memory import Budget
from . import cache as disk
from .batch import Bucket, buckets


@dataclass(eq=False)
class Answers:
    """Explanations, remembered or computed.

    Attributes:
        model: The model.
        reader: Its tokenizer or image processor.
        identity: The model's name, by its content.
        budget: How much may be in flight.
        cache: Where answers are kept, or None.
    """

    model: BlockModel
    reader: Reader
    identity: Identity
    budget: Budget
    cache: disk.Cache | None

    def of(
        self,
        texts: Sequence[TextInputs],
        requests: Sequence[Sequence[Request]],
        progress: bool | None,
    ) -> list[list[Explanation] | Exception]:
        """For each text its explanations, one for each of its requests; or why there are none."""
        from tqdm.auto import tqdm

        found: list[Any] = [*map(self.remembered, texts, requests)]
        missing = [i for i, one in enumerate(found) if one is None]
        delay = 0 if progress else 2
        off = progress is False or (len(texts) == 1 and not progress)
        with tqdm(total=len(missing), disable=off, delay=delay, desc="explain") as bar:
            while missing:
                # What a model allows is known once it was traced: the first text goes alone.
                lengths = [len(texts[i].tokens) for i in missing]
                pads = requests[0][0].hidden_baseline is None
                bucket = next(buckets(lengths, pads)) if self.model.batches else [0]
                chosen = [missing[i] for i in bucket]
                own = [texts[i] for i in chosen], [requests[i] for i in chosen]
                for i, answer in zip(chosen, self._computed(*own), strict=True):
                    found[i] = answer
                missing = [i for i in missing if found[i] is None]
                bar.update(len(bucket))
        return found

    def heads(self, text: TextInputs, request: Request, layer: int) -> npt.NDArray[np.float32]:
        """(H, T, T) A ⊙ ∂f/∂A of one layer; one pass has all layers, which the cache keeps."""
        key = self._key(text, request) if self.cache is not None else ""
        if self.cache is not None and key:
            if (known := self.cache.get_heads(key, layer)) is not None:
                return known
        found: list[npt.NDArray[np.float32]] = []

        def keep(index: int, heads: Tensor) -> None:
            one = heads[0].float().cpu().numpy()
            if index == layer:
                found.append(one)
            if self.cache is not None and key:
                self.cache.put_heads(key, index, one)

        Bucket(self.model, self.reader, [text], [[request]]).heads(keep)
        return found[0]

    def remembered(self, text: TextInputs, requests: Sequence[Request]) -> list[Explanation] | None:
        """What was asked before, where all of it was."""
        if self.cache is None:
            return None
        found = [
            self.cache.get(key) if (key := self._key(text, request)) else None
            for request in requests
        ]
        known = [one for one in found if one is not None]
        return known if len(known) == len(requests) else None

    def keep(self, text: TextInputs, request: Request, explanation: Explanation) -> None:
        """Keep an answer in the cache, where there is one."""
        if self.cache is not None and (key := self._key(text, request)):
            self.cache.put(key, explanation)

    def calibration(self) -> disk.Calibration | None:
        """The layer weights that the cache keeps for this model."""
        model = "" if self.cache is None else self.identity.digest()
        return self.cache.get_calibration(model) if self.cache is not None and model else None

    def keep_calibration(self, calibration: disk.Calibration) -> None:
        """Keep the model's layer weights."""
        if self.cache is not None and (model := self.identity.digest()):
            self.cache.put_calibration(model, calibration)

    def _computed(
        self, texts: Sequence[TextInputs], requests: Sequence[Sequence[Request]]
    ) -> list[list[Explanation] | Exception]:
        """What a bucket gives, kept in the cache; one bad text does not lose the others."""
        try:
            found = Bucket(self.model, self.reader, texts, requests).explanations(self.budget)
        except Exception as error:
            if len(texts) == 1:
                return [error]
            pairs = zip(texts, requests, strict=True)
            return [self._computed([text], [own])[0] for text, own in pairs]
        for text, own, explanations in zip(texts, requests, found, strict=True):
            for request, explanation in zip(own, explanations, strict=True):
                self.keep(text, request, explanation)
        return [*found]

    def _key(self, text: TextInputs, request: Request) -> str:
        """The question's name in the cache; empty for a model whose answers cannot be named."""
        if not (model := self.identity.digest()):
            return ""
        asked, arrays = request.asked()
        arrays |= {name: value.numpy() for name, value in text.model_inputs.items()}
        if text.segment_ids is not None:
            arrays["segment_ids"] = text.segment_ids
        return disk.key_of(model, arrays, {**asked, "text": text.text})
