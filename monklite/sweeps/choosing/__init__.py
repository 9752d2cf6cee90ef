"""Choosing a network, its input size and how it is trained, within a time: `Choose`, and "choose for me" of the pages."""
