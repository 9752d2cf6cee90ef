"""Monk's `system_dict`, made from the run's own records: for scripts that read the model, the classes or a result from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from ..catalog.backends import describe
from ..errors import InvalidType, UnknownName, shown, suggestion
from ..opening import OpenExperiment
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Choice, Resolved, ResolvedData, Source, Table
from ..tasks import TASKS
from .class_accuracies import class_accuracies

# how a value is set, where there is no row of its own
SETTERS = {
    "dataset": "Dataset_Params(...), apply_*(...) or update_*(...)",
    "model": "Model_Params(...) or update_*(...)",
    "hyper-parameters": "optimizer_*(...), lr_*(...), loss_*(...) or update_*(...)",
    "training": "Training_Params(...)",
    "testing": "Evaluate()",
    "local": "the attributes model, criterion and optimizer, which are live",
}


class UnknownKey(UnknownName, KeyError):
    """There is no such entry; it is a KeyError too."""

    # a KeyError shows the `repr` of its message
    __str__ = Exception.__str__


class Opened(NamedTuple):
    """The open experiment. `spec`: its settings, with those that have changed since they were stored."""

    run: Run
    state: RunState
    spec: Resolved
    learner: Any
    evaluating: bool

    def source(self, index: int) -> Source | None:
        sources = self.spec.data.sources
        return sources[index] if index < len(sources) else None


Value = Callable[[Opened], Any]


def _path(index: int) -> Value:
    return lambda o: source.path if (source := o.source(index)) else False


def _csv(index: int) -> Value:
    return lambda o: source.csv if isinstance(source := o.source(index), Table) else False


def _dataset_type(o: Opened) -> Any:
    if not o.spec.data.sources:
        return False
    table = "csv_" if isinstance(o.source(0), Table) else ""
    return f"{table}train{'-val' if len(o.spec.data.sources) > 1 else ''}"


def _train_share(data: ResolvedData) -> float | None:
    """The share of the images that is trained on; None if there is a validation set of its own."""
    if len(data.sources) != 1:
        return None
    return 1 - 1 / data.folds if data.folds else data.split


def _chain(subset: str) -> Value:
    return lambda o: [{c.name: dict(c.params)} for c in getattr(o.spec.data.transforms, subset)]


def _choice(choice: Choice) -> dict[str, Any]:
    return {"name": choice.name, "params": dict(choice.params)}


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s"


def _class_accuracy(o: Opened) -> Any:
    testing, data = o.state.testing, o.state.dataset
    # as in Monk, before there are any
    return False if testing is None else class_accuracies(testing, data is None or TASKS[data.label_type].exclusive)


def _live(name: str) -> Value:
    return lambda o: getattr(o.learner, name, False)


def _of(name: str, value: Callable[[Any], Any]) -> Value:
    """The value of a record that a run may not have yet; as in Monk, False then."""
    return lambda o: False if (record := getattr(o.state, name)) is None else value(record)


# path in Monk's dictionary -> its value; a value that is not set yet is False, as in Monk
ENTRIES: Mapping[str, Value] = {
    "project_name": lambda o: o.state.project,
    "experiment_name": lambda o: o.state.experiment,
    "version": lambda o: o.state.version,
    "library": lambda o: describe(o.spec.backend).title,
    "origin": lambda o: list(o.state.origin[:2]) if o.state.origin else ["New", "New"],
    "project_dir": lambda o: f"{o.run.folder.parent.parent}/",
    "experiment_dir": lambda o: f"{o.run.folder}/",
    "output_dir": lambda o: f"{o.run.folder / 'output'}/",
    "model_dir": lambda o: f"{o.run.models}/",
    "log_dir": lambda o: f"{o.run.logs}/",
    "dataset.dataset_type": _dataset_type,
    "dataset.label_type": _of("dataset", lambda d: d.label_type),
    "dataset.train_path": _path(0),
    "dataset.val_path": _path(1),
    "dataset.csv_train": _csv(0),
    "dataset.csv_val": _csv(1),
    "dataset.test_path": _of("testing", lambda t: t.dataset_path),
    "dataset.status": lambda o: o.state.dataset is not None,
    "dataset.params.input_size": lambda o: o.spec.data.input_size,
    "dataset.params.data_shape": lambda o: (3, *[o.spec.data.input_size] * 2),
    "dataset.params.batch_size": lambda o: o.spec.data.batch_size,
    "dataset.params.train_shuffle": lambda o: o.spec.data.shuffle,
    "dataset.params.num_workers": lambda o: o.spec.data.workers,
    "dataset.params.num_classes": _of("dataset", lambda d: len(d.classes)),
    "dataset.params.classes": _of("dataset", lambda d: list(d.classes)),
    "dataset.params.num_train_images": _of("dataset", lambda d: d.n_train),
    "dataset.params.num_val_images": _of("dataset", lambda d: d.n_val),
    "dataset.params.num_test_images": _of("testing", lambda t: t.num_images),
    "dataset.params.delimiter": lambda o: source.delimiter if isinstance(source := o.source(0), Table) else False,
    "dataset.params.train_val_split": lambda o: _train_share(o.spec.data),
    "dataset.transforms.train": _chain("train"),
    "dataset.transforms.val": _chain("val"),
    "dataset.transforms.test": _chain("test"),
    "model.status": lambda o: o.state.model is not None,
    "model.params.model_name": lambda o: o.spec.model.name,
    "model.params.model_path": lambda o: list(o.spec.model.weights_path) or False,
    "model.params.use_gpu": lambda o: o.spec.model.use_gpu,
    "model.params.use_pretrained": lambda o: o.spec.model.pretrained,
    "model.params.freeze_base_network": lambda o: o.spec.model.freeze_base,
    "model.params.num_layers": _of("model", lambda m: m.layers),
    "model.params.num_params_to_update": _of("model", lambda m: m.trainable_layers),
    "model.params.num_freeze": lambda o: o.spec.model.freeze_layers,
    "hyper-parameters.status": lambda o: o.state.status != "new",
    "hyper-parameters.num_epochs": lambda o: o.spec.training.epochs,
    "hyper-parameters.learning_rate": lambda o: o.spec.training.optimizer.params.get("learning_rate", False),
    "hyper-parameters.optimizer": lambda o: _choice(o.spec.training.optimizer),
    "hyper-parameters.learning_rate_scheduler": lambda o: _choice(o.spec.training.schedule),
    "hyper-parameters.loss": lambda o: _choice(o.spec.training.loss),
    "training.status": lambda o: o.state.status == "done",
    "training.settings.save_intermediate_models": lambda o: o.spec.training.save_intermediate_models,
    "training.settings.intermediate_model_prefix": lambda o: o.spec.training.intermediate_prefix,
    "training.settings.save_training_logs": lambda o: True,
    "training.outputs.best_val_acc": _of("results", lambda r: r.best_val_accuracy),
    "training.outputs.best_val_acc_epoch_num": _of("results", lambda r: r.best_epoch - 1),
    "training.outputs.epochs_completed": _of("results", lambda r: r.epochs_completed),
    "training.outputs.training_time": _of("results", lambda r: _minutes(r.train_seconds)),
    "training.outputs.max_gpu_memory_usage": _of("results", lambda r: round(r.gpu_process_mib or 0)),
    "testing.status": lambda o: o.state.testing is not None,
    "testing.num_images": _of("testing", lambda t: t.num_images),
    "testing.num_correct_predictions": _of("testing", lambda t: t.num_correct),
    "testing.percentage_accuracy": _of("testing", lambda t: 100 * t.accuracy),
    "testing.class_accuracy": _class_accuracy,
    "states.eval_infer": lambda o: o.evaluating,
    "local.model": _live("network"),
    "local.criterion": _live("criterion"),
    "local.optimizer": _live("optimizer"),
}


class SystemDict(Mapping[str, Any]):
    """One level of the dictionary: `ptf.system_dict["dataset"]["params"]["classes"]`. Every reading is of the present state.

    Args:
        opened: what is open. path: of this level, with a dot at its end.
    """

    def __init__(self, opened: OpenExperiment, path: str = "") -> None:
        self._opened, self._path = opened, path

    def __getitem__(self, key: str) -> Any:
        path = f"{self._path}{key}"
        if path in ENTRIES:
            return ENTRIES[path](_now(self._opened))
        if key not in self._keys():
            where = f" in {self._path[:-1]!r}" if self._path else ""
            raise UnknownKey(
                f"system_dict has no entry {shown(key)}{where}.{suggestion(key, self._keys())} Known: {', '.join(self._keys())}"
            )
        return SystemDict(self._opened, f"{path}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def __repr__(self) -> str:
        return repr({key: self[key] for key in self})

    def __setitem__(self, key: str, value: Any) -> NoReturn:
        place = f"{self._path}{key}"
        setter = SETTERS.get(place.split(".")[0], "the methods of the experiment")
        raise InvalidType(f"system_dict only shows {place!r}: change it with {setter}")

    def __delitem__(self, key: str) -> NoReturn:
        raise InvalidType(f"system_dict only shows {f'{self._path}{key}'!r}: it cannot be deleted")

    def _keys(self) -> list[str]:
        own = (path.removeprefix(self._path) for path in ENTRIES if path.startswith(self._path))
        return list(dict.fromkeys(path.split(".")[0] for path in own))


def _now(opened: OpenExperiment) -> Opened:
    run = opened.run
    return Opened(run, run.state(), opened.spec, opened.learner, opened.evaluating)
