"""Written by tools/write_stubs.py: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Literal

from .vocabulary import VocabularyMethods

class RowMethods(VocabularyMethods):
    """The methods generated from the catalog's rows."""

    def optimizer_sgd(
        self,
        learning_rate: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        momentum_dampening_rate: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Stochastic gradient descent, with momentum if asked for.

        Args:
            learning_rate: step size; a number above 0.
            momentum: share of the last step that is kept; a number at least 0 and below 1.
            weight_decay: L2 penalty; a number at least 0.
            momentum_dampening_rate: dampening of momentum; a number at least 0 and below 1.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_nesterov_sgd(
        self,
        learning_rate: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013).

        Args:
            learning_rate: step size; a number above 0.
            momentum: share of the last step that is kept; a number above 0 and below 1.
            weight_decay: L2 penalty; a number at least 0.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_adam(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Adam (Kingma and Ba 2015).

        Args:
            learning_rate: step size; a number above 0.
            beta1: decay of the first moment; a number at least 0 and below 1.
            beta2: decay of the second moment; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            amsgrad: keep the largest second moment (Reddi et al. 2018); True or False.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_adamw(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

        Args:
            learning_rate: step size; a number above 0.
            beta1: decay of the first moment; a number at least 0 and below 1.
            beta2: decay of the second moment; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            amsgrad: keep the largest second moment (Reddi et al. 2018); True or False.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch.
        """

    def optimizer_adamax(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        weight_decay: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Adam with the largest past gradient in place of the second moment (Kingma and Ba 2015).

        Args:
            learning_rate: step size; a number above 0.
            beta1: decay of the first moment; a number at least 0 and below 1.
            beta2: decay of the second moment; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_nesterov_adam(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        weight_decay: float = 0.0,
        momentum_decay: float = 0.004,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Adam with Nesterov momentum (Dozat 2016).

        Args:
            learning_rate: step size; a number above 0.
            beta1: decay of the first moment; a number at least 0 and below 1.
            beta2: decay of the second moment; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            momentum_decay: decay of the momentum; a number at least 0 and below 1.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_rmsprop(
        self,
        learning_rate: float,
        decay_rate: float = 0.99,
        epsilon: float = 1e-08,
        weight_decay: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Divide by a running root mean square of the gradient (Tieleman and Hinton 2012).

        Args:
            learning_rate: step size; a number above 0.
            decay_rate: decay of the running mean square; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_momentum_rmsprop(
        self,
        learning_rate: float,
        decay_rate: float = 0.99,
        epsilon: float = 1e-08,
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """RMSprop with momentum, divided by the running standard deviation of the gradient (Graves 2013).

        Args:
            learning_rate: step size; a number above 0.
            decay_rate: decay of the running mean square; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            momentum: share of the last step that is kept; a number at least 0 and below 1.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_adagrad(
        self,
        learning_rate: float,
        learning_rate_decay: float = 0.0,
        weight_decay: float = 0.0,
        epsilon: float = 1e-08,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Divide by the root of all squared gradients so far (Duchi et al. 2011).

        Args:
            learning_rate: step size; a number above 0.
            learning_rate_decay: decay of the rate; a number at least 0.
            weight_decay: L2 penalty; a number at least 0.
            epsilon: added to the denominator; a number above 0.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def optimizer_adadelta(
        self,
        learning_rate: float,
        rho: float = 0.9,
        epsilon: float = 1e-06,
        weight_decay: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Steps in the units of the weights, from running averages of gradients and steps (Zeiler 2012).

        Args:
            learning_rate: step size; a number above 0.
            rho: decay of the averages; a number at least 0 and below 1.
            epsilon: added to the denominator; a number above 0.
            weight_decay: L2 penalty; a number at least 0.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch.
        """

    def optimizer_signum(self, learning_rate: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        """Steps of constant size in the direction of the momentum's sign (Bernstein et al. 2018).

        Args:
            learning_rate: step size; a number above 0.
            momentum: share of the last step that is kept; a number at least 0 and below 1.
            weight_decay: L2 penalty; a number at least 0.

        Backends: mxnet.
        """

    def lr_fixed(self) -> None:
        """A constant learning rate.
        Backends: pytorch, mxnet.
        """

    def lr_step_decrease(self, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        """Multiply by gamma every step_size epochs.

        Args:
            step_size: epochs between decreases; a whole number at least 1.
            gamma: factor of each decrease; a number above 0 and at most 1.
            last_epoch: index of the last epoch of the schedule that is already done; -1: none; a whole number at
                least -1.

        Backends: pytorch, mxnet.
        """

    def lr_multistep_decrease(self, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        """Multiply by gamma at the given epochs.

        Args:
            milestones: epochs after which it decreases; a list of values, each a whole number at least 1, each
                larger than the one before.
            gamma: factor of each decrease; a number above 0 and at most 1.
            last_epoch: index of the last epoch of the schedule that is already done; -1: none; a whole number at
                least -1.

        Backends: pytorch, mxnet.
        """

    def lr_exponential_decrease(self, gamma: float, last_epoch: int = -1) -> None:
        """Multiply by gamma after every epoch.

        Args:
            gamma: factor of each decrease; a number above 0 and at most 1.
            last_epoch: index of the last epoch of the schedule that is already done; -1: none; a whole number at
                least -1.

        Backends: pytorch, mxnet.
        """

    def lr_cosine_decrease(self, min_lr: float = 0.0) -> None:
        """Half a cosine from the learning rate down to min_lr over the whole training (Loshchilov and Hutter 2017).

        Args:
            min_lr: learning rate at the end; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def lr_plateau_decrease(
        self,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        verbose: bool = False,
        threshold: float = 0.0001,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        epsilon: float = 1e-08,
    ) -> None:
        """Multiply by factor when the validation loss (mode 'max': accuracy, or F1 where images have several
        labels) has not improved for patience epochs.

        Args:
            mode: watch the loss (min) or the accuracy (max); one of 'min', 'max'.
            factor: factor of each decrease; a number above 0 and below 1.
            patience: epochs without improvement before a decrease; a whole number at least 0.
            verbose: kept from Monk; the learning rate is always shown; True or False.
            threshold: what counts as an improvement; a number at least 0.
            threshold_mode: threshold relative to the best value, or absolute; one of 'rel', 'abs'.
            cooldown: epochs to wait after a decrease; a whole number at least 0.
            min_lr: never below this; a number at least 0.
            epsilon: smaller decreases are skipped; a number at least 0.

        Backends: pytorch, mxnet.
        """

    def loss_softmax_crossentropy(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
        batch_axis: int = 0,
        axis_to_sum_over: int = -1,
        label_as_categories: bool = True,
        label_smoothing: bool | float = 0.0,
    ) -> None:
        """Softmax with cross-entropy: one class per image. The usual choice.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.
            batch_axis: axis of the batch; 0.
            axis_to_sum_over: axis of the classes; -1 or 1.
            label_as_categories: labels are class numbers; True or False.
            label_smoothing: share of the label spread over all classes; True, False or a number at least 0 and
                below 1.

        Backends: pytorch, mxnet.
        """

    def loss_sigmoid_binary_crossentropy(
        self, weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None, batch_axis: int = 0
    ) -> None:
        """One yes-or-no decision per class: sigmoid with binary cross-entropy.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.
            batch_axis: axis of the batch; 0.

        Backends: pytorch, mxnet.
        """

    def apply_resize(self, input_size: int, train: bool = False, val: bool = False, test: bool = False) -> None:
        """Resize to a square, ignoring the aspect ratio.

        Args:
            input_size: side of the resulting square, px; a whole number at least 1 and at most 4096.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_center_crop(self, input_size: int, train: bool = False, val: bool = False, test: bool = False) -> None:
        """Crop a square from the centre (a smaller image is used whole).

        Args:
            input_size: side of the resulting square, px; a whole number at least 1 and at most 4096.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_crop(self, input_size: int, train: bool = False, val: bool = False, test: bool = False) -> None:
        """Crop a square at a random position (a smaller image is used whole).

        Args:
            input_size: side of the resulting square, px; a whole number at least 1 and at most 4096.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_resized_crop(
        self,
        input_size: int,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (0.75, 1.3333333333333333),
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Crop a random share of the image with a random aspect ratio and resize it (Szegedy et al. 2015).

        Args:
            input_size: side of the resulting square, px; a whole number at least 1 and at most 4096.
            scale: smallest and largest share of the area; a list of 2 values, each a number above 0 and at most
                1, the smallest first.
            ratio: smallest and largest width / height; a list of 2 values, each a number above 0, the smallest
                first.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_horizontal_flip(
        self, probability: float = 0.5, train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Mirror left and right.

        Args:
            probability: share of images that are transformed; a number at least 0 and at most 1.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_vertical_flip(
        self, probability: float = 0.5, train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Mirror top and bottom.

        Args:
            probability: share of images that are transformed; a number at least 0 and at most 1.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_rotation(self, degrees: float, train: bool = False, val: bool = False, test: bool = False) -> None:
        """Rotate about the centre by up to `degrees` either way; corners become black.

        Args:
            degrees: largest angle; a number at least 0 and at most 180.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_normalize(
        self,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Subtract the mean and divide by the standard deviation of each channel (values 0 to 1).

        Args:
            mean: of red, green and blue; a list of 3 values, each a number at least 0 and at most 1.
            std: of red, green and blue; a list of 3 values, each a number above 0 and at most 1.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def update_input_size(self, input_size: int | Literal[False] | None) -> None:
        """Side of the square images, px. Effective after `Reload()`, or with `Train()`."""

    def update_batch_size(self, batch_size: int | Literal["auto"] | None | Literal[False] | None) -> None:
        """Images per step; 'auto' measures which size is fast on this machine. Effective after `Reload()`, or with
        `Train()`.
        """

    def update_stored_size(self, stored_size: int | Literal["auto"] | None) -> None:
        """Side of the decoded images from which crops and rotations are taken, px; 'auto': twice the input size.
        Effective after `Reload()`, or with `Train()`.
        """

    def update_stored_views(self, views: int) -> None:
        """With random crops, turns and other resampling, show each training image in this many pictures only, drawn
        once, in place of a new one in each epoch; 0: a new one. What a frozen part of the network gives for them
        is computed once and kept. It can cost accuracy. Images that are only mirrored have at most four
        pictures, which are always kept. Effective after `Reload()`, or with `Train()`.
        """

    def update_shuffle_data(self, shuffle: bool) -> None:
        """Whether the training order is shuffled. Effective after `Reload()`, or with `Train()`."""

    def update_num_processors(self, num_processors: int | Literal[False] | None) -> None:
        """Threads that decode images. Effective after `Reload()`, or with `Train()`."""

    def update_trainval_split(self, value: float) -> None:
        """Share of the images used for training. Effective after `Reload()`, or with `Train()`."""

    def update_use_gpu(self, gpu: bool) -> None:
        """Whether to use a GPU if there is one. Effective after `Reload()`, or with `Train()`."""

    def update_use_pretrained(self, pretrained: bool) -> None:
        """Start from pretrained weights. Effective after `Reload()`, or with `Train()`."""

    def update_freeze_base_network(self, freeze: bool) -> None:
        """Train only the new head. Effective after `Reload()`, or with `Train()`."""

    def update_freeze_layers(self, num_freeze: int) -> None:
        """Number of first layers that are not trained; 0: as freeze_base_network says. Effective after `Reload()`,
        or with `Train()`.
        """

    def update_precision(self, precision: Literal["auto", "float32", "bfloat16", "float16"]) -> None:
        """auto, float32, bfloat16 or float16. auto: the one in which the network's steps take least time here, kept
        when the run is resumed or copied. Effective after `Reload()`, or with `Train()`.
        """

    def update_compile(self, compile: bool) -> None:
        """Compile the network (pytorch): takes minutes, then steps are faster; worthwhile for long training.
        Effective after `Reload()`, or with `Train()`.
        """

    def update_deterministic(self, deterministic: bool) -> None:
        """On a GPU, use only algorithms with identical results in each run (slower); on a CPU they always are.
        Effective after `Reload()`, or with `Train()`.
        """

    def update_num_epochs(self, num_epochs: int) -> None:
        """Passes over the training images. Effective after `Reload()`, or with `Train()`."""

    def update_early_stopping(self, patience: int) -> None:
        """Stop after this many epochs in a row without an improvement on validation; 0: never. Effective after
        `Reload()`, or with `Train()`.
        """

    def update_ema_decay(self, decay: float) -> None:
        """Decay of a moving average (EMA) of the weights over the steps, such as 0.999; 0: no average. Validation,
        all that depends on it (best weights, early stopping, plateaus) and the weight files use the average.
        Effective after `Reload()`, or with `Train()`.
        """

    def update_seed(self, seed: int) -> None:
        """Determines order, augmentation and first weights, but not the split. Effective after `Reload()`, or with
        `Train()`.
        """

    def update_split_seed(self, seed: int) -> None:
        """Determines which images are for training and which for validation. Effective after `Reload()`, or with
        `Train()`.
        """

    def update_group(self, group: str | Literal[False] | None) -> None:
        """Keeps images of a group, such as a patient, on one side of the split: a column of the table, or a pattern
        over file names such as '(person[0-9]+)_'; '': each image on its own; None: found where it is plain.
        Effective after `Reload()`, or with `Train()`.
        """

    def List_Optimizers(self) -> list[str]:
        """Print and return the names of the optimizers that the backend has."""

    def List_Schedulers(self) -> list[str]:
        """Print and return the names of the schedulers that the backend has."""

    def List_Losses(self) -> list[str]:
        """Print and return the names of the losses that the backend has."""

    def List_Transforms(self) -> list[str]:
        """Print and return the names of the transforms that the backend has."""
