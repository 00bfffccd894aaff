"""Interrupts at random moments, threads, killed writers: nothing breaks, nothing is lost.

``python -m tests.stress`` does it at full size; ``--help`` lists the numbers.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["CALIG_NB_CACHE"] = "off"

import numpy as np
import torch

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.evaluation.sanity import sanity
from calig_nb.pipeline.cache import Cache

from .helpers.model_state import assert_unchanged, process_state, state_of
from .helpers.zoo import SENTENCE, tiny_model, tiny_tokenizer

TEXTS = [SENTENCE, "Not a good film, but the acting is superb."]
FOREIGN = {"yolov3.weights": "theirs", "film.part": "theirs", f"{'a' * 64}.trial": "theirs"}


def calls_of(explainer, explanation):
    """The five calls, each a function of nothing."""
    return {
        "explain": lambda: explainer.explain(TEXTS, progress=False),
        "evaluate": lambda: cn.evaluate(
            explainer, TEXTS[:1], methods=["ca-lig", "conservative", "occlusion"], progress=False
        ),
        "sanity": lambda: sanity(explainer, TEXTS[:1], progress=False),
        "check": lambda: explanation.check(explainer, random=2),
        "calibrate": lambda: explainer.calibrate(TEXTS, progress=False),
    }


class Interrupter:
    """Raises KeyboardInterrupt in a call at a random moment, and often once more right after."""

    def __init__(self, seed):
        self.armed, self.draw = False, random.Random(seed)
        for number in (signal.SIGINT, signal.SIGALRM):
            signal.signal(number, self.handle)

    def handle(self, number, frame):
        if self.armed:
            raise KeyboardInterrupt

    def run(self, call, seconds):
        """Whether an interrupt ended the call."""
        delay = self.draw.uniform(1e-5, 1.02 * seconds)
        again = self.draw.choice([0.0, self.draw.uniform(5e-5, 3e-3)])
        killer = None
        if self.draw.random() < 0.5:  # Ctrl-C as a terminal sends it
            killer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
            killer.start()
        try:
            self.armed = True
            if killer is None:
                signal.setitimer(signal.ITIMER_REAL, delay, again)
            call()
            self.armed = False
            landed = False
        except KeyboardInterrupt:
            self.armed = False
            landed = True
        finally:
            self.armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            if killer is not None:
                killer.cancel()
                killer.join()
        return landed


def interrupt(wanted, seed=0):
    """So many interrupts that landed; returns how many landed in each call."""
    tokenizer, model = tiny_tokenizer(), tiny_model("bert")
    model.train()
    explainer = Explainer(model, tokenizer, cache=False)
    explanation = explainer.explain(TEXTS[0])
    landed, interrupter = Counter(), Interrupter(seed)
    durations, calls = {}, calls_of(explainer, explanation)
    for name, call in calls.items():
        call()
        began = time.perf_counter()
        call()
        durations[name] = time.perf_counter() - began
    expected = explainer.explain(TEXTS[0]).layer_attributions
    before, outside = state_of(model), process_state()
    for n in range(100 * wanted):
        if landed.total() >= wanted:
            break
        name = interrupter.draw.choice([*calls])
        if interrupter.run(calls[name], durations[name]):
            landed[name] += 1
        assert_unchanged(model, dict(before))
        assert process_state() == outside, name
        if n % 50 == 0:
            found = explainer.explain(TEXTS[0]).layer_attributions
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    return landed


def share(n_threads, n_calls):
    """Threads that explain with one explainer, and one that predicts meanwhile."""
    tokenizer, model = tiny_tokenizer(), tiny_model("bert")
    explainer = Explainer(model, tokenizer, cache=False)
    encoded = tokenizer(TEXTS, padding=True, return_tensors="pt")
    before, logits = state_of(model), model(**encoded).logits
    expected = [explainer.explain(text).layer_attributions for text in TEXTS]
    wrong, predictions, done = [], [], threading.Event()

    def explain(number):
        try:
            for i in range(n_calls):
                k = (i + number) % 2
                found = explainer.explain(TEXTS[k], progress=False).layer_attributions
                if not np.allclose(found, expected[k], rtol=1e-9, atol=1e-12):
                    wrong.append(f"explanation {i} of thread {number}")
        except BaseException as error:
            wrong.append(repr(error))

    def predict():
        try:
            while not done.is_set():
                found = model(**encoded)
                predictions.append(found.logits.requires_grad)
                if not torch.equal(found.logits, logits) or found.attentions is not None:
                    wrong.append(f"prediction {len(predictions)}")
        except BaseException as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=explain, args=(n,)) for n in range(n_threads)]
    beside = threading.Thread(target=predict)
    for thread in (*threads, beside):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    beside.join()
    assert not wrong, wrong[:5]
    assert predictions and all(predictions), "each with its gradient"
    assert_unchanged(model, before)
    return len(predictions)


def kill(times, seed=0):
    """Writers killed with signal 9: entries and files are whole, others' are as they were."""
    draw = random.Random(seed)
    explanation = Explainer(tiny_model("bert"), tiny_tokenizer(), cache=False).explain(SENTENCE)
    keys = [64 * letter for letter in "abcdef"]
    with tempfile.TemporaryDirectory() as place:
        folder, saved = Path(place) / "shared", Path(place) / "one.safetensors"
        cache = Cache(folder, max_bytes=150_000)
        explanation.save(saved)
        cache.put(keys[0], explanation)
        for name, content in FOREIGN.items():
            (folder / name).write_text(content)
            (cache.own_folder / f"my {name}").write_text(content)
        for _ in range(times):
            if not (child := os.fork()):
                while True:
                    for i, key in enumerate(keys):
                        cache.put(key, explanation)
                        cache.put_trial(key, {"a": float(i)})
                        explanation.with_lam(i / 8).save(saved)
            time.sleep(draw.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            assert np.array_equal(cn.load(saved).layer_attributions, explanation.layer_attributions)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = [entry for key in keys if (entry := cache.get(key))]
            for entry in found:
                np.testing.assert_array_equal(entry.attributions, explanation.attributions)
        assert cache.size <= cache.max_bytes + 100_000
        for name, content in FOREIGN.items():
            assert (folder / name).read_text() == content
            assert (cache.own_folder / f"my {name}").read_text() == content


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interrupts", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=200, help="of each of four threads")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name, work in {
        "kills": lambda: kill(asked.kills, asked.seed),
        "interrupts": lambda: dict(interrupt(asked.interrupts, asked.seed)),
        "predictions beside four threads": lambda: share(4, asked.calls) if asked.calls else 0,
    }.items():
        began = time.perf_counter()
        print(name, work() or "", f"{time.perf_counter() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
