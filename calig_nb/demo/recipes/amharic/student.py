"""The untaught `amharic` model and the tweets: how both are read, built and written."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast, XLMRobertaForSequenceClassification

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


def read(path: Path) -> list[Tweet]:
    """The tweets of a file, ``tweet<TAB>label``, without the file's quotes and user names."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.rsplit("\t", 1) for line in lines if line.strip()]
    return [Tweet(_cleaned(text), LABELS.index(label.strip())) for text, label in rows]


def _cleaned(text: str) -> str:
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
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=longest,
        model_input_names=["input_ids", "attention_mask"],
        cls_token=SPECIAL_TOKENS["bos_token"],
        sep_token=SPECIAL_TOKENS["eos_token"],
        **SPECIAL_TOKENS,
    )


def save(
    model: XLMRobertaForSequenceClassification, tokenizer: PreTrainedTokenizerFast, out: Path
) -> None:
    """Write both: the weights at half precision, the tokenizer under its documented class."""
    copy.deepcopy(model).half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    path = out / "tokenizer_config.json"
    fields = json.loads(path.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(fields, indent=2) + "\n")
    path = out / "tokenizer.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields["model"]["vocab"] = [[piece, round(odds, 3)] for piece, odds in fields["model"]["vocab"]]
    path.write_text(json.dumps(fields, ensure_ascii=False) + "\n", encoding="utf-8")
