"""Spans of Stenolog dumps: section 16 of FORMAT.md.

What the contexts state is not needed to read a whole file, so here it is compared with what the blocks say.
"""

from steno_values import Cursor, Damage, read_value

NEW, ENTER, EXIT, CLOSE, RECORD, FOLLOWS, OF = (1 << bit for bit in range(7))
HIDDEN = {
    NEW: "id other", NEW | ENTER: "id other depth", ENTER: "id depth", EXIT: "id depth", EXIT | CLOSE: "id depth",
    CLOSE: "id", RECORD: "id", FOLLOWS: "id other", OF: "id",
}
U64, COUNT, MAX_STACK = ("u64",), "count", 4096


class Spans:
    def __init__(self, problems):
        self.problems = problems
        self.marks, self.contexts, self.marked_at = {}, {}, None
        # By id: where its `new` is, its parent, its name, what its fields are; and where it ends.
        self.begun, self.ended = {}, {}
        self.stacks, self.block = {}, None

    def take_marks(self, offset, payload):
        cursor = Cursor(payload)
        if self.marked_at is None:
            self.marked_at = offset
        for _ in range(cursor.varint(64)):
            site, flags = cursor.varint(32), cursor.varint(64)
            self.marks.setdefault(site, flags)

    def take_context(self, offset, payload):
        cursor, parts, spans = Cursor(payload), {}, {}
        for _ in range(cursor.varint(64)):
            ring, depth = cursor.varint(32), cursor.varint(64)
            if depth > MAX_STACK:
                raise Damage(f"a stack of {depth} spans")
            parts[ring] = [cursor.varint(64) for _ in range(depth)]
        for _ in range(cursor.varint(64)):
            span, parent, new = cursor.varint(64), cursor.varint(64), self.values(cursor)
            spans[span] = parent, *new, [self.values(cursor) for _ in range(cursor.varint(64))]
        # It is of the frame that begins where this one ends.
        end = offset + 24 + len(payload)
        self.contexts[end + -end % 8] = parts, spans

    @staticmethod
    def values(cursor):
        return cursor.varint(32), cursor.take(cursor.varint(64))

    def event(self, site, tag):
        """The flags and the names of the hidden words of a call site's records."""
        hidden = HIDDEN.get(self.marks.get(tag), "").split()
        slots = site["slots"][:len(hidden)]
        if not hidden or len(slots) < len(hidden) or any(slot[:2] != ("", COUNT) or slot[2] != U64 for slot in slots):
            return 0, []
        return self.marks[tag], hidden

    def survey(self, blocks, sites):
        """Where all spans begin and end. A block is its offset and its records."""
        for offset, records in blocks if self.marks else []:
            for tag, _, _, values, is_packed in records:
                flags, hidden = self.event(sites[tag], tag) if tag in sites else (0, [])
                cursor = Cursor(values, is_packed)
                try:
                    words = {name: read_value(cursor, U64) for name in hidden}
                    if flags & NEW:
                        fields = [read_value(cursor, ty) for _, _, ty in sites[tag]["slots"][len(hidden):]]
                        name = (sites[tag]["template"] or "").replace("{{", "{").replace("}}", "}")
                        self.begun[words["id"]] = offset, words["other"], name, tag, fields
                    if flags & CLOSE:
                        self.ended[words["id"]] = offset
                except Damage:
                    pass  # It is reported when the entries are read.

    def begin_block(self, ring, chain, offset, sites):
        """Compares the context of a block with what the blocks before it say."""
        self.stack, self.block = self.stacks.setdefault(chain, []), None
        if offset not in self.contexts:
            if self.marks and offset > self.marked_at:
                self.problems.report(offset, "a block has no context")
            return
        parts, spans = self.contexts[offset]
        if parts.get(ring) != self.stack:
            self.problems.report(offset, f"the context has the stack {parts.get(ring)}, not {self.stack}")
        for span, (parent, tag, values, _) in spans.items():
            begun = self.begun.get(span)
            cursor, site = Cursor(values, True), sites.get(tag)
            hidden = self.event(site, tag)[1] if site else []
            fields = site and [read_value(cursor, ty) for _, _, ty in site["slots"][len(hidden):]]
            if begun and (parent, tag, fields) != (begun[1], begun[3], begun[4]):
                self.problems.report(offset, f"the context has another span {span} than the blocks")
        self.block = offset, spans
        for span in self.stack:
            self.need(span)

    def need(self, span):
        """Notes that the block needs a span: its context must define what does not begin in the block."""
        offset, spans = self.block or (0, {})
        child_at = None
        while self.block and span in self.begun:
            at, parent, *_ = self.begun[span]
            end = self.ended.get(span, offset)
            # After its end it is known in its children.
            is_known = offset <= end or child_at is not None and child_at <= end
            if at < offset and is_known and span not in spans:
                self.problems.report(offset, f"the context lacks span {span}")
            child_at = at if is_known else None
            span = parent

    def note(self, flags, hidden, values):
        """Takes a record in the order of its ring, and returns its enclosing spans, outermost first."""
        words = dict(zip(hidden, values))
        span = words.get("id", 0)
        if hidden:
            self.need(span)
        if flags & FOLLOWS:
            self.need(words["other"])
        if flags & ENTER:
            self.heal(max(words["depth"] - 1, 0))
            if len(self.stack) < MAX_STACK:
                self.stack.append(span)
        inner = span if hidden else self.stack[-1] if self.stack else 0
        if flags & EXIT:
            if span in self.stack:
                at = len(self.stack) - 1 - self.stack[::-1].index(span)
                del self.stack[at]
            self.heal(words["depth"])
        path = []
        while inner and len(path) < MAX_STACK:
            begun = self.begun.get(inner)
            path.append({"id": inner, "name": begun[2] if begun else None})
            inner = begun[1] if begun else 0
        return path[::-1]

    def heal(self, depth):
        depth = min(depth, MAX_STACK)
        del self.stack[depth:]
        self.stack += [0] * (depth - len(self.stack))
