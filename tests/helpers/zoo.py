"""Small random models of several architectures, built from a config: no download, no training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
import transformers as hf
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from calig_nb.attribution.evidence import Batch
from calig_nb.attribution.request import Target, score_function
from calig_nb.models.points import Points

WORDS = (
    "the plot is thin but acting superb not good bad a film it , . ' very ##ly ##s un ##th".split()
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCE = "The plot is thin, but the acting is superb."


def tiny_tokenizer(**options):
    """A lower-casing WordPiece tokenizer with a vocabulary of a few words and all letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = SPECIAL + WORDS + list(letters) + [f"##{c}" for c in letters]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=48,
        model_input_names=["input_ids", "attention_mask"],  # what every architecture takes
        **{f"{key}_token": value for key, value in names.items()},
        **options,
    )


def processor(side=8, **options):
    """An image processor for pictures of that side."""
    return hf.ViTImageProcessor(size={"height": side, "width": side}, **options)


def picture(width=8, height=8, seed=0):
    """A picture of random pixels."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


_SIZE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 80}
_FORWARD = {"intermediate_size": 24, "max_position_embeddings": 64}
_CONFIGS = {
    "bert": lambda: hf.BertConfig(**_SIZE, **_FORWARD),
    "albert": lambda: hf.AlbertConfig(
        **_SIZE, **_FORWARD, embedding_size=8, inner_group_num=1, num_hidden_groups=1
    ),
    "distilbert": lambda: hf.DistilBertConfig(
        vocab_size=80, dim=16, n_layers=3, n_heads=2, hidden_dim=24, max_position_embeddings=64
    ),
    "gpt2": lambda: hf.GPT2Config(
        vocab_size=80,
        n_embd=16,
        n_layer=3,
        n_head=2,
        n_positions=64,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    ),
    "deberta-v2": lambda: hf.DebertaV2Config(
        **_SIZE,
        **_FORWARD,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_buckets=8,
    ),
}
ARCHITECTURES = tuple(_CONFIGS)


def tiny_model(architecture, dtype=torch.float64, seed=0, n_labels=3):
    """A random classifier in evaluation mode, rough enough that nothing is nearly linear."""
    torch.manual_seed(seed)
    config = _CONFIGS[architecture]()
    config.num_labels = n_labels
    return rough(hf.AutoModelForSequenceClassification.from_config(config), dtype)


def rough(model, dtype=torch.float64):
    """The model with weights so large that nothing is nearly linear, in evaluation mode."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.mul_(7)
            elif name.endswith("bias"):
                parameter.normal_(std=0.2)
    return model.to(dtype).eval()


class OwnHead(torch.nn.Module):
    """An encoder in a module of one's own: no configuration, no options, logits and no more."""

    def __init__(self, encoder, **options):
        super().__init__()
        self.encoder, self.options = encoder, options
        self.head = torch.nn.Linear(16, 3)

    def forward(self, **inputs):
        rows = len(next(iter(inputs.values())))
        options = {name: value.expand(rows, -1) for name, value in self.options.items()}
        return self.head(torch.tanh(self.encoder(**inputs, **options)[0][:, 0]))


def _text(config, **options):
    """A classifier of ``config``'s kind, of the size of the others."""
    config = config(**{**_SIZE, **_FORWARD, "pad_token_id": 0, **options, "num_labels": 3})
    return hf.AutoModelForSequenceClassification.from_config(config)


IMAGE_OPTIONS = {**{k: v for k, v in _SIZE.items() if k != "vocab_size"}, "intermediate_size": 24}
PATCHES = {"image_size": 8, "patch_size": 4, "num_channels": 3}


def _image(config, classifier, **options):
    return classifier(config(**{**IMAGE_OPTIONS, **PATCHES, **options, "num_labels": 3}))


def _t5():
    return hf.T5Config(
        vocab_size=80, d_model=16, d_kv=8, d_ff=24, num_layers=3, num_decoder_layers=3,
        num_heads=2, pad_token_id=0, eos_token_id=3, decoder_start_token_id=0,
        relative_attention_max_distance=8, relative_attention_num_buckets=8, num_labels=3,
    )  # fmt: skip


