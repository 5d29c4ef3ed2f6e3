"""Call sites, types and values of Stenolog dumps: sections 1, 4 and 6 of FORMAT.md."""

import ipaddress
import math
import struct

LEVELS = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]
COUNTER, UNIX = 0, 1
MAX_DEPTH, MAX_UNSIZED = 64, 65_536
# The nodes that stand for themselves, by number.
LEAVES = ("unit bool char u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 str formatted duration systemtime "
          "ipv4 ipv6 ip socketv4 socketv6 socket").split()


class Damage(Exception):
    """Bytes that are not what the format says."""


class Cursor:
    """A place in some bytes. Metadata is read as packed values are: both are postcard."""

    def __init__(self, data, packed=True, unsized_left=MAX_UNSIZED):
        self.data, self.at, self.packed, self.unsized_left = data, 0, packed, unsized_left
        # The strings and formatted texts among the values that were read.
        self.texts = []

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        if n > self.left():
            raise Damage("the bytes end too early")
        self.at += n
        return self.data[self.at - n:self.at]

    def little(self, n):
        return int.from_bytes(self.take(n), "little")

    def varint(self, bits):
        value = 0
        for shift in range(0, bits, 7):
            byte = self.little(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> bits:
                    break
                return value
        raise Damage("an integer is too large for its type")

    def zigzag(self, bits):
        value = self.varint(bits)
        return value >> 1 if value % 2 == 0 else -(value + 1 >> 1)

    def unsigned(self, bits):
        return self.varint(bits) if self.packed and bits > 8 else self.little(bits // 8)

    def signed(self, bits):
        if self.packed and bits > 8:
            return self.zigzag(bits)
        return int.from_bytes(self.take(bits // 8), "little", signed=True)

    def length(self):
        return self.varint(64) if self.packed else self.little(4)

    def flag(self):
        byte = self.little(1)
        if byte > 1:
            raise Damage(f"{byte} is neither 0 nor 1")
        return byte == 1

    def text(self):
        try:
            return self.take(self.length()).decode()
        except UnicodeDecodeError:
            raise Damage("text is not UTF-8") from None

    def elements(self, read):
        count = self.length()
        if count > self.left():
            raise Damage(f"a list claims {count} elements")
        return [read() for _ in range(count)]

    def choice(self, of):
        index = self.varint(32)
        if index >= len(of):
            raise Damage(f"choice {index} of {len(of)}")
        return of[index]


# --- section 4: types, call sites, threads -----------------------------------------------------------------


def read_product(cursor):
    return cursor.text(), cursor.choice(("unit", "tuple", "struct")), cursor.elements(cursor.text)


def read_type(cursor):
    """A type as a tuple: its kind, then what it is made of."""
    stack = []

    def pop(count):
        if count > len(stack):
            raise Damage("a type lacks inner types")
        popped = stack[len(stack) - count:]
        del stack[len(stack) - count:]
        return popped

    def apply():
        node = cursor.varint(32)
        if node < len(LEAVES):
            inner, made = [], (LEAVES[node],)
        elif node in (25, 26, 27):
            inner = pop(1)
            made = (("option", "slice", "serde")[node - 25], inner[0][0])
        elif node == 28:
            inner = pop(2)
            made = ("map", inner[0][0], inner[1][0])
        elif node == 29:
            length, inner = cursor.varint(32), pop(1)
            made = ("array", inner[0][0], length)
        elif node == 30:
            inner = pop(cursor.varint(32))
            made = ("tuple", [ty for ty, _ in inner])
        elif node == 31:
            name, shape, fields = read_product(cursor)
            inner = pop(len(fields))
            made = ("struct", (name, shape, fields, [ty for ty, _ in inner]))
        elif node == 32:
            cursor.text()
            products = cursor.elements(lambda: read_product(cursor))
            inner = pop(sum(len(fields) for _, _, fields in products))
            types = iter([ty for ty, _ in inner])
            made = ("enum", [(n, s, f, [next(types) for _ in f]) for n, s, f in products])
        else:
            raise Damage(f"unknown type {node}")
        depth = 1 + max((depth for _, depth in inner), default=0)
        if depth > MAX_DEPTH:
            raise Damage("a type nests too deep")
        stack.append((made, depth))

    cursor.elements(apply)
    if len(stack) != 1:
        raise Damage(f"{len(stack)} types instead of one")
    return stack[0][0]


def read_slot(cursor):
    return cursor.text(), cursor.choice(("argument", "field", "debug field", "count")), read_type(cursor)


def read_site(cursor):
    site = {"id": cursor.varint(32), "level": cursor.choice(LEVELS), "time": cursor.choice((COUNTER, UNIX))}
    site |= {"target": cursor.text(), "module": cursor.text(), "file": cursor.text()}
    site |= {"line": cursor.varint(32), "column": cursor.varint(32)}
    site["template"] = cursor.text() if cursor.flag() else None
    site["slots"] = cursor.elements(lambda: read_slot(cursor))
    return site


# --- section 6: values, as what JSON has for them -----------------------------------------------------------


def takes_bytes(ty):
    if ty[0] == "array":
        return ty[2] > 0 and takes_bytes(ty[1])
    if ty[0] in ("tuple", "struct"):
        return any(map(takes_bytes, ty[1] if ty[0] == "tuple" else ty[1][3]))
    return ty[0] != "unit"


def read_many(cursor, count, types):
    if any(map(takes_bytes, types)):
        most = cursor.left()
    else:
        most = cursor.unsized_left
        cursor.unsized_left -= count
    if count > most:
        raise Damage(f"a list claims {count} elements")
    return [[read_value(cursor, ty) for ty in types] for _ in range(count)]


def read_fields(cursor, product):
    name, shape, names, types = product
    values = [read_value(cursor, ty) for ty in types]
    return name if shape == "unit" else {name: values if shape == "tuple" else dict(zip(names, values))}


def read_dynamic(cursor, depth=1):
    """A self-describing value."""
    if depth > 128:
        raise Damage("nested too deep")
    tag = cursor.little(1)

    def many(read):
        count = cursor.little(4)
        if count > cursor.left():
            raise Damage(f"a list claims {count} elements")
        return [read() for _ in range(count)]

    def inner():
        return read_dynamic(cursor, depth + 1)

    if tag < len(LEAVES):
        return read_value(cursor, (LEAVES[tag],))
    if tag == 25:
        return inner() if cursor.flag() else None
    if tag in (26, 30, 33):
        return many(inner)
    if tag == 28:
        return many(lambda: [inner(), inner()])
    if tag == 29:
        return list(cursor.take(cursor.length()))
    if tag in (31, 32):
        name, shape = cursor.text(), cursor.choice(("unit", "tuple", "struct"))
        if shape == "struct":
            return {name: dict(many(lambda: (cursor.text(), inner())))}
        values = many(inner)
        return name if shape == "unit" else {name: values}
    raise Damage(f"unknown tag {tag}")


def read_described(data):
    inner = Cursor(data)
    try:
        value = read_dynamic(inner)
    except Damage:
        return NOT_DESCRIBED
    return NOT_DESCRIBED if inner.left() else value


def read_socket(cursor, version):
    address = ipaddress.ip_address(cursor.take(4 if version == 4 else 16))
    port = cursor.little(2)
    return [str(address), port] if version == 4 else [str(address), port, cursor.little(4), cursor.little(4)]


def read_value(cursor, ty):
    kind = ty[0]
    if kind in ("f32", "f64"):
        value = struct.unpack("<f" if kind == "f32" else "<d", cursor.take(int(kind[1:]) // 8))[0]
        return value if math.isfinite(value) else str(value)
    if kind[0] == "u" and kind[1:].isdigit():
        return cursor.unsigned(int(kind[1:]))
    if kind[0] == "i" and kind[1:].isdigit():
        return cursor.signed(int(kind[1:]))
    if kind == "unit":
        return []
    if kind == "bool":
        return cursor.flag()
    if kind == "char":
        char = cursor.text() if cursor.packed else decode_char(cursor.little(4))
        if len(char) != 1:
            raise Damage("not one character")
        return char
    if kind in ("str", "formatted"):
        cursor.texts.append(cursor.text())
        return cursor.texts[-1]
    if kind == "option":
        return read_value(cursor, ty[1]) if cursor.flag() else None
    if kind in ("array", "slice"):
        count = ty[2] if kind == "array" else cursor.length()
        return [value for [value] in read_many(cursor, count, ty[1:2])]
    if kind == "map":
        return read_many(cursor, cursor.length(), ty[1:])
    if kind == "tuple":
        return [read_value(cursor, of) for of in ty[1]]
    if kind == "struct" and ty[1][0] == "stenolog::Dynamic" and ty[1][3] == [("slice", ("u8",))]:
        return read_described(cursor.take(cursor.length()))
    if kind == "struct":
        return read_fields(cursor, ty[1])
    if kind == "enum":
        index = cursor.unsigned(32 if cursor.packed else 16)
        if index >= len(ty[1]):
            raise Damage(f"no variant {index}")
        return read_fields(cursor, ty[1][index])
    if kind == "serde":
        length = cursor.length()
        if length == 0 and takes_bytes(ty[1]):
            return "<could not be serialised>"
        inner = Cursor(cursor.take(length), True, cursor.unsized_left)
        try:
            value = read_value(inner, ty[1])
        except Damage:
            return NOT_AS_ITS_SCHEMA
        if inner.left():
            return NOT_AS_ITS_SCHEMA
        cursor.texts += inner.texts
        return value
    if kind in ("duration", "systemtime"):
        seconds = cursor.unsigned(64) if kind == "duration" else cursor.signed(64)
        nanos = cursor.unsigned(32)
        if nanos >= 10**9:
            raise Damage("too many nanoseconds")
        return [seconds, nanos]
    version = int(kind[-1]) if kind[-1].isdigit() else cursor.little(1)
    if version not in (4, 6):
        raise Damage(f"no IP version {version}")
    if kind.startswith("socket"):
        return read_socket(cursor, version)
    return str(ipaddress.ip_address(cursor.take(4 if version == 4 else 16)))


NOT_DESCRIBED = "<not readable: no self-describing value>"
NOT_AS_ITS_SCHEMA = "<not readable: serialised otherwise than its schema says>"


def decode_char(code):
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise Damage("no such character")
    return chr(code)
