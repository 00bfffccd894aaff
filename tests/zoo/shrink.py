"""Configurations of any architecture made tiny, by the names that they share for their sizes."""

from __future__ import annotations

import re
from typing import Any

HIDDEN, HEADS, GROUPS, HEAD, LAYERS, INNER, EXPERTS, RANK, POSITIONS = 32, 4, 2, 8, 3, 48, 4, 16, 64
WINDOW = 4

_RULES: tuple[tuple[str, int], ...] = (
    # what must not be taken for a width or a count
    (r"n_group|topk_group|num_expert_group|num_hidden_groups|inner_group_num", 1),
    (r"first_k_dense_replace|num_dense_layers|num_kv_shared_layers", 1),
    (r"attn_layer_offset|expert_layer_offset", 1),
    (r"num_nextn_predict_layers", 0),
    (
        r"_?sliding_window_pattern|attn_layer_period|expert_layer_period|layer_group_size"
        r"|no_rope_layer_interval|global_attn_every_n_layers|full_attention_interval"
        r"|(en|de)coder_sparse_step",
        2,
    ),
    (r"max_window_layers", 1),
    (r"n_layers_per_attn_res_block", 2),
    # widths
    (
        r"(decoder_|encoder_|pooler_|backbone_|cross_|text_)?hidden_size|d_model|n_embd|n_embed|dim"
        r"|emb_dim|embed_dim|embedding_(size|dim|rank)|q_lora_rank|word_embed_proj_dim|d_latents"
        r"|true_hidden_size|intra_bottleneck_size|lru_width|(in|out)put_embedding_size"
        r"|entity_emb_size|prediction_head_size|router_hidden_size|projection_dim|mlp_dim"
        r"|(pronunciation|shape|ple)_embed_dim|xpath_unit_hidden_size|entity_embedding_size",
        HIDDEN,
    ),
    (r"qk_head_dim", 2 * HEAD),
    (
        r"(swa_|index_|linear_(key_|value_)?|attention_|mamba_|global_|rope_)?head_dim|d_head|d_kv"
        r"|qk_(rope|nope)_head_dim|v_head_dim|kv_channels|attention_head_size|dim_head"
        r"|mamba_d_head|mamba_headdim|rotary_dim",
        HEAD,
    ),
    (
        r"(swa_)?num_key_value_heads|num_kv_heads|n_head_kv|num_experts_per_tok(en)?|moe_(top)?k"
        r"|(moe_)?top_?k(_experts)?|num_query_groups|n(um)?_groups|mamba_n_?groups"
        r"|linear_num_key_heads|num_global_key_value_heads|num_selected_experts|zero_expert_num"
        r"|o_groups|index_topk_blocks",
        GROUPS,
    ),
    (r"mamba_n_heads|mamba_num_heads|n_mamba_heads", 2 * HEADS),
    (
        r"(swa_|en?coder_|decoder_)?num_attention_heads|n_heads?|num_heads|(en|de)coder_attention_heads"
        r"|num_(en|de)coder_attention_heads|attention_heads|num_(self|cross)_attention_heads"
        r"|index_n_heads|linear_num_(value_)?heads",
        HEADS,
    ),
    (
        r"num_hidden_layers|n_layers?|num_layers|(en|de)coder_layers|num_(en|de)coder_layers"
        r"|(decoder|encoder)_num_hidden_layers|num_blocks|num_self_attends_per_block"
        r"|num_layers_per_stack|num_mem_blocks",
        LAYERS,
    ),
    (r"num_sparse_(en|de)coder_layers", 1),
    (
        r"(moe_|dense_|shared_|shared_expert_|moe_shared_expert_|expert_|encoder_|decoder_)*"
        r"(intermediate|ffn_hidden)_size(_mlp)?"
        r"|(en|de)coder_ffn_dim|ffn_(hidden_size|dim)|d_ff|dim_ff|dff|d_inner|hidden_dim|n_inner"
        r"|feed_forward_size|block_ff_dim|mamba_d_ssm|moe_ffn_hidden_size|prompt_mid_dim",
        INNER,
    ),
    (r"(num_|moe_num_|num_local_|n_routed_)experts|num_moe_experts", EXPERTS),
    (
        r"(kv|o)_lora_rank|\w*_rank|(mamba_)?d_state|(ssm_)?state_size|(mamba_)?chunk_size"
        r"|\w*lowrank|hidden_size_per_layer_input|segment_means_seq_len|num_landmarks"
        r"|num_latents",
        RANK,
    ),
    (r"original_max_position_embeddings", POSITIONS // 2),
    (
        r"(max_\w*)?position_embeddings|n_positions|n_ctx|max_seq_len|max_(source|target)_positions"
        r"|context_length|model_max_length|max_sequence_length|index_topk",
        POSITIONS,
    ),
    (
        r"sliding_window(_size)?|local_attention|attention_window(_size)?|window_size"
        r"|attention_chunk_size|local_radius|block_size|global_block_size|index_block_size",
        WINDOW,
    ),
    # pictures
    (r"audio_hidden_size", HIDDEN),
    (r"image_size|input_size", 32),
    (r"patch_size", 8),
)
_PATTERNS = [(re.compile(pattern), size) for pattern, size in _RULES]
_STAGES: tuple[tuple[str, int, int], ...] = (
    (r"depths?|n_attn_blocks|num_block_repeats", 2, 0),
    (r"num(_attention)?_heads", 2, 0),
    (r"hidden_sizes|embed_dims?|base_attn_unit_dims", 16, 16),
    (r"key_dim", 8, 0),
)
"""Lists with an entry a stage: the name, the first size, and by how much the next is larger."""
_STAGED = {"image_size": 64, "patch_size": None, "embed_dim": 16}
"""Of models in stages: a picture that can be halved so often, and their own patches."""
_OPTIONAL = re.compile(
    r"num_key_value_heads|head_dim|n_head_kv|num_experts_per_tok|n_routed_experts"
)
"""Where None, they would be found by rules that other sizes have; they are set."""
_LEFT_OUT = re.compile(
    r"transformers_version|model_type|rope_parameters|rope_scaling|id2label|label2id|per_layer_config"
)
_TOKENS = {"pad": 0, "unk": 1, "bos": 2, "cls": 2, "eos": 3, "sep": 3, "mask": 4, "question": 4}
"""Ids of the tiny tokenizer."""


def special(model_type: str) -> dict[str, Any]:
    """What a configuration cannot be built, or would have no meaning, without."""
    return {
        # 64 channels of its state-space heads are 2 x 32, and must be heads x width
        "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8, "attn_layer_indices": [1]},
        "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 8, "mamba_d_head": 8},
        # by default, or so few, they would all be of one kind, which its cache cannot serve
        "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"] * 2},
        "kimi_linear": {"layer_types": ["linear_attention", "full_attention"] * 2},
        "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2, "num_hidden_layers": 4},
        # blocks are run again and again: their number is made of these
        "hrm_text": {"num_layers_per_stack": None, "num_hidden_layers": 1},
        "dots1": {"n_shared_experts": 1},  # none by default, which it cannot be
        "dbrx": {
            "attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0},
            "ffn_config": {
                "ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 2,
                "ffn_act_fn": {"name": "silu"},
            },
        },
        # layers of its pictures' part are named one by one
        "dots3_note": {
            "vision_config": {"adapter_out_dim": 32}, "audio_config": {"adapter_out_dim": 32},
        },
        "neomme": {"head_dim": 16},  # of which it rotates a quarter, two by two
        # its windows may be no larger than its last stage
        "swin": {"depths": [2, 2, 2], "num_heads": [2, 2, 2]},
        "donut-swin": {"depths": [2, 2, 2], "num_heads": [2, 2, 2]},
        "cvt": {"depth": [1, 2, 3]},  # its stages read the rates of as many blocks
        # other lists have these sizes too
        "hgnet_v2": {"hidden_sizes": [256, 512, 1024, 2048]},
        "textnet": {"hidden_sizes": [64, 64, 128, 256, 512]},
        "efficientnet": {"hidden_dim": 2560},
        "perceiver": {"num_cross_attention_heads": 1},
        "rwkv": {"attention_hidden_size": 32},
        "xmod": {"default_language": "en_XX"},
        "zaya": {"num_experts_per_tok": 1},  # it supports no more
        "xlstm": {"hidden_size": 128, "embedding_dim": 128},  # rounded up to 64
        "qwen4_exp_text": {
            "indexer_n_heads": 4, "indexer_kv_heads": 1, "indexer_head_dim": 8,
            "indexer_budget": 64, "indexer_compress_ratio": 4,
        },
        # axial positions multiply to the length and add up to the width; one kind of layer a list
        "reformer": {
            "axial_pos_shape": [8, 8], "axial_pos_embds_dim": [16, 16], "num_hashes": 1,
            "attn_layers": ["local", "lsh", "local"], "local_attn_chunk_length": 4,
            "lsh_attn_chunk_length": 4, "num_buckets": 4,
        },
        "gpt_neo": {"attention_types": [[["global", "local"], 2]], "num_layers": 4},
        # its rotated part is half of a head, which it takes for the whole where it is named
        "mistral4": {"head_dim": 16},
        # its own default names no kind of layer
        "cohere_compass_text": {
            "rope_parameters": {
                kind: {"rope_type": "default", "rope_theta": 10000.0}
                for kind in ("full_attention", "sliding_attention")
            }
        },
        "esmc": {"num_key_value_heads": 4},  # it refuses groups of keys
        # widths of the parts of a box add up to the width of all
        "layoutlmv2": {"coordinate_size": 4, "shape_size": 8},
        "layoutlmv3": {"coordinate_size": 4, "shape_size": 8},
        "lilt": {"hidden_size": 48},  # six parts of a box
        "esm": {"mask_token_id": 4, "token_dropout": True},
        "funnel": {"block_sizes": [2, 2], "num_decoder_layers": 2, "block_repeats": [1, 1]},
        # its attention reads the embeddings beside the states: twice as wide
        "zamba": {
            "attention_hidden_size": 64, "attention_head_dim": 16, "n_mamba_heads": 2,
            "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
            "num_hidden_layers": 4, "num_key_value_heads": 4,
        },
        "zamba2": {
            "attention_hidden_size": 64, "attention_head_dim": 16, "n_mamba_heads": 8,
            "mamba_headdim": 8, "num_hidden_layers": 4, "num_key_value_heads": 4,
            "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
            "kv_channels": 8, "hybrid_layer_ids": [1, 3], "num_mem_blocks": 1,
        },
        # heads of its state-space layers are found from the width
        "mamba2": {"num_heads": 8, "head_dim": 8},
        "mobilebert": {"true_hidden_size": 16, "intra_bottleneck_size": 16, "embedding_size": 16},
        "recurrent_gemma": {"num_hidden_layers": 3},
    }.get(model_type, {})  # fmt: skip


