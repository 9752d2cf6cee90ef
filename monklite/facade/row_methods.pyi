"""Written by tools/write_stubs.py: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

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

    def convolution1d(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCW"] = "NCW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Convolution in 1 dimension.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1.
            stride: step of the window; a whole number at least 1.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or 'in_eq_out'.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def convolution2d(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Convolution in 2 dimensions.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; a whole number at least 1, or a list of 2 such numbers.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1, or a list of 2 such
                numbers.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def convolution3d(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCDHW"] = "NCDHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Convolution in 3 dimensions.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 3 such numbers.
            stride: step of the window; a whole number at least 1, or a list of 3 such numbers.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 3 such numbers, or 'in_eq_out'.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1, or a list of 3 such
                numbers.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCDHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def transposed_convolution1d(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCW"] = "NCW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Transposed convolution in 1 dimension.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1.
            stride: step of the window; a whole number at least 1.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or 'in_eq_out'.
            output_padding: added to one side of the result, below the stride; a whole number at least 0.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def transposed_convolution2d(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Transposed convolution in 2 dimensions.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; a whole number at least 1, or a list of 2 such numbers.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            output_padding: added to one side of the result, below the stride; a whole number at least 0, or a
                list of 2 such numbers.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1, or a list of 2 such
                numbers.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def transposed_convolution3d(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCDHW"] = "NCDHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Transposed convolution in 3 dimensions.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 3 such numbers.
            stride: step of the window; a whole number at least 1, or a list of 3 such numbers.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 3 such numbers, or 'in_eq_out'.
            output_padding: added to one side of the result, below the stride; a whole number at least 0, or a
                list of 3 such numbers.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1, or a list of 3 such
                numbers.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCDHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def max_pooling1d(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        layout: Literal["NCW"] = "NCW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The largest value of each window in 1 dimension.

        Args:
            kernel_size: size of the window; a whole number at least 1.
            stride: step of the window; None: its size; a whole number at least 1 or None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def max_pooling2d(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The largest value of each window in 2 dimensions.

        Args:
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; None: its size; a whole number at least 1, or a list of 2 such numbers or
                None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def max_pooling3d(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        layout: Literal["NCDHW"] = "NCDHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The largest value of each window in 3 dimensions.

        Args:
            kernel_size: size of the window; a whole number at least 1, or a list of 3 such numbers.
            stride: step of the window; None: its size; a whole number at least 1, or a list of 3 such numbers or
                None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 3 such numbers, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCDHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def average_pooling1d(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        include_padding_in_calculation: bool = True,
        layout: Literal["NCW"] = "NCW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The mean of each window in 1 dimension.

        Args:
            kernel_size: size of the window; a whole number at least 1.
            stride: step of the window; None: its size; a whole number at least 1 or None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            include_padding_in_calculation: count the added zeros in the mean; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def average_pooling2d(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        include_padding_in_calculation: bool = True,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The mean of each window in 2 dimensions.

        Args:
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; None: its size; a whole number at least 1, or a list of 2 such numbers or
                None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            include_padding_in_calculation: count the added zeros in the mean; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def average_pooling3d(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        include_padding_in_calculation: bool = True,
        layout: Literal["NCDHW"] = "NCDHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The mean of each window in 3 dimensions.

        Args:
            kernel_size: size of the window; a whole number at least 1, or a list of 3 such numbers.
            stride: step of the window; None: its size; a whole number at least 1, or a list of 3 such numbers or
                None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 3 such numbers, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            include_padding_in_calculation: count the added zeros in the mean; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCDHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_max_pooling1d(
        self, layout: Literal["NCW"] = "NCW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The largest value of each channel in 1 dimension.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_max_pooling2d(
        self, layout: Literal["NCHW"] = "NCHW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The largest value of each channel in 2 dimensions.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_max_pooling3d(
        self, layout: Literal["NCDHW"] = "NCDHW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The largest value of each channel in 3 dimensions.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCDHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_average_pooling1d(
        self, layout: Literal["NCW"] = "NCW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The mean of each channel in 1 dimension.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_average_pooling2d(
        self, layout: Literal["NCHW"] = "NCHW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The mean of each channel in 2 dimensions.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_average_pooling3d(
        self, layout: Literal["NCDHW"] = "NCDHW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The mean of each channel in 3 dimensions.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCDHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def fully_connected(
        self, units: int = 512, use_bias: bool = True, flatten: bool = True, uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """Each result is a weighted sum of all values.

        Args:
            units: number of results; a whole number at least 1.
            use_bias: add a trained number to each; True or False.
            flatten: take all values of an image; False: those of the last axis; True or False.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def dropout(
        self, drop_probability: float = 0.2, axes: Sequence[int] = (), uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """Set random values to 0 in training (Srivastava et al. 2014).

        Args:
            drop_probability: share of the values; a number at least 0 and below 1.
            axes: axes along which all values are kept or dropped together; a list of values, each a whole number
                at least 0 and at most 4.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def flatten(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """All values of an image in one row.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def identity(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """The values as they are, such as the shortcut of a residual block.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def batch_normalization(
        self,
        moving_average_momentum: float | Literal[False] | None = None,
        epsilon: float = 1e-05,
        use_trainable_parameters: bool = True,
        activate_scale_shift_operation: bool = False,
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Normalize each channel over the batch (Ioffe and Szegedy 2015).

        Args:
            moving_average_momentum: in Monk's meaning, which is the framework's: the share of the newest batch
                with pytorch, of what was known with mxnet; None: 0.1 and 0.9, which are the same; a number above
                0 and below 1 or None.
            epsilon: added to the variance; a number above 0 and below 1.
            use_trainable_parameters: multiply by a trained number and add one; True or False.
            activate_scale_shift_operation: kept from Monk; False (training uses the statistics of the batch).
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def instance_normalization(
        self,
        moving_average_momentum: float | None = None,
        epsilon: float = 1e-05,
        use_trainable_parameters: bool = True,
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Normalize each channel of each image (Ulyanov et al. 2016).

        Args:
            moving_average_momentum: kept from Monk; None or 0.1 or 0.9 (it keeps no moving average).
            epsilon: added to the variance; a number above 0 and below 1.
            use_trainable_parameters: multiply by a trained number and add one; True or False.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def layer_normalization(
        self,
        moving_average_momentum: float | None = 0.9,
        epsilon: float = 1e-05,
        use_trainable_parameters: bool = True,
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Normalize all values of each image (Ba et al. 2016).

        Args:
            moving_average_momentum: kept from Monk; 0.9 (it keeps no moving average).
            epsilon: added to the variance; a number above 0 and below 1.
            use_trainable_parameters: multiply by a trained number and add one; True or False.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def add(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """Ends a list of branches: their sum.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def concatenate(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """Ends a list of branches: their channels one after the other.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def convolution(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Convolution in 2 dimensions.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; a whole number at least 1, or a list of 2 such numbers.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1, or a list of 2 such
                numbers.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def transposed_convolution(
        self,
        output_channels: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] = "in_eq_out",
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
        use_bias: bool = True,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """Transposed convolution in 2 dimensions.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; a whole number at least 1, or a list of 2 such numbers.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            output_padding: added to one side of the result, below the stride; a whole number at least 0, or a
                list of 2 such numbers.
            groups: groups of channels that do not see each other; a whole number at least 1.
            dilation: distance between the points of the window; a whole number at least 1, or a list of 2 such
                numbers.
            use_bias: add a trained number to each channel; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def max_pooling(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The largest value of each window in 2 dimensions.

        Args:
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; None: its size; a whole number at least 1, or a list of 2 such numbers or
                None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def average_pooling(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | Literal[False] | None = None,
        padding: int | Sequence[int] | Literal["in_eq_out"] = 0,
        dilation: int = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        include_padding_in_calculation: bool = True,
        layout: Literal["NCHW"] = "NCHW",
        uid: str | Literal[False] | None = None,
    ) -> dict[str, Any]:
        """The mean of each window in 2 dimensions.

        Args:
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; None: its size; a whole number at least 1, or a list of 2 such numbers or
                None.
            padding: zeros on both sides; 'in_eq_out': as many as keep the size at stride 1, and none at any
                other; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'.
            dilation: distance between the points of the window; 1 (MXNet has no other).
            return_indices: kept from Monk; False (a layer passes on one result).
            ceil_mode: also a last window that is only partly on the image; True or False.
            include_padding_in_calculation: count the added zeros in the mean; True or False.
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_max_pooling(
        self, layout: Literal["NCHW"] = "NCHW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The largest value of each channel in 2 dimensions.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def global_average_pooling(
        self, layout: Literal["NCHW"] = "NCHW", uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """The mean of each channel in 2 dimensions.

        Args:
            layout: order of the axes: images, channels, then the sides; one of 'NCHW'.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def relu(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """max(x, 0).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def sigmoid(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """1 / (1 + exp(-x)).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def tanh(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """The hyperbolic tangent.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def softplus(
        self, beta: float = 1, threshold: float = 20, uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """log(1 + exp(beta x)) / beta.

        Args:
            beta: steepness; a number above 0.
            threshold: x itself where beta x is larger; a number above 0.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def softsign(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x / (1 + |x|).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def elu(self, alpha: float = 1.0, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x, or alpha (exp(x) - 1) below 0 (Clevert et al. 2016).

        Args:
            alpha: the limit for very negative values is its negative; a number above 0.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def leaky_relu(self, alpha: float = 0.01, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x, or alpha x below 0.

        Args:
            alpha: slope below 0; a number.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def prelu(
        self, num_parameters: int = 1, init: float = 0.25, uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """x, or a trained multiple of it below 0 (He et al. 2015).

        Args:
            num_parameters: 1, or a slope for each channel; a whole number at least 1.
            init: slope before training; a number.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def selu(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """ELU with the factors that keep mean and variance (Klambauer et al. 2017).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def hardshrink(self, threshold: float = 0.5, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x, or 0 up to the threshold.

        Args:
            threshold: size up to which a value becomes 0; a number at least 0.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def hardtanh(
        self, min_val: float = -1.0, max_val: float = 1.0, uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """x, at least min_val and at most max_val.

        Args:
            min_val: smallest value; a number.
            max_val: largest value; a number.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def logsigmoid(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """log(sigmoid(x)).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def relu6(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """max(x, 0), at most 6.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def rrelu(
        self, lower: float = 0.125, upper: float = 0.333, uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """x, or a multiple of it below 0 that is random in training (Xu et al. 2015).

        Args:
            lower: smallest slope; a number at least 0.
            upper: largest slope; a number at least 0.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def celu(self, alpha: float = 1.0, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x, or alpha (exp(x / alpha) - 1) below 0 (Barron 2017).

        Args:
            alpha: the limit for very negative values is its negative; a number above 0.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def softshrink(self, threshold: float = 0.5, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x moved towards 0 by the threshold, 0 where it would change its sign.

        Args:
            threshold: size up to which a value becomes 0; a number at least 0.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def tanhshrink(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x - tanh(x).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def threshold(
        self, threshold: float = 1.0, value: float = 0.01, uid: str | Literal[False] | None = None
    ) -> dict[str, Any]:
        """x above the threshold, else the value.

        Args:
            threshold: x must be larger; a number.
            value: in place of the others; a number.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def softmin(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """softmax(-x).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def softmax(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """exp(x), divided by its sum over the channels.

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def logsoftmax(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """log(softmax(x)).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def gelu(self, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x times the share of a normal distribution below it (Hendrycks and Gimpel 2016).

        Args:
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def swish(self, beta: float = 1.0, uid: str | Literal[False] | None = None) -> dict[str, Any]:
        """x sigmoid(beta x) (Ramachandran et al. 2017).

        Args:
            beta: steepness; a number.
            uid: a name of its own, shown in the drawing; a text of at least 1 and at most 60 characters or None.

        Backends: pytorch, mxnet.
        """

    def resnet_v1_block(
        self, output_channels: int = 16, stride: int | Sequence[int] = 1, downsample: bool = True
    ) -> list[Any]:
        """Residual block (He et al. 2016).

        Args:
            output_channels: channels of the result; a whole number at least 1.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            downsample: a convolution in the shortcut; False: the input itself; True or False.

        Backends: pytorch, mxnet.
        """

    def resnet_v2_block(
        self, output_channels: int = 16, stride: int | Sequence[int] = 1, downsample: bool = True
    ) -> list[Any]:
        """Residual block, normalized first (He et al. 2016b).

        Args:
            output_channels: channels of the result; a whole number at least 1.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            downsample: a convolution in the shortcut; False: the input itself; True or False.

        Backends: pytorch, mxnet.
        """

    def resnet_v1_bottleneck_block(
        self, output_channels: int = 16, stride: int | Sequence[int] = 1, downsample: bool = True
    ) -> list[Any]:
        """Residual block with fewer channels inside (He et al. 2016).

        Args:
            output_channels: channels of the result; a whole number at least 4.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            downsample: a convolution in the shortcut; False: the input itself; True or False.

        Backends: pytorch, mxnet.
        """

    def resnet_v2_bottleneck_block(
        self, output_channels: int = 16, stride: int | Sequence[int] = 1, downsample: bool = True
    ) -> list[Any]:
        """The same, normalized first (He et al. 2016b).

        Args:
            output_channels: channels of the result; a whole number at least 4.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            downsample: a convolution in the shortcut; False: the input itself; True or False.

        Backends: pytorch, mxnet.
        """

    def resnext_block(
        self,
        output_channels: int = 256,
        cardinality: int = 8,
        bottleneck_width: int = 4,
        stride: int | Sequence[int] = 1,
        downsample: bool = True,
    ) -> list[Any]:
        """Residual block with groups of channels (Xie et al. 2017).

        Args:
            output_channels: channels of the result; a whole number at least 4.
            cardinality: number of groups; a whole number at least 1.
            bottleneck_width: factor between the channels inside and outside; a whole number at least 1.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            downsample: a convolution in the shortcut; False: the input itself; True or False.

        Backends: pytorch, mxnet.
        """

    def mobilenet_v2_linear_bottleneck_block(
        self, output_channels: int = 32, bottleneck_width: int = 4, stride: int | Sequence[int] = 1
    ) -> list[Any]:
        """Residual block with more channels inside (Sandler et al. 2018).

        Args:
            output_channels: channels of the result; a whole number at least 1.
            bottleneck_width: factor between the channels inside and outside; a whole number at least 1.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.

        Backends: pytorch, mxnet.
        """

    def mobilenet_v2_inverted_linear_bottleneck_block(
        self, output_channels: int = 32, bottleneck_width: int = 4, stride: int | Sequence[int] = 1
    ) -> list[Any]:
        """Residual block with fewer, separate channels inside.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            bottleneck_width: factor between the channels inside and outside; a whole number at least 1.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.

        Backends: pytorch, mxnet.
        """

    def separable_convolution_block(
        self,
        input_channels: int = 16,
        output_channels: int = 32,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] | Literal[False] | None = 1,
    ) -> list[Any]:
        """Convolve each channel on its own, then mix them (Chollet 2017).

        Args:
            input_channels: channels that the block is given; a whole number at least 1.
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            padding: zeros on both sides; a whole number at least 0, or a list of 2 such numbers, or 'in_eq_out'
                or None.

        Backends: pytorch, mxnet.
        """

    def squeezenet_fire_block(
        self, squeeze_channels: int = 16, expand_channels_1x1: int = 32, expand_channels_3x3: int = 64
    ) -> list[Any]:
        """Few channels, then more of two windows (Iandola et al. 2016).

        Args:
            squeeze_channels: channels inside; a whole number at least 1.
            expand_channels_1x1: channels of the window of 1 px; a whole number at least 1.
            expand_channels_3x3: channels of the window of 3 px; a whole number at least 1.

        Backends: pytorch, mxnet.
        """

    def densenet_block(self, bottleneck_size: int = 4, growth_rate: int = 16, dropout: float = 0.2) -> list[Any]:
        """Append new channels to those that the block is given (Huang et al. 2017).

        Args:
            bottleneck_size: channels inside, as a multiple of the new ones; a whole number at least 1.
            growth_rate: new channels; a whole number at least 1.
            dropout: share of the new values that is dropped; a number at least 0 and below 1.

        Backends: pytorch, mxnet.
        """

    def conv_bn_relu_block(
        self,
        output_channels: int = 64,
        kernel_size: int | Sequence[int] = 1,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["in_eq_out"] | Literal[False] | None = None,
    ) -> list[Any]:
        """Convolution, batch normalization, ReLU.

        Args:
            output_channels: channels of the result; a whole number at least 1.
            kernel_size: size of the window; a whole number at least 1, or a list of 2 such numbers.
            stride: step of the window; 2 halves the image; a whole number at least 1, or a list of 2 such
                numbers.
            padding: zeros on both sides; None: 'in_eq_out'; a whole number at least 0, or a list of 2 such
                numbers, or 'in_eq_out' or None.

        Backends: pytorch, mxnet.
        """

    def inception_a_block(
        self, pooling_branch_channels: int = 32, pool_type: Literal["avg", "max"] = "avg"
    ) -> list[Any]:
        """Inception's first block (Szegedy et al. 2016).

        Args:
            pooling_branch_channels: channels after the pooling; a whole number at least 1.
            pool_type: pooling of one branch; one of 'avg', 'max'.

        Backends: pytorch, mxnet.
        """

    def inception_b_block(self, pool_type: Literal["avg", "max"] = "avg") -> list[Any]:
        """Inception's second block.

        Args:
            pool_type: pooling of one branch; one of 'avg', 'max'.

        Backends: pytorch, mxnet.
        """

    def inception_c_block(self, channels_7x7: int = 3, pool_type: Literal["avg", "max"] = "avg") -> list[Any]:
        """Inception's third block, with windows of 1 x 7 px.

        Args:
            channels_7x7: channels inside; a whole number at least 1.
            pool_type: pooling of one branch; one of 'avg', 'max'.

        Backends: pytorch, mxnet.
        """

    def inception_d_block(self, pool_type: Literal["avg", "max"] = "avg") -> list[Any]:
        """Inception's fourth block, which halves the image.

        Args:
            pool_type: pooling of one branch; one of 'avg', 'max'.

        Backends: pytorch, mxnet.
        """

    def inception_e_block(self, pool_type: Literal["avg", "max"] = "avg") -> list[Any]:
        """Inception's last block.

        Args:
            pool_type: pooling of one branch; one of 'avg', 'max'.

        Backends: pytorch, mxnet.
        """

    def subbranch_block(self) -> list[Any]:
        """The two ends of a branch of Inception's last block.
        Backends: pytorch, mxnet.
        """

    def append_linear(self, num_neurons: int | Literal[False] | None = None, final_layer: bool = False) -> None:
        """In place of the head of the network: Each result is a weighted sum of all values.

        Args:
            num_neurons: number of results; False: one for each class; a whole number at least 1 or None.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_dropout(self, probability: float = 0.5, final_layer: bool = False) -> None:
        """In place of the head of the network: Set random values to 0 in training (Srivastava et al. 2014).

        Args:
            probability: share of the values that is dropped in training; a number at least 0 and below 1.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_relu(self, final_layer: bool = False) -> None:
        """In place of the head of the network: max(x, 0).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_sigmoid(self, final_layer: bool = False) -> None:
        """In place of the head of the network: 1 / (1 + exp(-x)).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_tanh(self, final_layer: bool = False) -> None:
        """In place of the head of the network: The hyperbolic tangent.

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_softplus(self, beta: float = 1, threshold: float = 20, final_layer: bool = False) -> None:
        """In place of the head of the network: log(1 + exp(beta x)) / beta.

        Args:
            beta: steepness; a number above 0.
            threshold: x itself where beta x is larger; a number above 0.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_softsign(self, final_layer: bool = False) -> None:
        """In place of the head of the network: x / (1 + |x|).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_elu(self, alpha: float = 1.0, final_layer: bool = False) -> None:
        """In place of the head of the network: x, or alpha (exp(x) - 1) below 0 (Clevert et al. 2016).

        Args:
            alpha: the limit for very negative values is its negative; a number above 0.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_leakyrelu(self, negative_slope: float = 0.01, final_layer: bool = False) -> None:
        """In place of the head of the network: x, or alpha x below 0.

        Args:
            negative_slope: slope below 0; a number.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_prelu(self, num_parameters: int = 1, init: float = 0.25, final_layer: bool = False) -> None:
        """In place of the head of the network: x, or a trained multiple of it below 0 (He et al. 2015).

        Args:
            num_parameters: 1, or a slope for each channel; a whole number at least 1.
            init: slope before training; a number.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_selu(self, final_layer: bool = False) -> None:
        """In place of the head of the network: ELU with the factors that keep mean and variance (Klambauer et al.
        2017).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_hardshrink(self, lambd: float = 0.5, final_layer: bool = False) -> None:
        """In place of the head of the network: x, or 0 up to the threshold.

        Args:
            lambd: size up to which a value becomes 0; a number at least 0.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_hardtanh(self, min_val: float = -1.0, max_val: float = 1.0, final_layer: bool = False) -> None:
        """In place of the head of the network: x, at least min_val and at most max_val.

        Args:
            min_val: smallest value; a number.
            max_val: largest value; a number.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_logsigmoid(self, final_layer: bool = False) -> None:
        """In place of the head of the network: log(sigmoid(x)).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_relu6(self, final_layer: bool = False) -> None:
        """In place of the head of the network: max(x, 0), at most 6.

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_rrelu(self, lower: float = 0.125, upper: float = 0.333, final_layer: bool = False) -> None:
        """In place of the head of the network: x, or a multiple of it below 0 that is random in training (Xu et al.
        2015).

        Args:
            lower: smallest slope; a number at least 0.
            upper: largest slope; a number at least 0.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_celu(self, alpha: float = 1.0, final_layer: bool = False) -> None:
        """In place of the head of the network: x, or alpha (exp(x / alpha) - 1) below 0 (Barron 2017).

        Args:
            alpha: the limit for very negative values is its negative; a number above 0.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_softshrink(self, lambd: float = 0.5, final_layer: bool = False) -> None:
        """In place of the head of the network: x moved towards 0 by the threshold, 0 where it would change its
        sign.

        Args:
            lambd: size up to which a value becomes 0; a number at least 0.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_tanhshrink(self, final_layer: bool = False) -> None:
        """In place of the head of the network: x - tanh(x).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_threshold(self, threshold: float = 1.0, value: float = 0.01, final_layer: bool = False) -> None:
        """In place of the head of the network: x above the threshold, else the value.

        Args:
            threshold: x must be larger; a number.
            value: in place of the others; a number.
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_softmin(self, final_layer: bool = False) -> None:
        """In place of the head of the network: softmax(-x).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_softmax(self, final_layer: bool = False) -> None:
        """In place of the head of the network: exp(x), divided by its sum over the channels.

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_logsoftmax(self, final_layer: bool = False) -> None:
        """In place of the head of the network: log(softmax(x)).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_gelu(self, final_layer: bool = False) -> None:
        """In place of the head of the network: x times the share of a normal distribution below it (Hendrycks and
        Gimpel 2016).

        Args:
            final_layer: whether it is the last one; True or False.

        Backends: pytorch, mxnet.
        """

    def append_swish(self, beta: float = 1.0, final_layer: bool = False) -> None:
        """In place of the head of the network: x sigmoid(beta x) (Ramachandran et al. 2017).

        Args:
            beta: steepness; a number.
            final_layer: whether it is the last one; True or False.

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
        """Number of first layers that are not trained. Effective after `Reload()`, or with `Train()`."""

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

    def List_Layers_Custom_Model(self) -> list[str]:
        """Print and return the names of the layers custom model that the backend has."""

    def List_Activations(self) -> list[str]:
        """Print and return the names of the activations that the backend has."""

    def List_Activations_Custom_Model(self) -> list[str]:
        """Print and return the names of the activations custom model that the backend has."""

    def List_Blocks(self) -> list[str]:
        """Print and return the names of the blocks that the backend has."""

    def List_Layers_Transfer_Learning(self) -> list[str]:
        """Print and return the names of the layers transfer learning that the backend has."""

    def List_Activations_Transfer_Learning(self) -> list[str]:
        """Print and return the names of the activations transfer learning that the backend has."""
