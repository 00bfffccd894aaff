"""Encoder-decoders that write: both ledgers, against themselves and by hand."""

import copy
import warnings

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from tokenizers import processors

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.inputs.output_text import OutputReader
from calig_nb.models.encoder_decoder import EncoderDecoder
from calig_nb.models.task_heads import with_task_head

from ..helpers.encoder_decoders import (
    END,
    NAMES,
    PAD,
    PREFIX,
    TEXT,
    ByHand,
    chains_of,
    writing_model,
    writing_tokenizer,
)
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.reference import integrated_gradients
from ..helpers.zoo import tiny_model, tiny_tokenizer

pytestmark = pytest.mark.sampled(3)

GOOD, BAD = 13, 14
"""Ids of two words."""


@pytest.fixture(scope="module")
def tokenizer():
    return writing_tokenizer()


@pytest.fixture(scope="module", params=NAMES)
def written(request):
    return writing_model(request.param)


@pytest.fixture(scope="module")
def bart():
    return writing_model("bart")


@pytest.fixture(scope="module")
def explainer(bart, tokenizer):
    return Explainer(bart, tokenizer, cache=False)


def ids_of(model, tokenizer, text=TEXT, prefix=PREFIX):
    """The input's ids and the output's, and those of their baselines."""
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    own = tokenizer(prefix, add_special_tokens=False)["input_ids"] if prefix else []
    output = torch.tensor([[model.config.decoder_start_token_id, *own]])
    below = torch.where(ids == END, ids, PAD)
    output_below = torch.cat([output[:, :1], torch.full_like(output[:, 1:], PAD)], dim=1)
    return ids, output, below, output_below


def by_hand(model, tokenizer, **options):
    ids, output, below, output_below = ids_of(model, tokenizer, **options)
    found = ByHand(model, ids, output, lambda logits: logits[:, GOOD] - logits[:, BAD])
    return found, found.states(ids, output), found.states(below, output_below)


@pytest.mark.parametrize("prefix", [PREFIX, ""])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "m2m100"])  # see below
def test_every_layer_has_the_values_of_integrated_gradients_by_hand(name, tokenizer, prefix):
    written = writing_model(name)
    options = {"target": GOOD, "contrast": BAD, "prefix": prefix}
    got = Explainer(written, tokenizer, cache=False).explain(TEXT, n_steps=8, **options)
    hand, own, below = by_hand(written, tokenizer, prefix=prefix)
    assert len(own) == len(got.layer_attributions) == hand.n_layers + 1 == 6
    for layer, (h, start) in enumerate(zip(own, below, strict=True)):
        expected = integrated_gradients(hand.gradient(layer), start, h, 8)
        np.testing.assert_allclose(
            got.layer_attributions[layer], expected, atol=1e-9 * np.abs(expected).sum()
        )
        with torch.no_grad():
            change = float(hand.score_from(layer, h) - hand.score_from(layer, start))
        assert got.score - got.baseline_score == pytest.approx(change)


def test_every_layer_is_complete(tokenizer):
    for name in ("bart", "marian", "mbart"):  # without kinks
        explainer = Explainer(writing_model(name), tokenizer, cache=False)
        got = explainer.explain(TEXT, prefix=PREFIX, target=GOOD, contrast=BAD, tolerance=1e-3)
        assert got.converged.all()
        assert np.abs(got.convergence_delta).max() <= 1e-3 * abs(got.score - got.baseline_score)
        assert got.layer_attributions[:-1, :8].any(axis=1).all(), "the input has its share"
        assert got.layer_attributions[:, -2:].any(axis=1).all(), "so has the output"


def test_score_and_probabilities_are_the_models_own(written, tokenizer):
    explainer = Explainer(written, tokenizer, cache=False)
    got = explainer.explain(TEXT, prefix=PREFIX, target=GOOD, contrast=BAD, n_steps=1)
    ids, output, below, output_below = ids_of(written, tokenizer)
    with torch.no_grad():
        logits = written(input_ids=ids, decoder_input_ids=output).logits[0, -1]
        other = written(input_ids=below, decoder_input_ids=output_below).logits[0, -1]
    assert got.score == pytest.approx(float(logits[GOOD] - logits[BAD]))
    if written.config.model_type != "m2m_100":  # whose padding has no positions, see below
        assert got.baseline_score == pytest.approx(float(other[GOOD] - other[BAD]))
    p = logits.softmax(dim=0).numpy()
    np.testing.assert_allclose(got.probabilities[:-1], p[got.config["candidates"]], rtol=1e-9)
    assert got.probabilities.sum() == pytest.approx(1)
    assert set(np.argsort(-p)[:8]) <= set(got.config["candidates"])
    said = explainer.predict(TEXT, prefix=PREFIX)
    assert said["label"][0] == explainer.explain(TEXT, prefix=PREFIX, n_steps=1).labels[0]


