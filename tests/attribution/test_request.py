"""Which class, and which score stands for it."""

import numpy as np
import pytest
import torch

from calig_nb.attribution.request import Target, choose_target

LABELS = ("negative", "neutral", "Positive")
LOGITS = torch.tensor([[0.3, -1.0, 2.0], [1.0, 4.0, 0.0]], dtype=torch.float64)


def pick(target=None, contrast=None, output="logit"):
    return choose_target(target, contrast, output, LABELS, LOGITS[0])


def test_scores_are_what_they_are_called():
    p = torch.softmax(LOGITS, dim=1)[:, 2]
    torch.testing.assert_close(Target(2, None, "logit").score(LOGITS), LOGITS[:, 2])
    torch.testing.assert_close(Target(2, 0, "logit").score(LOGITS), LOGITS[:, 2] - LOGITS[:, 0])
    torch.testing.assert_close(
        Target(2, None, "margin").score(LOGITS), LOGITS[:, 2] - LOGITS[:, :2].mean(dim=1)
    )
    torch.testing.assert_close(Target(2, None, "log_odds").score(LOGITS), torch.log(p / (1 - p)))
    torch.testing.assert_close(Target(2, None, "prob").score(LOGITS), p)


@pytest.mark.parametrize("output", ["logit", "margin", "log_odds"])
def test_a_single_logit_stands_for_itself(output):
    single = LOGITS[:, :1]
    torch.testing.assert_close(Target(0, None, output).score(single), single[:, 0])
    torch.testing.assert_close(Target(0, None, "prob").score(single), torch.sigmoid(single[:, 0]))


def test_contrast_is_antisymmetric_and_linear():
    a, b = Target(2, 0, "logit"), Target(0, 2, "logit")
    torch.testing.assert_close(a.score(LOGITS), -b.score(LOGITS), rtol=0, atol=0)
    parts = Target(2, None, "logit").score(LOGITS) - Target(0, None, "logit").score(LOGITS)
    torch.testing.assert_close(a.score(LOGITS), parts, rtol=0, atol=0)
    assert a.is_antisymmetric(3)
    assert Target(0, None, "margin").is_antisymmetric(2)
    assert not Target(0, None, "margin").is_antisymmetric(3)
    assert not Target(0, None, "logit").is_antisymmetric(2)


@pytest.mark.parametrize(
    "given", [2, "Positive", "positive", np.int64(2), np.array(2), torch.tensor(2), None]
)
def test_a_class_is_named_by_index_label_or_not_at_all(given):
    assert pick(given).index == 2


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": "postive"}, ValueError, "target must be one of .*'Positive'.*got 'postive'"),
        ({"target": 3}, ValueError, "target must lie between 0 and 2 .*neutral.*, got 3"),
        ({"target": -1}, ValueError, "target must lie between 0 and 2 .*got -1"),
        (
            {"target": 1.0},
            TypeError,
            "target must be .*index or label, or a list of them, got 1.0",
        ),
        (
            {"target": True},
            TypeError,
            "target must be .*index or label, or a list of them, got True",
        ),
        ({"contrast": "x"}, ValueError, "contrast must be one of .*got 'x'"),
        ({"target": 1, "contrast": "neutral"}, ValueError, "contrast must differ from target"),
        ({"contrast": "positive"}, ValueError, "contrast must differ from target, got 'Positive'"),
        ({"contrast": 0, "output": "prob"}, ValueError, "output must be 'logit', got 'prob'"),
    ],
)
def test_bad_classes_are_named(options, error, message):
    with pytest.raises(error, match=message):
        pick(**options)
