"""A package that the model finds by name."""
