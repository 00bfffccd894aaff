"""Whatever holds the logits, and whatever a module takes: the numbers are the same."""

import numpy as np
import pytest
import torch

from calig_nb import Explainer
from calig_nb.explanation.methods import METHODS
from calig_nb.models.outputs import part_of

from ..helpers.own_models import OwnClassifier
from ..helpers.zoo import SENTENCE, rough, tiny_model, tiny_tokenizer, zoo_model


class Wrapped(torch.nn.Module):
    """BERT in a module of one's own that takes two inputs and gives its logits in some form."""

    def __init__(self, give):
        super().__init__()
        self.inner, self.give = tiny_model("bert"), give
        self.eval()

    def forward(self, input_ids, attention_mask):
        return self.give(self.inner(input_ids=input_ids, attention_mask=attention_mask))


class WithoutMask(Wrapped):
    def forward(self, input_ids):
        return self.give(self.inner(input_ids=input_ids))


class OwnDict(OwnClassifier):
    def forward(self, *args, **kwargs):
        return vars(super().forward(*args, **kwargs))


GIVEN = {
    "dict": dict,
    "tuple": lambda output: (output.logits,),
    "list": lambda output: [output.logits],
    "tuple with attention": lambda output: (output.logits, output.attentions),
    "tuple after no loss": lambda output: (None, output.logits),
    "tensor": lambda output: output.logits,
}


@pytest.fixture(scope="module")
def expected(tokenizer):
    return Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE)


def assert_same(got, expected):
    np.testing.assert_allclose(got.layer_attributions, expected.layer_attributions, atol=1e-12)
    np.testing.assert_allclose(got.attention_relevance, expected.attention_relevance, atol=1e-7)


@pytest.mark.parametrize("give", GIVEN.values(), ids=GIVEN)
def test_any_form_of_output_is_read(give, tokenizer, expected):
    assert_same(Explainer(Wrapped(give), tokenizer).explain(SENTENCE), expected)


def test_attention_is_found_in_a_dict(tokenizer):
    torch.manual_seed(0)
    named = rough(OwnClassifier())
    other = OwnDict().double().eval()
    other.load_state_dict(named.state_dict())
    first, second = (Explainer(one, tokenizer).explain(SENTENCE) for one in (named, other))
    assert_same(second, first)


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5"])
def test_a_configuration_without_return_dict_is_served_and_stays(name, tokenizer):
    model, other = zoo_model(name), zoo_model(name)
    other.config.return_dict = False
    request = {"target": 1, "n_steps": 3}
    expected = Explainer(model, tokenizer).explain(SENTENCE, **request)
    assert_same(Explainer(other, tokenizer).explain(SENTENCE, **request), expected)
    assert other.config.return_dict is False


def test_inputs_that_a_module_does_not_take_are_left_out(expected):
    tokenizer = tiny_tokenizer()
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    for model in (Wrapped(GIVEN["tensor"]), WithoutMask(GIVEN["tensor"])):
        explainer = Explainer(model, tokenizer)
        assert_same(explainer.explain(SENTENCE), expected)
        assert [e.text for e in explainer.explain(["Good.", SENTENCE])] == ["Good.", SENTENCE]


@pytest.mark.bad_input
def test_a_module_without_input_ids_is_told_how(tokenizer):
    class Positional(Wrapped):
        def forward(self, x):
            return self.inner(input_ids=x).logits

    with pytest.raises(TypeError, match=r"must take input_ids by this name.*Wrap it in a torch"):
        Explainer(Positional(None), tokenizer)


@pytest.mark.bad_input
def test_what_holds_no_logits_is_named(tokenizer):
    with pytest.raises(ValueError, match=r"classification head.*returned no logits"):
        Explainer(Wrapped(lambda output: {"scores": output.logits}), tokenizer).explain(SENTENCE)
    assert part_of((1, 2), "logits") is None and part_of(None, "logits") is None


@pytest.mark.bad_input
@pytest.mark.parametrize("method", METHODS)
def test_a_broken_vector_of_the_pad_token_is_named(method, tokenizer):
    model = tiny_model("bert")
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[0] = float("nan")
    explainer = Explainer(model, tokenizer)
    with pytest.raises(ValueError, match=r"baselines must be .*\[nan, nan, nan\]: a vector of the"):
        explainer.explain(SENTENCE, method=method)
    if method == "ca-lig":
        assert np.isfinite(explainer.explain(SENTENCE, baselines="mask").attributions).all()


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [80, -1, 2**40])
def test_token_ids_that_the_model_does_not_know_are_named(value, tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    ids = torch.full((len(tokenizer(SENTENCE)["input_ids"]),), value)
    with pytest.raises(ValueError, match=rf"baselines must be of token ids between 0.*{value}"):
        explainer.explain(SENTENCE, baselines=ids)
    other = tiny_tokenizer()
    other.add_tokens([f"zebra{i}" for i in range(30)])
    with pytest.raises(ValueError, match=r"inputs must be of token ids .*got \[105\]. Take"):
        Explainer(tiny_model("bert"), other).explain("good zebra29")
