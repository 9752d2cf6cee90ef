"""Parameter files: `<name>-symbol.json` and `<name>-0000.params`, which plain MXNet loads, with a checksum beside them.

MXNet loads a damaged file without a word, hence the checksum. It is written before the parameters with the sums of the old
and the new file, and after them with the new one alone, so that a writer killed in between leaves a file that passes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DamagedFile, NotFound, WeightsMismatch
from ...files import Twin, replacing, storing, write_text
from .framework import mx, nd, reason

SYMBOL, PARAMETERS, CHECKSUM = "-symbol.json", "-{:04d}.params", "-{:04d}.params.sha256"
Arrays = dict[str, np.ndarray]


def beside(path: Path, ending: str, number: int = 0) -> Path:
    """`best_model` and an ending -> the file's path."""
    return path.with_name(path.name + ending.format(number))


class Snapshot:
    """See `backends.base.Snapshot`: the graph and copies of the parameters of a hybridised network that has seen images.

    The `number` stands in the file's name, where MXNet has the epoch.
    """

    def __init__(self, network: Any) -> None:
        self._symbol, self._named = _symbol_and_arrays(network)
        nd.waitall()  # the copies are under way
        self._twin: Twin | None = None
        self._sum = ""

    def write(self, path: Path, number: int | None = None) -> None:
        parameters, checksum = beside(path, PARAMETERS, number or 0), beside(path, CHECKSUM, number or 0)
        before = (
            checksum.read_text(encoding="utf-8", errors="replace").split()
            if parameters.exists() and checksum.exists()
            else []
        )
        write_text(beside(path, SYMBOL), self._symbol)
        if self._sum:  # written once already
            write_text(checksum, "\n".join([self._sum, *before]) + "\n")
        if self._twin is None or not self._twin.link(parameters):
            self._write(parameters, checksum, before)
        write_text(checksum, self._sum + "\n")

    def _write(self, parameters: Path, checksum: Path, before: list[str]) -> None:
        with replacing(parameters) as temporary:
            _save(temporary, self._named)
            self._sum = _sum(temporary)
            write_text(checksum, "\n".join([self._sum, *before]) + "\n")
        with storing(parameters):  # the folder may be gone by now
            self._twin = Twin.of(parameters)


def _save(path: Path, named: dict[str, Any]) -> None:
    """MXNet's own `save` does not say why the disk took no more, and of the last 4096 bytes not even that it did not.

    Raises:
        OSError: the system's own.
    """
    with contextlib.suppress(mx.MXNetError):
        nd.save(str(path), named)
        last = list(named)[-1].encode()  # names stand at the end
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - len(last)))
            if file.read() == last:
                return
    with path.open("ab") as file:
        file.write(bytes(1 << 20))
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _symbol_and_arrays(network: Any) -> tuple[str, dict[str, Any]]:
    """The graph as JSON and copies of the parameters with MXNet's `arg:` and `aux:`, as `HybridBlock.export` writes them."""
    symbol = network._cached_graph[1]
    arguments, auxiliary = set(symbol.list_arguments()), set(symbol.list_auxiliary_states())
    named = {}
    for name, parameter in network.collect_params().items():
        kind = "arg" if name in arguments else "aux" if name in auxiliary else None
        if kind:
            named[f"{kind}:{name}"] = parameter._reduce()
    return symbol.tojson(), named


def _sums(checksum: Path) -> list[str]:
    """The sums in a checksum file; none that fits where it is damaged."""
    return checksum.read_text(encoding="utf-8", errors="replace").split() if checksum.exists() else []


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sum_of(file)


def _sum_of(file: Any) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def read_own(path: Path) -> Arrays:
    """Parameters that a snapshot wrote, by name.

    Raises:
        NotFound: no such files. DamagedFile: the checksum does not fit.
    """
    parameters, checksum = beside(path, PARAMETERS), beside(path, CHECKSUM)
    for file in (parameters, checksum):
        if not file.exists():
            raise NotFound(f"{file} is not there")
    if _sum(parameters) not in _sums(checksum):
        raise DamagedFile(f"{parameters} is damaged: the checksum beside it does not fit; these weights are lost")
    return read(parameters)


def read(path: Path) -> Arrays:
    """Parameters from a user's file (`save_parameters` or `export`), by name without `arg:` and `aux:`.

    Raises:
        NotFound: no such file. WeightsMismatch: not a file of named parameters.
    """
    if not path.is_file():
        raise NotFound(f"the weight file {path} is not there")
    try:
        found = nd.load(str(path))
    except mx.MXNetError as error:
        raise WeightsMismatch(f"{path} is not a file of MXNet weights ({reason(error)})") from None
    if not isinstance(found, dict) or not found:
        raise WeightsMismatch(f"{path} holds no named weights; save them with save_parameters or export")
    return {name.removeprefix("arg:").removeprefix("aux:"): array.asnumpy() for name, array in found.items()}


def load_into(network: Any, given: Mapping[str, np.ndarray], path: Path, head: str = "") -> bool:
    """Put arrays into a network; those of the `head` may be missing or of another size.

    Returns:
        Whether the head was left as it was.

    Raises:
        WeightsMismatch: names the first arrays that do not fit.
    """
    own = _by_key(network, given)
    heads = {key for key, p in own.items() if head and _is_head(network, p, head)}
    wrong = [
        k for k, p in own.items() if k not in given or given[k].shape != tuple(p.shape)
    ]  # lists in pruned networks
    extra = [k for k in given if k not in own]
    serious = [k for k in wrong if k not in heads] + extra
    if serious:
        detail = "; ".join(_difference(k, own, given) for k in serious[:3])
        more = f" and {len(serious) - 3} more" if len(serious) > 3 else ""
        raise WeightsMismatch(
            f"{path} does not fit this network: {detail}{more}. Were these weights saved from another model?"
        )
    for key in own.keys() - set(wrong):
        own[key].set_data(nd.array(given[key], dtype=own[key].dtype))
    return bool(wrong)


def _by_key(network: Any, given: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The network's parameters under the names that the file uses: structural (`features.0.weight`), or those of an export,
    whose prefix counts the networks that its process had built."""
    if any("." in name for name in given):
        return network._collect_params_with_prefix()
    theirs = os.path.commonprefix(list(given)).rpartition("_")[0]
    prefix = f"{theirs}_" if theirs else ""
    return {prefix + name.removeprefix(network.prefix): p for name, p in network.collect_params().items()}


def _is_head(network: Any, parameter: Any, head: str) -> bool:
    inside = f"{head}."
    return any(p is parameter for n, p in network._collect_params_with_prefix().items() if n.startswith(inside))


def _difference(key: str, own: Mapping[str, Any], given: Mapping[str, np.ndarray]) -> str:
    if key not in given:
        return f"{key} is missing"
    if key not in own:
        return f"{key} is not in the network"
    return f"{key} has shape {given[key].shape}, not {own[key].shape}"
