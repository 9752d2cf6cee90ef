"""Names in charts: any name is drawn, in an installed font that has its characters, or as what its characters are."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

FONT_NOTE = "Characters that no installed font has are shown by number or name."
MAX_LENGTH = 42
# characters of a shortened name on each side of the place where it differs from the others
ENDS = 8
# fonts that are made for text, tried before any other that is installed
PREFERRED_FONTS = (
    "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic",
    "PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Apple SD Gothic Neo", "Arial Unicode MS", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "SimHei", "Segoe UI", "Segoe UI Symbol", "Noto Emoji", "Noto Sans Symbols2",
)  # fmt: skip
# fonts with boxes instead of characters, and fonts of coloured pictures, which are drawn as nothing
UNUSABLE_FONTS = (
    "last resort",
    "lastresort",
    "blank",
    "fallback bmp",
    "bmp fallback",
    "color",
    "colour",
    "apple braille",
)
# categories of Unicode that are not drawn, or turn the text around them (Cf); the joiners belong to words and emoji
CONTROLS, JOINERS = frozenset(("Cc", "Cf", "Cn", "Cs", "Zl", "Zp")), "\u200c\u200d"


@dataclass(frozen=True)
class Labels:
    """Names as a chart shows them.

    `texts`: the names without control characters, shortened, and different where the names are. `style`: the properties of
    a matplotlib text that draw them as they are. `note`: for below the chart; empty if every character has a font.
    """

    texts: list[str]
    style: dict[str, Any]
    note: str

    @property
    def n_lines(self) -> int:
        """The lines of all texts: a long name may take several."""
        return len(self.texts) + sum(text.count("\n") for text in self.texts)


def labels(names: Iterable[str]) -> Labels:
    """Make the texts of names, in installed fonts that have their characters."""
    readable = [_readable(name) for name in names]
    groups: dict[str, set[str]] = {}
    for name in readable:
        groups.setdefault(shorten(name), set()).add(name)
    texts = [_distinct(name, groups[shorten(name)]) for name in readable]
    families, missing = _fonts(frozenset("".join(texts)))
    # dollars are dollars and no formula
    style = {"parse_math": False, "fontfamily": ["sans-serif", *families]}
    return Labels([_without(text, missing) for text in texts], style, FONT_NOTE if missing else "")


def sentence(text: str) -> Labels:
    """Make the text of one whole sentence, which is not shortened."""
    readable = _readable(text)
    families, missing = _fonts(frozenset(readable))
    style = {"parse_math": False, "fontfamily": ["sans-serif", *families]}
    return Labels([_without(readable, missing)], style, FONT_NOTE if missing else "")


def _readable(name: str) -> str:
    """A name on one line; characters that would control the text around them are shown by number, blanks in quotes."""
    if not name or name.isspace():
        name = f"'{name}'"
    return "".join(_number(c) if unicodedata.category(c) in CONTROLS and c not in JOINERS else c for c in name)


def _number(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def shorten(name: str, max_length: int = MAX_LENGTH) -> str:
    """Keep both ends of a long name: experiments often differ only at the end."""
    if len(name) <= max_length:
        return name
    return f"{name[: max_length // 2 - 1]}…{name[-max_length // 2 :]}"


def _distinct(name: str, group: set[str]) -> str:
    """A name, shortened so that it differs from the others of its group, which all shorten to the same."""
    if len(group) == 1:
        return shorten(name)
    start = next(i for i, characters in enumerate(itertools.zip_longest(*group)) if len(set(characters)) > 1)

    def part(other: str) -> str:
        return f"{other[:ENDS]}…{other[max(start - ENDS, ENDS) :][: MAX_LENGTH - 2 * ENDS - 2]}…{other[-ENDS:]}"

    if len(name) > MAX_LENGTH and len({part(other) for other in group}) == len(group):
        return part(name)
    return "\n".join(wrap(name, MAX_LENGTH, drop_whitespace=False)) or name


@cache
def _fonts(characters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Installed fonts that, after matplotlib's own, have the characters; and the characters that none of them has."""
    from matplotlib.font_manager import findfont, fontManager

    wanted = {c for c in characters if not _is_invisible(c)}
    wanted -= _characters(findfont("DejaVu Sans"))
    if not wanted:
        return [], frozenset()
    families = []
    entries = [
        e for e in fontManager.ttflist if e.style == "normal" and not any(u in e.name.lower() for u in UNUSABLE_FONTS)
    ]
    for entry in sorted(entries, key=_preference):
        if not wanted:
            break
        if has := wanted & _characters(entry.fname):
            families.append(entry.name)
            wanted -= has
    return families, frozenset(wanted)


def _preference(entry: FontEntry) -> tuple[int, bool, str, str]:
    rank = PREFERRED_FONTS.index(entry.name) if entry.name in PREFERRED_FONTS else len(PREFERRED_FONTS)
    return rank, str(entry.weight) not in ("400", "normal", "regular"), entry.name, str(entry.fname)


@cache
def _characters(path: str) -> frozenset[str]:
    """The characters of a font that can be drawn; none if the font cannot be used."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
        return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
    # a font of a kind that matplotlib cannot read is no font for us
    except (OSError, RuntimeError, ValueError):
        return frozenset()


def _is_invisible(character: str) -> bool:
    """Whether nothing is drawn for a character: spaces, joiners, selectors of a variant."""
    return character.isspace() or character in JOINERS or "\ufe00" <= character <= "\ufe0f"


def _without(text: str, missing: frozenset[str]) -> str:
    """A text without characters that no font has: symbols by name, letters by number."""
    if not missing.intersection(text):
        return text
    return "".join(_description(c) if c in missing else c for c in text)


def _description(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"[{name.lower()}]" if name and unicodedata.category(character) in ("So", "Sk", "Sm") else _number(character)
