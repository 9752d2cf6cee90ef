"""The options of `serve` for the page that is handed out."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ..errors import InvalidValue, shown
from ..rules import PathText, Text

if TYPE_CHECKING:
    from ..apps.page import Page
    from ..apps.served_model import ServedModel
    from ..apps.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
WORDS = Text(0, 4000)


class PageOptions(NamedTuple):
    """As they were given. `page`: whether there is one."""

    page: bool
    password_file: str | None
    about: str | None
    caution: str | None
    proxy: str | None

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> PageOptions:
        """Those among the options of the command, which has the others left then.

        Raises:
            InvalidValue: one of them needs another, or the proxy is no address.
        """
        found = cls(*(given.pop(name) for name in cls._fields))
        for name, value in (("--about", found.about), ("--caution", found.caution)):
            WORDS(name, value or "")
        if found.page and not found.password_file:
            raise InvalidValue(
                "--page needs --password-file FILE: write that file with `monklite password FILE`, which asks for the password"
            )
        alone = next((n for n in ("password_file", "about", "caution") if getattr(found, n) is not None), None)
        if alone and not found.page:
            raise InvalidValue(f"--{alone.replace('_', '-')} is for the page: add --page")
        _check_proxy(found.proxy)
        return found

    def page_of(self, model: ServedModel, settings: Settings) -> Page | None:
        """The page of a model, if there is one. Raises as `password_file.read`."""
        if not self.page:
            return None
        from ..apps import password_file
        from ..apps.page import CAUTION, Page, Words

        path = PathText()("--password-file", self.password_file)
        words = Words(self.about or "", CAUTION if self.caution is None else self.caution)
        return Page(model, password_file.read(Path(path)), words, settings)


def page_options(command: F) -> F:
    """A command with the options of a page."""
    for option in reversed(
        (
            click.option("--page", is_flag=True, help="Also serve a page on which people drop pictures."),
            click.option("--password-file", metavar="FILE", help="Of the page; `monklite password FILE` writes it."),
            click.option("--about", metavar="TEXT", help="What the model is for, for the page."),
            click.option(
                "--caution",
                metavar="TEXT",
                help='On top of the page, in place of the sentence that it is no medical device; "" for none.',
            ),
            click.option(
                "--proxy",
                metavar="ADDRESS",
                help="Of a proxy before this server, whose word about clients and https is taken.",
            ),
        )
    ):
        command = option(command)
    return command


def _check_proxy(proxy: str | None) -> None:
    try:
        ip_network(proxy or "::1")
    except ValueError:
        raise InvalidValue(
            f"--proxy is {shown(proxy)}; it must be the address of the proxy, such as 127.0.0.1, or a network such as 10.0.0.0/8"
        ) from None
