"""What a figure shows, computed before it is drawn: positions, ribbons, matrices, sentences."""
