"""The recipe of a model that spells numerals."""
