"""One class explained with the defaults and held against the reference: what comes of it."""

from __future__ import annotations

import inspect
import linecache
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from torch import Tensor, nn

import calig_nb as cn
from calig_nb.attribution.request import Request
from calig_nb.pipeline.batch import collate

from ..helpers.model_state import process_state, state_of
from ..helpers.zoo import processor
from .build import Entry, asked_for, build, inputs_for, tokenizer_for
from .reference import Reference, Score, TwoStacks

OK, NOT_CONVERGED, REFUSED = "ok", "not converged", "refused"
WRONG, CRASH, NOT_BUILT, UNCHECKED = "WRONG", "CRASH", "not built", "unchecked"
VERDICTS = (OK, NOT_CONVERGED, REFUSED, WRONG, CRASH, NOT_BUILT, UNCHECKED)
TRUE_ERROR = 0.012
"""A layer that is said to have converged may be off by so much: the tolerance and a fifth."""
SAME = 1e-3
"""Scores, attention relevance, and one input alone or in a batch."""
MEASURED = 120
AT_ONE_TOKEN = ("token", "qa", "causal", "masked", "seq2seq")
OUTPUT = "is_output"
OURS = {"read_upto", "candidates", "kept_positions", "held_logits", "choice", OUTPUT}
"""Inputs of the package's own, which the user's model does not know."""
DEFAULT_BASELINES = inspect.signature(cn.Explainer.explain).parameters["baselines"].default
PACKAGE = Path(cn.__file__).parent


@dataclass(frozen=True)
class Verdict:
    """What came of one class.

    Attributes:
        entry: The class.
        verdict: One of ``VERDICTS``.
        error: Worst relative L1 error of a layer, of those that are said to have converged where
            there are any; None where there is none.
        method: The method that was used.
        remarks: What else there is to say.
    """

    entry: Entry
    verdict: str
    error: float | None = None
    method: str = ""
    remarks: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def remark(self) -> str:
        """All remarks in one line."""
        return "; ".join(self.remarks)


def short(text: Any, most: int = MEASURED) -> str:
    """The beginning of a text, on one line."""
    return " ".join(str(text).split())[:most]


def is_ours(error: BaseException) -> bool:
    """Whether an error was raised by the package, on purpose and as a sentence.

    One that wraps what the model failed with is not: models are asked only what they can answer.
    """
    if not isinstance(error, ValueError | TypeError) or error.__traceback__ is None:
        return False
    if isinstance(error.__cause__, Exception) and "failed: " in str(error):
        return False
    frame = traceback.extract_tb(error.__traceback__)[-1]
    inside = PACKAGE in Path(frame.filename).parents
    raised = "raise" in linecache.getline(frame.filename, frame.lineno or 0)
    return inside and raised and str(error).rstrip().endswith((".", ")"))


def place_of(error: BaseException) -> str:
    """Where an error came from: the last line of the package, and the last of all."""
    error = error.__cause__ or error
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if PACKAGE in Path(one.filename).parents]
    named = [*own[-1:], *([] if own and own[-1] is frames[-1] else frames[-1:])]
    return " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(named))


def called(error: BaseException) -> str:
    """An error in one line."""
    error = error.__cause__ or error
    return short(f"{type(error).__name__}: {error}")


def processor_for(entry: Entry, model: nn.Module) -> Any:
    """A tokenizer, or an image processor of the model's size."""
    if entry.task != "image":  # Longformer asserts that a pair has three separators
        pairs = "[SEP] [SEP]" if entry.model_type == "longformer" else "[SEP]"
        return tokenizer_for(entry.task, pairs)
    vision = getattr(model.config, "vision_config", model.config)
    side = getattr(vision, "image_size", None)
    side = side[0] if isinstance(side, list | tuple) else side
    if entry.model_type == "siglip2":  # it takes patches
        size = model.config.vision_config.patch_size
        return hf.Siglip2ImageProcessor(patch_size=size, max_num_patches=16)
    return processor(side if isinstance(side, int) else 64)


