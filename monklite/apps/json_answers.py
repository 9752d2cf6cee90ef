"""Answers in JSON, also of names that are not valid Unicode, such as those of some folders on Linux."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class JsonAnswer(JSONResponse):
    """As of Starlette; what cannot be written in UTF-8 is written as `\\udc80`."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")
