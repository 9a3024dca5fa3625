"""The second programs that tests/slow/compare asks, one function or command each, and what of an entry each of them keeps."""
import glob, hashlib, json, os, shutil, stat, subprocess, tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char", stat.S_IFBLK: "block", stat.S_IFIFO: "fifo"}
ALL = ("kind", "size", "sha256", "target", "rdev", "mode", "owner")
PLAIN = ("kind", "size", "sha256", "target")


class Missing(Exception):
    """The program is not installed."""


def run(*command, cwd=None, check=True, **more):
    """Runs a program; unless `check` is false, it must succeed."""
    command = [os.fspath(word) for word in command]
    if not shutil.which(command[0]):
        raise Missing(command[0])
    done = subprocess.run(command, cwd=cwd, stdin=more.pop("stdin", subprocess.DEVNULL), capture_output=True, timeout=300, env={**os.environ, "LC_ALL": "C.UTF-8"}, **more)
    if check and done.returncode:
        raise RuntimeError(complaint(done))
    return done


def complaint(done):
    said = (done.stderr or done.stdout).decode(errors="replace").strip()
    return f"it ended with {done.returncode}: " + " ".join(said.split())[-300:]


def sha(data):
    return hashlib.sha256(data).hexdigest()


def walk(base):
    """The entries below a folder, by path."""
    rows, base = {}, os.fsencode(base)
    for where, dirs, files in os.walk(base):
        for name in dirs + files:
            full = os.path.join(where, name)
            st = os.lstat(full)
            row = {"kind": KINDS.get(stat.S_IFMT(st.st_mode), "other"), "mode": stat.S_IMODE(st.st_mode), "owner": (st.st_uid, st.st_gid)}
            if row["kind"] == "file":
                with open(full, "rb") as file:
                    row.update(size=st.st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())
            elif row["kind"] == "symlink":
                row["target"] = os.readlink(full)
            elif row["kind"] in ("char", "block"):
                row["rdev"] = (os.major(st.st_rdev), os.minor(st.st_rdev))
            rows[b"/" + os.path.relpath(full, base)] = row
    return rows


def from_tar(path):
    """The entries of an archive that `kernel` wrote."""
    rows, kinds = {}, {tarfile.SYMTYPE: "symlink", tarfile.DIRTYPE: "dir", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}
    with tarfile.open(path, errors="surrogateescape", encoding="utf-8") as archive:
        for member in archive:
            name = b"/" + os.fsencode(member.name).removeprefix(b".").lstrip(b"/")
            row = {"kind": kinds.get(member.type, "file"), "mode": member.mode, "owner": (member.uid, member.gid)}
            if member.islnk():
                row = rows[b"/" + os.fsencode(member.linkname).removeprefix(b".").lstrip(b"/")]
            elif row["kind"] == "file":
                row.update(size=member.size, sha256=hashlib.file_digest(archive.extractfile(member), "sha256").hexdigest())
            elif row["kind"] == "symlink":
                row["target"] = os.fsencode(member.linkname)
            elif row["kind"] in ("char", "block"):
                row["rdev"] = (member.devmajor, member.devminor)
            rows[name] = row
    rows.pop(b"/", None)
    return rows


def unpack(*command, strip=""):
    """A reader that unpacks into a folder: {} stands for the image, {out} for the folder, in which it also runs.

    What it complains of is a difference; what it unpacked all the same is compared."""

    def read(image, out):
        words = [word.replace("{out}", out).replace("{}", image) for word in command]
        done = run(*words, cwd=out, check=False)
        return walk(os.path.join(out, strip)), [complaint(done)] if done.returncode else []

    return read


def kernel(filesystem, *options):
    def read(image, out):
        done = run(os.path.join(HERE, "kernel"), filesystem, image, out + "/tar", *options, check=False)
        if done.returncode == 3:
            raise Missing("kernel in qemu")
        if done.returncode:
            raise RuntimeError("the kernel refuses: " + " ".join(done.stderr.decode(errors="replace").split())[:300])
        return from_tar(out + "/tar"), []

    return read


def mounted(filesystem, options="ro"):
    """This machine's kernel, where it knows the file system."""

    def read(image, out):
        with open("/proc/filesystems") as known:
            if filesystem not in known.read().split():
                raise Missing(f"kernel module {filesystem}")
        run("mount", "-t", filesystem, "-o", options + ",loop", image, out)
        try:
            return walk(out), []
        finally:
            run("umount", out)

    return read


