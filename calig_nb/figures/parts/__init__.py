"""What figures are made of, each drawn by one function."""