def score_of(entry: Entry, explanation: Any) -> Score:
    """The explained score, made of what the user's model returns."""
    target, config = explanation.target, explanation.config
    position = config.get("position")

    def logits(output: Any, name: str = "logits", place: int = 0) -> Tensor:
        if torch.is_tensor(output):
            return output
        found = getattr(output, name, None)
        return output[place] if found is None else found

    def span(output: Any) -> Tensor:
        name = ("start_logits", "end_logits")[target]
        one = logits(output, name, target)
        others = torch.cat([one[:, :position], one[:, position + 1 :]], dim=1)
        return one[:, position] - others.logsumexp(dim=1)

    if entry.task in ("text", "image"):
        return lambda output: logits(output)[:, target]
    if entry.task == "token":
        return lambda output: logits(output)[:, position, target]
    if entry.task == "qa":
        return span
    if entry.task == "choice":
        return lambda output: logits(output)[:, 0]
    word = config["candidates"][target]
    place = position - len(explanation.tokens) if entry.task == "seq2seq" else position
    return lambda output: logits(output)[:, place, word]


def rows_of(entry: Entry, explainer: Any, one: Any, explanation: Any) -> Any:
    """What the model is called with for an input and for its baseline.

    Of multiple choice the prompt with one choice, as the only one; of an encoder-decoder also what
    its decoder reads.
    """
    reader, model = explainer.engine.reader, explainer.engine.model
    if entry.task == "seq2seq" and hasattr(reader, "with_prefix"):
        one = reader.with_prefix(one, asked_for(entry.task)["prefix"])
    position = explanation.config.get("position") if entry.task in AT_ONE_TOKEN else None
    text = reader.read(one, "inputs", position, (None, None))
    if entry.task == "choice":
        text = text.about(explanation.target)
    asked = Request(target=explanation.target, baselines=DEFAULT_BASELINES)
    batch = collate(model, reader, [text], [[asked]])
    known = inspect.signature(explainer.model.forward).parameters
    anything = any(p.kind is p.VAR_KEYWORD for p in known.values())

    def plain(rows: Any) -> dict[str, Tensor]:
        found = {k: v for k, v in rows.items() if (k in known or anything) and k not in OURS}
        if entry.task == "choice":
            return {name: value[:, None] for name, value in found.items()}
        if entry.task == "seq2seq":
            n = int(rows[OUTPUT].argmax())  # the first of the output's
            return {
                "input_ids": rows["input_ids"][:, :n],
                "attention_mask": rows["attention_mask"][:, :n],
                "decoder_input_ids": rows["input_ids"][:, n:],
            }
        return found

    return plain(batch.inputs), plain(batch.baselines)


