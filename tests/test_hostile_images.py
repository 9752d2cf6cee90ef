"""Small files that declare pictures of any size and mode, decoded where memory is short: never an error of Python, and nothing
that ends the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# bytes of address space beyond what the process has when it begins; 178 MP of four bytes, twice, do not fit
LIMIT = 1 << 30
MOST_CHARACTERS = 500
DECODE_ALL = f"""
import json, resource, sys, time
sys.path.insert(0, {str(TESTS)!r})
from collections import Counter
from hostile_images import pictures
from monklite.data import decode

made = list(pictures())
# what is imported on first use does not count
decode.decode(made[0][1], 8)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {LIMIT}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
counts, wrong, slowest = Counter(), [], (0.0, "")
for name, content in made:
    began = time.monotonic()
    try:
        found = decode.decode(content, 8)
        counts["pictures"] += 1
        counts["decoded" if found.pixels is not None else "refused"] += 1
        if (found.pixels is None) != bool(found.problem) or len(found.problem) > {MOST_CHARACTERS}:
            wrong.append(f"{{name}}: {{found.problem[:200]!r}}")
    except BaseException as error:
        wrong.append(f"{{name}}: {{type(error).__name__}}: {{str(error)[:200]}}")
    slowest = max(slowest, (time.monotonic() - began, name))
print(json.dumps({{"counts": counts, "wrong": wrong, "slowest": slowest}}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is limited on Linux only")
def test_pictures_of_every_declared_size_and_mode_are_decoded_or_refused() -> None:
    made = subprocess.run([sys.executable, "-c", DECODE_ALL], capture_output=True, text=True, check=False, timeout=300)
    assert made.returncode == 0, made.stderr[-2000:]
    told = json.loads(made.stdout.splitlines()[-1])
    print(f"pictures: {told['counts']}, slowest {told['slowest']}")
    assert not told["wrong"], "\n".join(told["wrong"])
    assert told["counts"]["refused"] > 500 and told["counts"]["decoded"]
