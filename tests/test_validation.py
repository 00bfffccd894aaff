"""Warnings point at the line of the user's that led to them, whatever was called."""

import inspect
import warnings

import pytest

import calig_nb as cn
from calig_nb._validation import warn_user
from calig_nb._version import PACKAGE

from .helpers.zoo import SENTENCE

CALLS = {
    "a text": lambda e: e.explain(SENTENCE, baselines="zero"),
    "a list": lambda e: e.explain([SENTENCE, "Good."], baselines="zero"),
    "conductance": lambda e: e.explain(SENTENCE, method="conductance", baselines="zero"),
    "two targets": lambda e: e.explain(SENTENCE, target=[0, 1], baselines="zero"),
    "calibration": lambda e: e.calibrate([SENTENCE, "Good."], baselines="zero"),
    "another class": lambda e: e.explain(SENTENCE, baselines="zero").ask(1, None),
    "heads": lambda e: e.explain(SENTENCE, baselines="mean").heads(0),
    "an evaluation": lambda e: cn.evaluate(e, [SENTENCE, ""], methods=["ig"], on_error="skip"),
    "a skipped text": lambda e: e.explain([SENTENCE, ""], on_error="skip"),
    "train mode": lambda e: e.explain(SENTENCE) if e.engine.model.model.train() else None,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_warning_points_at_the_users_line(call, explainer):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(explainer)
    assert caught
    line = inspect.getsourcelines(call)[1]
    assert {(one.filename, one.lineno) for one in caught} == {(__file__, line)}


def test_a_file_beside_the_package_is_the_users(recwarn):
    code = compile("warn_user('one')", f"{PACKAGE}_study.py", "exec")
    exec(code, {"warn_user": warn_user})
    assert [one.filename for one in recwarn] == [f"{PACKAGE}_study.py"]
