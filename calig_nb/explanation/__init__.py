"""The result: frozen arrays, words and sentences, the fusion, tables, bytes on disk. No torch."""

from .by_class import ByClass as ByClass
from .by_class import by_class as by_class
from .explanation import Explanation as Explanation
from .fusion import Fusion as Fusion
from .long_text import LongText as LongText
from .serialization import load as load
from .units import Unit as Unit
