"""Optimizers, one row each. Names and defaults of the arguments are Monk's."""

from __future__ import annotations

from ..rules import Flag, Number
from .rows import REQUIRED, Parameter, Row, table

RATE = Number(least=0, below=1)
LEARNING_RATE = Parameter("learning_rate", REQUIRED, Number(above=0), "step size", pytorch="lr")
WEIGHT_DECAY = Parameter("weight_decay", 0.0, Number(least=0), "L2 penalty", mxnet="wd")
MOMENTUM = Parameter("momentum", 0.0, RATE, "share of the last step that is kept")
CLIPNORM = Parameter("clipnorm", 0.0, Number(least=0), "largest norm of the whole gradient; 0: no limit", own=True)
CLIPVALUE = Parameter("clipvalue", 0.0, Number(least=0), "largest size of one gradient value; 0: no limit", own=True)
CLIPS = (CLIPNORM, CLIPVALUE)
EPSILON = Parameter("epsilon", 1e-8, Number(above=0), "added to the denominator", pytorch="eps")
AMSGRAD = Parameter("amsgrad", False, Flag(), "keep the largest second moment (Reddi et al. 2018)", mxnet=None)
# torch wants both betas in one keyword; backends/pytorch.py joins "betas.0" and "betas.1"
BETAS = (
    Parameter("beta1", 0.9, RATE, "decay of the first moment", pytorch="betas.0"),
    Parameter("beta2", 0.999, RATE, "decay of the second moment", pytorch="betas.1"),
)
DECAY_RATE = Parameter("decay_rate", 0.99, RATE, "decay of the running mean square", pytorch="alpha", mxnet="gamma1")
MOMENTUM_DECAY = Parameter("momentum_decay", 0.004, RATE, "decay of the momentum", mxnet="schedule_decay")
DAMPENING = Parameter("momentum_dampening_rate", 0.0, RATE, "dampening of momentum", pytorch="dampening", mxnet=None)

OPTIMIZERS = table(
    [
        Row(
            "sgd",
            "Stochastic gradient descent, with momentum if asked for.",
            "torch.optim.SGD",
            "mxnet.optimizer.SGD",
            (LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, DAMPENING, *CLIPS),
        ),
        Row(
            "nesterov_sgd",
            "Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013).",
            "torch.optim.SGD",
            "mxnet.optimizer.NAG",
            (LEARNING_RATE, Parameter("momentum", 0.9, Number(above=0, below=1), MOMENTUM.doc), WEIGHT_DECAY, *CLIPS),
            fixed={"pytorch": {"nesterov": True}},
        ),
        Row(
            "adam",
            "Adam (Kingma and Ba 2015).",
            "torch.optim.Adam",
            "mxnet.optimizer.Adam",
            (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, AMSGRAD, *CLIPS),
        ),
        Row(
            "adamw",
            "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
            "torch.optim.AdamW",
            None,
            (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, AMSGRAD, *CLIPS),
        ),
        Row(
            "adamax",
            "Adam with the largest past gradient in place of the second moment (Kingma and Ba 2015).",
            "torch.optim.Adamax",
            "monklite.backends.mxnet.optimizers.Adamax",  # MXNet's own makes weights without a gradient no numbers
            (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, *CLIPS),
        ),
        Row(
            "nesterov_adam",
            "Adam with Nesterov momentum (Dozat 2016).",
            "torch.optim.NAdam",
            "mxnet.optimizer.Nadam",
            (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, MOMENTUM_DECAY, *CLIPS),
        ),
        Row(
            "rmsprop",
            "Divide by a running root mean square of the gradient (Tieleman and Hinton 2012).",
            "torch.optim.RMSprop",
            "mxnet.optimizer.RMSProp",
            (LEARNING_RATE, DECAY_RATE, EPSILON, WEIGHT_DECAY, *CLIPS),
        ),
        Row(
            "momentum_rmsprop",
            "RMSprop with momentum, divided by the running standard deviation of the gradient (Graves 2013).",
            "torch.optim.RMSprop",
            "mxnet.optimizer.RMSProp",
            (
                LEARNING_RATE,
                DECAY_RATE,
                EPSILON,
                WEIGHT_DECAY,
                Parameter("momentum", 0.9, RATE, MOMENTUM.doc, mxnet="gamma2"),
                *CLIPS,
            ),
            fixed={"pytorch": {"centered": True}, "mxnet": {"centered": True}},  # MXNet has momentum in this form only
        ),
        Row(
            "adagrad",
            "Divide by the root of all squared gradients so far (Duchi et al. 2011).",
            "torch.optim.Adagrad",
            "mxnet.optimizer.AdaGrad",
            (
                LEARNING_RATE,
                Parameter(
                    "learning_rate_decay", 0.0, Number(least=0), "decay of the rate", pytorch="lr_decay", mxnet=None
                ),
                WEIGHT_DECAY,
                Parameter("epsilon", 1e-8, Number(above=0), EPSILON.doc, pytorch="eps", mxnet="eps"),
                *CLIPS,
            ),
        ),
        Row(
            "adadelta",
            "Steps in the units of the weights, from running averages of gradients and steps (Zeiler 2012).",
            "torch.optim.Adadelta",
            None,  # MXNet's takes no learning rate, so no schedule could work on it
            (
                LEARNING_RATE,
                Parameter("rho", 0.9, RATE, "decay of the averages"),
                Parameter("epsilon", 1e-6, Number(above=0), EPSILON.doc, pytorch="eps"),
                WEIGHT_DECAY,
                *CLIPS,
            ),
        ),
        Row(
            "signum",
            "Steps of one size in the direction of the sign of the momentum (Bernstein et al. 2018).",
            None,
            "mxnet.optimizer.Signum",
            (LEARNING_RATE, Parameter("momentum", 0.0, RATE, MOMENTUM.doc), WEIGHT_DECAY),
        ),
    ]
)
