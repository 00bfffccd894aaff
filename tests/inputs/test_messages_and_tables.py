"""Messages, token ids, prompts that were filled in before, and tables: what they are."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
import transformers as hf
from tokenizers import processors

import calig_nb as cn
from calig_nb import Explainer

from ..helpers.zoo import SENTENCE, rough, tiny_model, tiny_tokenizer

TEMPLATE = (
    "{{ '[CLS]' }}{% for m in messages %}{{ m.role + ' : ' + m.content + '[SEP]' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant :' }}{% endif %}"
)
CHAT = [
    {"role": "user", "content": "is the film good"},
    {"role": "assistant", "content": "it is superb"},
    {"role": "user", "content": "and the plot"},
]


@pytest.fixture(scope="module")
def chatty():
    """A tokenizer that begins every text with [CLS], as its template does."""
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 2)]
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


@pytest.fixture(scope="module")
def causal():
    torch.manual_seed(1)
    config = hf.GPT2Config(
        vocab_size=80, n_embd=16, n_layer=2, n_head=2, n_positions=64, pad_token_id=0
    )
    return rough(hf.GPT2LMHeadModel(config))


def ids_of(tokenizer, messages, **options):
    """By the tokenizer's own template, tokens and all."""
    found = tokenizer.apply_chat_template(messages, tokenize=True, **options)
    return found if isinstance(found, list) else found["input_ids"]


def top_logit(model, ids):
    with torch.no_grad():
        return float(model(torch.tensor([ids])).logits[0, -1].max())


def test_a_filled_in_prompt_does_not_begin_twice(causal, chatty):
    prompt = chatty.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    ids = ids_of(chatty, CHAT, add_generation_prompt=True)
    assert chatty(prompt)["input_ids"][:2] == [2, 2], "as it would be read without care"
    found = Explainer(causal, chatty).explain(prompt)
    assert found.tokens.count("[CLS]") == 1
    assert found.score == pytest.approx(top_logit(causal, ids), abs=1e-9)
    assert abs(found.score - top_logit(causal, [2, *ids])) > 1e-3
    assert found.check(random=2).words


def test_neither_does_it_end_twice(tokenizer):
    """What stands at the end of a text is not added either, and what does not still is."""
    model = tiny_model("bert")
    plain = Explainer(model, tokenizer).explain("a good film", target=1)
    for text in ("[CLS] a good film [SEP]", "[CLS] a good film", "a good film [SEP]"):
        found = Explainer(model, tokenizer).explain(text, target=1)
        assert found.score == pytest.approx(plain.score, abs=1e-12), text
        assert [t.lower() for t in found.tokens] == [t.lower() for t in plain.tokens]


@pytest.mark.parametrize("last", ["user", "assistant"])
def test_a_list_of_messages_is_read_by_the_template(last, causal, chatty):
    messages = CHAT if last == "user" else CHAT[:2]
    ends = {"add_generation_prompt" if last == "user" else "continue_final_message": True}
    ids = ids_of(chatty, messages, **ends)
    explainer = Explainer(causal, chatty)
    found = explainer.explain(messages)
    assert found.score == pytest.approx(top_logit(causal, ids), abs=1e-9)
    assert found.config["token_ids"] == ids
    assert "film" in found.tokens and found.special[0]
    assert found.check(random=2).words
    first, second = explainer.explain([messages, "the film"])
    assert first.tokens == found.tokens and second.text == "the film"
    assert len(explainer.predict(messages)) == 1


def test_a_classifier_reads_messages_without_a_prompt_to_go_on(chatty):
    model = tiny_model("gpt2")
    found = Explainer(model, chatty).explain(CHAT, target=1)
    with torch.no_grad():
        expected = model(torch.tensor([ids_of(chatty, CHAT)])).logits[0, 1]
    assert found.score == pytest.approx(float(expected), abs=1e-9)


def test_a_saved_chat_is_read_again(causal, chatty, tmp_path):
    """Also where the template leaves out what the tokenizer adds."""
    other = copy.deepcopy(chatty)
    other.chat_template = TEMPLATE.replace("{{ '[CLS]' }}", "")
    explainer = Explainer(causal, other)
    found = explainer.explain(CHAT)
    assert found.text.startswith("user : is") and not found.special[0]
    found.save(tmp_path / "one.safetensors")
    assert cn.load(tmp_path / "one.safetensors").check(explainer, random=2).words


