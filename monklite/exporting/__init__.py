"""A bundle: a trained run made ready to be used elsewhere, its network with the preprocessing, labels and certificate."""
