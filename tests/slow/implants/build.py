"""Builds the corpus: writes the sources, compiles them, patches, lays the cases out and writes `truth.tsv` beside them.

Debian packages: gcc, libc6-dev, make, musl-dev, gcc-arm-linux-gnueabi, gcc-arm-linux-gnueabihf, gcc-aarch64-linux-gnu, gcc-mips-linux-gnu,
gcc-mipsel-linux-gnu, gcc-powerpc-linux-gnu, gcc-i686-linux-gnu, with the libc6-dev-*-cross package of each (armel, armhf, arm64, mips, mipsel,
powerpc, i386). musl (musl and musl-dev of each processor that has them) and uClibc (uclibc-source, built for arm, mips and powerpc) are
fetched by apt and kept where --libraries says."""
import concurrent.futures, os, shutil, subprocess, tempfile

import patches, plan, shell, source
from targets import Libraries
from words import Words


class Builder:
    def __init__(self, out, seed, libraries):
        self.out, self.seed, self.rows, self.failed = os.path.abspath(out), seed, [], []
        self.libraries = Libraries(libraries)
        self.failed += self.libraries.missing
        self.work = tempfile.mkdtemp()

    def compile(self, target, libc, text, path, flags):
        """Compiles one file; an error says what gcc said."""
        file = os.path.join(self.work, path.replace("/", "_") + ".c")
        with open(file, "w") as out:
            out.write(text)
        command = [target.gcc, *target.flags, "-w", "-std=gnu11", file, "-o", os.path.join(self.out, path)]
        if libc != "glibc":
            command += ["-specs", self.libraries.specs[target.name, libc], "-fno-stack-protector"]
        done = subprocess.run(command + flags, capture_output=True, text=True, check=False)
        os.remove(file)
        if done.returncode:
            raise RuntimeError(next((line for line in done.stderr.splitlines() if "error" in line or "undefined" in line), "gcc failed"))
        os.chmod(os.path.join(self.out, path), 0o644)

    def case(self, case):
        words = Words(case.lot, published=case.kind.name == "several-calls" and case.target.name == "arm" and case.linking == "dynamic")
        path = case.path
        if case.kind.tree:
            path = self.tree(case, words)
        made = case.kind.make(words)
        text = source.whole(made, words, settings="read_setting(" in made.body)
        flags = ["-" + case.level]
        if case.library:
            flags += ["-shared", "-fPIC"]
        elif case.linking == "static":
            flags += ["-static", "-no-pie", "-fno-pie"]
        elif case.libc != "glibc" or case.lot.random() < 0.5:
            flags += ["-no-pie", "-fno-pie"]
        if case.libc == "glibc" and case.level == "O2" and case.lot.random() < 0.4:
            flags += ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"]
        if case.target.wide_pages and case.lot.random() < 0.6:
            flags += ["-Wl,-z,max-page-size=4096"]
        if case.stripped:
            flags += ["-s"]
        links = [] if case.libc == "musl" else list(made.links)
        self.compile(case.target, case.libc, text, path, flags + links)
        return case.row(address=words.address if case.kind.encoding != "-" else "-")

    def tree(self, case, words):
        """The tree of a program that starts a script, and of what starts the program; returns where the program belongs."""
        root, program = os.path.join(self.out, case.path), words.target
        words.script = f"{case.lot.choice(('/opt/etc', '/etc/monitor', words.folder))}/{case.lot.choice(('update', 'sync', 'net'))}.sh"
        write(root + words.script, shell.script(words))
        write(root + "/etc/init.d/S90" + words.program, shell.start_script(program))
        os.makedirs(os.path.dirname(root + program), exist_ok=True)
        return case.path + program

    def attempt(self, case):
        try:
            return self.case(case)
        except RuntimeError as error:
            if case.libc == "glibc":
                self.failed.append(f"{case.name}: {error}")
                return None
            self.failed.append(f"{case.name}: {error}; built with glibc instead")
            again = plan.Case(case.kind, case.target, case.linking, "glibc", case.level, case.stripped, self.seed)
            return self.attempt(again)

    def build(self, wanted=lambda case: True):
        for folder in ("files/opt/bin", "files/opt/lib", "trees"):
            os.makedirs(os.path.join(self.out, folder), exist_ok=True)
        chosen = [case for case in plan.cases(self.seed, self.libraries.specs) if wanted(case)]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.rows += [row for row in pool.map(self.attempt, chosen) if row]
        self.rows += patches.build(self, wanted)
        shutil.rmtree(self.work)
        write_table(os.path.join(self.out, "truth.tsv"), self.rows)
        return self


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o644)


def write_table(path, rows):
    lines = ["\t".join(plan.COLUMNS)] + ["\t".join(row[column] for column in plan.COLUMNS) for row in rows]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def read_table(path):
    with open(path) as file:
        columns, *rows = [line.rstrip("\n").split("\t") for line in file]
    return [dict(zip(columns, row)) for row in rows]
