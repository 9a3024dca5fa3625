"""Programs that are built twice."""
import os, re, shutil, subprocess
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["main", "net", "ui", "log"]
# Name, what its tools begin with, flags, how it is linked.
FIXED, MOVABLE = ["-no-pie", "-fno-pie"], ["-fPIE", "-pie"]
TARGETS = [
    ("arm", "arm-linux-gnueabi", ["-O2"]),
    ("armv7", "arm-linux-gnueabihf", ["-marm", "-Os"]),
    ("thumb", "arm-linux-gnueabihf", ["-mthumb", "-O2"]),
    ("aarch64", "aarch64-linux-gnu", ["-O2"]),
    ("mips", "mips-linux-gnu", ["-O2"]),
    ("mipsel", "mipsel-linux-gnu", ["-Os"]),
    ("powerpc", "powerpc-linux-gnu", ["-O2"]),
    ("i686", "i686-linux-gnu", ["-O2"]),
    ("x86_64", "x86_64-linux-gnu", ["-O2"]),
]
LINKS = [("static", FIXED + ["-static"]), ("fixed", FIXED), ("movable", MOVABLE)]
# File, what stands there, what stands there then, the function it is in.
EDITS = [
    ("net", "counter++;", "counter += 3;", "net_init"),
    ("net", "12345u", "12347u", "read_sensor"),
    ("net", "*t==','", "*t==';'", "parse"),
    ("log", "lines>100", "lines>101", "log_close"),
    ("log", "if(n>8)", "if(n<8)", "alarm_raise"),
    ("ui", "return v*3;", "return v*5;", "act"),
    ("ui", "m>100.0", "m<=100.0", "ui_loop"),
    ("main", "argc > 2", "argc > 1", "main"),
    ("main", "net_init(host, 2404)", "net_init(host, 2405)", "main"),
    ("ui", "puts(\"ALARM\")", "perror(\"ALARM\")", "act"),
]
TEXTS = [
    ("net", "cannot connect to", "could not connect to", "net_init"),
    ("log", "/var/log/monitor.log", "/tmp/monitor.log", "open_log"),
    ("ui", "pump at %d", "pump is at %d", "act"),
]
ADDED = ("log", "int log_close(void)", "void hook(const char *t){ if(lines & 1) system(t); log_line(\"hook %s\", t); }\nint log_close(void)", "hook")
LOGGED = ("net", "counter++; return 0;", "counter++; log_line(\"connected to %s\", h); return 0;", "net_init")
INLINED = ("net", "int parse(const char*t)", "__attribute__((always_inline)) inline int parse(const char*t)", "read_sensor")

# Where compilers put functions that are called from one place.
INTO = {"open_log": ["log_line"]}


@dataclass
class Pair:
    """Two programs. `truth`: the functions that were changed or added in the source; `may`: those that the compiler made otherwise besides."""

    name: str
    target: str
    kind: str
    old: str
    new: str
    truth: list = field(default_factory=list)
    may: list = field(default_factory=list)
    words: str = ""
    symbols: str = ""
    before: str = ""

    def functions(self, path=""):
        """The functions of a program, the new one's if nothing else is said, by their first byte, as the linker's table of symbols has them: names and length."""
        listed = subprocess.run(["nm", "-S", "--defined-only", path or self.symbols or self.new], stdout=subprocess.PIPE, text=True, check=True).stdout
        functions = {}
        for row in listed.splitlines():
            row = row.split()
            if len(row) == 4 and row[2] in "tTwWiI" and int(row[1], 16):
                at, size = int(row[0], 16), int(row[1], 16)
                names, longest = functions.get(at & ~1 if self.target == "thumb" else at, ([], 0))
                functions[at & ~1 if self.target == "thumb" else at] = (names + [row[3]], max(size, longest))
        return functions


