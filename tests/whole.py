"""Whether the suite is run whole: also what is left out of it for its time."""

from __future__ import annotations

import os

WHOLE = os.environ.get("MONKLITE_TESTS") == "whole"
