"""``python -m calig_nb`` is ``calig-nb``."""

from .cli import main

raise SystemExit(main())
