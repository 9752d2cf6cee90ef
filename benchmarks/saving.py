"""What keeping a run resumable costs: the time of an epoch with the saving of the training state, against without.

    python benchmarks/saving.py [--model resnet18] [--images 240] [--side 224] [--batch 16] [--epochs 4] [--rounds 5]

Trains on drawn images, in one process a round, with saving as it is and with the state (`resume_state`, three times the
weights with Adam) neither copied nor written, in turn; best and last weights are written both times. Prints each round's
seconds an epoch, the medians, and the share of time that saving takes. Run it on an otherwise idle machine; the first and the
last epoch are always saved, so the share falls with the number of epochs.
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
from monklite import Prototype, handlers
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
learner, saves = ptf._experiment.learner, []
capture = learner.capture
class Nothing:
    def write(self, path): ...
def counted(notes):
    begin = time.perf_counter()
    snapshot = capture(notes) if options["saving"] else Nothing()
    saves.append(time.perf_counter() - begin)
    return snapshot
learner.capture = counted
if not options["saving"]:
    handlers.SAVING, handlers.SAVE_EVERY = 1e-12, 1e9  # what costs nothing would be "saved" after every epoch
begin = time.perf_counter()
ptf.Train()
print(json.dumps([(time.perf_counter() - begin) / options["epochs"], len(saves), sum(saves) / options["epochs"]]))
"""


def measure(images: Path, options: dict) -> tuple[float, int, float]:
    """Seconds an epoch, number of saves, seconds an epoch in which training waited for a copy of the state."""
    with tempfile.TemporaryDirectory() as workspace:
        words = [sys.executable, "-c", TRAIN, str(images), workspace, json.dumps(options)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(options: argparse.Namespace) -> None:
    found: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        third = options.images // 3
        images = draw_patterns(Path(folder), dict.fromkeys(("dots", "rings", "stripes"), third), side=options.side)
        for number in range(options.rounds):
            for saving in (True, False) if number % 2 else (False, True):
                seconds, saves, waited = measure(images, {**vars(options), "saving": saving})
                found[saving].append(seconds)
                note = f"{saves} saves, {waited:.3f} s of it copying the state" if saving else "no state saved"
                print(f"round {number + 1}: {seconds:7.3f} s an epoch, {note}", flush=True)
    as_it_is, without = (statistics.median(found[saving]) for saving in (True, False))
    print(f"\nmedian of {options.rounds}: {as_it_is:.3f} s an epoch with saving, {without:.3f} s without")
    print(f"share of the time that saving takes: {100 * (1 - without / as_it_is):.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="pytorch")
    parser.add_argument("--model", default="resnet18")
    for name, default in {"images": 240, "side": 224, "batch": 16, "epochs": 4, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    main(parser.parse_args())
