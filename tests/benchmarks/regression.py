"""Whether two versions of the package give the same numbers, bytes and pictures.

``python -m tests.benchmarks.regression save FOLDER`` keeps what one version computes, ``compare
FOLDER`` computes it anew and names each difference; ``--pictures`` does so for figures and live
views, ``trace`` prints the way of one call through the files. The version is the ``calig_nb`` that
Python finds, and only its public names are used, so that one file serves all of them:
``PYTHONPATH=OTHER python tests/benchmarks/regression.py compare FOLDER``.

float64 may differ by 1e-12 of an array's largest value, nothing else may differ at all. Left out
are seconds, which no two runs share, and what belongs to one process: the ids of live widgets.
"""

# ruff: noqa: E402  the environment comes first; and run by its path, no neighbour is imported

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import io
import itertools
import json
import os
import random
import re
import runpy
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

os.environ["CALIG_NB_CACHE"] = "off"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["MPLBACKEND"] = "agg"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["COLUMNS"] = "100"
os.environ["TQDM_DISABLE"] = "1"
sys.path[:] = [p for p in sys.path if Path(p).resolve() != Path(__file__).resolve().parent]

import numpy as np
import pandas as pd
import torch
import transformers as hf
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

import calig_nb as cn

TOLERANCE = 1e-12
LARGEST = 4_000_000
"""Numbers in an array, and 20,000 characters in a string, above which its digest is kept."""
LONGEST = 20_000
REFERENCES = {"ask", "look", "explainer", "source", "drawn", "condensed"}
"""Attributes that lead from an explanation to what made it, or to another one."""
GRAINS = ("token", "word", "sentence", "passage")

THIN = "The plot is thin, but the acting is superb."
DULL = "A dull film with a dull plot, and it never ends."
REVIEW = (
    "I walked in expecting very little. The trailer had promised one more loud picture, and the "
    "opening minutes do nothing to correct that impression. Then something unexpected happens: the "
    "film stops shouting. The scene in the kitchen is superb, the talent is real. It isn't a great "
    "film; it is a good one, and I would not call the two hours a waste."
)
HEBREW = "הסרט נפלא, אבל העלילה דלה."
AMHARIC = ("ይህ ውሸት ነው፣ በጣም ያሳዝናል።", "በጣም ጥሩ ፊልም ነው። እወዳለሁ!", "ሰላም፡ለዓለም")
NEWS = (
    "The owners of the club have asked a bank to find a buyer. Shares in the parent firm rose by "
    "four per cent, and analysts expect a price above the stock market value. On the pitch nothing "
    "goes right: the side lost again on Saturday, the captain is injured and the coach will rest "
    "his striker for the cup. Fans want the sale before the season ends."
)
PAIR = {"text": "Harper wins the cup.", "text_pair": "Shares in her sponsor rose by a tenth."}
PROMPT = "The keys to the cabinet"
WHOLE = "The sisters called the boy before they moved. The keys to the cabinet are on the table."
TOPICS = ["business", "entertainment", "politics", "sport", "tech"]


def long_text(words: int) -> str:
    """News about everything, of at least so many words."""
    draw = random.Random(7)
    frames = (
        "{a} scored {n} points as the home side won the final in {p}.",
        "Shares in the bank of {p} fell by {n} per cent after a profit warning by {a}.",
        "The prime minister told parliament in {p} that the tax plan of {a} would not change.",
        "The film by {a} took {n} million dollars in its first weekend in {p}.",
        "The software of {a} stops a virus that reached {n} thousand computers in {p}.",
    )
    text = ""
    while len(text.split()) < words:
        text += draw.choice(frames).format(
            a=draw.choice(["Harper", "Okafor", "Lind", "Moreau"]), n=draw.randint(3, 40),
            p=draw.choice(["Leeds", "Porto", "Lyon", "Cardiff"]),
        ) + draw.choice([" ", " ", "\n\n"])  # fmt: skip
    return text.strip()


def drawing(height: int = 96, width: int = 96, sun: float = 0.66) -> np.ndarray:
    """A sun over a hill below a clear sky: (height, width, 3)."""
    y, x = np.mgrid[0 : 1 : 1j * height, 0 : 1 : 1j * width]
    sky = np.stack([110 + 90 * y, 160 + 60 * y, 235 - 15 * y], -1)
    grass = np.stack([60 + 50 * y, 120 + 30 * np.sin(24 * x) * y, 60 + 10 * x], -1)
    picture = np.where((y > 0.72 - 0.16 * np.sin(3.2 * x))[..., None], grass, sky)
    picture[np.hypot(x - sun, y - 0.3) < 0.18] = (250, 205, 60)
    return np.rint(picture).astype(np.uint8)


# ---- models -------------------------------------------------------------------------------------


@lru_cache
def document() -> Any:
    """A text of so many tokens that no matrix between them is kept, explained."""
    found = demo("topics").explain(long_text(880), target="sport", progress=False)
    assert found.drawn is not found
    return found


@lru_cache
def demo(name: str) -> Any:
    """The explainer of an embedded model, without a cache."""
    explainer = cn.load_demo(name)
    explainer.cache = None
    return explainer


