"""Just enough of ELF to change a file in place: segments, the dynamic section, and bytes by their address."""
import struct


class Segment:
    def __init__(self, at, kind, flags, offset, address, size, in_memory, align):
        self.at, self.kind, self.flags, self.offset, self.address, self.size = at, kind, flags, offset, address, size
        self.in_memory, self.align = in_memory, align


LOAD, DYNAMIC, INTERP, NOTE = 1, 2, 3, 4
NEEDED, STRTAB, STRSZ, DEBUG, RUNPATH = 1, 5, 10, 21, 29


class Elf:
    def __init__(self, data):
        self.data = bytearray(data)
        self.wide, self.order = data[4] == 2, "<" if data[5] == 1 else ">"
        self.word = self.order + ("Q" if self.wide else "I")
        table, = struct.unpack_from(self.word, data, 32 if self.wide else 28)
        step, count = struct.unpack_from(self.order + "HH", data, 54 if self.wide else 42)
        self.segments = [self.segment(table + number * step) for number in range(count)]

    def segment(self, at):
        if self.wide:
            kind, flags, offset, address, _, size, in_memory, align = struct.unpack_from(self.order + "IIQQQQQQ", self.data, at)
        else:
            kind, offset, address, _, size, in_memory, flags, align = struct.unpack_from(self.order + "IIIIIIII", self.data, at)
        return Segment(at, kind, flags, offset, address, size, in_memory, align)

    def store(self, one):
        """Writes a segment's header back."""
        if self.wide:
            fields = one.kind, one.flags, one.offset, one.address, one.address, one.size, one.in_memory, one.align
            struct.pack_into(self.order + "IIQQQQQQ", self.data, one.at, *fields)
        else:
            fields = one.kind, one.offset, one.address, one.address, one.size, one.in_memory, one.flags, one.align
            struct.pack_into(self.order + "IIIIIIII", self.data, one.at, *fields)

    def first(self, kind):
        return next(one for one in self.segments if one.kind == kind)

    def holding(self, address):
        """The loaded segment that has this address."""
        return next(one for one in self.segments if one.kind == LOAD and one.address <= address < one.address + one.in_memory)

    def offset(self, address):
        one = self.holding(address)
        return address - one.address + one.offset

    def put(self, address, data):
        at = self.offset(address)
        self.data[at:at + len(data)] = data

    def pointer(self, value):
        return struct.pack(self.word, value)

    def slack(self, one):
        """Bytes behind a segment that belong to nothing: its new end address, and how many there are."""
        size = (-one.size) % 8
        end = one.offset + one.size
        later = [other.offset for other in self.segments if other.kind == LOAD and other.offset >= end]
        above = [other.address - other.address % 0x1000 for other in self.segments if other.kind == LOAD and other.address > one.address]
        limit = min(min(later, default=len(self.data)) - end, min(above, default=1 << 62) - one.address - one.size)
        return one.address + one.size + size, limit - size

    def grow(self, one, data):
        """Puts bytes into the slack behind a segment and lets the segment reach over them. Returns their address."""
        address, room = self.slack(one)
        if len(data) > room:
            raise ValueError(f"{len(data)} bytes do not fit into {room} of slack")
        one.size = one.in_memory = address - one.address + len(data)
        self.store(one)
        self.put(address, data)
        return address

    def append(self, data):
        """Turns the first note into a loaded segment that holds bytes behind the file. Returns their address."""
        one = self.first(NOTE)
        self.data += bytes(-len(self.data) % 16)
        top = max(other.address + other.in_memory for other in self.segments if other.kind == LOAD)
        page = 0x10000
        one.kind, one.flags, one.align = LOAD, 5, page
        one.offset = len(self.data)
        one.address = (top // page + 2) * page + one.offset % page
        one.size = one.in_memory = len(data)
        self.data += data
        self.store(one)
        return one.address

    def next_address(self):
        """Where `append` would put its bytes."""
        copy = Elf(bytes(self.data))
        return copy.append(b"")

    def dynamic(self):
        """(offset of the entry, tag, value) of each entry, those behind the end too."""
        one, step = self.first(DYNAMIC), struct.calcsize(self.word) * 2
        for at in range(one.offset, one.offset + one.size, step):
            yield (at, *struct.unpack_from(self.word + self.word[1], self.data, at))

    def set_dynamic(self, at, tag, value):
        struct.pack_into(self.word + self.word[1], self.data, at, tag, value)

    def add_dynamic(self, tag, text):
        """Adds an entry that names a text, in place of the debugger's or of a spare one; the text lies in slack."""
        entries = list(self.dynamic())
        table = next(value for _, kind, value in entries if kind == STRTAB)
        address = self.grow(self.holding(table), text.encode() + b"\0")
        size_at = next(at for at, kind, _ in entries if kind == STRSZ)
        self.set_dynamic(size_at, STRSZ, address - table + len(text) + 1)
        # A spare entry must be followed by an end.
        spare = [at for at, kind, _ in entries if kind == 0]
        at = next((at for at, kind, _ in entries if kind == DEBUG), None) if len(spare) < 2 else spare[0]
        if at is None:
            raise ValueError("no room for a dynamic entry")
        self.set_dynamic(at, tag, address - table)
