"""From a request to an explanation; the only class that holds state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from torch import nn

from .._arrays import Array
from .._validation import one_of, warn_user
from ..attribution.request import Precision, Request
from ..attribution.scores import Output
from ..explanation.explanation import Explanation
from ..explanation.fusion import layer_weights
from ..explanation.methods import fused, fusion_of
from ..inputs.reader import reader_of
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from ..models.fingerprint import Identity
from ..models.memory import Budget
from ..models.pretrained import load_pretrained
from ..models.task_heads import with_task_head
from . import cache as disk
from .asked import asked
from .engine import Answers
from .long_text import answered
from .prediction import predictions

if TYPE_CHECKING:
    import pandas as pd


class Explainer:
    """Explains what a Transformer classifier decides, and why.

    The model is never changed: weights, hooks, mode, gradient flags and attention implementation
    are as before after every call, also after an exception.

    Args:
        model: A classifier, such as ``AutoModelForSequenceClassification`` gives; a causal
            language model, whose next token is explained; a token classifier; a model for
            extractive question answering; or any ``torch.nn.Module`` with a list of blocks that
            returns logits (batch, classes).
        processor: Its tokenizer, or its image processor.
        blocks: Path of the module list that holds the blocks; found by itself when None. Of a
            model in stages, as Swin, that of one stage shows it at its own resolution.
        batch_tokens: Most tokens in one pass of the integration; by default as many as pay.
        memory: Bytes that passes may take above the model; by default a quarter of what is free,
            at most 4 GiB on a processor. A long text then takes longer, not more.
        cache: True keeps explanations in the platform's folder for caches, so that a question
            asked before is answered at once, in a new session too; a folder keeps them there;
            False keeps none.

    Raises:
        TypeError: If the model or the processor is not one.
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
        self._model = BlockModel(with_task_head(model), blocks)
        budget = Budget.from_options(memory, batch_tokens, self._model.placement[1])
        self._reader = reader_of(self._model, processor)
        self._calibration: disk.Calibration | None = None
        identity = Identity(self._model.model, blocks)
        self._answers = Answers(self._model, self._reader, identity, budget, disk.opened(cache))

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, **options: Any) -> Explainer:
        """The explainer of a fine-tuned classifier, from a folder or from the hub.

        Args:
            name_or_path: What the ``from_pretrained`` of transformers takes.
            **options: ``blocks``, ``batch_tokens``, ``memory`` and ``cache`` go to
                :class:`Explainer`, all else to the model: see
                :func:`calig_nb.models.pretrained.load_pretrained`.
        """
        names = ("blocks", "batch_tokens", "memory", "cache")
        own = {name: options.pop(name) for name in names if name in options}
        explainer = cls(*load_pretrained(name_or_path, **options), **own)
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

    def predict(self, inputs: Any, position: int | None = None) -> pd.DataFrame:
        """What the model says: one row an input, its label and the probability of every class.

        Args:
            inputs: A text, or a list of them.
            position: As for :meth:`explain`.

        Raises:
            TypeError, ValueError: As :meth:`explain`.
        """
        several = [inputs] if self._reader.is_single(inputs) else inputs
        return predictions(self._model, self._reader, several, position)

    def explain(
        self,
        inputs: Any,
        *,
        target: int | str | Sequence[int | str] | None = None,
        contrast: int | str | None = None,
        position: int | None = None,
        output: Output = "logit",
        method: str = "ca-lig",
        baselines: Any = "pad",
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
                hypothesis}``; or a list (or column) of them, for a list of explanations. Of a
                model of pictures a PIL image, its path, an array or a tensor; or a list of them.
            target: Class index or label; the predicted class by default. A list of them shares
                the passes, and gives a list of explanations for each text. Of a language model,
                the next token: as text (" are": mind the space), or its id.
            contrast: Explain ``logit[target] - logit[contrast]``: why this rather than that.
            position: The token after which the next one is explained, by default the last; or
                the token whose label, or at which an answer's start or end, is. From 0, or from
                the end if negative. For models that answer at every token.
            output: "logit"; "margin", less the mean of the other logits; "log_odds"; or "prob",
                which saturates.
            method: "ca-lig"; "conductance", whose relevance follows one path from the baseline
                through all layers: a preview at a fraction of the cost, complete too, but
                another answer in the upper layers; or another of :func:`calig_nb.methods`, which
                leave aside the options that they have no use for.
            baselines: Where the paths start: "pad" or "mask", the text with its words replaced;
                another text; a tensor of token ids; or "zero" and "mean", hidden states for study.
                Of pictures "zero" (the default), mid-grey; "mean", the picture's mean colour;
                "blur", the picture blurred; another picture; or a tensor of pixel values.
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
            Mersha & Kalita (2026), arXiv:2602.16608; the formulas as the README of
            ``attribution/`` writes them.
        """
        one_of("on_error", on_error, ("raise", "skip"))
        several = isinstance(target, Sequence) and not isinstance(target, str)
        targets: list[Any] = list(target) if several else [target]  # type: ignore[arg-type]
        if not targets:
            raise ValueError("target must name at least one class, got an empty list.")
        start, pixels = self._reader.check_baselines(baselines), self._reader.is_of_pictures
        requests = [
            Request(
                one, contrast, output, method, start, n_steps, tolerance, lam, precision, pixels
            )
            for one in targets
        ]
        single = self._reader.is_single(inputs)
        named = {None: inputs} if single else dict(enumerate(inputs))
        own = [
            asked(self._reader, text, i, requests, position, on_error) for i, text in named.items()
        ]
        if self._model.model.training:
            warn_user(
                "model is in train mode: it is explained in evaluation mode, without dropout, and "
                "put back afterwards. Call model.eval() to silence this."
            )
        kept = [one for one in own if one is not None]
        texts = [one.text for one in kept]
        asks = [one.requests for one in kept]
        results = iter(answered(self._answers, texts, asks, progress))
        found: list[Any] = [None if one is None else next(results) for one in own]
        failed = [one for one in found if isinstance(one, Exception)]
        for i, (one, its) in enumerate(zip(found, own, strict=True)):
            if isinstance(one, Exception):
                found[i] = None
                if on_error == "skip" and not single:
                    warn_user(f"inputs[{i}] is skipped: {one}")
            elif its is not None:
                pairs = zip(one, its.requests, strict=True)
                found[i] = [self._dressed(*pair, its.text) for pair in pairs]
        if not several:
            found = [one and one[0] for one in found]
        if failed and (single or on_error == "raise"):
            failed[0].explanations = found  # type: ignore[attr-defined]
            raise failed[0]
        return found[0] if single else found

    def calibrate(self, inputs: Any, **request: Any) -> Array:
        """Estimate the model's layer weights from a handful of inputs; no labels are needed.

        5 to 20 texts of the kind to be explained do. Every later explanation uses the weights;
        without them each text gives its own, and one whose embeddings are misread then silences
        layers that are right.

        Args:
            inputs: Texts, pairs or pictures.
            **request: As for :meth:`explain`.

        Returns:
            (L,) weights, also kept as :attr:`layer_weights`.

        Raises:
            ValueError: If there is no text.
        """
        if not fused(method := request.get("method", "ca-lig")):
            raise ValueError(f"method must have layer weights to calibrate, got {method!r}.")
        texts = [inputs] if self._reader.is_single(inputs) else list(inputs)
        if not texts:
            raise ValueError("inputs must hold at least one text to calibrate on, got none.")
        explanations = self.explain(texts, **request)
        assert isinstance(explanations, list)
        weights = layer_weights(
            [e.layer_attributions for e in explanations],
            [e.special for e in explanations],
            patches=explanations[0].grid is not None,
        )
        self._calibration = disk.Calibration(tuple(weights.tolist()), len(texts))
        self._answers.keep_calibration(self._calibration)
        return weights

    def _calibrated(self) -> disk.Calibration | None:
        if self._calibration is None:
            self._calibration = self._answers.calibration()
        return self._calibration

    def _again(self, text: TextInputs, request: Request) -> Explanation:
        """The same text about another class."""
        (answer,) = answered(self._answers, [text], [[request]], False)
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
        calibration = f"layer weights from {number} {self._reader.noun}s of this model"
        weights = np.array(calibrated.layer_weights)
        config = {**found.config, "calibration": calibration}
        return replace(found, layer_weights=weights, config=config)
