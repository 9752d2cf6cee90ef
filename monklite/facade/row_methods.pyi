"""Written by tools/write_stubs.py: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .studies import StudyMethods
from .vocabulary import VocabularyMethods

class RowMethods(VocabularyMethods, StudyMethods):
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
        momentum_dampening_rate: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013).

        Args:
            learning_rate: step size; a number above 0.
            momentum: share of the last step that is kept; a number above 0 and below 1.
            weight_decay: L2 penalty; a number at least 0.
            momentum_dampening_rate: kept from Monk: Nesterov momentum has none; a number at least 0 and below 1.
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

        Backends: pytorch, mxnet.
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
        amsgrad: bool = False,
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
            amsgrad: kept from Monk, where it had no effect; True or False.
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
            learning_rate_decay: in step n the rate is divided by 1 + (n - 1) x this; a number at least 0.
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

        Backends: pytorch, mxnet.
        """

    def optimizer_signum(
        self,
        learning_rate: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        clipnorm: float = 0.0,
        clipvalue: float = 0.0,
    ) -> None:
        """Steps of constant size in the direction of the momentum's sign (Bernstein et al. 2018).

        Args:
            learning_rate: step size; a number above 0.
            momentum: share of the last step that is kept; a number at least 0 and below 1.
            weight_decay: L2 penalty; a number at least 0.
            clipnorm: largest norm of the whole gradient; 0: no limit; a number at least 0.
            clipvalue: largest size of one gradient value; 0: no limit; a number at least 0.

        Backends: pytorch, mxnet.
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

    def lr_cosine_decrease(self, min_lr: float = 0.0, warmup_epochs: int = 0) -> None:
        """Half a cosine from the learning rate down to min_lr over the whole training (Loshchilov and Hutter 2017),
        epoch by epoch; with warmup_epochs, it rises step by step to the learning rate before (Goyal et al.
        2017).

        Args:
            min_lr: learning rate at the end; a number at least 0.
            warmup_epochs: epochs in which it rises from nearly 0; a whole number at least 0.

        Backends: pytorch, mxnet.
        """

    def lr_one_cycle(
        self, warmup_share: float = 0.3, initial_division: float = 25.0, final_division: float = 10000.0
    ) -> None:
        """Step by step up to the learning rate and far below where it began, each along half a cosine (Smith 2018,
        as in torch's OneCycleLR). The momentum stays as it is.

        Args:
            warmup_share: share of the training in which it rises; a number at least 0 and at most 1.
            initial_division: it begins at the learning rate / this; a number at least 1.
            final_division: and ends at that / this; a number at least 1.

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
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        axis_to_sum_over: int = -1,
        label_as_categories: bool = True,
        label_smoothing: bool | float = 0.0,
    ) -> None:
        """Softmax with cross-entropy: one class per image. The usual choice.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            axis_to_sum_over: axis of the classes; -1 or 1.
            label_as_categories: labels are class numbers, or rows of 0 and 1; the loss is the same and gets the
                labels in the form that it takes; True or False.
            label_smoothing: share of the label spread over all classes (Szegedy et al. 2016); True, False or a
                number at least 0 and below 1.

        Backends: pytorch, mxnet.
        """

    def loss_sigmoid_binary_crossentropy(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """One yes-or-no decision per class: sigmoid with binary cross-entropy.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_crossentropy(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        axis_to_sum_over: int = -1,
        label_as_categories: bool = True,
        label_smoothing: bool | float = 0.0,
    ) -> None:
        """Negative logarithm of the score of the right class, one per image. The scores are those of softmax, as in
        softmax_crossentropy.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            axis_to_sum_over: axis of the classes; -1 or 1.
            label_as_categories: labels are class numbers, or rows of 0 and 1; the loss is the same and gets the
                labels in the form that it takes; True or False.
            label_smoothing: share of the label spread over all classes (Szegedy et al. 2016); True, False or a
                number at least 0 and below 1.

        Backends: pytorch, mxnet.
        """

    def loss_binary_crossentropy(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Binary cross-entropy of one score per class. The scores are those of sigmoid, as in
        sigmoid_binary_crossentropy.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_focal(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        gamma: float = 2.0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Cross-entropy in which images that are predicted well count less (Lin et al. 2017): of softmax, or of
        sigmoid where images have several labels. Its alpha is `weight`.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            gamma: how much less easy images count; 0: cross-entropy; a number at least 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_kldiv(
        self,
        log_pre_applied: bool = False,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        axis_to_sum_over: int = -1,
    ) -> None:
        """Kullback-Leibler divergence of the scores of softmax from the label: one class per image. A label is
        certain, so this is cross-entropy.

        Args:
            log_pre_applied: the network's outputs are log-probabilities already, which gives the same loss; True
                or False.
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            axis_to_sum_over: axis of the classes; -1 or 1.

        Backends: pytorch, mxnet.
        """

    def loss_poisson_nll(
        self,
        log_pre_applied: bool = False,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
    ) -> None:
        """Negative logarithm of the Poisson likelihood, without the constant term, of a rate per class: the score
        of softmax, or exp(output) with log_pre_applied. One class per image; mean over the classes.

        Args:
            log_pre_applied: the outputs are logarithms of rates; False: logits of softmax; True or False.
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.

        Backends: pytorch, mxnet.
        """

    def loss_l1(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Mean absolute error (Ghosh et al. 2017). The scores are those of softmax, or of sigmoid where images have
        several labels; they are compared with 0 and 1.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_l2(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Mean squared error (Brier 1950). The scores are those of softmax, or of sigmoid where images have several
        labels; they are compared with 0 and 1.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_huber(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        threshold_for_mean_estimator: float = 1.0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Squared error / (2 x threshold) up to the threshold, absolute error - threshold / 2 beyond (Huber 1964).
        The scores are those of softmax, or of sigmoid where images have several labels; they are compared with 0
        and 1.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            threshold_for_mean_estimator: difference from which the loss grows linearly and no longer
                quadratically; a number above 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_hinge(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        margin: float = 1.0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Hinge loss of one decision per class, the logit against -1 or +1; mean over the classes (Cortes and
        Vapnik 1995).

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            margin: by how much a right answer must be right to cost nothing; a number above 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_squared_hinge(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        margin: float = 1.0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Squared hinge loss of one decision per class, the logit against -1 or +1; mean over the classes (Tang
        2013).

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            margin: by how much a right answer must be right to cost nothing; a number above 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_multimargin(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        margin: float = 1.0,
    ) -> None:
        """The logit of the right class against each other one: sum of max(0, margin - right + other) / number of
        classes (Weston and Watkins 1999). One class per image.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            margin: by how much a right answer must be right to cost nothing; a number above 0.

        Backends: pytorch, mxnet.
        """

    def loss_squared_multimargin(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        margin: float = 1.0,
    ) -> None:
        """multimargin with squared terms. One class per image.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            margin: by how much a right answer must be right to cost nothing; a number above 0.

        Backends: pytorch, mxnet.
        """

    def loss_multilabel_margin(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """The logit of each label that an image has against each that it has not: sum of max(0, 1 - has + has not)
        / number of classes. An image with none or all labels adds nothing, and only differences of logits are
        trained, so the threshold may need to be chosen afterwards.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

        Backends: pytorch, mxnet.
        """

    def loss_multilabel_softmargin(
        self,
        weight: Mapping[str, float] | Sequence[float] | Literal["balanced"] | Literal[False] | None = None,
        batch_axis: int = 0,
        positive_weight: Mapping[str, float] | Sequence[float] | Literal[False] | None = None,
    ) -> None:
        """Binary cross-entropy of one decision per class: sigmoid_binary_crossentropy by its other name.

        Args:
            weight: one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the
                classes; "balanced": by the number of training images; 'balanced', or a dictionary from each
                class name to its value, or a list of values, each a number at least 0 or None.
            batch_axis: axis of the batch; 0.
            positive_weight: one factor per class, given like weight, which counts only for the images that have
                that label; a dictionary from each class name to its value, or a list of values, each a number at
                least 0 or None.

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

    def apply_random_rotation(
        self, degrees: float | Sequence[float], train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Rotate about the centre by up to `degrees` either way; corners become black.

        Args:
            degrees: largest angle either way, or both ends, counterclockwise; a number at least 0 and at most
                180, or a list of 2 values, each a number at least -180 and at most 180, the smallest first.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_affine(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | Literal[False] | None = None,
        scale: Sequence[float] | Literal[False] | None = None,
        shear: float | Sequence[float] | Literal[False] | None = None,
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Rotate about the centre, move, scale and shear; what comes from outside the image is black.

        Args:
            degrees: largest angle either way, or both ends, clockwise; a number at least 0 and at most 180, or a
                list of 2 values, each a number at least -180 and at most 180, the smallest first.
            translate: largest shares of width and height by which it is moved either way; None: not at all; a
                list of 2 values, each a number at least 0 and at most 1 or None.
            scale: smallest and largest factor of the size; None: 1; a list of 2 values, each a number at least
                0.01 and at most 100, the smallest first or None.
            shear: largest angle of slanting along x either way, both ends, or both ends along x and along y;
                None: 0; a number at least 0 and at most 89, or a list of 2 values, each a number at least -89
                and at most 89, the smallest first, or of 4 values, for x and for y or None.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_perspective(
        self,
        distortion_scale: float = 0.5,
        probability: float = 0.5,
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Tilt the image: move its corners inwards by random distances; what comes from outside is black.

        Args:
            distortion_scale: largest distance as a share of half the side; a number at least 0 and at most 1.
            probability: share of images that are transformed; a number at least 0 and at most 1.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_color_jitter(
        self,
        brightness: float | Sequence[float] = 0.0,
        contrast: float | Sequence[float] = 0.0,
        saturation: float | Sequence[float] = 0.0,
        hue: float | Sequence[float] = 0.0,
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Change brightness, then contrast, saturation and hue at random, as torchvision defines them.

        Args:
            brightness: largest distance of the factor of the brightness from 1, or both of its ends; a number at
                least 0 and at most 100, or a list of 2 values, each a number at least 0 and at most 100, the
                smallest first.
            contrast: largest distance of the factor of the contrast from 1, or both of its ends; a number at
                least 0 and at most 100, or a list of 2 values, each a number at least 0 and at most 100, the
                smallest first.
            saturation: largest distance of the factor of the saturation from 1, or both of its ends; a number at
                least 0 and at most 100, or a list of 2 values, each a number at least 0 and at most 100, the
                smallest first.
            hue: largest turn of the hue either way, as a share of the colour circle, or both ends; a number at
                least 0 and at most 0.5, or a list of 2 values, each a number at least -0.5 and at most 0.5, the
                smallest first.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_lighting(
        self, alpha: float = 1.0, train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Add noise along the principal components of ImageNet's colours (Krizhevsky et al. 2012).

        Args:
            alpha: standard deviation of the noise; 0.1 in the paper; a number at least 0 and at most 100.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_gamma(
        self, gamma: Sequence[float] = (0.8, 1.25), train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Brighten or darken the middle greys: raise the values, 0 to 1, to a random power.

        Args:
            gamma: smallest and largest exponent; a list of 2 values, each a number at least 0.01 and at most
                100, the smallest first.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_autocontrast(
        self, probability: float = 0.5, train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Stretch each channel to the whole range from black to white, as torchvision does.

        Args:
            probability: share of images that are transformed; a number at least 0 and at most 1.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_blur(
        self,
        sigma: Sequence[float] = (0.1, 2.0),
        probability: float = 0.5,
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Blur with a Gaussian kernel of random width.

        Args:
            sigma: smallest and largest standard deviation, px of the input size; a list of 2 values, each a
                number above 0 and at most 100, the smallest first.
            probability: share of images that are transformed; a number at least 0 and at most 1.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_random_erasing(
        self,
        probability: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        train: bool = False,
        val: bool = False,
        test: bool = False,
    ) -> None:
        """Fill a random box with the mean colour of normalize (Zhong et al. 2020).

        Args:
            probability: share of images that are transformed; a number at least 0 and at most 1.
            scale: smallest and largest share of the area; a list of 2 values, each a number above 0 and at most
                1, the smallest first.
            ratio: smallest and largest height / width; a list of 2 values, each a number above 0, the smallest
                first.
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_trivial_augment(self, train: bool = False, val: bool = False, test: bool = False) -> None:
        """One random transform of each image, of its place or its colours, at random strength (Müller and Hutter
        2021).

        Args:
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_grayscale(
        self, num_output_channels: int = 3, train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Take the colours out of an image. Done once, when it is decoded.

        Args:
            num_output_channels: channels of the result; 3 (networks take images of three channels).
            train, val, test: for which images.

        Backends: pytorch, mxnet.
        """

    def apply_clahe(
        self, clip_limit: float = 2.0, grid: int = 8, train: bool = False, val: bool = False, test: bool = False
    ) -> None:
        """Equalise brightness around each place, with limited contrast (CLAHE, Zuiderveld 1994), as for X-rays.
        Done once, when an image is decoded.

        Args:
            clip_limit: largest gain of contrast; 1: none; a number at least 1 and at most 256.
            grid: tiles in each direction, whose brightness is equalised; a whole number at least 1 and at most
                64.
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
        dilation: int | Sequence[int] = 1,
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
            dilation: distance between the points of the window; a whole number at least 1.
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
        dilation: int | Sequence[int] = 1,
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
            dilation: distance between the points of the window; a whole number at least 1, or a list of 2 such
                numbers.
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
        dilation: int | Sequence[int] = 1,
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
            dilation: distance between the points of the window; a whole number at least 1, or a list of 3 such
                numbers.
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
            dilation: distance between the points of the window; 1 (neither framework has a mean of spread
                points).
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
            dilation: distance between the points of the window; 1 (neither framework has a mean of spread
                points).
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
            dilation: distance between the points of the window; 1 (neither framework has a mean of spread
                points).
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
        dilation: int | Sequence[int] = 1,
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
            dilation: distance between the points of the window; a whole number at least 1, or a list of 2 such
                numbers.
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
            dilation: distance between the points of the window; 1 (neither framework has a mean of spread
                points).
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
        """With random crops, rotations and other resampling, show each training image in this many fixed variants,
        drawn once; 0: in a new variant in each epoch. The output of a frozen part of the network is computed
        once per variant and kept. It can cost accuracy. Images that are only mirrored have at most four
        variants, which are always kept. Effective after `Reload()`, or with `Train()`.
        """

    def update_shuffle_data(self, shuffle: bool) -> None:
        """Whether the training order is shuffled. Effective after `Reload()`, or with `Train()`."""

    def update_weighted_sampling(self, sample: bool) -> None:
        """Draw the training images of an epoch with replacement, as many as there are, so that each class has the
        same share of them on average. An image of several labels counts by its rarest one. Validation and test
        images are not drawn. Do not use class weights in the loss as well: they correct the same imbalance.
        Effective after `Reload()`, or with `Train()`.
        """

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
        """auto, float32, bfloat16 or float16. auto: the one in which this network is fastest on this machine; it is
        kept when the run is resumed or copied. Effective after `Reload()`, or with `Train()`.
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

    def update_mixup(self, alpha: float) -> None:
        """Blend each training image, and its labels, with another one of the batch (Zhang et al. 2018); alpha of
        the beta distribution of the shares, such as 0.2; 0: not. With `cutmix` too, each batch is mixed in one
        of both ways. Effective after `Reload()`, or with `Train()`.
        """

    def update_cutmix(self, alpha: float) -> None:
        """Paste a box of another image of the batch into each training image, and mix the labels by area (Yun et
        al. 2019); alpha of the beta distribution of the shares, such as 1; 0: not. Effective after `Reload()`,
        or with `Train()`.
        """

    def update_head_epochs(self, epochs: int) -> None:
        """In the first epochs only the new head is trained, then all layers that are not frozen; 0: all from the
        first on. Effective after `Reload()`, or with `Train()`.
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

    def Analyse_Learning_Rates(
        self,
        analysis_name: str,
        lr_list: Sequence[float],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare learning rates of the optimizer.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            lr_list: the values; each is a number above 0.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Input_Sizes(
        self,
        analysis_name: str,
        inp_size_list: Sequence[int],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare sizes of the images, px.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            inp_size_list: the values; each is a whole number at least 1 and at most 4096.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Batch_Sizes(
        self,
        analysis_name: str,
        batch_size_list: Sequence[int],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare numbers of images per step.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            batch_size_list: the values; each is a whole number at least 1.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Models(
        self,
        analysis_name: str,
        model_list: Sequence[Sequence[object]],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare networks: each value is `[name, freeze the base, pretrained]`. Optimizer and learning rate are
        those of the recipe for each, unless they were chosen.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            model_list: the values; each is [name, freeze, pretrained].
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Optimizers(
        self,
        analysis_name: str,
        optimizer_list: Sequence[str],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare optimizers by name, with their defaults and the present learning rate.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            optimizer_list: the values; each is a string.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Optimizers_With_LR(
        self,
        analysis_name: str,
        optimizer_list: Sequence[Sequence[object]],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare optimizers, each with a learning rate: each value is `[name, learning rate]`.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            optimizer_list: the values; each is [name, learning rate].
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Trainval_Splits(
        self,
        analysis_name: str,
        split_list: Sequence[float],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare shares of the images that are used for training. The validation images differ, and so their
        accuracies cannot be compared as those of the other analyses can.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            split_list: the values; each is a number above 0 and below 1.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def Analyse_Freeze_Layers(
        self,
        analysis_name: str,
        num_list: Sequence[int],
        percent_data: float,
        num_epochs: int = 2,
        state: str = "keep_all",
    ) -> dict[str, dict[str, float]]:
        """Compare numbers of first layers that are not trained; with 0, all are trained.

        Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the
        open experiment. A call that
        is repeated, for example after it was stopped, trains only what is not finished.

        Args:
            analysis_name: name of the project of these experiments; their comparison is
                `Comparison_<analysis_name>`.
            num_list: the values; each is a whole number at least 0.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: passes over the training images.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Returns:
            For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to
                1), `training_loss`,
            `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
        """

    def study_convolution_filters(self, img_name: Any, num_filters: int = 4) -> None:
        """Convolve an image with several filters: each gives a channel.

        Args:
            num_filters: number of filters; a whole number at least 1 and at most 32.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_convolution_kernels(self, img_name: Any, kernel_size: int = 4) -> None:
        """Convolve an image with kernels of a size: larger ones see more at once.

        Args:
            kernel_size: side of the kernel, px; a whole number at least 1 and at most 16.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_convolution_stride(self, img_name: Any, stride: int = 4) -> None:
        """Convolve an image at every so many pixels: the result becomes smaller.

        Args:
            stride: step between two windows, px; a whole number at least 1 and at most 64.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_convolution_padding(self, img_name: Any, padding: int = 0) -> None:
        """Convolve an image with a border of zeros around it.

        Args:
            padding: width of the border, px; a whole number at least 0 and at most 64.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_convolution_grouping(self, img_name: Any, groups: int = 1) -> None:
        """Convolve the colours of an image in groups: a filter sees those of its group only.

        Args:
            groups: 1: filters see all three colours; 3: each sees one; a whole number at least 1 and at most 3.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_convolution_dilation(self, img_name: Any, factor: int = 0) -> None:
        """Convolve an image with spread kernels: they see further with as many weights.

        Args:
            factor: distance between two weights, px; 0 is as 1; a whole number at least 0 and at most 64.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_pooling_type(self, img_name: Any, type: Literal["max", "avg"] = "max") -> None:
        """Pool an image: one value for each window of 4 x 4 px.

        Args:
            type: the largest value of a window, or its mean; one of 'max', 'avg'.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_pooling_kernels(self, img_name: Any, kernel_size: int = 4, type: Literal["max", "avg"] = "avg") -> None:
        """Pool an image in windows of a size.

        Args:
            kernel_size: side of the window, px; a whole number at least 1 and at most 16.
            type: the largest value of a window, or its mean; one of 'max', 'avg'.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_pooling_stride(self, img_name: Any, stride: int = 4, type: Literal["max", "avg"] = "avg") -> None:
        """Pool an image at every so many pixels.

        Args:
            stride: step between two windows, px; a whole number at least 1 and at most 64.
            type: the largest value of a window, or its mean; one of 'max', 'avg'.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_pooling_padding(self, img_name: Any, padding: int = 1, type: Literal["max", "avg"] = "avg") -> None:
        """Pool an image with a border around it, whose pixels count as zeros.

        Args:
            padding: width of the border, px; a whole number at least 0 and at most 64.
            type: the largest value of a window, or its mean; one of 'max', 'avg'.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
        """

    def study_pooling_dilation(self, img_name: Any, dilation: int = 1, type: Literal["max", "avg"] = "avg") -> None:
        """Pool an image in windows of spread pixels.

        Args:
            dilation: distance between two pixels of a window, px; a whole number at least 1 and at most 64.
            type: the largest value of a window, or its mean; one of 'max', 'avg'.
            img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.

        Backends: pytorch, mxnet.
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
