"""Every class of transformers, built tiny, explained, and compared with an independent reference."""
