"""Trials on the machines of a Ray cluster. The driver keeps the study and decides; workers train."""
