"""The tweets, and the `amharic` model's tokenizer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from ..common import wrap_tokenizer

LABELS = ("negative", "neutral", "positive")
SPECIAL_TOKENS = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
_SAME_SOUND = {"ሐ": "ሀ", "ኀ": "ሀ", "ሠ": "ሰ", "ዐ": "አ", "ፀ": "ጸ"}
"""First letters of rows that are spoken alike today, and written the one for the other."""
_ROW = 7


class Tweet(NamedTuple):
    """One tweet and the index of its label."""

    text: str
    label: int


def read_tweets(path: Path) -> list[Tweet]:
    """The tweets of a file, ``tweet<TAB>label``, without the file's quotes and user names."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.rsplit("\t", 1) for line in lines if line.strip()]
    return [Tweet(_clean_text(text), LABELS.index(label.strip())) for text, label in rows]


def _clean_text(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        text = text[1:-1]
    return " ".join(text.replace("@user", " ").split())


def build_tokenizer(texts: Sequence[str], size: int, longest: int) -> PreTrainedTokenizerFast:
    """SentencePiece's unigram form, as XLM-R has it, trained on the texts.

    Letters that sound alike are one; a piece never holds both a word and a punctuation mark.

    Args:
        texts: Texts to learn the pieces from.
        size: Number of pieces.
        longest: Most tokens that the model reads.
    """
    tokenizer = Tokenizer(models.Unigram())
    alike = [
        normalizers.Replace(chr(ord(other) + order), chr(ord(usual) + order))
        for other, usual in _SAME_SOUND.items()
        for order in range(_ROW)
    ]
    alike += [normalizers.Replace("ሃ", "ሀ"), normalizers.Replace("ኣ", "አ")]
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *alike])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            pre_tokenizers.Punctuation(),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS.values()),
        unk_token=SPECIAL_TOKENS["unk_token"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap_tokenizer(
        tokenizer,
        longest,
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        cls_token=SPECIAL_TOKENS["bos_token"],
        sep_token=SPECIAL_TOKENS["eos_token"],
        **SPECIAL_TOKENS,
    )


def round_vocabulary(folder: Path) -> None:
    """Write the pieces' log probabilities with three decimals: a smaller file."""
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    pieces = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = [[piece, round(odds, 3)] for piece, odds in pieces]
    path.write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
