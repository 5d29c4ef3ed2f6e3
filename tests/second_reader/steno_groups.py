"""Groups of Stenolog dumps, back to packed rows: section 5 of FORMAT.md."""

import struct

from steno_codecs import decompress
from steno_columns import MAX_COLUMNS, MAX_ROWS, column, varint
from steno_values import Cursor, Damage

HEADER = struct.Struct("<IBBBBQQQIIQQqq")
MAX_PARTS, MAX_SECTIONS, MAX_KINDS, MAX_POOLS = 4096, 1024, 4096, 64
HAS_COUNTER, HAS_UNIX = 1, 2
INTEGERS = (0, 1, 6, 7, 8)
PLANES, DIFFERENCE_PLANES, CONSTANT, POOLED_TEXTS, POOLED_PIECES, DECIMALS = range(6, 12)


def unzigzag(value):
    return value >> 1 if value % 2 == 0 else -(value + 1 >> 1)


def bounded(value, least, most, what):
    if not least <= value <= most:
        raise Damage(f"{value} {what}")
    return value


def parts_of(payload):
    """The header of each part, and what follows them."""
    head = HEADER.unpack_from(payload)
    if head[2]:
        raise Damage(f"unknown codec {head[2]} of a group; {head[8]} records")
    cursor = Cursor(payload[HEADER.size:])
    count = bounded(cursor.varint(64), 1, MAX_PARTS, "parts")
    if count == 1:
        return [head], cursor
    parts = []
    for _ in range(count):
        ring, position, length = cursor.varint(32), cursor.varint(64), cursor.varint(64)
        first, records = cursor.varint(64), bounded(cursor.varint(32), 1, 2**32, "records in a part")
        levels, flags = cursor.take(2)
        times = [0, 0, 0, 0]
        if flags & HAS_COUNTER:
            times[0] = head[10] + cursor.varint(64)
            times[1] = times[0] + cursor.varint(64)
        if flags & HAS_UNIX:
            times[2] = head[12] + cursor.varint(64)
            times[3] = times[2] + cursor.varint(64)
        parts.append((ring, 3, 0, levels, flags, position, position + length, first, records, head[9], *times))
    if len({part[0] for part in parts}) != count or sum(part[8] for part in parts) != head[8]:
        raise Damage("the parts are not those of the header")
    return parts, cursor


def parts_as_blocks(payload):
    """A payload for each part, with its header and packed rows."""
    parts, cursor = parts_of(payload)
    body = Group(parts, cursor)
    for part, rows in zip(parts, body.rows()):
        yield HEADER.pack(part[0], 1, 0, *part[3:9], len(rows), *part[10:]) + rows


