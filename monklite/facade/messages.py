"""The printed messages about the images, of a test and of a whole run, in Monk's layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data import health
from ..data.discover import describe_strays
from ..data.prepare import EvaluationData
from ..durations import duration
from ..image_predictor import Prediction
from ..printable import printable
from ..records import ClassResult, DatasetRecord, Testing
from ..reports.cautions import only_prediction
from ..rules import AUTO
from ..runs.evaluations import predictions_file
from ..runs.file_names import HEALTH, NEAR_DUPLICATES
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Choice, Resolved, Source, Spec, Table
from ..tasks import SINGLE, TASKS, Task, label_type
from . import decision_messages, leak_messages, training_messages
from .console import Console

MAX_CLASSES_SHOWN = MAX_FILES_SHOWN = 20
# key of a prediction -> its label
PREDICTION_LABELS = {
    "predicted_class": "Predicted class",
    "score": "Predicted score",
    "predicted_classes": "Predicted classes",
    "scores": "Predicted scores",
    "calibrated_score": "Calibrated score",
    "calibrated_scores": "Calibrated scores",
    "possible_classes": "Possible classes",
    "unsure": "Unsure",
}
# count in a `DatasetRecord` -> its description, after `3 images `
ODD_FILES = {
    "unreadable": "cannot be read; left out",
    "converted": "of an unusual kind (more than 8 bits, CMYK, turned, transparent, animated), converted",
    "enlarged": "smaller than the input of the network, enlarged",
    "copies": "with the same content as another one",
}
WARNINGS = {
    "leaked": "used for training and for validation: validation looks better than it is",
    "conflicting": "in several classes at once: of each, all labels but one are wrong",
    "seen": "of this test set used in training or validation: the accuracy looks better than it is",
}


def experiment_details(console: Console, run: Run, state: RunState) -> None:
    rows = {"Project": state.project, "Experiment": state.experiment, "Version": run.folder.name, "Dir": run.folder}
    console.block("Experiment Details", rows)


def loaded_weights(console: Console, run: Run, weights: Path) -> None:
    console.block("Model Details", {"Loading model": f"{run}/output/models/{weights.name}"})


def dataset_details(console: Console, spec: Spec | Resolved) -> None:
    data = spec.data
    rows: dict[str, Any] = {}
    for subset, source in zip(("train", "val"), (*data.sources, None), strict=False):
        rows[f"{subset.capitalize()} path"] = source and source.path
    for subset, source in zip(("train", "val"), (*data.sources, None), strict=False):
        rows[f"CSV {subset} path"] = _csv(source)
    console.block("Dataset Details", {**rows, "Label Type": _label_type(data.sources)})
    rows = {
        "Input Size": data.input_size,
        "Batch Size": data.batch_size,
        "Data Shuffle": data.shuffle,
        "Processors": data.workers,
    }
    if len(data.sources) == 1:
        rows["Train-val split"] = f"fold {data.fold + 1} of {data.folds}" if data.folds else data.split
    if data.sources and isinstance(data.sources[0], Table):
        rows["Delimiter"] = data.sources[0].delimiter
    if data.weighted_sampling:
        rows["Weighted sampling"] = "training images are drawn, those of rare classes more often"
    if data.stored_views:
        rows["Stored views"] = f"{data.stored_views} fixed pictures of each training image that is resampled at random"
    if data.group != AUTO:
        rows["Group"] = data.group or "each image on its own"
    console.block("Dataset Params", {k: "by recipe" if v is None else v for k, v in rows.items()})


def _label_type(sources: Sequence[Source]) -> str:
    tables = [source for source in sources if isinstance(source, Table)]
    may_have_columns = any(t.label_delimiter is None and not (t.label_column or t.label_columns) for t in tables)
    more = ", unless Dataset() finds one column per class" if may_have_columns and tables[0].reading > 1 else ""
    return label_type(sources) + more


def _csv(source: Source | None) -> str | None:
    return source.csv if isinstance(source, Table) else None


def test_details(console: Console, source: Source) -> None:
    console.block("Dataset Details", {"Test path": source.path, "CSV test path": _csv(source)})


def test_numbers(console: Console, data: EvaluationData, classes: Sequence[str]) -> None:
    console.block("Dataset Numbers", {"Num test images": data.batches.n_images, "Num classes": len(classes)})
    for problem in list(health.unreadable(data.samples).values())[:MAX_FILES_SHOWN]:
        console.say(f"    left out: {problem}")
    odd_files(console, {**health.counts(data.samples), "seen": data.n_seen}, data.samples.strays, None)
    for remark in data.remarks:
        console.say(f"    Note: {remark}\n")


def transforms(console: Console, spec: Spec | Resolved, *subsets: str) -> None:
    for subset in subsets:
        chain: tuple[Choice, ...] = getattr(spec.data.transforms, subset)
        console.say(f"Pre-Composed {subset.capitalize()} Transforms")
        console.say(f"    {', '.join(map(str, chain)) or 'resize to the input size'}\n")


def dataset_numbers(console: Console, record: DatasetRecord, strays: tuple[str, ...], run: Run) -> None:
    console.block(
        "Dataset Numbers",
        {"Num train images": record.n_train, "Num val images": record.n_val, "Num classes": len(record.classes)},
    )
    names = [printable(name) for name in record.classes]
    width = max(map(len, names[:MAX_CLASSES_SHOWN]))
    counts = list(zip(names, record.train_counts, record.val_counts, strict=True))
    for name, n_train, n_val in counts[:MAX_CLASSES_SHOWN]:
        console.say(f"    {name:{width}}  train {n_train:6d}   val {n_val:6d}")
    if len(record.classes) > MAX_CLASSES_SHOWN:
        console.say(f"    ... and {len(record.classes) - MAX_CLASSES_SHOWN} more classes")
    console.say()
    odd_files(console, record.model_dump(), strays, run.folder / HEALTH)
    leak_messages.recorded(console, record, run.folder / NEAR_DUPLICATES)


def odd_files(console: Console, counts: Mapping[str, Any], strays: tuple[str, ...], table: Path | None) -> None:
    """Print how many files are unusual. `counts`: with the keys of `health.counts`. `table`: the file that lists them."""
    lines = [f"{_images(counts[kind])} {text}" for kind, text in ODD_FILES.items() if counts.get(kind)]
    lines += [f"Warning: {_images(counts[kind])} {text}" for kind, text in WARNINGS.items() if counts.get(kind)]
    if lines and table:
        lines[-1] += f"{',' if len(lines) == 1 else '; all'} listed in {table}"
    if strays:
        lines.append(describe_strays(strays))
    for line in lines:
        console.say(f"    {line}")
    if lines:
        console.say()


def _images(count: int) -> str:
    return f"{count} {'image' if count == 1 else 'images'}"


def testing(console: Console, task: type[Task], result: Testing, table: Path, unsaved: str = "") -> None:
    """Print an evaluation. `table`: the file with every prediction. `unsaved`: why it could not be written, `""`: it was."""
    low, high = result.interval
    console.say("    Result")
    console.say("        class based accuracies")
    for i, (name, counts) in enumerate(list(result.classes.items())[:MAX_CLASSES_SHOWN]):
        shown = f"{i}. {name} - {100 * counts.accuracy:.1f} % ({counts.num_correct} of {counts.num_images})"
        console.say(f"            {shown}{'' if task.exclusive else _beyond_recall(counts)}")
    if len(result.classes) > MAX_CLASSES_SHOWN:
        n_more = len(result.classes) - MAX_CLASSES_SHOWN
        console.say(f"            ... and {n_more} more classes, in the value that Evaluate() returns")
    console.say(f"        total images:            {result.num_images}")
    if result.views:
        views = "1 view" if result.views == 1 else f"{result.views} views"
        console.say(f"        scores averaged over:    each image and {views} of it")
    console.say(f"        num correct predictions: {result.num_correct}")
    console.say(
        f"        Average accuracy (%):    {100 * result.accuracy:.2f}  (95 % interval {100 * low:.1f} to {100 * high:.1f})"
    )
    for name, value in result.figures.items():
        console.say(f"        {f'{name}:':24} {value:.4f}")
    if result.thresholds:
        each = ", ".join(f"{name} {value:g}" for name, value in list(result.thresholds.items())[:MAX_CLASSES_SHOWN])
        console.say(f"        a label is predicted above the score {each}")
    for line in decision_messages.at_operating_point(result):
        console.say(f"        {line}")
    if result.only_prediction:
        console.say(f"        Warning: {only_prediction(result.only_prediction, 'test')}")
    console.say(f"        Always {task.majority_title}: {100 * result.majority_accuracy:.2f} %")
    console.say(f"        Every prediction:        {table}\n" if not unsaved else f"        Note: {unsaved}\n")


def _beyond_recall(counts: ClassResult) -> str:
    """The text about a label beside the share of its images that were found."""
    if counts.num_predicted is None:
        return ""
    precision = f"{100 * counts.precision:.1f} %" if counts.num_predicted else "-"
    return f", precision {precision} ({counts.num_correct} of {counts.num_predicted}), F1 {100 * counts.f1:.1f} %"


def prediction(console: Console, predicted: Prediction) -> None:
    rows = {PREDICTION_LABELS[key]: _format(value) for key, value in predicted.answer.items()}
    console.block("Prediction", {"Image name": predicted.name, **rows})


def _format(value: Any) -> Any:
    """Format scores with four decimals, and lists with commas."""
    if isinstance(value, list):
        return ", ".join(str(_format(item)) for item in value) or "none"
    return f"{value:.4f}" if isinstance(value, float) else value


def summary(console: Console, run: Run, state: RunState) -> None:
    spec, data, results = state.spec, state.dataset, state.results
    console.block(
        f"Experiment {state.project} / {state.experiment} / v{state.version:03d}",
        {
            "Dir": run.folder,
            "Status": state.status + (f" ({state.error})" if state.error else ""),
            "Backend": spec.backend,
            "Created": state.created,
            "Origin": "/".join(map(str, state.origin)) if state.origin else "new",
            **({"Tags": ", ".join(state.tags)} if state.tags else {}),
            **{f"Note {i}": note for i, note in enumerate(state.notes, 1)},
        },
    )
    if data:
        dataset_details(console, spec)
        dataset_numbers(console, data, (), run)
        transforms(console, spec, "train", "val", "test")
    if state.model:
        training_messages.model_params(console, spec)
        training_messages.model_details(console, spec, state.model)
    training_messages.choices(console, spec.training)
    if results:
        console.block(
            "Training Results",
            {
                "Epochs completed": f"{results.epochs_completed} of {spec.training.epochs}",
                "Best val accuracy": f"{results.best_val_accuracy:.4f} (epoch {results.best_epoch})",
                "Training time": duration(results.train_seconds),
                "Images per second": f"{results.images_per_second:.1f}",
            },
        )
    decision_messages.summary(console, state)
    if state.testing:
        console.say("Testing")
        task = TASKS[data.label_type if data else SINGLE]
        testing(console, task, state.testing, predictions_file(run, state.testing))
