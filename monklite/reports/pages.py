"""HTML pages: self-contained, one file each, with the style and the script of all pages inside."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..printable import printable
from . import mixups, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def plain(values: Any) -> Any:
    """Values for the page's script: NaN, which JSON does not have, is null."""
    if isinstance(values, (list, tuple)):
        return [plain(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


def render(template: str, **content: Any) -> str:
    """A page. What comes from outside is escaped, and made printable."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(loader=(loader := PackageLoader("monklite")), autoescape=True, finalize=_printable)
    # with one line end, as browsers hash it
    script, style = (
        "\n".join(loader.get_source(environment, name)[0].splitlines()) for name in ("page.js", "page.css")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.filters["moment"] = lambda text: (
        f"{text[:16].replace('T', ' ')} UTC" if text.endswith("+00:00") else text
    )
    environment.filters["mixups"] = mixups.largest
    environment.filters["json"] = lambda values: json.dumps(plain(values))
    return environment.get_template(template).render(
        version=__version__, style=Markup(style), script=Markup(script), script_hash=f"sha256-{digest}", **content
    )


def _printable(value: Any) -> Any:
    # what a macro gives is a page already
    return printable(value) if type(value) is str else value
