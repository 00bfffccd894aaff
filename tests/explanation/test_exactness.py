"""What is said of layers that did not converge."""

import numpy as np
import pytest

from calig_nb.explanation.exactness import inexact_note, inexact_warning, layer_errors

from ..helpers.told import text


def late(*layers, error=0.06, **more):
    """An explanation of which these layers did not converge, and whose sums are right."""
    r = text().layer_attributions.copy()
    r[:, 1] += 1.75 - r.sum(axis=1)
    converged = np.full(4, True)
    converged[list(layers)] = False
    errors = np.where(converged, 0.001, error)
    return text(converged=converged, token_error=errors, layer_attributions=r, **more)


@pytest.mark.parametrize(
    ("explanation", "said"),
    [
        (late(), ""),
        (late(2), "Layer 2 is not exact: its values may be off by 6 %."),
        (late(0), "The embeddings are not exact: their values may be off by 6 %."),
        (late(3), "The output is not exact: its values may be off by 6 %."),
        (late(1, 2), "Layer 1 and layer 2 are not exact: their values may be off by 6 %."),
        (
            late(0, 1, 2, 3, error=np.array([0.06, 0.02, 0.03, 0.05])),
            "4 of 4 layers are not exact, the embeddings most: values may be off by 6 %.",
        ),
        (
            late(2, error=40.0),
            "Layer 2 is not exact: its values may be off by more than their own size.",
        ),
        (late(2, config={"method": "attention"}), ""),
    ],
)  # fmt: skip
def test_the_note_names_layers_and_error(explanation, said):
    assert inexact_note(explanation) == said


def test_what_the_sum_misses_counts():
    one = late(2)
    r = one.layer_attributions.copy()
    r[2, 1] += 0.35
    wrong = late(2)
    wrong = text(converged=wrong.converged, token_error=np.full(4, np.nan), layer_attributions=r)
    np.testing.assert_allclose(layer_errors(wrong), [0, 0, 0.2, 0], atol=1e-12)
    assert inexact_warning([wrong]).endswith(
        "Take n_steps='auto', more n_steps or other baselines."
    )


def test_of_several_texts_one_warning_counts_them():
    said = inexact_warning([late(), None, late(2), late(1, error=0.3)])
    assert said.startswith("2 of 4 texts have layers that are not exact, most of all number 3: ")
    assert "Layer 1 is not exact: its values may be off by 30 %." in said
    assert said.endswith("Give a larger max_nodes, a larger tolerance or other baselines.")
    assert inexact_warning([late(), None]) == ""
