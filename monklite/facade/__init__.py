"""The public methods under Monk's names; each calls the layers below."""
