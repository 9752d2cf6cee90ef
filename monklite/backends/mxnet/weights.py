"""Parameter files: `<name>-symbol.json` and `<name>-0000.params`, which plain MXNet loads, with a checksum file beside them.

MXNet loads damaged files without an error, hence the checksum. It is written before the parameters with the digests of the
old and the new file, and after them with the new one alone, so that a writer killed in between leaves a file that passes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DamagedFile, NotFound, WeightsMismatch, shown
from ...files import LinkSource, reading, replacing, storing, write_text
from ...looking import exists, is_file
from ...regular_files import open_regular, read_regular
from ...retrying_file import open_with_retries
from ...transient import attempted
from .. import safetensors_file, weight_files
from ..array_files import NamedArrays
from . import params_file
from .framework import mx, nd, reason

# bytes; MXNet counts those of a buffer with 32 bits
MAX_BUFFER = 2**32 - 1
MAGIC = (0x112).to_bytes(8, "little")
SYMBOL, PARAMETERS, CHECKSUM = "-symbol.json", "-{:04d}.params", "-{:04d}.params.sha256"


def with_ending(path: Path, ending: str, number: int = 0) -> Path:
    """The path of a file of `best_model`, such as `best_model-0000.params`."""
    return path.with_name(path.name + ending.format(number))


class Snapshot:
    """See `backends.base.Snapshot`: the graph and copies of the parameters of a hybridized network that has seen images.

    `number` goes into the file's name, where MXNet puts the epoch.
    """

    def __init__(self, network: Any) -> None:
        self._symbol, self._arrays = _symbol_and_arrays(network)
        # the copies run asynchronously
        nd.waitall()
        self._link_source: LinkSource | None = None
        self._digest = ""

    def write(self, path: Path, number: int | None = None) -> None:
        parameters, checksum = with_ending(path, PARAMETERS, number or 0), with_ending(path, CHECKSUM, number or 0)
        old_digests = _stored_digests(checksum) if exists(parameters) else []
        write_text(with_ending(path, SYMBOL), self._symbol)
        # known once the snapshot has been written to a first file
        if self._digest:
            write_text(checksum, "\n".join([self._digest, *old_digests]) + "\n")
        if self._link_source is None or not self._link_source.link(parameters):
            self._write(parameters, checksum, old_digests)
        write_text(checksum, self._digest + "\n")

    def _write(self, parameters: Path, checksum: Path, old_digests: list[str]) -> None:
        with replacing(parameters) as temporary:
            # each try writes the whole file
            attempted(lambda: _save(temporary, self._arrays))
            self._digest = attempted(lambda: _digest(temporary))
            write_text(checksum, "\n".join([self._digest, *old_digests]) + "\n")
        # the folder may have been removed since
        with storing(parameters):
            self._link_source = attempted(lambda: LinkSource.of(parameters))


def _save(path: Path, arrays: dict[str, Any]) -> None:
    """Save arrays with MXNet's `save`, which does not report why a write failed, nor that the last 4096 bytes were lost.

    Raises:
        OSError: the system's own error.
    """
    with contextlib.suppress(mx.MXNetError):
        nd.save(str(path), arrays)
        # names are at the end of the file
        last_name = list(arrays)[-1].encode()
        with open_regular(path) as file:
            file.seek(max(0, path.stat().st_size - len(last_name)))
            if file.read() == last_name:
                return
    # write as MXNet would, so that the system says why it fails
    with path.open("ab") as file:
        file.write(bytes(1 << 20))
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _symbol_and_arrays(network: Any) -> tuple[str, dict[str, Any]]:
    """The graph as JSON and copies of the parameters with MXNet's `arg:` and `aux:`, as `HybridBlock.export` writes them."""
    symbol = network._cached_graph[1]
    arguments, auxiliary = set(symbol.list_arguments()), set(symbol.list_auxiliary_states())
    arrays = {}
    for name, parameter in network.collect_params().items():
        kind = "arg" if name in arguments else "aux" if name in auxiliary else None
        if kind:
            arrays[f"{kind}:{name}"] = parameter._reduce()
    return symbol.tojson(), arrays


