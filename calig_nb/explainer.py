"""From a request to an explanation; the only class that holds state."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from . import __version__, cache
from .attribution import attention_relevance, layer_integrated_gradients
from .fusion import Array, Fusion, layer_weights
from .inputs import TextInputs, TextReader
from .models import BlockModel, Trace
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
        batch_tokens: int = 1024,
    ) -> None:
        if batch_tokens < 1:
            raise ValueError(f"batch_tokens must be at least 1, got {batch_tokens}.")
        self._model = BlockModel(model, blocks)
        self._reader = TextReader(processor, self._model.max_tokens)
        self._batch_tokens = batch_tokens
        self._calibration: cache.Calibration | None = None

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, **options: Any) -> Explainer:
        """The explainer of a fine-tuned classifier, from a folder or from the hub.

        Args:
            name_or_path: What ``AutoModelForSequenceClassification.from_pretrained`` takes.
            **options: ``blocks`` and ``batch_tokens`` go to :class:`Explainer`, all else to the
                model's ``from_pretrained``. The weights are loaded as float32 unless ``dtype``
                says otherwise; remote code is not run unless ``trust_remote_code`` says so.
        """
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        own = {name: options.pop(name) for name in ("blocks", "batch_tokens") if name in options}
        options = {"dtype": torch.float32, "trust_remote_code": False, **options}
        shared = ("cache_dir", "local_files_only", "revision", "token", "trust_remote_code")
        tokenizer = AutoTokenizer.from_pretrained(
            name_or_path, **{name: options[name] for name in shared if name in options}
        )
        model = AutoModelForSequenceClassification.from_pretrained(name_or_path, **options)
        explainer = cls(model.eval(), tokenizer, **own)
        explainer._calibration = cache.load_calibration(name_or_path)
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
    ) -> Explanation | list[Explanation]:
        """Why the model gives ``target`` this score.

        Args:
            inputs: A text; or a list of them, for a list of explanations.
            target: Class index or label; the predicted class by default.
            contrast: Explain ``logit[target] - logit[contrast]``: why this rather than that.
            output: "logit"; "margin", less the mean of the other logits; "log_odds"; or "prob",
                which saturates.
            method: "ca-lig".
            baselines: Where the paths start: "pad" or "mask", the text with its words replaced;
                another text; a tensor of token ids; or "zero" and "mean", hidden states for study.
            n_steps: "auto" refines every layer until ``tolerance`` is met; a number fixes the
                Gauss-Legendre nodes.
            tolerance: Relative error of each layer's sum and token values at which to stop.
            lam: λ in [0, 1], changed afterwards at no cost by :meth:`Explanation.with_lam`.

        Returns:
            An :class:`Explanation`, or a list of them.

        Raises:
            TypeError: If an input is not a text or a class not an index or label.
            ValueError: If an input, class or option is out of its range, or the model cannot be
                explained; the message names the value and the rule.

        Source:
            Mersha & Kalita (2026), arXiv:2602.16608; the formulas as the README writes them.
        """
        request = Request(target, contrast, output, method, baselines, n_steps, tolerance, lam)
        if isinstance(inputs, str) or not isinstance(inputs, Sequence):
            return self._explain(inputs, request)
        return [self._explain(text, request) for text in inputs]

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
        explanations = [self._explain(text, Request(**request)) for text in texts]
        weights = layer_weights(
            [e.layer_attributions for e in explanations], [e.special for e in explanations]
        )
        self._calibration = cache.Calibration(tuple(weights.tolist()), len(texts))
        return weights

    def _explain(self, text: str, request: Request) -> Explanation:
        inputs = self._reader.read(text)
        if self._model.model.training:
            warnings.warn(
                "model is in train mode: it is explained in evaluation mode, without dropout, and "
                "put back afterwards. Call model.eval() to silence this.",
                stacklevel=3,
            )
        with self._model.undisturbed():
            return self._run(inputs, request)

    def _run(self, inputs: TextInputs, request: Request) -> Explanation:
        own = self._placed(inputs.model_inputs)
        logits = self._model.predict(own)[0]
        if not torch.isfinite(logits).all():
            raise ValueError(
                f"model must return finite logits, got {logits.tolist()} for {inputs.text!r:.60}. "
                "Its weights or its precision are broken."
            )
        labels, probabilities = self._probabilities(logits)
        target = choose(request.target, request.contrast, request.output, labels, logits)

        rows = own
        if request.hidden_baseline is None:
            other, baseline = self._reader.baseline(inputs, request.baselines)
            rows = {k: torch.cat([v, other[k].to(v)]) for k, v in own.items()}
        trace = self._model.trace(rows, target.score)
        scores = target.score(trace.logits).tolist()
        ends = None
        if request.hidden_baseline is None:
            starts = [hidden[1] for hidden in trace.hidden_states]
            baseline_scores = np.full(len(starts), scores[1])
            ends = [(g[0], g[1]) for g in trace.hidden_gradients]
        else:
            baseline = f"{request.hidden_baseline} hidden state"
            starts, baseline_scores = self._hidden_baseline(own, trace, target, request)
        integrals = layer_integrated_gradients(
            lambda layer, points: self._model.gradient(own, layer, points, target.score),
            [hidden[0] for hidden in trace.hidden_states],
            starts,
            scores[0] - baseline_scores,
            ends=ends,
            n_steps=request.fixed_steps,
            tolerance=request.tolerance,
            internal_batch_size=max(1, self._batch_tokens // len(inputs.tokens)),
        )
        r = np.stack([integral.attributions for integral in integrals])
        pairs = zip(trace.attentions, trace.attention_gradients, strict=True)
        relevance = torch.stack([attention_relevance(a[0], g[0]) for a, g in pairs])
        weights, calibration = (
            layer_weights([r], [inputs.special]),
            "layer weights from this text alone",
        )
        if self._calibration is not None:
            weights = np.array(self._calibration.layer_weights)
            number = self._calibration.n_inputs
            calibration = f"layer weights from {number} texts of this model"
        return Explanation(
            **inputs.described(),
            labels=labels,
            probabilities=probabilities,
            target=target.index,
            contrast=target.contrast,
            score=scores[0],
            baseline_scores=baseline_scores,
            layer_attributions=r,
            attention_relevance=relevance.float().cpu().numpy(),
            layer_weights=weights,
            fusion=Fusion(lam=request.lam),
            n_steps=np.array([integral.n_steps for integral in integrals]),
            token_change=np.array([integral.token_change for integral in integrals]),
            converged=np.array([integral.converged for integral in integrals]),
            config={
                "method": request.method,
                "output": request.output,
                "antisymmetric": target.antisymmetric(len(labels)),
                "baselines": baseline,
                "tolerance": request.tolerance,
                "calibration": calibration,
                "model": type(self._model.model).__name__,
                "dtype": str(self._model.dtype).removeprefix("torch."),
                "version": __version__,
            },
            ask=lambda target, contrast: self._explain(
                inputs.text, request.about(target, contrast)
            ),
        )

    def _hidden_baseline(
        self, own: dict[str, Tensor], trace: Trace, target: Target, request: Request
    ) -> tuple[list[Tensor], Array]:
        """h'_b and f(x') for every layer, of a baseline that no input has."""
        warnings.warn(
            f"baselines={request.baselines!r} are hidden states that no input has: f(x') differs "
            "from layer to layer, and near zero LayerNorm is almost singular, so integrals "
            "converge slowly. Use 'pad' or 'mask' unless this is what you study.",
            stacklevel=5,
        )
        hidden = [h[0] for h in trace.hidden_states]
        if request.hidden_baseline == "zero":
            starts = [torch.zeros_like(h) for h in hidden]
        else:
            starts = [h.mean(dim=0, keepdim=True).expand_as(h) for h in hidden]
        with torch.no_grad():
            logits = [self._model.replay(own, b, start[None]) for b, start in enumerate(starts)]
        return starts, np.array([target.score(row).item() for row in logits])

    def _probabilities(self, logits: Tensor) -> tuple[tuple[str, ...], Array]:
        """The classes' names, and their probabilities for one text's logits (C,)."""
        named = self._model.labels or {}
        labels = tuple(str(named.get(index, index)) for index in range(len(logits)))
        apart = self._model.multi_label or len(logits) == 1
        probabilities = torch.sigmoid(logits) if apart else torch.softmax(logits, dim=0)
        return labels, probabilities.double().cpu().numpy()

    def _placed(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.to(self._model.device) for name, value in inputs.items()}
