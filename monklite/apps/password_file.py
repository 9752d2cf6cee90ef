"""The file of a page's password, which holds a hash of it (scrypt, RFC 7914) and not the password itself."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidValue, NotFound
from ..files import reading, storing, write_new
from ..looking import exists
from ..regular_files import read_regular
from ..rules import Text, Whole

SCHEME = "scrypt"
# the cost: 32 MiB of memory and about half a second of one slow core for each try
COST, BLOCK_SIZE, PARALLEL = 2**15, 8, 3
SALT_BYTES, HASH_BYTES = 16, 32
# bytes that a try may take, whatever a file says
MOST_MEMORY = 256 << 20
MOST_FILE_BYTES = 4096
PASSWORD = Text(8, 256)
_PART = Whole(least=1, most=2**20)


@dataclass(frozen=True)
class PasswordHash:
    """The hash of a password with its salt and its cost."""

    cost: int
    block_size: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """Raises InvalidType, InvalidValue: it is too short or too long; the message does not show it."""
        salt = secrets.token_bytes(SALT_BYTES)
        return cls(COST, BLOCK_SIZE, PARALLEL, salt, _scrypt(_checked(password), salt, COST, BLOCK_SIZE, PARALLEL))

    def matches(self, given: str) -> bool:
        """Whether it is the password; it takes as long for any other text."""
        digest = _scrypt(given, self.salt, self.cost, self.block_size, self.parallel)
        return secrets.compare_digest(digest, self.digest)

    def __str__(self) -> str:
        encoded = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return "$".join((SCHEME, str(self.cost), str(self.block_size), str(self.parallel), *encoded))


def _checked(password: str) -> str:
    try:
        return PASSWORD("password", password)
    except InvalidValue:
        raise InvalidValue(f"the password has {len(password)} characters; it must be {PASSWORD}") from None


def _scrypt(password: str, salt: bytes, cost: int, block_size: int, parallel: int) -> bytes:
    # keyboards write the same letter in several ways
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=cost, r=block_size, p=parallel, maxmem=MOST_MEMORY, dklen=HASH_BYTES)


def check_new(path: Path) -> None:
    """Raises InvalidValue: there is something at this path."""
    if exists(path):
        raise InvalidValue(f"{path} is there already: choose another name, or remove it yourself")


def write(path: Path, password: str) -> None:
    """Write the file of a password; only this user can read it, where the drive knows permissions.

    Raises:
        InvalidType, InvalidValue: no such password, or there is a file already. StorageError: it cannot be written.
    """
    line = f"{PasswordHash.of(password)}\n".encode()
    with storing(path):
        try:
            write_new(path, line, 0o600)
        except FileExistsError:
            check_new(path)
            raise


def read(path: Path) -> PasswordHash:
    """The hash in the file of a password.

    Raises:
        NotFound: no such file. InvalidValue: it holds something else, such as the password itself. StorageError: the disk does
        not give it.
    """
    try:
        with reading(path):
            content = read_regular(path, MOST_FILE_BYTES)
    except FileNotFoundError:
        raise NotFound(f"there is no password file at {path}: write one with `monklite password {path}`") from None
    parsed = _parsed(content)
    if parsed is None:
        raise InvalidValue(
            f"{path} is no password file: it must hold a hash and never the password itself. Remove it, and write it with "
            f"`monklite password {path}`, which asks for the password"
        )
    return parsed


def _parsed(content: bytes) -> PasswordHash | None:
    try:
        scheme, *numbers, salt, digest = content.decode("ascii").strip().split("$")
        cost, block_size, parallel = (_PART("password file", int(number)) for number in numbers)
        found = PasswordHash(
            cost, block_size, parallel, *(base64.b64decode(part, validate=True) for part in (salt, digest))
        )
        # a cost that scrypt does not take is found now and not at the first login
        found.matches("")
    except (ValueError, binascii.Error, MemoryError):
        return None
    whole = scheme == SCHEME and (len(found.salt), len(found.digest)) == (SALT_BYTES, HASH_BYTES)
    return found if whole else None
