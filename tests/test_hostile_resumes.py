"""Every hostile value in a saved training, resumed for real: a tiny network, an optimizer with a state, and averages.

It takes some 20 minutes and is tried on request, with `MONKLITE_TESTS=whole`; the suite tries samples of SqueezeNet's saved
trainings in test_hostile_states.py and test_hostile_positions.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_runs import NETWORKS, copy_into, done_or_refused, fresh_copy, resumed
from hostile_values import shown, variants, with_other_arrays
from tiny_networks import build_tiny
from whole import WHOLE

from monklite import Prototype
from monklite.backends import array_files
from monklite.catalog.backends import BUILT_IN
from monklite.runs.file_names import RESUME
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_patterns


@pytest.fixture(scope="module", params=BUILT_IN)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The workspace of a run of each backend; as long as it is used, networks are tiny."""
    folder = tmp_path_factory.mktemp(request.param)
    draw_patterns(folder / "images", {"dots": 6, "rings": 6}, side=32)
    with pytest.MonkeyPatch.context() as patch:
        build_tiny(patch, request.param)
        with pytest.MonkeyPatch.context() as place:
            place.chdir(folder)
            ptf = Prototype("p", "e", backend=request.param, verbose=0)
            ptf.Default("images", model_name=NETWORKS[request.param], use_pretrained=False, freeze_base_network=False)
            ptf.update_batch_size(4)
            ptf.update_input_size(32)
            ptf.optimizer_nesterov_adam(0.01)
            ptf.lr_plateau_decrease()
            ptf.Training_Params(num_epochs=2, display_progress=False, ema_decay=0.9, early_stopping=5)
            ptf.Train()
        yield folder / "workspace"


@pytest.fixture
def backend(trained: Path, request: pytest.FixtureRequest) -> str:
    return request.node.callspec.params["trained"]


@pytest.fixture
def space(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return copy_into(tmp_path, trained)


def attempts(arrays: dict[str, np.ndarray], metadata: dict) -> Iterator[tuple[str, dict[str, np.ndarray], Any]]:
    """What is changed, and the arrays and the metadata with it."""
    for way, hostile, variant in variants(metadata):
        yield shown(way, hostile), arrays, variant
    for name, array in arrays.items():
        for value in (-1, np.nan if array.dtype.kind == "f" else 255):
            for i, others in enumerate(with_other_arrays(arrays, name, np.full_like(array, value))):
                yield f"{name} as number {i} ({value})", others, metadata


@pytest.mark.skipif(not WHOLE, reason="takes long: set MONKLITE_TESTS=whole")
def test_hostile_values_in_a_saved_training_of_a_tiny_network(space: Workspace, trained: Path, backend: str) -> None:
    file, counts = space.versions("p", "e")[0].models / RESUME, Counter[str]()
    raw = []
    for what, arrays, metadata in attempts(*array_files.read(file)):
        array_files.write(file, arrays, metadata)
        try:
            done_or_refused(lambda: resumed(backend), what, counts)
        # all of them are told at the end, because trying again takes long
        except (AssertionError, pytest.fail.Exception) as error:
            raw.append(str(error))
        fresh_copy(trained, space)
    print(f"saved trainings of a tiny network, {backend}: {dict(counts)}, {len(raw)} raw")
    assert not raw, "\n".join(raw)
