"""MXNet through monklite against a bare hybridised Gluon loop on random data in memory: the framework's own limit.

    python benchmarks/mxnet_throughput.py DATA [--models resnet18_v1 resnet50_v2] [--epochs 3] [--repeat 3] [--batch 16]

DATA holds one folder of images per class. For each model and repeat, one process trains through monklite (from a warm cache) and
one runs the bare loop on as many random images, in turn, so that both run under the same conditions. Prints images/s of the
fastest epoch, training and validation together, their ratio, and the peak memory of each process.
"""

import argparse
import os
import statistics
import tempfile

from measure import in_process

MONKLITE = """
import csv, json, resource, sys
from monklite import Prototype
data, model, epochs, batch, workspace = sys.argv[1:6]
ptf = Prototype("p", model, backend="mxnet", workspace=workspace, verbose=0)
ptf.Default(dataset_path=data, model_name=model, num_epochs=int(epochs), freeze_base_network=False, use_pretrained=False)
ptf.update_batch_size(int(batch))
ptf.update_save_intermediate_models(False)
ptf.optimizer_sgd(0.01, momentum=0.9)
ptf.Train()
rows = list(csv.DictReader((ptf._experiment.run.logs / "history.csv").open()))
data = ptf._experiment.data
print(json.dumps({"images_per_second": max(float(r["images_per_second"]) for r in rows),
                  "train": data.train.n_images, "val": data.val.n_images,
                  "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
BARE = """
import json, resource, sys, time
import numpy as np
np.bool = bool
import mxnet as mx
del np.bool
from mxnet import autograd, gluon
model, epochs, batch, train, val = sys.argv[1], *map(int, sys.argv[2:6])
net = gluon.model_zoo.vision.get_model(model, classes=3)
net.initialize(mx.init.Xavier())
net.hybridize(static_alloc=True, static_shape=True)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9}, kvstore=None)
loss = gluon.loss.SoftmaxCrossEntropyLoss()
x = mx.nd.random.normal(shape=(train + val, 3, 224, 224))
y = mx.nd.array(np.arange(train + val) % 3)
best = 0.0
for _ in range(epochs):
    begin = time.perf_counter()
    for i in range(0, train, batch):
        with autograd.record():
            out = loss(net(x[i : min(i + batch, train)]), y[i : min(i + batch, train)]).mean()
        out.backward()
        trainer.step(1)
    with autograd.predict_mode():
        for i in range(train, train + val, batch):
            net(x[i : i + batch]).asnumpy()
    mx.nd.waitall()
    best = max(best, (train + val) / (time.perf_counter() - begin))
print(json.dumps({"images_per_second": best, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main(options: argparse.Namespace) -> None:
    print(f"{'model':14} {'monklite':>9} {'bare':>9} {'ratio':>7}   {'monklite':>9} {'bare':>9}")
    print(f"{'':14} {'images/s':>9} {'images/s':>9} {'':7}   {'MiB':>9} {'MiB':>9}")
    for model in options.models:
        rows = []
        for _ in range(options.repeat):
            with tempfile.TemporaryDirectory() as workspace:
                library = in_process("-c", MONKLITE, options.data, model, options.epochs, options.batch, workspace)
            counts = int(library["train"]), int(library["val"])
            rows.append((library, in_process("-c", BARE, model, options.epochs, options.batch, *counts)))
        speed = [statistics.median(r[i]["images_per_second"] for r in rows) for i in (0, 1)]
        ratio = statistics.median(a["images_per_second"] / b["images_per_second"] for a, b in rows)
        memory = [statistics.median(r[i]["mib"] for r in rows) for i in (0, 1)]
        print(
            f"{model:14} {speed[0]:9.1f} {speed[1]:9.1f} {ratio:7.2f}   {memory[0]:9.0f} {memory[1]:9.0f}", flush=True
        )


if __name__ == "__main__":
    os.environ.setdefault("MXNET_CUDNN_AUTOTUNE_DEFAULT", "0")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--models", nargs="+", default=["resnet18_v1", "resnet50_v2", "densenet121"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    main(parser.parse_args())
