"""Quick mode, training, and how it is shown."""

from __future__ import annotations

from dataclasses import replace

from ..catalog.recipes import quick_mode
from ..rules import Flag
from ..training.session import Display
from . import console as show
from .checks import api
from .dataset import DatasetMethods, Paths, sources
from .model import ModelMethods


class TrainingMethods(DatasetMethods, ModelMethods):
    """`Default`, `Training_Params`, `Reload`, `Train`."""

    @api
    def Default(
        self,
        dataset_path: Paths = False,
        path_to_csv: Paths = False,
        delimiter: str = ",",
        model_name: str = "resnet18_v1",
        freeze_base_network: bool = True,
        num_epochs: int = 10,
        use_pretrained: bool = True,
        label_delimiter: str | None = None,
    ) -> None:
        """Quick mode: everything that a training needs, by recipe. Then call `Train()`.

        Args:
            dataset_path: a folder with one folder of images per class, or `[train, val]`.
            path_to_csv, delimiter, label_delimiter: a table of files and labels; see `Dataset_Params`.
            model_name: see `List_Models()`.
            freeze_base_network: train only the new head; False trains all layers.
            num_epochs: passes over the training images.
            use_pretrained: start from weights that were trained on ImageNet; False from random ones.

        Images are split 70 : 30 into training and validation (two folders are taken as they are). Optimizer, learning
        rate, schedule, batch and input size follow from the model: see `monklite/catalog/recipes.py`.

        Raises:
            UnknownName: no such model. NotFound, DatasetError: the images. PretrainedUnavailable: the weights.
        """
        self._change(
            {
                **quick_mode(self._backend, model_name),
                "data.sources": sources(dataset_path, path_to_csv, delimiter, label_delimiter),
                "model.freeze_base": freeze_base_network,
                "model.pretrained": use_pretrained,
                "training.epochs": num_epochs,
            }
        )
        show.dataset_details(self._console, self._experiment.resolved())
        self.Dataset()
        show.model_params(self._console, self._experiment.asked)
        self.Model()
        self._show_training()

    def _show_training(self) -> None:
        spec = self._experiment.resolved()
        show.choices(self._console, spec.training)
        show.training_params(self._console, spec)

    @api
    def Training_Params(
        self,
        num_epochs: int = 10,
        display_progress: bool = True,
        display_progress_realtime: bool = True,
        save_intermediate_models: bool = True,
        intermediate_model_prefix: str = "intermediate_model_",
        save_training_logs: bool = True,
        seed: int | None = None,
        precision: str | None = None,
        early_stopping: int | None = None,
        ema_decay: float | None = None,
    ) -> None:
        """Say how long to train, what is shown and what is kept.

        Args:
            num_epochs: passes over the training images.
            display_progress: a line an epoch. display_progress_realtime: a progress bar.
            save_intermediate_models: keep the weights of every epoch, named `intermediate_model_prefix` and the epoch from 0.
            save_training_logs: kept from Monk; the history is always written.
            seed: decides split, order, augmentation and first weights; the same seed gives the same run (0 at first).
            precision: `auto` (at first), `float32`, `bfloat16` or `float16`.
            early_stopping: end after so many epochs in a row without a better one on validation; 0 (at first): never.
            ema_decay: judge and keep a moving average of the weights (EMA), such as 0.999; 0 (at first): the weights themselves.

        What is not given of the last four stays as it is.
        """
        Flag()("save_training_logs", save_training_logs)
        given: dict[str, object] = {"seed": seed, "model.precision": precision}
        given |= {"training.early_stopping": early_stopping, "training.ema_decay": ema_decay}
        self._change(
            {
                "training.epochs": num_epochs,
                "training.save_intermediate_models": save_intermediate_models,
                "training.intermediate_prefix": intermediate_model_prefix,
                **{path: value for path, value in given.items() if value is not None},
            }
        )
        self.update_display_progress(display_progress)
        self.update_display_progress_realtime(display_progress_realtime)
        show.training_params(self._console, self._experiment.asked)

    @api
    def Reload(self) -> None:
        """Make data, network and optimizer again after `update_*` calls. `Train()` does it too where it is needed."""
        data, learner = self._experiment.refresh(self._console.ticker("    reading images"))
        show.dataset_numbers(self._console, data.record, data.samples.strays, self._experiment.run)
        show.model_details(self._console, self._experiment.resolved(), learner.describe())

    @api
    def Train(self) -> None:
        """Train, keeping the best and the last weights, the history and the curves in the run's folder.

        Raises:
            TrainingFailed: the loss is no longer a number, or the device's memory is too small.
            StorageError: the disk is full; what was saved before stays.
        """
        experiment = self._experiment
        self._opened.forget_evaluation()
        experiment.refresh(self._console.ticker("    reading images"))
        self._console.say("Training Resume" if experiment.resuming else "Training Start")
        display = Display(self._display.lines, self._display.bar and bool(self._console.verbose))
        state = experiment.train(display)
        show.training_outputs(self._console, experiment.run, state)

    @api
    def update_display_progress(self, value: bool) -> None:
        """Whether a line an epoch is shown."""
        self._display = replace(self._display, lines=Flag()("display_progress", value))

    @api
    def update_display_progress_realtime(self, value: bool) -> None:
        """Whether a progress bar is shown."""
        self._display = replace(self._display, bar=Flag()("display_progress_realtime", value))

    @api
    def update_save_training_logs(self, value: bool) -> None:
        """Kept from Monk; the history is always written."""
        Flag()("save_training_logs", value)

    @api
    def update_save_intermediate_models(self, value: bool, prefix: str = "intermediate_model_") -> None:
        """Whether the weights of every epoch are kept, and how those files begin."""
        self._change({"training.save_intermediate_models": value, "training.intermediate_prefix": prefix})
        self._console.say(f"Update: Save intermediate models - {value}\n")
