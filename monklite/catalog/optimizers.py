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
    ]
)
