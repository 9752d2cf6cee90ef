"""`README.txt` of a bundle: what it is, and how it is used with monklite, without it, and on other systems."""

from __future__ import annotations

import platform

from .manifest import (
    CERTIFICATE,
    DOCKERFILE,
    INT8,
    LABELS,
    MANIFEST,
    MODEL,
    PREDICT,
    REQUIREMENTS,
    Manifest,
)  # fmt: skip

TEXT = """{title}
{line}

An image classifier: {model}, trained with monklite {monklite} ({backend}), of {project}/{experiment} v{version:03d}.
{kind}
Classes: {classes}

{quality}

Files
    {model_file}     the network with the preparation of its pictures inside
    {labels}     the classes, one per line, in the order of the network's outputs
    {manifest}  all that is known of it: classes, thresholds, figures with intervals, versions, licences
    {certificate} how far it agrees with the network that it was made of, and on which machine that was found

With monklite
    monklite predict {bundle} IMAGES...    predict images or folders, as Infer does
    monklite verify {bundle}               make the certificate anew on this machine
    monklite verify {bundle} --images F    the same on the validation images, if the folder F has them

Without monklite (Python {python} and {requirements}; no PyTorch, no MXNet)
    pip install -r {requirements}
    python {program} IMAGES...             the same answers, one JSON object per image; --csv gives a table
    python {program} --serve 8000          the same over HTTP: curl --data-binary @picture.jpg http://127.0.0.1:8000/v1/predict
    docker build -t classifier .             the same in a container, by the {dockerfile}
In a zip file: take {program} out of it, and add --bundle FILE.zip.

With ONNX Runtime alone (Python)
    import numpy as np, onnxruntime
    from PIL import Image, ImageOps
    session = onnxruntime.InferenceSession("{model_file}")
    picture = np.asarray(ImageOps.exif_transpose(Image.open("picture.jpg")).convert("RGB"))
    (scores,) = session.run(["probabilities"], {{"pictures": picture[None]}})

The input "pictures" is uint8 (n, height, width, 3), RGB, of any size; the outputs are "logits" and "probabilities", (n, classes).
Pictures of one batch have one size. Pictures are resized inside as in training, up to 1 of 255 per pixel.{prepared}
Not inside, because it depends on the file: turning by EXIF, transparency (laid on white), pictures of more than 8 bits{levels}.
Large JPEGs are decoded at a reduced size by monklite, which gives slightly other pixels; {program} does all that, too.
{decisions}
Core ML (iPhone, Mac): Apple's coremltools reads no ONNX. Rebuild the network in PyTorch and convert that with coremltools, or use
the ONNX Runtime for iOS with its Core ML provider, which runs this file as it is.
TensorFlow Lite (LiteRT): the package onnx2tf turns this file into a .tflite file; fix n, height and width at {side} before (a
resizing with antialiasing has no counterpart there: give pictures of {side} x {side} px). Compare its answers with this file's.
OpenVINO, which is faster in int8 on Intel's processors: monklite predict {bundle} IMAGES... --runtime openvino compares it first.
Other runtimes (TensorRT, DirectML) read the file; run "monklite verify" where ONNX Runtime is, and compare with that.

Licences
{licences}
"""


def text(manifest: Manifest, bundle: str) -> str:
    """The whole text. `bundle`: the name of the folder or zip file."""
    title = f"{manifest.project} / {manifest.experiment}"
    return TEXT.format(
        title=title,
        line="=" * len(title),
        bundle=bundle,
        kind=_kind(manifest),
        classes=", ".join(manifest.classes),
        quality=_quality(manifest),
        prepared=_prepared(manifest),
        levels=_levels(manifest),
        decisions=_decisions(manifest),
        side=manifest.stored_size,
        licences="\n".join(f"    {of}: {note}" for of, note in manifest.licences.items()),
        model_file=MODEL,
        labels=LABELS,
        manifest=MANIFEST,
        certificate=CERTIFICATE,
        python=".".join(platform.python_version_tuple()[:2]),
        requirements=REQUIREMENTS,
        program=PREDICT,
        dockerfile=DOCKERFILE,
        monklite=manifest.versions.get("monklite", ""),
        **manifest.model_dump(include={"model", "backend", "project", "experiment", "version"}),
    )


def _kind(manifest: Manifest) -> str:
    labels = (
        "Each image has one class." if manifest.label_type == "single" else "An image may have several labels, or none."
    )
    rounded = ""
    if manifest.form == INT8:
        rounded = (
            "\nThe network computes with whole numbers of 8 bits, which processors round differently.\n"
            "The certificate is of one: on another, run `monklite verify` before you use the program, a container or ONNX\n"
            "Runtime alone."
        )
    return f"{labels}{rounded}" + "".join(f"\nNote: {note}" for note in manifest.notes)


def _quality(manifest: Manifest) -> str:
    quality = manifest.quality
    if quality is None:
        return "How good it is was not measured."
    images = (
        "validation images, which chose its best epoch" if quality.name == "validation" else f"images ({quality.name})"
    )
    figure = quality.overall.get("accuracy")
    if figure is None:
        return f"Figures on {quality.n_images} {images} are in the manifest."
    return (
        f"Accuracy on {quality.n_images} {images}: {figure.value:.1%} (95 % interval {figure.low:.1%} to {figure.high:.1%})."
        + "".join(f"\nToo good: {leak}." for leak in quality.leaks)
    )


def _prepared(manifest: Manifest) -> str:
    if not manifest.prefix:
        return ""
    steps, side = ", ".join(map(str, manifest.prefix)), manifest.stored_size
    return f"\nBefore that: {steps}. A picture of exactly {side} x {side} px is taken for one with that done."


def _levels(manifest: Manifest) -> str:
    if not manifest.levels:
        return " (each scaled by its own range)"
    ranges = ", ".join(f"{kind} values {black:g} to {white:g}" for kind, black, white in manifest.levels)
    return f" (scaled from {ranges} to 0 to 255)"


def _decisions(manifest: Manifest) -> str:
    lines = []
    if manifest.temperature is None:
        lines.append(f"The probabilities are not calibrated: {manifest.refusal}.")
    else:
        lines.append(
            f"The probabilities are calibrated on the validation images (temperature {manifest.temperature:.4g})."
        )
    if manifest.operating_point is not None:
        lines.append(
            f"An operating point was chosen ({manifest.operating_point.chosen_by}): see operating_point in the manifest."
        )
    if manifest.no_distance:
        lines.append(f"Distances from the training images are left out: {manifest.no_distance}.")
    return "".join(f"{line}\n" for line in lines)
