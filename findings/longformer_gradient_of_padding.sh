#!/usr/bin/env bash
# Guess: Longformer, which fills a text up to a multiple of its window by itself, has gradients
# wherever it has an answer.
# Seen with transformers 5.23.0: in double precision, where no token is attended globally, as in
# LongformerForMaskedLM, and a token of the filling sees nothing but filling, the logits are finite
# and gradients are NaN. In single precision they are finite.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q transformers==5.23.0 torch
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY'
import torch
import transformers

torch.manual_seed(0)
config = transformers.LongformerConfig(
    vocab_size=80, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=24, max_position_embeddings=70, attention_window=4, pad_token_id=1,
)
model = transformers.LongformerForMaskedLM(config).eval()
# Filled up to 16: three tokens, or two.
for n, dtype, broken in (
    (13, torch.float64, True), (14, torch.float64, False), (13, torch.float32, False)
):
    model.to(dtype)
    ids = torch.randint(5, 80, (1, n))
    embeddings = model.longformer.embeddings.word_embeddings(ids).detach().requires_grad_()
    mask = torch.ones(1, n, dtype=torch.long)
    logits = model(inputs_embeds=embeddings, attention_mask=mask).logits
    (gradient,) = torch.autograd.grad(logits[0, 3, 7], embeddings)
    print(f"transformers {transformers.__version__}, {n} tokens, {dtype}: {gradient.isnan().any()}")
    assert logits.isfinite().all() and bool(gradient.isnan().any()) is broken
PY
