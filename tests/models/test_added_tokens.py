"""Tokens that the text does not have, and readers of the text beside the blocks."""

import numpy as np
import pytest
import torch
import transformers as hf
from torch import nn

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.models.token_cells import columns_of

from ..helpers import reference as by_hand
from ..helpers.own_models import Output, OwnClassifier
from ..helpers.zoo import SENTENCE, rough, tiny_model, zoo_model


class Prompted(nn.Module):
    """Puts trained vectors before the text's, as prompt tuning does."""

    def __init__(self, inner, n=3, at=0):
        super().__init__()
        torch.manual_seed(5)
        width = inner.get_input_embeddings().embedding_dim
        self.inner, self.at, self.config = inner, at, inner.config
        self.prompt = nn.Parameter(torch.randn(1, n, width, dtype=torch.float64))

    def forward(self, input_ids, attention_mask, **options):
        words = self.inner.get_input_embeddings()(input_ids)
        rows, at, n = len(words), self.at, self.prompt.shape[1]
        prompt = self.prompt.expand(rows, -1, -1)
        return self.inner(
            inputs_embeds=torch.cat([words[:, :at], prompt, words[:, at:]], dim=1),
            attention_mask=torch.cat([attention_mask.new_ones(rows, n), attention_mask], dim=1),
            **options,
        )


