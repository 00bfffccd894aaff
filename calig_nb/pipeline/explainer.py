"""From a request to an explanation; the only class that a user holds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from torch import nn

from .._arrays import Array
from .._validation import instance_of, one_of, point_from, shown, warn_user
from ..attribution.request import Output, Precision, Request, Routing, names_several
from ..explanation.exactness import inexact_warning, worst_error
from ..explanation.explanation import Explanation
from ..explanation.fusion import layer_weights
from ..explanation.methods import METHODS, MethodName, has_two_signals
from ..inputs.reader import reader_of
from ..inputs.table import read_column
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from ..models.encoder_decoder import block_model_of
from ..models.exclusive import exclusive_use
from ..models.fingerprint import Identity
from ..models.memory import Budget
from ..models.pretrained import load_pretrained, open_bundle
from ..models.task_heads import with_task_head
from ..models.wrappers import unwrap
from . import cache as disk
from .engine import Engine
from .prediction import predictions

if TYPE_CHECKING:
    import pandas as pd

FEW = 5
"""From fewer texts layer weights are estimated with a warning."""


MOST_NAMED = 8
"""So many classes are named where it is said in short what an explainer is."""
_POINTERS = {
    "attribute": "Use explain(text).",
    "evaluate": "calig_nb.evaluate(explainer, texts) sets methods side by side.",
    "fit": "calibrate(texts) finds the weights of the layers; nothing else is fitted.",
    "interpret": "Use explain(text).",
    "sanity": "Use calig_nb.sanity(explainer, texts).",
    "save": "An explanation saves itself: explain(text).save(path).",
    "show": "An explanation shows itself: explain(text).show().",
    "tokenizer": "processor is the tokenizer, or the image processor.",
}
"""Names that are expected of an explainer, and what there is instead."""
_INTERNAL = ("engine", "with_model")


class Explainer:
    """Explains what a Transformer classifier decides, and why.

    The model is never changed: weights, hooks, mode, gradient flags and attention implementation
    are as before after every call, also after an exception or an interrupt.

    Threads may share an explainer, or a model: explanations of one model take turns. While a batch
    is computed, another thread that calls the model waits until it is as it was, and gets just what
    it would get otherwise; a part of the model that is called by itself runs at once, in evaluation
    mode, perhaps with written-out attention, and without gradients of the weights. Don't train a
    model while it is explained.

    Args:
        model: A classifier, such as ``AutoModelForSequenceClassification`` gives; a causal
            language model, whose next token is explained, or a masked one, whose masked token is;
            an encoder-decoder, such as ``AutoModelForSeq2SeqLM`` gives, whose next token is; a
            model for multiple choice; a token classifier; a model for extractive question
            answering; or any ``torch.nn.Module`` with a list of blocks that
            returns logits (batch, classes). Or a folder or a name on the hub, as
            :meth:`from_pretrained` takes it; or what holds a model and its tokenizer, such as a
            pipeline of transformers.
        processor: Its tokenizer, or its image processor; not needed where the model brings it.
        blocks: Path of the module list that holds the blocks; found by itself when None. Of a
            model in stages, as Swin, that of one stage shows it at its own resolution.
        batch_tokens: Most tokens in one pass of the integration; by default as many as pay.
        memory: Bytes that passes may take above the model; by default a quarter of what is free,
            at most 4 GiB on a processor. A long text then takes longer, not more.
        cache: True keeps explanations in the platform's folder for caches, so that a question
            asked before is answered at once, in a new session too; a folder keeps them there;
            False and None keep none.
        labels: The classes' names, in their order or by index; by default those of the model's
            configuration, or their numbers.

    Attributes:
        processor: As it was given.
        engine: What explains, remembers and completes; internal, for the package's own
            evaluations.

    Raises:
        TypeError: If the model or the processor is not one.
        ValueError: If the model cannot be served; the message says why and what to do.

    Example:
        >>> cn.Explainer(explainer.model, explainer.processor, cache=False)
        Explainer(BertForSequenceClassification, 2 classes: negative, positive, 4 layers, ...)
    """

    def __init__(
        self,
        model: nn.Module | str | Path,
        processor: Any = None,
        *,
        blocks: str | None = None,
        batch_tokens: int | None = None,
        memory: float | None = None,
        cache: bool | str | Path | None = True,
        labels: Sequence[str] | Mapping[Any, str] | None = None,
    ) -> None:
        if blocks is not None:
            instance_of("blocks", blocks, str, "It is a dotted path.")
        named = model if isinstance(model, (str, os.PathLike)) else None
        if named is not None:
            model, own = load_pretrained(named)
            processor = own if processor is None else processor
        module, processor = open_bundle(model, processor)
        block_model = block_model_of(with_task_head(unwrap(module)), blocks, labels)
        if labels is not None and "id2label" in getattr(block_model.model, "class_config", ()):
            raise ValueError(
                "labels must be left out for a model whose classes are tokens, choices, or start "
                f"and end of an answer, got {shown(labels)}."
            )
        budget = Budget.from_options(memory, batch_tokens, block_model.placement[1])
        self.processor = processor
        self.engine = Engine(
            block_model,
            reader_of(block_model, processor),
            Identity(block_model.model, blocks),
            budget,
            disk.open_cache(cache),
        )
        if named is not None:
            self._take_calibration_beside(named)

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, **options: Any) -> Explainer:
        """The explainer of a fine-tuned classifier, from a folder or from the hub.

        Args:
            name_or_path: What the ``from_pretrained`` of transformers takes.
            **options: ``blocks``, ``batch_tokens``, ``memory``, ``cache`` and ``labels`` go to
                :class:`Explainer`, all else to the model: see
                :func:`calig_nb.models.pretrained.load_pretrained`.

        Example:
            >>> folder = Path(cn.__file__).parent / 'demo' / 'sentiment'
            >>> cn.Explainer.from_pretrained(folder).labels
            ('negative', 'positive')
        """
        names = ("blocks", "batch_tokens", "memory", "cache", "labels")
        own = {name: options.pop(name) for name in names if name in options}
        explainer = cls(*load_pretrained(name_or_path, **options), **own)
        explainer._take_calibration_beside(name_or_path)
        return explainer

    def without_cache(self) -> Explainer:
        """The same explainer, layer weights included, that remembers nothing and keeps nothing.

        Example:
            >>> explainer.without_cache().cache is None
            True
        """
        return self._with_engine(self.engine.without_cache())

    def with_model(self, model: BlockModel) -> Explainer:
        """The same explainer of another model of the same kind; internal."""
        return self._with_engine(self.engine.with_model(model))

    @property
    def model(self) -> nn.Module:
        """The model, as it was given; inside of ``torch.compile`` and DataParallel."""
        return self.engine.model.own

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes' names by index; empty where the model states none."""
        named = self.engine.model.labels
        return self.engine.model.class_names(max(named) + 1) if named else ()

    @property
    def blocks(self) -> tuple[str, ...]:
        """Dotted paths of the blocks that are explained, from below; found when first asked for.

        Raises:
            ValueError: If the model has none that can be found.
        """
        model = self.engine.model
        read = self._anything()
        with model.preserve():
            return model.block_paths(model.to_device(read.model_inputs))

    @property
    def cache(self) -> disk.Cache | None:
        """What is kept: its ``size``, ``clear()``, ``move(folder)``; None where nothing is."""
        return self.engine.cache

    @cache.setter
    def cache(self, cache: disk.Cache | bool | str | Path | None) -> None:
        self.engine.cache = disk.open_cache(cache)

    @property
    def layer_weights(self) -> Array | None:
        """(L,) weights found by :meth:`calibrate`, now or before, with this model; else None.

        Those of before are kept in the cache; they are used only while the model says the same of
        a few of the texts that it was calibrated on. ``explanation.config["calibrated"]`` and the
        explainer's own line say from when they are; ``calibrate(None)`` forgets them.
        """
        calibration = self.engine.find_calibration()
        return None if calibration is None else np.array(calibration.layer_weights)

    def __call__(self, inputs: Any, **request: Any) -> Any:
        """As :meth:`explain`."""
        return self.explain(inputs, **request)

    def __repr__(self) -> str:
        """The model, its classes, its layers where they are known, and its calibration."""
        model, known = self.engine.model, self.engine.calibration
        names: tuple[str, ...] = ()
        with suppress(TypeError, ValueError):  # names that do not fit are refused where used
            names = self.labels
        few = ", ".join(names[:MOST_NAMED])
        more = "" if len(names) <= MOST_NAMED else f" and {len(names) - MOST_NAMED} more"
        classes = f"{len(names)} classes: {few}{more}" if names else "classes without names"
        layers = "" if (n := model.n_layers) is None else f", {n} layers"
        noun = self.engine.reader.noun
        weights = f"layer weights from {known.describe(noun)}" if known else "not calibrated"
        return f"Explainer({type(self.model).__name__}, {classes}{layers}, {weights})"

    if not TYPE_CHECKING:  # it would hide misspelt names

        def __getattr__(self, name: str) -> Any:
            point_from(self, name, _POINTERS)

    def __dir__(self) -> list[str]:
        """What is for users."""
        return [n for n in super().__dir__() if not n.startswith("_") and n not in _INTERNAL]

    def predict(
        self,
        inputs: Any,
        position: int | None = None,
        *,
        prefix: str | Sequence[str] | None = None,
        text: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """What the model says: one row an input, its label and the probability of every class.

        A model that measures (regression) has no label, and in the place of probabilities its
        values in its own unit. A class called as another column has its number behind its name.

        Args:
            inputs: A text, or a list of them.
            position: As for :meth:`explain`.
            prefix: As for :meth:`explain`.
            text: As for :meth:`explain`.

        Raises:
            TypeError, ValueError: As :meth:`explain`.

        Example:
            >>> explainer.predict('A superb film.')['label'][0]
            'positive'
        """
        inputs = read_column(inputs, text)
        several = [inputs] if self.engine.reader.is_single(inputs) else inputs
        several = self._with_prefixes(several, prefix)
        return predictions(self.engine.model, self.engine.reader, several, position)

    def explain(
        self,
        inputs: Any,
        *,
        target: int | str | Sequence[int | str] | None = None,
        contrast: int | str | None = None,
        position: int | None = None,
        prefix: str | Sequence[str] | None = None,
        output: Output = "logit",
        method: MethodName = "ca-lig",
        baselines: Any = "auto",
        n_steps: int | Literal["auto"] = "auto",
        tolerance: float = 0.01,
        max_nodes: int = 129,
        lam: float = 0.5,
        precision: Precision = "float32",
        routing: Routing = "held",
        progress: bool | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        text: str | Sequence[str] | None = None,
    ) -> Any:
        """Why the model gives ``target`` this score.

        Args:
            inputs: A text; a pair that the model reads as one, ``{"text": premise, "text_pair":
                hypothesis}``; a text and an encoder-decoder's output so far, ``{"text": …,
                "prefix": …}``; a list of messages, ``{"role": …, "content": …}``, that the
                tokenizer's chat template joins; token ids, to which nothing is added; or a list
                (or column, or table) of them, for a list of explanations. Of a masked language
                model a text with its mask, ``"The capital of [MASK] is Paris."``; of multiple
                choice ``{"text": question, "choices": [choice, …]}``. Of a model of pictures
                a PIL image, its path, an array or a tensor; or a list of them.
            target: Class index or label; the predicted class by default. A list of them shares
                the passes, and gives a list of explanations for each text. Of a language model,
                the next token: as text (" are": mind the space), or its id; of a masked one the
                token at the mask, by its word. Of multiple choice, a choice by its text or
                number: its pair with the question is explained, the others' logits are held.
            contrast: Explain ``logit[target] - logit[contrast]``: why this rather than that.
            position: The token after which the next one is explained, by default the last; the
                mask, where there are several, or another token, whose word is explained where it
                stands; or the token whose label, or at which an answer's start or end, is. From
                0, or from the end if negative. For models that answer at every token.
            prefix: Of an encoder-decoder what it has written so far, as text: the token that
                follows is explained. By default nothing, so that it is the first that it writes.
                For a list of inputs one for all, or a list of as many.
            output: "logit"; "margin", less the mean of the other logits; "log_odds"; or "prob",
                which saturates. Of classes that do not exclude each other (multi-label) each is
                set against its own absence: its logit, margin and log-odds are the same, and
                "prob" is its sigmoid. A model that measures (regression) has but "logit", its
                value in its own unit.
            method: "ca-lig"; "conductance", whose relevance follows one path from the baseline
                through all layers: a preview at a fraction of the cost, complete too, but
                another answer in the upper layers; or another of :func:`calig_nb.methods`, which
                leave aside the options that they have no use for.
            baselines: Where the paths start: "pad", "mask" or "unk", the text with its words
                replaced; another text; a tensor of token ids; or "zero" and "mean", hidden states
                for study. Of pictures "zero", mid-grey; "mean", the picture's mean colour; "blur",
                the picture blurred; another picture; or a tensor of pixel values. "auto" is the
                first of these names whose tokens enter the first block as more than zero vectors,
                where its norm is singular: "pad" or "zero" unless they were never trained.
            n_steps: "auto" refines every layer until ``tolerance`` is met (the preview takes 9
                nodes); a number fixes the nodes.
            tolerance: Relative error of each layer's sum and token values at which to stop.
            max_nodes: Nodes at which refinement gives up, 5 to 1,025: it takes 5, 9, 17 and so on,
                each twice the one before less one. A layer that has not met the tolerance then is
                named in a warning, and in every view.
            lam: λ in [0, 1], changed afterwards at no cost by :meth:`Explanation.with_lam`.
            precision: "float32" is the weights' own precision. "bfloat16" rounds the passes of the
                integration, which is faster on most machines; the error that it makes is measured
                and counted, and layers that it takes beyond ``tolerance`` are done again without.
            routing: Of a model that chooses what each token goes through, as a mixture of experts:
                "held" integrates with the input's own choice all along the path, the baseline's
                end included, so that every layer is complete; "free" leaves the choice, at each
                change of which the score jumps past the integral. What the choice brings, the
                difference of the model's own score of the baseline to the held one, or all that a
                free integral misses, is ``config["routing_scores"]``, a number for each layer.
                Methods that try other texts, as "occlusion", choose anew; others have no path.
            progress: A progress bar for a list; by default only if it takes over two seconds.
            on_error: What a list does with a text that cannot be explained: "raise" its error,
                or "skip" it with a warning, leaving None in its place.
            text: Of a table, the column that holds the texts; two for pairs.

        Returns:
            An :class:`Explanation`; for a list of texts a list, in their order. Texts of about
            one length are computed together, with the same result. All are read before the first
            is computed; if one fails later the others are finished, kept in the cache, and hang
            on the error as ``error.explanations``. So do those that are finished on the
            ``KeyboardInterrupt`` of Ctrl-C; a long text then goes on where it stopped.

        Raises:
            TypeError: If an input is not a text or a class not an index or label.
            ValueError: If an input, class or option is out of its range, or the model cannot be
                explained; the message names the value and the rule.

        Source:
            Mersha & Kalita (2026), arXiv:2602.16608; the formulas as the README of
            ``attribution/`` writes them.

        Example:
            >>> explanation = explainer.explain('The plot is thin, but the acting is superb.')
            >>> explanation.top(1)['word'][0]
            'superb'
            >>> rather = explainer.explain('A dull film.', target='negative', contrast='positive')
            >>> round(rather.score, 1)
            4.6
        """
        one_of("on_error", on_error, ("raise", "skip"))
        inputs = read_column(inputs, text)
        reader = self.engine.reader
        single, start = reader.is_single(inputs), reader.check_baselines(baselines)
        requests = Request.for_targets(
            target, contrast=contrast, output=output, method=method, baselines=start,
            n_steps=n_steps, tolerance=tolerance, max_nodes=max_nodes, lam=lam,
            precision=precision, routing=routing, pixels=reader.is_of_pictures,
        )  # fmt: skip
        if single and prefix is not None:
            inputs = reader.with_prefix(inputs, prefix)
        several = {None: inputs} if single else dict(enumerate(self._with_prefixes(inputs, prefix)))
        # All are read before the first is computed: a mistake in the last costs no time.
        with exclusive_use(self.model):  # its tokenizer is not made for several threads either
            tasks = [self._read(one, i, requests, position, on_error) for i, one in several.items()]
        if self.engine.model.model.training:
            warn_user(
                "model is in train mode: it is explained in evaluation mode, without dropout, and "
                "put back afterwards. Call model.eval() to silence this."
            )
        readable = [task for task in tasks if task is not None]
        answers: list[Any] = [None] * len(readable)

        def in_order() -> list[Any]:
            given = iter(answers)
            found = [None if task is None else next(given) for task in tasks]
            if names_several(target):
                return found
            return [one[0] if isinstance(one, list) else one for one in found]

        texts, asked = [task.text for task in readable], [task.requests for task in readable]
        try:
            self.engine.explain(texts, asked, progress, answers)
        except BaseException as interrupt:  # what a text fails with is among the answers
            interrupt.explanations = _only_found(in_order())  # type: ignore[attr-defined]
            raise
        self._warn_of_inexact(answers)
        return _raise_or_skip(in_order(), single, on_error)

    @staticmethod
    def _warn_of_inexact(answers: Sequence[Any]) -> None:
        """Warn, once, of layers that did not converge; of several targets by the worst."""
        several = [one if isinstance(one, list) else [one] for one in answers]
        found = [
            max(own, key=worst_error) if all(isinstance(e, Explanation) for e in own) else None
            for own in several
        ]
        if warning := inexact_warning(found):
            warn_user(warning)

    @overload
    def calibrate(self, inputs: None) -> None: ...

    @overload
    def calibrate(
        self, inputs: Any, *, text: str | Sequence[str] | None = None, **request: Any
    ) -> Array: ...

    def calibrate(
        self, inputs: Any, *, text: str | Sequence[str] | None = None, **request: Any
    ) -> Array | None:
        """Estimate the model's layer weights from a handful of inputs; no labels are needed.

        5 to 20 texts of the kind to be explained do. Every later explanation uses the weights;
        without them each text gives its own, and one whose embeddings are misread then silences
        layers that are right.

        The weights are kept in the cache: an explainer of the same model finds them in a later
        session too, and says so once. With them is kept what the model said of a few of the
        inputs (as token ids), so that another model's weights are never taken for this one's.

        Args:
            inputs: Texts, pairs or pictures; None forgets the weights, those in the cache too.
            text: As for :meth:`explain`.
            **request: As for :meth:`explain`.

        Returns:
            (L,) weights, also kept as :attr:`layer_weights`; None where they were forgotten.

        Raises:
            ValueError: If there is no text.

        Example:
            >>> texts = ['A dull film.', 'A superb film.', 'Not bad.', 'Too long.', 'I liked it.']
            >>> explainer.without_cache().calibrate(texts).shape
            (4,)
        """
        if inputs is None:
            self.engine.forget_calibration()
            return None
        one_of("method", method := request.get("method", "ca-lig"), tuple(METHODS))
        if names_several(target := request.get("target")):
            raise TypeError(f"target must be one class to calibrate, got {shown(target)}.")
        if not has_two_signals(method):
            raise ValueError(f"method must have layer weights to calibrate, got {method!r}.")
        inputs, reader = read_column(inputs, text), self.engine.reader
        texts = [inputs] if reader.is_single(inputs) else list(inputs)
        texts = [*self._with_prefixes(texts, request.pop("prefix", None))]
        if not texts:
            raise ValueError("inputs must hold at least one text to calibrate on, got none.")
        explained = self.explain(texts, **request)
        explanations = [one for one in explained if one is not None]
        if not explanations:
            raise ValueError("inputs must hold at least one text that can be explained, got none.")
        if (n := len(explanations)) < FEW:
            warn_user(
                f"Layer weights are estimated from {n} {reader.noun}{'s' if n > 1 else ''} only, "
                "and hold for every later explanation: "
                f"give at least {FEW} of the kind to be explained."
            )
        weights = layer_weights(
            [e.layer_attributions for e in explanations],
            [e.special for e in explanations],
            patches=explanations[0].grid is not None,
        )
        position, start = request.get("position"), request.get("baselines", "auto")
        asked = Request(baselines=reader.check_baselines(start), pixels=reader.is_of_pictures)
        read = [
            reader.read(one, position=position, longer=True)
            for one, found in zip(texts, explained, strict=True)
            if found is not None
        ]
        self.engine.keep_calibration(weights.tolist(), read, asked)
        return weights

    def _take_calibration_beside(self, name_or_path: str | Path) -> None:
        """Take the layer weights that lie beside a saved model, where there are any."""
        if (calibration := disk.load_calibration(name_or_path)) is not None:
            self.engine.calibration = calibration
            with suppress(TypeError, ValueError):  # one letter may be no input to it
                self.engine.take_calibration(calibration, self._anything())

    def _with_prefixes(self, inputs: Any, prefix: str | Sequence[str] | None) -> Any:
        """Several inputs, each with the output so far, where it is given.

        Raises:
            TypeError: If it is neither a text nor a list.
            ValueError: If there are not as many, or the model takes none.
        """
        if prefix is None:
            return inputs
        inputs = list(inputs)
        if isinstance(prefix, str) or not isinstance(prefix, Iterable):
            prefixes = [prefix] * len(inputs)
        elif len(prefixes := list(prefix)) != len(inputs):
            raise ValueError(
                f"prefix must be one text, or a list with one for each of the {len(inputs)} "
                f"inputs, got {len(prefixes)}."
            )
        with_prefix = self.engine.reader.with_prefix
        return [with_prefix(*both) for both in zip(inputs, prefixes, strict=True)]

    def _anything(self) -> TextInputs:
        """Some input, as the model reads it."""
        found: TextInputs = self.engine.reader.read_anything()
        return found

    def _read(
        self,
        one: Any,
        number: int | None,
        requests: Sequence[Request],
        position: int | None,
        on_error: str,
    ) -> _Task | None:
        """One input as the model reads it, with its requests; None where it is skipped.

        Args:
            one: As the user gave it.
            number: Its place in a list; None for an input alone.
            requests: As the user named the classes; alike in all but the target.
            position: Of the token that is asked about, or None.
            on_error: "raise" or "skip".

        Raises:
            TypeError, ValueError: If it cannot be read, or the question does not fit it.
        """
        name = "inputs" if number is None else f"inputs[{number}]"
        classes = (*(request.target for request in requests), requests[0].contrast)
        try:
            text = self.engine.reader.read(one, name, position, classes, longer=True)
        except (TypeError, ValueError) as error:
            if on_error == "raise" or number is None:
                raise
            warn_user(f"A text is skipped: {error}")
            return None
        self.engine.reader.warn_of_unknown_words(text, name)
        if text.question is None or not text.question.targets:
            return _Task(text, requests)
        if text.question.candidates and requests[0].output == "margin":
            raise ValueError(
                "output='margin' is the distance to the mean of all other classes, which says "
                "nothing of a vocabulary: use 'logit' with a contrast, or 'log_odds'."
            )
        # The classes are this text's own: requests name them as they are called there.
        *targets, contrast = text.question.targets
        pairs = zip(requests, targets, strict=True)
        return _Task(text, [replace(r, target=t, contrast=contrast) for r, t in pairs])

    def _with_engine(self, engine: Engine) -> Explainer:
        other = copy(self)
        other.engine = engine
        return other


def explain(
    model: Explainer | nn.Module | str | Path, inputs: Any, processor: Any = None, **request: Any
) -> Any:
    """Why a model decides so, in one call; for more than one, make an :class:`Explainer`.

    Args:
        model: A model, or the folder or the name on the hub that it is loaded from each time; or
            an explainer.
        inputs: As for :meth:`Explainer.explain`.
        processor: The tokenizer or image processor of a model that is given as a module.
        **request: As for :meth:`Explainer.explain`.

    Returns:
        An :class:`Explanation`; for a list of texts a list.

    Raises:
        TypeError, ValueError: As :class:`Explainer` and :meth:`Explainer.explain`.

    Example:
        >>> cn.explain(explainer, 'The plot is thin, but the acting is superb.')['superb'] > 0
        True
    """
    explainer = model if isinstance(model, Explainer) else Explainer(model, processor)
    return explainer.explain(inputs, **request)


class _Task(NamedTuple):
    """An input as the model reads it, and what is asked of it, one request a target."""

    text: TextInputs
    requests: Sequence[Request]


def _only_found(found: Sequence[Any]) -> list[Any]:
    """The explanations; None in the place of errors."""
    return [None if isinstance(one, Exception) else one for one in found]


def _raise_or_skip(found: Sequence[Any], single: bool, on_error: str) -> Any:
    """The explanations, None for what was skipped or failed.

    Args:
        found: For each input its explanation (a list of them for several targets), None, or the
            error.
        single: Whether there is one input, and not a list of them.
        on_error: "raise" or "skip".

    Raises:
        Exception: The first error, all else that was found hanging on it.
    """
    failed = [one for one in found if isinstance(one, Exception)]
    explanations = _only_found(found)
    if on_error == "skip" and not single:
        for i, one in enumerate(found):
            if isinstance(one, Exception):
                warn_user(f"inputs[{i}] is skipped: {one}")
    elif failed:
        failed[0].explanations = explanations  # type: ignore[attr-defined]
        raise failed[0]
    return explanations[0] if single else explanations
