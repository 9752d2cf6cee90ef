"""The printed messages about the network and its training, in Monk's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..durations import duration
from ..records import ACCURACY, ModelRecord
from ..reports.cautions import only_prediction
from ..runs.file_names import ACCURACY_CURVE, BEST, FINAL, HISTORY, LOSS_CURVE
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Choice, Resolved, ResolvedTraining, Spec, TrainingSpec
from ..tasks import FIGURE_TITLES
from ..training.rate_test import CHART as RATES_CHART
from ..training.rate_test import RateTest
from .console import Console


def model_params(console: Console, spec: Spec | Resolved) -> None:
    model = spec.model
    rows = {
        "Model name": model.name,
        "Use Gpu": model.use_gpu,
        "Use pretrained": model.pretrained,
        "Freeze base network": model.freeze_base,
    }
    if model.weights_path:
        rows["Model path"] = ", ".join(model.weights_path)
    if model.is_own:
        rows["Network from"] = (
            model.source.place or "this session; another one is given it with Prototype(..., model=...)"
        )
    console.block("Model Params", rows)
    if model.freeze_base and model.is_own and not model.weights_path:
        console.say(
            "    Note: only the last layer of your network is trained: right if it comes with pretrained weights, else use\n"
            "    freeze_base_network=False\n"
        )
    elif model.freeze_base and not (model.pretrained or model.weights_path):
        console.say(
            "    Note: the base is frozen at random weights, so little can be learned; use freeze_base_network=False\n"
        )


def model_details(console: Console, spec: Spec | Resolved, record: ModelRecord) -> None:
    console.block(
        "Model Details",
        {
            "Model name": spec.model.name,
            "First weights": record.weights,
            "Num layers in model": record.layers,
            "Num trainable layers": record.trainable_layers,
            "Num parameters": f"{record.parameters:,}",
            "Num trainable parameters": f"{record.trainable_parameters:,}",
            "Device": record.device,
            "Precision": record.precision,
            **({"Computed with": ", ".join(record.methods)} if record.methods else {}),
        },
    )
    if spec.model.use_gpu and not record.on_gpu:
        console.say("    Note: a GPU was requested (use_gpu=True) but none is usable here: the CPU is used\n")


def choice(console: Console, title: str, chosen: Choice) -> None:
    rows: dict[str, Any] = {"Name": chosen.name}
    if "learning_rate" in chosen.params:
        rows["Learning rate"] = chosen.params["learning_rate"]
    rows["Params"] = {k: v for k, v in chosen.params.items() if k != "learning_rate"}
    console.block(title, rows)


def choices(console: Console, training: TrainingSpec | ResolvedTraining) -> None:
    titles = {"Optimizer": training.optimizer, "Learning rate scheduler": training.schedule, "Loss": training.loss}
    for title, chosen in titles.items():
        if chosen:
            choice(console, title, chosen)


def training_params(console: Console, spec: Spec | Resolved) -> None:
    training = spec.training
    console.block(
        "Training params",
        {
            "Num Epochs": training.epochs,
            "Early stopping": f"after {training.early_stopping} without a better one"
            if training.early_stopping
            else "no",
            "Moving average of weights": f"decay {training.ema_decay:g}" if training.ema_decay else "no",
            "Progressive resizing": f"from {training.resizing.initial_scale:g} of the input size"
            if training.resizing.initial_scale < 1
            else "no",
            **({"MixUp": f"alpha {training.mixup:g}"} if training.mixup else {}),
            **({"CutMix": f"alpha {training.cutmix:g}"} if training.cutmix else {}),
            **({"Head alone": f"{training.head_epochs} of {training.epochs} epochs"} if training.head_epochs else {}),
            **({"Rates of layers": ", ".join(f"{r:g}" for r in training.layer_rates)} if training.layer_rates else {}),
            "Save Intermediate models": training.save_intermediate_models,
            "Intermediate model prefix": training.intermediate_prefix,
        },
    )


def training_estimate(console: Console, epochs: int, seconds: float) -> None:
    console.say("Training time estimate")
    console.say(f"    {epochs} {'Epoch' if epochs == 1 else 'Epochs'}: Approx. {_about(seconds)}\n")


def _about(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} Sec"
    if seconds < 90:
        return f"{seconds:.0f} Sec"
    return f"{seconds / 60:.0f} Min" if seconds < 5400 else f"{seconds / 3600:.1f} Hours"


def trained_already(console: Console, run: Run, state: RunState) -> None:
    console.say(
        f"    {run} is trained already: nothing is trained again. To train a new version: Prototype(...) without"
    )
    console.say("    resume_train\n")
    training_outputs(console, run, state)


def learning_rate_found(console: Console, rate: float, found: RateTest, logs: Path) -> None:
    console.block(
        "Learning rate",
        {
            "Falls fastest at": f"{rate:g}",
            "Tried": f"{len(found.rates)} steps at {found.rates[0]:.3g} to {found.rates[-1]:.3g}",
            "Chart": logs / RATES_CHART,
        },
    )
    console.say(f"    update_learning_rate({rate:g}) takes it; one up to ten times smaller is more careful\n")


def training_outputs(console: Console, run: Run, state: RunState) -> None:
    results = state.results
    if results is None:
        return
    console.say(f"    Training completed in: {duration(results.train_seconds)}")
    console.say(f"    Best val Acc:          {results.best_val_accuracy:.6f} (epoch {results.best_epoch})")
    if results.figure != ACCURACY:
        console.say(f"    Best val {FIGURE_TITLES[results.figure]}:           {results.best_figure:.6f}")
    if results.only_prediction:
        console.say(f"    Warning: {only_prediction(results.only_prediction, 'validation')}")
    console.say()
    console.say("Training End\n")
    console.block(
        "Training Outputs",
        {
            "Model Dir": run.models,
            "Log Dir": run.logs,
            "Final model": FINAL,
            "Best model": BEST,
            "History": HISTORY,
            "Curves": f"{ACCURACY_CURVE}, {LOSS_CURVE}",
        },
    )