def uncalibrated(**options: Any) -> Any:
    """The embedded model of sentiment from a folder without its calibration."""
    (weights,) = Path(cn.__file__).parent.rglob("sentiment/model.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        for file in weights.parent.iterdir():
            if file.is_file() and file.name != "calig_nb.json":
                shutil.copy(file, folder)
        return cn.Explainer.from_pretrained(folder, cache=False, **options)


def tiny_tokenizer() -> Any:
    """A lower-casing WordPiece tokenizer of a few words and all letters, for texts and pairs."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = "the plot is thin but acting superb not good bad a film it , . ' very ##ly ##s".split()
    pieces = dict.fromkeys([*special, *words, *letters, *(f"##{c}" for c in letters)])
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {f"{piece[1:-1].lower()}_token": piece for piece in special}
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=60,
        model_input_names=["input_ids", "attention_mask"], **names,
    )  # fmt: skip


SIZE = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24
}  # fmt: skip
TEXT = {**SIZE, "vocab_size": 80, "max_position_embeddings": 64, "pad_token_id": 0}
GPT = {"n_embd": 16, "n_layer": 3, "n_head": 2, "n_positions": 64, "bos_token_id": 2}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
SWIN = {
    "image_size": 16, "patch_size": 2, "embed_dim": 8, "depths": [2, 2], "window_size": 2,
    "num_heads": [2, 2], "mlp_ratio": 2,
}  # fmt: skip
ZOO: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("Bert", "ForSequenceClassification", TEXT),
    "deberta": ("DebertaV2", "ForSequenceClassification", {**TEXT, **RELATIVE}),
    "albert": ("Albert", "ForSequenceClassification", {**TEXT, "embedding_size": 8}),
    "gpt2": ("GPT2", "ForSequenceClassification", {**GPT, "vocab_size": 80, "pad_token_id": 0}),
    "tokens": ("Bert", "ForTokenClassification", TEXT),
    "answers": ("Bert", "ForQuestionAnswering", TEXT),
    "vit": ("ViT", "ForImageClassification", {**SIZE, "image_size": 16, "patch_size": 4}),
    "beit": ("Beit", "ForImageClassification", {**SIZE, "image_size": 16, "patch_size": 4}),
    "swin": ("Swin", "ForImageClassification", SWIN),
}
"""Random models in float64: architecture, head, configuration."""


@lru_cache
def tiny(name: str, **options: Any) -> Any:
    """The explainer of a random model that is nowhere nearly linear."""
    architecture, head, config = ZOO[name]
    torch.manual_seed(0)
    settings = getattr(hf, f"{architecture}Config")(**config)
    settings.num_labels = 2 if name == "answers" else 3
    model = getattr(hf, architecture + head)(settings)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(7)
            elif not parameter.any():
                parameter.normal_(std=0.2)
    processor = pixels if "Image" in head else tiny_tokenizer()
    return cn.Explainer(model.double().eval(), processor, cache=False, **options)


def pixels(image: Any) -> torch.Tensor:
    """(3, 16, 16) of a PIL image, between -1 and 1."""
    small = np.asarray(image.convert("RGB").resize((16, 16)), dtype=np.float64)
    return torch.from_numpy(small / 127.5 - 1).permute(2, 0, 1)


@contextlib.contextmanager
def steady_clock() -> Iterator[None]:
    """A clock that only counts, and at half the pace while rounding in products is allowed.

    The package times two kernels once in a process and keeps the faster one, which rounds in
    another way. So the choice no longer depends on what else the machine does.
    """
    now, real = [0.0], time.perf_counter

    def tick() -> float:
        backend = getattr(torch.backends.mkldnn, "matmul", None)
        now[0] += 0.5 if getattr(backend, "fp32_precision", "") == "bf16" else 1.0
        return now[0]

    time.perf_counter = tick
    try:
        yield
    finally:
        time.perf_counter = real


def warm_up() -> None:
    """Fix all that a process settles once."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hf.logging.set_verbosity_error()
    hf.logging.disable_progress_bar()
    demo("sentiment").explain(DULL)


# ---- records: nested names of plain values and arrays -------------------------------------------


def record(explanation: Any) -> dict[str, Any]:
    """All that an explanation says of itself, and the bytes that it is saved as."""
    names = (n for n in dir(explanation) if not n.startswith("_") and n not in REFERENCES)
    found = {name: attempt(lambda name=name: getattr(explanation, name)) for name in names}
    found = {name: value for name, value in found.items() if not callable(value)}
    found["repr"] = repr(explanation)
    for grain in GRAINS:
        found[f"units {grain}"] = [
            [unit.text, list(unit.tokens), bool(unit.special)] for unit in explanation.units(grain)
        ]
    for grain in (*GRAINS, "layer"):
        found[f"table {grain}"] = explanation.to_frame(grain)
    found["top"] = explanation.top(5)
    for channel in ("net", "supporting", "opposing"):
        found[f"rollout {channel}"] = attempt(lambda c=channel: explanation.rollout(channel=c))
    found["rollout 0"] = attempt(lambda: explanation.rollout(0))
    last = len(explanation.layer_weights) - 1
    found["heads"] = attempt(lambda: explanation.heads(last))
    found["file"] = saved(explanation)
    found["lam 0.2"] = explanation.with_lam(0.2).attributions
    if explanation.drawn is not explanation:
        found["drawn"] = record(explanation.drawn)
    return found


def attempt(call: Callable[[], Any]) -> Any:
    """What a call returns, or the error that it raises, in words."""
    try:
        return call()
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def saved(explanation: Any) -> list[Any]:
    """The file that ``save`` writes: its header and the bytes behind it.

    The header's entry of strings is taken by name: safetensors writes it in any order.
    """
    with tempfile.TemporaryDirectory() as folder:
        explanation.save(path := Path(folder) / "one.safetensors")
        content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    strings = sorted(header.pop("__metadata__").items())
    return [dict(strings), json.dumps(header), content[start:]]


def explain(explainer: Any, inputs: Any, **options: Any) -> Any:
    """The record of one call: explanations, warnings, or the error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = attempt(lambda: explainer.explain(inputs, **{"progress": False, **options}))
    said = [str(one.message) for one in caught if one.category is UserWarning]
    return {"warnings": said, "found": found}


def page(shown: Any, **options: Any) -> dict[str, Any]:
    """What a page holds but for scripts, style sheets, and the policy that names their digests."""
    with tempfile.TemporaryDirectory() as folder:
        text = shown.to_html(Path(folder) / "page.html", **options).read_text(encoding="utf8")
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert data is not None
    rest = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    rest = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", rest)
    images = re.findall(r'src="(data:[^"]*)"', rest)
    rest = re.sub(r'src="data:[^"]*"', "", rest)
    return {"rest": rest, "images": images, "data": json.loads(data[1])}


def output(shown: Any) -> list[Any]:
    """What a notebook gets of it, but for the ids of live widgets."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    with capture_output() as caught:
        shown._ipython_display_()
    bundles = [one._repr_mimebundle_() for one in caught.outputs]
    return [
        {kind: "live" if "widget-view" in kind else value for kind, value in data.items()}
        for data, _ in bundles
    ]


def command(*arguments: str) -> str:
    """What the command line prints."""
    before, printed = sys.argv, io.StringIO()
    sys.argv = ["calig-nb", *arguments]
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            runpy.run_module("calig_nb", run_name="__main__")
    finally:
        sys.argv = before
    return printed.getvalue()


# ---- what is computed ---------------------------------------------------------------------------

Named = Iterator[tuple[str, Any]]


def methods() -> Named:
    """Every method on one text."""
    for name in cn.methods().index:
        yield name, explain(demo("sentiment"), THIN, target="positive", method=name)
        yield f"{name} of a pair", explain(demo("topics"), PAIR, target="sport", method=name)
    yield "table", cn.methods()
    yield "models", cn.demos().drop(columns="size")


def options() -> Named:
    """Every option of a call, right and wrong."""
    one = demo("sentiment")
    asked: dict[str, dict[str, Any]] = {
        "contrast": {"target": "positive", "contrast": "negative"},
        "index": {"target": 0},
        "several": {"target": ["negative", "positive"]},
        "several against": {"target": ["positive"], "contrast": 0},
        **{f"output {name}": {"output": name} for name in ("margin", "log_odds", "prob")},
        **{f"baseline {name}": {"baselines": name} for name in ("mask", "zero", "mean")},
        "baseline text": {"baselines": "It is a film."},
        "baseline ids": {"baselines": torch.zeros(1, 13, dtype=torch.long)},
        "steps": {"n_steps": 7},
        "one step": {"n_steps": 1},
        "fine": {"tolerance": 0.001},
        "coarse": {"tolerance": 0.2},
        "lam 0": {"lam": 0.0},
        "lam 1": {"lam": 1},
        "rounded": {"precision": "bfloat16"},
        "rounded, fine": {"precision": "bfloat16", "tolerance": 0.0005},
        "conductance, steps": {"method": "conductance", "n_steps": 5},
        "ig, margin": {"method": "ig", "output": "margin", "baselines": "mask"},
        "occlusion, mask": {"method": "occlusion", "baselines": "mask"},
        "lrp, log odds": {"method": "attn-lrp", "output": "log_odds"},
        "no such class": {"target": "neutral"},
        "no such index": {"target": 2},
        "no target": {"target": []},
        "no such method": {"method": "shap"},
        "no such output": {"output": "loss"},
        "no such baseline": {"baselines": 3},
        "lam out of range": {"lam": 1.5},
        "steps out of range": {"n_steps": 0},
        "against itself": {"target": 1, "contrast": 1},
        "position": {"position": 2},
    }
    for name, own in asked.items():
        yield name, explain(one, REVIEW if name == "coarse" else THIN, **own)
    texts = [THIN, DULL, REVIEW, "Superb!", THIN]
    yield "list", explain(one, texts)
    yield "list, several", explain(one, texts[:3], target=["positive", "negative"], method="ig")
    yield "column", explain(one, pd.Series(texts[:2]))
    yield "skip", explain(one, [THIN, "", 7, DULL], on_error="skip")
    yield "raise", explain(one, [THIN, ""])
    yield "hebrew", explain(one, HEBREW)
    yield "odd", explain(one, "A 👩‍👩‍👧 film — isn’t it?\tnaïve ﬁne\n\nיפה")
    yield "no text", explain(one, "")
    yield "no list", explain(one, [])


def calibration() -> Named:
    """Layer weights: none, estimated, and those of the embedded model; and other budgets."""
    one = uncalibrated()
    yield "none", [explain(one, THIN), one.layer_weights]
    yield "weights", one.calibrate([THIN, DULL, REVIEW])
    yield "calibrated", [explain(one, THIN), one.layer_weights]
    yield "method without", attempt(lambda: one.calibrate([THIN], method="ig"))
    yield "embedded", demo("sentiment").layer_weights
    yield "small", explain(uncalibrated(memory=1 << 20), REVIEW)
    yield "few tokens", explain(uncalibrated(batch_tokens=64), REVIEW)


def languages() -> Named:
    """The embedded models of Amharic and of topics."""
    for i, text in enumerate(AMHARIC):
        yield f"amharic {i}", explain(demo("amharic"), text)
    yield "amharic, all", explain(demo("amharic"), AMHARIC[0], target=[0, 1, 2], output="margin")
    yield "amharic, lrp", explain(demo("amharic"), AMHARIC[1], method="attn-lrp")
    every = explain(demo("topics"), NEWS, target=TOPICS)
    yield "topics", every
    for layer in (None, 0, 2):
        for grain in ("word", "sentence"):
            by_class = cn.by_class(every["found"], grain, layer=layer)
            yield f"by class, {layer}, {grain}", [by_class, by_class.to_frame(5), repr(by_class)]
    yield "pair", explain(demo("topics"), PAIR, target="sport", contrast="business")
    yield "pairs", explain(demo("topics"), [PAIR, NEWS], target="business")


def long_texts() -> Named:
    """Texts in windows: with their matrices, and as a document in phrases."""
    yield "windows", explain(demo("topics"), long_text(450), target="sport")
    yield "windows, ig", explain(demo("topics"), long_text(450), method="ig", output="log_odds")
    yield "windows, several", explain(demo("topics"), long_text(450), target=["tech", "sport"])
    yield "document", document()
    yield "document, attention", explain(demo("topics"), long_text(880), method="attention")


def decoder() -> Named:
    """The next word."""
    one, ask = demo("agreement"), {"target": " are", "contrast": " is"}
    yield "contrast", explain(one, PROMPT, **ask)
    yield "predicted", explain(one, PROMPT)
    yield "several", explain(one, PROMPT, target=[" are", " is", " were"])
    yield "position", explain(one, WHOLE, target=" they", contrast=" he", position=6)
    yield "from the end", explain(one, WHOLE, position=-4)
    yield "two tokens", explain(one, PROMPT, target=" are not")
    for method in ("ig", "attn-lrp", "attention", "gradient-rollout", "occlusion"):
        yield method, explain(one, PROMPT, method=method, **ask)
    yield "predict", one.predict([PROMPT, WHOLE])
    yield "predict at", one.predict(WHOLE, position=3)


def pictures() -> Named:
    """Pictures, as arrays and images, from every baseline and by every method."""
    one = demo("pictures")
    for name in cn.methods().index:
        yield name, explain(one, drawing(), target="horse", method=name)
    for baseline in ("mean", "blur", "zero", drawing(sun=0.2), "mask"):
        named = baseline if isinstance(baseline, str) else "picture"
        yield f"baseline {named}", explain(one, drawing(), baselines=baseline)
    yield "contrast", explain(one, drawing(32, 64), target=0, contrast=3, output="logit")
    yield "several", explain(one, Image.fromarray(drawing(50, 40)), target=[0, 1, 2, 3])
    yield "list", explain(one, [drawing(), drawing(sun=0.2)], precision="bfloat16")
    yield "predict", one.predict([drawing(), drawing(sun=0.2)])
    found = one.explain(drawing())
    for deletion in ("mean", "blur", "zero"):
        yield f"check, {deletion}", found.check(deletion=deletion, random=5).to_dict()


def architectures() -> Named:
    """Random models of several kinds."""
    both = {"text": "the plot is thin", "text_pair": "but the acting, is very good."}
    for name in ("bert", "deberta", "albert", "gpt2"):
        for method in ("ca-lig", "conductance", "layer-ig", "attn-lrp", "gradient-rollout"):
            yield f"{name}, {method}", explain(tiny(name), THIN, target=1, method=method)
    yield "pair", explain(tiny("bert"), both)
    yield "windows", explain(tiny("bert"), THIN * 6, target=2)
    yield "blocks", explain(tiny("bert", blocks="bert.encoder.layer"), THIN, contrast=0)
    yield "label of a token", explain(tiny("tokens"), THIN, position=3)
    yield "start", explain(tiny("answers"), both, target="start")
    yield "end", explain(tiny("answers"), both, target="end", position=-3)
    for name in ("vit", "beit", "swin"):
        for method in ("ca-lig", "layer-ig", "attention-rollout", "conservative"):
            yield f"{name}, {method}", explain(tiny(name), drawing(), target=0, method=method)
    stage = tiny("swin", blocks="swin.encoder.layers.0.blocks")
    yield "one stage", explain(stage, drawing(), target=1)


def forms() -> Named:
    """Other forms of the fusion, checks, comparisons and views of one explanation."""
    explainer = demo("sentiment")
    found, other = explainer.explain([THIN, THIN.replace("superb", "wooden")], target=1)
    for settings in (
        {"normalisation": "max"}, {"normalisation": "none", "gamma": 0.5},
        {"channels": "signed"}, {"readout": "pooled", "lam": 0.3},
    ):  # fmt: skip
        yield f"fusion {settings}", found.with_fusion(cn.Fusion(**settings))
    for layer in range(4):
        yield f"heads {layer}", found.heads(layer)
        yield f"rollout {layer}", found.rollout(layer, "opposing")
    yield "no such layer", [attempt(lambda: found.heads(4)), attempt(lambda: found.rollout(-1))]
    for name, one in {"text": found, "ig": explainer.explain(THIN, method="ig")}.items():
        for deletion in ("remove", "mask", "pad"):
            verdict = one.check(deletion=deletion, random=20)
            yield f"check {name}, {deletion}", [verdict.to_dict(), verdict.text, repr(verdict)]
    yield "check of a pair", demo("topics").explain(PAIR).check(random=5).text
    yield "check of a word", demo("agreement").explain(PROMPT, target=" are").check(random=5).text
    yield "check by another", attempt(lambda: found.check(demo("amharic")))
    yield "predict", explainer.predict([THIN, DULL])
    comparison = cn.Comparison([found, other], lam=0.4)
    yield "comparison", [comparison.names, comparison.state, repr(comparison)]
    for grain in GRAINS:
        yield f"comparison, {grain}", comparison.to_frame(grain)
    views = {
        "workbench": found.show(selected=[2, 4], lam=0.3), "tokens": found.show("tokens"),
        "flow": found.show("flow", layer=1), "rollout": found.show("rollout", channel="opposing"),
        "comparison": comparison,
    }  # fmt: skip
    for name, view in views.items():
        yield f"page, {name}", page(view)
        yield f"output, {name}", [output(view), repr(view), view.state]
    yield "selection", [repr(views["workbench"].selection), views["workbench"].selection.spans]
    yield "page, coarse", page(found, view="rollout", max_bytes=220_000)
    marks = cn.MarkWords(found, "supporting", marked=[1, 2])
    yield "marks", [marks.words, marks.compare(), repr(marks)]
    picture = demo("pictures").explain([drawing(), drawing(sun=0.2)], target=0)
    yield "page, picture", [page(picture[0], layer=1), output(picture[0])]
    yield "page, pictures", [page(cn.Comparison(picture)), cn.Comparison(picture).to_frame()]
    for asked in (("demo", "agreement"), ("explain", DULL, "--target", "negative", "--json"),
                  ("explain", DULL, "--granularity", "token", "--method", "ig")):  # fmt: skip
        yield " ".join(("command", *asked)), command(*asked)


def evaluations() -> Named:
    """Methods side by side, and sanity checks."""
    few = ["ca-lig", "ig", "attention"]
    own = {"sure": {"lam": 1.0}, "wide": {"fusion": cn.Fusion(gamma=4)}}
    found = {
        "texts": evaluation(methods=few, deletion=["remove", "mask"]),
        "rationales": evaluation(methods=own, rationales=[["superb"], ["dull"], None]),
        "targets": evaluation(methods=few, targets=["positive"] * 3, metrics=["comprehensiveness"]),
        "pictures": evaluation("pictures", [drawing(), drawing(sun=0.2)], methods=few),
    }
    for name, one in found.items():
        tables = [one.table, one.differences, one.to_frame()]
        words = [one.to_markdown(), one.to_markdown(True), one._repr_html_(), repr(one)]
        yield name, [one, tables, words]
    yield "no such metric", attempt(lambda: evaluation(metrics=["beauty"]))
    one = cn.sanity(demo("sentiment"), [THIN, DULL], methods=("ca-lig", "ig"), progress=False)
    yield "sanity", [one, one.table, one.text, repr(one)]
    one = cn.sanity(demo("pictures"), [drawing()], methods=["gradient-x-input"], progress=False)
    yield "sanity, picture", [one, one.table, one.text, repr(one)]


def evaluation(name: str = "sentiment", texts: Any = (THIN, DULL, REVIEW), **options: Any) -> Any:
    """An evaluation in which nothing takes any time: seconds are those of the machine."""
    found = cn.evaluate(demo(name), list(texts), n_resamples=50, progress=False, **options)
    return dataclasses.replace(found, seconds=np.zeros_like(found.seconds))


def files() -> dict[str, Any]:
    """Explanations of each kind that are saved, for other versions to open."""
    return {
        "text": demo("sentiment").explain(THIN),
        "pair": demo("topics").explain(PAIR),
        "picture": demo("pictures").explain(drawing()),
        "document": document(),
    }


GROUPS: dict[str, Callable[[], Named]] = {
    "methods": methods, "options": options, "calibration": calibration, "languages": languages,
    "long texts": long_texts, "decoder": decoder, "pictures": pictures,
    "architectures": architectures, "forms": forms, "evaluations": evaluations,
}  # fmt: skip


# ---- values by name -----------------------------------------------------------------------------


def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Arrays and plain values in what is nested, each with its name."""
    if isinstance(value, cn.Explanation):
        value = record(value)
    elif isinstance(value, pd.DataFrame):
        value = {"index": value.index.tolist(), **{str(c): s.to_numpy() for c, s in value.items()}}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name} › {key}")
    elif isinstance(value, (list, tuple)) and any(not plain(one) for one in value):
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{name} › {i}")
    elif isinstance(value, np.ndarray):
        small = value.size <= LARGEST
        yield name, value if small else digest(np.ascontiguousarray(value).tobytes(), value.shape)
    elif isinstance(value, bytes) or (isinstance(value, str) and len(value) > LONGEST):
        yield name, digest(value if isinstance(value, bytes) else value.encode(), len(value))
    elif isinstance(value, (list, tuple)) or plain(value):
        yield name, json.loads(json.dumps(value))
    else:
        yield name, repr(value)


def plain(value: Any) -> bool:
    """Whether it is a value of JSON that holds no other."""
    return value is None or (type(value) in (bool, int, float, str) and str(value)[LONGEST:] == "")


def digest(content: bytes, size: Any) -> str:
    return f"sha256 {hashlib.sha256(content).hexdigest()} of {size}"


def computed(only: Iterable[str], folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """All values by name, and how many explanations are among them."""
    values: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for group in only:
        began = time.monotonic()
        source = GROUPS[group]() if group in GROUPS else reopened(folder)
        for name, value in source:
            values |= leaves(value, f"{group} › {name}")
        own = [n for n in values if n.startswith(f"{group} ›")]
        counts[group] = sum(n.endswith("› layer_attributions") for n in own)
        print(f"{group}: {len(own):,} values of {counts[group]} explanations, "
              f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
    return values, counts


def reopened(folder: Path) -> Named:
    """What another version saved, opened by this one."""
    for path in sorted(folder.glob("*.safetensors")):
        yield path.stem, cn.load(path)


def save_numbers(folder: Path, only: list[str]) -> None:
    for name, explanation in files().items():
        explanation.save(folder / f"{name}.safetensors")
    values, counts = computed(only, folder)
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    rest = {name: value for name, value in values.items() if name not in arrays}
    keys = {f"{i}": name for i, name in enumerate(arrays)}
    np.savez_compressed(folder / "arrays.npz", **{key: arrays[name] for key, name in keys.items()})
    stored = {"arrays": keys, "values": rest}
    (folder / "values.json").write_text(json.dumps(stored, ensure_ascii=True, indent=0))
    print(f"{len(values):,} values of {sum(counts.values())} explanations in {folder}")


def compare_numbers(folder: Path, only: list[str]) -> bool:
    """Print what differs; whether nothing does."""
    stored = json.loads((folder / "values.json").read_text())
    with np.load(folder / "arrays.npz") as arrays:
        before = {name: arrays[key] for key, name in stored["arrays"].items()} | stored["values"]
    before = {name: v for name, v in before.items() if name.split(" › ")[0] in only}
    after, _ = computed(only, folder)
    rows, named = [], []
    for group in only:
        worst, where, wrong = 0.0, "", 0
        own = [name for name in before if name.startswith(f"{group} ›")]
        if not own:
            named.append(f"{group}: was not kept")
        for name in own:
            size, what = difference(before[name], after.get(name, MISSING))
            if size > worst:
                worst, where = size, name
            if what:
                wrong += 1
                named.append(f"{name}: {what}")
        rows.append({"group": group, "values": len(own), "differ": wrong, "worst": f"{worst:.1e}",
                     "where": where.removeprefix(f"{group} › ")})  # fmt: skip
    new = after.keys() - before.keys()
    print("\n".join(named))
    print(pd.DataFrame(rows).to_string(index=False))
    print(f"{len(before):,} values compared, {len(named)} differ; {len(new)} are new here")
    return not named


MISSING = object()


def difference(before: Any, after: Any) -> tuple[float, str]:
    """The largest difference of float64 relative to the largest value, and what is wrong."""
    if after is MISSING:
        return 0.0, "is missing"
    if not isinstance(before, np.ndarray) or not isinstance(after, np.ndarray):
        same = not isinstance(after, np.ndarray) and json.dumps(before) == json.dumps(after)
        return 0.0, "" if same else f"was {shortened(before, after)}, is {shortened(after, before)}"
    if (before.dtype, before.shape) != (after.dtype, after.shape):
        was, now = (f"{one.dtype} {one.shape}" for one in (before, after))
        return 0.0, f"was {was}, is {now}"
    if before.dtype.kind != "f":
        wrong = int((before != after).sum())
        return 0.0, f"{wrong} of {before.size} differ" if wrong else ""
    finite = np.isfinite(before)
    if not np.array_equal(before[~finite], after[~finite], equal_nan=True):
        return np.inf, "other places are not finite"
    largest = np.abs(before[finite]).max(initial=0)
    gap = np.abs(before[finite] - after[finite]).max(initial=0)
    size = float(gap / largest) if largest else float(gap > 0) * np.inf
    allowed = TOLERANCE if before.dtype == np.float64 else 0
    return size, f"{size:.1e} of the largest value" if size > allowed else ""


def shortened(value: Any, other: Any) -> str:
    """A value from shortly before where it leaves the other."""
    own, against = json.dumps(value, ensure_ascii=False), json.dumps(other, ensure_ascii=False)
    pairs = enumerate(zip(own, against, strict=False))
    start = max(0, next((i for i, (a, b) in pairs if a != b), len(own)) - 30)
    return f"{'…' if start else ''}{own[start : start + 90]}"


# ---- pictures -----------------------------------------------------------------------------------


@lru_cache
def shown() -> dict[str, Any]:
    """The explanations that are drawn."""
    text = demo("sentiment")
    horse, blurred = demo("pictures").explain([drawing(), drawing(sun=0.2)], target="airplane")
    return {
        "text": text.explain(THIN, target="positive"),
        "edited": text.explain(THIN.replace("superb", "wooden"), target="positive"),
        "ig": text.explain(THIN, target="positive", method="ig"),
        "attention": text.explain(THIN, target="positive", method="attention"),
        "review": text.explain(REVIEW),
        "hebrew": text.explain(HEBREW),
        "amharic": demo("amharic").explain(AMHARIC[0]),
        "news": demo("topics").explain(NEWS, target="sport", contrast="business"),
        "classes": demo("topics").explain(NEWS, target=TOPICS),
        "pair": demo("topics").explain(PAIR, target="sport"),
        "windows": demo("topics").explain(long_text(450), target="sport"),
        "document": document(),
        "prompt": demo("agreement").explain(PROMPT, target=" are", contrast=" is"),
        "picture": horse,
        "second picture": blurred,
        "picture, ig": demo("pictures").explain(drawing(), target="airplane", method="ig"),
    }


def compared(*names: str, **state: Any) -> Any:
    return cn.Comparison([shown()[name] for name in names], **state)


def figures() -> Iterator[tuple[str, Any]]:
    """Every kind of figure in some state."""
    for name, one, view, state in (
        ("tokens", "text", "tokens", {}),
        ("tokens, dark", "review", "tokens", {"theme": "dark", "lam": 0.2, "selected": [6]}),
        ("tokens, layer", "text", "tokens", {"layer": 2, "granularity": "token"}),
        ("tokens, pair", "pair", "tokens", {}),
        ("tokens, document", "document", "tokens", {"granularity": "sentence", "width": 9}),
        ("tokens, one signal", "attention", "tokens", {"k": 3}),
        ("flow", "text", "flow", {"selected": [3]}),
        ("flow, Hebrew", "hebrew", "flow", {"theme": "dark", "granularity": "token"}),
        ("flow, played", "review", "flow", {"play": 2.5, "width": 10}),
        ("flow, windows", "windows", "flow", {"granularity": "passage", "width": 10}),
        ("rollout", "text", "rollout", {"selected": [8]}),
        ("rollout, alone", "amharic", "rollout",
         {"alone": True, "layer": 1, "channel": "opposing"}),
        ("rollout, head", "prompt", "rollout", {"layer": 0, "head": 1, "theme": "dark"}),
        ("rollout, cell", "news", "rollout", {"granularity": "sentence", "cell": [3, 20]}),
        ("rollout, supporting", "text", "rollout", {"channel": "supporting", "residual": True}),
        ("workbench", "text", "workbench", {"width": 10}),
        ("workbench, dark", "news", "workbench", {"theme": "dark", "lam": 0.8, "layer": 1}),
        ("workbench, matrix", "amharic", "workbench",
         {"matrix": True, "selected": [2], "width": 9}),
        ("workbench, decoder", "prompt", "workbench", {"selected": [1]}),
        ("workbench, document", "document", "workbench", {"span": (10, 60), "width": 12}),
        ("patches", "picture", "patches", {"width": 9}),
        ("patches, dark", "picture", "patches", {"theme": "dark", "selected": [9, 20], "layer": 1}),
        ("patches, narrow", "second picture", "patches", {"width": 4, "opacity": 0.3, "lam": 1}),
        ("patches, flow", "picture", "flow", {}),
        ("patches, rollout", "picture, ig", "rollout", {}),
    ):  # fmt: skip
        yield name, shown()[one].figure(view, **state)
    yield "comparison", compared("text", "edited").figure(width=9)
    yield "comparison, three", compared("text", "ig", "attention", theme="dark").figure(k=4)
    yield "comparison, layer", compared("text", "edited", layer=1, lam=0.9, selected=[4]).figure()
    yield "pictures", compared("picture", "second picture").figure(width=9)
    yield "pictures, dark", compared("picture", "picture, ig", theme="dark", layer=0).figure()
    by_class = cn.by_class(shown()["classes"])
    yield "by class", by_class.figure(width=8)
    words = cn.by_class(shown()["classes"], "word", layer=0)
    yield "by class, words", words.figure(8, theme="dark")
    scores = evaluation(methods=["ca-lig", "ig"])
    yield "evaluation", scores.figure()
    yield "evaluation, dark", scores.figure(scores.metrics[:2], theme="dark", width=6)
    found = cn.sanity(demo("sentiment"), [THIN, DULL], methods=("ca-lig", "ig"), progress=False)
    yield "sanity", found.figure()


def views() -> Iterator[tuple[str, Any, dict[str, Any], list[str]]]:
    """Live views: name, what writes the page, the browser's settings, and what is done there.

    A step is a key, or "hover " or "click " with a selector.
    """
    wide: dict[str, Any] = {"width": 1240}
    narrow, dark = {"width": 700}, {"width": 1240, "color_scheme": "dark"}
    for name, one, view, state, browser, steps in (
        ("tokens", "text", "tokens", {}, wide, []),
        ("tokens, dark", "review", "tokens", {"theme": "dark", "lam": 0.2}, wide, []),
        ("tokens, pair", "pair", "tokens", {"granularity": "token"}, narrow, []),
        ("tokens, document", "document", "tokens", {"granularity": "sentence"}, wide, []),
        ("flow", "text", "flow", {"selected": [3]}, wide, []),
        ("flow, Hebrew", "hebrew", "flow", {}, dark, []),
        ("flow, played", "review", "flow", {"play": 2.5}, wide, []),
        ("flow, windows", "windows", "flow", {"granularity": "passage"}, narrow, []),
        ("rollout", "text", "rollout", {"selected": [8]}, wide, []),
        ("rollout, alone", "amharic", "rollout", {"alone": True, "layer": 1}, narrow, []),
        ("rollout, cell", "news", "rollout", {"granularity": "word", "cell": [3, 20],
                                              "channel": "opposing"}, dark, []),
        ("rollout, zoom", "review", "rollout", {"zoom": [4, 6, 12]}, wide, []),
        ("workbench", "text", "workbench", {}, wide, []),
        ("workbench, dark", "news", "workbench", {"lam": 0.8, "layer": 1}, dark, []),
        ("workbench, matrix", "amharic", "workbench", {"matrix": True}, wide, []),
        ("workbench, decoder", "prompt", "workbench", {"selected": [1]}, narrow, []),
        ("workbench, document", "document", "workbench", {"span": (10, 60)}, wide, []),
        ("workbench, pointed at", "text", "workbench", {}, wide, ["hover .prose .w >> nth=3"]),
        ("workbench, clicked", "text", "workbench", {}, dark, ["click .prose .w >> nth=8"]),
        ("workbench, keys", "text", "workbench", {},
         wide, ["click .prose .w >> nth=8", "ArrowRight", "?"]),
        ("patches", "picture", "patches", {}, wide, []),
        ("patches, dark", "picture", "patches", {"selected": [9, 20], "layer": 1}, dark, []),
        ("patches, narrow", "second picture", "patches", {"opacity": 0.3}, {"width": 420}, []),
        ("patches, flow", "picture", "flow", {}, wide, []),
    ):  # fmt: skip
        yield name, shown()[one].show(view, **state), browser, steps
    yield "comparison", compared("text", "edited"), wide, []
    yield "comparison, three", compared("text", "ig", "attention", layer=0), dark, []
    yield "pictures", compared("picture", "second picture", selected=[9]), wide, []
    yield "pictures, dark", compared("picture", "picture, ig", lam=0.2), dark, []


def draw(folder: Path) -> dict[str, Path]:
    """Draw all figures and photograph all views: files by name."""
    import matplotlib.pyplot as plt

    found: dict[str, Path] = {}

    def named(kind: str, name: str) -> Path:
        found[f"{kind}: {name}"] = path = folder / kind / f"{name.replace(', ', '-')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    for name, figure in figures():
        figure.savefig(named("figures", name), dpi=100)
        plt.close(figure)
    photograph((named("views", name), *rest) for name, *rest in views())
    return found


def photograph(pages: Iterable[tuple[Path, Any, dict[str, Any], list[str]]]) -> None:
    """Photograph each view in its page, at rest."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none"]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        for file, view, settings, steps in pages:
            html = view.to_html(Path(folder) / "page.html")
            view.close()
            width = settings["width"]
            scope = browser.new_context(
                **{k: v for k, v in settings.items() if k != "width"},
                viewport={"width": width, "height": 900}, reduced_motion="reduce",
            )  # fmt: skip
            sheet = scope.new_page()
            errors: list[str] = []
            sheet.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            sheet.goto(html.as_uri())
            sheet.wait_for_selector(".calig")
            for step in steps:
                verb, _, selector = step.partition(" ")
                if selector:
                    getattr(sheet.locator(selector), verb)()
                else:
                    sheet.keyboard.press(verb)
            file.write_bytes(at_rest(sheet))
            scope.close()
            if errors:
                raise RuntimeError(f"{file.stem}: {errors}")
        browser.close()