def size_of(name: str) -> int | None:
    """The tiny size of what is called so; None where it is no size that we know."""
    return next((size for pattern, size in _PATTERNS if pattern.fullmatch(name)), None)


def _stages(name: str, values: list[Any]) -> list[int] | None:
    """The tiny sizes of stages; None where the list is no such thing."""
    if not values or not all(isinstance(one, int) for one in values):
        return None
    for pattern, first, more in _STAGES:
        if re.fullmatch(pattern, name):
            return [min(one, first + i * more) for i, one in enumerate(values)]
    return None


def _token_id(name: str, value: Any, vocabulary: int) -> Any:
    """An id that the tiny vocabulary has, for a token of this name."""
    kind = name.removesuffix("_token_id").removesuffix("_token_index").removesuffix("_index")
    if kind in _TOKENS:
        return _TOKENS[kind]
    if value is None or (isinstance(value, int) and value < 5):
        return value
    if name in ("decoder_start_token_id", "forced_eos_token_id", "forced_bos_token_id"):
        return _TOKENS["bos"]
    # what stands for a picture or a sound must stand in no text: the last ids are rare letters
    return vocabulary - 1 - sum(map(ord, name)) % 4


def shrink(config: Any, vocabulary: int, **options: Any) -> dict[str, Any]:
    """The arguments that make a tiny configuration like this one.

    Args:
        config: One with the defaults of its class.
        vocabulary: How many token ids there are.
        **options: More arguments, for the outermost.
    """
    found: dict[str, Any] = {}
    inner = {*getattr(type(config), "sub_configs", {})}
    values = {k: v for k, v in config.to_dict().items() if not _LEFT_OUT.fullmatch(k)}
    staged = any(isinstance(v, list) and _stages(k, v) is not None for k, v in values.items())
    for name, value in values.items():
        if name in inner:
            part = getattr(config, name, None)
            if part is not None and hasattr(part, "to_dict"):
                found[name] = shrink(part, vocabulary)
                found[name]["model_type"] = part.model_type
        elif re.fullmatch(r"\w*_token_(id|index)|(pad|bos|eos|unk|mask)_index", name):
            found[name] = _token_id(name, value, vocabulary)
        elif name != "type_vocab_size" and re.fullmatch(r"(\w+_)?vocab_size(_\w+)?", name):
            found[name] = vocabulary
        elif isinstance(value, list) and (sizes := _stages(name, value)) is not None:
            found[name] = sizes
        elif staged and name in _STAGED and isinstance(value, int | list):
            size = _STAGED[name] or value
            found[name] = [size] * len(value) if isinstance(value, list) and size != value else size
        elif isinstance(value, bool | str | float):
            found[name] = value
        elif isinstance(value, int) or (value is None and _OPTIONAL.fullmatch(name)):
            size = size_of(name)
            # a size of zero switches a part off
            found[name] = value if size is None or value == 0 else size
    if "kv_lora_rank" in found and "num_key_value_heads" in found:
        found["num_key_value_heads"] = HEADS  # its keys and values are spread to every head
    lists = [k for k, v in values.items() if isinstance(v, list) and k not in inner]
    if {"layer_types", "layers_block_type"} & {*lists} and found.get("num_hidden_layers"):
        found["num_hidden_layers"] = LAYERS + 1  # each kind of layer at least once
    if getattr(config, "is_encoder_decoder", False):
        found.setdefault("decoder_start_token_id", _TOKENS["pad"])
    known = _renamed(config)
    found = {known.get(name, name): value for name, value in found.items()}
    return {**found, **special(config.model_type), **options}


def _renamed(config: Any) -> dict[str, str]:
    """Which names a class takes for others; both are not to be given."""
    return dict(getattr(type(config), "attribute_map", {}))


def tiny_config(kind: type, vocabulary: int, **options: Any) -> Any:
    """A tiny configuration of that class."""
    config = kind()
    return kind(**shrink(config, vocabulary, **options))
