"""Pneumonia in chest X-rays: ResNet50 against DenseNet121, from folders of images to a comparison on test images.

    python pneumonia_resnet50_vs_densenet121.py --train chest_xray/train --test chest_xray/test \\
                                                --image chest_xray/infer/normal-1.jpeg
    python pneumonia_resnet50_vs_densenet121.py --sample

The data are Kermany's paediatric X-rays ("Chest X-Ray Images (Pneumonia)" on Kaggle, doi 10.17632/rscbjbr9sj on Mendeley
Data): train and test folders, each with NORMAL and PNEUMONIA. Any dataset of that shape works, with any classes. --sample
draws a few pictures that look a little like X-rays, needs no network, and starts from random weights.

This is a demonstration, not for diagnosis.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from monklite import Prototype, compare
from monklite.errors import MonkliteError

PROJECT = "Pneumonia_Classification"


def train_and_evaluate(model: str, options: argparse.Namespace) -> float:
    """Train one experiment, then evaluate it on images it has never seen. Returns the test accuracy in %."""
    ptf = Prototype(PROJECT, model, backend=options.backend, workspace=options.workspace)
    ptf.Default(
        dataset_path=options.train,
        model_name=model,
        freeze_base_network=options.freeze,
        use_pretrained=options.pretrained,
        num_epochs=options.epochs,
    )
    ptf.Train()

    ptf.Switch_Mode(eval_infer=True)
    ptf.Dataset_Params(dataset_path=options.test)
    ptf.Dataset()
    accuracy, _ = ptf.Evaluate()
    if options.image:
        ptf.Infer(img_name=options.image)
    return accuracy


def main(options: argparse.Namespace) -> None:
    accuracies = {model: train_and_evaluate(model, options) for model in options.models}

    ctf = compare(workspace=options.workspace)
    ctf.Comparison("_vs_".join(options.models))
    for model in options.models:
        ctf.Add_Experiment(PROJECT, model)
    ctf.Generate_Statistics()
    for model, accuracy in accuracies.items():
        print(f"{model}: {accuracy:.1f} % on the test images")


def draw_sample(options: argparse.Namespace) -> None:
    """Use drawn pictures instead of the folders, and random weights instead of pretrained ones, which need the network."""
    from monklite.testing.datasets import draw_chest_xrays

    folder = draw_chest_xrays(Path(tempfile.mkdtemp(prefix="monklite-sample-")), n_train=120, n_test=60)
    print(f"Sample images: {folder}\n")
    options.train, options.test, options.image = (
        folder / "train",
        folder / "test",
        folder / "infer" / "pneumonia-1.jpeg",
    )
    options.pretrained = False


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, help="folder with one folder of images per class")
    parser.add_argument("--test", type=Path, help="the same for the test images")
    parser.add_argument("--image", type=Path, help="one image to predict")
    parser.add_argument("--models", nargs="+", default=["resnet50", "densenet121"], metavar="MODEL")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--freeze", action="store_true", help="train only the new head: faster, often a little worse")
    parser.add_argument("--no-pretrained", dest="pretrained", action="store_false", help="start from random weights")
    parser.add_argument("--backend", default="pytorch")
    parser.add_argument("--workspace", default="workspace", help="folder that everything is written to")
    parser.add_argument("--sample", action="store_true", help="use drawn pictures")
    options = parser.parse_args()
    if options.sample:
        draw_sample(options)
    elif not (options.train and options.test):
        parser.error("give --train and --test folders, or --sample")
    return options


if __name__ == "__main__":
    try:
        main(arguments())
    except MonkliteError as error:
        sys.exit(f"error: {error}")
