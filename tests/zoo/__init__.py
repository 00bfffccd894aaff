"""Every class of transformers, tiny, explained, and held against an independent reference."""
