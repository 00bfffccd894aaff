"""Tokenizers of four families, trained on the words of ten scripts."""

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from .scripts import WORDS_OF

WORDS = [word for words in WORDS_OF.values() for word in words.split("|")]
NAMES = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def wrapped(tokenizer):
    """A tokenizer with the special tokens of XLM-R and RoBERTa around each text."""
    ids = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    ends = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ids)
    own = tokenizer.post_processor
    tokenizer.post_processor = processors.Sequence([own, ends]) if own else ends
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{key}_token": name for key, name in NAMES.items()}
    )


def sentencepiece(size, pre_tokenizer):
    """Unigram pieces after NFKC, as of XLM-R and T5; of size 0 letters alone."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.Metaspace()
    if size:
        trainer = trainers.UnigramTrainer(
            vocab_size=size, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
        )
        tokenizer.train_from_iterator(WORDS, trainer)
    else:
        written = sorted({c for word in WORDS for c in tokenizer.normalizer.normalize_str(word)})
        pieces = [(piece, -1.0) for piece in [*SPECIAL, "▁", *written]]
        tokenizer.model = models.Unigram(pieces, unk_id=SPECIAL.index("<unk>"))
    return wrapped(tokenizer)


def xlm_r(size):
    space = pre_tokenizers.Metaspace(prepend_scheme="always")
    return sentencepiece(size, pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space]))


def t5(size):
    return sentencepiece(size, pre_tokenizers.Metaspace(prepend_scheme="always"))


def byte_level(size, *, prefix, trim):
    """Byte-level BPE, as of GPT-2 and RoBERTa."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    return wrapped(tokenizer)


def wordpiece(size, *, plain):
    """WordPiece, as of BERT; ``plain`` writes lower-case letters without accents."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=plain, strip_accents=plain)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    pieces = tokenizer.get_vocab()
    for character in sorted(
        {c for word in WORDS for c in tokenizer.normalizer.normalize_str(word)}
    ):
        for piece in (character, f"##{character}"):
            pieces.setdefault(piece, len(pieces))
    tokenizer.model = models.WordPiece(pieces, unk_token="<unk>")
    return wrapped(tokenizer)
