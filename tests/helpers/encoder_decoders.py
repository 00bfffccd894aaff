"""Small random encoder-decoders, a tokenizer for them, and what their layers are, by hand."""

from __future__ import annotations

from contextlib import ExitStack

import torch
import transformers as hf
from tokenizers import processors

from .zoo import tiny_tokenizer

TEXT, PREFIX = "The plot is thin, but good.", "a film"
PAD, END = 0, 3

_T5 = {
    "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 3, "num_decoder_layers": 2, "num_heads": 2,
    "relative_attention_max_distance": 8, "relative_attention_num_buckets": 8,
}  # fmt: skip
_BART = {
    "d_model": 16, "encoder_layers": 3, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
    "max_position_embeddings": 40, "init_std": 0.2,
}  # fmt: skip
_CONFIGS = {
    "t5": (hf.T5Config, {**_T5, "decoder_start_token_id": PAD}),
    "bart": (hf.BartConfig, _BART),
    "marian": (hf.MarianConfig, _BART),
    "pegasus": (hf.PegasusConfig, {**_BART, "decoder_start_token_id": PAD}),
    "mbart": (hf.MBartConfig, _BART),
    "m2m100": (hf.M2M100Config, _BART),
    "blenderbot": (hf.BlenderbotConfig, _BART),
}
NAMES = tuple(_CONFIGS)


def writing_tokenizer():
    """The tiny tokenizer, that ends a text as T5's does and begins it with nothing."""
    tokenizer = tiny_tokenizer(eos_token="[SEP]")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", special_tokens=[("[SEP]", END)]
    )
    return tokenizer


def writing_model(name, dtype=torch.float64, seed=0, **options):
    """A random encoder-decoder in evaluation mode."""
    torch.manual_seed(seed)
    kind, own = _CONFIGS[name]
    start = {"decoder_start_token_id": END, "bos_token_id": 2, "forced_eos_token_id": None}
    config = kind(
        **{"vocab_size": 80, "pad_token_id": PAD, "eos_token_id": END, **start, **own, **options}
    )
    config.forced_bos_token_id = options.get("forced_bos_token_id")
    model = hf.AutoModelForSeq2SeqLM.from_config(config).to(dtype).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter.ndim == 1 and parameter_name.endswith("bias"):
                parameter.normal_(std=0.2)
    return model


def chains_of(model):
    """The blocks of the encoder and of the decoder."""
    encoder, decoder = model.get_encoder(), model.get_decoder()
    return [getattr(one, "block", None) or one.layers for one in (encoder, decoder)]


def read_place(model):
    """Number of the argument in which a decoder's block is given the encoder's output."""
    return 3 if hasattr(model.get_decoder(), "block") else 2


class ByHand:
    """A model's layers, met and entered by torch's own hooks.

    Args:
        model: The encoder-decoder.
        ids: (1, tokens) the input.
        output: (1, tokens) the output so far.
        score: Logits (rows, vocabulary) -> scores (rows,).
    """

    def __init__(self, model, ids, output, score):
        self.model, self.ids, self.output, self.score = model, ids, output, score
        self.encoder, self.decoder = chains_of(model)
        self.n = ids.shape[1]
        self.n_layers = len(self.encoder) + len(self.decoder)

    def run(self, ids, output, **options):
        return self.model(input_ids=ids, decoder_input_ids=output, use_cache=False, **options)

    def states(self, ids, output):
        """L + 1 states (all tokens, hidden)."""
        met = {"own": [], "read": [], "written": []}

        def enters(name):
            return lambda _, args: met[name].append(args[0][0].detach())

        def reads(_, args):
            met["read"].append(args[read_place(self.model)][0].detach())

        def leaves(_, __, result):
            met["written"].append((result[0] if isinstance(result, tuple) else result)[0].detach())

        with ExitStack() as stack:
            for block in self.encoder:
                stack.callback(block.register_forward_pre_hook(enters("own")).remove)
            for block in self.decoder:
                stack.callback(block.register_forward_pre_hook(enters("written")).remove)
                stack.callback(block.register_forward_pre_hook(reads).remove)
            stack.callback(self.decoder[-1].register_forward_hook(leaves).remove)
            with torch.no_grad():
                self.run(ids, output)
        (read, *_), written = met["read"], met["written"]
        below = [torch.cat([one, written[0]]) for one in met["own"]]
        return below + [torch.cat([read, one]) for one in written]

    def score_from(self, layer, point):
        """The score when a state (all tokens, hidden) takes the place of a layer's."""
        own, written = point[None, : self.n], point[None, self.n :]
        turn = len(self.encoder)

        def enter(_, args):
            return (own, *args[1:])

        def read(_, args):
            place = read_place(self.model)
            return (*args[:place], own, *args[place + 1 :])

        def write(_, args):
            return (written, *args[1:])

        def leave(_, __, result):
            return (written, *result[1:]) if isinstance(result, tuple) else written

        with ExitStack() as stack:
            if layer < turn:
                stack.callback(self.encoder[layer].register_forward_pre_hook(enter).remove)
            else:
                for block in self.decoder:
                    stack.callback(block.register_forward_pre_hook(read).remove)
            if layer == self.n_layers:
                stack.callback(self.decoder[-1].register_forward_hook(leave).remove)
            else:
                block = self.decoder[max(0, layer - turn)]
                stack.callback(block.register_forward_pre_hook(write).remove)
            return self.score(self.run(self.ids, self.output).logits[:, -1])[0]

    def gradient(self, layer):
        """A function of one point (all tokens, hidden): the score's gradient there."""

        def of(point):
            leaf = point.detach().requires_grad_()
            return torch.autograd.grad(self.score_from(layer, leaf), leaf, materialize_grads=True)[
                0
            ]

        return of