def _stored_digests(checksum: Path) -> list[str]:
    """The digests in a checksum file; none, or none that matches, if it is missing or damaged."""
    try:
        with reading(checksum):
            return attempted(lambda: read_regular(checksum)).decode("utf-8", "replace").split()
    except FileNotFoundError:
        return []


def _digest(path: Path) -> str:
    """SHA-256 of the content of a file that was just written, as hexadecimal digits."""
    with open_regular(path) as file:
        # Python 3.10 lacks it
        if hasattr(hashlib, "file_digest"):
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        return digest.hexdigest()


def read_snapshot(path: Path) -> NamedArrays:
    """Read parameters that a snapshot wrote, by name.

    Raises:
        NotFound: no such files. DamagedFile: the checksum does not fit. StorageError: the drive does not give them.
    """
    parameters, checksum = with_ending(path, PARAMETERS), with_ending(path, CHECKSUM)
    for file in (parameters, checksum):
        if not exists(file):
            raise NotFound(f"{file} is not there")
    return _as_numpy(_load(parameters, _stored_digests(checksum)), parameters)


def read(path: Path) -> NamedArrays:
    """Read a file of `save_parameters` or `export`, or safetensors: parameters by name without `arg:` and `aux:`.

    Raises:
        NotFound: no such file. WeightsMismatch: not a file of named parameters. StorageError: the drive does not give it.
    """
    if not is_file(path):
        raise NotFound(f"the weight file {path} is not there")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _as_numpy(_load(path), path)