def test_attention_relevance_is_that_of_three_kinds_of_attention(written, tokenizer):
    got = Explainer(written, tokenizer, cache=False).explain(
        TEXT, prefix=PREFIX, target=GOOD, contrast=BAD, n_steps=1
    )
    ids, output, *_ = ids_of(written, tokenizer)
    model = copy.deepcopy(written)
    model.set_attn_implementation("eager")
    said = model(input_ids=ids, decoder_input_ids=output, output_attentions=True)
    kinds = said.encoder_attentions, said.decoder_attentions, said.cross_attentions
    flat = [a for kind in kinds for a in kind]
    logits = said.logits[0, -1]
    flows = torch.autograd.grad(logits[GOOD] - logits[BAD], flat)
    own, among, across = np.split(
        np.array([(a * g)[0].mean(dim=0).detach().numpy() for a, g in zip(flat, flows)], object),
        [3, 5],
    )
    n = ids.shape[1]
    for layer, found in enumerate(got.attention_relevance):
        expected = np.zeros(found.shape)
        if layer < 3:
            expected[:n, :n] = own[layer]
        else:
            expected[n:, n:], expected[n:, :n] = among[layer - 3], across[layer - 3]
        np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())
        assert expected[n:, :n].any() == (layer >= 3)
    heads = (
        Explainer(written, tokenizer, cache=False)
        .explain(TEXT, prefix=PREFIX, target=GOOD, contrast=BAD, n_steps=1)
        .heads(4)
    )
    np.testing.assert_allclose(heads.mean(axis=0), got.attention_relevance[4], atol=1e-6)


def test_captum_finds_the_same_in_both_chains_at_once(bart, tokenizer):
    got = Explainer(bart, tokenizer, cache=False).explain(
        TEXT, prefix=PREFIX, target=GOOD, contrast=BAD, n_steps=2
    )
    ids, output, below, output_below = ids_of(bart, tokenizer)
    encoder, decoder = bart.get_encoder(), bart.get_decoder()

    def forward(tokens, so_far):
        logits = bart(input_ids=tokens, decoder_input_ids=so_far, use_cache=False).logits[:, -1]
        return logits[:, GOOD] - logits[:, BAD]

    own = [encoder.layernorm_embedding, *encoder.layers]
    written = [decoder.layernorm_embedding, *decoder.layers]
    # What leaves the last block depends on no token of the input: Captum has no answer there.
    places = [(one, written[0]) for one in own] + [(own[-1], one) for one in written[1:-1]]
    for layer, place in enumerate(places):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of two places, that one might depend on the other
            ig = LayerIntegratedGradients(forward, list(place))
        found = ig.attribute(
            (ids, output), (below, output_below), n_steps=2, method="gausslegendre"
        )
        parts = [(one[0] if isinstance(one, tuple) else one)[0].sum(dim=-1) for one in found]
        expected = torch.cat(parts).detach().numpy()
        np.testing.assert_allclose(
            got.layer_attributions[layer], expected, atol=1e-6 * np.abs(expected).sum()
        )


def test_conductance_is_complete_and_begins_as_integrated_gradients(explainer):
    options = {"prefix": PREFIX, "target": GOOD, "contrast": BAD}
    got = explainer.explain(TEXT, method="conductance", n_steps=33, **options)
    expected = explainer.explain(TEXT, n_steps=8, **options)
    assert np.abs(got.convergence_delta).max() < 1e-6
    np.testing.assert_allclose(got.layer_attributions[0], expected.layer_attributions[0], atol=1e-6)


def test_conservative_propagation_shares_the_logit_at_every_layer(tokenizer):
    for name in ("bart", "t5", "pegasus"):
        got = Explainer(writing_model(name), tokenizer, cache=False).explain(
            TEXT, prefix=PREFIX, method="conservative"
        )
        sums = got.layer_attributions[0].sum() + got.config.get("constant_share", 0)
        assert sums + got.config["bias_share"] == pytest.approx(got.score)


