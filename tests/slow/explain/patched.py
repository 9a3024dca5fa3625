"""Finished programs that are changed in place: the techniques of tests/slow/implants/patches.py, and some that need no code of their own."""
import os, random, struct, subprocess, sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../implants"))
import elf, machine, patches
from targets import TARGETS
from words import Words

# What the explanation must say.
WORDS = {
    "slack": r"stand in no section|which no known function has",
    "dead-function": r"(function|self_test).* is changed",
    "segment": r"segments are loaded instead of",
    "plt": r"linkage table.* other instructions|the same instructions, but calls other functions",
    "got": r"leads to code of the program|leads to executable bytes",
    "init-array": r"the loader calls .* which is new",
    "needed": r"it needs .*, which the expected one did not",
    "runpath": r"it looks for libraries in",
    "interpreter": r"it asks for another loader",
    "bypass": r"is changed",
    "call": r"the same instructions, but calls other functions",
    "text": r"uses other texts or constants|its data differs in",
    "data": r"its data differs in",
    "overlay": r"bytes stand behind the end",
    "headers": r"its table of sections was removed",
    "entry": r"execution starts elsewhere",
    "writable": r"writable and executable",
}
# A branch under a condition becomes one that is never or always taken: the bits that differ.
BYPASS = {
    "arm": [("<I", 0xFF000000, 0x0A000000, 0xE1A00000), ("<I", 0xFF000000, 0x1A000000, 0xE1A00000)],
    "aarch64": [("<I", 0xFF000010, 0x54000000, 0xD503201F), ("<I", 0x7F000000, 0x35000000, 0xD503201F), ("<I", 0x7F000000, 0x34000000, 0xD503201F)],
    "mips": [(">I", 0xFC000000, 0x14000000, 0), (">I", 0xFC000000, 0x10000000, 0)],
    "mipsel": [("<I", 0xFC000000, 0x14000000, 0), ("<I", 0xFC000000, 0x10000000, 0)],
    "powerpc": [(">I", 0xFC000003, 0x40000000, 0x60000000)],
}


@dataclass
class Case:
    name: str
    old: str
    new: str
    words: str


class Builder:
    """Compiles with the cross compilers and their own C library."""

    def __init__(self, out):
        self.out, self.seed, self.failed = out, 1, []

    def compile(self, target, _libc, text, path, flags):
        full = os.path.join(self.out, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full + ".c", "w") as file:
            file.write(text)
        subprocess.run([target.gcc, *target.flags, "-w", *flags, full + ".c", "-o", full], check=True)


def cases(out, only):
    """All of them, on programs with their symbols and stripped."""
    builder = Builder(out)
    for target in TARGETS:
        if only and only != target.name:
            continue
        for level, stripped in (("O2", False), ("O2", True)):
            original = patches.Original(builder, target, level, stripped)
            old = os.path.join(builder.out, original.path)
            for technique in WORDS:
                name = f"{target.name} {technique}{' stripped' if stripped else ''}"
                words = Words(random.Random(name))
                try:
                    if technique in patches.TECHNIQUES:
                        data = patches.Patcher(original, technique, words).elf.data
                    else:
                        data = globals()[technique](original)
                except (RuntimeError, ValueError, KeyError, StopIteration, subprocess.CalledProcessError) as error:
                    print(f"{name}: not made: {error!r}")
                    continue
                if data is None:
                    continue
                new = f"{out}/{name.replace(' ', '-')}"
                with open(new, "wb") as file:
                    file.write(bytes(data))
                yield Case(name, old, new, WORDS[technique])


def bypass(original):
    one = elf.Elf(original.data)
    start, size = original.listing.symbols["rotate_log"]
    start &= ~1
    at = one.offset(start)
    name = original.target.name
    if name == "thumb":
        for place in range(at, at + size, 2):
            half, = struct.unpack_from("<H", one.data, place)
            if half & 0xF500 == 0xB100 or half & 0xFE00 == 0xD000:
                struct.pack_into("<H", one.data, place, 0xBF00)
                return one.data
        raise ValueError("no branch under a condition")
    if name in ("i686", "x86_64"):
        for place in range(at, at + size):
            if one.data[place] in (0x74, 0x75) and one.data[place - 2] == 0x85:
                one.data[place] ^= 1
                return one.data
        raise ValueError("no branch under a condition")
    for place in range(at, at + size, 4):
        for form, mask, bits, instead in BYPASS["arm" if name == "armv7" else name]:
            word, = struct.unpack_from(form, one.data, place)
            if word & mask == bits:
                struct.pack_into(form, one.data, place, instead)
                return one.data
    raise ValueError("no branch under a condition")


def call(original):
    """A call goes to another function of the program."""
    one = elf.Elf(original.data)
    at, to = original.listing.calls["tick"], original.listing.symbols["self_test"][0]
    one.put(at, machine.call(original.target, at, to))
    return one.data


def text(original):
    data = bytearray(original.data)
    at = data.index(b"logrotate /etc/logrotate.conf")
    data[at:at + 9] = b"telnetd\0\0"
    return data


def data(original):
    """A constant that no instruction holds: the switch of the program's own, or what .data begins with."""
    one = bytearray(original.data)
    sections = original.listing.sections
    at = elf.Elf(original.data).offset(sections[".data"])
    one[at] ^= 0x55
    return one


def overlay(original):
    return bytearray(original.data) + b"PK\3\4" + bytes(range(256))


def headers(original):
    one = elf.Elf(original.data)
    struct.pack_into(one.word, one.data, 40 if one.wide else 32, 0)
    struct.pack_into(one.order + "HH", one.data, 60 if one.wide else 48, 0, 0)
    return one.data


def entry(original):
    one = elf.Elf(original.data)
    to = original.listing.symbols["self_test"][0]
    struct.pack_into(one.word, one.data, 24, to | (1 if original.target.name == "thumb" else 0))
    return one.data


def writable(original):
    one = elf.Elf(original.data)
    code = one.holding(original.listing.labels["main"])
    code.flags |= 2
    one.store(code)
    return one.data
