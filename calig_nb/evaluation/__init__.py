"""Whether to trust it: faithfulness, plausibility, sanity, and one check."""
