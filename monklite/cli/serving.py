"""Commands that answer other programs: serve, and the list of what was kept."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue, MissingPackage, shown
from ..rules import PathText
from .group import console, emit, main, warn
from .page_options import PageOptions, page_options
from .runtime_option import check_is_bundle, runtime_option

if TYPE_CHECKING:
    from ..apps.served_model import ServedModel
    from ..apps.settings import Settings

_KEY = "-H 'Prediction-Key: YOUR KEY' "
_LOCAL = ("http://127.", "http://[::1]")
NEEDED = ("fastapi", "uvicorn", "python_multipart")


@main.command()
@click.argument("model", nargs=-1, required=True, metavar="PROJECT EXPERIMENT | BUNDLE")
@click.option("--version", help="A version such as v001; the newest trained one by default.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen at; others need a key or a page."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option("--key-file", help="A file with one key per line; or the variable MONKLITE_KEYS has them.")
@click.option("--allow-url", is_flag=True, help="Fetch pictures from public addresses that clients name.")
@click.option("--keep-pictures", is_flag=True, help="Keep pictures and answers in the workspace, see predictions.")
@click.option("--queue", default=256, show_default=True, type=click.IntRange(1), help="Pictures that may wait.")
@click.option("--project-id", type=click.UUID, help="Of a Custom Vision project whose clients are to be answered.")
@click.option("--published-name", help="Of its iteration, in their addresses.")
@runtime_option
@page_options
@click.pass_obj
def serve(
    workspace: str, model: tuple[str, ...], version: str | None, host: str, port: int, runtime: str | None, **given: Any
) -> None:
    """Answer over HTTP: send a picture, get its classes. Custom Vision's clients are answered, too."""
    check_installed("a server")
    from ..apps import running, server

    options = PageOptions.taken_from(given)
    settings = _settings(workspace, host, options, **given)
    listener = running.listening(host, port)
    served = _served(workspace, model, version, runtime)
    page = options.page_of(served, settings)
    app = server.create(served, settings, page.doors() if page else ())
    if page:
        page.add_to(app)
    for line in _told(served, app.state.settings, running.address_of(listener), options):
        console().say(line)
    is_answered = running.run(app, listener, options.proxy or "")
    console().say("stopped: everything that was accepted is answered" if is_answered else "stopped at once")


def check_installed(what: str) -> None:
    """Raises MissingPackage: something is missing that all servers need. `what`: the one that is asked for."""
    from ..catalog.rows import install_command, is_installed

    missing = [name for name in NEEDED if not is_installed(name)]
    if missing:
        raise MissingPackage(f"{what} needs {' and '.join(missing)}: {install_command(missing[0])}")


def _served(workspace: str, model: Sequence[str], version: str | None, runtime: str | None) -> ServedModel:
    from ..apps.served_model import ServedModel
    from ..runs.workspace import Workspace

    if len(model) == 1:
        if version is not None:
            raise InvalidValue(f"--version {version} is of a run, and one name is a bundle: leave it out")
        return ServedModel.of_bundle(PathText()("bundle", model[0]), runtime)
    if len(model) != 2:
        raise InvalidValue(f"give the project and the experiment, or a bundle, not {shown(' '.join(model))}")
    check_is_bundle(runtime)
    root, (project, experiment) = Workspace(workspace), model
    return ServedModel.of_run(root.find(project, experiment, version, trained=version is None), root.cache, warn)


def _settings(
    workspace: str, host: str, options: PageOptions, key_file: str | None, allow_url: bool, keep_pictures: bool, queue: int,
    project_id: object, published_name: str | None,
) -> Settings:  # fmt: skip
    from ..apps.keys import MAKE_ONE, VARIABLE, keys_of, read_keys
    from ..apps.settings import Settings
    from ..local_requests import is_local
    from ..runs.workspace import Workspace

    keys = read_keys(key_file) if key_file else keys_of(os.environ.get(VARIABLE, ""), VARIABLE)
    others = f"--host {host}" if not is_local(host) else f"--proxy {options.proxy}" if options.proxy else ""
    if others and not keys and not options.page:
        raise InvalidValue(
            f"{others} lets other machines ask, so a key is needed: give --key-file, or set {VARIABLE}; or serve a page "
            f"alone, which has a password, with --page. This makes a key: {MAKE_ONE}"
        )
    return Settings(
        keys=tuple(keys),
        # a proxy may stand before a page, and its clients seem to be this machine then
        is_local=is_local(host) and not options.page,
        queue=queue,
        allow_url=allow_url,
        keep_in=Workspace(workspace).root if keep_pictures else None,
        project_id=str(project_id or ""),
        published_name=published_name or "",
    )


def _told(model: ServedModel, settings: Settings, address: str, options: PageOptions) -> list[str]:
    routes = [
        f"    try it:  curl {_KEY if settings.keys else ''}-F picture=@PICTURE.png {address}/v1/predict",
        f"    Custom Vision's clients: endpoint {address}, project ID {settings.project_id}, published name "
        f"{settings.published_name}",
    ]
    page = [f"    the page for people: {address}/, with the password of {options.password_file}"]
    if not settings.keys:
        page.append("    programs are answered only with a key: see --key-file")
    if not address.startswith(_LOCAL) and not options.proxy:
        page.append(
            "    the password crosses the network unencrypted: put a proxy with https before this server, see --proxy"
        )
    return [
        f"{model.project}/{model.name} answers at {address} until Ctrl-C",
        *(page if options.page else []),
        *(routes if settings.keys or settings.is_local else []),
        *([f"    pictures are kept in {settings.keep_in}/predictions"] if settings.keep_in else []),
    ]


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture.")
@click.pass_obj
def predictions(workspace: str, as_json: bool) -> None:
    """List the pictures that servers kept, with their answers."""
    from ..apps.kept_pictures import kept
    from ..runs.workspace import Workspace

    found = list(kept(Workspace(workspace).root, warn))
    if as_json:
        for record in found:
            emit(json.dumps(record) + "\n")
    elif not found:
        console().say("no pictures were kept: monklite serve --keep-pictures keeps them")
    else:
        console().table([_row(record) for record in found], gap="")


def _row(record: Any) -> dict[str, Any]:
    return {
        "time": record["time"],
        "model": f"{record['project']}/{record['model']}",
        "name": record["name"],
        "predicted": "|".join(record["predicted"]),
        "unsure": record["unsure"] or "",
        "picture": record["picture"],
    }