class Padded(nn.Module):
    """Fills its inputs up to a multiple of 8, as models with windows do."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.config = inner, inner.config

    def forward(self, input_ids, attention_mask):
        fill = (0, -input_ids.shape[1] % 8)
        pad = nn.functional.pad
        return self.inner(input_ids=pad(input_ids, fill), attention_mask=pad(attention_mask, fill))


WRAPPERS = {
    "before": lambda: (Prompted(tiny_model("bert")), list(range(3, 16)), 16),
    "within": lambda: (Prompted(tiny_model("bert"), 2, at=1), [0, *range(3, 15)], 15),
    "after": lambda: (Padded(tiny_model("bert")), list(range(13)), 16),
    "causal": lambda: (Prompted(tiny_model("gpt2")), list(range(3, 16)), 16),
}


def embeddings_by_hand(model, ids):
    """h_0 of the wrapped model: by a hook at the first block."""
    found = []
    blocks = [m for m in model.modules() if type(m).__name__ in ("BertLayer", "GPT2Block")]
    handle = blocks[0].register_forward_pre_hook(
        lambda _, args, kwargs: found.append(args[0] if args else kwargs["hidden_states"]),
        with_kwargs=True,
    )
    with torch.no_grad():
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    handle.remove()
    return blocks[0], found[0]


def integrated_by_hand(model, ids, baseline, target):
    """Integrated Gradients at the embeddings by a hook, one point after the other."""
    block, h = embeddings_by_hand(model, ids)
    start = embeddings_by_hand(model, baseline)[1]

    def gradient(point):
        point = point.clone().requires_grad_()

        def enter(_, args, kwargs):
            return ((point[None], *args[1:]), kwargs)

        with block.register_forward_pre_hook(enter, with_kwargs=True):
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return torch.autograd.grad(logits[0, target], point)[0]

    return by_hand.integrated_gradients(gradient, start[0], h[0], 24)


@pytest.mark.parametrize("kind", WRAPPERS)
def test_they_are_special_tokens_of_their_own(kind, tokenizer):
    model, places, n = WRAPPERS[kind]()
    model.double().eval()
    found = Explainer(model, tokenizer).explain(SENTENCE, target=1, tolerance=1e-6)
    plain = tokenizer.convert_ids_to_tokens(tokenizer(SENTENCE)["input_ids"])
    assert len(found.tokens) == n
    assert [found.tokens[t].lower() for t in places] == [t.lower() for t in plain]
    others = sorted({*range(n)} - {*places})
    assert [found.tokens[t] for t in others] == [f"[added {i + 1}]" for i in range(n - 13)]
    assert found.special[others].all() and (found.word_ids[others] == -1).all()
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    baseline = ids.clone()
    baseline[0, 1:-1] = tokenizer.pad_token_id
    expected = integrated_by_hand(model, ids, baseline, 1)
    np.testing.assert_allclose(found.layer_attributions[0], expected, atol=1e-5)
    with torch.no_grad():
        logits = [
            model(input_ids=i, attention_mask=torch.ones_like(i)).logits for i in (ids, baseline)
        ]
    assert found.score == pytest.approx(float(logits[0][0, 1]), abs=1e-9)
    assert found.baseline_score == pytest.approx(float(logits[1][0, 1]), abs=1e-9)
    assert abs(found.convergence_delta).max() < 1e-5


def test_all_else_speaks_of_the_same_words(tokenizer, tmp_path):
    explainer = Explainer(Prompted(tiny_model("bert")).double().eval(), tokenizer)
    found, other = explainer.explain([SENTENCE, "A good film"], target=1)
    assert (len(found.tokens), len(other.tokens)) == (16, 8)
    frame = found.to_frame("word")
    assert [w.lower() for w in frame["word"]][4:7] == [
        "the",
        "plot",
        "is",
    ]
    assert found.heads(0).shape == (2, 16, 16)
    np.testing.assert_allclose(found.heads(1).mean(axis=0), found.attention_relevance[1], atol=1e-6)
    assert found.check(random=2).words == 11
    table = cn.evaluate(explainer, [SENTENCE], methods=["ig", "occlusion"]).table
    assert np.isfinite(table.iloc[0, 0])
    found.save(tmp_path / "one.safetensors")
    assert cn.load(tmp_path / "one.safetensors").tokens == found.tokens


def test_an_occluded_word_is_the_one_that_is_named(tokenizer):
    """By the model itself: f(x) less f(x with this word's token replaced by [PAD])."""
    model = Prompted(tiny_model("bert")).double().eval()
    found = Explainer(model, tokenizer).explain(SENTENCE, target=1, method="occlusion")
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    with torch.no_grad():
        for t in (1, 5, 10):
            gone = ids.clone()
            gone[0, t] = tokenizer.pad_token_id
            one, other = (model(i, torch.ones_like(i)).logits[0, 1] for i in (ids, gone))
            assert found.layer_attributions[0, t + 3] == pytest.approx(float(one - other), abs=1e-9)


@pytest.mark.bad_input
def test_where_it_cannot_be_told_which_is_which_it_is_refused(tokenizer):
    class Blurred(Prompted):
        def forward(self, input_ids, attention_mask, **options):
            words = self.inner.get_input_embeddings()(input_ids)
            pairs = (words[:, 1:] + words[:, :-1]) / 2
            mask = attention_mask[:, 1:]
            return self.inner(inputs_embeds=pairs, attention_mask=mask, **options)

    with pytest.raises(ValueError, match=r"13 tokens as one, but only 12 places"):
        Explainer(Blurred(tiny_model("bert")).double().eval(), tokenizer).explain(SENTENCE)


@pytest.mark.bad_input
def test_a_model_that_answers_at_every_token_is_not_read_at_another(tokenizer):
    class PromptedForCausalLM(Prompted):
        pass

    model = rough(hf.GPT2LMHeadModel(tiny_model("gpt2").config))
    with pytest.raises(ValueError, match="got 16 answers for 13 tokens"):
        Explainer(PromptedForCausalLM(model).double().eval(), tokenizer).explain(SENTENCE)


@pytest.mark.bad_input
def test_a_long_text_is_refused_where_each_window_would_have_its_own(tokenizer):
    explainer = Explainer(Prompted(tiny_model("bert")).double().eval(), tokenizer)
    with pytest.raises(ValueError, match="for a model that adds 3 of its own"):
        explainer.explain(" ".join(["good film"] * 40))


def test_columns_are_found_by_halves():
    table = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    ids, other = torch.arange(5)[None], torch.arange(4, 9)[None]

    def run(rows):
        own = table[rows]
        mixed = own + own.roll(1, dims=1)
        return own.flip(1), torch.cat([own[:, :1] * 0, own[:, :-1]], dim=1), mixed

    turned, shifted, mixed = columns_of(ids, other, run)
    assert turned.tolist() == [4, 3, 2, 1, 0]
    assert shifted.tolist() == [-1, 0, 1, 2, 3]
    assert mixed is None


# --- readers of the text beside the blocks -------------------------------------------------------


def bart():
    torch.manual_seed(3)
    config = hf.BartConfig(
        vocab_size=80, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, num_labels=3,
        max_position_embeddings=64, pad_token_id=0, bos_token_id=2, eos_token_id=3,
        decoder_start_token_id=3, forced_eos_token_id=3,
    )  # fmt: skip
    return rough(hf.BartForSequenceClassification(config))


def t5():
    model = zoo_model("t5")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.35)
    return model


