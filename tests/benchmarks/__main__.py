"""Speed, memory and error, as tables: ``python -m tests.benchmarks captum --texts FILE``.

Nothing here is a test. Run it with one thread on a processor that does nothing else:
``OMP_NUM_THREADS=1 taskset -c 0 python -m tests.benchmarks all --texts FILE --model FOLDER``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

TABLES = {
    "everyday": "what a person waits for",
    "captum": "the engine against loops over Captum: seconds, memory, error of both",
    "scale": "the same on random weights of base shapes, for scale only",
    "flops": "the least work, and the share of the machine's peak that is reached",
    "growth": "tokens, blocks and tolerance, beside the model's own forward pass",
    "gpu": "the engine and Captum on a GPU, where there is one",
    "leaderboard": "all methods: faithfulness, agreement with people, cost",
    "pictures": "methods on pictures: perturbation AUC, patches replaced by mean and by blur",
    "forms": "forms of the fusion, on one half of the texts and on the other",
    "agreement": "all methods on a decoder, where the word that decides is known",
    "numerals": "the same on an encoder-decoder that its recipe trained: --writer FOLDER",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables that were asked for."""
    described = "\n".join(f"  {name:11} {what}" for name, what in TABLES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=f"tables:\n{described}\n  all         all of them",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tables", nargs="*", choices=[*TABLES, "all", []], default=["everyday"])
    parser.add_argument("--model", action="append", default=[], help="folder of a text classifier")
    parser.add_argument("--only", action="store_true", help="these, without the embedded model")
    parser.add_argument("--texts", type=Path, help="a file, one text a line; our own sentences")
    parser.add_argument("--most", type=int, default=20, help="texts of each length (20)")
    parser.add_argument(
        "--tokens", type=int, nargs="+", default=[0, 32, 128, 512],
        help="lengths made by joining texts; 0 takes them as they are (0 32 128 512)",
    )  # fmt: skip
    parser.add_argument("--tolerance", type=float, default=0.01, help="the engine's (0.01)")
    parser.add_argument("--repeats", type=int, default=1, help="runs, the fastest counts (1)")
    parser.add_argument(
        "--n", type=int, default=200, help="sentences of leaderboard and forms (200)"
    )
    parser.add_argument(
        "--rationales", type=Path, help="folder of ERASER's movies: val.jsonl, train.jsonl"
    )
    parser.add_argument("--reviews", type=int, default=100, help="of those, how many (100)")
    parser.add_argument("--review-tokens", type=int, default=256, help="where one is cut (256)")
    parser.add_argument(
        "--deletion", nargs="+", default=["remove"], help="remove, mask or pad; several (remove)"
    )
    parser.add_argument(
        "--vision", action="append", help="folder of a classifier of pictures (the embedded one)"
    )
    parser.add_argument("--writer", help="folder that the recipe of numerals wrote")
    parser.add_argument("--images", type=Path, help="folder of pictures; our own drawings")
    parser.add_argument("--methods", nargs="+", help="of the leaderboard; the first leads (all)")
    parser.add_argument("--full", action="store_true", help="reviews by deletion too: hours")
    parser.add_argument("--keep", type=Path, help="folder for scores, to go on after a stop")
    parser.add_argument(
        "--calibration", type=Path, help="other texts, for the layer weights of the forms"
    )
    parser.add_argument("--out", type=Path, help="file for the tables of the forms")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads (1)")
    parser.add_argument("--no-memory", action="store_true", help="leave memory out")
    parser.add_argument(
        "--quick", action="store_true", help="the embedded model, a short text, the first sizes"
    )
    asked = parser.parse_args(arguments)
    if asked.only and not asked.model:
        parser.error("--only needs the folder of a text classifier: --model FOLDER")
    torch.set_num_threads(asked.threads)
    from calig_nb import load_demo  # noqa: F401  fails early where the package is not installed

    texts = _texts(asked.texts)
    if asked.quick:
        asked.tokens, asked.most = [32], 1
    _run(list(TABLES) if "all" in asked.tables else asked.tables, asked, texts)


def _run(tables: Sequence[str], asked: argparse.Namespace, texts: Sequence[str]) -> None:
    from .against_captum import Settings, compare
    from .agreement import agreement
    from .flops import floor
    from .fusion_study import Study, study
    from .gpu import on_gpu
    from .latency import waits
    from .leaderboard import METHODS, Contest, leaderboard
    from .models import BASE_SHAPES
    from .numerals import numerals
    from .pictures import FOLDER, pictures
    from .pictures import METHODS as PICTURE_METHODS
    from .scaling import growth

    real = asked.model if asked.only else ["demo", *asked.model]
    shapes = ["bert-2x64"] if asked.quick else list(BASE_SHAPES)
    lengths = [n for n in asked.tokens if n]
    settings = Settings(
        most=asked.most, tolerance=asked.tolerance, repeats=asked.repeats,
        memory=not asked.no_memory,
    )  # fmt: skip
    print(f"torch {torch.__version__}, {asked.threads} thread(s)")
    if "everyday" in tables:
        waits()
    for name, names, sizes in (("captum", real, asked.tokens), ("scale", shapes, lengths)):
        if name in tables:
            for who in names:
                for n_tokens in sizes:
                    compare(who, texts, n_tokens, settings)
    if "flops" in tables:
        floor([*real, *shapes], texts, lengths)
    if "growth" in tables:
        sizes = {"lengths": lengths, "depths": (2,), "tolerances": (1e-2,)} if asked.quick else {}
        for who in real:
            growth(who, texts, memory=settings.memory, **sizes)
    if "agreement" in tables:
        agreement(3 if asked.quick else min(asked.n, 100), asked.methods)
    if "numerals" in tables and asked.writer:
        numerals(asked.writer, 3 if asked.quick else min(asked.n, 100), asked.methods)
    if "gpu" in tables:
        on_gpu([*real, *shapes], texts, lengths, settings.steps)
    if "leaderboard" in tables:
        few = {"n": 3, "methods": list(METHODS)[:2]} if asked.quick else {}
        wanted = {"n": asked.n, "methods": asked.methods or tuple(METHODS), **few}
        contest = Contest(
            texts, asked.rationales, n_reviews=asked.reviews, deletions=asked.deletion,
            review_tokens=asked.review_tokens, full=asked.full, cache=asked.keep, **wanted,
        )  # fmt: skip
        leaderboard(real, contest)
    if "pictures" in tables:
        methods = PICTURE_METHODS[:2] if asked.quick else asked.methods or PICTURE_METHODS
        for who in asked.vision or [FOLDER]:
            pictures(asked.images, asked.n, who, methods)
    if "forms" in tables:
        few = {"n": 4} if asked.quick else {"n": asked.n}
        calibration = _texts(asked.calibration) if asked.calibration else ()
        settled = Study(
            texts, calibration, asked.rationales, n_reviews=asked.reviews,
            review_tokens=asked.review_tokens, keep=asked.keep, out=asked.out, **few,
        )  # fmt: skip
        study(real, settled)


def _texts(file: Path | None) -> list[str]:
    if file is None:
        from ..helpers.sentences import SENTENCES

        return list(SENTENCES)
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and line != "sentence\tlabel"]


if __name__ == "__main__":
    main()