@pytest.mark.parametrize("method", ["attention", "attention-rollout", "gradient-rollout-rows"])
def test_rollouts_carry_a_whole_unit_through_both_chains(explainer, method):
    got = explainer.explain(TEXT, prefix=PREFIX, method=method)
    np.testing.assert_allclose(got.layer_attributions.sum(axis=1), 1)
    assert got.layer_attributions[0, :8].any(), "the input is looked at"


def test_deleting_a_word_is_what_occlusion_says(bart, explainer, tokenizer):
    got = explainer.explain(TEXT, prefix=PREFIX, method="occlusion", target=GOOD, contrast=BAD)
    ids, output, *_ = ids_of(bart, tokenizer)

    def score(ids, output):
        with torch.no_grad():
            logits = bart(input_ids=ids, decoder_input_ids=output).logits[0, -1]
        return float(logits[GOOD] - logits[BAD])

    for place in (1, 10):
        changed = torch.cat([ids, output], dim=1)
        changed[0, place] = PAD
        without = score(changed[:, : ids.shape[1]], changed[:, ids.shape[1] :])
        found = got.layer_attributions[0, place]
        assert found == pytest.approx(score(ids, output) - without)


def test_tokens_are_the_inputs_and_the_outputs(explainer):
    got = explainer.explain(TEXT, prefix=PREFIX)
    assert got.text == f"{TEXT}\n{PREFIX}"
    assert got.inputs == {"text": TEXT, "prefix": PREFIX}
    assert got.tokens[:2] == ("The", "plot") and got.tokens[-3:] == ("[SEP]", "a", "film")
    assert got.special.tolist() == [*[False] * 8, True, True, False, False]
    assert got.segment_ids.tolist() == [*[0] * 8, -1, -1, 1, 1]
    assert got.words[-2:] == ("a", "film") and len(got.words) == 10
    assert got.config["position"] == 11 and got.config["n_output"] == 3
    assert not got.layer_attributions[:, got.special][0].any(), "what is special stays"
    assert got.layer_names == (
        "encoder 0", "encoder 1", "encoder 2", "decoder 0", "decoder 1", "output"
    )  # fmt: skip
    alone = explainer.explain(TEXT)
    assert alone.inputs == alone.text == TEXT and alone.segment_ids is None
    assert alone.tokens[-2:] == ("[SEP]", "[SEP]") and alone.config["n_output"] == 1
    assert explainer.blocks == (
        *(f"model.encoder.layers.{i}" for i in range(3)),
        *(f"model.decoder.layers.{i}" for i in range(2)),
    )


def test_the_output_before_a_position_is_what_is_read(explainer):
    long = explainer.explain(TEXT, prefix="a film it is", position=11, target=GOOD)
    short = explainer.explain(TEXT, prefix=PREFIX, target=GOOD)
    n = len(short.tokens)
    np.testing.assert_allclose(long.layer_attributions[:, :n], short.layer_attributions, atol=1e-9)
    assert not long.layer_attributions[:, n:].any()
    assert explainer.explain(TEXT, prefix="a film it is", position=-3).config["position"] == 11


def test_several_texts_are_explained_as_each_is_alone(explainer):
    texts, prefixes = [TEXT, "The acting is bad.", "A superb film"], ["a film", "", "it"]
    got = explainer.explain(texts, prefix=prefixes)
    for one, text, prefix in zip(got, texts, prefixes, strict=True):
        alone = explainer.explain(text, prefix=prefix)
        assert one.labels == alone.labels and one.inputs == alone.inputs
        np.testing.assert_allclose(one.layer_attributions, alone.layer_attributions, atol=1e-9)
    same = explainer.explain(["a good film", "good film"], prefix=["it", "it is"])  # as long
    assert [len(one.tokens) for one in same] == [6, 6]
    alone = explainer.explain("good film", prefix="it is")
    np.testing.assert_allclose(same[1].layer_attributions, alone.layer_attributions, atol=1e-9)
    all_ = explainer.explain(texts, prefix="a film")
    assert [one.inputs["prefix"] for one in all_] == ["a film"] * 3
    given = explainer.explain({"text": TEXT, "prefix": "a film"})
    np.testing.assert_array_equal(given.layer_attributions, got[0].layer_attributions)


