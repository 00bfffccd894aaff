"""The few calls that go up: from a result to its pictures, its page and its checks.

A result stands below the figures and the views, and offers them all the same
(``explanation.figure()``, ``.show()``, ``.to_html()``). As pandas does for ``.plot``, it
names what it wants when it is wanted, so that nothing above is loaded, nor imported, before.
"""

from importlib import import_module
from typing import Any


def import_upward(module: str, name: str) -> Any:
    """What a module further up calls ``name``.

    Args:
        module: Dotted path below ``calig_nb``, such as ``"figures"``.
        name: What the module defines.
    """
    return getattr(import_module(f"{__package__}.{module}"), name)