class Builder:
    def __init__(self, out, target, prefix, flags, link, link_flags):
        self.out, self.target, self.prefix, self.link = os.path.join(out, f"{target}-{link}"), target, prefix, link
        self.flags, self.link_flags, self.objects = flags, link_flags, {}
        os.makedirs(self.out, exist_ok=True)

    def object(self, name, text, flags=()):
        key = (text, *flags)
        if key not in self.objects:
            source, made = os.path.join(self.out, name + ".c"), os.path.join(self.out, name + ".o")
            with open(source, "w") as file:
                file.write(text)
            subprocess.run([*self.compiler(flags), "-c", source, "-o", made], check=True)
            self.objects[key] = made
        return self.objects[key]

    def compiler(self, flags):
        return [self.prefix + "-gcc", *self.flags, *self.link_flags, *flags, "-w", "-I", HERE + "/source"]

    def assembly(self, text):
        """What the compiler makes of each function, with texts in place of their labels and without the numbers that it gives to places."""
        made = subprocess.run([*self.compiler(()), "-S", "-x", "c", "-", "-o", "-"], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
        functions, name = {}, None
        texts = dict(re.findall(r"^(\S*LC\d+):\n\t\.(?:ascii|string)\t(.*)$", made, re.M))
        for row in made.splitlines():
            row = re.sub(r"\S*?LC\d+", lambda it: texts.get(it[0], it[0]), row) if not row.endswith(":") else row
            begins = re.match(r"([A-Za-z_][\w.]*):", row)
            if begins and f"{begins[1]}, " in made and f".type\t{begins[1]}, " in made:
                name = begins[1]
            if name:
                functions.setdefault(name, []).append(re.sub(r"\.?\$?L[A-Z]*\d+(\+\d+)?", "L", row))
            if row.startswith("\t.size\t"):
                name = None
        return functions

    def differing(self, file, edit):
        """The functions of a file that an edit makes other instructions of."""
        old, new = self.assembly(source(file)), self.assembly(source(file).replace(edit[1], edit[2]))
        return [name for name in new if old.get(name) != new[name]]

    def program(self, name, edit=None, order=FILES, pad=False, flags=(), link=()):
        objects = [self.object(f"{name}-pad", source("pad"))] if pad else []
        for file in order:
            text = source(file)
            if edit and edit[0] == file:
                assert edit[1] in text, edit
                text = text.replace(edit[1], edit[2])
            objects.append(self.object(f"{name}-{file}", text, flags))
        made = os.path.join(self.out, name)
        subprocess.run([self.prefix + "-gcc", *self.flags, *self.link_flags, *link, *objects, "-o", made], check=True)
        return made

    def stripped(self, path):
        made = path + ".stripped"
        subprocess.run([self.prefix + "-strip", "-o", made, path], check=True)
        return made


def source(name):
    with open(f"{HERE}/source/{name}.c") as file:
        return file.read()


def batches(out, only):
    """All pairs, each with its symbols and stripped; those of one processor and way to link together, as their files are removed behind them."""
    for target, prefix, flags in TARGETS:
        if only and only != target:
            continue
        for link, link_flags in LINKS:
            builder = Builder(out, target, prefix, flags, link, link_flags)
            batch = []
            for kind, name, old, new, truth, may in of_one(builder):
                full = f"{target}-{link} {name}"
                batch.append(Pair(full, target, kind, old, new, truth, may, before=old))
                batch.append(Pair(full + " stripped", target, kind, builder.stripped(old), builder.stripped(new), truth, may, symbols=new, before=old))
            base = builder.program("base")
            batch.append(Pair(f"{target}-{link} stripped", target, "harmless", base, builder.stripped(base), words="stripped", symbols=base, before=base))
            other = builder.program("build-id", link=["-Wl,--build-id=0x0123456789abcdef"])
            plain = builder.program("build-id-0", link=["-Wl,--build-id=0xfedcba9876543210"])
            batch.append(Pair(f"{target}-{link} build id", target, "harmless", plain, other, words="build id", before=plain))
            yield batch
            shutil.rmtree(builder.out)


def of_one(builder):
    base = builder.program("base")
    yield "relinked", "other order", base, builder.program("order", order=FILES[::-1]), [], []
    address = ["-Wl,-Ttext-segment=0x1230000"] if builder.link != "movable" else []
    yield "relinked", "other address", base, builder.program("address", link=address), [], []
    yield "relinked", "behind another object", base, builder.program("pad", pad=True, link=["-Wl,-u,pad_two"]), ["pad_one", "pad_two"], []
    edits = [("changed", f"{edit[1]} -> {edit[2]}", f"edit{number}", edit) for number, edit in enumerate(EDITS + TEXTS)]
    edits += [("changed", "a function more", "added", ADDED), ("changed", "a function inlined", "inlined", INLINED), ("logged", "a log line more", "logged", LOGGED)]
    for kind, words, name, edit in edits:
        truth = sorted({edit[3], *builder.differing(edit[0], edit)})
        yield kind, words, base, builder.program(name, edit), truth, INTO.get(edit[3], [])


def debian(out):
    """Neighbouring versions of real packages, as far as the mirror has them: programs of the same name."""
    os.makedirs(out, exist_ok=True)
    for package, program in (("dropbear-bin", "usr/sbin/dropbear"), ("busybox", "bin/busybox"), ("curl", "usr/bin/curl"), ("libcurl4", None)):
        listed = subprocess.run(["apt-cache", "madison", package], stdout=subprocess.PIPE, text=True).stdout
        versions = list(dict.fromkeys(row.split("|")[1].strip() for row in listed.splitlines()))
        made = []
        for version in versions[:2]:
            folder = os.path.join(out, f"{package}_{version}".replace(":", "_"))
            os.makedirs(folder, exist_ok=True)
            if subprocess.run(["apt-get", "-qq", "download", f"{package}={version}"], cwd=folder, stderr=subprocess.DEVNULL).returncode:
                continue
            deb = next(name for name in os.listdir(folder) if name.endswith(".deb"))
            subprocess.run(["dpkg-deb", "-x", os.path.join(folder, deb), folder], check=True)
            for root, _, names in os.walk(folder):
                wanted = program and os.path.join(root, os.path.basename(program)) or None
                for name in names:
                    path = os.path.join(root, name)
                    if path == wanted or program is None and ".so." in name and not os.path.islink(path):
                        made.append((version, path))
        if len(made) >= 2:
            (one, old), (other, new) = made[1], made[0]
            yield old, new, f"{package} {one} -> {other}"