def _load(path: Path, digests: Sequence[str] | None = None) -> Any:
    """MXNet's arrays in a file, which is read here: MXNet does not tell an error of the drive from damage.

    Args:
        digests: of the contents that it may have; None: any.

    Raises:
        NotFound, WeightsMismatch, StorageError: as `read`. DamagedFile: it has another content.
    """
    try:
        with open_with_retries(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            # another file may have many gigabytes
            content = file.read(len(MAGIC))
            if content == MAGIC:
                file.seek(0)
                content = file.read(size)
    # it was there a moment ago
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    if digests is not None and hashlib.sha256(content).hexdigest() not in digests:
        raise DamagedFile(f"{path} is damaged: the checksum beside it does not fit; these weights are lost")
    if not content.startswith(MAGIC):
        raise WeightsMismatch(_not_weights(path, "it does not begin as one"))
    try:
        params_file.check(content)
        return nd.load_frombuffer(content) if len(content) <= MAX_BUFFER else nd.load(str(path))
    except params_file.Malformed as error:
        raise WeightsMismatch(_not_weights(path, str(error))) from None
    # the second: a damaged name
    except (mx.MXNetError, UnicodeDecodeError) as error:
        raise WeightsMismatch(_not_weights(path, reason(error))) from None


def _as_numpy(arrays: Any, path: Path) -> NamedArrays:
    if not isinstance(arrays, dict) or not arrays:
        raise WeightsMismatch(f"{path} holds no named weights; save them with save_parameters or export")
    return {name.removeprefix("arg:").removeprefix("aux:"): array.asnumpy() for name, array in arrays.items()}


def _read_safetensors(path: Path) -> NamedArrays:
    try:
        return safetensors_file.as_numpy(safetensors_file.read(path)[0])
    # NumPy lacks some of its number types
    except (ValueError, RecursionError) as error:
        raise WeightsMismatch(_not_weights(path, str(error))) from None


def _not_weights(path: Path, problem: str) -> str:
    other = weight_files.describe_other_content(path)
    hint = f": it is {other}. Fetch the weight file again and put it at {path}" if other else ""
    return f"{path} is not a file of MXNet weights ({problem}){hint}"


def load_user_file(network: Any, path: Path, head: str) -> list[str]:
    """Load a user's file into a network; the `head` may be missing or of another size.

    A prefix of structural names (`net.features.0.weight`) that the network does not have is stripped.

    Returns:
        Remarks on what was not taken as it stands in the file, such as `new head`.

    Raises:
        NotFound, WeightsMismatch: as `read` and `load_into`; also if weights are NaN or of another type.
    """
    arrays, remarks = read(path), []
    if any("." in name for name in arrays):
        needed = [n for n in network._collect_params_with_prefix() if not n.startswith(f"{head}.")]
        prefixes = weight_files.find_prefix(arrays.keys(), needed)
        if len(prefixes) > 1:
            listed = " and ".join(shown(prefix.text) for prefix in prefixes[:3])
            raise WeightsMismatch(
                f"{path} holds these weights {len(prefixes)} times, under {listed}: save one of them alone"
            )
        text, others = prefixes[0]
        arrays = {n[len(text) :]: array for n, array in arrays.items() if n.startswith(text)}
        remarks += [f"prefix {shown(text)} stripped"] if text else []
        remarks += [f"{len(others)} other entries such as {shown(others[0])} not taken"] if others else []
    return remarks + (["new head"] if load_into(network, arrays, path, head) else [])


def _check_numbers(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Refuse weights that are NaN or infinite, or have numbers of another kind than the network's.

    Raises:
        WeightsMismatch: they are.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "c":
            raise WeightsMismatch(f"{path}: {name} holds complex numbers, which the network does not have")
        if array.dtype.kind != "f":
            raise WeightsMismatch(
                f"{path}: {name} holds numbers of type {array.dtype}, not float32: it was quantized. Take the weights as they "
                "were before"
            )
        # in the type of the network, in which a large float64 may be infinite
        with np.errstate(over="ignore"):
            is_finite = np.isfinite(array.astype(np.float32)).all()
        if not is_finite:
            raise WeightsMismatch(
                f"{path}: {name} holds NaN or infinite numbers, so the training that saved it had failed. Take weights from "
                "before that"
            )


def load_into(network: Any, arrays: Mapping[str, np.ndarray], path: Path, head: str = "") -> bool:
    """Load arrays into a network; those of the `head` may be missing or of another size.

    Returns:
        Whether the head was skipped.

    Raises:
        WeightsMismatch: arrays do not fit, or hold no usable numbers; the message names the first of them.
    """
    parameters = _parameters_by_file_name(network, arrays)
    head_names = {name for name, p in parameters.items() if head and _is_in_head(network, p, head)}
    # shapes are lists in pruned networks
    unusable = [n for n, p in parameters.items() if n not in arrays or arrays[n].shape != tuple(p.shape)]
    extra = [n for n in arrays if n not in parameters]
    mismatches = [n for n in unusable if n not in head_names] + extra
    if mismatches:
        detail = "; ".join(_difference(n, parameters, arrays) for n in mismatches[:3])
        more = f" and {len(mismatches) - 3} more" if len(mismatches) > 3 else ""
        raise WeightsMismatch(
            f"{path} does not fit this network: {detail}{more}. Were these weights saved from another model?"
        )
    usable = parameters.keys() - set(unusable)
    _check_numbers({name: arrays[name] for name in usable}, path)
    for name in usable:
        parameters[name].set_data(nd.array(arrays[name], dtype=parameters[name].dtype))
    return bool(unusable)


def _parameters_by_file_name(network: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The network's parameters under the names that the file uses: structural (`features.0.weight`), or those of an export,
    whose prefix depends on how many networks its process had built."""
    if any("." in name for name in arrays):
        return network._collect_params_with_prefix()
    own = dict(network.collect_params().items())
    # also of blocks whose layers were made outside their name scope, and where all names begin with that of one layer
    if own.keys() & arrays.keys():
        return own
    common = os.path.commonprefix(list(arrays)).rpartition("_")[0]
    prefix = f"{common}_" if common else ""
    return {prefix + name.removeprefix(network.prefix): p for name, p in network.collect_params().items()}


def _is_in_head(network: Any, parameter: Any, head: str) -> bool:
    prefix = f"{head}."
    return any(p is parameter for n, p in network._collect_params_with_prefix().items() if n.startswith(prefix))


def _difference(name: str, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    if name not in arrays:
        return f"{name} is missing"
    if name not in parameters:
        return f"{name} is not in the network"
    return f"{name} has shape {arrays[name].shape}, not {parameters[name].shape}"
