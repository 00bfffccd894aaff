"""The recipes that trained the embedded models."""
