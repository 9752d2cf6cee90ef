"""Pictures that a server was sent, kept with their answers in the workspace, if that was asked for.

    workspace/predictions/<project>/<experiment>-v001/20261130-231501-012345-a1b2c3d4.json, and pictures/<SHA-256>.png

Nothing is overwritten: a picture that comes again is stored once, and each answer has a file of its own.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..data import decode
from ..errors import DamagedFile, MonkliteError, cut
from ..files import make_folder, reading, write_bytes, write_text
from ..image_predictor import Prediction
from ..looking import entries, exists, is_folder
from ..regular_files import MAX_JSON_BYTES, read_regular
from ..runs.file_names import check_name
from .answers import Answer, as_dict
from .served_model import ServedModel

PREDICTIONS, PICTURES = "predictions", "pictures"
_RECORD = re.compile(r"\d{8}-\d{6}-\d{6}-[0-9a-f]{8}\.json")
# the fields of a record that are texts
_TEXTS = ("time", "project", "model", "name", "picture")
_PLAIN_FORMAT = re.compile(r"[a-z0-9]{1,8}")


class KeptPictures:
    """Keeps the pictures that a model answers. `folder`: of this model, in the workspace `root`."""

    def __init__(self, root: Path, model: ServedModel) -> None:
        # with the version behind it, the name may be longer than one that a user gives
        project, name = check_name("project", model.project), model.name
        check_name("experiment", model.about.experiment)
        self.folder, self.model = root / PREDICTIONS / project / name, model

    def keep(self, pictures: Sequence[bytes], names: Sequence[str], answers: Sequence[Answer]) -> None:
        """Write the pictures that could be read, each with its answer.

        Raises:
            StorageError: the disk is full, or the folder cannot be written.
        """
        for picture, name, answer in zip(pictures, names, answers, strict=True):
            if isinstance(answer, Prediction):
                self._keep(picture, name, answer)

    def _keep(self, content: bytes, name: str, answer: Prediction) -> None:
        digest, moment = sha256(content).hexdigest(), datetime.now(timezone.utc)
        picture = self.folder / PICTURES / f"{digest}.{_ending(content)}"
        make_folder(picture.parent)
        if not exists(picture):
            write_bytes(picture, content)
        record = {
            "time": moment.isoformat(timespec="milliseconds"),
            "project": self.model.project,
            "model": self.model.name,
            "picture": f"{PICTURES}/{picture.name}",
            "sha256": digest,
            **as_dict(name, answer, self.model.classes),
        }
        file = f"{moment:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.json"
        write_text(self.folder / file, json.dumps(record, ensure_ascii=False) + "\n")


def _ending(content: bytes) -> str:
    found = decode.header(content).format.lower()
    return found if _PLAIN_FORMAT.fullmatch(found) else "picture"


def kept(root: Path, warn: Callable[[str], None]) -> Iterator[Mapping[str, Any]]:
    """The pictures kept in a workspace, by model and then by time; `picture` is the path of the picture.

    Args:
        warn: called with a message for each record that cannot be read.
    """
    for project in filter(is_folder, entries(root / PREDICTIONS)):
        for folder in filter(is_folder, entries(project)):
            for path in sorted(p for p in entries(folder) if _RECORD.fullmatch(p.name)):
                try:
                    yield _read(path)
                except MonkliteError as error:
                    warn(str(error))


def _read(path: Path) -> Mapping[str, Any]:
    with reading(path):
        text = read_regular(path, MAX_JSON_BYTES)
    try:
        record = json.loads(text)
        texts = [record[field] for field in _TEXTS] + [*record["predicted"]]
        if not all(isinstance(text, str) for text in texts) or not isinstance(
            record["unsure"], (str, bool, type(None))
        ):
            raise TypeError("it is not in the form of these records")
        return {**record, "picture": str(path.parent / record["picture"])}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedFile(f"{path} is damaged and is left out ({cut(str(error))})") from None
