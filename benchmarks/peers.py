"""One measurement in this process: monklite or one of its peers.

    python benchmarks/peers.py PEER DATA MODEL [--epochs 2] [--batch 16] [--size 224] [--seed 0] [--workspace FOLDER] [--frozen]

DATA holds train/<class>/ and test/<class>/ (or val/<class>/); MODEL is torchvision's name; weights are random at the start.
All layers are trained, or with --frozen only a new head.

    monklite      Default() with all layers trained; --workspace holds the cache of decoded images, or is empty
    monklite-sgd  the same with plain's optimizer and learning rate, to compare accuracies
    plain         the loop of torchvision's tutorials: ImageFolder, DataLoader with two workers, float32, SGD
    fastai        vision_learner with its own loaders, two workers, and its own optimizer
    limit         no files: random uint8 images in memory, the fastest precision and memory layout of those tried, SGD

Prints JSON: `epochs`, the seconds of each, training and validation together (monklite's are those of its history.csv);
`accuracies`, on the validation images after each; `images`; `before`, seconds from the start of Python to the first epoch, with
all imports, and for monklite with decoding; `whole`, seconds from the start of Python to the end, including all writing.
"""

import time

START = time.perf_counter()

import argparse  # noqa: E402 (the clock starts first)
import contextlib  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's
WORKERS = 2
RATE, MOMENTUM = 0.01, 0.9


def clock() -> float:
    return time.perf_counter() - START


def validation_folder(data: Path) -> Path:
    return next(folder for folder in (data / "val", data / "test") if folder.is_dir())


def monklite(options, sgd: bool = False) -> dict:
    from monklite import Prototype
    from monklite.runs import history

    ptf = Prototype("bench", "run", workspace=options.workspace, verbose=0)
    ptf.Default(
        dataset_path=[options.data / "train", validation_folder(options.data)],
        model_name=options.model,
        num_epochs=options.epochs,
        freeze_base_network=options.frozen,
        use_pretrained=False,
    )
    ptf.update_batch_size(options.batch)
    ptf.update_input_size(options.size)
    ptf.Training_Params(options.epochs, display_progress=False, display_progress_realtime=False, seed=options.seed)
    if sgd:
        ptf.optimizer_sgd(RATE, momentum=MOMENTUM)
        ptf.lr_fixed()
    ptf.Reload()
    before = clock()
    ptf.Train()
    experiment = ptf._experiment
    rows = history.read(experiment.run.logs / "history.csv")
    images = experiment.data.train.n_images + experiment.data.val.n_images
    return result([r.seconds for r in rows], [r.val_accuracy for r in rows], images, before)


def monklite_sgd(options) -> dict:
    return monklite(options, sgd=True)


def plain(options) -> dict:
    import torch
    from torchvision import datasets, models, transforms

    steps = [transforms.Resize((options.size, options.size)), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    flip = transforms.RandomHorizontalFlip()
    train = datasets.ImageFolder(options.data / "train", transforms.Compose([steps[0], flip, *steps[1:]]))
    val = datasets.ImageFolder(validation_folder(options.data), transforms.Compose(steps))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(options.seed)
    network = getattr(models, options.model)(num_classes=len(train.classes)).to(device)
    if options.frozen:
        freeze_base(network)

    def batches(training: bool):
        loader = torch.utils.data.DataLoader(
            train if training else val, options.batch, shuffle=training, num_workers=WORKERS
        )
        return ((x.to(device), y.to(device)) for x, y in loader)

    return fit(options, network, batches, contextlib.nullcontext, len(train) + len(val))


def freeze_base(network) -> None:
    """Freeze everything but the last linear layer, as tutorials do."""
    import torch

    network.requires_grad_(False)
    [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1].requires_grad_(True)


def limit(options) -> dict:
    import torch
    from torchvision import models

    device = "cuda" if torch.cuda.is_available() else "cpu"
    # index False: validation, True: training
    counts = [count_files(folder) for folder in (validation_folder(options.data), options.data / "train")]
    classes = sum(p.is_dir() for p in (options.data / "train").iterdir())
    torch.manual_seed(options.seed)
    network = getattr(models, options.model)(num_classes=classes).to(device, memory_format=torch.channels_last)
    pixels = [torch.randint(256, (n, 3, options.size, options.size), dtype=torch.uint8) for n in counts]
    labels = [torch.randint(classes, (n,)) for n in counts]
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
    layout = torch.channels_last

    def batches(training: bool):
        for x, y in zip(pixels[training].split(options.batch), labels[training].split(options.batch), strict=True):
            scaled = (x.to(device).float() - mean) / std
            yield scaled.contiguous(memory_format=layout), y.to(device)

    def precision():
        return torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32)

    dtype, layout = fastest(network, *next(iter(batches(True))))
    network.to(memory_format=layout)
    return fit(options, network, batches, precision, sum(counts))


