"""What users call: Monk's names. Each method is a docstring and a call down."""
