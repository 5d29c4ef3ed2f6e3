#!/usr/bin/env python3
"""A second reader of Stenolog dumps: written from FORMAT.md alone, to prove that this can be done.

    steno_reader.py FILE

Prints one JSON object for each record and each loss statement, ring by ring, in the order of the record numbers. What is
wrong with the dump goes to standard error. Exits with 0 if nothing is, 3 if something is, and 1 if FILE is no dump.
Messages are not printed, as that takes Rust's formatting; the values are, next to the template.
"""

import binascii
import json
import struct
import sys

from steno_codecs import decompress
from steno_columns import rows
from steno_groups import parts_as_blocks
from steno_spans import Spans
from steno_values import UNIX, Cursor, Damage, read_site, read_value

MAGIC = b"\x89STENO\r\n"
SYNC = b"\xf5\x9dst"
HEADER_BYTES, FRAME_HEADER_BYTES, BLOCK_HEADER_BYTES = 64, 24, 72
DICTIONARY, THREAD, CLOCK, BLOCK, LOSS, WATERMARK, INDEX, END, SUMMARY, VOLATILE, HEADER, SPANS, CONTEXT = range(1, 14)
LOSS_TAG, LOSS_BYTES, FIRST_SITE, GROUP = 1, 80, 16, 3


class Problems:
    found = False

    def report(self, offset, text):
        self.found = True
        print(f"byte {offset}: {text}", file=sys.stderr)


# --- sections 2, 3, 12: from frame to frame ------------------------------------------------------------------


def frame_header(data, at):
    head = data[at:at + FRAME_HEADER_BYTES]
    if len(head) < FRAME_HEADER_BYTES or head[:4] != SYNC:
        return None
    kind, sequence, length, payload_crc, crc = struct.unpack("<4xB3xIIII", head)
    return (kind, sequence, length, payload_crc) if binascii.crc32(head[:20]) == crc else None


def find_frame(data, start, wanted=lambda sequence: True):
    at = data.find(SYNC, start)
    while at >= 0:
        if (head := frame_header(data, at)) and wanted(head[1]):
            return at
        at = data.find(SYNC, at + 1)
    return None


def read_header(data, problems):
    """The offset of the first frame, and the counter's frequency and when the file was begun, if that is known."""
    if data[:8] != MAGIC:
        if find_frame(data, 0) is not None:
            problems.report(0, "the file has lost its beginning")
            return HEADER_BYTES if frame_header(data, HEADER_BYTES) else 0, None
        sys.exit("not a stenolog dump" if not data or not MAGIC.startswith(data[:8]) else "cut within the header")
    if len(data) < HEADER_BYTES:
        sys.exit("cut within the header")
    major, minor, length, created, hz, crc = struct.unpack("<8xHHI16xq8xQ4xI", data[:HEADER_BYTES])
    if major > 1:
        sys.exit(f"format version {major}.{minor} is newer than this reader (1.5)")
    if binascii.crc32(data[:60]) != crc:
        if find_frame(data, 0) is None:
            sys.exit("not a stenolog dump: its header is damaged")
        problems.report(0, "the file header is damaged")
        return HEADER_BYTES if frame_header(data, HEADER_BYTES) else 0, None
    return max(length, HEADER_BYTES), (hz, created)


def frames(data, at, problems):
    """Each usable frame: its offset, kind and payload, and whether it is cut."""
    expected = 0
    while at < len(data):
        head = frame_header(data, at)
        if head is None:
            if data.startswith(MAGIC, at):
                return problems.report(at, "another dump begins")
            found = find_frame(data, at + 1)
            if found is None:
                return problems.report(at, "torn tail")
            problems.report(at, f"{found - at} bytes are no frame")
            at, expected = found, None
            continue
        kind, sequence, length, crc = head
        if expected not in (None, sequence):
            problems.report(at, f"frame {sequence} where {expected} should be")
        expected = (sequence + 1) % 2**32
        start, end = at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length
        if end > len(data):
            end = find_frame(data, start, lambda found: (found - sequence) % 2**32 <= 1)
            problems.report(at, "a frame is cut")
            yield at, kind, data[start:end], True
            at, expected = len(data) if end is None else end, None
            continue
        if binascii.crc32(data[start:end]) == crc:
            yield at, kind, data[start:end], False
        elif DICTIONARY <= kind <= CONTEXT:
            problems.report(at, "a frame's checksum is wrong")
        at = end + -length % 8


# --- section 5: the records of a block, and what sums them up -----------------------------------------------------------------------


