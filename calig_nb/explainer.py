"""From a request to an explanation; the only class that holds state."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from . import __version__
from . import cache as disk
from .evidence import gather
from .fusion import Array, Fusion, layer_weights
from .identity import Identity
from .inputs import TextInputs, TextReader
from .memory import Budget
from .models import BlockModel
from .request import Request
from .results import Explanation
from .targets import Output, Target, choose

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
        batch_tokens: Most tokens in one pass of the integration; bounds memory.
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
        self._budget = Budget.of(memory, batch_tokens, self._model.placement[1])
        self._identity = Identity(model)
        self._reader = TextReader(processor, self._model.max_tokens)
        self._calibration: disk.Calibration | None = None
        self.cache = disk.opened(cache)

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, **options: Any) -> Explainer:
        """The explainer of a fine-tuned classifier, from a folder or from the hub.

        Args:
            name_or_path: What ``AutoModelForSequenceClassification.from_pretrained`` takes.
            **options: ``blocks``, ``batch_tokens`` and ``cache`` go to :class:`Explainer`, all
                else to the model's ``from_pretrained``. The weights are loaded as float32 unless
                ``dtype`` says otherwise; remote code is not run unless ``trust_remote_code``
                says so.
        """
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        names = ("blocks", "batch_tokens", "memory", "cache")
        own = {name: options.pop(name) for name in names if name in options}
        options = {"dtype": torch.float32, "trust_remote_code": False, **options}
        shared = ("cache_dir", "local_files_only", "revision", "token", "trust_remote_code")
        tokenizer = AutoTokenizer.from_pretrained(
            name_or_path, **{name: options[name] for name in shared if name in options}
        )
        model = AutoModelForSequenceClassification.from_pretrained(name_or_path, **options)
        explainer = cls(model.eval(), tokenizer, **own)
        explainer._calibration = disk.load_calibration(name_or_path)
        return explainer

    @property
    def layer_weights(self) -> Array | None:
        """(L,) weights found by :meth:`calibrate`; None before, when each text gives its own."""
        return None if self._calibration is None else np.array(self._calibration.layer_weights)

    def predict(self, inputs: str | Sequence[str]) -> pd.DataFrame:
        """What the model says: one row a text, its label and the probability of every class.

        Raises:
            TypeError, ValueError: As :meth:`explain`.
        """
        import pandas as pd

        rows = []
        with self._model.undisturbed():
            for text in [inputs] if isinstance(inputs, str) else inputs:
                logits = self._model.predict(self._placed(self._reader.read(text).model_inputs))[0]
                labels, probabilities = self._probabilities(logits)
                label = labels[int(logits.argmax())]
                named = dict(zip(labels, probabilities, strict=True))
                rows.append({"text": text, "label": label, **named})
        return pd.DataFrame(rows)

    def explain(
        self,
        inputs: str | Sequence[str],
        *,
        target: int | str | None = None,
        contrast: int | str | None = None,
        output: Output = "logit",
        method: str = "ca-lig",
        baselines: str | Tensor = "pad",
        n_steps: int | Literal["auto"] = "auto",
        tolerance: float = 0.01,
        lam: float = 0.5,
        progress: bool | None = None,
    ) -> Explanation | list[Explanation]:
        """Why the model gives ``target`` this score.

        Args:
            inputs: A text; or a list of them, for a list of explanations.
            target: Class index or label; the predicted class by default.
            contrast: Explain ``logit[target] - logit[contrast]``: why this rather than that.
            output: "logit"; "margin", less the mean of the other logits; "log_odds"; or "prob",
                which saturates.
            method: "ca-lig"; or "conductance", whose relevance follows one path from the baseline
                through all layers: a preview at a fraction of the cost, complete too, but
                another answer in the upper layers.
            baselines: Where the paths start: "pad" or "mask", the text with its words replaced;
                another text; a tensor of token ids; or "zero" and "mean", hidden states for study.
            n_steps: "auto" refines every layer until ``tolerance`` is met (the preview takes 17
                nodes); a number fixes the nodes.
            tolerance: Relative error of each layer's sum and token values at which to stop.
            lam: λ in [0, 1], changed afterwards at no cost by :meth:`Explanation.with_lam`.
            progress: A progress bar for a list; by default only if it takes over two seconds.

        Returns:
            An :class:`Explanation`, or a list of them. All texts of a list are read before the
            first is explained, and what is finished is in the cache if one fails later.

        Raises:
            TypeError: If an input is not a text or a class not an index or label.
            ValueError: If an input, class or option is out of its range, or the model cannot be
                explained; the message names the value and the rule.

        Source:
            Mersha & Kalita (2026), arXiv:2602.16608; the formulas as the README writes them.
        """
        request = Request(target, contrast, output, method, baselines, n_steps, tolerance, lam)
        if isinstance(inputs, str) or not isinstance(inputs, Sequence):
            return self._explain(self._reader.read(inputs), request)
        from tqdm.auto import tqdm

        read = [self._reader.read(text, f"inputs[{i}]") for i, text in enumerate(inputs)]
        bar = tqdm(read, disable=progress is False, delay=0 if progress else 2, desc="explain")
        return [self._explain(one, request) for one in bar]

    def calibrate(self, inputs: Sequence[str], **request: Any) -> Array:
        """Estimate the model's layer weights from a handful of texts; no labels are needed.

        5 to 20 texts of the kind to be explained do. Every later explanation uses the weights;
        without them each text gives its own, and one whose embeddings are misread then silences
        layers that are right.

        Args:
            inputs: Texts.
            **request: As for :meth:`explain`.

        Returns:
            (L,) weights, also kept as :attr:`layer_weights`.

        Raises:
            ValueError: If there is no text.
        """
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        if not texts:
            raise ValueError("inputs must hold at least one text to calibrate on, got none.")
        explanations = self.explain(texts, **request)
        assert isinstance(explanations, list)
        weights = layer_weights(
            [e.layer_attributions for e in explanations], [e.special for e in explanations]
        )
        self._calibration = disk.Calibration(tuple(weights.tolist()), len(texts))
        return weights

    def _explain(self, inputs: TextInputs, request: Request) -> Explanation:
        model = self._identity.digest() if self.cache is not None else ""
        if self.cache is None or not model:
            return self._dressed(self._compute(inputs, request), request)
        asked, arrays = request.asked()
        arrays |= {name: value.numpy() for name, value in inputs.model_inputs.items()}
        key = disk.key_of(model, arrays, {**asked, "text": inputs.text})
        if (found := self.cache.get(key)) is None:
            found = self._compute(inputs, request)
            self.cache.put(key, found)
        return self._dressed(found, request)

    def _compute(self, inputs: TextInputs, request: Request) -> Explanation:
        if self._model.model.training:
            warnings.warn(
                "model is in train mode: it is explained in evaluation mode, without dropout, and "
                "put back afterwards. Call model.eval() to silence this.",
                stacklevel=4,
            )
        with self._model.undisturbed():
            return self._run(inputs, request)

    def _run(self, inputs: TextInputs, request: Request) -> Explanation:
        own = self._placed(inputs.model_inputs)
        labels: tuple[str, ...] = ()
        probabilities = np.empty(0)

        def choose_for(logits: Tensor) -> list[list[Target]]:
            nonlocal labels, probabilities
            if not torch.isfinite(logits).all():
                raise ValueError(
                    f"model must return finite logits, got {logits[0].tolist()} for "
                    f"{inputs.text!r:.60}. Its weights or its precision are broken."
                )
            labels, probabilities = self._probabilities(logits[0])
            one = choose(request.target, request.contrast, request.output, labels, logits[0])
            return [[one]]

        other, baseline = None, f"{request.hidden_baseline} hidden state"
        if request.hidden_baseline is None:
            replaced, baseline = self._reader.baseline(inputs, request.baselines)
            other = self._placed(replaced)
        ((found,),) = gather(self._model, own, other, choose_for, request, self._budget)
        target = found.target
        return Explanation(
            **inputs.described(),
            labels=labels,
            probabilities=probabilities,
            target=target.index,
            contrast=target.contrast,
            score=found.score,
            baseline_scores=found.baseline_scores,
            layer_attributions=found.layer_attributions,
            attention_relevance=found.attention_relevance,
            layer_weights=layer_weights([found.layer_attributions], [inputs.special]),
            fusion=Fusion(),
            n_steps=found.n_steps,
            token_error=found.token_error,
            converged=found.converged,
            config={
                "method": request.method,
                "output": request.output,
                "antisymmetric": target.antisymmetric(len(labels)),
                "baselines": baseline,
                "tolerance": request.tolerance,
                "calibration": "layer weights from this text alone",
                "model": type(self._model.model).__name__,
                "dtype": str(self._model.placement[0]).removeprefix("torch."),
                "version": __version__,
            },
        )

    def _dressed(self, found: Explanation, request: Request) -> Explanation:
        """The evidence with what may change without computing: λ, layer weights, the model."""
        found = replace(
            found,
            fusion=Fusion(lam=request.lam),
            ask=lambda target, contrast: self._explain(
                self._reader.read(found.text), request.about(target, contrast)
            ),
        )
        if self._calibration is None:
            return found
        number = self._calibration.n_inputs
        calibration = f"layer weights from {number} texts of this model"
        weights = np.array(self._calibration.layer_weights)
        config = {**found.config, "calibration": calibration}
        return replace(found, layer_weights=weights, config=config)

    def _probabilities(self, logits: Tensor) -> tuple[tuple[str, ...], Array]:
        """The classes' names, and their probabilities for one text's logits (C,)."""
        named = self._model.labels or {}
        labels = tuple(str(named.get(index, index)) for index in range(len(logits)))
        apart = self._model.multi_label or len(logits) == 1
        probabilities = torch.sigmoid(logits) if apart else torch.softmax(logits, dim=0)
        return labels, probabilities.double().cpu().numpy()

    def _placed(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.to(self._model.placement[1]) for name, value in inputs.items()}