def fastest(network, x, y):
    """The precision and memory layout in which a step of the network takes least time; its weights stay as they are.

    monklite times the same precisions, except on GPUs, where it takes that of the tensor cores, and always has channels last.
    """
    import copy

    import torch

    units = x.is_cuda or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    dtypes = [torch.float32, torch.bfloat16] if units else [torch.float32]
    layouts = [torch.channels_last, torch.contiguous_format]
    trials = {layout: copy.deepcopy(network).to(memory_format=layout).train() for layout in layouts}
    times = {(dtype, layout): [] for dtype in dtypes for layout in layouts}
    # the first round warms up
    for _ in range(4):
        for (dtype, layout), seconds in times.items():
            begin = time.perf_counter()
            trials[layout].zero_grad()
            with torch.autocast(x.device.type, dtype=dtype, enabled=dtype != torch.float32):
                loss = torch.nn.functional.cross_entropy(trials[layout](x.contiguous(memory_format=layout)), y)
            loss.backward()
            if x.is_cuda:
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begin)
    return min(times, key=lambda form: min(times[form][1:]))


def count_files(folder: Path) -> int:
    return sum(p.is_file() for p in folder.rglob("*"))


def fit(options, network, batches, precision, images: int) -> dict:
    """Train with SGD. `batches(training)` yields pixels and labels on the device, `precision()` is a context."""
    import torch

    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=RATE, momentum=MOMENTUM)
    seconds, accuracies, before = [], [], clock()
    for _ in range(options.epochs):
        begin, n_correct, n_images = clock(), 0, 0
        network.train()
        for x, y in batches(True):
            optimizer.zero_grad()
            with precision():
                loss = torch.nn.functional.cross_entropy(network(x), y)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode(), precision():
            for x, y in batches(False):
                n_correct += int((network(x).argmax(1) == y).sum())
                n_images += len(y)
        seconds.append(clock() - begin)
        accuracies.append(n_correct / n_images)
    return result(seconds, accuracies, images, before)


def fastai(options) -> dict:
    from fastai.vision.all import (
        Callback,
        Flip,
        ImageDataLoaders,
        Normalize,
        Resize,
        accuracy,
        imagenet_stats,
        set_seed,
        vision_learner,
    )
    from torchvision import models

    set_seed(options.seed)
    loaders = ImageDataLoaders.from_folder(
        options.data,
        train="train",
        valid=validation_folder(options.data).name,
        item_tfms=Resize(options.size),
        batch_tfms=[Flip(), Normalize.from_stats(*imagenet_stats)],
        bs=options.batch,
        num_workers=WORKERS,
    )
    learner = vision_learner(loaders, getattr(models, options.model), pretrained=False, metrics=accuracy)
    seconds, accuracies, before = [], [], clock()

    class Clock(Callback):
        order = 99  # after fastai's own recorder

        def before_epoch(self):
            self.begin = clock()

        def after_epoch(self):
            seconds.append(clock() - self.begin)
            accuracies.append(float(self.learn.recorder.values[-1][-1]))

    if options.frozen:
        learner.freeze()
    with learner.no_bar(), learner.no_logging():
        learner.fit(options.epochs, cbs=[Clock()])
    return result(seconds, accuracies, len(loaders.train_ds) + len(loaders.valid_ds), before)


def result(epochs: list[float], accuracies: list[float], images: int, before: float) -> dict:
    return {"epochs": epochs, "accuracies": accuracies, "images": images, "before": before, "whole": clock()}


PEERS = {"monklite": monklite, "monklite-sgd": monklite_sgd, "plain": plain, "fastai": fastai, "limit": limit}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("data", type=Path)
    parser.add_argument("model")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workspace", type=Path, default="workspace")
    parser.add_argument("--frozen", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(PEERS[chosen.peer](chosen)))