class Group:
    def __init__(self, parts, cursor):
        self.parts = parts
        table = [(cursor.take(1)[0], cursor.varint(64), cursor.varint(64))
                 for _ in range(bounded(cursor.varint(64), 1, MAX_SECTIONS, "sections"))]
        if sum(plain for _, plain, _ in table) != parts[0][9]:
            raise Damage("the sections have not the stated length")
        self.most = min(MAX_ROWS, 1024 * sum(stored for _, _, stored in table) + 4096)
        self.sections = []
        for codec, plain, stored in table:
            section = decompress(codec, cursor.take(stored), plain)
            if len(section) != plain:
                raise Damage("a section has not the stated length")
            self.sections.append(section)
        if cursor.left():
            raise Damage("bytes behind the last section")
        self.directory()

    def directory(self):
        cursor = Cursor(self.sections[0])
        self.kinds, columns = [], 0
        for _ in range(bounded(cursor.varint(64), 1, MAX_KINDS, "kinds")):
            tag, count, width = cursor.varint(33), bounded(cursor.varint(32), 1, 2**32, "records"), cursor.varint(64)
            columns += width
            bounded(columns, 0, MAX_COLUMNS, "columns")
            self.kinds.append((bounded(tag, 2, 2**33, "is no tag"), count, [self.entry(cursor) for _ in range(width)]))
        records = sum(part[8] for part in self.parts)
        if sum(count for _, count, _ in self.kinds) != records:
            raise Damage("the kinds have not as many records as the parts")
        if sum(count * (3 + len(of)) for _, count, of in self.kinds) > self.most:
            raise Damage(f"the group stands for more than {self.most} bytes")
        which = self.entry(cursor) if len(self.kinds) > 1 else None
        times = self.entry(cursor)
        pools = [self.pool(cursor) for _ in range(bounded(cursor.varint(64), 0, MAX_POOLS, "pools"))]
        # What the columns take, in the order of the directory.
        rest = [Cursor(section) for section in self.sections]
        rest[0] = cursor
        for _, _, of in self.kinds:
            of[:] = [(layout, rest_of(rest, section, length)) for section, layout, length in of]
        self.which = which and list(integers(which[1], rest_of(rest, which[0], which[2]), records))
        self.times = list(integers(times[1], rest_of(rest, times[0], times[2]), records))
        self.entries = []
        for pattern, count, section, length in pools:
            self.entries += pool_entries(pattern, count, rest_of(rest, section, length))
            if sum(len(entry) + 8 for entry in self.entries) > self.most:
                raise Damage(f"the pools have more than {self.most} bytes")
        if any(section.left() for section in rest):
            raise Damage("bytes behind the last column")

    @staticmethod
    def entry(cursor):
        return cursor.varint(64), layout_of(cursor), cursor.varint(64)

    @staticmethod
    def pool(cursor):
        kind, pattern = cursor.varint(64), None
        if kind == 1:
            pattern = []
            for _ in range(cursor.varint(64)):
                piece = cursor.varint(64)
                pattern.append(bounded(piece // 2, 1, 2**32, "digits") if piece % 2 else cursor.take(piece // 2))
            if not any(isinstance(piece, int) for piece in pattern):
                raise Damage("a pattern without digits")
        elif kind:
            raise Damage(f"unknown class {kind} of a pool")
        return pattern, cursor.varint(32), cursor.varint(64), cursor.varint(64)

    def values(self, layout, data, count):
        """The values of a column, as they are in the rows."""
        number, width, inner = layout
        if number == CONSTANT:
            return [data] * count
        if number in (PLANES, DIFFERENCE_PLANES):
            return [varint(value) for value in integers(layout, data, count)]
        if number in (POOLED_TEXTS, POOLED_PIECES):
            texts = [self.pooled(index) for index in integers(inner, data, count)]
            return [varint(len(text)) + text for text in texts] if number == POOLED_TEXTS else texts
        if number == DECIMALS:
            whole = [unzigzag(value) for value in integers(inner, data, count)]
            if any(abs(value) >= 2**53 for value in whole):
                raise Damage("a decimal that is too long")
            return [struct.pack("<d", value / 10**width) for value in whole]
        return list(column(number, width, data))

    def pooled(self, index):
        if index >= len(self.entries):
            raise Damage(f"there is no entry {index}")
        return self.entries[index]

    def rows(self):
        """The packed rows of each part. Their times begin with the smallest ones."""
        columns = []
        for _, count, of in self.kinds:
            values = [self.values(layout, data, count) for layout, data in of]
            if any(len(of_column) != count for of_column in values):
                raise Damage("a column has not as many values as there are records")
            columns.append(zip(*values) if values else iter([()] * count))
        at, total = 0, 0
        for part in self.parts:
            out = bytearray(2)
            for record in range(at, at + part[8]):
                place = self.which[record] if self.which else 0
                if place >= len(columns) or (cells := next(columns[place], None)) is None:
                    raise Damage(f"kind {place} has no more records")
                tag, values = self.kinds[place][0], b"".join(cells)
                out += varint(tag >> 1) + varint(2 * len(values) + tag % 2) + varint(self.times[record]) + values
                if total + len(out) > self.most:
                    raise Damage(f"the group stands for more than {self.most} bytes")
            at, total = at + part[8], total + len(out)
            yield bytes(out)


def rest_of(rest, section, length):
    if section >= len(rest):
        raise Damage(f"there is no section {section}")
    return rest[section].take(length)


def layout_of(cursor, allowed=range(12)):
    """A layout, its width or its number of digits, and the layout of integers in it."""
    number, width, inner = cursor.varint(64), 0, None
    if number not in allowed:
        raise Damage(f"unknown layout {number}")
    if number in (2, 3):
        width = cursor.varint(64)
    elif number in (PLANES, DIFFERENCE_PLANES):
        width = bounded(cursor.varint(64), 1, 8, "planes")
    elif number == DECIMALS:
        width = bounded(cursor.varint(64), 0, 22, "digits")
    if number in (POOLED_TEXTS, POOLED_PIECES, DECIMALS):
        inner = layout_of(cursor, INTEGERS)
    return number, width, inner


def integers(layout, data, count):
    """The integers of a column."""
    number, width, _ = layout
    if number not in INTEGERS:
        raise Damage(f"layout {number} is not one of integers")
    cursor, before, found = Cursor(data), 0, []
    if number == CONSTANT:
        found = [cursor.varint(64)] * count
    elif number in (PLANES, DIFFERENCE_PLANES):
        if len(data) != width * count:
            raise Damage("planes of another length")
        found = [int.from_bytes(data[at::count], "little") for at in range(count)]
        cursor = Cursor(b"")
    else:
        found = [cursor.varint(64) for _ in range(count)]
    if cursor.left():
        raise Damage("bytes behind the last integer")
    if number in (1, DIFFERENCE_PLANES):
        for at, value in enumerate(found):
            before = (before + unzigzag(value)) % 2**64
            found[at] = before
    return found


def pool_entries(pattern, count, data):
    if pattern is None:
        found = list(column(5, 0, data))
    else:
        digits = sum(piece for piece in pattern if isinstance(piece, int))
        stride = (digits + 1) // 2
        if len(data) != stride * count:
            raise Damage("a pool of another length")
        found = []
        for at in range(count):
            nibbles = iter(data[at * stride:(at + 1) * stride].hex())
            pieces = ("".join(next(nibbles) for _ in range(piece)).encode() if isinstance(piece, int) else piece
                      for piece in pattern)
            found.append(b"".join(pieces))
    if len(found) != count:
        raise Damage("a pool with more or fewer entries")
    return found