def raw_records(body, count):
    at = 0
    while count:
        if at + 8 > len(body):
            raise Damage("the block ends too early")
        word, tag = struct.unpack_from("<II", body, at)
        length = word & 0x7FFFFFFF
        payload = body[at + 8:at + 8 + length]
        at += 8 + length + -length % 8
        if word >> 31:
            continue
        if length < 8 or len(payload) < length:
            raise Damage("no whole record")
        count -= 1
        yield tag, None, int.from_bytes(payload[:8], "little"), payload[8:]


def packed_records(body, count, counter_first, unix_first):
    cursor = Cursor(body)
    times = [counter_first + cursor.zigzag(64), unix_first + cursor.zigzag(64)]
    for _ in range(count):
        tag, length, difference = cursor.varint(32), cursor.varint(64), cursor.zigzag(64)
        if tag == 0:
            raise Damage("no record")
        kind = length % 2
        values = cursor.take(length // 2)
        times[kind] = (times[kind] + difference) % 2**64
        yield tag, kind, times[kind], values


DIGITS = b"0123456789abcdefABCDEF"


class Summary:
    """What a block holds, as the frame behind it says."""

    def __init__(self, payload):
        self.block_crc, length, flags = struct.unpack_from("<IIB", payload)
        self.has_folds, self.lacks_digits = flags & 1 == 1, flags & 2 == 2
        if length and (length & (length - 1) or not 64 <= length <= 32_768) or 16 + length > len(payload):
            raise Damage(f"no filter has {length} bytes")
        self.filter = payload[16:16 + length]
        cursor, site = Cursor(payload[16 + length:]), 0
        self.sites = set()
        for _ in range(cursor.varint(32)):
            site += cursor.varint(32)
            self.sites.add(site)
        self.ranges = {}
        for site in sorted(self.sites) if cursor.left() else []:
            column = 0
            for _ in range(cursor.varint(64)):
                place = cursor.varint(64)
                column += place // 2
                least = cursor.zigzag(64) if place % 2 else cursor.varint(64)
                self.ranges[site, column] = least, least + cursor.varint(64)
        self.ids = cursor.take(cursor.varint(21)) if cursor.left() else None

    def has(self, tag, texts):
        return tag in self.sites and all(map(self.has_text, texts))

    def has_text(self, text):
        folds = "\u017f" in text or "\u212a" in text
        return (
            (self.has_folds or not folds)
            and (not self.filter or all(map(self.has_bit, self.bits(text.encode()))))
            and (self.ids is None or all(map(self.has_id, keys(text.encode()))))
        )

    def bits(self, text):
        for at in range(len(text) - 3):
            if not self.lacks_digits or not all(byte in DIGITS for byte in text[at:at + 4]):
                yield from bits(text[at:at + 4])

    def has_bit(self, bit):
        bit %= 8 * len(self.filter)
        return self.filter[bit // 8] >> bit % 8 & 1 == 1


    def has_id(self, key):
        first, step = key & 0xFFFFFFFF, mixed(key) >> 32
        places = [((first + i * step) % (1 << 32)) * 8 * len(self.ids) >> 32 for i in range(6)]
        return bool(self.ids) and all(self.ids[place // 8] >> place % 8 & 1 for place in places)


def mixed(word):
    return word * 0x9E3779B97F4A7C15 & (1 << 64) - 1


def keys(text):
    """The keys of the windows of a text: 32 digits in a row."""
    for at in range(len(text) - 31):
        window = text[at:at + 32]
        if all(byte in DIGITS or byte == 0x2D for byte in window):
            yield min(hash_of(window[gram:gram + 16]) for gram in range(17))


def hash_of(gram):
    first, second = struct.unpack("<QQ", bytes(byte | 0x20 for byte in gram))
    rotated = mixed(first) >> 32 | (mixed(first) & 0xFFFFFFFF) << 32
    word = mixed(rotated ^ second)
    return word ^ word >> 32


def bits(text):
    for at in range(len(text) - 3):
        four = int.from_bytes(text[at:at + 4], "little") | 0x20202020
        yield (four * 0x9E3779B1 & 0xFFFFFFFF) >> 14


# --- section 7: from the raw counter to UTC ------------------------------------------------------------------


class TimeMap:
    def __init__(self, pairs, hz, fallback):
        by_counter = {counter: (counter, unix, apart) for counter, unix, apart in pairs or [fallback]}
        self.pairs = sorted(by_counter.values())
        nominal = 10**9 / hz if hz else 1.0
        own, trusted = [], []
        for (c0, u0, a0), (c1, u1, a1) in zip(self.pairs, self.pairs[1:]):
            ticks, nanos, apart = c1 - c0, u1 - u0, a0 + a1
            expected = ticks * nominal
            is_step = nanos < 0 or abs(nanos - expected) > expected / 1000 + apart * nominal + 1000
            own.append(None if is_step else (nanos, ticks))
            is_trusted = not is_step and 20_000 * (apart + 1000 / nominal) < ticks
            trusted.append(own[-1] if is_trusted else None)
        near = next((slope for slope in trusted if slope), (10**9, hz) if hz else (1, 1))
        self.slopes = []
        for slope, good in zip(own + [None], trusted + [None]):
            near = good or near
            self.slopes.append(slope or near)

    def unix_ns(self, counter):
        at = max(sum(pair[0] <= counter for pair in self.pairs) - 1, 0)
        (start, unix, _), (nanos, ticks) = self.pairs[at], self.slopes[at]
        return unix + (counter - start) * nanos // ticks


# --- the whole -----------------------------------------------------------------------------------------------


class Dump:
    """What a file says of itself, and where its records stand."""

    def __init__(self, data, problems):
        self.problems = problems
        self.sites, self.threads, self.pairs, self.is_sealed = {}, {}, [], False
        self.chains = {}
        # The last block that was met, and the summaries by the offset of their block.
        self.last_block, self.summaries = None, {}
        self.spans = Spans(problems)
        # By ring: position, 0 for a loss frame and 1 for a block, offset, payload.
        self.items = {}
        start, self.header = read_header(data, problems)
        for offset, kind, payload, is_cut in frames(data, start, problems):
            try:
                self.take(offset, kind, payload, is_cut)
            except (Damage, struct.error) as damage:
                if not is_cut:
                    problems.report(offset, f"a frame cannot be understood: {damage}")
        hz, created = self.header or (0, 0)
        counters = [struct.unpack_from("<Q", payload, 40)[0] for items in self.items.values()
                    for _, is_block, _, payload in items if is_block and payload[7] & 1]
        self.time = TimeMap(self.pairs, hz, (min(counters, default=0), created, 0))

    def take(self, offset, kind, payload, is_cut):
        if kind == BLOCK:
            if len(payload) < BLOCK_HEADER_BYTES:
                raise Damage("a block without its header")
            blocks = [payload]
            if payload[4] == GROUP and not is_cut:
                try:
                    blocks = list(parts_as_blocks(payload))
                except (Damage, struct.error) as damage:
                    self.problems.report(offset, f"a group cannot be read: {damage}")
            for block in blocks:
                ring, position = struct.unpack_from("<I4xQ", block)
                self.items.setdefault(ring, []).append((position, 1, offset, block))
            self.last_block = None if is_cut else (offset, binascii.crc32(payload))
        elif is_cut:
            return
        elif kind == DICTIONARY:
            cursor = Cursor(payload)
            for site in cursor.elements(lambda: read_site(cursor)):
                if site["id"] < FIRST_SITE:
                    self.problems.report(offset, f"call site {site['id']} has a reserved id")
                elif self.sites.setdefault(site["id"], site) != site:
                    self.problems.report(offset, f"call site {site['id']} is stated twice")
        elif kind == THREAD:
            cursor = Cursor(payload)
            ring, os_id, name = cursor.varint(32), cursor.varint(64), cursor.text()
            if ring not in self.threads:
                self.threads[ring] = name or f"thread-{os_id}"
                before = cursor.varint(32) if cursor.left() else 0
                # A ring that continues another one belongs to what that one belongs to.
                self.chains[ring] = self.chains.get(before, before) if 0 < before < ring else ring
        elif kind == CLOCK:
            self.pairs.append(struct.unpack_from("<QqI", payload))
        elif kind == LOSS:
            ring, position = struct.unpack_from("<I4xQ", payload)
            self.items.setdefault(ring, []).append((position, 0, offset, payload))
        elif kind == VOLATILE:
            ring, state = struct.unpack_from("<IB", payload)
            if state in (3, 4):
                self.problems.report(offset, f"ring {ring} was lost with its writer")
        elif kind == HEADER:
            created, hz = struct.unpack_from("<32xq8xQ", payload)
            self.header = self.header or (hz, created)
        elif kind == SPANS:
            self.spans.take_marks(offset, payload)
        elif kind == CONTEXT:
            self.spans.take_context(offset, payload)
        elif kind == END:
            self.is_sealed = len(payload) >= 32
        elif kind == SUMMARY and self.last_block is not None:
            offset, crc = self.last_block
            summary = Summary(payload)
            if summary.block_crc == crc:
                self.summaries[offset] = summary

    def entries(self):
        """All records and loss statements, each as what is printed of it."""
        by_chain = lambda item: (self.chains.get(item[0], item[0]), item[0])
        self.spans.survey(self.blocks(), self.sites)
        for ring, items in sorted(self.items.items(), key=by_chain):
            following, lost = 0, [0] * 10
            for _, is_block, offset, payload in sorted(items):
                if not is_block:
                    counter, *totals = struct.unpack_from("<11Q", payload, 16)
                    if len(payload) >= 128:
                        following = yield from self.gone(ring, counter, payload, following)
                    yield from self.loss(ring, counter, totals, lost)
                    continue
                first = struct.unpack_from("<Q", payload, 24)[0]
                if first > following:
                    self.problems.report(offset, f"{first - following} records of ring {ring} are missing")
                self.spans.begin_block(ring, self.chains.get(ring, ring), offset, self.sites)
                try:
                    for number, record in enumerate(self.records(payload), first):
                        if number >= following:
                            following = number + 1
                            yield from self.entry(ring, offset, record, lost)
                except Damage as damage:
                    self.problems.report(offset, f"the block breaks off: {damage}")

    def blocks(self):
        """The records of each block, as far as they can be read."""
        for offset, payload in sorted(item[2:] for items in self.items.values() for item in items if item[1]):
            try:
                yield offset, list(self.records(payload))
            except Damage:
                pass  # It is reported when the entries are read.

    @staticmethod
    def records(payload):
        """Tag, kind of time (None: as the call site says), time, values, and whether they are packed."""
        encoding, codec, (count, length) = payload[4], payload[5], struct.unpack_from("<II", payload, 32)
        if encoding > 2:
            raise Damage(f"{count} records in unknown encoding {encoding}")
        try:
            body = decompress(codec, payload[BLOCK_HEADER_BYTES:], length)
        except Damage as damage:
            raise Damage(f"{damage}; {count} records") from None
        if encoding == 2:
            body = rows(body, count, len(payload) - BLOCK_HEADER_BYTES)
        bases = struct.unpack_from("<Q8xQ", payload, 40)
        records = packed_records(body, count, *bases) if encoding else raw_records(body, count)
        return ((*record, encoding > 0) for record in records)

    def entry(self, ring, offset, record, lost):
        tag, kind, time, values, is_packed = record
        if tag == LOSS_TAG:
            if len(values) < LOSS_BYTES:
                return self.problems.report(offset, "a loss statement is too short")
            return (yield from self.loss(ring, time, struct.unpack_from("<10Q", values), lost))
        site = self.sites.get(tag)
        if site is None:
            return self.problems.report(offset, f"a record of the unknown call site {tag}")
        try:
            cursor = Cursor(values, is_packed)
            values = [read_value(cursor, ty) for _, _, ty in site["slots"]]
            if cursor.left():
                raise Damage("bytes after the last value")
        except Damage as damage:
            return self.problems.report(offset, f"a record cannot be read: {damage}")
        if offset in self.summaries and not self.summaries[offset].has(tag, cursor.texts):
            self.problems.report(offset, f"the block's summary lacks what a record of call site {tag} has")
        flags, hidden = self.spans.event(site, tag)
        spans = self.spans.note(flags, hidden, values)
        is_unix = (site["time"] if kind is None else kind) == UNIX
        signed = time - (time >> 63 << 64)
        yield {
            "ring": ring,
            "thread": self.threads.get(ring),
            "level": site["level"],
            "target": site["target"],
            "time_raw": signed if is_unix else time,
            "unix_ns": signed if is_unix else self.time.unix_ns(time),
            "template": site["template"],
            **({"event": flags, "spans": spans} if self.spans.marks else {}),
            "names": [name for name, _, _ in site["slots"]],
            "values": values,
        }

    def gone(self, ring, counter, payload, following):
        first, count, why = struct.unpack_from("<QQB", payload, 104)
        missing = first + count - max(first, following)
        if count and missing > 0:
            yield {
                "ring": ring,
                "thread": self.threads.get(ring),
                "time_raw": counter,
                "unix_ns": self.time.unix_ns(counter),
                "gone": missing, "why": why,
            }
        return max(following, first + count) if count else following

    def loss(self, ring, counter, totals, lost):
        more = [max(now - before, 0) for now, before in zip(totals, lost)]
        lost[:] = map(sum, zip(lost, more))
        if any(more):
            yield {
                "ring": ring,
                "thread": self.threads.get(ring),
                "time_raw": counter,
                "unix_ns": self.time.unix_ns(counter),
                "lost_full": more[:5], "lost_too_large": more[5:],
            }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    sys.stdout.reconfigure(encoding="utf-8")
    problems = Problems()
    dump = Dump(data, problems)
    for entry in dump.entries():
        print(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
    if not dump.is_sealed:
        problems.report(len(data), "there is no end frame")
    sys.exit(3 if problems.found else 0)


if __name__ == "__main__":
    main()
