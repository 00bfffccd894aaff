"""Explanations of one model: those asked before, and those computed, together where that pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._upward import import_upward
from .._validation import warn_user
from ..attribution.evidence import trace_batch
from ..attribution.request import Request, choose_target
from ..explanation.explanation import Explanation
from ..explanation.methods import fusion_of, has_two_signals
from ..inputs.reader import Reader
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from ..models.fingerprint import Identity
from ..models.memory import Budget
from . import cache as disk
from .batch import collate, explain_batch, group_by_length, labels_of, own_labels
from .long_text import WindowSum, cut_windows, mean_logits, request_for
from .recall import Recall, rows_of, said_of

WITNESSES = 3
"""Of so many inputs of a calibration it is kept what the model said."""
SMALL = 4096
"""More than one is kept only of inputs of up to so many values."""


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
        known = self.find_calibration()
        return replace(
            self,
            model=model,
            identity=Identity(model.model, model.path),
            calibration=None if known is None else known._replace(witnesses=()),
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
        digest = self._digest()
        parts = [part for i, text in enumerate(texts) for part in parts_of(i, text, requests[i])]
        short = [k for k, part in enumerate(parts) if len(part.text.tokens) <= most]
        calibration = self.find_calibration(digest)
        together: dict[int, list[int]] = {}
        for k, part in enumerate(parts):
            together.setdefault(part.number, []).append(k)
        answered: dict[int, list[Explanation] | Exception] = {}

        def keep(k: int, answer: list[Explanation] | Exception) -> None:
            i, text, own = parts[k]
            if not isinstance(answer, Exception):
                answer = self._complete(text, own, answer, calibration)
            answered[k] = answer
            if all(j in answered for j in together[i]):
                every = [answered[j] for j in together[i]]
                failed = next((one for one in every if isinstance(one, Exception)), None)
                found[i] = failed or [one for some in every for one in some]  # type: ignore[union-attr]

        self._explain_short(
            [parts[k].text for k in short],
            [parts[k].requests for k in short],
            digest,
            progress,
            lambda j, answer: keep(short[j], answer),
        )
        for k in sorted({*range(len(parts))} - {*short}):
            keep(k, self._explain_long(parts[k].text, parts[k].requests, digest, progress))
        return found

    def explain_together(
        self, texts: Sequence[TextInputs], requests: Sequence[Sequence[Request]]
    ) -> list[list[Explanation]]:
        """Explanations of texts that share one batch; nothing is remembered or kept.

        Raises:
            TypeError, ValueError: As :func:`calig_nb.pipeline.batch.explain_batch`.
        """
        found = explain_batch(self.model, self.reader, texts, requests, self.budget)
        calibration = self.find_calibration()
        given = zip(texts, requests, found, strict=True)
        return [self._complete(*one, calibration) for one in given]

    def heads(self, text: TextInputs, request: Request, layer: int) -> npt.NDArray[np.float32]:
        """(H, T, T) A ⊙ ∂f/∂A of one layer; one pass has all layers, which the cache keeps."""
        cache, recall = self.cache, next(iter(self.recalls(text, [request], self._digest())), None)
        if cache is not None and recall is not None:
            if (known := cache.get_heads(recall.key, layer, recall.says)) is not None:
                return known
            recall.says()  # before the model is watched, below
        found: list[npt.NDArray[np.float32]] = []

        def keep_heads(index: int, heads: Tensor) -> None:
            one = heads[0].float().cpu().numpy()
            if index == layer:
                found.append(one)
            if cache is not None and recall is not None:
                cache.put_heads(recall.key, index, one, recall.says)

        batch = collate(self.model, self.reader, [text], [[request]])
        with self.model.preserve():
            trace_batch(self.model, batch, keep_heads=keep_heads)
        if not found:
            raise ValueError(f"layer must be one whose block has attention, got {layer}.")
        return found[0]

    def recalls(
        self,
        text: TextInputs,
        requests: Sequence[Request],
        digest: str,
        **asked: Any,
    ) -> list[Recall]:
        """For each request what finds its answer in the cache; none where nothing is kept.

        Args:
            text: The input.
            requests: What is asked of it.
            digest: The model's name; empty for one whose answers cannot be named.
            **asked: What else names the answer, as plain values and arrays.
        """
        if self.cache is None or not digest:
            return []
        own = self.model, self.reader, digest, text
        try:
            return [Recall(*own, request, asked) for request in requests]
        except (TypeError, ValueError):  # said with its reason where it is computed
            return []

    def find_calibration(self, digest: str | None = None) -> disk.Calibration | None:
        """The layer weights of the model as it is now, known or kept; None where there are none.

        Args:
            digest: The model's name, where it was asked for already.
        """
        known = self.calibration
        if known is not None and self._is_of_the_model(known):
            return known
        name = self._digest() if digest is None else digest
        kept = self.cache.get_calibration(name) if self.cache is not None and name else None
        noun = self.reader.noun
        if kept is not None and self._is_of_the_model(kept):
            self.calibration = kept
            warn_user(
                f"Layer weights of an earlier calibration are used: {kept.describe(noun)}. "
                "explainer.calibrate(None) forgets them."
            )
            return kept
        if known is not None:
            warn_user(
                f"Layer weights from {known.describe(noun)} are not used: the model gives these "
                f"{noun}s other scores now, so they are another model's. Calibrate again, or "
                "forget them with explainer.calibrate(None)."
            )
        return None

    def keep_calibration(
        self,
        weights: Sequence[float],
        texts: Sequence[TextInputs],
        request: Request,
    ) -> None:
        """Take these layer weights for all later explanations, and keep them in the cache.

        Args:
            weights: (L,)
            texts: What they were estimated from.
            request: What was asked of them.
        """
        short = sorted(texts, key=lambda text: len(text.tokens))[:WITNESSES]
        rows = [rows_of(self.model, self.reader, text, request)[0] for text in short]
        small = [one for one in rows if sum(map(torch.numel, one.values())) <= SMALL]
        self.calibration = disk.Calibration(
            tuple(weights),
            len(texts),
            datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
            tuple(map(self._witness, small or rows[:1])),
        )
        if self.cache is not None and (model := self._digest()):
            self.cache.put_calibration(model, self.calibration)

    def take_calibration(self, calibration: disk.Calibration, text: TextInputs) -> None:
        """Take layer weights that came with the model, which is known again by this text."""
        if not calibration.witnesses:
            one = self._witness(self.model.to_device(text.model_inputs))
            calibration = calibration._replace(witnesses=(one,))
        self.calibration = calibration

    def forget_calibration(self) -> None:
        """No layer weights from now on, neither here nor in the cache."""
        self.calibration = None
        if self.cache is not None and (model := self._digest()):
            self.cache.drop_calibration(model)

    def _witness(self, rows: Mapping[str, Tensor]) -> disk.Witness:
        placed = {name: value.cpu().numpy() for name, value in rows.items()}
        return disk.Witness(placed, said_of(self.model, [rows]))

    def _is_of_the_model(self, calibration: disk.Calibration) -> bool:
        """Whether the model says of the witnesses what it said."""
        for rows, said in calibration.witnesses:
            inputs = {name: torch.from_numpy(np.array(value)) for name, value in rows.items()}
            try:
                if not disk.agree(said, said_of(self.model, [inputs])):
                    return False
            except Exception:  # such inputs are not even read by it
                return False
        return True

    def _digest(self) -> str:
        """The model's name for the cache; empty where nothing is kept, or it cannot be named."""
        return "" if self.cache is None else self.identity.digest()

    def _explain_short(
        self,
        texts: Sequence[TextInputs],
        requests: Sequence[Sequence[Request]],
        digest: str,
        progress: bool | None,
        keep: Callable[[int, list[Explanation] | Exception], None] = lambda i, answer: None,
    ) -> list[list[Explanation] | Exception]:
        """The answers to texts that the model reads at once, as the cache keeps them.

        Each is also given to ``keep``, with the number of its text, as soon as it is there.
        """
        from tqdm.auto import tqdm

        pairs = zip(texts, requests, strict=True)
        recalls = [self.recalls(text, own, digest) for text, own in pairs]
        found: list[Any] = [*map(self._remember, recalls)]
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
                shapes = [
                    (self.reader.shape_of(texts[missing[i]]), len(own_labels(texts[missing[i]])))
                    for i in group
                ]
                group = [i for i, own in zip(group, shapes, strict=True) if own == shapes[0]]
                chosen = [missing[i] for i in group]
                answers = self._compute(
                    [texts[i] for i in chosen],
                    [requests[i] for i in chosen],
                    [recalls[i] for i in chosen],
                )
                for i, answer in zip(chosen, answers, strict=True):
                    found[i] = answer
                    keep(i, answer)
                missing = [i for i in missing if found[i] is None]
                bar.update(len(group))
        return found

    def _explain_long(
        self, text: TextInputs, requests: Sequence[Request], digest: str, progress: bool | None
    ) -> list[Explanation] | Exception:
        """The answer to a text that takes windows, as the cache keeps it.

        Windows are kept until the whole is there: interrupted, it goes on where it stopped.
        """
        recalls = self.recalls(text, requests, digest)
        if (known := self._remember(recalls)) is not None:
            return known
        from tqdm.auto import tqdm

        try:
            windows = cut_windows(text, self.reader.max_tokens)
            named = list(requests)
            if any(request.target is None for request in requests):
                # The class of the whole text, not of each window.
                mean = mean_logits(self.model, windows)
                labels = labels_of(self.model, len(mean), text)
                classes = self.model.classes(len(mean))
                predicted = choose_target(None, None, "logit", labels, mean, classes).index
                named = [replace(r, target=predicted) if r.target is None else r for r in requests]
            sums = [WindowSum(text, request) for request in named]
            keeping = replace(self, cache=self.windows if self.cache is None else self.cache)
            digest, parts = keeping._digest(), []
            delay = 0 if progress else 2
            for window in tqdm(windows, disable=progress is False, delay=delay, desc="windows"):
                own = [request_for(request, window, len(text.tokens)) for request in named]
                parts += keeping.recalls(window.text, own, digest)
                (found,) = keeping._explain_short([window.text], [own], digest, False)
                if isinstance(found, Exception):
                    raise found
                for one, explanation in zip(sums, found, strict=True):
                    one.add(window, explanation)
            whole = [one.explanation(self.model) for one in sums]
        except Exception as error:
            return error
        self._keep(recalls, whole)
        for part in parts:
            if keeping.cache is not None:
                keeping.cache.drop(part.key)
        return whole

    def _compute(
        self,
        texts: Sequence[TextInputs],
        requests: Sequence[Sequence[Request]],
        recalls: Sequence[Sequence[Recall]],
    ) -> list[list[Explanation] | Exception]:
        """What a batch gives, kept in the cache; one bad text does not lose the others."""
        try:
            found = explain_batch(self.model, self.reader, texts, requests, self.budget)
        except Exception as error:
            if len(texts) == 1:
                return [error]
            each = zip(texts, requests, recalls, strict=True)
            return [self._compute([text], [own], [named])[0] for text, own, named in each]
        for own, explanations in zip(recalls, found, strict=True):
            self._keep(own, explanations)
        return [*found]

    def _complete(
        self,
        text: TextInputs,
        requests: Sequence[Request],
        found: Sequence[Explanation],
        calibration: disk.Calibration | None,
    ) -> list[Explanation]:
        """Explanations with what may change without computing: λ, layer weights, their source."""
        completed = []
        for request, one in zip(requests, found, strict=True):
            changes: dict[str, Any] = {
                "fusion": fusion_of(request.method, request.lam),
                "source": _Source(self, text, request.about(one.target, one.contrast)),
            }
            if has_two_signals(request.method) and calibration is not None:
                noun, n_layers = self.reader.noun, len(calibration.layer_weights)
                if n_layers != len(one.layer_weights):
                    raise ValueError(
                        f"The layer weights that are kept for this model are of {n_layers} layers, "
                        f"and it has {len(one.layer_weights)}: calibrate it again."
                    )
                stated = f"layer weights from {calibration.n_inputs} {noun}s of this model"
                changes["layer_weights"] = np.array(calibration.layer_weights)
                when = {"calibrated": calibration.when} if calibration.when else {}
                changes["config"] = {**one.config, "calibration": stated, **when}
            completed.append(replace(one, **changes))
        return completed

    def _remember(self, recalls: Sequence[Recall]) -> list[Explanation] | None:
        """What the cache has of a text, where it has the answers to all requests."""
        if self.cache is None or not recalls:
            return None
        # All are about one text and one baseline: one pass is enough for them.
        found = [self.cache.get(one.key, recalls[0].says) for one in recalls]
        known = [one for one in found if one is not None]
        return known if len(known) == len(recalls) else None

    def _keep(self, recalls: Sequence[Recall], found: Sequence[Explanation]) -> None:
        """Keep a text's answers in the cache, where there is one."""
        if self.cache is not None and recalls:
            for recall, explanation in zip(recalls, found, strict=True):
                self.cache.put(recall.key, explanation, recalls[0].says)


class Part(NamedTuple):
    """What is asked of one of the texts in one go.

    Attributes:
        number: Of the text.
        text: As the model reads it for these requests.
        requests: One a target.
    """

    number: int
    text: TextInputs
    requests: Sequence[Request]


def parts_of(number: int, text: TextInputs, requests: Sequence[Request]) -> list[Part]:
    """All requests about a text together; of multiple choice each, with a text of its own."""
    if text.question is None or not text.question.pairs:
        return [Part(number, text, requests)]
    return [Part(number, text.about(one.target), [one]) for one in requests]


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
