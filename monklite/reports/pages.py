"""HTML pages: self-contained, one file each, with the style and the script of all pages inside."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._version import __version__
from ..printable import printable
from ..regular_files import read_regular
from . import svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

# of pictures, as JPEG
QUALITY = 80


@dataclass(frozen=True)
class Drawn:
    """A chart in a page. `title`, `says`: what it shows, for those who do not see it. `svg`: markup. `points`: JSON of those that
    can be pointed at."""

    title: str
    svg: Any
    points: str
    says: str = ""
    note: str = ""


def drawn(figure: Figure, name: str, title: str, says: str = "") -> Drawn:
    """A figure as a chart of a page, its note below it. `name`: of its own in the page. The figure loses its note."""
    from markupsafe import Markup

    # the page breaks its lines
    note = " ".join(figure.get_supxlabel().split())
    figure.supxlabel("")
    element, points = svg.of_figure(figure, name)
    # matplotlib escapes the texts that it writes
    return Drawn(title, Markup(element), json.dumps(points), says, note)


def picture(content: bytes, kind: str = "png") -> str:
    """The address of an image that is in the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def photograph(pixels: np.ndarray) -> str:
    """The address of an image of its pixels, uint8 (height, width, 3), that is in the page itself."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=QUALITY)
    return picture(content.getvalue(), "jpeg")


def plain(values: Any) -> Any:
    """Values for the page's script: NaN, which JSON does not have, is null."""
    if isinstance(values, (list, tuple)):
        return [plain(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


def render(template: str, **content: Any) -> str:
    """A page. What comes from outside is escaped, and made printable."""
    from markupsafe import Markup

    script, style = source("page.js"), source("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment()
        .get_template(template)
        .render(style=Markup(style), script=Markup(script), script_hash=f"sha256-{digest}", **content)
    )


def environment() -> Environment:
    """The environment of the templates of all pages."""
    from jinja2 import Environment, PackageLoader

    found = Environment(loader=PackageLoader("monklite"), autoescape=True, finalize=_printable)
    found.filters["moment"] = lambda text: f"{text[:16].replace('T', ' ')} UTC" if text.endswith("+00:00") else text
    found.filters["json"] = lambda values: json.dumps(plain(values))
    found.globals["version"] = __version__
    return found


def source(name: str) -> str:
    """The text of a file beside the templates, with one line end, as browsers hash it."""
    text = read_regular(Path(__file__).parents[1] / "templates" / name).decode("utf-8")
    return "\n".join(text.splitlines())


def _printable(value: Any) -> Any:
    # what a macro gives is a page already
    return printable(value) if type(value) is str else value
