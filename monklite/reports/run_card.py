"""The model card of a run, and the items of guidelines that its record can fill."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..figures import AUC, PPV, SENSITIVITY, SPECIFICITY, Figures
from ..files import reading, write_text
from ..printable import printable
from ..regular_files import read_regular
from ..runs.file_names import MODEL_CARDS
from ..runs.state import RunState
from . import checklists, evaluation_charts
from .checklists import AUTHOR

# the last line, by which a card that was filled in is told from one that was not
MARK = "\n<!-- as written by monklite: {} -->\n"
UNKNOWN_LIMITS = f"_{AUTHOR.capitalize()}: on which people and devices it was not tried; what a mistake costs._"
OF_DATA = (
    checklists.DATA, checklists.SPLIT, checklists.GROUPS, checklists.UNREADABLE, checklists.PREPROCESSING, checklists.IMBALANCE,
)  # fmt: skip
UNKNOWN_USE = f"_{AUTHOR.capitalize()}: for whom and for what it is meant, and for what it is not._"


def said(state: RunState, found: Sequence[Figures]) -> dict[str, str]:
    """The statements of the record, by the keys of `checklists`; what it does not know is left out."""
    values = dict(_of_data(state)) | dict(_of_training(state)) | dict(_of_figures([f for f in found if f.dataset_path]))
    if checklists.THRESHOLD in values and state.operating_point is not None:
        values[checklists.THRESHOLD] = f"{state.operating_point.chosen_by}, chosen on the validation images"
    return values


def _of_data(state: RunState) -> Iterator[tuple[str, str]]:
    data, spec = state.dataset, state.spec.data
    if data is None:
        return
    yield (
        checklists.DATA,
        f"{data.n_train:,} training and {data.n_val:,} validation images of {len(data.classes)} classes",
    )
    two = len(spec.sources) > 1
    how = f"fold {spec.fold + 1} of {spec.folds}" if spec.folds else "at random and by class"
    how = "two sets were given" if two else f"{how}, seed {spec.split_seed}"
    shared = f"; {data.leaked} validation images are copies of training images, {data.near_leaked} near copies"
    yield checklists.SPLIT, f"{how}; every image with its part is listed in dataset.csv{shared}"
    if two:
        yield checklists.GROUPS, "as given: nothing was moved between the two sets"
    elif data.groups is None:
        yield checklists.GROUPS, "by image; copies of an image are on one side"
    else:
        yield (
            checklists.GROUPS,
            f"by group ({data.groups:,} of them, such as patients); copies of an image are on one side",
        )
    yield (
        checklists.UNREADABLE,
        f"{data.unreadable:,} files that cannot be read were left out, {data.passed_over:,} files are no images",
    )
    chain = "; ".join(map(str, spec.transforms.train)) or "resizing alone"
    yield checklists.PREPROCESSING, f"to {spec.input_size} px; of training images: {chain}"
    weighted = "training images drawn so that classes are equally frequent" if spec.weighted_sampling else ""
    loss = state.spec.training.loss
    weights = f"class weights {loss.params['weight']}" if loss and loss.params.get("weight") else ""
    yield checklists.IMBALANCE, "; ".join(filter(None, (weighted, weights))) or "nothing was done"


def _of_training(state: RunState) -> Iterator[tuple[str, str]]:
    model, results, training = state.model, state.results, state.spec.training
    if model:
        yield (
            checklists.MODEL,
            f"{state.spec.model.name}, {model.parameters:,} parameters, {model.trainable_parameters:,} of them trained",
        )
        yield checklists.WEIGHTS, model.weights
    packages = ", ".join(f"{k} {v}" for k, v in state.environment.items() if isinstance(v, str))
    if packages:
        yield checklists.SOFTWARE, packages
    if results:
        done = results.epochs_completed
        choices = "; ".join(map(str, (training.optimizer, training.schedule, training.loss)))
        yield checklists.TRAINING, f"{choices}; {done} epochs; seed {state.spec.seed}"
        yield (
            checklists.SELECTION,
            f"the epoch with the best {results.figure} on validation: {results.best_epoch} of {done}",
        )
    yield checklists.CODE, "a script that repeats the training is in this report"


def _of_figures(tests: Sequence[Figures]) -> Iterator[tuple[str, str]]:
    if not tests:
        return
    figures = tests[0]
    accuracy = figures.overall["accuracy"]
    yield checklists.METRICS, ", ".join([*figures.overall, *next(iter(figures.classes.values())).figures])
    methods = sorted({e.method for c in figures.classes.values() for e in c.figures.values() if e.method != "none"})
    yield (
        checklists.INTERVALS,
        f"95 % intervals: {', '.join(methods)}"
        + (f"; by {figures.n_groups:,} groups" if figures.n_groups is not None else ""),
    )
    interval = evaluation_charts.interval_text(accuracy, 100, 1)
    tables = "confusion matrix and every class" if figures.confusion else "every label"
    yield (
        checklists.RESULTS,
        f"accuracy {interval} % of {figures.n_images:,} test images; {tables} above",
    )
    if figures.confusion:
        yield checklists.ERRORS, "pictures of the mistakes open from the confusion matrix"
    thresholds = "; ".join(f"{name} {value:g}" for name, value in figures.thresholds.items())
    yield (
        checklists.THRESHOLD,
        thresholds or ("the class with the highest score" if figures.confusion else "0.5 for each label"),
    )


def write_card(path: Path, state: RunState, found: Sequence[Figures]) -> Path:
    """Write the model card (Mitchell et al. 2019) as Markdown, and return its path.

    A card that was filled in since it was written stays; the new one is then written beside it, as `model_card-new.md`.

    Raises:
        StorageError: it cannot be written, or the one that is there cannot be read.
    """
    text = "\n".join(_card(state, found)) + "\n"
    if not _is_as_written(path):
        path = path.with_name(MODEL_CARDS[1])
    write_text(path, text + MARK.format(_digest(text)))
    return path


def _is_as_written(path: Path) -> bool:
    """Whether there is no card, or one that nobody has changed."""
    try:
        with reading(path):
            text = read_regular(path).decode("utf-8", "replace").replace("\r\n", "\n")
    except FileNotFoundError:
        return True
    content, _, _ = text.rpartition(MARK.partition("{")[0])
    return text == content + MARK.format(_digest(content))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _card(state: RunState, found: Sequence[Figures]) -> Iterator[str]:
    values = {key: printable(text) for key, text in said(state, found).items()}
    yield f"# {printable(state.project)} / {printable(state.experiment)} / v{state.version:03d}"
    yield from ("", "## Model", "")
    for title, key in (
        ("Network", checklists.MODEL),
        ("First weights", checklists.WEIGHTS),
        ("Training", checklists.TRAINING),
    ):
        yield f"- {title}: {values.get(key, 'unknown')}"
    yield from (f"- Made: {state.ended or state.created}, monklite {state.environment.get('monklite', '')}", "")
    yield from ("## Intended use", "", UNKNOWN_USE, "", "## Data", "")
    for key in OF_DATA:
        if key in values:
            yield f"- {values[key]}"
    yield from ("", "## Figures", "")
    tests = [figures for figures in found if figures.dataset_path]
    if not tests:
        yield "It was not judged on test images."
    for figures in tests:
        yield from _figures(figures)
    yield from (
        "",
        "## Limits and ethical considerations",
        "",
        f"{UNKNOWN_LIMITS}",
    )


def _figures(figures: Figures) -> Iterator[str]:
    interval = evaluation_charts.interval_text(figures.overall["accuracy"], 100, 1)
    yield f"{printable(figures.name)}: {figures.n_images:,} images, accuracy {interval} % (95 % interval)"
    yield from ("", "| class | images | sensitivity % | specificity % | PPV % | AUC |", "|---|---|---|---|---|---|")
    for name, of_class in figures.classes.items():
        shares = [evaluation_charts.interval_text(of_class.figures[f], 100, 1) for f in (SENSITIVITY, SPECIFICITY, PPV)]
        auc = evaluation_charts.interval_text(of_class.figures[AUC], digits=3)
        yield f"| {' | '.join((_cell(name), f'{of_class.positives:,}', *shares, auc))} |"
    yield ""


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")
