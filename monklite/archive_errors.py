"""The errors that reading a damaged zip file may cause; Python documents no common class of them."""

import zipfile
import zlib

ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
)
