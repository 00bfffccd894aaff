"""The recipe of the model of sentiment."""
