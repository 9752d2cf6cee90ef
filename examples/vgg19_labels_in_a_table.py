"""VGG19 with labels in a table, its first 16 layers frozen, a sigmoid at the end: pneumonia or not.

    python vgg19_labels_in_a_table.py --train chest_xray/train --test chest_xray/test
    python vgg19_labels_in_a_table.py --sample

The folders hold one folder per class (two classes). A data frame with the labels 0 and 1 is made from them and shuffled, as in
many tutorials. --sample draws a few pictures, needs no network, and starts from random weights.

This is a demonstration, not for diagnosis.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd

from monklite import Prototype
from monklite.errors import MonkliteError

# the 16 convolutions of VGG19; its three last layers are trained
FROZEN_LAYERS = 16


def table_of(folder: Path, seed: int = 0) -> pd.DataFrame:
    """The images of a folder and their labels, in random order: 0 for the first class by name, 1 for the second."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    rows = [
        (file.relative_to(folder).as_posix(), label)
        for label, name in enumerate(classes)
        for file in sorted((folder / name).iterdir())
    ]
    return pd.DataFrame(rows, columns=["file", "label"]).sample(frac=1, random_state=seed)


def main(options: argparse.Namespace) -> float:
    """Train, and evaluate on images that the network has never seen. Returns the accuracy in %."""
    ptf = Prototype("Pneumonia_Classification", "vgg19", backend=options.backend, workspace=options.workspace)
    ptf.Dataset_Params(
        dataset_path=options.train,
        path_to_csv=table_of(Path(options.train)),
        split=0.8,
        input_size=options.size,
        batch_size=16,
    )
    ptf.apply_random_horizontal_flip(train=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name="vgg19", use_pretrained=options.pretrained)
    ptf.Model()
    ptf.Freeze_Layers(num=FROZEN_LAYERS)
    ptf.Training_Params(num_epochs=options.epochs, display_progress_realtime=False)
    ptf.optimizer_adam(1e-4)
    ptf.loss_sigmoid_binary_crossentropy()
    ptf.Train()

    ptf.Switch_Mode(eval_infer=True)
    ptf.Dataset_Params(dataset_path=options.test, path_to_csv=table_of(Path(options.test)))
    ptf.Dataset()
    accuracy, _ = ptf.Evaluate()
    return accuracy


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="VGG19 with labels in a table")
    parser.add_argument("--train", help="folder with one folder per class")
    parser.add_argument("--test", help="the same, with images that are not trained on")
    parser.add_argument("--sample", action="store_true", help="draw pictures and train from random weights")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=224, help="side of the images, px")
    parser.add_argument("--backend", default="pytorch", choices=("pytorch", "mxnet"))
    parser.add_argument("--workspace", default="workspace")
    parser.add_argument("--no-pretrained", dest="pretrained", action="store_false", help="start from random weights")
    options = parser.parse_args(words)
    if options.sample:
        from monklite.testing.datasets import draw_chest_xrays

        drawn = draw_chest_xrays(Path(tempfile.mkdtemp()))
        options.train, options.test = str(drawn / "train"), str(drawn / "test")
        options.pretrained, options.size = False, min(options.size, 64)
    elif not (options.train and options.test):
        parser.error("give --train and --test, or --sample")
    return options


if __name__ == "__main__":
    try:
        print(f"vgg19: {main(parse()):.1f} % on the test images")
    except MonkliteError as error:
        sys.exit(f"{type(error).__name__}: {error}")
