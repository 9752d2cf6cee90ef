"""The training loop, and the handlers attached to it."""