def test_a_batch_of_other_lengths_says_what_each_row_says(explainer):
    engine = explainer.engine
    read = [
        engine.reader.read({"text": text, "prefix": prefix})
        for text, prefix in ((TEXT, "a film"), ("A film", "it is a film"), ("Good", ""))
    ]
    rows = engine.reader.pad_batch([one.model_inputs for one in read])
    with engine.model.preserve():
        together = engine.model.predict(rows)
        for row, one in zip(together, read, strict=True):
            alone = engine.model.predict(one.model_inputs)[0]
            torch.testing.assert_close(row, alone)


def test_a_wider_decoder_has_both_ledgers_too(tokenizer):
    import transformers as hf

    torch.manual_seed(0)
    size = {"vocab_size": 80, "num_hidden_layers": 2, "num_attention_heads": 2}
    both = [
        hf.BertConfig(
            **size, hidden_size=width, intermediate_size=24, max_position_embeddings=40, **more
        )
        for width, more in (
            (16, {}), (24, {"is_decoder": True, "add_cross_attention": True})
        )
    ]  # fmt: skip
    config = hf.EncoderDecoderConfig.from_encoder_decoder_configs(*both)
    config.decoder_start_token_id, config.pad_token_id = 2, PAD
    model = hf.EncoderDecoderModel(config=config).double().eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.mul_(7)
    got = Explainer(model, tokenizer, cache=False).explain(TEXT, prefix=PREFIX, tolerance=1e-4)
    assert got.layer_attributions.shape == (5, 12)
    change = abs(got.score - got.baseline_score)
    assert np.abs(got.convergence_delta).max() <= 1e-3 * change
    assert got.layer_attributions[:-1, :8].any(axis=1).all()


def test_padding_keeps_the_positions_of_the_text(tokenizer):
    """M2M100 makes positions of token ids: a padded baseline would have none."""
    model = writing_model("m2m100")
    got = Explainer(model, tokenizer, cache=False).explain(
        TEXT, prefix=PREFIX, target=GOOD, contrast=BAD, n_steps=64
    )
    hand, own, _ = by_hand(model, tokenizer)
    ids, output, *_ = ids_of(model, tokenizer)
    embed = model.get_input_embeddings()
    change = [embed(side) - embed(torch.full_like(side, PAD)) for side in (ids, output)]
    change[0][0, -1] = change[1][0, 0] = 0  # the end, and what the decoder starts from
    start = own[0] - torch.cat([one[0] for one in change]).detach()
    expected = integrated_gradients(hand.gradient(0), start, own[0], 64)
    np.testing.assert_allclose(
        got.layer_attributions[0], expected, atol=1e-9 * np.abs(expected).sum()
    )


def test_what_is_forced_and_the_language_begin_the_output(tokenizer):
    forced = writing_model("mbart", forced_bos_token_id=GOOD)
    got = Explainer(forced, tokenizer, cache=False).explain(TEXT, prefix=PREFIX, n_steps=1)
    assert got.tokens[-4:] == ("[SEP]", "good", "a", "film") and got.special[-3]
    assert got.config["n_output"] == 4
    spoken = copy.deepcopy(tokenizer)
    spoken.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", END)]
    )
    spoken.tgt_lang = "am"  # as those of M2M100 and NLLB say it
    reader = Explainer(writing_model("m2m100"), spoken, cache=False).engine.reader
    assert reader.read(TEXT).tokens[-2:] == ("[SEP]", "[CLS]")
    assert reader.read({"text": TEXT, "prefix": "a"}).tokens[-3:] == ("[SEP]", "[CLS]", "a")
    assert Explainer(forced, spoken).engine.reader.read(TEXT).tokens[-2:] == ("[SEP]", "good")


def test_saved_and_opened_it_is_checked_and_asked_for_again(explainer, tmp_path):
    got = explainer.explain(TEXT, prefix=PREFIX, target=GOOD, contrast=BAD)
    got.save(tmp_path / "one.safetensors")
    opened = cn.load(tmp_path / "one.safetensors")
    assert opened.inputs == got.inputs
    again = explainer.engine.reader.read_again(opened)
    assert again.question.candidates == tuple(got.config["candidates"])
    ids = explainer.explain([4, 5, 6, 7, END], prefix=PREFIX)
    assert explainer.engine.reader.read_again(ids).tokens == ids.tokens
    check = got.check(random=5)
    assert check.words == 10
    assert got.ask(0).tokens == got.tokens
    assert not got.to_frame().empty