def at_rest(sheet: Any) -> bytes:
    """A page's picture, once it stays the same: much of a view follows its first paint."""
    last = b""
    for _ in range(20):
        sheet.wait_for_timeout(400)
        now = sheet.screenshot(full_page=True, animations="disabled", caret="hide")
        if now == last:
            return now
        last = now
    raise RuntimeError("the page does not come to rest")


def compare_pictures(folder: Path) -> bool:
    """Draw all anew, print in how many pixels each differs, and keep those that do."""
    with tempfile.TemporaryDirectory() as scratch:
        new = draw(Path(scratch))
        rows = []
        for name, path in new.items():
            kept = folder / path.relative_to(scratch)
            pixels, what = differing(kept, path)
            rows.append({"picture": name, "differing pixels": pixels, "": what})
            if what:
                target = folder / "differing" / path.relative_to(scratch)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    print(pd.DataFrame(rows).to_string(index=False))
    wrong = sum(bool(row[""]) for row in rows)
    print(f"{len(rows)} pictures compared, {wrong} differ")
    return not wrong


def differing(before: Path, after: Path) -> tuple[int, str]:
    """In how many pixels two pictures differ, and what is wrong."""
    if not before.is_file():
        return 0, "was not kept"
    old, new = (np.asarray(Image.open(path).convert("RGBA")) for path in (before, after))
    if old.shape != new.shape:
        return 0, f"was {old.shape[1]} × {old.shape[0]}, is {new.shape[1]} × {new.shape[0]}"
    wrong = int((old != new).any(axis=-1).sum())
    if not wrong:
        return 0, ""
    gap = int(np.abs(old.astype(int) - new.astype(int)).max())
    return wrong, f"{wrong / old[..., 0].size:.2%}, by up to {gap} of 255"


