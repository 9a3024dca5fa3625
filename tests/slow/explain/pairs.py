"""Programs that are built twice."""
import os, shutil, subprocess
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["main", "net", "ui", "log"]
# Name, what its tools begin with, flags, how it is linked.
FIXED, MOVABLE = ["-no-pie", "-fno-pie"], ["-fPIE", "-pie"]
TARGETS = [
    ("arm", "arm-linux-gnueabihf", ["-marm", "-Os"]),
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
INLINED = ("net", "int parse(const char*t)", "__attribute__((always_inline)) inline int parse(const char*t)", "read_sensor")


@dataclass
class Pair:
    name: str
    target: str
    kind: str
    old: str
    new: str
    truth: list = field(default_factory=list)
    named: bool = True
    words: str = ""


class Builder:
    def __init__(self, out, target, prefix, flags, link, link_flags):
        self.out, self.target, self.prefix, self.link = os.path.join(out, f"{target}-{link}"), target, prefix, link
        self.flags, self.link_flags = flags, link_flags
        os.makedirs(self.out, exist_ok=True)

    def object(self, name, text, flags=()):
        source, made = os.path.join(self.out, name + ".c"), os.path.join(self.out, name + ".o")
        with open(source, "w") as file:
            file.write(text)
        command = [self.prefix + "-gcc", *self.flags, *self.link_flags, *flags, "-I", HERE + "/source", "-c", source, "-o", made]
        subprocess.run(command, check=True)
        return made

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


def pairs(out, only):
    """All pairs, each with its symbols and stripped."""
    for target, prefix, flags in TARGETS:
        if only and only != target:
            continue
        for link, link_flags in LINKS:
            builder = Builder(out, target, prefix, flags, link, link_flags)
            for kind, name, old, new, truth in of_one(builder):
                full = f"{target}-{link} {name}"
                yield Pair(full, target, kind, old, new, truth)
                yield Pair(full + " stripped", target, kind, builder.stripped(old), builder.stripped(new), truth, named=False)
            base = builder.program("base")
            yield Pair(f"{target}-{link} stripped", target, "harmless", base, builder.stripped(base), words="stripped")
            other = builder.program("build-id", link=["-Wl,--build-id=0x0123456789abcdef"])
            plain = builder.program("build-id-0", link=["-Wl,--build-id=0xfedcba9876543210"])
            yield Pair(f"{target}-{link} build id", target, "harmless", plain, other, words="build id")
            shutil.rmtree(builder.out)


def of_one(builder):
    base = builder.program("base")
    yield "relinked", "other order", base, builder.program("order", order=FILES[::-1]), []
    address = ["-Wl,-Ttext-segment=0x1230000"] if builder.link != "movable" else []
    yield "shifted", "other address", base, builder.program("address", link=address), []
    yield "shifted", "behind another object", base, builder.program("pad", pad=True, link=["-Wl,-u,pad_two"]), ["pad_one", "pad_two"]
    for number, edit in enumerate(EDITS + TEXTS):
        yield "changed", f"{edit[1]} -> {edit[2]}", base, builder.program(f"edit{number}", edit), [edit[3]]
    yield "added", "a function more", base, builder.program("added", ADDED), ["hook"]
    yield "inlined", "a function inlined", base, builder.program("inlined", INLINED), ["read_sensor"]


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
