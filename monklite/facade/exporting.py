"""Export a trained run: a bundle that is used elsewhere, or the network alone in a form of its framework."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InvalidValue
from ..files import format_bytes
from ..rules import Number, OneOf, OrNone, PathText
from ..runs.run import Run
from .base import Base
from .checks import api
from .console import Console

FORMATS = ("onnx", "safetensors", "torchscript")
QUANTISED = ("int8",)


class ExportMethods(Base):
    """`Export`."""

    @api
    def Export(
        self,
        path: str | os.PathLike[str],
        format: str = "onnx",  # noqa: A002 (the word of other exporters)
        quantise: str | None = None,
        most_loss: float = 0.01,
        images: str | os.PathLike[str] | None = None,
    ) -> str:
        """Export the best weights of the open experiment.

        As `onnx` it becomes a bundle, a folder or, if `path` ends with `.zip`, a zip file: the network as one ONNX file with the
        preparation of its pictures and the calibration of its scores inside, the classes, a manifest (thresholds, figures with
        intervals, versions, licences) and a certificate. For it the bundle is compared with the network on the validation
        images, from the files to the answers; one that does not agree is not written. `monklite predict` and `monklite verify`
        use a bundle where no framework is installed. The other formats are the network alone, and nothing is compared:
        `safetensors` has its weights under the framework's names, `torchscript` (PyTorch) the traced network, which takes
        normalized pictures.

        Args:
            path: where it is written; nothing may be there.
            format: `onnx`, `safetensors` or `torchscript`.
            quantise: `int8`: the network of a bundle computes with whole numbers of 8 bits, calibrated on training images, which
                is quicker on most processors. Its certificate holds for processors of this kind.
            most_loss: the largest share by which the accuracy on the validation images may fall in int8; if it falls by more,
                the bundle is not written.
            images: the folder that holds the images of the run now, under any names, if they are not where they were.

        Returns:
            The path.

        Raises:
            ExportFailed: the bundle does not agree with the network. InvalidValue: something is there already, or the network or
            a transform of test images cannot be written in this form. NotReady: not trained, or being trained. DatasetError: the
            images of the run are not there. MissingPackage: the extra `export` is not installed.
        """
        chosen, rounded = OneOf(FORMATS)("format", format), OrNone(OneOf(QUANTISED))("quantise", quantise)
        most = Number(least=0, most=1)("most_loss", most_loss)
        where = OrNone(PathText())("images", images)
        run, cache = self._opened.run, self._opened.workspace.cache
        if chosen != "onnx":
            if rounded is not None:
                raise InvalidValue(f"quantise={rounded!r} is for format='onnx': {chosen} has the weights as they are")
            return str(write_alone(run, cache, path, chosen, self._console))
        return str(write_bundle(run, cache, path, self._console, rounded, most, where))


def write_bundle(
    run: Run,
    cache: Path,
    path: str | os.PathLike[str],
    console: Console,
    quantise: str | None = None,
    most_loss: float = 0.0,
    images: str | None = None,
) -> Path:
    """Write a bundle of a run, print what it is and how it agrees, and return its path. Arguments as of `Export`."""
    # imported only when it is asked for: most sessions export nothing
    from ..exporting import bundle
    from .export_messages import certificate

    made = bundle.make(
        run,
        cache,
        path,
        lambda text: console.say(f"    Note: {text}\n"),
        images,
        bundle.Int8(most_loss) if quantise else None,
        console.ticker("    comparing"),
    )
    console.block("Bundle", {"Path": made.path, "Size": format_bytes(made.size), "Numbers": made.manifest.form})
    certificate(console, made.certificate)
    return made.path


def write_alone(run: Run, cache: Path, path: str | os.PathLike[str], form: str, console: Console) -> Path:
    """Write the network of a run in a form of its framework, print where it is, and return its path."""
    from ..exporting import alone

    file = alone.write(run, cache, path, form)
    console.block("Network", {"Path": file, "Form": form, "Size": format_bytes(file.stat().st_size)})
    return file
