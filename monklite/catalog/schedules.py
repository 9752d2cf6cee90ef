"""Learning-rate schedules, one row each; the functions themselves stand in `monklite/schedules.py`."""

from __future__ import annotations

from ..rules import Flag, Number, OneOf, Sequence, Whole
from .rows import REQUIRED, Parameter, Row, table

FACTOR = Number(above=0, below=1)
GAMMA = Parameter("gamma", 0.1, Number(above=0, most=1), "factor of each decrease")
LAST_EPOCH = Parameter("last_epoch", -1, Whole(least=-1), "number of epochs, less one, that the schedule has behind it")


def _row(name: str, doc: str, *parameters: Parameter) -> Row:
    path = f"monklite.schedules.{name}"  # plain arithmetic, so both backends share it
    return Row(name, doc, path, path, parameters)


SCHEDULES = table(
    [
        _row("fixed", "The same learning rate all the way."),
        _row(
            "step_decrease",
            "Multiply by gamma every step_size epochs.",
            Parameter("step_size", REQUIRED, Whole(least=1), "epochs between decreases"),
            GAMMA,
            LAST_EPOCH,
        ),
        _row(
            "multistep_decrease",
            "Multiply by gamma at the given epochs.",
            Parameter(
                "milestones", REQUIRED, Sequence(Whole(least=1), increasing=True), "epochs after which it decreases"
            ),
            GAMMA,
            LAST_EPOCH,
        ),
        _row(
            "exponential_decrease",
            "Multiply by gamma after every epoch.",
            Parameter("gamma", REQUIRED, Number(above=0, most=1), "factor of each decrease"),
            LAST_EPOCH,
        ),
        _row(
            "cosine_decrease",
            "Half a cosine from the learning rate down to min_lr over the whole training (Loshchilov and Hutter 2017).",
            Parameter("min_lr", 0.0, Number(least=0), "where it ends"),
        ),
        _row(
            "plateau_decrease",
            "Multiply by factor when the validation loss (mode 'max': accuracy) has not improved for patience epochs.",
            Parameter("mode", "min", OneOf(("min", "max")), "watch the loss (min) or the accuracy (max)"),
            Parameter("factor", 0.1, FACTOR, "factor of each decrease"),
            Parameter("patience", 10, Whole(least=0), "epochs without improvement that are let pass"),
            Parameter("verbose", False, Flag(), "kept from Monk; the learning rate is always shown"),
            Parameter("threshold", 1e-4, Number(least=0), "what counts as an improvement"),
            Parameter("threshold_mode", "rel", OneOf(("rel", "abs")), "threshold as a share or as an amount"),
            Parameter("cooldown", 0, Whole(least=0), "epochs to wait after a decrease"),
            Parameter("min_lr", 0.0, Number(least=0), "never below this"),
            Parameter("epsilon", 1e-8, Number(least=0), "smaller decreases are not made"),
        ),
    ]
)
