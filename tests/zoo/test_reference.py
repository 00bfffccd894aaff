"""The reference against networks made by hand, whose integrals are known in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from .reference import Reference, TwoStacks


class Twice(torch.nn.Module):
    """h -> 2 h."""

    def forward(self, hidden_states):
        return (2 * hidden_states,)


class Chain(torch.nn.Module):
    """Numbers become states, which two blocks double; the score is what ``read`` makes of them."""

    def __init__(self, read, blocks=None):
        super().__init__()
        self.layers = torch.nn.ModuleList(blocks or [Twice(), Twice()])
        self.read = read
        self.config = SimpleNamespace(is_encoder_decoder=False)

    def forward(self, values):
        hidden = torch.stack([values, values + 1], dim=-1)
        for layer in self.layers:
            hidden = layer(hidden)[0]
        return self.read(hidden)


INPUTS = {"values": torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)}
BASELINES = {"values": torch.tensor([[0.0, 1.0, 3.0]], dtype=torch.float64)}
PATHS = ("layers.0", "layers.1")


def reference(read, blocks=None, inputs=INPUTS, baselines=BASELINES, **options):
    return Reference(Chain(read, blocks), PATHS, inputs, baselines, lambda out: out, **options)


def test_a_sum_of_cubes_is_shared_as_its_terms_are():
    found = reference(lambda h: (h**3).sum(dim=(1, 2)))
    for layer, factor in enumerate((4, 2, 1)):  # what the blocks above still multiply by
        x, other = (
            np.stack([v["values"][0], v["values"][0] + 1], axis=-1) * 4 / factor
            for v in (INPUTS, BASELINES)
        )
        expected = (factor**3 * (x**3 - other**3)).sum(axis=-1)
        integral = found.layer(layer)
        assert np.allclose(integral.values, expected, rtol=1e-12)
        assert integral.change == pytest.approx(expected.sum())
        assert integral.unsettled < 1e-12


def test_a_product_of_tokens_is_shared_between_them():
    def product(h):  # f = a b, of which IG gives each (b' + db/2) da
        return h[:, 0, 0] * h[:, 1, 0]

    a, da, b, db = 0.0, 4.0, 4.0, -12.0  # four times the numbers, h' and h - h'
    expected = [da * (b + db / 2), db * (a + da / 2), 0]
    for layer in range(3):
        assert np.allclose(reference(product).layer(layer).values, expected)


def test_a_step_that_is_never_met_by_a_gradient_is_told_by_what_is_missing():
    found = reference(lambda h: (h.sum(dim=(1, 2)) > 36).double() + h[:, 0, 0])
    integral = found.layer(0)
    assert integral.change - integral.values.sum() == pytest.approx(0 - 1)


class Experts(torch.nn.Module):
    """The larger of two numbers is multiplied by 2 or by 3: which, the token's own state says."""

    def forward(self, hidden_states):
        value, index = torch.topk(hidden_states, 1, dim=-1)
        scale = torch.tensor([2.0, 3.0]).to(value)[index]
        return (torch.cat([value * scale, hidden_states[..., 1:] - 5], dim=-1),)


def test_choices_are_held_at_the_inputs():
    # Of (v, v + 1) block 0 makes (3 v + 3, v - 4); block 1 then 6 v + 6, or below -3.5 3 v - 12.
    inputs, baselines = ({"values": torch.tensor([[v, 2.0]]).double()} for v in (-5.0, 2.0))
    free, held = (
        reference(
            lambda h: h[..., 0].sum(dim=1), [Experts(), Experts()], inputs, baselines, held=held
        )
        for held in (False, True)
    )
    assert free.routes and free.value == held.value == -27 + 18
    assert np.allclose(held.layer(0).values, [-21, 0])
    assert held.layer(0).change == -21
    assert np.allclose(free.layer(0).values, [-(5.5 * 6 + 1.5 * 3), 0], atol=0.05)
    assert free.layer(0).change == -27 - 18


def test_attention_is_taken_from_what_the_model_returns():
    weights = torch.tensor([[0.2, -0.4, 1.0], [0.0, 0.5, -1.0], [0.3, 0.1, 0.7]]).double()

    class Attending(Chain):
        def __init__(self):
            super().__init__(None)
            self.scale = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

        def set_attn_implementation(self, name):
            self.asked = name

        def forward(self, values, output_attentions=False):
            hidden, kept = torch.stack([values, values + 1], dim=-1), []
            for layer in self.layers:
                hidden = layer(hidden)[0]
                one = (self.scale * hidden.sum(dim=-1)[:, None] * weights).softmax(dim=-1)
                kept.append(torch.stack([one, one], dim=1))  # two heads, half a share each
                hidden = kept[-1].mean(dim=1) @ hidden
            return SimpleNamespace(score=hidden[:, 0, 0], attentions=kept)

    found = Reference(Attending(), PATHS, INPUTS, BASELINES, lambda out: out.score)
    last = found.attention()[-1]
    model = Attending()
    states = []
    model.layers[1].register_forward_hook(lambda *call: states.append(call[2][0]))
    matrix = model(**INPUTS).attentions[-1][0, 0].detach().numpy()
    # f = Σ_j A[0, j] h[j, 0], the mean of two equal heads
    expected = np.zeros((3, 3))
    expected[0] = matrix[0] * states[0][0, :, 0].detach().numpy() / 2
    assert np.allclose(last, expected)


def test_an_encoder_decoder_moves_both_texts_together():
    class Read(torch.nn.Module):
        def forward(self, hidden_states, encoder_hidden_states):
            return hidden_states + encoder_hidden_states.sum(dim=1, keepdim=True)

    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.ModuleList([Twice()])
            self.decoder = torch.nn.ModuleList([Read(), Read()])

        def forward(self, input_ids, decoder_input_ids):
            own, output = (v.double()[..., None] for v in (input_ids, decoder_input_ids))
            for block in self.encoder:
                own = block(own)[0]
            for block in self.decoder:
                output = block(output, encoder_hidden_states=own)
            return output[:, -1, 0] ** 2

    inputs = {"input_ids": torch.tensor([[1, 2]]), "decoder_input_ids": torch.tensor([[1, 3]])}
    zeros = {name: torch.zeros_like(value) for name, value in inputs.items()}
    paths = ("encoder.0", "decoder.0", "decoder.1")
    found = TwoStacks(Two(), paths, inputs, zeros, lambda out: out)
    # f = (o + 4 Σ x)², o the last of the output: 15². IG of a square of a sum from 0 is
    # proportional. Below block 1 the encoder's states are read once more, above it not at all.
    assert found.value == 225
    # Block 1 reads 2 Σ x = 6 of the 15 itself, beside the 9 that enter it.
    by_hand = ([60, 120, 0, 45], [60, 120, 0, 45], [30, 60, 0, 135], [0, 0, 0, 225])
    for layer, expected in enumerate(by_hand):
        integral = found.layer(layer)
        assert np.allclose(integral.values, expected), layer
        assert integral.values.sum() == pytest.approx(integral.change)
