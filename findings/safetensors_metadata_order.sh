#!/usr/bin/env bash
# Guess: saving the same arrays with the same metadata gives the same bytes, so that a file can be
# named, compared or signed by its digest.
# Seen with safetensors 0.8.0: with two or more keys of metadata the header lists them in another
# order from one call to the next, in one process too; without metadata, or with one key, the bytes
# are the same every time. Whoever hashes such a file hashes the draw: compare content, or keep all
# in one key.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import safetensors
from safetensors.numpy import save

arrays = {"a": np.zeros(2, np.float32), "b": np.ones(3, np.float32)}
plain = {save(arrays) for _ in range(30)}
one = {save(arrays, {"format": "x"}) for _ in range(30)}
three = {save(arrays, {"format": "x", "model": "y", "text": "z"}) for _ in range(30)}
print(f"safetensors {safetensors.__version__}, different files of 30:", end=" ")
print(f"no metadata {len(plain)}, one key {len(one)}, three keys {len(three)}")
assert (len(plain), len(one)) == (1, 1) and len(three) > 1
PY
