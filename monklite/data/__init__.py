"""From files to batches, the same for every backend; takes and returns NumPy arrays."""