class Twofold(nn.Module):
    """A model of one's own whose decoder reads the text at its own places, after a projection."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.embed, self.enter = nn.Embedding(80, 8), nn.Linear(8, 8)
        self.reader = nn.ModuleList(OwnClassifier().trunk["steps"])
        self.writer = nn.ModuleList(Reading() for _ in range(2))
        self.head = nn.Linear(8, 3)
        self.double().eval()

    def forward(self, input_ids, attention_mask):
        x, y = self.embed(input_ids), self.enter(self.embed(input_ids))
        for step in self.reader:
            x, _ = step(x)
        for step in self.writer:
            y = step(y, x)
        return self.head(y.mean(dim=1))


class Reading(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, y, x):
        return y + torch.tanh(self.mix(y) + torch.softmax(y @ x.transpose(1, 2), dim=-1) @ x)


READERS = {"bart": bart, "t5": t5, "own": Twofold}


def scores(model, ids, target=1):
    with torch.no_grad():
        output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
    return float((output if torch.is_tensor(output) else output.logits)[0, target])


@pytest.fixture
def ids(tokenizer):
    own = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    baseline = own.clone()
    baseline[0, 1:-1] = tokenizer.pad_token_id
    return own, baseline


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("method", ["layer-ig", "ca-lig", "conductance"])
def test_what_a_decoder_reads_is_explained_with_it(name, method, ids, tokenizer):
    model = READERS[name]()
    found = Explainer(model, tokenizer).explain(SENTENCE, target=1, method=method, n_steps=64)
    own, baseline = (scores(model, one) for one in ids)
    assert found.tokens[0] == "[CLS]" and len(found.tokens) == 13
    assert found.score == pytest.approx(own, abs=1e-9)
    assert found.baseline_score == pytest.approx(baseline, abs=1e-9)
    assert abs(found.convergence_delta).max() < 1e-2 * abs(found.layer_attributions).sum()


@pytest.mark.parametrize("name", ["t5", "own"])
def test_each_words_share_is_that_of_the_word_embeddings(name, ids, tokenizer):
    """Both read one table, and nothing bends the path: Integrated Gradients at what it gives."""
    model, (own, _) = READERS[name](), ids
    found = Explainer(model, tokenizer).explain(SENTENCE, target=1, method="ig", n_steps=64)
    first = next(m for m in model.modules() if isinstance(m, nn.Embedding)).weight
    tables = [m for m in model.modules() if getattr(m, "weight", None) is first]
    tables = [m for m in tables if isinstance(m, nn.Embedding)]
    total = np.zeros(13)
    for node, weight in zip(*np.polynomial.legendre.leggauss(64)):
        asked = []

        def between(_, args, output, node=node, asked=asked):
            start = nn.functional.embedding(torch.where(args[0] > 4, 0, args[0]), first.detach())
            change = output.detach() - start
            asked.append((args[0], change, (start + (node + 1) / 2 * change).requires_grad_()))
            return asked[-1][2]

        handles = [table.register_forward_hook(between) for table in tables]
        output = model(input_ids=own, attention_mask=torch.ones_like(own))
        for handle in handles:
            handle.remove()
        logit = (output if torch.is_tensor(output) else output.logits)[0, 1]
        gradients = torch.autograd.grad(logit, [point for *_, point in asked])
        for (looked, change, _), gradient in zip(asked, gradients, strict=True):
            values = (gradient * change).sum(dim=-1)[0].numpy()
            shift = 0 if torch.equal(looked, own) else 1  # a decoder reads a place later
            total[: 13 - shift] += weight / 2 * values[shift:]
    np.testing.assert_allclose(found.layer_attributions[0], total, atol=1e-8)


def test_a_replaced_word_is_replaced_in_both(ids, tokenizer):
    model = t5()
    found = Explainer(model, tokenizer).explain(SENTENCE, target=1, method="occlusion")
    for t in (1, 4, 11):
        gone = ids[0].clone()
        gone[0, t] = tokenizer.pad_token_id
        expected = scores(model, ids[0]) - scores(model, gone)
        assert found.layer_attributions[0, t] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "method"), [("bart", "conservative"), ("bart", "attn-lrp"), ("t5", "attn-lrp")]
)
def test_relevance_that_is_conserved_counts_both(name, method, tokenizer):
    found = Explainer(READERS[name](), tokenizer).explain(SENTENCE, target=1, method=method)
    shares = sum(found.config.get(f"{kind}_share", 0.0) for kind in ("bias", "constant"))
    assert found.layer_attributions[0].sum() + shares == pytest.approx(found.score, rel=1e-6)


def test_texts_of_two_lengths_share_a_pass(tokenizer):
    explainer = Explainer(bart(), tokenizer)
    texts = [SENTENCE, "The plot is thin but the acting is superb", SENTENCE]
    together = explainer.explain(texts, target=1, n_steps=8)
    for text, one in zip(texts, together, strict=True):
        alone = Explainer(bart(), tokenizer).explain(text, target=1, n_steps=8)
        np.testing.assert_allclose(one.layer_attributions, alone.layer_attributions, atol=1e-9)


def test_a_decoder_of_what_the_encoder_gives_reads_nothing(ids, tokenizer):
    class Chained(Twofold):
        def forward(self, input_ids, attention_mask):
            x = self.embed(input_ids)
            for step in self.reader:
                x, _ = step(x)
            y = self.enter(x)
            for step in self.writer:
                y = step(y, x)
            return self.head(y.mean(dim=1))

    model = Chained()
    found = Explainer(model, tokenizer, blocks="reader").explain(
        SENTENCE, target=1, method="layer-ig", tolerance=1e-6
    )
    assert found.score - found.baseline_score == pytest.approx(
        scores(model, ids[0]) - scores(model, ids[1]), abs=1e-9
    )
    assert abs(found.convergence_delta).max() < 1e-5


class Wide(OwnClassifier):
    """Counts words beside its blocks."""

    def forward(self, input_ids, attention_mask):
        output = super().forward(input_ids, attention_mask, output_attentions=True)
        counted = self.count(input_ids)
        return Output(output.logits + counted, output.attentions)

    def count(self, input_ids):
        return nn.functional.embedding(input_ids, self.bag).mean(dim=1)

    def __init__(self):
        torch.manual_seed(6)
        super().__init__()
        self.bag = nn.Parameter(torch.randn(80, 2))


class Residual(Wide):
    def count(self, input_ids):
        return self.head(self.embed(input_ids).mean(dim=1))


class Placed(Wide):
    """What it looks up is the place, not the word."""

    def count(self, input_ids):
        places = torch.arange(input_ids.shape[1])[None].expand(len(input_ids), -1)
        return nn.functional.embedding(places, self.bag).mean(dim=1)


@pytest.mark.bad_input
@pytest.mark.parametrize("kind", [Wide, Residual])
def test_words_that_reach_the_score_beside_the_blocks_are_refused(kind, tokenizer):
    with pytest.raises(ValueError, match=r"text through its blocks alone, but .* enters past them"):
        Explainer(kind().double().eval(), tokenizer).explain(SENTENCE)


def test_what_does_not_change_with_the_text_may(ids, tokenizer):
    model = Placed().double().eval()
    found = Explainer(model, tokenizer).explain(SENTENCE, target=1, tolerance=1e-6)
    assert found.baseline_score == pytest.approx(scores(model, ids[1]), abs=1e-9)
    assert abs(found.convergence_delta).max() < 1e-5


def test_more_tokens_than_there_are_positions_are_refused_with_the_models_own_reason(tokenizer):
    explainer = Explainer(Prompted(tiny_model("bert"), 20).double().eval(), tokenizer)
    with pytest.raises(ValueError, match=r"input_ids \(1, 47\).* Prompted failed: \w+Error: "):
        explainer.explain(" ".join(["film"] * 45))