def ntfs_3g(image, out):
    """ntfs-3g, which made the images but shares nothing with us."""
    run("ntfs-3g", "-o", "ro", image, out)
    try:
        return walk(out), []
    finally:
        run("umount", out)


def ubi(image, out):
    """The volumes as ubireader cuts them out; the one with a UBIFS, as the kernel mounts it."""
    run("ubireader_extract_images", "-o", out, image)
    for volume in sorted(glob.glob(out + "/*/*.ubifs")):
        with open(volume, "rb") as file:
            if file.read(4) == b"\x31\x18\x10\x06":
                return kernel("ubifs")(volume, out)
    return {}, ["no volume has a UBIFS"]


def debugfs(image, out):
    run("debugfs", "-R", f"rdump / {out}", image)
    return walk(out), []


def sleuthkit(image, out):
    """Regular files and folders by their paths; deleted ones and the volume's own are left out."""
    rows = {}
    for line in run("fls", "-rpu", image).stdout.splitlines():
        what, path = line.split(b"\t", 1)
        kind, number = what.split()[0], what.split()[1].rstrip(b":").decode()
        if path.startswith((b"$OrphanFiles", b"$Extend", b"$")) or path.endswith(b" (Volume Label Entry)") or kind[:1] == b"v" or kind[:1] == b"-":
            continue
        rows[b"/" + path] = {"kind": "dir"} if kind.startswith(b"d") else file_row(run("icat", image, number).stdout)
    return rows, []


def file_row(data):
    return {"kind": "file", "size": len(data), "sha256": sha(data)}


def printenv(image, out):
    size = os.path.getsize(image)
    # A copy with a counter wants another beside it.
    for copies in 1, 2:
        with open(out + ".config", "w") as file:
            file.write(f"{image} 0 {size:#x}\n" * copies)
        done = run("fw_printenv", "-c", out + ".config", check=False)
        if not done.returncode and b"using default" not in done.stderr:
            break
    text = done.stdout
    pairs = [line.split(b"=", 1) for line in text.splitlines()]
    return {b"/" + key: file_row(value) for key, value in pairs}, []


def sfdisk(image, out):
    """The bytes of each partition but those that only hold others."""
    shown = json.loads(run("sfdisk", "--json", image).stdout)["partitiontable"]
    with open(image, "rb") as file:
        for part in shown["partitions"]:
            if part["type"] not in ("5", "f", "85"):
                file.seek(part["start"] * shown.get("sectorsize", 512))
                yield file.read(part["size"] * shown.get("sectorsize", 512))


def dumpimage(kind):
    def read(image, out):
        for number in range(16):
            run("dumpimage", "-T", kind, "-p", str(number), "-o", out + "/part", image, check=False)
            if not os.path.exists(out + "/part"):
                return
            with open(out + "/part", "rb") as file:
                yield file.read()
            os.remove(out + "/part")

    return read


def unpack_bootimg(image, out):
    run("unpack_bootimg", "--boot_img", image, "--out", out)
    for name in sorted(os.listdir(out)):
        with open(os.path.join(out, name), "rb") as file:
            yield file.read()


# Readers of layouts: the bytes of each part, in any order; empty ones and what one is told twice count once.
LAYOUTS = {
    "android-boot": ("unpack_bootimg", unpack_bootimg),
    "fit": ("dumpimage", dumpimage("flat_dt")),
    "gpt": ("sfdisk", sfdisk),
    "mbr": ("sfdisk", sfdisk),
    "uimage": ("dumpimage", dumpimage("kernel")),
}