# ---- the way of a call --------------------------------------------------------------------------


def trace_calls(text: str = THIN) -> str:
    """Which files one explanation passes, in words: functions count once, at their first call."""
    home = Path(cn.__file__).parent
    explainer = demo("sentiment")
    explainer.explain(text)
    calls: list[tuple[str, str]] = []
    depth = [0, 0]

    def hear(frame: Any, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event not in ("call", "return") or not path.startswith(str(home)):
            return
        depth[0] += 1 if event == "call" else -1
        depth[1] = max(depth)
        if event == "call":
            file = str(Path(path).relative_to(home).with_suffix(""))
            calls.append((file, frame.f_code.co_qualname))

    sys.setprofile(hear)
    try:
        explainer.explain(text)
    finally:
        sys.setprofile(None)
    functions = dict.fromkeys(calls)
    way = visits(file for file, _ in functions)
    return (
        f"{len(functions)} functions of {len(set(way))} modules, {depth[1] - 1} deep below "
        f"explain; {len(way)} visits of a file where each function counts once, "
        f"{len(visits(file for file, _ in calls))} in all\n{' → '.join(way)}"
    )


def visits(files: Iterable[str]) -> list[str]:
    """The files without those that are as the one before."""
    return [file for file, _ in itertools.groupby(files)]


def main() -> None:
    """Save, compare or trace."""
    parser = argparse.ArgumentParser(prog="regression", description=__doc__)
    parser.add_argument("action", choices=["save", "compare", "trace"])
    parser.add_argument("folder", type=Path, nargs="?", help="where the numbers and pictures are")
    parser.add_argument("--pictures", action="store_true", help="pictures instead of numbers")
    groups = [*GROUPS, "files"]
    parser.add_argument("--only", nargs="+", choices=groups, help="groups of numbers (all)")
    settings = parser.parse_intermixed_args()
    print(f"calig_nb of {Path(cn.__file__).parent}")
    if settings.action != "trace" and settings.folder is None:
        parser.error("save and compare need a folder")
    with steady_clock():
        sys.exit(not run(settings, settings.only or groups))


def run(settings: argparse.Namespace, groups: list[str]) -> bool:
    """Do what is asked; whether all is as it was."""
    warm_up()
    if settings.action == "trace":
        print(trace_calls())
        return True
    folder = settings.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if settings.action == "compare":
        if settings.pictures:
            return compare_pictures(folder)
        return compare_numbers(folder, groups)
    if settings.pictures:
        draw(folder)
    else:
        save_numbers(folder, groups)
    return True


if __name__ == "__main__":
    main()
