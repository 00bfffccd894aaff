#!/usr/bin/env bash
# Guess: training a tokenizer on the same words with the same options gives the same vocabulary; no
# option for a seed is offered, so nothing seems to be drawn.
# Seen with tokenizers 0.23.3: WordPiece gives another vocabulary in each process where pairs are
# equally frequent, and so does BPE as soon as it has a continuing prefix; BPE without one, and
# Unigram, give the same every time. A recipe whose tokenizer is WordPiece cannot be reproduced
# from its text alone: the vocabulary has to be kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tokenizers==0.23.3
cat >"$folder/train.py" <<'PY'
import hashlib
import itertools
import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

WORDS = ["".join(letters) for letters in itertools.permutations("abcdef", 4)] * 3
OPTIONS = {"vocab_size": 60, "show_progress": False}
UNKNOWN = {"unk_token": "[UNK]"}
SPECIAL = {"special_tokens": ["[UNK]"]}
PREFIX = {"continuing_subword_prefix": "##"}
for name, model, trainer in (
    ("wordpiece", models.WordPiece(**UNKNOWN), trainers.WordPieceTrainer(**OPTIONS, **SPECIAL)),
    ("bpe-with-prefix", models.BPE(**UNKNOWN, **PREFIX), trainers.BpeTrainer(**OPTIONS, **SPECIAL, **PREFIX)),
    ("bpe", models.BPE(**UNKNOWN), trainers.BpeTrainer(**OPTIONS, **SPECIAL)),
    ("unigram", models.Unigram(), trainers.UnigramTrainer(**OPTIONS)),
):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(WORDS, trainer)
    vocabulary = json.dumps(sorted(tokenizer.get_vocab()))
    print(name, hashlib.sha256(vocabulary.encode()).hexdigest()[:12])
PY
for _ in 1 2 3 4 5; do "$folder/venv/bin/python" "$folder/train.py"; done >"$folder/seen"
for name in wordpiece bpe-with-prefix bpe unigram; do
  echo "$name: $(grep "^$name " "$folder/seen" | sort -u | wc -l) vocabularies in 5 runs"
done | tee "$folder/counts"
[ "$(grep -cE '^(bpe|unigram): 1 ' "$folder/counts")" = 2 ]
! grep -qE '^(wordpiece|bpe-with-prefix): 1 ' "$folder/counts"
