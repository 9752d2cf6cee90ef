"""The table of optimizers. Names and defaults of the arguments are Monk's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..rules import Flag, Number
from ..setting_ranges import NOT_NEGATIVE, POSITIVE
from .backends import Cell
from .rows import REQUIRED, BuiltRow, Parameter, table


@dataclass(frozen=True)
class OptimizerRow(BuiltRow):
    """An optimizer."""

    table: ClassVar[str] = "optimizers"


# what MXNet's own classes lack or do wrong
OURS_MXNET = "monklite.backends.mxnet.optimizers"
COEFFICIENT = Number(least=0, below=1)
LEARNING_RATE = Parameter("learning_rate", REQUIRED, POSITIVE, "step size", {"pytorch": "lr"})
WEIGHT_DECAY = Parameter("weight_decay", 0.0, NOT_NEGATIVE, "L2 penalty", {"mxnet": "wd"})
MOMENTUM = Parameter("momentum", 0.0, COEFFICIENT, "share of the last step that is kept")
CLIPNORM = Parameter("clipnorm", 0.0, NOT_NEGATIVE, "largest norm of the whole gradient; 0: no limit", own=True)
CLIPVALUE = Parameter("clipvalue", 0.0, NOT_NEGATIVE, "largest size of one gradient value; 0: no limit", own=True)
CLIPS = (CLIPNORM, CLIPVALUE)
EPSILON = Parameter("epsilon", 1e-8, POSITIVE, "added to the denominator", {"pytorch": "eps"})
AMSGRAD = Parameter("amsgrad", False, Flag(), "keep the largest second moment (Reddi et al. 2018)")
# Monk's argument, which neither framework has for this optimizer
NOWHERE = {"pytorch": None, "mxnet": None}
# fmt: off
NADAM_AMSGRAD = Parameter(AMSGRAD.name, AMSGRAD.default, AMSGRAD.rule, "kept from Monk, where it had no effect",
                          NOWHERE)
# torch expects both betas in one keyword; backends/pytorch/learner.py joins "betas.0" and "betas.1"
BETAS = (
    Parameter("beta1", 0.9, COEFFICIENT, "decay of the first moment", {"pytorch": "betas.0"}),
    Parameter("beta2", 0.999, COEFFICIENT, "decay of the second moment", {"pytorch": "betas.1"}),
)
DECAY_RATE = Parameter("decay_rate", 0.99, COEFFICIENT, "decay of the running mean square",
                       {"pytorch": "alpha", "mxnet": "gamma1"})
MOMENTUM_DECAY = Parameter("momentum_decay", 0.004, COEFFICIENT, "decay of the momentum", {"mxnet": "schedule_decay"})
DAMPENING = Parameter("momentum_dampening_rate", 0.0, COEFFICIENT, "dampening of momentum",
                      {"pytorch": "dampening", "mxnet": "dampening"})
NESTEROV_DAMPENING = Parameter(DAMPENING.name, 0.0, COEFFICIENT, "kept from Monk: Nesterov momentum has none", NOWHERE)
NESTEROV_MOMENTUM = Parameter("momentum", 0.9, Number(above=0, below=1), MOMENTUM.doc)
RMSPROP_MOMENTUM = Parameter("momentum", 0.9, COEFFICIENT, MOMENTUM.doc, {"mxnet": "gamma2"})
LEARNING_RATE_DECAY = Parameter("learning_rate_decay", 0.0, NOT_NEGATIVE,
                                "in step n the rate is divided by 1 + (n - 1) x this", {"pytorch": "lr_decay"})
RHO = Parameter("rho", 0.9, COEFFICIENT, "decay of the averages")
ADADELTA_EPSILON = Parameter("epsilon", 1e-6, POSITIVE, EPSILON.doc, {"pytorch": "eps"})

OPTIMIZERS = table((
    OptimizerRow("sgd", "Stochastic gradient descent, with momentum if asked for.",
                 (LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, DAMPENING, *CLIPS),
                 {"pytorch": "torch.optim.SGD", "mxnet": f"{OURS_MXNET}.SGD"}),
    OptimizerRow("nesterov_sgd", "Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013).",
                 (LEARNING_RATE, NESTEROV_MOMENTUM, WEIGHT_DECAY, NESTEROV_DAMPENING, *CLIPS),
                 {"pytorch": Cell("torch.optim.SGD", fixed={"nesterov": True}), "mxnet": "mxnet.optimizer.NAG"}),
    OptimizerRow("adam", "Adam (Kingma and Ba 2015).", (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, AMSGRAD, *CLIPS),
                 {"pytorch": "torch.optim.Adam", "mxnet": f"{OURS_MXNET}.Adam"}),
    OptimizerRow("adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
                 (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, AMSGRAD, *CLIPS),
                 {"pytorch": "torch.optim.AdamW", "mxnet": f"{OURS_MXNET}.AdamW"}),
    # MXNet's own turns weights without a gradient into NaN
    OptimizerRow("adamax", "Adam with the largest past gradient in place of the second moment (Kingma and Ba 2015).",
                 (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, *CLIPS),
                 {"pytorch": "torch.optim.Adamax", "mxnet": f"{OURS_MXNET}.Adamax"}),
    OptimizerRow("nesterov_adam", "Adam with Nesterov momentum (Dozat 2016).",
                 (LEARNING_RATE, *BETAS, EPSILON, WEIGHT_DECAY, NADAM_AMSGRAD, MOMENTUM_DECAY, *CLIPS),
                 {"pytorch": "torch.optim.NAdam", "mxnet": "mxnet.optimizer.Nadam"}),
    OptimizerRow("rmsprop", "Divide by a running root mean square of the gradient (Tieleman and Hinton 2012).",
                 (LEARNING_RATE, DECAY_RATE, EPSILON, WEIGHT_DECAY, *CLIPS),
                 {"pytorch": "torch.optim.RMSprop", "mxnet": "mxnet.optimizer.RMSProp"}),
    # MXNet has momentum only in the centered form
    OptimizerRow("momentum_rmsprop",
                 "RMSprop with momentum, divided by the running standard deviation of the gradient (Graves 2013).",
                 (LEARNING_RATE, DECAY_RATE, EPSILON, WEIGHT_DECAY, RMSPROP_MOMENTUM, *CLIPS),
                 {"pytorch": Cell("torch.optim.RMSprop", fixed={"centered": True}),
                  "mxnet": Cell("mxnet.optimizer.RMSProp", fixed={"centered": True})}),
    OptimizerRow("adagrad", "Divide by the root of all squared gradients so far (Duchi et al. 2011).",
                 (LEARNING_RATE, LEARNING_RATE_DECAY, WEIGHT_DECAY, EPSILON, *CLIPS),
                 {"pytorch": "torch.optim.Adagrad",
                  "mxnet": Cell(f"{OURS_MXNET}.AdaGrad", keywords={"epsilon": "eps"})}),
    # MXNet's own has no learning rate, so a schedule would have no effect
    OptimizerRow("adadelta",
                 "Steps in the units of the weights, from running averages of gradients and steps (Zeiler 2012).",
                 (LEARNING_RATE, RHO, ADADELTA_EPSILON, WEIGHT_DECAY, *CLIPS),
                 {"pytorch": "torch.optim.Adadelta", "mxnet": f"{OURS_MXNET}.AdaDelta"}),
    OptimizerRow("signum", "Steps of constant size in the direction of the momentum's sign (Bernstein et al. 2018).",
                 (LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, *CLIPS),
                 {"pytorch": "monklite.backends.pytorch.optimizers.Signum", "mxnet": "mxnet.optimizer.Signum"}),
))
# fmt: on
