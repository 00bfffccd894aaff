"""Folders that lack what an explanation needs: refused, and what is missing is named."""

import copy

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, models

from calig_nb import Explainer

from ..helpers.zoo import (
    IMAGE_OPTIONS,
    PATCHES,
    SENTENCE,
    picture,
    processor,
    tiny_model,
)


def save(folder, *parts):
    for part in parts:
        part.save_pretrained(folder)
    return folder


def test_a_whole_folder_is_the_model_itself(tmp_path, tokenizer):
    model = tiny_model("bert")
    explainer = Explainer.from_pretrained(save(tmp_path, model, tokenizer), dtype=torch.float64)
    expected = model(**tokenizer(SENTENCE, return_tensors="pt")).logits[0, 1].detach()
    assert explainer.explain(SENTENCE, target=1).score == pytest.approx(float(expected), abs=1e-12)


def test_tied_weights_are_not_missing(tmp_path, tokenizer):
    config = hf.GPT2Config(
        vocab_size=80, n_embd=16, n_layer=2, n_head=2, n_positions=64, pad_token_id=0
    )
    folder = save(tmp_path, hf.GPT2LMHeadModel(config), tokenizer)
    assert len(Explainer.from_pretrained(folder).predict(SENTENCE)) == 1


@pytest.mark.bad_input
@pytest.mark.parametrize("name", ["bert", "distilbert", "deberta-v2", "gpt2"])
def test_a_folder_without_its_tokenizers_files_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer.*save_pretrained"):
        Explainer.from_pretrained(save(tmp_path, tiny_model(name)))


@pytest.mark.bad_input
def test_a_folder_without_its_image_processor_is_refused(tmp_path):
    config = hf.ViTConfig(**IMAGE_OPTIONS, **PATCHES, num_labels=3)
    save(tmp_path, hf.ViTForImageClassification(config))
    with pytest.raises(ValueError, match=r"the model's image processor, which cannot be loaded"):
        Explainer.from_pretrained(tmp_path)
    save(tmp_path, processor())
    assert Explainer.from_pretrained(tmp_path).explain(picture()).grid == (2, 2)


@pytest.mark.bad_input
def test_a_tokenizer_without_words_is_refused():
    known = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "##": 5}
    empty = hf.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordPiece(known, unk_token="[UNK]")),
        **{f"{one[1:-1].lower()}_token": one for one in known if one.startswith("[")},
    )
    with pytest.raises(ValueError, match=r"tokenizer that knows words, got one whose vocabulary"):
        Explainer(tiny_model("bert"), empty)


@pytest.mark.bad_input
@pytest.mark.parametrize("part", ["encoder alone", "another task", "another number of classes"])
def test_a_checkpoint_without_its_heads_weights_is_refused(part, tmp_path, tokenizer):
    model, options = tiny_model("bert", torch.float32), {}
    if part == "encoder alone":
        save(tmp_path, model.bert)
    elif part == "another task":
        save(tmp_path, hf.BertForNextSentencePrediction(model.config))
    else:
        save(tmp_path, model)
        options = {"num_labels": 5, "ignore_mismatched_sizes": True}
    save(tmp_path, tokenizer)
    with pytest.raises(ValueError, match=r"all weights of BertFor.*classifier.weight.*random"):
        Explainer.from_pretrained(tmp_path, **options)


@pytest.mark.bad_input
def test_a_lost_weight_within_the_encoder_is_refused(tmp_path, tokenizer):
    from safetensors.torch import load_file, save_file

    save(tmp_path, tiny_model("bert", torch.float32), tokenizer)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks 1 of them: bert.encoder.layer.1.output.dense.w"):
        Explainer.from_pretrained(tmp_path)


@pytest.mark.bad_input
def test_the_tokenizer_of_another_model_is_refused(tokenizer):
    other = copy.deepcopy(tokenizer)
    other.add_tokens([f"word{i}" for i in range(9)])
    explainer = Explainer(tiny_model("bert"), other)
    with pytest.raises(ValueError, match=r"which the model knows, got \[8\d\]. Take the tokenizer"):
        explainer.explain("a word8")
    assert explainer.explain("a film").score


def test_a_text_of_unknown_words_alone_is_told(tokenizer):
    with pytest.warns(UserWarning, match=r"no word that the tokenizer knows, only \[UNK\]"):
        Explainer(tiny_model("bert"), tokenizer).explain("☕ ☕")
