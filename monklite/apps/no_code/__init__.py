"""The pages for people who write no code: pictures in, training, results, and handing them out. Everything is on the disk."""