# Readers of trees: name, what both keep, function.
SEVEN = ("7zz", PLAIN, unpack("7zz", "x", "-snld", "-y", "-bso0", "-bsp0", "-o{out}", "{}"))
BSDTAR = ("bsdtar", ALL, unpack("bsdtar", "--numeric-owner", "-xpf", "{}"))
READERS = {
    "7z": [SEVEN, ("bsdtar", PLAIN, BSDTAR[2])],
    "ar": [("ar", PLAIN, unpack("ar", "xo", "{}")), BSDTAR],
    "cab": [("cabextract", PLAIN, unpack("cabextract", "-q", "-d", "{out}", "{}")), SEVEN],
    "cpio": [("cpio", ALL, unpack("cpio", "-idm", "--quiet", "--no-absolute-filenames", "-F", "{}")), BSDTAR],
    "cramfs": [("fsck.cramfs", ALL, unpack("fsck.cramfs", "--extract={out}/x", "{}", strip="x")), ("7zz", PLAIN, SEVEN[2])],
    "erofs": [("fsck.erofs", ALL, unpack("fsck.erofs", "--extract={out}", "--overwrite", "--preserve", "{}")), ("mount", ALL, mounted("erofs"))],
    "exfat": [("kernel", PLAIN, kernel("exfat", "iocharset=utf8"))],
    "ext": [("mount", ALL, mounted("ext4", "ro,noload")), ("debugfs", PLAIN, debugfs)],
    "f2fs": [("kernel", ALL, kernel("f2fs", "norecovery"))],
    "fat": [("kernel", PLAIN, kernel("vfat", "codepage=437", "iocharset=utf8")), ("sleuthkit", PLAIN, sleuthkit), SEVEN],
    "iso9660": [("kernel", ALL, kernel("iso9660")), BSDTAR, ("xorriso", ALL, unpack("xorriso", "-osirrox", "on", "-indev", "{}", "-extract", "/", "{out}"))],
    "jffs2": [("kernel", ALL, kernel("jffs2")), ("jefferson", PLAIN, unpack("jefferson", "-f", "-d", "{out}", "{}"))],
    "minix": [("kernel", ALL, kernel("minix"))],
    "ntfs": [("ntfs-3g", PLAIN, ntfs_3g), ("sleuthkit", PLAIN, sleuthkit), SEVEN],
    "rar": [("unar", PLAIN, unpack("unar", "-q", "-D", "-o", "{out}", "{}")), SEVEN],
    "romfs": [("kernel", ALL, kernel("romfs"))],
    "rpm": [BSDTAR, ("rpm2cpio", PLAIN, unpack("sh", "-c", "rpm2cpio {} | cpio -idm --quiet"))],
    "squashfs": [("unsquashfs", ALL, unpack("unsquashfs", "-q", "-n", "-f", "-d", "{out}/x", "{}", strip="x")), ("mount", ALL, mounted("squashfs")), SEVEN],
    "tar": [("tar", ALL, unpack("tar", "--numeric-owner", "-xpf", "{}")), BSDTAR, SEVEN],
    "ubi": [("ubireader", ALL, ubi)],
    "ubifs": [("kernel", ALL, kernel("ubifs"))],
    "uboot-env": [("fw_printenv", PLAIN, printenv)],
    "xar": [("7zz", PLAIN, SEVEN[2]), BSDTAR],
    "yaffs2": [("unyaffs", ALL, unpack("unyaffs", "{}", "{out}"))],
    "zip": [("unzip", PLAIN, unpack("unzip", "-q", "-o", "{}")), SEVEN, BSDTAR],
}
# Readers of one payload: the command writes it to standard output, or to {out}.
PAYLOADS = {
    "android-sparse": ["simg2img", "{}", "{out}"],
    "bzip2": ["bzip2", "-dc", "{}"],
    "compress": ["sh", "-c", "uncompress -c < {}"],
    "gzip": ["sh", "-c", "gzip -dc < {}"],
    "lz4": ["sh", "-c", "lz4 -dc < {}"],
    "lzip": ["sh", "-c", "lzip -dc < {}"],
    "lzma": ["xz", "--format=lzma", "-dc", "-S", ".img", "{}"],
    "lzop": ["sh", "-c", "lzop -dc < {}"],
    "qcow2": ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", "{}", "{out}"],
    "vdi": ["qemu-img", "convert", "-f", "vdi", "-O", "raw", "{}", "{out}"],
    "vhd": ["qemu-img", "convert", "-f", "vpc", "-O", "raw", "{}", "{out}"],
    "vhdx": ["qemu-img", "convert", "-f", "vhdx", "-O", "raw", "{}", "{out}"],
    "vmdk": ["qemu-img", "convert", "-f", "vmdk", "-O", "raw", "{}", "{out}"],
    "xz": ["sh", "-c", "xz -dc < {}"],
    "zlib": ["python3", "-c", "import sys, zlib; sys.stdout.buffer.write(zlib.decompress(open(sys.argv[1], 'rb').read()))", "{}"],
    "zstd": ["sh", "-c", "zstd -dcq < {}"],
}
# Formats without a second reader of theirs, and why.
ALONE = {
    "android-super": "lpunpack is not in Debian",
    "dtbo": "mkdtboimg reads none back",
    "linux": "no program but the kernel itself unpacks all of them; tests/slow/initrd reads a real one",
    "nand": "no program reads all layouts of spare bytes; fixtures/nand/make computes them with galois and bchlib",
    "trx": "no program of Debian reads it back",
    "btrfs hfsplus jfs reiserfs udf xfs": "named and bounded only",
}
