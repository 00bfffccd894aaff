"""From a request to an explanation; the only class that holds state."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from torch import Tensor, nn

from . import cache as disk
from .answers import Answers
from .assembly import answered
from .bucket import labels_of, probabilities_of
from .catalogue import fused, fusion_of
from .fusion import Array, layer_weights, one_of
from .identity import Identity
from .inputs import TextInputs, TextReader
from .loading import load
from .memory import Budget
from .models import BlockModel
from .pairs import Inputs
from .request import Precision, Request
from .results import Explanation
from .targets import Output
from .windows import mean_logits, windows

if TYPE_CHECKING:
    import pandas as pd


class Explainer:
    """Explains what a Transformer classifier decides, and why.

    The model is never changed: weights, hooks, mode, gradient flags and attention implementation
    are as before after every call, also after an exception.

    Args:
        model: A classifier, such as ``AutoModelForSequenceClassification`` gives; or any
            ``torch.nn.Module`` with a list of blocks that returns logits (batch, classes).
        processor: Its tokenizer.
        blocks: Path of the module list that holds the blocks; found by itself when None.
        batch_tokens: Most tokens in one pass of the integration; by default as many as pay.
        memory: Bytes that passes may take above the model; by default a quarter of what is free,
            at most 4 GiB on a processor. A long text then takes longer, not more.
        cache: True keeps explanations in the platform's folder for caches, so that a question
            asked before is answered at once, in a new session too; a folder keeps them there;
            False keeps none.

    Raises:
        TypeError: If the model or the tokenizer is not one.
        ValueError: If the model cannot be served; the message says why and what to do.
    """

    def __init__(
        self,
        model: nn.Module,
        processor: Any,
        *,
        blocks: str | None = None,
        batch_tokens: int | None = None,
        memory: int | None = None,
        cache: bool | str | Path = True,
    ) -> None:
        self._model = BlockModel(model, blocks)
        budget = Budget.of(memory, batch_tokens, self._model.placement[1])
        self._reader = TextReader(processor, self._model.max_tokens)
        self._calibration: disk.Calibration | None = None
        self._answers = Answers(
            self._model, self._reader, Identity(model), budget, disk.opened(cache)
        )

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, **options: Any) -> Explainer:
        """The explainer of a fine-tuned classifier, from a folder or from the hub.

        Args:
            name_or_path: What the ``from_pretrained`` of transformers takes.
            **options: ``blocks``, ``batch_tokens``, ``memory`` and ``cache`` go to
                :class:`Explainer`, all else to the model; see :func:`calig_nb.loading.load`.
        """
        names = ("blocks", "batch_tokens", "memory", "cache")
        own = {name: options.pop(name) for name in names if name in options}
        explainer = cls(*load(name_or_path, **options), **own)
        explainer._calibration = disk.load_calibration(name_or_path)
        return explainer

    @property
    def cache(self) -> disk.Cache | None:
        """What is kept: its ``size``, ``clear()``, ``move(folder)``; None where nothing is."""
        return self._answers.cache

    @cache.setter
    def cache(self, cache: disk.Cache | None) -> None:
        self._answers.cache = cache

    @property
    def layer_weights(self) -> Array | None:
        """(L,) weights found by :meth:`calibrate`, now or before, with this model; else None."""
        calibrated = self._calibrated()
        return None if calibrated is None else np.array(calibrated.layer_weights)

    def predict(self, inputs: Inputs) -> pd.DataFrame:
        """What the model says: one row a text, its label and the probability of every class.

        Raises:
            TypeError, ValueError: As :meth:`explain`.
        """
        import pandas as pd

        rows = []
        for text in [inputs] if isinstance(inputs, (str, Mapping)) else inputs:
            read = self._reader.read(text, longer=True)
            logits = mean_logits(self._model, windows(read, self._reader.max_tokens))
            labels = labels_of(self._model, len(logits))
            named = zip(labels, probabilities_of(self._model, logits), strict=True)
            told = dict(text) if isinstance(text, Mapping) else {"text": text}
            rows.append({**told, "label": labels[int(logits.argmax())], **dict(named)})
        return pd.DataFrame(rows)

    def explain(
        self,
        inputs: Inputs,
        *,
        target: int | str | Sequence[int | str] | None = None,
        contrast: int | str | None = None,
        output: Output = "logit",
        method: str = "ca-lig",
        baselines: str | Tensor = "pad",
        n_steps: int | Literal["auto"] = "auto",
        tolerance: float = 0.01,
        lam: float = 0.5,
        precision: Precision = "float32",
        progress: bool | None = None,
        on_error: Literal["raise", "skip"] = "raise",
    ) -> Any:
        """Why the model gives ``target`` this score.

        Args:
            inputs: A text; a pair that the model reads as one, ``{"text": premise, "text_pair":
                hypothesis}``; or a list (or column) of them, for a list of explanations.
            target: Class index or label; the predicted class by default. A list of them shares
                the passes, and gives a list of explanations for each text.
            contrast: Explain ``logit[target] - logit[contrast]``: why this rather than that.
            output: "logit"; "margin", less the mean of the other logits; "log_odds"; or "prob",
                which saturates.
            method: "ca-lig"; "conductance", whose relevance follows one path from the baseline
                through all layers: a preview at a fraction of the cost, complete too, but
                another answer in the upper layers; or another of :func:`calig_nb.methods`, which
                leave aside the options that they have no use for.
            baselines: Where the paths start: "pad" or "mask", the text with its words replaced;
                another text; a tensor of token ids; or "zero" and "mean", hidden states for study.
            n_steps: "auto" refines every layer until ``tolerance`` is met (the preview takes 9
                nodes); a number fixes the nodes.
            tolerance: Relative error of each layer's sum and token values at which to stop.
            lam: λ in [0, 1], changed afterwards at no cost by :meth:`Explanation.with_lam`.
            precision: "float32" is the weights' own precision. "bfloat16" rounds the passes of the
                integration, which is faster on most machines; the error that it makes is measured
                and counted, and layers that it takes beyond ``tolerance`` are done again without.
            progress: A progress bar for a list; by default only if it takes over two seconds.
            on_error: What a list does with a text that cannot be explained: "raise" its error,
                or "skip" it with a warning, leaving None in its place.

        Returns:
            An :class:`Explanation`; for a list of texts a list, in their order. Texts of about
            one length are computed together, with the same result. All are read before the first
            is computed; if one fails later the others are finished, kept in the cache, and hang
            on the error as ``error.explanations``.

        Raises:
            TypeError: If an input is not a text or a class not an index or label.
            ValueError: If an input, class or option is out of its range, or the model cannot be
                explained; the message names the value and the rule.

        Source:
            Mersha & Kalita (2026), arXiv:2602.16608; the formulas as the README writes them.
        """
        one_of("on_error", on_error, ("raise", "skip"))
        several = isinstance(target, Sequence) and not isinstance(target, str)
        targets: list[Any] = list(target) if several else [target]  # type: ignore[arg-type]
        if not targets:
            raise ValueError("target must name at least one class, got an empty list.")
        requests = [
            Request(one, contrast, output, method, baselines, n_steps, tolerance, lam, precision)
            for one in targets
        ]
        single = isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable)
        named = {None: inputs} if single else dict(enumerate(inputs))
        texts = [self._read(text, i, on_error) for i, text in named.items()]
        if self._model.model.training:
            warnings.warn(
                "model is in train mode: it is explained in evaluation mode, without dropout, and "
                "put back afterwards. Call model.eval() to silence this.",
                stacklevel=2,
            )
        read = [text for text in texts if text is not None]
        results = iter(answered(self._answers, read, requests, progress))
        found: list[Any] = [None if text is None else next(results) for text in texts]
        failed = [one for one in found if isinstance(one, Exception)]
        for i, (one, own) in enumerate(zip(found, texts, strict=True)):
            if isinstance(one, Exception):
                found[i] = None
                if on_error == "skip" and not single:
                    warnings.warn(f"inputs[{i}] is skipped: {one}", stacklevel=2)
            elif own is not None:
                found[i] = [self._dressed(e, r, own) for e, r in zip(one, requests, strict=True)]
        if not several:
            found = [one and one[0] for one in found]
        if failed and (single or on_error == "raise"):
            failed[0].explanations = found  # type: ignore[attr-defined]
            raise failed[0]
        return found[0] if single else found

    def calibrate(self, inputs: Inputs, **request: Any) -> Array:
        """Estimate the model's layer weights from a handful of texts; no labels are needed.

        5 to 20 texts of the kind to be explained do. Every later explanation uses the weights;
        without them each text gives its own, and one whose embeddings are misread then silences
        layers that are right.

        Args:
            inputs: Texts, or pairs of them.
            **request: As for :meth:`explain`.

        Returns:
            (L,) weights, also kept as :attr:`layer_weights`.

        Raises:
            ValueError: If there is no text.
        """
        if not fused(method := request.get("method", "ca-lig")):
            raise ValueError(f"method must have layer weights to calibrate, got {method!r}.")
        texts = [inputs] if isinstance(inputs, (str, Mapping)) else list(inputs)
        if not texts:
            raise ValueError("inputs must hold at least one text to calibrate on, got none.")
        explanations = self.explain(texts, **request)
        assert isinstance(explanations, list)
        weights = layer_weights(
            [e.layer_attributions for e in explanations], [e.special for e in explanations]
        )
        self._calibration = disk.Calibration(tuple(weights.tolist()), len(texts))
        self._answers.keep_calibration(self._calibration)
        return weights

    def _read(self, text: Any, number: int | None, on_error: str) -> TextInputs | None:
        try:
            name = "inputs" if number is None else f"inputs[{number}]"
            return self._reader.read(text, name, longer=True)
        except (TypeError, ValueError) as error:
            if on_error == "raise" or number is None:
                raise
            warnings.warn(f"A text is skipped: {error}", stacklevel=3)
            return None

    def _calibrated(self) -> disk.Calibration | None:
        if self._calibration is None:
            self._calibration = self._answers.calibration()
        return self._calibration

    def _again(self, text: TextInputs, request: Request) -> Explanation:
        """The same text about another class."""
        (answer,) = answered(self._answers, [text], [request], False)
        if isinstance(answer, Exception):
            raise answer
        return self._dressed(answer[0], request, text)

    def _dressed(self, found: Explanation, request: Request, text: TextInputs) -> Explanation:
        """The evidence with what may change without computing: λ, layer weights, the model."""
        about = request.about
        found = replace(
            found,
            fusion=fusion_of(request.method, request.lam),
            explainer=self,
            ask=lambda target, contrast: self._again(text, about(target, contrast)),
        )
        if not fused(request.method):
            return found
        own = about(found.target, found.contrast)
        if "windows" not in found.config:
            found = replace(found, look=lambda layer: self._answers.heads(text, own, layer))
        calibrated = self._calibrated()
        if calibrated is None:
            return found
        number = calibrated.n_inputs
        calibration = f"layer weights from {number} texts of this model"
        weights = np.array(calibrated.layer_weights)
        config = {**found.config, "calibration": calibration}
        return replace(found, layer_weights=weights, config=config)
