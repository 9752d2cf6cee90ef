"""The report of one run: how good it is and how sure that is, where it errs, what it was trained on, and how to repeat it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..durations import duration
from ..errors import MonkliteError
from ..figures import AUC, F1, NPV, PPV, SENSITIVITY, SPECIFICITY, Estimate, Figures
from ..files import reading, write_text
from ..looking import exists
from ..records import EpochRow
from ..regular_files import read_regular
from ..runs import evaluations, history, predictions
from ..runs.file_names import ERROR_SHEET, EVALUATED, HEALTH, HISTORY, REPORT
from ..runs.run import Run
from ..runs.state import RunState, now
from ..spec import Choice
from ..tasks import TASKS
from . import cautions, checklists, evaluation_charts, mixups, pages, run_card, run_curves, script
from .judged_images import Cell, cells, thresholds

TITLES = {SENSITIVITY: "sensitivity (recall)", SPECIFICITY: "specificity", PPV: "PPV (precision)", NPV: "NPV", F1: "F1"}
OVERALL = {
    "accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "f1": "F1", "precision": "Precision", "recall": "Recall",
    "macro_f1": "F1, mean of classes", "macro_precision": "Precision, mean of classes", "macro_recall": "Recall, mean of classes",
    "macro_auc": "AUC, mean of classes", "brier_score": "Brier score", "log_loss": "Log loss",
    "calibration_error": "Expected calibration error",
}  # fmt: skip
# given as they are; all others in %
NOT_PERCENT = ("brier_score", "log_loss", "calibration_error", "macro_auc", AUC)
# what each figure says, for those who meet it for the first time
GLOSSARY = {
    "Sensitivity (recall)": "of the images of a class, the share that is found",
    "Specificity": "of the images of other classes, the share that is not taken for it",
    "PPV (precision)": "of the images that are said to be of a class, the share that is; it depends on how frequent the class is",
    "NPV": "of the images that are said not to be of a class, the share that is not; it depends on how frequent the class is",
    "AUC": "how often an image of the class has a higher score than one of another class; 0.5 is chance",
    "Brier score, expected calibration error": "how far scores are from being probabilities; 0 is best",
    "95 % interval": "of 100 such intervals from other test sets of the same size, about 95 contain the value for all images",
}


def write(run: Run, state: RunState, found: Sequence[Figures], warn: Callable[[str], None]) -> Path:
    """Write the report of a run into its folder of results, and return its path.

    Args:
        found: its evaluations, see `current`.
        warn: called with a message for each part that cannot be read, which is then left out.

    Raises:
        StorageError: it cannot be written.
    """
    path = run.folder / "output" / REPORT
    write_text(path, page(run, state, found, warn))
    return path


def page(run: Run, state: RunState, found: Sequence[Figures], warn: Callable[[str], None]) -> str:
    """The report as HTML; arguments as of `write`."""
    epochs = history.read(run.logs / HISTORY)
    return pages.render(
        "run.html",
        name=str(run),
        made=now(),
        state=state,
        summary=list(summary(state, found)),
        warnings=list(warnings(state, found)),
        evaluations=[_evaluation(run, state, figures, number, warn) for number, figures in enumerate(found)],
        curves=list(_curves(epochs)),
        data=_data(state),
        settings=_settings(state),
        model=_model(state),
        glossary=GLOSSARY,
        script_lines=script.script(state).splitlines(),
        took=duration(state.results.train_seconds) if state.results else "",
        guidelines=checklists.filled(run_card.said(state, found)),
        health=HEALTH,
    )


def current(run: Run, state: RunState, warn: Callable[[str], None]) -> list[Figures]:
    """The evaluations of the weights that the run has now, the newest first, and that of the validation images last."""
    found = sorted(evaluations.read_all(run, warn), key=lambda f: (f.dataset_path != "", f.made), reverse=True)
    kept = []
    for figures in found:
        if evaluations.is_current(figures, state):
            kept.append(figures)
        else:
            warn(
                f"the evaluation {figures.name!r} is left out: it is of epoch {figures.epoch}, and the weights are of "
                f"epoch {evaluations.epoch_now(figures, state)} since the training went on. Evaluate() again"
            )
    return kept


def summary(state: RunState, found: Sequence[Figures]) -> Iterator[str]:
    """The first sentences: how good the run is, and how sure that is."""
    tests = [figures for figures in found if figures.dataset_path]
    for figures in tests:
        yield f"{state.spec.model.name} {share_right(figures)}, {figures.name!r}: {figures.dataset_path}."
    results = state.results
    old = state.testing if not tests else None
    if old is not None:
        yield (
            f"{state.spec.model.name} got {100 * old.accuracy:.1f} % of {old.num_images:,} test images right (95 % interval "
            f"{100 * old.interval[0]:.1f} to {100 * old.interval[1]:.1f}): {old.dataset_path}. Evaluate() gives every figure."
        )
    elif not tests:
        yield "It was not judged on test images yet: Switch_Mode(eval_infer=True), Dataset_Params(...), Dataset(), Evaluate()."
        if results:
            title = TASKS[state.dataset.label_type if state.dataset else "single"].deciding_title
            yield (
                f"On validation its best {title} is {100 * results.best_figure:.1f} % (epoch {results.best_epoch} of "
                f"{results.epochs_completed}); the best epoch was chosen on these images, and others are likely to give less."
            )


def share_right(figures: Figures) -> str:
    """`gets 76.0 % of 100 test images right (95 % interval 66.8 to 83.3)`."""
    accuracy, kind = figures.overall["accuracy"], "test" if figures.dataset_path else "validation"
    what = "right" if TASKS[figures.label_type].exclusive else "exactly right (all labels)"
    return (
        f"gets {100 * accuracy.value:.1f} % of {figures.n_images:,} {kind} images {what} "
        f"(95 % interval {100 * accuracy.low:.1f} to {100 * accuracy.high:.1f})"
    )


def warnings(state: RunState, found: Sequence[Figures]) -> Iterator[str]:
    """The reasons to trust the numbers less."""
    if state.status != "done":
        yield f"This run {state.progress}."
    if state.results and state.results.only_prediction:
        yield f"{cautions.only_prediction(state.results.only_prediction, 'validation').capitalize()}."
    yield from cautions.of_data(state.dataset) if state.dataset else ()
    for figures in found:
        for text in figures.leaks:
            yield f"The figures of {figures.name!r} are too good: {text}."
        if figures.unreadable:
            yield f"{figures.unreadable} images of {figures.name!r} cannot be read and were left out."


class Shown(NamedTuple):
    """A figure in a table: its text and that of its interval, in % unless it is no share; `number`: to sort by."""

    text: str
    interval: str
    number: float

    @classmethod
    def of(cls, name: str, estimate: Estimate) -> Shown:
        scale, digits = (1, 3) if name in NOT_PERCENT else (100, 1)
        return cls(*evaluation_charts.in_parts(estimate, scale, digits), estimate.value)


def overall_rows(figures: Figures) -> list[dict[str, Any]]:
    """The table of the figures of all images together."""
    return [
        {
            "": OVERALL.get(name, name) + ("" if name in NOT_PERCENT else " %"),
            "value, 95 % interval": Shown.of(name, estimate),
            "images": estimate.count,
        }
        for name, estimate in figures.overall.items()
    ]


def fragment(figures: Figures) -> str:
    """The figures of an evaluation as HTML, for a notebook: its tables, and the confusion matrix if it is not too large."""
    return pages.render(
        "evaluation.html",
        figures=figures,
        overall=overall_rows(figures),
        classes=class_rows(figures, [*TITLES, AUC]),
        matrix=_matrix(figures, [], "") if mixups.largest(figures) is None else [],
    )


def _evaluation(
    run: Run, state: RunState, figures: Figures, number: int, warn: Callable[[str], None]
) -> dict[str, Any]:
    read = predictions.read(run.evaluations / figures.name / EVALUATED, figures.predictions, list(figures.classes))
    if read is None:
        warn(f"the predictions of {figures.name!r} are missing or have changed: Evaluate() writes them again")
    images = cells(figures, read, _folder(state, figures), warn) if read else []
    sliders = thresholds(figures, read) if read else []
    mixed = mixups.largest(figures)
    return {
        "id": f"e{number}",
        "figures": figures,
        "overall": overall_rows(figures),
        "classes": class_rows(figures, [*TITLES, AUC]),
        "mixed": mixed,
        "matrix": _matrix(figures, images, f"e{number}") if mixed is None else [],
        "cells": images,
        "thresholds": sliders,
        # the tables of older evaluations do not tell the groups
        "by_image": figures.n_groups is not None and read is not None and read.groups is None,
        "charts": list(_charts(figures, f"e{number}")),
        "point": _point(state, figures),
        "sheets": list(_sheets(run, figures, warn)),
    }


def class_rows(figures: Figures, names: Sequence[str]) -> list[dict[str, Any]]:
    """The table of the classes with these of their figures."""
    titles = {name: f"{TITLES[name]} %" if name in TITLES else name.upper() for name in names}
    return [
        {
            "class": name,
            "images": of_class.positives,
            **{title: Shown.of(f, of_class.figures[f]) for f, title in titles.items()},
        }
        for name, of_class in figures.classes.items()
    ]


def _folder(state: RunState, figures: Figures) -> str:
    """The folder that the paths of the images are relative to; the validation images are in the last source."""
    sources = state.spec.data.sources
    return figures.dataset_path or (sources[-1].path if sources else "")


def _point(state: RunState, figures: Figures) -> list[dict[str, Any]]:
    """The figures at the operating point of the run, if this evaluation is the newest one and was made at it."""
    test = state.testing
    if test is None or test.predictions != figures.predictions or not test.operating_point:
        return []
    return [
        {"class": name, **{TITLES.get(f, f.replace("_", " ")) + " %": Shown.of(f, e) for f, e in found.items()}}
        for name, found in test.point_figures.items()
    ]


def _sheets(run: Run, figures: Figures, warn: Callable[[str], None]) -> Iterator[str]:
    """The pictures of errors that `Show_Errors` has drawn; the first ones, because pages are to be small."""
    path = run.evaluations / figures.name / ERROR_SHEET
    try:
        if exists(path):
            with reading(path):
                yield pages.picture(read_regular(path))
    except (MonkliteError, OSError) as error:
        warn(f"{path} is left out: {error}")


def _matrix(figures: Figures, images: Sequence[Cell], prefix: str) -> list[dict[str, Any]]:
    """The rows of the confusion matrix: the class, its images, and of each cell count, share, and the pictures that it opens."""
    names, opened = list(figures.classes), {(cell.true, cell.predicted): i for i, cell in enumerate(images)}
    rows = []
    for true, counts in zip(names, figures.confusion, strict=False):
        total = max(1, sum(counts))
        parts = [
            {
                "count": count,
                "share": round(count / total, 3),
                "right": true == predicted,
                "opens": f"{prefix}-cell{opened[true, predicted]}" if (true, predicted) in opened else "",
            }
            for predicted, count in zip(names, counts, strict=True)
        ]
        rows.append({"name": true, "total": sum(counts), "cells": parts})
    return rows


def _charts(figures: Figures, prefix: str) -> Iterator[pages.Drawn]:
    says = "The figures are in the table of the classes"
    if any(of_class.roc.x for of_class in figures.classes.values()):
        yield pages.drawn(evaluation_charts.roc(figures), f"{prefix}-roc", "ROC curves", says)
        yield pages.drawn(evaluation_charts.precision_recall(figures), f"{prefix}-pr", "Precision and recall", says)
    says = "Scores against the shares that are right"
    yield pages.drawn(evaluation_charts.calibration(figures), f"{prefix}-cal", "Calibration", says)


def _curves(epochs: Sequence[EpochRow]) -> Iterator[pages.Drawn]:
    for name, figure, says in run_curves.described(epochs):
        yield pages.drawn(figure, f"curve-{name}", f"{name.capitalize()} over the epochs", says)


def _data(state: RunState) -> list[dict[str, Any]]:
    data = state.dataset
    if data is None:
        return []
    return [
        {"class": name, "training images": train, "validation images": val}
        for name, train, val in zip(data.classes, data.train_counts, data.val_counts, strict=True)
    ]


def _settings(state: RunState) -> dict[str, str]:
    spec = state.spec
    chains: Mapping[str, Sequence[Choice]] = {s: getattr(spec.data.transforms, s) for s in ("train", "val", "test")}
    return {
        "Backend": spec.backend,
        "Optimizer": str(spec.training.optimizer or "by recipe"),
        "Learning rate over the epochs": str(spec.training.schedule or "by recipe"),
        "Loss": str(spec.training.loss or "by recipe"),
        "Epochs": str(spec.training.epochs),
        "Batch size": str(spec.data.batch_size),
        "Input size": f"{spec.data.input_size} px",
        "Seed": f"{spec.seed} (split: {spec.data.split_seed})",
        **{f"Transforms, {s}": "; ".join(map(str, chain)) or "resize" for s, chain in chains.items()},
    }


def _model(state: RunState) -> dict[str, str]:
    model, spec = state.model, state.spec.model
    if model is None:
        return {"Network": spec.name}
    packages = ", ".join(f"{name} {value}" for name, value in state.environment.items() if isinstance(value, str))
    return {
        "Network": spec.name,
        "First weights": model.weights,
        "Parameters": f"{model.parameters:,}, of which {model.trainable_parameters:,} are trained",
        "Device": f"{model.device}, {model.precision}" + (f" ({', '.join(model.methods)})" if model.methods else ""),
        "Software": packages,
    }
