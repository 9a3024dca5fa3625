"""Which cases there are: every technique meets every processor, all three levels of optimisation, stripped and not, dynamic and static."""
import random

import addresses, behaviours, chain, twins
from targets import TARGETS

LEVELS = ("O0", "O2", "Os")
COLUMNS = ("case", "group", "architecture", "libc", "linking", "optimisation", "stripped", "technique", "encoding", "expect", "changed", "beside", "address")


class Kind:
    """A technique: what writes its source, and how often it is linked statically."""

    def __init__(self, group, technique, encoding, make, expect, static=2, everywhere=True, tree=False):
        self.group, self.technique, self.encoding, self.make, self.expect = group, technique, encoding, make, expect
        self.static, self.everywhere, self.tree = static, everywhere, tree
        self.name = technique + (f"-{encoding}" if group == "encoding" else "")


class Case:
    """One program of a kind for one processor."""

    def __init__(self, kind, target, linking, libc, level, stripped, seed):
        self.kind, self.target, self.linking, self.libc, self.level, self.stripped = kind, target, linking, libc, level, stripped
        self.library = kind.technique == "library"
        flag = "stripped" if stripped else "symbols"
        self.name = f"{kind.name}_{target.name}_{libc}_{linking}_{level}_{flag}" + (".so" if self.library else "")
        self.lot = random.Random(f"{seed}/{self.name}")
        self.path = f"trees/{self.name}" if kind.tree else f"files/opt/{'lib' if self.library else 'bin'}/{self.name}"

    def row(self, **more):
        kind = self.kind
        row = {
            "case": self.path, "group": kind.group, "architecture": self.target.name, "libc": self.libc, "linking": self.linking,
            "optimisation": self.level, "stripped": "yes" if self.stripped else "no", "technique": kind.technique,
            "encoding": kind.encoding, "expect": kind.expect, "changed": "-", "beside": "-", "address": "-",
        }
        row.update(more)
        return row


def kinds():
    found = []
    for name, make in chain.TECHNIQUES.items():
        encoding = "xor1" if name == "text-xor1" else "text"
        found.append(Kind("chain", name, encoding, make, "known-risk", static=0 if name == "library" else 2))
    found.append(Kind("chain", "started-script", "text", chain.starts_script, "known-risk", static=0, tree=True))
    for number, name in enumerate(addresses.ENCODINGS):
        # The two uses take turns, so that each encoding has both on about half of the processors.
        for use, make in (("mount", addresses.for_mount(name)), ("connection", addresses.for_connection(name))):
            kind = Kind("encoding", use, name, make, "known-risk", everywhere=False)
            kind.turn = (number + (use == "mount")) % 2
            found.append(kind)
    for name, (make, expect) in behaviours.BEHAVIOURS.items():
        # What is for somebody to look at is kept rarer: the goal for known risk counts these files, too.
        static = 0 if name == "library-from-outside" else 2
        kind = Kind("behaviour", name, "text" if name in ("download-run", "reverse-shell", "patient-data") else "-", make, expect, static)
        kind.instead = expect == "review"
        found.append(kind)
    for name, make in twins.TWINS.items():
        kind = Kind("twin", name, "-", make, "clean", static=0 if name == "plugin" else 2)
        kind.instead = True
        found.append(kind)
    return found


def cases(seed, specs):
    """All cases that are compiled; those of patched programs are in patches.py."""
    found = []
    for number, kind in enumerate(kinds()):
        order = random.Random(f"{seed}/{kind.name}/{kind.group}")
        targets = TARGETS[:]
        order.shuffle(targets)
        if not kind.everywhere:
            # By the place in the table, so that both uses together have all processors.
            targets = [target for at, target in enumerate(TARGETS) if at % 2 == kind.turn]
            order.shuffle(targets)
        static = targets[:kind.static]
        for at, target in enumerate(targets):
            if getattr(kind, "instead", False) and target in static:
                continue
            libcs = ["glibc"] + [libc for libc in ("musl", "uclibc") if (target.name, libc) in specs]
            libc = libcs[at % len(libcs)] if at % 3 == 2 else "glibc"
            found.append(Case(kind, target, "dynamic", libc, LEVELS[(at + number) % 3], (at // 3 + number) % 2 == 0, seed))
        for at, target in enumerate(static):
            small = [libc for libc in ("uclibc", "musl") if (target.name, libc) in specs]
            # One of two with the small libraries; the large one where there is no other.
            libc = small[0] if small and at % 2 == number % 2 else "glibc"
            found.append(Case(kind, target, "static", libc, LEVELS[(at + number + 1) % 3], (at + number) % 3 != 0, seed))
    return found
