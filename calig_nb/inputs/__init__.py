"""Text, pair or picture to tensors, with what each token stands for, baselines and deletions."""