def vit_mae(**options):
    config = hf.ViTMAEConfig(
        **IMAGE_OPTIONS, **PATCHES, mask_ratio=0.0, decoder_hidden_size=16,
        decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=24,
    )  # fmt: skip
    return OwnHead(hf.ViTMAEModel(config), **options)


def _swin():
    options = {"embed_dim": 8, "depths": [2, 2], "window_size": 2, "num_labels": 3}
    config = hf.SwinConfig(image_size=8, patch_size=1, num_heads=[2, 2], mlp_ratio=2, **options)
    return hf.SwinForImageClassification(config)


_DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
_MODERN = {"local_attention": 4, "global_attn_every_n_layers": 2}
_GROUPED = {"num_key_value_heads": 1}
ZOO = {
    "bert": ("BertLayer", lambda: _text(hf.BertConfig)),
    "roberta": ("RobertaLayer", lambda: _text(hf.RobertaConfig, pad_token_id=1)),
    "xlm-roberta": ("XLMRobertaLayer", lambda: _text(hf.XLMRobertaConfig, pad_token_id=1)),
    "distilbert": ("TransformerBlock", lambda: _text(hf.DistilBertConfig, hidden_dim=24)),
    "electra": ("ElectraLayer", lambda: _text(hf.ElectraConfig, embedding_size=8)),
    "deberta-v2": ("DebertaV2Layer", lambda: _text(hf.DebertaV2Config, **_DEBERTA)),
    "albert": ("AlbertLayerGroup", lambda: _text(hf.AlbertConfig, embedding_size=8)),
    "albert-groups": (
        "AlbertLayerGroup",
        lambda: _text(hf.AlbertConfig, embedding_size=8, num_hidden_groups=2, num_hidden_layers=4),
    ),
    "mpnet": ("MPNetLayer", lambda: _text(hf.MPNetConfig, pad_token_id=1)),
    "modernbert": ("ModernBertEncoderLayer", lambda: _text(hf.ModernBertConfig, **_MODERN)),
    "t5": ("T5Block", lambda: hf.T5ForSequenceClassification(_t5())),
    "t5-encoder": ("T5Block", lambda: OwnHead(hf.T5EncoderModel(_t5()))),
    "gpt2": ("GPT2Block", lambda: _text(hf.GPT2Config)),
    "gpt2-no-pad": ("GPT2Block", lambda: _text(hf.GPT2Config, pad_token_id=None)),
    "llama": ("LlamaDecoderLayer", lambda: _text(hf.LlamaConfig, **_GROUPED)),
    "llama-no-pad": (
        "LlamaDecoderLayer",
        lambda: _text(hf.LlamaConfig, **_GROUPED, pad_token_id=None),
    ),
    "qwen2": ("Qwen2DecoderLayer", lambda: _text(hf.Qwen2Config, **_GROUPED)),
    "qwen2-no-pad": (
        "Qwen2DecoderLayer",
        lambda: _text(hf.Qwen2Config, **_GROUPED, pad_token_id=None),
    ),
    "vit": ("ViTLayer", lambda: _image(hf.ViTConfig, hf.ViTForImageClassification)),
    "deit": ("DeiTLayer", lambda: _image(hf.DeiTConfig, hf.DeiTForImageClassification)),
    "beit": (
        "BeitLayer",
        lambda: _image(
            hf.BeitConfig, hf.BeitForImageClassification, use_relative_position_bias=True
        ),
    ),
    "beit-shared": (
        "BeitLayer",
        lambda: _image(
            hf.BeitConfig, hf.BeitForImageClassification, use_shared_relative_position_bias=True
        ),
    ),
    "dinov2": (
        "Dinov2Layer",
        lambda: _image(hf.Dinov2Config, hf.Dinov2ForImageClassification, mlp_ratio=2),
    ),
    "swin": ("SwinLayer", _swin),
    "vit-mae": ("ViTMAELayer", lambda: vit_mae(noise=torch.arange(4.0)[None])),
}
"""The class of an architecture's blocks, and its builder."""
FAMILIES = ("bert", "albert", "deberta-v2", "t5", "gpt2", "llama", "vit", "swin", "vit-mae")
"""One of each kind: shared blocks, relative positions, two stacks, causal, patches, stages."""
CAUSAL = ("gpt2", "llama", "qwen2")
PADDING = {"roberta": 1, "xlm-roberta": 1, "mpnet": 1}
IMAGES = ("vit", "deit", "beit", "beit-shared", "dinov2", "swin", "vit-mae")


