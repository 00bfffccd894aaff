"""From a request to an explanation: batches, long texts, the cache, the public ``Explainer``."""

from .cache import Cache
from .explainer import Explainer

__all__ = ["Cache", "Explainer"]
