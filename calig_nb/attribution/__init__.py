"""The methods, one file each: from a model, inputs and a target to evidence with its error."""
