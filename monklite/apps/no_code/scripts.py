"""The Python script of a training: what was chosen in the page as calls of the façade. The script is what is run."""

from __future__ import annotations

from collections.abc import Iterator

from ...catalog.models import network_named
from ...reports.script import call
from .choices import BACKEND, Choices
from .places import Places
from .projects import Project

# as many pictures for validation as in quick mode would be too few to learn from in small projects
SPLIT = 0.8


def of_training(places: Places, project: Project, experiment: str, choices: Choices) -> str:
    """The script of a training; run again, it goes on where it was stopped, and does nothing anew that is done."""
    opening = {"backend": BACKEND, "resume_train": "auto"}
    if places.root.name != "workspace":
        opening["workspace"] = places.root.name
    lines = [
        "from monklite import Prototype",
        "",
        "# run again after it was stopped, this script goes on where it was",
        f"ptf = {call('Prototype', opening, (project.name, experiment))}",
        *_pictures(places, project, choices),
        *_network(choices),
        "ptf.Train()",
        *_test(places, project),
        "ptf.Report()",
    ]
    return "\n".join(lines) + "\n"


def _pictures(places: Places, project: Project, choices: Choices) -> Iterator[str]:
    given = {"dataset_path": places.said(project.images("train")), "split": SPLIT, "input_size": choices.size}
    yield ""
    yield f"# the pictures: {SPLIT:.0%} of them to learn from, the rest to see how well it learns"
    yield f"ptf.{call('Dataset_Params', given)}"
    for variation in choices.rows():
        params = dict(variation.params)
        if "input_size" in params:
            params["input_size"] = choices.size
        yield f"ptf.{call(f'apply_{variation.transform}', {**params, 'train': True})}"
    usual = network_named(choices.model, BACKEND).normalization
    normalize = {"mean": usual.mean, "std": usual.std, "train": True, "val": True, "test": True}
    yield f"ptf.{call('apply_normalize', normalize)}"
    yield "ptf.Dataset()"


def _network(choices: Choices) -> Iterator[str]:
    given = {"freeze_base_network": not choices.whole, "use_pretrained": choices.pretrained}
    yield ""
    yield "# the network, and how long it learns; what is not said here is by recipe"
    yield f"ptf.{call('Model_Params', {'model_name': choices.model, **given})}"
    yield "ptf.Model()"
    stopping = {"early_stopping": choices.early_stopping} if choices.early_stopping else {}
    yield f"ptf.{call('Training_Params', {'num_epochs': choices.epochs, **stopping})}"


def _test(places: Places, project: Project) -> Iterator[str]:
    yield ""
    if not project.counts("test"):
        yield "# no pictures to test with: the report is of those that were kept for validation"
        return
    yield "# how good it is on pictures that it has never seen"
    yield "ptf.Switch_Mode(eval_infer=True)"
    yield f"ptf.{call('Dataset_Params', {'dataset_path': places.said(project.images('test'))})}"
    yield "ptf.Dataset()"
    yield "ptf.Evaluate()"
