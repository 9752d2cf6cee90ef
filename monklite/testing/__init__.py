"""For tests of monklite and of new backends: small datasets drawn in code, and the contract that a backend must keep."""
