"""The cost of keeping a run resumable: seconds that a save of the training state takes, and the share of the training time.

    python benchmarks/saving.py [--backend pytorch] [--model resnet18] [--images 240] [--side 224] [--batch 16] [--epochs 31]
        [--rounds 1]

Trains on drawn images. Two processes differ by more than the cost of a save, so one process saves after every second epoch, and
the epochs after a save are compared with the epochs beside them. Another process saves as usual; the share is its number of
saves times that cost. Run it on an otherwise idle machine. The first and the last epoch are always saved, and training waits
for the last save, so the share is larger in a short training.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from monklite.testing.datasets import draw_patterns

TRAIN = """
import json, sys, time
from monklite import Prototype
from monklite.training import checkpoints
images, workspace, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
ptf = Prototype("p", "e", backend=options["backend"], workspace=workspace, verbose=0)
ptf.Dataset_Params(dataset_path=images, split=0.8, input_size=options["side"], batch_size=options["batch"])
ptf.apply_random_horizontal_flip(train=True)
ptf.apply_normalize(train=True, val=True, test=True)
ptf.Dataset()
ptf.Model_Params(model_name=options["model"], freeze_base_network=False, use_pretrained=False)
ptf.Model()
ptf.optimizer_adam(0.0001)
ptf.Training_Params(num_epochs=options["epochs"], save_intermediate_models=False)
learner, saves, moments = ptf._experiment.learner, [], []
capture = learner.capture
def counted(progress):
    saves.append(time.perf_counter())
    return capture(progress)
def every_second(self, every):
    if every > 0:
        return False
    moments.append(time.perf_counter())
    return len(moments) % 2 == 1
learner.capture = counted
if options["alternate"]:
    checkpoints.Checkpoints._due = every_second
begin = time.perf_counter()
ptf.Train()
print(json.dumps({"moments": moments, "saves": len(saves), "seconds": time.perf_counter() - begin}))
"""


def measure(images: Path, options: dict) -> dict:
    """Train in a process; returns the times at the ends of its epochs, its number of saves, and its seconds."""
    with tempfile.TemporaryDirectory() as workspace:
        command = [sys.executable, "-c", TRAIN, str(images), workspace, json.dumps(options)]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def costs(moments: list[float]) -> list[float]:
    """The seconds of each epoch after a save, minus the mean of the two epochs beside it, which follow no save."""
    seconds = [after - before for before, after in zip(moments, moments[1:], strict=False)]
    return [seconds[i] - (seconds[i - 1] + seconds[i + 1]) / 2 for i in range(2, len(seconds) - 1, 2)]


def main(options: argparse.Namespace) -> None:
    differences: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        counts = dict.fromkeys(("dots", "rings", "stripes"), options.images // 3)
        images = draw_patterns(Path(folder), counts, side=options.side)
        for number in range(options.rounds):
            differences += costs(measure(images, {**vars(options), "alternate": True})["moments"])
            cost = statistics.mean(differences)
            standard_error = statistics.stdev(differences) / len(differences) ** 0.5
            print(f"round {number + 1}: a save costs {cost:.3f} s +- {standard_error:.3f} ({len(differences)} saves, median "
                  f"{statistics.median(differences):.3f})", flush=True)  # fmt: skip
        usual = measure(images, {**vars(options), "alternate": False})
    share, n_saves = cost / usual["seconds"], usual["saves"]
    print(f"as usual: {n_saves} saves in {usual['seconds']:.0f} s, {100 * share * n_saves:.1f} % of the time; without the "
          f"first and the last {100 * share * (n_saves - 2):.1f} %")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="pytorch")
    parser.add_argument("--model", default="resnet18")
    for name, default in {"images": 240, "side": 224, "batch": 16, "epochs": 31, "rounds": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    main(parser.parse_args())
