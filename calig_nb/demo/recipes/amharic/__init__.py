"""The recipe of the model of Amharic sentiment."""
