"""`python -m monklite`: the same as the command `monklite`."""

from .cli import main

if __name__ == "__main__":
    main()
