"""What a patcher must know of each processor: how a call and a jump to an address are encoded, and how foreign code is made to fit a place."""
import os, re, struct, subprocess

FLAGS = {"mips": ["-mno-abicalls", "-G0"], "mipsel": ["-mno-abicalls", "-G0"]}
SCRIPT = "SECTIONS {{ . = {address}; .text : {{ *(.text.first) *(.text*) *(.rodata*) }} /DISCARD/ : {{ *(.*) }} }}\n"


def call(target, at, to):
    """The bytes of a call at one address to another one."""
    name = target.name
    if name in ("arm", "armv7"):
        return struct.pack("<I", 0xEB000000 | (to - at - 8 >> 2) & 0xFFFFFF)
    if name == "thumb":
        return thumb_call(to - at - 4)
    if name == "aarch64":
        return struct.pack("<I", 0x94000000 | (to - at >> 2) & 0x3FFFFFF)
    if name in ("mips", "mipsel"):
        return struct.pack(">I" if name == "mips" else "<I", 0x0C000000 | to >> 2 & 0x3FFFFFF)
    if name == "powerpc":
        return struct.pack(">I", 0x48000001 | to - at & 0x3FFFFFC)
    return b"\xe8" + struct.pack("<i", to - at - 5)


def thumb_call(distance):
    sign, one, two = distance >> 24 & 1, distance >> 23 & 1, distance >> 22 & 1
    first = 0xF000 | sign << 10 | distance >> 12 & 0x3FF
    second = 0xD000 | (one ^ sign ^ 1) << 13 | (two ^ sign ^ 1) << 11 | distance >> 1 & 0x7FF
    return struct.pack("<HH", first, second)


def jump(target, at, to):
    """The bytes of a jump; for Thumb it stands in ARM code and goes to Thumb code."""
    name = target.name
    if name in ("arm", "armv7"):
        return struct.pack("<I", 0xEA000000 | (to - at - 8 >> 2) & 0xFFFFFF)
    if name == "thumb":
        return struct.pack("<II", 0xE51FF004, to | 1)
    if name == "aarch64":
        return struct.pack("<I", 0x14000000 | (to - at >> 2) & 0x3FFFFFF)
    if name in ("mips", "mipsel"):
        return struct.pack(">II" if name == "mips" else "<II", 0x08000000 | to >> 2 & 0x3FFFFFF, 0)
    if name == "powerpc":
        return struct.pack(">I", 0x48000000 | to - at & 0x3FFFFFC)
    return b"\xe9" + struct.pack("<i", to - at - 5)


def pointer_to(target, address):
    """A pointer to code as the processor wants it."""
    return address | 1 if target.name == "thumb" else address


class Listing:
    """What objdump and readelf say of a program with symbols."""

    def __init__(self, target, path):
        self.target = target
        text = output([target.prefix + "-objdump", "-d", path])
        self.labels = {name: int(at, 16) for at, name in re.findall(r"^([0-9a-f]+) <([^>]+)>:$", text, re.M)}
        main = re.search(r"^[0-9a-f]+ <main>:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)[1]
        self.calls = {}
        for at, name in re.findall(r"^\s*([0-9a-f]+):\s.*?\b(?:bl|blx|jal|call)\s+[0-9a-fx]+ <([^>]+)>", main, re.M):
            self.calls.setdefault(name, int(at, 16))
        symbols = output([target.prefix + "-nm", "-S", path])
        self.symbols = {name: (int(at, 16), int(size, 16)) for at, size, name in re.findall(r"^([0-9a-f]+) ([0-9a-f]+) \w (\w+)$", symbols, re.M)}
        slots = output([target.prefix + "-readelf", "-rW", path])
        self.slots = {name: int(at, 16) for at, name in re.findall(r"^([0-9a-f]+)\s.*JU?MP_SLOT.*\s(\w+)@", slots, re.M)}
        sections = output([target.prefix + "-readelf", "-SW", path])
        self.sections = {name: int(at, 16) for name, at in re.findall(r"\] (\.\S+)\s+\S+\s+([0-9a-f]+)", sections)}


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def assemble(target, work, text, address, known):
    """The bytes of C code for an address: its first function is `payload`, and `known` are addresses of code and data of the program."""
    base = os.path.join(work, "payload")
    lines = []
    for name, (at, is_code) in known.items():
        lines += [f".globl {name}", f".type {name}, {'%function' if is_code else '%object'}", f".set {name}, {at:#x}"]
    for ending, content in ((".c", text), ("-known.s", "\n".join(lines) + "\n"), (".ld", SCRIPT.format(address=hex(address)))):
        with open(base + ending, "w") as file:
            file.write(content)
    subprocess.run([target.gcc, *target.flags, *FLAGS.get(target.name, []), "-w", "-Os", "-ffreestanding", "-fno-pic", "-fno-pie", "-no-pie",
                    "-static", "-nostdlib", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-exceptions", "-fcf-protection=none"
                    if target.name in ("i686", "x86_64") else "-fno-exceptions", "-Wl,--build-id=none", "-T", base + ".ld", "-Wl,-e,payload",
                    base + ".c", base + "-known.s", "-o", base + ".elf"], check=True, capture_output=True)
    subprocess.run([target.prefix + "-objcopy", "-O", "binary", "-j", ".text", base + ".elf", base + ".bin"], check=True)
    with open(base + ".bin", "rb") as file:
        return file.read()
