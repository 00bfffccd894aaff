"""The recipe of the model of pictures."""