@pytest.mark.parametrize(
    "form", [list, torch.tensor, np.array, lambda ids: torch.tensor([ids]), tuple, dict]
)
def test_token_ids_are_taken_as_they_are(form, tokenizer):
    model = tiny_model("bert")
    ids = tokenizer(SENTENCE)["input_ids"]
    given = tokenizer(SENTENCE) if form is dict else form(ids)
    explainer = Explainer(model, tokenizer)
    found, plain = explainer.explain(given, target=1), explainer.explain(SENTENCE, target=1)
    assert [t.lower() for t in found.tokens] == [t.lower() for t in plain.tokens]
    np.testing.assert_allclose(found.layer_attributions, plain.layer_attributions, atol=1e-9)
    assert found.check(random=2).words == 11
    without = explainer.explain(form(ids[1:-1]) if form is not dict else ids[1:-1], target=1)
    with torch.no_grad():
        expected = model(torch.tensor([ids[1:-1]])).logits[0, 1]
    assert without.score == pytest.approx(float(expected), abs=1e-9)


def test_rows_of_a_tensor_are_several(tokenizer):
    rows = torch.tensor([tokenizer(text)["input_ids"] for text in ("a film", "the plot")])
    first, second = Explainer(tiny_model("bert"), tokenizer).explain(rows)
    assert (first.tokens[1], second.tokens[1]) == ("a", "the")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ([5, 80_000], "token ids from 0 to 75, got 80000"),
        ([5, -1], "token ids from 0 to 75, got -1"),
        ([2, 3], "only special ones"),
        ({"input_ids": [[2, 5, 0]], "attention_mask": [[1, 1, 0]]}, "one text without padding"),
        ({"input_ids": [[2, 5], [2, 6]]}, r"one text.*shape \(2, 2\)"),
        (CHAT, "no chat template to join them"),
    ],
)
def test_what_cannot_be_read_is_named(inputs, match, tokenizer):
    with pytest.raises(ValueError, match=match):
        Explainer(tiny_model("bert"), tokenizer).explain(inputs)


@pytest.mark.bad_input
def test_messages_that_the_template_refuses_are_named(causal, chatty):
    with pytest.raises(ValueError, match="messages that the tokenizer's chat template takes"):
        Explainer(causal, chatty).explain([{"role": "user", "content": 3}])


# --- tables --------------------------------------------------------------------------------------


FRAME = pd.DataFrame({"id": [1, 2], "review": ["a good film", "bad plot"], "other": ["film", "it"]})


class Rows:
    """A table of another library: it names its columns, and gives one by its name."""

    column_names = ("id", "review", "other")

    def __getitem__(self, name):
        return FRAME[name].tolist()

    def __iter__(self):
        return iter(FRAME.to_dict("records"))

    def __len__(self):
        return len(FRAME)


@pytest.mark.filterwarnings("ignore:Layer weights")
@pytest.mark.parametrize("table", [FRAME, FRAME.set_index("id"), Rows()])
def test_a_tables_column_is_read_where_it_is_named(table, explainer):
    found = explainer.explain(table, text="review", target=1)
    assert [one.text for one in found] == ["a good film", "bad plot"]
    assert list(explainer.predict(table, text="review")["text"]) == ["a good film", "bad plot"]
    assert len(explainer.calibrate(table, text="review")) == 3
    pairs = explainer.explain(table, text=["review", "other"])
    assert [one.text for one in pairs] == ["a good film\nfilm", "bad plot\nit"]


@pytest.mark.bad_input
@pytest.mark.parametrize("table", [FRAME, Rows(), FRAME[["review"]]])
def test_a_table_without_a_named_column_is_refused(table, explainer):
    asked = (
        lambda: explainer.explain(table),
        lambda: explainer.predict(table),
        lambda: explainer.calibrate(table),
        lambda: cn.evaluate(explainer, table),
        lambda: cn.sanity(explainer, table),
    )
    for ask in asked:
        with pytest.raises(TypeError, match=r"texts, got a table with the columns \[.*text='"):
            ask()


@pytest.mark.bad_input
def test_a_column_that_is_not_there_is_named(explainer):
    with pytest.raises(ValueError, match=r"column of the table, \['id', 'review', 'other'\], got"):
        explainer.explain(FRAME, text="reviews")
    with pytest.raises(TypeError, match="names the column of a table, but inputs is no table"):
        explainer.explain(FRAME["review"], text="review")
    assert len(explainer.explain(FRAME["review"])) == 2
