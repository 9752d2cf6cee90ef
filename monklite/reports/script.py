"""A script that trains a run anew: its settings as calls, those that are not the usual ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..catalog import ACTIVATIONS, APPENDED, LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, SETTINGS, TRANSFORMS, fine_tuning
from ..catalog.rows import Row
from ..runs.state import RunState
from ..spec import SUBSETS, Choice, DataSpec, Spec, Table

# what the calls of the script set by themselves
BEFORE = Spec()
WHERE = "# relative paths, and the workspace, start from the folder in which the run was trained: run this there"
# prefix of the method, field of the training, rows
CHOICES = (("optimizer", "optimizer", OPTIMIZERS), ("lr", "schedule", SCHEDULES), ("loss", "loss", LOSSES))
# layers of a network are nested lists, which become long
WIDTH = 100


def script(state: RunState) -> str:
    """The Python script of a run. What it cannot say, such as a network that is in no file, it says in a comment."""
    asked, is_copy = state.asked, state.origin is not None
    lines = ["from monklite import Prototype", "", WHERE, *_opening(state)]
    lines += [*_dataset(asked.data), *_transforms(asked)]
    if asked.model.layers:
        lines.append("ptf.Dataset()")
    # the number of epochs comes before what must fit into it
    lines += [*_model(asked), *_training(asked), *_settings(asked, is_copy), *_choices(asked, is_copy)]
    return "\n".join([*lines, *_train(asked), ""])


def _opening(state: RunState) -> Iterator[str]:
    given: dict[str, Any] = {"backend": state.asked.backend}
    if state.origin is None:
        yield f"ptf = {call('Prototype', given, (state.project, f'{state.experiment} again'))}"
        return
    project, experiment, version = state.origin
    with_weights = state.model is None or f"{project}/{experiment}/v{version:03d}" in state.model.weights
    yield "# what is not set here is that of the run that it was copied from"
    given["copy_from" if with_weights else "pseudo_copy_from"] = list(state.origin)
    yield f"ptf = {call('Prototype', given, (state.project, f'{state.experiment} again'))}"
    yield "ptf.reset_transforms()"
    yield "ptf.reset_transforms(test=True)"
    # what the script appends comes in place of what is appended, and the others could contradict what follows
    yield "ptf.reset_model()"
    yield "ptf.update_progressive_resizing(1)"
    yield "ptf.update_layer_rates(decay=1)"
    yield "ptf.update_head_epochs(0)"


def _dataset(data: DataSpec) -> Iterator[str]:
    if not data.sources:
        return
    paths = [source.path for source in data.sources]
    given: dict[str, Any] = {"dataset_path": paths[0] if len(paths) == 1 else paths}
    tables = [source for source in data.sources if isinstance(source, Table)]
    if tables:
        given["path_to_csv"] = tables[0].csv if len(tables) == 1 else [table.csv for table in tables]
        given |= _columns(tables[0])
    sizes = {"input_size": data.input_size, "batch_size": data.batch_size, "num_processors": data.workers}
    given = {**given, "split": data.split, **sizes, "shuffle_data": data.shuffle, "group": data.group}
    yield f"ptf.{call('Dataset_Params', given)}"


def _columns(table: Table) -> dict[str, Any]:
    """How the table is read, as far as it was given."""
    given: dict[str, Any] = {"delimiter": table.delimiter} if table.delimiter != "," else {}
    if table.label_delimiter is not None and not table.label_columns:
        given["label_delimiter"] = table.label_delimiter
    if table.path_column is not None:
        given["path_column"] = table.path_column
    if label := table.label_column or list(table.label_columns):
        given["label_column"] = label
    return given


def _transforms(spec: Spec) -> Iterator[str]:
    """The transforms in their order; one call for all subsets that have the same one next."""
    chains = {subset: list(getattr(spec.data.transforms, subset)) for subset in SUBSETS}
    while any(chains.values()):
        choice = next(chain[0] for chain in chains.values() if chain)
        subsets = [subset for subset, chain in chains.items() if chain and chain[0] == choice]
        for subset in subsets:
            chains[subset].pop(0)
        given = {**_given(choice, TRANSFORMS), **dict.fromkeys(subsets, True)}
        yield f"ptf.{call(f'apply_{choice.name}', given)}"


def _model(spec: Spec) -> Iterator[str]:
    model = spec.model
    if model.layers:
        given = {"data_shape": (3, spec.data.input_size, spec.data.input_size), "use_gpu": model.use_gpu}
        given |= {"network_initializer": model.initializer, "debug": False}
        yield f"network = {_nested(model.layers)}"
        yield f"ptf.{call('Compile_Network', given, ('network',), (True,))}"
        return
    given = {"freeze_base_network": model.freeze_base, "use_gpu": model.use_gpu, "use_pretrained": model.pretrained}
    if model.weights_path:
        given["model_path"] = model.weights_path[0] if len(model.weights_path) == 1 else list(model.weights_path)
    if model.is_own and not model.source.place:
        yield "# the network was given in the session and is in no file: give it here as model="
    elif model.is_own:
        given["model"] = model.source.place
    else:
        given = {"model_name": model.name, **given}
    yield f"ptf.{call('Model_Params', given)}"
    for layer in model.appended:
        yield f"ptf.{call(f'append_{layer.name}', _given(layer, APPENDED))}"


def _nested(layers: Sequence[Any]) -> str:
    """A network as nested lists, a line for each layer or branch."""
    return "[\n" + "".join(f"    {_layer(layer)!r},\n" for layer in layers) + "]"


def _layer(layer: Any) -> Any:
    if not isinstance(layer, Choice):
        return [_layer(inner) for inner in layer]
    params = _given(layer, {**LAYERS, **ACTIVATIONS})
    uid = {"uid": params.pop("uid")} if params.get("uid") else {}
    return {**uid, "name": layer.name, "params": params}


# what `Dataset_Params`, `Model_Params` and `Training_Params` set
_SET_ELSEWHERE = (
    "data.split", "data.input_size", "data.batch_size", "data.workers", "data.shuffle", "data.group", "model.freeze_base",
    "model.use_gpu", "model.pretrained", "training.epochs", "seed", "model.precision", "training.early_stopping",
    "training.ema_decay",
)  # fmt: skip


def _settings(spec: Spec, is_copy: bool) -> Iterator[str]:
    """`is_copy`: of a run that may have had any settings, so that the usual ones are set too."""
    for setting in SETTINGS.values():
        value = spec.get(setting.path)
        if setting.path not in _SET_ELSEWHERE and (is_copy or value != BEFORE.get(setting.path)):
            yield f"ptf.{call(f'update_{setting.name}', {}, (value,))}"
    resizing = spec.training.resizing
    if resizing != BEFORE.training.resizing:
        yield f"ptf.{call('update_progressive_resizing', resizing.model_dump())}"


def _choices(spec: Spec, is_copy: bool) -> Iterator[str]:
    for prefix, field, rows in CHOICES:
        choice: Choice | None = getattr(spec.training, field)
        if choice is not None:
            yield f"ptf.{call(f'{prefix}_{choice.name}', _given(choice, rows))}"
        elif is_copy:
            yield f"# the {field} was that of the recipe: if the run that is copied had chosen one, choose it here"
    if spec.training.layer_rates:
        yield _layer_rates(spec)


def _layer_rates(spec: Spec) -> str:
    factors, optimizer = spec.training.layer_rates, spec.training.optimizer
    if (decay := fine_tuning.decay_of(factors)) is not None:
        return f"ptf.{call('update_layer_rates', {'decay': decay, 'groups': len(factors)})}"
    rate = optimizer.params.get("learning_rate") if optimizer else None
    if rate is None:
        return f"# the layers had these multiples of the learning rate: {factors}"
    return f"ptf.{call('update_layer_rates', {}, ([factor * rate for factor in factors],))}"


def _training(spec: Spec) -> Iterator[str]:
    training = spec.training
    given: dict[str, Any] = {"num_epochs": training.epochs, "seed": spec.seed, "precision": spec.model.precision}
    given |= {"early_stopping": training.early_stopping, "ema_decay": training.ema_decay}
    if training.save_intermediate_models:
        given |= {"save_intermediate_models": True, "intermediate_model_prefix": training.intermediate_prefix}
    yield f"ptf.{call('Training_Params', given)}"


def _train(spec: Spec) -> Iterator[str]:
    data = spec.data
    if data.folds:
        yield f"# the run is fold {data.fold + 1} of these"
        yield f"ptf.{call('Cross_Validate', {'k': data.folds, 'seeds': [spec.seed]})}"
    else:
        yield "ptf.Train()"


def _given(choice: Choice, rows: Mapping[str, Row]) -> dict[str, Any]:
    """The parameters of a choice that are not the row's own."""
    usual = {p.name: p.default for p in rows[choice.name].parameters}
    return {name: value for name, value in choice.params.items() if value != usual.get(name, ...)}


def call(name: str, keywords: Mapping[str, Any], values: Sequence[Any] = (), raw: Sequence[bool] = ()) -> str:
    """A call as code. `raw`: which of the values are names of variables."""
    raw = [*raw, *[False] * (len(values) - len(raw))]
    arguments = [str(v) if is_raw else repr(v) for v, is_raw in zip(values, raw, strict=True)]
    arguments += [f"{key}={value!r}" for key, value in keywords.items()]
    line = f"{name}({', '.join(arguments)})"
    return line if len(line) <= WIDTH else f"{name}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"
