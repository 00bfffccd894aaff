#!/usr/bin/env bash
# Guess: a folder that holds a model's configuration and no file of a tokenizer cannot be loaded as
# a tokenizer; AutoTokenizer says which file is missing.
# Seen with transformers 5.23.0: it gives a tokenizer, without an error and without a warning, whose
# whole vocabulary is the five special tokens. Every word becomes [UNK], so that a classifier's
# answer is the same for all texts of one length.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q transformers==5.23.0
mkdir "$folder/model"
echo '{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}' >"$folder/model/config.json"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" -W error - "$folder/model" <<'PY'
import sys

import transformers

tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
good, bad = (tokenizer(text)["input_ids"] for text in ("a superb film", "a dreadful film"))
print(f"transformers {transformers.__version__}: {sorted(tokenizer.get_vocab())}, {good}, {bad}")
assert {*tokenizer.get_vocab()} == {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
assert good == bad and good.count(tokenizer.unk_token_id) == 3
PY