def test_the_cache_knows_the_output_so_far(bart, tokenizer, tmp_path, monkeypatch):
    explainer = Explainer(bart, tokenizer, cache=tmp_path)
    first = explainer.explain(TEXT, prefix=PREFIX)
    other = explainer.explain(TEXT, prefix="a good")
    assert not np.array_equal(first.layer_attributions, other.layer_attributions)
    monkeypatch.setattr("calig_nb.pipeline.engine.explain_batch", None)
    again = Explainer(bart, tokenizer, cache=tmp_path).explain(TEXT, prefix=PREFIX)
    np.testing.assert_array_equal(again.layer_attributions, first.layer_attributions)


def test_methods_are_compared_and_layers_calibrated(explainer):
    inputs = [{"text": TEXT, "prefix": "a"}, "Bad film"]
    found = cn.evaluate(explainer, inputs, methods=["ca-lig", "attention"], progress=False)
    assert len(found.to_frame()) > 0
    own = explainer.without_cache()
    weights = own.calibrate([TEXT, "good", "bad film", "a plot", "acting"], prefix="a")
    assert weights.shape == (5,) and own.explain(TEXT).layer_weights.tolist() == weights.tolist()


def test_a_baseline_may_be_another_text(explainer):
    got = explainer.explain(TEXT, prefix=PREFIX, baselines="bad acting", n_steps=1)
    engine = explainer.engine
    read = engine.reader.read({"text": TEXT, "prefix": PREFIX})
    rows, name = engine.reader.make_baseline(read, "bad acting")
    ids = rows["input_ids"][0].tolist()
    assert ids == [BAD, 10, *[PAD] * 6, END, END, PAD, PAD] and name == "“bad acting”"
    assert got.config["baselines"] == name


def test_a_text_without_words_is_a_pad_token(explainer):
    engine = explainer.engine
    bare = writing_tokenizer()
    bare.backend_tokenizer.post_processor = None
    own = Explainer(explainer.model, bare, cache=False)
    read = own.engine.reader.read({"text": "a film", "prefix": "it"})
    left = own.engine.reader.delete_units(read, np.ones(len(read.tokens), dtype=bool))
    assert left["input_ids"].tolist() == [[PAD, END]] and left["is_output"].tolist() == [[0, 1]]
    read = engine.reader.read({"text": "a film", "prefix": "it"})
    left = engine.reader.delete_units(read, np.ones(len(read.tokens), dtype=bool))
    assert left["input_ids"].tolist() == [[END, END]]


@pytest.mark.parametrize("method", ["ca-lig", "conductance", "attention-rollout", "conservative"])
def test_the_model_is_left_as_it_was(written, tokenizer, method):
    model = copy.deepcopy(written)
    model.train()
    before = state_of(model)
    explainer = Explainer(model, tokenizer, cache=False)
    with pytest.warns(UserWarning, match="train mode"):
        explainer.explain(TEXT, prefix=PREFIX, method=method, n_steps=2)
    assert_unchanged(model, before)


