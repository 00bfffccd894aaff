"""From a request to an explanation: batches, long texts, the cache, the public explainer."""
