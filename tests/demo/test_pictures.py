"""The embedded model of pictures: our drawings, what speaks for them, and its lessons."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import calig_nb as cn
from calig_nb import demo
from calig_nb.demo.recipes.pictures import examples, lessons

FOLDER = Path(demo.__file__).parent / "pictures" / "examples"
NAMES = tuple(examples.EXAMPLES)


@pytest.fixture(scope="module")
def explainer():
    return cn.load_demo("pictures")


def subject(name):
    """(64,) True for patches of which the drawing itself, without ground or sky, fills a half."""
    side = examples.SIDE * examples.SCALE
    plain = Image.new("RGB", (side, side), (1, 2, 3))
    examples.EXAMPLES[name][0](ImageDraw.Draw(plain))
    drawn = np.asarray(plain)
    ground = [drawn[-1, 0], drawn[-1, -1], drawn[int(0.5 * side), 0], (1, 2, 3)]
    if name == "automobile":
        ground += [drawn[int(0.84 * side), 0]]
    inside = np.all([(drawn != one).any(axis=2) for one in ground], axis=0)
    step = side // 8
    return inside.reshape(8, step, 8, step).mean(axis=(1, 3)).reshape(-1) > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_the_drawings_are_what_their_code_draws(name):
    shipped = np.asarray(Image.open(FOLDER / f"{name}.png")).astype(int)
    again = np.asarray(examples.draw_example(name)).astype(int)
    assert np.abs(shipped - again).mean() < 1  # another version of PIL may round otherwise


def test_the_drawings_are_named_rightly(explainer):
    table = explainer.predict([FOLDER / f"{name}.png" for name in NAMES])
    assert table["label"].tolist() == list(NAMES)


@pytest.mark.full
def test_the_subject_supports_its_name(explainer):
    """Its patches speak for its name more than what is behind; of an airplane the sky does too."""
    for name in ("automobile", "cat", "horse"):
        found = explainer.explain(FOLDER / f"{name}.png", target=name)
        value, inside = found.attributions[~found.special], subject(name)
        assert 8 <= inside.sum() <= 50
        assert value[inside].mean() > value[~inside].mean(), name


def test_a_lesson_keeps_the_picture_and_moves_it():
    pixels = torch.arange(2 * 3 * 32 * 32.0).reshape(2, 3, 32, 32)
    rng = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(40):
        moved = lessons.mirror_and_move(pixels, rng)
        assert moved.shape == pixels.shape
        for own, other in zip(pixels, moved):
            middle = other[:, 8:24, 8:24]
            starts = [
                (flip, down, right)
                for flip, whole in ((False, own), (True, own.flip(-1)))
                for down in range(-4, 5)
                for right in range(-4, 5)
                if torch.equal(whole[:, 8 + down : 24 + down, 8 + right : 24 + right], middle)
            ]
            assert len(starts) == 1
            seen.add(starts[0])
    assert len(seen) > 40
    assert {flip for flip, _, _ in seen} == {False, True}


def test_another_colour_stays_a_picture():
    pixels = torch.rand(8, 3, 32, 32) * 2 - 1
    found = lessons.change_colours(pixels, torch.Generator().manual_seed(0))
    assert found.abs().max() <= 1
    assert not torch.equal(found, pixels)


def test_what_is_held_out_is_not_taught():
    pictures = lessons.Pictures(torch.arange(20).reshape(20, 1), torch.arange(20))
    taught, held = lessons.hold_out(pictures, 5, 0)
    assert len(taught) == 15
    assert sorted([*taught.labels.tolist(), *held.labels.tolist()]) == list(range(20))


@pytest.mark.bad_input
def test_an_archive_without_a_class_is_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("train/airplane/readme.txt", "no picture")
    with pytest.raises(ValueError, match=r"must hold train/airplane/\*.jpg, got none"):
        lessons.read_pictures(tmp_path / "one.zip", "train")
