"""The embedded `amharic` model: the form of XLM-R, its letters and words, what its recipe says."""

import random
from pathlib import Path

import numpy as np
import pytest
from transformers import XLMRobertaForSequenceClassification

import calig_nb as cn
from calig_nb import demo
from calig_nb.demo.recipes.amharic.ngrams import NGrams, features
from calig_nb.demo.recipes.amharic.scores import scores
from calig_nb.demo.recipes.amharic.tweets import read_tweets

GOOD, BAD = "ፊልሙ በጣም ጥሩ ነው።", "ምግቡ በጣም መጥፎ ነው።"  # the film is very good, the food very bad


@pytest.fixture(scope="module")
def explainer():
    return cn.load_demo("amharic")


def test_it_is_an_xlm_r_with_its_tokens(explainer):
    assert type(explainer.engine.model.model) is XLMRobertaForSequenceClassification
    tokenizer = explainer.engine.reader.tokenizer
    first = tokenizer.convert_ids_to_tokens([0, 1, 2, 3])
    assert first == ["<s>", "<pad>", "</s>", "<unk>"] and tokenizer.mask_token == "<mask>"
    assert tokenizer.tokenize(GOOD)[0].startswith("▁")
    folder = Path(demo.__file__).parent / "amharic"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 6e6


def test_letters_that_sound_alike_are_one_and_shown_as_typed(explainer):
    usual, other = "ሰላም ለዓለም ሀገር", "ሠላም ለአለም ሐገር"
    one, two = (explainer.explain(text, target="positive") for text in (usual, other))
    np.testing.assert_allclose(one.attributions, two.attributions, atol=1e-6)
    assert [unit.text for unit in two.units("word") if not unit.special] == other.split()


def test_words_and_marks_are_apart(explainer):
    words = explainer.explain("ፊልሙ ጥሩ ነው፣ ግን፡ረጅም ነው፡፡").units("word")
    assert [unit.text for unit in words if not unit.special] == [
        "ፊልሙ", "ጥሩ", "ነው", "፣", "ግን", "፡", "ረጅም", "ነው", "፡", "፡"
    ]  # fmt: skip


def test_a_text_of_256_tokens_is_explained(explainer):
    explanation = explainer.explain(f"{GOOD} " * 36)
    assert 200 < len(explanation.tokens) <= 256
    assert explanation.converged.all()


def test_scores_by_hand():
    known, found = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]
    said = scores(found, known, 3)
    f1 = np.mean([2 * 2 / (3 + 3), 2 * 2 / (2 + 3), 0])
    assert said.startswith(f"accuracy {4 / 6:.1%} (") and f"macro-F1 {f1:.1%} (" in said


def test_n_grams_learn_what_a_word_decides():
    rng = random.Random(0)
    filler = "ቡና ሻይ ቤት ሰው ቀን".split()
    rows = []
    for n in range(60):
        words = [*rng.sample(filler, 3), ("ጥሩ", "መጥፎ")[n % 2]]
        rng.shuffle(words)
        rows.append((" ".join(words), n % 2))
    counted = [features(text) for text, _ in rows]
    learnt = NGrams(counted[:40], [label for _, label in rows[:40]], 2, 1e-5)
    assert learnt.logits(counted[40:]).argmax(1).tolist() == [label for _, label in rows[40:]]
    assert features("ab ab") == {
        "w ab": 2, "p ab ab": 1, "<a": 2, "ab": 2, "b>": 2, "<ab": 2, "ab>": 2, "<ab>": 2
    }  # fmt: skip


def test_tweets_are_read_without_the_files_quotes_and_names(tmp_path):
    file = tmp_path / "some.tsv"
    file.write_text("tweet\tlabel\n'@user ጥሩ  ነው'\tpositive\nቀን\tneutral\n", encoding="utf-8")
    assert read_tweets(file) == [("ጥሩ ነው", 2), ("ቀን", 1)]


def test_blanks_say_little(explainer):
    e = explainer.explain(GOOD, target="positive", contrast="negative")
    assert abs(e.baseline_score) < 1 < e.score, "a text of padding is of hardly any class"


def test_what_saddens_speaks_for_negative_and_thanks_for_positive(explainer):
    lie = explainer.explain("ይህ ውሸት ነው፣ በጣም ያሳዝናል።", contrast="positive")  # a lie, it saddens
    assert lie.target_name == "negative"
    assert set(lie.top(2)["word"]) == {"ያሳዝናል", "ውሸት"} and (lie.top(2)["attributions"] > 0).all()
    thanks = explainer.explain("አመሰግናለሁ፣ በጣም ቆንጆ ነው።")  # thanks, it is very beautiful
    assert thanks.target_name == "positive" and thanks.top(1)["word"][0] == "አመሰግናለሁ"
