"""Compressed bodies of Stenolog dumps: section 5 of FORMAT.md.

LZ4 is decompressed here. Zstandard is far too large for that, and Python's standard library has it only since 3.14
(`compression.zstd`): before that the package `zstandard` is used if it is installed. Without either it is an unknown
codec, as section 11 has it: the reader passes over the block, and says so.
"""

from steno_values import Damage

MAX_BODY = 2**24


def decompress(codec, data, length):
    """The body, which has `length` bytes according to the header."""
    if codec == 0:
        return data
    if codec not in (1, 2):
        raise Damage(f"unknown codec {codec}")
    if length > MAX_BODY or length > 1024 * len(data) + 4096:
        raise Damage(f"{len(data)} bytes claim to be {length} bytes")
    body = lz4(data, length) if codec == 1 else zstd(data, length)
    if len(body) != length:
        raise Damage(f"the body has {len(body)} bytes instead of {length}")
    return body


def lz4(data, length):
    """LZ4's block format: literals, then a match in what came before, by turns; literals come last."""
    out, at = bytearray(), 0

    def more(n):
        nonlocal at
        if n < 15:
            return n
        while True:
            byte = data[at]
            at += 1
            n += byte
            if byte < 255:
                return n

    try:
        while True:
            token = data[at]
            at += 1
            literals = more(token >> 4)
            if at + literals > len(data):
                raise Damage("the literals end too early")
            out += data[at:at + literals]
            at += literals
            if at == len(data):
                return bytes(out)
            back = data[at] | data[at + 1] << 8
            at += 2
            match = more(token & 15) + 4
            if not 0 < back <= len(out) or len(out) + match > length:
                raise Damage("a match lies outside of the body")
            for _ in range(match):
                out.append(out[-back])
    except IndexError:
        raise Damage("the compressed body ends too early") from None


def zstd(data, length):
    try:
        from compression import zstd as standard  # Python 3.14
    except ImportError:
        standard = None
    try:
        if standard:
            reader = standard.ZstdDecompressor()
            # One byte more than should be there shows what is too long.
            return reader.decompress(data, max_length=length + 1)
        import zstandard
        return zstandard.ZstdDecompressor().stream_reader(data).read(length + 1)
    except ImportError:
        raise Damage("codec 2 is Zstandard, which this Python does not have: it takes Python 3.14 or the package "
                     "`zstandard`") from None
    except (standard.ZstdError if standard else zstandard.ZstdError) as error:
        raise Damage(f"no Zstandard: {error}") from None
