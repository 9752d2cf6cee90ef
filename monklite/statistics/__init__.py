"""Arrays in, numbers out: figures, their intervals and tests."""
