"""A backend in pure NumPy, as small as the contract allows: logistic regression on pooled pixels.

It is found through the entry point beside this folder; no file of monklite names it.
"""

from monklite.catalog.backends import Cell, Description
from monklite.catalog.model_table import ModelRow

NOT_HERE = dict.fromkeys(
    ("weight", "batch_axis", "axis_to_sum_over", "label_as_categories", "label_smoothing", "positive_weight")
)


MODELS = tuple(
    ModelRow(name, "linear", {"numpy": Cell(name)}, {"numpy": ("head",)}, min_size=16)
    for name in ("linear", "linear_dropout", "linear_fine")
)

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
    models="numpy_backend.MODELS",
)
