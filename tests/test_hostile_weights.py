"""Weights that somebody else may have made: of every type, layout and damage, on both backends."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile_runs import done_or_refused
from safetensors.torch import save_file
from test_prototype import expert

from monklite import Prototype
from monklite.backends import array_files
from monklite.backends.mxnet import weights as mxnet_weights
from monklite.backends.mxnet.framework import nd
from monklite.backends.pytorch import weights as torch_weights
from monklite.errors import MonkliteError, WeightsMismatch
from monklite.runs.workspace import Workspace

Tensors = dict[str, torch.Tensor]


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))


def with_first(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Tensors], Tensors]:
    return lambda state: {**state, "0.weight": change(state["0.weight"])}


CHANGES = {
    "complex": (with_first(lambda t: t.to(torch.complex64)), "complex numbers"),
    "sparse": (with_first(lambda t: t.to_sparse()), "sparse tensor"),
    "csr": (with_first(lambda t: t.to_sparse_csr()), "sparse tensor"),
    "meta": (with_first(lambda t: t.to("meta")), "saved without its numbers"),
    "quantized": (
        with_first(lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8)),
        "was quantized",
    ),
    "int8": (with_first(lambda t: t.to(torch.int8)), "was quantized"),
    "bool": (with_first(lambda t: t.to(torch.bool)), "was quantized"),
    "nan": (with_first(lambda t: t * torch.nan), "NaN or infinite"),
    "infinite": (with_first(lambda t: t + torch.inf), "NaN or infinite"),
    "too large": (with_first(lambda t: t.to(torch.float64) * 0 + 1e300), "NaN or infinite"),
    "statistics": (lambda s: {**s, "1.running_var": s["1.running_var"] * torch.nan}, "NaN or infinite"),
    "transposed": (with_first(lambda t: t.T), "shape"),
    "empty": (with_first(lambda t: t[:0]), "shape"),
    "scalar": (with_first(lambda t: t[0, 0]), "shape"),
    "missing": (lambda s: {n: t for n, t in s.items() if n != "0.weight"}, "missing"),
    "extra": (lambda s: {**s, "x": torch.zeros(1)}, "not in the network"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
@pytest.mark.filterwarnings("ignore")
def test_tensors_of_any_kind_are_refused_in_words(tmp_path: Path, change, message) -> None:
    torch.save(change(network().state_dict()), tmp_path / "w.pt")
    state = torch_weights.read_state_dict(tmp_path / "w.pt").tensors
    with pytest.raises(WeightsMismatch, match=message) as caught:
        torch_weights.load_into(network(), state, tmp_path / "w.pt")
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64", "float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("saved", ["torch", "safetensors"])
def test_other_types_of_floats_are_taken(tmp_path: Path, kind: str, saved: str) -> None:
    state = {n: t.to(getattr(torch, kind)) if t.is_floating_point() else t for n, t in network().state_dict().items()}
    path = tmp_path / "w"
    torch.save(state, path) if saved == "torch" else save_file(state, path)
    loaded = network()
    torch_weights.load_into(loaded, torch_weights.read_state_dict(path).tensors, path)
    assert torch.equal(loaded[0].weight, state["0.weight"].to(torch.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_imported_run_with_weights_that_are_no_numbers_is_not_evaluated(
    workspace: Path, patterns: Path, backend: str, value: float
) -> None:
    expert(patterns, backend=backend).Train()
    models = Workspace().find("p", "e").models
    if backend == "pytorch":
        for path in (models / "best_model", models / "final"):
            arrays, metadata = array_files.read(path)
            first = next(name for name, a in arrays.items() if a.dtype.kind == "f")
            arrays[first] = np.full_like(arrays[first], value)
            array_files.write(path, arrays, metadata)
    else:
        for name in ("best_model", "final"):
            path = models / f"{name}-0000.params"
            arrays = nd.load(str(path))
            first = next(iter(arrays))
            nd.save(str(path), {**arrays, first: nd.full(arrays[first].shape, value)})
            nd.waitall()
            Path(f"{path}.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest() + "\n")
    with pytest.raises(MonkliteError, match=r"NaN or infinite numbers"):
        Prototype("p", "e", backend=backend, eval_infer=True, verbose=0)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_weights_of_an_imported_run_end_in_words(
    workspace: Path, patterns: Path, tmp_path_factory, seed: int
) -> None:
    """Bytes replaced, cut off or added, in the files of both backends, read as `eval_infer` reads them."""
    files = _saved(tmp_path_factory, patterns)
    random = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    for path, read in files.items():
        content = bytearray(path.read_bytes())
        target = workspace.parent / path.name
        for sibling in path.parent.glob(f"{path.name.partition('-')[0]}*"):
            shutil.copy(sibling, target.with_name(sibling.name))
        kind = seed % 4
        if kind == 0:
            content = content[: int(random.integers(0, len(content)))]
        elif kind == 1:
            content[int(random.integers(0, min(400, len(content))))] ^= int(random.integers(1, 256))
        elif kind == 2:
            content += bytes(random.integers(0, 256, 50, np.uint8))
        else:
            start = int(random.integers(0, len(content)))
            content[start : start + 100] = bytes(random.integers(0, 256, 100, np.uint8))
        target.write_bytes(bytes(content))
        done_or_refused(lambda r=read, t=target: r(t), f"seed {seed}: {path.name}", counts)
    print(f"damaged weight files, seed {seed}: {dict(counts)}")


_CACHE: dict[str, dict[Path, Callable[[Path], object]]] = {}


def _saved(factory: pytest.TempPathFactory, patterns: Path) -> dict[Path, Callable[[Path], object]]:
    if not _CACHE:
        folder = factory.mktemp("weights")
        found: dict[Path, Callable[[Path], object]] = {}
        for backend in ("pytorch", "mxnet"):
            expert(patterns, experiment=backend, backend=backend, workspace=folder / "w").Train()
        models = Workspace(folder / "w").find("p", "pytorch").models
        found[models / "best_model"] = torch_weights.read_snapshot
        found[models / "resume_state"] = array_files.read
        torch.save(network().state_dict(), folder / "plain.pt")
        found[folder / "plain.pt"] = torch_weights.read_state_dict
        models = Workspace(folder / "w").find("p", "mxnet").models
        found[models / "best_model-0000.params"] = mxnet_weights.read
        _CACHE["all"] = found
    return _CACHE["all"]