def kept_table(model: nn.Module) -> str | None:
    """A table of positions that does not count padding: it keeps its places in a baseline."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and name.endswith("position_embeddings"):
            return name if module.padding_idx is not None else None
    return None


def beside_of(model: nn.Module, paths: tuple[str, ...]) -> str | None:
    """The first block of a decoder that is given the text as its encoder is."""
    if not getattr(model.config, "is_encoder_decoder", False) or "encoder" not in paths[0]:
        return None
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and "decoder" in name and len(module):
            return f"{name}.0"
    return None


def relative(found: np.ndarray, true: np.ndarray) -> float:
    """Relative L1 error."""
    return float(np.abs(found - true).sum() / max(np.abs(true).sum(), 1e-30))


def differs(one: float, other: float) -> bool:
    """Whether two scores are not the same."""
    return abs(one - other) > SAME * max(abs(one), abs(other), 1e-3)


def fold(values: np.ndarray, n: int) -> np.ndarray:
    """Values of a square grid of patches summed in the cells of a coarser one."""
    side, cells = int(len(values) ** 0.5), int(n**0.5)
    if side * side != len(values) or cells * cells != n or side % cells:
        return values
    each = side // cells
    return values.reshape(cells, each, cells, each).sum(axis=(1, 3)).flatten()


def compare(reference: Reference, explanation: Any) -> tuple[str, float | None, list[str], dict]:
    """An explanation held against the reference: a verdict, the worst error, remarks, details."""
    remarks: list[str] = []
    wrong: list[str] = []
    if differs(reference.value, explanation.score):
        wrong.append(f"f(x) is {reference.value:.4f}, stated {explanation.score:.4f}")
    if reference.attends_first:
        wrong.append("tokens attend to each other before the first block: it is not the first")
    rows, converged = explanation.layer_attributions, explanation.converged
    errors, unsettled, jumps = [], [], []
    for layer in range(len(rows)):
        true = reference.layer(layer)
        values = fold(true.values, rows.shape[1])
        if len(values) != rows.shape[1]:
            return UNCHECKED, None, [f"{rows.shape[1]} values for {len(values)} tokens"], {}
        stated = explanation.score - float(explanation.baseline_scores[layer])
        if differs(true.change, stated) and abs(true.change - stated) > SAME:
            wrong.append(f"layer {layer}: f changes by {true.change:.4f}, stated {stated:.4f}")
        errors.append(relative(rows[layer], values))
        unsettled.append(true.unsettled)
        missing = abs(true.values.sum() - true.change)
        jumps.append(missing / max(np.abs(true.values).sum(), 1e-30))
    sure = np.array(errors) - np.minimum(np.array(unsettled), np.array(errors))
    bad = np.flatnonzero(converged & (sure > TRUE_ERROR))
    if len(bad):
        worst = bad[np.argmax(np.array(errors)[bad])]
        wrong.append(
            f"layers {', '.join(map(str, bad))} are stated as converged, layer {worst} is off by "
            f"{errors[worst]:.2%}"
        )
    if max(unsettled) > SAME:
        remarks.append(f"the reference moves by {max(unsettled):.1e}")
    if max(jumps) > 0.003:
        remarks.append(f"f jumps on the path, {max(jumps):.1%} of the sum is missing")
    matrices = reference.attention()
    if matrices is not None and len(matrices[0]) == explanation.attention_relevance.shape[1]:
        found, true = explanation.attention_relevance, np.stack(matrices)
        away = float(np.abs(found - true).max() / max(np.abs(true).max(), 1e-30))
        if away > SAME:
            wrong.append(f"attention relevance is off by {away:.1%}")
    else:
        remarks.append("attention relevance not compared")
    known = np.array(errors)[converged]
    error = float(max(known, default=max(errors)))
    details = {"errors": errors, "unsettled": unsettled, "jumps": jumps}
    if wrong:
        return WRONG, error, [*wrong, *remarks], details
    if not converged.all():
        layers = ", ".join(map(str, np.flatnonzero(~converged)))
        return (
            NOT_CONVERGED,
            error,
            [f"layers {layers}, off by {max(errors):.1e}", *remarks],
            details,
        )
    return OK, error, remarks, details


def explain_class(
    entry: Entry,
    seed: int = 0,
    untrained_padding: bool = False,
    change: Callable[[Any], Any] | None = None,
) -> Verdict:
    """Build a class tiny, explain it with the defaults, and judge what comes.

    Args:
        entry: The class.
        seed: Of weights and texts.
        untrained_padding: Whether padding rows of embeddings are zero, as they begin.
        change: Applied to the explanation before it is judged, for tests of the judge.
    """
    warnings.simplefilter("ignore")
    try:
        model = build(entry, seed, untrained_padding)
    except Exception as error:
        return Verdict(entry, NOT_BUILT, remarks=(called(error),))
    remarks = []
    own = processor_for(entry, model)
    inputs, asked = inputs_for(entry.task, seed), asked_for(entry.task)
    if (failure := _failure(model, own, entry, inputs[0])) is not None:
        model = model.float()
        if (failure := _failure(model, own, entry, inputs[0])) is not None:
            return Verdict(entry, NOT_BUILT, remarks=(f"its forward fails: {called(failure)}",))
        remarks.append("float32")
    before = _state(model)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        verdict = _judge(entry, model, own, inputs, asked, change)
    if (
        not any("not exact" in str(one.message) for one in said)
        and verdict.verdict == NOT_CONVERGED
    ):
        remarks.append("no warning")
    if changed := _changes(before, _state(model)):
        said_so = f"changed: {', '.join(changed)}"
        return replace(verdict, verdict=WRONG, remarks=(said_so, *verdict.remarks))
    return replace(verdict, remarks=(*verdict.remarks, *remarks))


def _state(model: nn.Module) -> dict[str, Any]:
    """What must be as before; a configuration as text, for some cannot be compared."""
    process = {name: value for name, value in process_state().items() if name != "random"}
    return {**state_of(model), "config": repr(vars(model.config)), "process": process}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of what is not as it was."""
    weights, own = before.pop("weights"), after.pop("weights")
    found = [name for name, value in before.items() if value != after[name]]
    same = all(torch.equal(own[name], value) for name, value in weights.items())
    return found if same else ["weights", *found]


