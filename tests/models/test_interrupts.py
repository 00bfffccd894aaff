"""Ctrl-C raises, but never between what was changed and what puts it back."""

import itertools
import os
import signal
import threading
from contextlib import contextmanager
from pkgutil import resolve_name

import pytest
import torch

from calig_nb import Explainer
from calig_nb.models import preserve
from calig_nb.models.exclusive import exclusive_use
from calig_nb.models.interrupts import HeldInterrupts, raise_held
from calig_nb.models.preserve import preserve_model, restored_attributes

from ..helpers.model_state import assert_unchanged, process_state, state_of
from ..helpers.zoo import SENTENCE, tiny_model


def interrupt():
    signal.raise_signal(signal.SIGINT)


class Switch:
    """Something that is changed, and put back; an interrupt comes in the middle of either."""

    on = False

    def __init__(self, at, number=signal.SIGINT):
        self.at, self.number = at, number

    def __enter__(self):
        if self.at == "entering":
            signal.raise_signal(self.number)
        self.on = True

    def __exit__(self, *_):
        if self.at == "leaving":
            signal.raise_signal(self.number)
        self.on = False


@contextmanager
def through_a_generator(switch):
    with switch:
        yield


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("at", ["entering", "leaving"])
def test_an_interrupt_waits_until_all_is_back(at, wrapped):
    switch, passed = Switch(at), []
    with pytest.raises(KeyboardInterrupt), HeldInterrupts():
        with through_a_generator(switch) if wrapped else switch:
            passed.append("within")
        passed.append("after")
    assert not switch.on
    assert passed == ["within", "after"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_is_raised_where_the_next_pass_begins():
    with pytest.raises(KeyboardInterrupt), HeldInterrupts(), Switch("entering"):
        raise_held()
        pytest.fail("it was held for too long")


def test_elsewhere_it_is_raised_at_once():
    with pytest.raises(KeyboardInterrupt), HeldInterrupts():
        interrupt()
        pytest.fail("it was held")


def test_the_users_own_contexts_hold_nothing_up():
    class Own:
        def __enter__(self):
            with HeldInterrupts():
                interrupt()
                pytest.fail("it was held")

        def __exit__(self, *_):
            pass

    with pytest.raises(KeyboardInterrupt), Own():
        pass


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_who_ignores_interrupts_goes_on_ignoring_them(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with HeldInterrupts():
            assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_handlers_of_the_host_are_called_and_kept():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append("host"))
    host = signal.getsignal(signal.SIGINT)
    try:
        with HeldInterrupts(), Switch("leaving"):
            interrupt()
        assert calls == ["host", "host"]
        assert signal.getsignal(signal.SIGINT) is host
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_signal_of_the_hosts_is_not_dropped_for_an_interrupt():
    calls = []
    before = signal.signal(signal.SIGTERM, lambda *_: calls.append("ended"))
    try:
        with pytest.raises(KeyboardInterrupt), HeldInterrupts():
            with Switch("leaving", signal.SIGTERM):
                pass
            interrupt()
        assert calls == ["ended"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_set_no_handlers():
    seen = []

    def run():
        with HeldInterrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


# --- restoring ------------------------------------------------------------------------------------


class Interrupted:
    """Gives back, but is interrupted so many times, before and after."""

    def __init__(self, times):
        self.times, self.run = times, preserve._give_back

    def __call__(self, *given):
        if self.times % 2:
            self.times -= 1
            raise KeyboardInterrupt
        self.run(*given)
        if self.times:
            self.times -= 1
            raise KeyboardInterrupt


def test_interrupts_while_restoring_begin_it_again(monkeypatch):
    thing, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    before = [dict(vars(one)) for one in (thing, other)]
    monkeypatch.setattr(preserve, "_give_back", impatiently := Interrupted(times=5))
    with pytest.raises(KeyboardInterrupt), restored_attributes([thing, other]):
        for one in (thing, other):
            one.training, one.more = False, 1
            del one._parameters["bias"]
    assert impatiently.times == 0
    assert [dict(vars(one)) for one in (thing, other)] == before
    assert all(list(one._parameters) == ["weight", "bias"] for one in (thing, other))


class Watched(dict):
    """A dictionary that somebody reads after each change."""

    seen = ()

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        self.seen = (*self.seen, {*self})

    def pop(self, *given):
        found = super().pop(*given)
        self.seen = (*self.seen, {*self})
        return found


def test_nothing_is_missing_while_it_is_restored():
    """Another thread may be reading."""
    changed = Watched(training=False, weight=1, more=2)
    preserve._give_back(changed, {"training": True, "weight": 1, "config": None})
    assert changed == {"training": True, "weight": 1, "config": None}
    assert [*changed] == ["training", "weight", "config"]
    assert all({"training", "weight"} <= names for names in changed.seen)


@pytest.mark.parametrize("number", range(1, 7), ids=lambda n: f"change {n}")
def test_a_signal_among_those_that_set_the_handlers_leaves_them_as_they_were(number, monkeypatch):
    """Such as a time limit that comes where Ctrl-C is held already, and the limit not yet."""
    change, count = signal.signal, itertools.count(1)

    def changed(*given):
        try:
            return change(*given)
        finally:
            if next(count) == number:
                raise KeyboardInterrupt

    theirs = {one: change(one, lambda *_: None) for one in (signal.SIGALRM, signal.SIGTERM)}
    try:
        outside = {one: signal.getsignal(one) for one in (*theirs, signal.SIGINT)}
        monkeypatch.setattr(signal, "signal", changed)
        with pytest.raises(KeyboardInterrupt), HeldInterrupts():
            pass
        assert {one: signal.getsignal(one) for one in outside} == outside
    finally:
        for one, handler in theirs.items():
            change(one, handler)


MOMENTS = (
    "torch.nn.Module.train", "torch.Tensor.requires_grad_", "torch.get_rng_state",
    "torch.set_rng_state", "torch.autograd.grad", "calig_nb.models.preserve.configs_of",
    "calig_nb.models.preserve._give_back", "calig_nb.models.preserve._set",
    "calig_nb.models.blocks.record_calls", "calig_nb.models.block_model.logits_of",
)  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_at_any_moment_leaves_the_model_as_it_was(moment, tokenizer, monkeypatch):
    model = tiny_model("bert").train()
    model.bert.embeddings.requires_grad_(False)
    explainer = Explainer(model, tokenizer)
    before, outside = state_of(model), process_state()
    run, count, landed = resolve_name(moment), itertools.count(), []

    def interrupted(*args, **kwargs):
        number = next(count)
        if number in (0, 2, 5):
            interrupt()
        try:
            return run(*args, **kwargs)
        finally:
            if number in (3, 4, 7):
                interrupt()

    with monkeypatch.context() as patched:
        patched.setattr(moment, interrupted)
        for _ in range(4):
            with pytest.warns(UserWarning, match="train mode"):
                try:
                    explainer.explain(SENTENCE)
                except KeyboardInterrupt:
                    landed.append(moment)
    assert landed
    assert_unchanged(model, before)
    assert process_state() == outside


def test_who_waits_for_another_thread_can_be_interrupted():
    model, entered, leave = tiny_model("bert"), threading.Event(), threading.Event()

    def hold():
        with preserve_model(model):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(20)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt), exclusive_use(model):
            pytest.fail("both hold the model")
    finally:
        leave.set()
        thread.join()
    with exclusive_use(model):
        pass
