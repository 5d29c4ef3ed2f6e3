"""Columns of Stenolog dumps, back to packed rows: section 5 of FORMAT.md."""

from steno_values import Cursor, Damage

MAX_ROWS, MAX_KINDS, MAX_COLUMNS = 2**24, 256, 16_384
VARINTS, DIFFERENCES, PLANES, DIFFERENCE_PLANES, TEXTS, PIECES = range(6)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(2 * value if value >= 0 else -2 * value - 1)


def column(layout, width, data):
    """The values, as they stand in the rows."""
    cursor, before = Cursor(data), 0
    if layout in (VARINTS, DIFFERENCES):
        while cursor.left():
            if layout == VARINTS:
                before = cursor.varint(64)
            else:
                before = (before + cursor.zigzag(64)) % 2**64
            yield varint(before)
    elif layout in (PLANES, DIFFERENCE_PLANES):
        if not width or len(data) % width or layout == DIFFERENCE_PLANES and width not in (4, 8):
            raise Damage("planes of no width")
        count = len(data) // width
        for at in range(count):
            value = data[at::count]
            if layout == DIFFERENCE_PLANES:
                word = int.from_bytes(value, "little")
                before = (before + (word >> 1 if word % 2 == 0 else -(word + 1 >> 1))) % 2**(8 * width)
                value = before.to_bytes(width, "little")
            yield value
    elif layout in (TEXTS, PIECES):
        lengths = Cursor(cursor.take(cursor.varint(64)))
        while lengths.left():
            length = lengths.varint(64)
            yield (varint(length) if layout == TEXTS else b"") + cursor.take(length)
        if cursor.left():
            raise Damage("bytes behind the last text")
    else:
        raise Damage(f"unknown layout {layout}")


def rows(body, count, stored):
    """The packed body of as many records."""
    cursor, most = Cursor(body), min(MAX_ROWS, 1024 * stored + 4096)
    out = bytearray(zigzag(cursor.zigzag(64)) + zigzag(cursor.zigzag(64)))
    kinds, directory = [], []
    for _ in range(cursor.varint(64)):
        tag, columns = cursor.varint(33), cursor.varint(64)
        if len(kinds) == MAX_KINDS or len(directory) + columns > MAX_COLUMNS:
            raise Damage("too many columns")
        kinds.append((tag, []))
        for _ in range(columns):
            layout = cursor.varint(64)
            width = cursor.varint(64) if layout in (PLANES, DIFFERENCE_PLANES) else 0
            directory.append((kinds[-1][1], layout, width, cursor.varint(64)))
    which_bytes, time_bytes = cursor.varint(64), cursor.varint(64)
    which, times = cursor.take(which_bytes), Cursor(cursor.take(time_bytes))
    if len(which) != (0 if len(kinds) == 1 else count):
        raise Damage("the kinds of the records are not as many as the records")
    for columns, layout, width, length in directory:
        columns.append(column(layout, width, cursor.take(length)))
    for at in range(count):
        place = which[at] if which else 0
        if place >= len(kinds):
            raise Damage(f"there is no kind {place}")
        tag, columns = kinds[place]
        time = zigzag(times.zigzag(64))
        try:
            values = b"".join(next(values) for values in columns)
        except StopIteration:
            raise Damage("a column is too short") from None
        out += varint(tag >> 1) + varint(2 * len(values) + tag % 2) + time + values
        if len(out) > most:
            raise Damage(f"the columns stand for more than {most} bytes")
    if cursor.left() or times.left() or any(next(values, None) is not None for _, of in kinds for values in of):
        raise Damage("bytes after the last value of a column")
    return bytes(out)