def _failure(model: nn.Module, own: Any, entry: Entry, one: Any) -> Exception | None:
    """What the model itself fails with, without the package."""
    try:
        if entry.task == "image":
            inputs = own(images=one, return_tensors="pt")
        elif isinstance(one, dict):
            second = one.get("context") or one["choices"][0]
            inputs = own(one.get("question") or one["text"], second, return_tensors="pt")
        else:
            inputs = own(one, return_tensors="pt")
        dtype = next(p.dtype for p in model.parameters() if p.is_floating_point())
        rows = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
        rows.pop("token_type_ids", None)
        if entry.task == "choice":
            rows = {k: torch.stack([v, v], dim=1) for k, v in rows.items()}
        if entry.task == "seq2seq":
            rows["decoder_input_ids"] = rows["input_ids"][:, :3]
        with torch.no_grad():
            model(**rows)
    except Exception as error:
        return error
    return None


def _judge(
    entry: Entry, model: nn.Module, own: Any, inputs: Any, asked: dict[str, Any], change: Any
) -> Verdict:
    try:
        explainer = cn.Explainer(model, own, cache=None)
        explanation = explainer.explain(inputs[0], **asked)
        paths = explainer.blocks
    except Exception as error:
        if is_ours(error):
            return Verdict(entry, REFUSED, remarks=(short(error),))
        return Verdict(entry, CRASH, remarks=(called(error), place_of(error)))
    method, n = explanation.method, len(explanation.layer_attributions) - 1
    remarks = [f"{n} blocks"]
    held = explanation.config.get("routing") == "held"
    if held:
        remarks.append("routing held")
    if change is not None:
        explanation = change(explanation)
    try:
        kind = TwoStacks if entry.task == "seq2seq" else Reference
        reference = kind(
            model,
            paths,
            *rows_of(entry, explainer, inputs[0], explanation),
            score_of(entry, explanation),
            n_layers=len(explanation.layer_attributions) - 1,
            beside=beside_of(model, paths),
            held=held,
            kept=kept_table(model),
        )
        verdict, error, more, details = compare(reference, explanation)
    except Exception as failure:
        where = place_of(failure)
        remarks += [f"the reference fails: {called(failure)}", where]
        return Verdict(entry, UNCHECKED, method=method, remarks=tuple(remarks))
    if reference.routes and not held and reference.is_mixture:
        remarks.append("routing free")
    try:
        together = explainer.explain([*inputs], progress=False, **asked)
        alone = [
            explanation if change is None else together[0],
            explainer.explain(inputs[1], **asked),
        ]
        away = [
            relative(a.layer_attributions[layer], b.layer_attributions[layer])
            for a, b in zip(together, alone, strict=True)
            for layer in np.flatnonzero(a.converged & b.converged)
        ]
        if max(away, default=0) > 2 * TRUE_ERROR:
            verdict = WRONG
            more = [f"together off by {max(away):.1%} from alone", *more]
    except Exception as failure:
        if is_ours(failure):
            more = [f"a batch is refused: {short(failure)}", *more]
        else:
            verdict = CRASH
            more = [f"a batch: {called(failure)}", place_of(failure), *more]
    return Verdict(entry, verdict, error, method, (*remarks, *more), details)
