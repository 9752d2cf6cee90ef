"""Files to batches, the same for every backend; NumPy at its edges."""
