"""The recipe of the model of agreement."""
