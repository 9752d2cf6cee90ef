"""A backend in pure NumPy, as small as the contract allows: logistic regression on pooled pixels.

It is found through the entry point beside this folder; no file of monklite names it.
"""

from monklite.catalog.backends import Cell, Description
from monklite.catalog.models import ModelRow

NOT_HERE = dict.fromkeys(("weight", "batch_axis", "axis_to_sum_over", "label_as_categories", "label_smoothing"))


def _model(name: str, size: int = 224) -> ModelRow:
    return ModelRow(name, "linear", {"numpy": Cell(name)}, {"numpy": ("head",)}, input_size=size, least_size=16)


DESCRIPTION = Description(
    name="numpy",
    title="NumPy",
    packages=("numpy",),
    install="pip install numpy",
    backend="numpy_backend.backend.BACKEND",
    cells={
        "optimizers": {
            "sgd": Cell("numpy_backend.optimizers.SGD", keywords={"momentum_dampening_rate": None}),
            "adam": Cell("numpy_backend.optimizers.Adam", keywords={"amsgrad": None}),
        },
        "losses": {
            "softmax_crossentropy": Cell("numpy_backend.losses.SoftmaxCrossEntropy", keywords=NOT_HERE),
            "sigmoid_binary_crossentropy": Cell("numpy_backend.losses.BinaryCrossEntropy", keywords=NOT_HERE),
        },
    },
    models=(_model("linear"), _model("linear_dropout"), _model("linear_fine")),
)
