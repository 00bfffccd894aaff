"""Explanations of one model: those asked before, and those computed, together where that pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from .._upward import import_upward
from ..attribution.evidence import trace_batch
from ..attribution.request import Request
from ..explanation.explanation import Explanation
from ..explanation.methods import fusion_of, has_two_signals
from ..inputs.reader import Reader
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from ..models.fingerprint import Identity
from ..models.memory import Budget
from . import cache as disk
from .batch import collate, explain_batch, group_by_length
from .long_text import WindowSum, cut_windows, mean_logits, request_for


@dataclass(eq=False)
class Engine:
    """Explains texts as the model reads them, remembers the answers, and completes them.

    Attributes:
        model: The model.
        reader: Its tokenizer or image processor.
        identity: The model's name, by its content.
        budget: How much may be in flight.
        cache: Where answers are kept, or None.
        calibration: The model's layer weights, where they are known without the cache.
        windows: Those of a long text that was interrupted, where there is no cache.
    """

    model: BlockModel
    reader: Reader
    identity: Identity
    budget: Budget
    cache: disk.Cache | None
    calibration: disk.Calibration | None = None
    windows: disk.Memory = field(default_factory=disk.Memory)

    def without_cache(self) -> Engine:
        """The same engine, layer weights included; it remembers nothing and keeps nothing."""
        return replace(self, cache=None, calibration=self.find_calibration())

    def with_model(self, model: BlockModel) -> Engine:
        """The same engine with another model of the same kind, whose layer weights are these."""
        return replace(
            self,
            model=model,
            identity=Identity(model.model, model.path),
            calibration=self.find_calibration(),
        )

    def explain(
        self,
        texts: Sequence[TextInputs],
        requests: Sequence[Sequence[Request]],
        progress: bool | None,
        answers: list[Any] | None = None,
    ) -> list[list[Explanation] | Exception]:
        """For each text, however long, its explanations, one a request; or why there are none.

        Args:
            texts: As the model reads them.
            requests: What is asked of each.
            progress: As for :meth:`Explainer.explain`.
            answers: (texts,) where each answer goes as soon as it is there: who is interrupted
                has the others.
        """
        found: list[Any] = [None] * len(texts) if answers is None else answers
        most = self.reader.max_tokens
        short = [i for i, text in enumerate(texts) if len(text.tokens) <= most]

        def keep(i: int, answer: list[Explanation] | Exception) -> None:
            if isinstance(answer, Exception):
                found[i] = answer
            else:
                found[i] = self._complete(texts[i], requests[i], answer)

        self._explain_short(
            [texts[i] for i in short],
            [requests[i] for i in short],
            progress,
            lambda k, answer: keep(short[k], answer),
        )
        for i in sorted({*range(len(texts))} - {*short}):
            keep(i, self._explain_long(texts[i], requests[i], progress))
        return found

    def explain_together(
        self, texts: Sequence[TextInputs], requests: Sequence[Sequence[Request]]
    ) -> list[list[Explanation]]:
        """Explanations of texts that share one batch; nothing is remembered or kept.

        Raises:
            TypeError, ValueError: As :func:`calig_nb.pipeline.batch.explain_batch`.
        """
        found = explain_batch(self.model, self.reader, texts, requests, self.budget)
        return [self._complete(*one) for one in zip(texts, requests, found, strict=True)]

    def heads(self, text: TextInputs, request: Request, layer: int) -> npt.NDArray[np.float32]:
        """(H, T, T) A ⊙ ∂f/∂A of one layer; one pass has all layers, which the cache keeps."""
        key = self._key(text, request) if self.cache is not None else ""
        if self.cache is not None and key:
            if (known := self.cache.get_heads(key, layer)) is not None:
                return known
        found: list[npt.NDArray[np.float32]] = []

        def keep_heads(index: int, heads: Tensor) -> None:
            one = heads[0].float().cpu().numpy()
            if index == layer:
                found.append(one)
            if self.cache is not None and key:
                self.cache.put_heads(key, index, one)

        batch = collate(self.model, self.reader, [text], [[request]])
        with self.model.preserve():
            trace_batch(self.model, batch, keep_heads=keep_heads)
        return found[0]

    def find_calibration(self) -> disk.Calibration | None:
        """The model's layer weights, known or kept in the cache; None where there are none."""
        if self.calibration is None and self.cache is not None:
            if model := self.identity.digest():
                self.calibration = self.cache.get_calibration(model)
        return self.calibration

    def keep_calibration(self, calibration: disk.Calibration) -> None:
        """Take these layer weights for all later explanations, and keep them in the cache."""
        self.calibration = calibration
        if self.cache is not None and (model := self.identity.digest()):
            self.cache.put_calibration(model, calibration)

    def _explain_short(
        self,
        texts: Sequence[TextInputs],
        requests: Sequence[Sequence[Request]],
        progress: bool | None,
        keep: Callable[[int, list[Explanation] | Exception], None] = lambda i, answer: None,
    ) -> list[list[Explanation] | Exception]:
        """The answers to texts that the model reads at once, as the cache keeps them.

        Each is also given to ``keep``, with the number of its text, as soon as it is there.
        """
        from tqdm.auto import tqdm

        found: list[Any] = [*map(self._remember, texts, requests)]
        missing = [i for i, one in enumerate(found) if one is None]
        for i, one in enumerate(found):
            if one is not None:
                keep(i, one)
        delay = 0 if progress else 2
        off = progress is False or (len(texts) == 1 and not progress)
        with tqdm(total=len(missing), disable=off, delay=delay, desc="explain") as bar:
            while missing:
                # What a model allows is known once it was traced: the first text goes alone.
                lengths = [len(texts[i].tokens) for i in missing]
                pads = requests[0][0].hidden_baseline is None
                group = next(group_by_length(lengths, pads)) if self.model.batches else [0]
                chosen = [missing[i] for i in group]
                own = [texts[i] for i in chosen], [requests[i] for i in chosen]
                for i, answer in zip(chosen, self._compute(*own), strict=True):
                    found[i] = answer
                    keep(i, answer)
                missing = [i for i in missing if found[i] is None]
                bar.update(len(group))
        return found

    def _explain_long(
        self, text: TextInputs, requests: Sequence[Request], progress: bool | None
    ) -> list[Explanation] | Exception:
        """The answer to a text that takes windows, as the cache keeps it.

        Windows are kept until the whole is there: interrupted, it goes on where it stopped.
        """
        if (known := self._remember(text, requests)) is not None:
            return known
        from tqdm.auto import tqdm

        try:
            windows = cut_windows(text, self.reader.max_tokens)
            named = list(requests)
            if any(request.target is None for request in requests):
                # The class of the whole text, not of each window.
                predicted = int(mean_logits(self.model, windows).argmax())
                named = [replace(r, target=predicted) if r.target is None else r for r in requests]
            sums = [WindowSum(text, request) for request in named]
            keeping = replace(self, cache=self.windows if self.cache is None else self.cache)
            asked = []
            delay = 0 if progress else 2
            for window in tqdm(windows, disable=progress is False, delay=delay, desc="windows"):
                own = [request_for(request, window, len(text.tokens)) for request in named]
                asked += [(window.text, request) for request in own]
                (found,) = keeping._explain_short([window.text], [own], False)
                if isinstance(found, Exception):
                    raise found
                for one, explanation in zip(sums, found, strict=True):
                    one.add(window, explanation)
            whole = [one.explanation(self.model) for one in sums]
        except Exception as error:
            return error
        self._keep(text, requests, whole)
        for part, request in asked:
            if keeping.cache is not None and (key := self._key(part, request)):
                keeping.cache.drop(key)
        return whole

    def _compute(
        self, texts: Sequence[TextInputs], requests: Sequence[Sequence[Request]]
    ) -> list[list[Explanation] | Exception]:
        """What a batch gives, kept in the cache; one bad text does not lose the others."""
        try:
            found = explain_batch(self.model, self.reader, texts, requests, self.budget)
        except Exception as error:
            if len(texts) == 1:
                return [error]
            pairs = zip(texts, requests, strict=True)
            return [self._compute([text], [own])[0] for text, own in pairs]
        for text, own, explanations in zip(texts, requests, found, strict=True):
            self._keep(text, own, explanations)
        return [*found]

    def _complete(
        self, text: TextInputs, requests: Sequence[Request], found: Sequence[Explanation]
    ) -> list[Explanation]:
        """Explanations with what may change without computing: λ, layer weights, their source."""
        calibration = self.find_calibration()
        completed = []
        for request, one in zip(requests, found, strict=True):
            changes: dict[str, Any] = {
                "fusion": fusion_of(request.method, request.lam),
                "source": _Source(self, text, request.about(one.target, one.contrast)),
            }
            if has_two_signals(request.method) and calibration is not None:
                noun = self.reader.noun
                stated = f"layer weights from {calibration.n_inputs} {noun}s of this model"
                changes["layer_weights"] = np.array(calibration.layer_weights)
                changes["config"] = {**one.config, "calibration": stated}
            completed.append(replace(one, **changes))
        return completed

    def _remember(self, text: TextInputs, requests: Sequence[Request]) -> list[Explanation] | None:
        """What the cache has of a text, where it has the answers to all requests."""
        if self.cache is None:
            return None
        found = [
            self.cache.get(key) if (key := self._key(text, request)) else None
            for request in requests
        ]
        known = [one for one in found if one is not None]
        return known if len(known) == len(requests) else None

    def _keep(
        self, text: TextInputs, requests: Sequence[Request], found: Sequence[Explanation]
    ) -> None:
        """Keep a text's answers in the cache, where there is one."""
        if self.cache is not None:
            for request, explanation in zip(requests, found, strict=True):
                if key := self._key(text, request):
                    self.cache.put(key, explanation)

    def _key(self, text: TextInputs, request: Request) -> str:
        """The question's name in the cache; empty for a model whose answers cannot be named."""
        if not (model := self.identity.digest()):
            return ""
        plain, arrays = request.key_parts()
        arrays |= {name: value.numpy() for name, value in text.model_inputs.items()}
        if text.segment_ids is not None:
            arrays["segment_ids"] = text.segment_ids
        return disk.key_of(model, arrays, {**plain, "text": text.text})


@dataclass(frozen=True)
class _Source:
    """What an explanation asks for more: its engine, about its own text.

    Attributes:
        engine: Of the model.
        text: What was explained.
        request: What was asked, by the classes that were explained.
    """

    engine: Engine
    text: TextInputs
    request: Request

    def explain_again(self, target: int, contrast: int | None) -> Explanation:
        """The same text and options about another class."""
        request = self.request.about(target, contrast)
        (answer,) = self.engine.explain([self.text], [[request]], False)
        if isinstance(answer, Exception):
            raise answer
        return answer[0]

    def attention_heads(self, layer: int) -> npt.NDArray[np.float32]:
        """(H, T, T) A ⊙ ∂f/∂A of one layer."""
        return self.engine.heads(self.text, self.request, layer)

    def check(self, explanation: Explanation, **options: Any) -> Any:
        """How far to trust an explanation; see :func:`calig_nb.evaluation.check.check`."""
        return import_upward("evaluation.check", "check")(explanation, self.engine, **options)
