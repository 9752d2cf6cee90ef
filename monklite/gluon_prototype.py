"""Monk's import path: `from monklite.gluon_prototype import prototype`."""

from .facade.prototype import prototype as _prototype


class prototype(_prototype):
    """An experiment in Monk's form, with MXNet."""

    _backend = "mxnet"


__all__ = ["prototype"]