def zoo_model(name, seed=0):
    """A random classifier of that architecture, nothing in it zero or nearly linear."""
    torch.manual_seed(seed)
    model = rough(ZOO[name][1]())
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():  # class tokens and relative positions begin at zero
                parameter.normal_(std=0.2)
    return model


def zoo_blocks(model, name):
    """Its blocks by their class's name; of an encoder-decoder those of the encoder."""
    named = [m for m in model.modules() if type(m).__name__ == ZOO[name][0]]
    return [m for m in named if not getattr(m, "is_decoder", False)]


def zoo_depth(name):
    """How many blocks it runs; some share their weights."""
    return {"albert-groups": 4, "swin": 4}.get(name, 3)


def zoo_inputs(name):
    """An input and its baseline as two rows; to a causal model the baseline is all padding."""
    generator = torch.Generator().manual_seed(1)
    if name in IMAGES:
        image = torch.randn(1, 3, 8, 8, dtype=torch.float64, generator=generator)
        return {"pixel_values": torch.cat([image, torch.zeros_like(image)])}
    ids = torch.randint(5, 80, (1, 9), generator=generator)
    other = torch.full_like(ids, PADDING.get(name, 0))
    if not name.startswith(CAUSAL):
        ids[0, [0, -1]] = other[0, [0, -1]] = torch.tensor([2, 3])
    mask = torch.ones_like(ids).repeat(2, 1)
    return {"input_ids": torch.cat([ids, other]), "attention_mask": mask}


SCORE = Target(1, None, "logit").score


def trace(model, pair, target=None, **options):
    """A pair of rows traced for one target: input and baseline; heads apart, not averaged."""
    heads = {}
    own, baseline = ({name: value[i : i + 1] for name, value in pair.items()} for i in range(2))
    score = score_function([[target or Target(1, None, "logit")]])
    both = len(next(iter(pair.values()))) > 1
    forward = model.forward(own, baseline if both else None, **options)
    found = forward.backward(score(forward.logits, forward.items), heads.__setitem__)
    return SimpleNamespace(
        logits=found.logits,
        hidden_states=found.hidden_states,
        hidden_gradients=[gradients[0] for gradients in found.hidden_gradients],
        heads=[heads[layer] for layer in range(len(heads))],
        relevance=[relevance[0] for relevance in found.attention_relevance],
        row_bytes=found.row_bytes,
    )


def batch_of(inputs, baselines, request):
    """One item as a batch, with one request."""
    return Batch(inputs, baselines, [""], [[request]], [()], [""])


def replay(model, inputs, layer, hidden):
    """The logits of points that enter one block of one input."""
    return model.replay(inputs, Points({layer: hidden}, torch.zeros(len(hidden), dtype=int)))


def gradient(model, inputs, layer, hidden, target=None):
    """The gradients of one score at points that enter one block of one input."""
    points = Points({layer: hidden}, torch.zeros(len(hidden), dtype=int))
    score = score_function([[target or Target(1, None, "logit")]])
    return model.gradients(inputs, points, score)[layer][0]


def row(inputs, index=0):
    """One row of a batch of inputs."""
    return {name: value[index : index + 1] for name, value in inputs.items()}


def logits_of(output):
    return output if torch.is_tensor(output) else output.logits


class Softmaxes(torch.overrides.TorchFunctionMode):
    """Keeps every attention matrix at its birth, whatever the model makes of it."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") == "softmax" and result.ndim == 4:
            self.found.append(result)
        return result
