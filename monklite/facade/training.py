"""Quick mode, training, and its progress display."""

from __future__ import annotations

from dataclasses import replace

from ..catalog import fine_tuning
from ..catalog.default_recipes import quick_mode
from ..catalog.optimizers import LEARNING_RATE
from ..errors import InvalidValue
from ..rules import Flag, OrNone, Whole
from ..setting_ranges import EPOCHS_RANGE
from ..training import rate_test
from ..training.session import Display
from . import messages, training_messages
from .checks import api
from .dataset import DatasetMethods, LabelColumn, Paths, Tables
from .model import ModelMethods

RATE_RANGE = LEARNING_RATE.rule
# with fewer there is no slope, and each of more is a step of training
STEPS_RANGE = Whole(least=10, most=10_000)


class TrainingMethods(DatasetMethods, ModelMethods):
    """`Default`, `Training_Params`, `Reload`, `Train`, `Fine_Tune`, `Find_Learning_Rate`, `Estimate_Train_Time`."""

    @api
    def Default(
        self,
        dataset_path: Paths = False,
        path_to_csv: Tables = False,
        delimiter: str = ",",
        model_name: str = "resnet18_v1",
        freeze_base_network: bool = True,
        num_epochs: int = 10,
        use_pretrained: bool = True,
        label_delimiter: str | None = None,
        path_column: str | None = None,
        label_column: LabelColumn = None,
        group: str | bool | None = None,
    ) -> None:
        r"""Quick mode: set up everything for training by recipe. Then call `Train()`.

        Args:
            dataset_path: a folder with one folder of images per class, or `[train, val]`.
            path_to_csv, delimiter, label_delimiter, path_column, label_column: a table of files and labels (a file or a
                DataFrame); see `Dataset_Params`.
            model_name: see `List_Models()`.
            freeze_base_network: train only the new head; False trains all layers.
            num_epochs: passes over the training images.
            use_pretrained: start from weights trained on ImageNet; False: from random weights.
            group: a column or a pattern such as `r"(person\d+)_"` that keeps images of a patient on one side of the split; see
                `Dataset_Params`.

        Images are split 70 : 30 into training and validation (two folders are used as they are). Optimizer, learning
        rate, schedule, batch size and input size depend on the model: see `monklite/catalog/default_recipes.py`.

        Raises:
            UnknownName: no such model. NotFound, DatasetError: the images cannot be used.
            PretrainedUnavailable: the weights cannot be downloaded.
        """
        self._change(
            {
                **quick_mode(self._backend, model_name),
                "data.sources": self._sources(
                    dataset_path, path_to_csv, delimiter, label_delimiter, path_column, label_column
                ),
                "data.group": group,
                "model.appended": self._experiment.requested.model.appended,
                "model.freeze_base": freeze_base_network,
                "model.pretrained": use_pretrained,
                "training.epochs": num_epochs,
            }
        )
        messages.dataset_details(self._console, self._experiment.resolved())
        self.Dataset()
        training_messages.model_params(self._console, self._experiment.requested)
        self.Model()
        self._show_training()

    def _show_training(self) -> None:
        spec = self._experiment.resolved()
        training_messages.choices(self._console, spec.training)
        training_messages.training_params(self._console, spec)

    @api
    def Training_Params(
        self,
        num_epochs: int = 10,
        display_progress: bool = True,
        display_progress_realtime: bool = True,
        save_intermediate_models: bool = False,
        intermediate_model_prefix: str = "intermediate_model_",
        save_training_logs: bool = True,
        seed: int | None = None,
        precision: str | None = None,
        early_stopping: int | None = None,
        ema_decay: float | None = None,
    ) -> None:
        """Set the length of training, the display, and the files to save.

        Args:
            num_epochs: passes over the training images.
            display_progress: show a line per epoch. display_progress_realtime: show a progress bar.
            save_intermediate_models: save the weights of every epoch too (ResNet50: 90 MB each; Monk did so by default), as
                `intermediate_model_prefix` and the epoch, from 0.
            save_training_logs: accepted for compatibility with Monk; the history is always written.
            seed: determines order, augmentation and first weights; equal seeds give equal runs. Initially 0. The split has a
                seed of its own, `update_split_seed`, so that seeds are compared on the same images.
            precision: `auto` (initially), `float32`, `bfloat16` or `float16`. `auto` times some steps of the network where the
                processor has units for bfloat16, takes the faster precision, and keeps it when the run is resumed or copied.
            early_stopping: stop after this many epochs in a row without an improvement on validation; 0 (initially): never.
            ema_decay: decay of a moving average (EMA) of the weights, such as 0.999, used for evaluation and saved in place of
                the weights; 0 (initially): no average.

        The last four keep their current values if they are None.
        """
        Flag()("save_training_logs", save_training_logs)
        optional: dict[str, object] = {"seed": seed, "model.precision": precision}
        optional |= {"training.early_stopping": early_stopping, "training.ema_decay": ema_decay}
        self._change(
            {
                "training.epochs": num_epochs,
                "training.save_intermediate_models": save_intermediate_models,
                "training.intermediate_prefix": intermediate_model_prefix,
                **{path: value for path, value in optional.items() if value is not None},
            }
        )
        self.update_display_progress(display_progress)
        self.update_display_progress_realtime(display_progress_realtime)
        training_messages.training_params(self._console, self._experiment.requested)

    @api
    def Reload(self) -> None:
        """Recreate data, network and optimizer after `update_*` calls. `Train()` also does this if needed."""
        data, learner = self._experiment.refresh(self._console.ticker("    reading images"))
        messages.dataset_numbers(self._console, data.record, data.samples.strays, self._experiment.run)
        training_messages.model_details(self._console, self._experiment.resolved(), learner.describe())

    @api
    def Train(self) -> None:
        """Train, and save the best and the last weights, the history and the curves in the run's folder.

        Raises:
            TrainingFailed: the loss is not finite, or the device's memory is too small.
            StorageError: the disk is full; files that were saved before are kept.
        """
        experiment = self._experiment
        self._opened.forget_evaluation()
        if not experiment.take_over_script():
            training_messages.trained_already(self._console, experiment.run, experiment.run.state())
            return
        experiment.refresh(self._console.ticker("    reading images"))
        self._console.say("Training Resume" if experiment.resuming else "Training Start")
        display = Display(self._display.lines, self._display.bar and bool(self._console.verbose))
        state = experiment.train(display, callbacks=tuple(self._callbacks))
        training_messages.training_outputs(self._console, experiment.run, state)

    @api
    def Estimate_Train_Time(self, num_epochs: int | bool | None = False) -> None:
        """Print how long `Train()` will take, from some steps of a second network; that of the experiment is not changed.

        Args:
            num_epochs: number of epochs; by default those of the experiment.

        Raises:
            TrainingFailed: memory is too small for a second network.
        """
        epochs = OrNone(EPOCHS_RANGE)("num_epochs", num_epochs) or self._experiment.resolved().training.epochs
        estimate = self._experiment.estimate(self._console.ticker("    reading images"))
        training_messages.training_estimate(self._console, epochs, estimate.seconds(epochs))

    @api
    def get_training_estimate(self) -> float:
        """Seconds that an epoch of `Train()` will take, as a mean over its epochs. Raises as `Estimate_Train_Time`."""
        epochs = self._experiment.resolved().training.epochs
        return self._experiment.estimate().seconds(epochs) / epochs

    @api
    def Fine_Tune(self, num_epochs: int = 5, head_epochs: int = 1, layer_decay: float = 0.1) -> None:
        """Train the new head first, then all layers, the first ones at smaller rates, in one run; call it in place of `Train()`.

        Args:
            num_epochs: epochs in which all layers are trained, but those of `Freeze_Layers`.
            head_epochs: epochs before these, in which only the head is trained: the output of the other layers is computed
                once per image. The schedule starts anew after them.
            layer_decay: the second half of the layers before the head is trained at this multiple of the head's learning rate,
                the first half at the square of it (0.1 and 0.01); 1: all at the rate of the head.

        Call it after `Default(...)`, for example. It sets the number of epochs, the frozen layers and the rates of layers.
        Optimizer and learning rate are those that you chose, or else those of the recipe for fine-tuning.

        Raises:
            The errors of `Train`.
        """
        changes = fine_tuning.settings(num_epochs, head_epochs, layer_decay)
        before = self._experiment.requested.training.layer_rates
        self._change(changes)
        for note in fine_tuning.replaced_rates(before, changes["training.layer_rates"]):
            self._console.say(f"Note: {note}\n")
        self._console.say(
            f"Fine-tuning: the head alone in the first {head_epochs} of {head_epochs + num_epochs} epochs\n"
        )
        self.Train()

    @api
    def Find_Learning_Rate(self, lowest: float = 1e-7, highest: float = 10.0, steps: int = 100) -> float:
        """Try out learning rates (range test, Smith 2017), and return the one at which the loss falls fastest.

        Args:
            lowest, highest: the first rate and the last. steps: training steps from one to the other, unless the loss explodes.

        Weights, optimizer, random numbers and the learning rate stay as they are: call `update_learning_rate(...)` with the
        suggestion. Rates of layers keep their proportions. `learning_rates.png` and `learning_rates.csv` in the run's logs show
        every step.

        Raises:
            TrainingFailed: the loss falls at none of the rates. NotReady: there is no network yet, or the run is resumed.
        """
        rates = rate_test.growing(
            RATE_RANGE("lowest", lowest), RATE_RANGE("highest", highest), STEPS_RANGE("steps", steps)
        )
        if lowest >= highest:
            raise InvalidValue(f"highest must be more than lowest ({lowest:g}), not {highest:g}")
        found = self._experiment.test_learning_rates(rates, self._console.ticker("    reading images"))
        logs = self._experiment.run.logs
        rate = rate_test.suggested(found, logs)
        training_messages.learning_rate_found(self._console, rate, found, logs)
        self._console.picture(logs / rate_test.CHART)
        return rate

    @api
    def update_display_progress(self, value: bool) -> None:
        """Show or hide the line per epoch."""
        self._display = replace(self._display, lines=Flag()("display_progress", value))

    @api
    def update_display_progress_realtime(self, value: bool) -> None:
        """Show or hide the progress bar."""
        self._display = replace(self._display, bar=Flag()("display_progress_realtime", value))

    @api
    def update_progressive_resizing(
        self, initial_scale: float = 0.5, delay_fraction: float = 0.5, finetune_fraction: float = 0.2
    ) -> None:
        """Train on small images first, which takes less time, then on growing ones; effective with `Train()`.

        It is for training all layers: `Default(..., freeze_base_network=False)` or the same in `Model_Params` comes first.

        Args:
            initial_scale: the size of the training images at first, as a share of the input size (above 0), rounded to a
                multiple of 32 px that the network takes; 1: they always have the input size, as without this call.
            delay_fraction: the share of the epochs, 0 to 1, before they grow.
            finetune_fraction: the share of the last epochs, 0 to 1, in which they have the input size; the last one always does.

        Validation images always have the input size. It costs accuracy in short trainings: see `benchmarks/README.md`.
        `history.csv` has the size of each epoch. A training that is extended to more epochs continues with the sizes that are
        planned for that number of epochs. Early stopping can end a training before the images have grown. A compiled network is
        compiled for each size.

        Raises:
            InvalidValue: the network has frozen layers, is built for one size, or takes no smaller one.
        """
        names = ("initial_scale", "delay_fraction", "finetune_fraction")
        values = (initial_scale, delay_fraction, finetune_fraction)
        self._change({f"training.resizing.{name}": value for name, value in zip(names, values, strict=True)})
        self._console.say(f"Update: Progressive resizing - {', '.join(map(str, values))}\n")

    @api
    def update_save_training_logs(self, value: bool) -> None:
        """Accepted for compatibility with Monk; the history is always written."""
        Flag()("save_training_logs", value)

    @api
    def update_save_intermediate_models(self, value: bool, prefix: str = "intermediate_model_") -> None:
        """Save the weights of every epoch or not; `prefix`: of the names of those files."""
        self._change({"training.save_intermediate_models": value, "training.intermediate_prefix": prefix})
        self._console.say(f"Update: Save intermediate models - {value}\n")
