"""The recipe of the model of topics."""
