"""Whether to trust an explanation: faithfulness, plausibility, sanity, one check."""
