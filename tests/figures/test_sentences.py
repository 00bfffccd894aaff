"""What figures say stands in vectors that the views are held to."""

import json

from calig_nb.figures.scene.story import Part, tell

from ..helpers import told


def test_shared_vectors_are_what_the_figures_say():
    stored = json.loads(told.VECTORS.read_text("utf-8"))
    made = json.loads(json.dumps(told.vectors()))
    for name in ("numbers", "names", "written", "stories", "compared", "explanations"):
        assert stored[name] == made[name], "run: python -m tests.helpers.told"


def test_a_template_is_filled_in_place_and_stars_are_bold():
    word, template = Part("good", 2), "{word} brings {plus}: *net {net}*{rest}"
    told = tell(template, word=word, plus="*", net="{x}", rest=[])
    assert told == [word, Part(" brings *: "), Part("net {x}", strong=True)]
