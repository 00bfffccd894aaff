"""Tokenizers with a mask token as BERT, RoBERTa and XLM-R have it, of a few words."""

import re

import transformers as hf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from .zoo import tiny_tokenizer

NAMES = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>", "cls": "<s>", "sep": "</s>"}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
SENTENCES = (
    "The plot is thin, but the acting is superb.",
    "The film is not good, but it is not bad.",
    "A superb film. The plot is good. The acting is bad.",
    "The capital of France is Paris, and the capital of Spain is Madrid.",
)


def _with_mask(tokenizer, pair):
    ids = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    ends = processors.TemplateProcessing(single="<s> $A </s>", pair=pair, special_tokens=ids)
    own = tokenizer.post_processor
    tokenizer.post_processor = processors.Sequence([own, ends]) if own else ends
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=60,
        model_input_names=["input_ids", "attention_mask"],
        mask_token=AddedToken("<mask>", lstrip=True),  # takes the space before it, as RoBERTa's
        **{f"{key}_token": name for key, name in NAMES.items()},
    )


def byte_level():
    """As RoBERTa: Ġ marks a space."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 20, trainer)
    return _with_mask(tokenizer, "<s> $A </s> </s> $B </s>")


def sentencepiece():
    """As XLM-R: ▁ marks a space."""
    words = sorted({f"▁{word}" for text in SENTENCES for word in re.findall(r"\w+", text)})
    letters = sorted({c for text in SENTENCES for c in text if not c.isspace()})
    pieces = [*((one, 0.0) for one in SPECIAL), *((one, -2.0) for one in words)]
    pieces += [(one, -9.0) for one in ("▁", *letters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=SPECIAL.index("<unk>")))
    space = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space])
    tokenizer.decoder = decoders.Metaspace()
    return _with_mask(tokenizer, "<s> $A </s> </s> $B </s>")


def word_pieces():
    """As BERT: ## goes on with a word; a pair's second text has a type of its own."""
    made = tiny_tokenizer()
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return made


TOKENIZERS = {"##": word_pieces, "Ġ": byte_level, "▁": sentencepiece}


def without_offsets(fast):
    """A tokenizer that does not say where its tokens stand."""

    class Slow:
        is_fast = False

        def __call__(self, *texts, return_offsets_mapping=False, **options):
            assert not return_offsets_mapping
            return fast(*texts, **options)

        def __getattr__(self, name):
            return getattr(fast, name)

    return Slow()
