"""One experiment trained with several values of a setting."""
