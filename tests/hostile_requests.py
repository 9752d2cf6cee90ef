"""Requests that no honest client sends, each with the statuses that are right for it; none of them is 200."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from serving import KEY, form

from monklite.apps.custom_vision import project_id

CLOSED = 0  # the server need not answer what is no request
VISION, PROJECT = "/customvision/v3.1/prediction", project_id("p")
# a note in a PNG that is much larger than it looks
NOTE = b"a\0\0" + zlib.compress(bytes(10**7))
PRIVATE = (
    "http://127.0.0.1/x.png", "http://localhost:22/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://2130706433/", "http://0x7f.1/", "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://0.0.0.0/", "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/x",
    "http://user:word@127.0.0.1/", "//127.0.0.1/x", "http://", "http://127.0.0.1:99999/", "http://a b/", "http://\r\nx/",
    "http://" + "a" * 3000, "data:image/png;base64,AAAA", "",
)  # fmt: skip


class Hostile(NamedTuple):
    """The bytes of a request, and the statuses that may be answered. `is_cut`: no more comes after them."""

    kind: str
    request: bytes
    expected: tuple[int, ...]
    is_cut: bool = False


def request(
    path: str = "/v1/predict", body: bytes = b"", method: str = "POST", key: str | None = KEY, **headers: str
) -> bytes:
    """The bytes of a request. `headers`: with _ for -; None in the place of a value leaves one out."""
    given = {"Host": "127.0.0.1", "Content-Type": "image/png", "Content-Length": str(len(body)), "Connection": "close"}
    given |= {"Prediction-Key": key} if key is not None else {}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value is not None)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def hostile(count: int, picture: bytes, seed: int = 0) -> Iterator[Hostile]:
    """Any number of them, each kind in turn. `picture`: one that an honest client may send."""
    rng = random.Random(seed)
    kinds = [value for name, value in globals().items() if name.startswith("_make_")]
    for number in range(count):
        make: Callable[[random.Random, bytes], Hostile] = kinds[number % len(kinds)]
        yield make(rng, picture)


def _make_no_key(rng: random.Random, picture: bytes) -> Hostile:
    tricks = {
        "X_Forwarded_For": "127.0.0.1",
        "X_Original_URL": "/health",
        "X_HTTP_Method_Override": "GET",
        "Cookie": "a=b",
    }
    name = rng.choice(list(tricks))
    path = rng.choice(("/v1/predict", "/v1/model", "/metrics", f"{VISION}/a/classify/iterations/b/image"))
    return Hostile("no key", request(path, picture, key=None, **{name: tricks[name]}), (401,))


def _make_wrong_key(rng: random.Random, picture: bytes) -> Hostile:
    keys = (
        KEY[:-1],
        KEY + "x",
        KEY.upper(),
        "",
        " ",
        KEY[:-1] + "é",
        "x" * 5000,
        str(rng.random()),
        f"{KEY},{KEY}",
        "null",
    )
    key = rng.choice(keys)
    if rng.random() < 0.5:
        return Hostile("wrong key", request(body=picture, key=key), (401,))
    return Hostile("wrong key", request(body=picture, key=None, Authorization=f"Bearer {key}"), (401,))


def _make_key_elsewhere(rng: random.Random, picture: bytes) -> Hostile:
    place = rng.choice((f"/v1/predict?key={KEY}", f"/v1/predict?Prediction-Key={KEY}", f"/v1/predict#{KEY}"))
    return Hostile("key in the address", request(place, picture, key=None, Authorization=f"Basic {KEY}"), (401, 400))


def _make_huge(rng: random.Random, picture: bytes) -> Hostile:
    size = str(rng.choice((64 * 2**20 + 1, 10**10, 10**18)))
    key = rng.choice((KEY, None))
    return Hostile("huge", request(body=b"x" * 1000, key=key, Content_Length=size), (413,) if key else (401,))


def _make_wrong_type(rng: random.Random, picture: bytes) -> Hostile:
    kind = rng.choice(
        ("text/html", "application/json", "application/x-www-form-urlencoded", "video/mp4", "*/*", "image", "é")
    )
    return Hostile("wrong type", request(body=picture, Content_Type=kind), (415,))


def _make_packed(rng: random.Random, picture: bytes) -> Hostile:
    packed = zlib.compress(b"\0" * 10**6)
    return Hostile("packed", request(body=packed, Content_Encoding=rng.choice(("gzip", "deflate", "br"))), (415,))


def _make_no_picture(rng: random.Random, picture: bytes) -> Hostile:
    contents = (
        b"", rng.randbytes(rng.randrange(1, 5000)), b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"PK\3\4" * 50, b"\x7fELF" + bytes(100), b"<script>alert(1)</script>", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n",
        b"BM" + bytes(20), b"II*\0" + b"\xff" * 60, b"RIFF\xff\xff\xff\xffWEBPVP8 ", b"SIMPLE  =                    T",
        b"8BPS", b"%!PS-Adobe-3.0 EPSF",
    )  # fmt: skip
    return Hostile("no picture", request(body=rng.choice(contents)), (400,))


def _make_truncated(rng: random.Random, picture: bytes) -> Hostile:
    return Hostile("truncated picture", request(body=picture[: rng.randrange(40, len(picture) // 2)]), (400,))


def _make_bomb(rng: random.Random, picture: bytes) -> Hostile:
    side = rng.randrange(20_000, 65_500)
    large = struct.pack(">II", side, side)
    scans = zlib.compress(bytes(10**6))
    gif = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6)
    gif += b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x08\x02\x4c\x01\x00;"
    webp = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (side - 1).to_bytes(3, "little") * 2 + bytes(40)
    bombs = (
        _png(large + b"\x08\x02\0\0\0", scans),
        _png(large + b"\x01\x00\0\0\0", scans),
        _png(struct.pack(">II", 2**31 - 1, 1) + b"\x08\x00\0\0\0", scans),
        gif,
        b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp,
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0),
        b"\xff\xd8\xff\xc0\x00\x11\x08"
        + struct.pack(">HH", side, side)
        + b"\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01\xff\xda",
    )
    return Hostile("bomb", request(body=rng.choice(bombs)), (400,))


def _png(header: bytes, data: bytes) -> bytes:
    chunks = [(b"IHDR", header), (b"zTXt", NOTE), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks
    )


def _make_broken_form(rng: random.Random, picture: bytes) -> Hostile:
    body, headers = form([("x.png", picture)])
    kind = headers["Content-Type"]
    broken = (
        (body, "multipart/form-data"),
        (body, "multipart/form-data; boundary="),
        (body, "multipart/form-data; boundary=" + "b" * 5000),
        (body, "multipart/form-data; boundary=another"),
        (body[:-30], kind),
        (b"--a-boundary\r\n" + b"X: y\r\n" * 500 + body, kind),
        (b"--a-boundary\r\nContent-Disposition: " + b"x" * 100_000 + b"\r\n\r\n", kind),
        (b"\0" * 1000, kind),
        (b"--a-boundary--\r\n", kind),
        (form([(f"{i}.png", b"x") for i in range(500)])[0], kind),
        (form([("../../../etc/passwd", b"not a picture"), ("<script>.png", b"")])[0], kind),
        (form([("a.png", b"")])[0], kind),
    )
    content, content_type = rng.choice(broken)
    return Hostile("broken form", request(body=content, Content_Type=content_type), (400,))


def _make_traversal(rng: random.Random, picture: bytes) -> Hostile:
    paths = (
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/../../etc/passwd", "/v1/model/../../x", "/..%2f..%2fetc%2fpasswd",
        "/static/..\\..\\win.ini", "//etc/passwd", "/v1/predict/../model", "/v1/predict%00.png", "/docs", "/redoc", "/.env",
        f"{VISION}/..%2f..%2f/classify/iterations/x/image", "/v1/predict/", "/V1/PREDICT", "/v1/model%2f", "/%ff%fe", "/%",
    )  # fmt: skip
    path = rng.choice(paths)
    return Hostile("traversal", request(path, method=rng.choice(("GET", "POST")), Content_Length="0"), (404, 405))


def _make_wrong_method(rng: random.Random, picture: bytes) -> Hostile:
    method = rng.choice(
        ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "HEAD", "ANYTHING")
    )
    return Hostile("wrong method", request(method=method), (405,))


def _make_no_request(rng: random.Random, picture: bytes) -> Hostile:
    honest = request(body=picture)
    broken = (
        rng.randbytes(200), b"\x16\x03\x01\x02\x00\x01\x00" + rng.randbytes(100), b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 100, b"A" * 100_000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        honest.replace(b"Host: 127.0.0.1\r\n", b""),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", honest.replace(b"POST", b"PO ST"),
        honest.replace(b"Host:", b"Host :"),
        honest.replace(b"\r\nHost", b"\r\n Host"), honest.replace(b"Host: ", b"Host: \0"),
        honest.replace(b"Host", b"H\xc3\xb6st"),
    )  # fmt: skip
    # of an unknown version of HTTP, what it asks for is looked for
    return Hostile("no request", rng.choice(broken), (CLOSED, 400, 404), True)


def _make_two_lengths(rng: random.Random, picture: bytes) -> Hostile:
    length = rng.choice(
        ("-1", "+5", "0x10", "5, 6", "1e3", "", "9" * 30, "5\r\nContent-Length: 6", "5\r\nTransfer-Encoding: chunked")
    )
    return Hostile("odd length", request(body=b"12345", Content_Length=length), (CLOSED, 400, 413), True)


def _make_bad_chunks(rng: random.Random, picture: bytes) -> Hostile:
    chunks = rng.choice(
        (
            b"zz\r\nabc\r\n0\r\n\r\n",
            b"-5\r\nabc\r\n",
            b"fffffffffffffffff\r\nabc",
            b"5\r\nabc",
            b"5;" + b"x" * 10**5,
            b"1\r\nx\r\n" * 3000,
        )
    )
    key = rng.choice((KEY, None))
    broken = request(body=chunks, key=key, Content_Length=None, Transfer_Encoding="chunked")  # type: ignore[arg-type]
    return Hostile("bad chunks", broken, (CLOSED, 400) if key else (CLOSED, 400, 401), True)


def _make_cut_off(rng: random.Random, picture: bytes) -> Hostile:
    whole = request(body=picture)
    return Hostile("cut off", whole[: rng.randrange(20, len(whole) - 10)], (CLOSED, 400), True)


def _make_wrong_project(rng: random.Random, picture: bytes) -> Hostile:
    project = rng.choice(
        ("00000000-0000-0000-0000-000000000000", "a", "%20", "' OR 1=1 --".replace(" ", "%20"), "x" * 2000)
    )
    path = f"{rng.choice((VISION, '/customvision/v9/prediction'))}/{project}/classify/iterations/e-v001/image"
    return Hostile("wrong project", request(path + rng.choice(("", "/nostore")), picture), (404,))


def _make_private_address(rng: random.Random, picture: bytes) -> Hostile:
    body = rng.choice(
        [json.dumps({"url": address}).encode() for address in PRIVATE]
        + [b'{"url": "' + b"x" * 100_000 + b'"}', b"[{}," * 20_000]
        + [b"", b"{", b"[]", b'"x"', b"[" * 10**5, b'{"url": 5}']
    )
    return Hostile(
        "private address",
        request(f"{VISION}/{PROJECT}/classify/iterations/e-v001/url", body, Content_Type="application/json"),
        (400,),
    )


def _make_websocket(rng: random.Random, picture: bytes) -> Hostile:
    upgrade = request(
        method="GET", key=rng.choice((KEY, None)), Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Version="13"
    )
    return Hostile("websocket", upgrade, (400, 401, 405))
