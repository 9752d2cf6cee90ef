"""YAML as far as settings need it: mappings, lists, texts, numbers, true, false and null.

Words are what YAML 1.2 says they are, so that `no`, `on`, `010` and `2026-01-02` are texts, and `1e-3` is a number. There are no
anchors, tags or repeated keys. Values stand with the number of their line, which errors name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ..errors import InvalidValue, cut, shown

# levels; settings have seven
MAX_DEPTH = 100
MAX_BYTES = 2**20
# tag -> the texts that it is taken for
WORDS = {
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
# YAML's way to merge mappings, which is no setting
NO_MERGE = "<<"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: Any = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent) or getattr(self.peek_event(), "anchor", None):
            raise _refused("anchors and aliases (& and *) are not read: write the value again", self.peek_event())
        if (tag := getattr(self.peek_event(), "tag", None)) and tag != "!":
            raise _refused(f"the tag {shown(tag)} is not read: write the value without it", self.peek_event())
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _refused(f"the values are more than {MAX_DEPTH} levels deep", self.peek_event())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    # what other programs take for something else, such as `no`, is put in quotes too

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _tag, (_pattern, _first) in WORDS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), ["" if c == "\0" else c for c in _first]
        )


class Values:
    """A document. `tree`: its values, nested dictionaries and lists. `lines`: dotted path -> number of the line, from 1."""

    def __init__(self, tree: dict[str, Any], lines: dict[str, int]) -> None:
        self.tree, self.lines = tree, lines


def parse(text: str, where: str) -> Values:
    """Read a document, which must be a mapping.

    Args:
        where: the name of the file, for errors.

    Raises:
        InvalidValue: it is not YAML, or has what settings do not need; the message names the line.
    """
    node = _composed(text, where)
    lines: dict[str, int] = {}
    if node is None:
        return Values({}, lines)
    try:
        value = _value(node, "", lines)
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, where) from None
    if not isinstance(value, dict):
        raise InvalidValue(
            f"{where}: settings are written as 'name: value', one a line, such as 'seed: 1'; this is {shown(value)}"
        )
    return Values(value, lines)


def parse_value(text: str, where: str) -> Any:
    """Read one value, such as `20`, `[0.1, 0.2]` or `{name: adam}`.

    Raises:
        InvalidValue: as `parse`.
    """
    node = _composed(text, where)
    try:
        return None if node is None else _value(node, "", {})
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, where) from None


def dump(value: Any) -> str:
    """A value as YAML in one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False)
    return str(text).removesuffix("\n").removesuffix("\n...")


def _composed(text: str, where: str) -> yaml.Node | None:
    try:
        return _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, where) from None
    # an escape such as "\\UFFFFFFFF"
    except (OverflowError, ValueError) as error:
        if isinstance(error, yaml.YAMLError):
            raise
        raise InvalidValue(f"{where}: an escape in a text, such as \\U0001F600, names no character") from None
    except yaml.reader.ReaderError as error:
        raise InvalidValue(
            f"{where}: character {error.position + 1} cannot stand in YAML: {cut(str(error.reason))}"
        ) from None


def _in_words(error: yaml.MarkedYAMLError, where: str) -> InvalidValue:
    mark = error.problem_mark or error.context_mark
    place = f"{where}, line {mark.line + 1}" if mark else where
    problem = cut(str(error.problem or error.context))
    hint = ""
    if "'\\t'" in problem:
        hint = ": indent with spaces, not with tabs"
    elif "single document" in str(error.context) + problem:
        problem, hint = "a second document begins here ('---')", ": a file holds the settings of one run"
    elif "mapping values are not allowed" in problem:
        hint = ": a text with ': ' in it must stand in quotes"
    elif isinstance(error, (yaml.scanner.ScannerError, yaml.parser.ParserError)):
        hint = ". Check the indentation and the quotes"
    return InvalidValue(f"{place}: {problem}{hint}")


def _refused(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _value(node: yaml.Node, path: str, lines: dict[str, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return dict(_items(node, path, lines))
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, f"{path}.{i}".lstrip("."), lines) for i, child in enumerate(node.value)]
    return _scalar(node)


def _items(node: yaml.MappingNode, path: str, lines: dict[str, int]) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        # names of classes may be numbers
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name is None or name == NO_MERGE:
            raise _refused("a name must be a text, such as 'epochs'", key)
        if name in seen:
            raise _refused(f"{shown(name)} is given a second time, after line {seen[name]}", key)
        seen[name] = line
        inner = f"{path}.{name}".lstrip(".")
        lines[inner] = line
        yield name, _value(child, inner, lines)


def _scalar(node: yaml.Node) -> Any:
    text, kind = node.value, node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        # beyond, Python refuses to read it
        return int(text) if len(text) < 1000 else float(text)
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
