"""The files of a bundle, and the content of `manifest.json`: all that is known of a bundle besides the network itself.

A bundle is a folder, or a zip file of the same files.

The network, `model.onnx`, has one input, `pictures`: uint8 (n, height, width, 3) RGB of any size. They are prepared inside as
test images are in training. Pictures of `stored_size` x `stored_size` px are taken for resized and cropped already, so that
files of different sizes come in one batch: decoded with `prefix` and squeezed to that size, as `data.decode.decode` does it;
`pixels` is done inside in any case. Its outputs are `logits` and `probabilities`, float32 (n, classes), and `embeddings`,
float32 (n, `n_embeddings`), where `unsure` counts distances.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from ..decisions import TEMPERATURE, OperatingPoint, Unsure
from ..errors import InvalidValue
from ..figures import Estimate
from ..record_rules import COUNT, LABEL, MAX_LABEL, MOMENT, NAME, NOTE, NUMBER_FROM_1, TAG, TEXT
from ..rules import ListOf, Number, OneOf, OrNone, Text
from ..setting_ranges import INPUT_SIZE_RANGE, STORED_SIZE_RANGE
from ..settings_tree import Frozen
from ..spec import Choice
from ..tasks import TASKS, Activation

SCHEMA: Final = 1
MODEL, LABELS, MANIFEST, CERTIFICATE, README = (
    "model.onnx", "labels.txt", "manifest.json", "certificate.json", "README.txt"
)  # fmt: skip
# the arrays of `Unsure.distance`, named as in the run
DISTANCE: Final = "distance.safetensors"
# what the network answered before it was exported, see `exporting.expected`
EXPECTED: Final = "expected.safetensors"
# for predicting without monklite
PREDICT, REQUIREMENTS, DOCKERFILE = "predict.pyz", "requirements.txt", "Dockerfile"
FILES: Final = (MODEL, LABELS, MANIFEST, CERTIFICATE, README, DISTANCE, EXPECTED, PREDICT, REQUIREMENTS, DOCKERFILE)
# names of the input and the outputs of the network
PICTURES, LOGITS, PROBABILITIES, EMBEDDINGS = "pictures", "logits", "probabilities", "embeddings"
FLOAT32, INT8 = "float32", "int8"
SHA256 = Text(64, 64)
Colour = Annotated[tuple[float, ...], ListOf(Number(), length=3)]


class Quality(Frozen):
    """The figures of the newest evaluation of a run, each with its interval.

    `name`: of the evaluation; `validation`: on the images that chose the best epoch, so that they are slightly too good.
    `made`: when. `n_groups`: of patients or other groups that the intervals take into account; None: each image stands for
    itself. `overall`: of all images together, by name. `classes`: by the name of the class, then of the figure. `leaks`: why the
    figures are too good.
    """

    name: Annotated[str, NAME]
    made: Annotated[str, MOMENT]
    n_images: Annotated[int, COUNT]
    n_groups: Annotated[int | None, OrNone(COUNT)] = None
    overall: dict[Annotated[str, NAME], Estimate]
    classes: dict[Annotated[str, LABEL], dict[Annotated[str, NAME], Estimate]]
    leaks: Annotated[tuple[str, ...], ListOf(Text(0, MAX_LABEL))] = ()


class Manifest(Frozen):
    """The record of a bundle: what it is made for, and how its pictures and answers are to be read.

    `created`: when the bundle was made. `versions`: of monklite, the framework and what wrote the network, by package.
    `epoch`: whose weights they are; None: it is unknown. `prefix`: what is done with a picture at full resolution before it is
    squeezed to `stored_size`. `pixels`: what is done with its pixels after that, inside the network. `levels`: as in
    `records.DatasetRecord`. `temperature`: by which the logits are divided for `probabilities`; None: by 1, because of
    `refusal`. `operating_point`, `unsure`: as decided for the run; without distances where `no_distance` says why. `quality`:
    None: the run was not evaluated, and has kept no predictions for its validation images. `tags`, `notes`: what the model is
    for, in the words of the user. `licences`: what is known of them, by what they are of. `form`: of the numbers that the network
    computes with. `files`: SHA-256 of every other file.
    """

    schema_version: Annotated[int, NUMBER_FROM_1] = Field(default=SCHEMA, alias="schema")
    project: Annotated[str, NAME]
    experiment: Annotated[str, NAME]
    version: Annotated[int, NUMBER_FROM_1]
    created: Annotated[str, MOMENT]
    versions: dict[Annotated[str, NAME], Annotated[str, TEXT]]
    backend: Annotated[str, NAME]
    model: Annotated[str, NAME]
    epoch: Annotated[int | None, OrNone(COUNT)] = None
    label_type: Annotated[str, OneOf(tuple(TASKS))]
    activation: Activation
    classes: Annotated[tuple[str, ...], ListOf(LABEL)]
    input_size: Annotated[int, INPUT_SIZE_RANGE]
    stored_size: Annotated[int, STORED_SIZE_RANGE]
    prefix: tuple[Choice, ...] = ()
    pixels: tuple[Choice, ...] = ()
    levels: tuple[tuple[Annotated[str, NAME], Annotated[float, Number()], Annotated[float, Number()]], ...] | None = ()
    mean: Colour
    std: Colour
    temperature: Annotated[float | None, OrNone(TEMPERATURE)] = None
    refusal: Annotated[str, TEXT] = ""
    operating_point: OperatingPoint | None = None
    unsure: Unsure | None = None
    n_embeddings: Annotated[int, COUNT] = 0
    no_distance: Annotated[str, TEXT] = ""
    quality: Quality | None = None
    tags: Annotated[tuple[str, ...], ListOf(TAG)] = ()
    notes: Annotated[tuple[str, ...], ListOf(NOTE)] = ()
    licences: dict[Annotated[str, NAME], Annotated[str, TEXT]] = Field(default_factory=dict)
    form: Annotated[str, OneOf((FLOAT32, INT8))] = FLOAT32
    files: dict[Annotated[str, OneOf(FILES)], Annotated[str, SHA256]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _decisions_fit(self) -> Manifest:
        exclusive = TASKS[self.label_type].exclusive
        if self.operating_point is not None and (reason := self.operating_point.misfit(self.classes, exclusive)):
            raise InvalidValue(f"operating_point: {reason}")
        if self.unsure is not None and (reason := self.unsure.misfit(self.classes)):
            raise InvalidValue(f"unsure: {reason}")
        return self

    def as_values(self) -> dict[str, Any]:
        """The values of `manifest.json`."""
        return self.model_dump(by_alias=True)
