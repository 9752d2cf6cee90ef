"""The installed form of a package, which may have another name than the module that it brings."""

from __future__ import annotations

from importlib import metadata


def version_of(package: str) -> str:
    """The version of a package, also where one of another name brings its module: `onnxruntime-gpu` for `onnxruntime`.

    Raises:
        importlib.metadata.PackageNotFoundError: it is not installed.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return metadata.version(_other_name(package))


def distribution_of(package: str) -> metadata.Distribution:
    """What is installed of it, with what it needs. Raises PackageNotFoundError, see `version_of`."""
    try:
        return metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return metadata.distribution(_other_name(package))


def _other_name(module: str) -> str:
    names = metadata.packages_distributions().get(module, [])
    if not names:
        raise metadata.PackageNotFoundError(module)
    return names[0]