def test_the_model_is_left_as_it_was_after_an_error(written, tokenizer, monkeypatch):
    model = copy.deepcopy(written)
    before = state_of(model)
    explainer = Explainer(model, tokenizer, cache=False)

    def fail(*_, **__):
        raise ArithmeticError("in the decoder's last block")

    monkeypatch.setattr(type(chains_of(model)[1][-1]), "forward", fail)
    with pytest.raises((ValueError, ArithmeticError), match="in the decoder's last block"):
        explainer.explain(TEXT, target=3)
    assert_unchanged(model, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": 3}, "prefix must be a text"),
        ({"prefix": ["a", "b"]}, "prefix must be a text"),
        ({"prefix": "a\ud800"}, "half character"),
        ({"position": 2}, "position must be the number of a token of the output so far, 9 to 9"),
        ({"position": 40}, "position must be the number of a token"),
        ({"target": "zzz"}, "target must be exactly one token"),
        ({"output": "margin"}, "margin"),
        ({"prefix": "a " * 60}, "in its output so far"),
    ],
)
def test_what_does_not_fit_is_refused(explainer, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        explainer.explain(TEXT, **options)


def test_what_does_not_fit_in_a_list_or_a_model_is_refused(bart, explainer, tokenizer):
    with pytest.raises(ValueError, match="list with one for each of the 2"):
        explainer.explain([TEXT, TEXT], prefix=["a"])
    with pytest.raises(ValueError, match="prefix must be given once"):
        explainer.explain({"text": TEXT, "prefix": "a"}, prefix="b")
    with pytest.raises(ValueError, match="one text for an encoder-decoder"):
        explainer.explain({"text": TEXT, "text_pair": "b"})
    with pytest.raises(ValueError, match="blocks must be left out"):
        Explainer(bart, tokenizer, blocks="model.encoder.layers")
    with pytest.raises(ValueError, match="labels must be left out"):
        Explainer(bart, tokenizer, labels=["a"])
    other = Explainer(tiny_model("bert"), tiny_tokenizer(), cache=False)
    for call in (other.explain, other.predict):
        with pytest.raises(ValueError, match="prefix is for encoder-decoders"):
            call(TEXT, prefix="a")
    mute = copy.deepcopy(bart)
    for config in (mute.config, mute.generation_config):
        config.decoder_start_token_id = config.bos_token_id = None
    with pytest.raises(ValueError, match="decoder_start_token_id"):
        Explainer(mute, tokenizer, cache=False).explain(TEXT)


def test_a_folder_is_loaded_as_what_it_is(bart, tokenizer, tmp_path):
    copy.deepcopy(bart).float().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    explainer = Explainer.from_pretrained(tmp_path, cache=False)
    assert type(explainer.model).__name__ == "BartForConditionalGeneration"
    assert explainer.explain(TEXT, prefix=PREFIX, n_steps=1).inputs["prefix"] == PREFIX
    assert chains_of(explainer.model)[0] is explainer.model.get_encoder().layers


@pytest.mark.full
@pytest.mark.parametrize("name", ["bart", "t5"])
def test_long_texts_in_little_memory_have_the_same_values(name, tokenizer, monkeypatch):
    explainer = Explainer(writing_model(name), tokenizer, cache=False)
    options = {"prefix": PREFIX, "target": GOOD, "contrast": BAD, "n_steps": 4}
    expected = explainer.explain(TEXT, **options)
    monkeypatch.setattr("calig_nb.attribution.evidence.EAGER_TOKENS", 1)
    small = Explainer(explainer.model, tokenizer, cache=False, memory=1)
    got = small.explain(TEXT, **options)
    np.testing.assert_allclose(got.layer_attributions, expected.layer_attributions, atol=1e-9)
    np.testing.assert_allclose(got.attention_relevance, expected.attention_relevance, atol=1e-6)


def test_rounded_passes_are_near(explainer):
    options = {"prefix": PREFIX, "target": GOOD, "contrast": BAD}
    got = explainer.explain(TEXT, precision="bfloat16", **options)
    expected = explainer.explain(TEXT, **options)
    change = abs(expected.score - expected.baseline_score)
    assert got.converged.all()
    assert np.abs(got.layer_attributions - expected.layer_attributions).max() < 0.1 * change


def test_windows_that_an_encoder_fills_up_are_no_tokens_of_the_text(tokenizer):
    """LED pads a text to whole windows, and its decoder does not read what was added."""
    import transformers as hf

    torch.manual_seed(0)
    config = hf.LEDConfig(
        vocab_size=80, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, attention_window=[4, 4],
        max_encoder_position_embeddings=40, max_decoder_position_embeddings=40, init_std=0.2,
        pad_token_id=PAD, eos_token_id=END, bos_token_id=2, decoder_start_token_id=END,
    )  # fmt: skip
    model = EncoderDecoder(with_task_head(hf.LEDForConditionalGeneration(config).double().eval()))
    reader = OutputReader(tokenizer, model)
    read = reader.read({"text": TEXT, "prefix": PREFIX})
    inputs, below = read.model_inputs, reader.make_baseline(read, "pad")[0]
    with model.preserve():
        states = [torch.cat([*model.entering_states(one)], dim=1) for one in (inputs, below)]
        assert states[0].shape[1] == 15, "twelve of the encoder's, of which nine are the text's"
        found = model.forward(inputs, below)
        ends = model.layers(found.hidden, are_gradients=False)
    assert [one.shape[1] for one in ends] == [12] * 5
