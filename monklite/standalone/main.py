"""The command line of `predict.pyz`: predict images with the bundle that it lies in, or serve it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..answer_forms import row
from ..csv_files import as_csv
from ..errors import MonkliteError
from ..exporting.bundle_predictor import BundlePredictor
from ..printable import printable
from . import server

DESCRIPTION = "Predict images, or every image of a folder, with a bundle of monklite."
# of addresses of this machine; others can be reached from elsewhere
LOCAL = "127.0.0.1"
# as a shell reports Ctrl-C
STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status: 1 if an image cannot be read, or nothing can be predicted."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if bool(asked.images) == (asked.serve is not None):
        parser.error("give images or folders, or --serve PORT")
    try:
        predictor = BundlePredictor(asked.bundle or Path(sys.argv[0]).resolve().parent)
        if asked.serve is not None:
            return server.serve(predictor, asked.host, asked.serve, _say)
        return _predict(predictor, asked.images, asked.csv)
    except MonkliteError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("predict.pyz", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("images", nargs="*", help="image files or folders")
    parser.add_argument("--bundle", help="its folder or zip file; by default the folder of this program")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object per image, as by default")
    form.add_argument("--csv", action="store_true", help="a table as CSV")
    parser.add_argument("--serve", type=_port, metavar="PORT", help="answer over HTTP instead")
    parser.add_argument("--host", default=LOCAL, help=f"the address to listen at (default: {LOCAL}, this machine only)")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a port, 0 to 65535")
    return int(text)


def _predict(predictor: BundlePredictor, images: Sequence[str], as_table: bool) -> int:
    unread: list[str] = []

    def left_out(name: str, problem: str) -> None:
        unread.append(name)
        _say(f"left out: {problem}")

    rows = (row(found, predictor.task.classes) for found in predictor.of_paths(images, left_out))
    (_print_table if as_table else _print_json)(rows)
    return 1 if unread else 0


def _print_json(rows: Iterable[dict[str, Any]]) -> None:
    for values in rows:
        _emit(json.dumps(values) + "\n")


def _print_table(rows: Iterable[dict[str, Any]]) -> None:
    if found := list(rows):
        _emit(as_csv(list(found[0]), (list(values.values()) for values in found)))


def _emit(text: str) -> None:
    """Write text for another program, in UTF-8, whatever the terminal has."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()
