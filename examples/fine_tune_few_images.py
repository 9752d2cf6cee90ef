"""Few images: look at them first, train a new head, then all layers with small rates, and look at the worst mistakes.

    python fine_tune_few_images.py --train xrays/train --test xrays/test
    python fine_tune_few_images.py --sample

The folders hold one folder per class. ResNet34: 7 epochs of a new head, then 2 of all layers, whose rates fall from the head to
the first layers. --sample draws a few pictures, needs no network, and starts from random weights.

With so few images the accuracy is uncertain: read the interval. Images of different classes that come from different sources
(another hospital, children and adults) can be told apart by their source alone, and the accuracy then says nothing.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd

from monklite import Prototype
from monklite.errors import MonkliteError

WORST = 6


def main(options: argparse.Namespace) -> float:
    """Train, evaluate and show the mistakes. Returns the accuracy on the test images in %."""
    ptf = Prototype("Few_Images", "resnet34", backend=options.backend, workspace=options.workspace)
    ptf.Default(dataset_path=options.train, model_name="resnet34", use_pretrained=options.pretrained)
    if options.size:
        ptf.update_input_size(options.size)
    ptf.Reload()
    ptf.Show_Samples()
    ptf.Fine_Tune(num_epochs=options.epochs, head_epochs=options.head_epochs)

    ptf.Switch_Mode(eval_infer=True)
    ptf.Dataset_Params(dataset_path=options.test)
    ptf.Dataset()
    accuracy, _ = ptf.Evaluate()
    output = Path(options.workspace) / "Few_Images" / "resnet34" / "output"
    predictions = pd.read_csv(output / "evaluation" / "test" / "predictions.csv")
    print(
        f"\nRows are true classes, columns predicted ones:\n{pd.crosstab(predictions['class'], predictions['predicted'])}"
    )
    mistakes = pd.DataFrame(ptf.Show_Errors(WORST))
    print(f"The worst of the mistakes:\n{mistakes.to_string(index=False)}\n")
    return accuracy


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fine-tuning with few images")
    parser.add_argument("--train", help="folder with one folder per class")
    parser.add_argument("--test", help="the same, with images that are not trained on")
    parser.add_argument("--sample", action="store_true", help="draw pictures and train from random weights")
    parser.add_argument("--head-epochs", type=int, default=7, help="epochs in which only the new head is trained")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of all layers after that")
    parser.add_argument("--size", type=int, default=0, help="side of the images, px; 0: that of the network")
    parser.add_argument("--backend", default="pytorch", choices=("pytorch", "mxnet"))
    parser.add_argument("--workspace", default="workspace")
    parser.add_argument("--no-pretrained", dest="pretrained", action="store_false", help="start from random weights")
    options = parser.parse_args(words)
    if options.sample:
        from monklite.testing.datasets import draw_chest_xrays

        drawn = draw_chest_xrays(Path(tempfile.mkdtemp()))
        options.train, options.test = str(drawn / "train"), str(drawn / "test")
        options.pretrained, options.size = False, options.size or 64
    elif not (options.train and options.test):
        parser.error("give --train and --test, or --sample")
    return options


if __name__ == "__main__":
    try:
        print(f"resnet34: {main(parse()):.1f} % on the test images")
    except MonkliteError as error:
        sys.exit(f"{type(error).__name__}: {error}")
