"""Every reader against the native tool of its format, on an image of real programs.

Each row of READERS: how `$image` is made of the tree `$tree` (or of `$flat`, the same programs in one file), and how the native tool
unpacks it into the empty folder `$to`. Both sides then do the same work: `list` also states the SHA-256 of the image, of what a
stream or disk decodes to, and of every file, so that `openssl dgst -sha256` of these (faster than `sha256sum`) stands beside the native tool. Formats without a tool
that unpacks them here are missing: romfs, minix, f2fs, exfat, udf."""
import os, shutil, subprocess, sys, tempfile

from measure import Run, build, median, sh, turns

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.abspath(HERE + "/../../../fixtures")

PACK = "tar --sort=name --owner=0 --group=0 -C $tree -cf - . |"
UNPACK = "> $to/tar && mkdir $to/tree && tar -xf $to/tar -C $to/tree"
SQUASH = ("mksquashfs $tree $image -noappend -no-progress -quiet -comp ", "unsquashfs -q -n -d $to/tree $image")
UBI = (
    "mkfs.ubifs -r $tree -m 2048 -e 126976 -c 8000 -o $image.ubifs -x {0} && printf '[r]\\nmode=ubi\\nimage=%s\\nvol_id=0\\nvol_type=dynamic\\n"
    "vol_name=r\\nvol_flags=autoresize\\n' $image.ubifs > $image.ini && ubinize -o $image -m 2048 -p 128KiB $image.ini && rm $image.ubifs $image.ini",
    "ubireader_extract_files -k -o $to/tree $image",
)
DISK = ("qemu-img convert -f raw -O {0} $flat $image", "qemu-img convert -f {1} -O raw $image $to/raw")
SPEC = """printf '%s\\n' 'Name: p' 'Version: 1' 'Release: 1' 'Summary: p' 'License: x' 'AutoReqProv: no' \
    '%description' '%install' "cp -a $tree %{buildroot}/p" '%files' /p > $image.spec"""

READERS = {
    "squashfs-gzip": (SQUASH[0] + "gzip", SQUASH[1]),
    "squashfs-xz": (SQUASH[0] + "xz", SQUASH[1]),
    "squashfs-lzo": (SQUASH[0] + "lzo", SQUASH[1]),
    "squashfs-zstd": (SQUASH[0] + "zstd", SQUASH[1]),
    "cramfs": ("mkfs.cramfs $tree $image", "fsck.cramfs --extract=$to/tree $image"),
    "ext4": ("mke2fs -q -t ext4 -d $tree $image 400M", "debugfs -R \"rdump / $to\" $image"),
    "jffs2": ("mkfs.jffs2 -r $tree -e 128KiB -o $image", "jefferson -f -d $to/tree $image"),
    "ubifs-lzo": (UBI[0].format("lzo"), UBI[1]),
    "ubifs-zstd": (UBI[0].format("zstd"), UBI[1]),
    "yaffs2": (f"{FIXTURES}/yaffs2/craft pack $tree $image", "unyaffs $image $to/tree"),
    "fat": ("mkfs.vfat -F 32 -C $image 400000 && mcopy -i $image -s $tree/* ::", "mcopy -n -i $image -s '::*' $to"),
    "ntfs": (
        "truncate -s 400M $image && mkntfs -F -Q -q $image && mkdir $image.mnt && ntfs-3g $image $image.mnt && cp -r $tree/. $image.mnt && "
        "umount $image.mnt && rmdir $image.mnt && sleep 1",
        "7z x -y -o$to $image",
    ),
    "erofs-lz4": ("mkfs.erofs -zlz4hc $image $tree", "fsck.erofs --extract=$to/tree $image"),
    "erofs-lzma": ("mkfs.erofs -zlzma $image $tree", "fsck.erofs --extract=$to/tree $image"),
    "iso9660": ("xorriso -as mkisofs -quiet -R -o $image $tree", "bsdtar -xf $image -C $to"),
    "tar": (PACK + "cat > $image", "tar -xf $image -C $to"),
    "cpio": ("cd $tree && find . | sort | cpio --quiet -o -H newc > $image", "cd $to && cpio --quiet -id < $image"),
    "zip": ("cd $tree && zip -q -r - . > $image", "unzip -q -d $to $image"),
    "7z": ("cd $tree && 7z a -t7z $image.7z . && mv $image.7z $image", "7z x -y -o$to $image"),
    "cab": ("cd $tree && gcab -c -z $image *", "cabextract -q -d $to $image"),
    "deb": (
        "mkdir $image.d && cp -a $tree $image.d/p && mkdir $image.d/DEBIAN && printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: p\\n"
        "Description: p\\n' > $image.d/DEBIAN/control && dpkg-deb -Zxz -b $image.d $image && rm -r $image.d",
        "dpkg-deb --fsys-tarfile $image " + UNPACK,
    ),
    "rpm": (
        SPEC + " && rpmbuild -bb --quiet --define '__os_install_post true' --define \"_topdir $image.top\" --define '_binary_payload w6.gzdio' "
        "$image.spec && mv $image.top/RPMS/*/*.rpm $image && rm -r $image.top $image.spec",
        "rpm2cpio $image > $to/cpio && mkdir $to/tree && cd $to/tree && cpio --quiet -id < $to/cpio",
    ),
    "gzip": (PACK + "gzip > $image", "gzip -dc $image " + UNPACK),
    "bzip2": (PACK + "bzip2 > $image", "bzip2 -dc $image " + UNPACK),
    "xz": (PACK + "xz -2 > $image", "xz -dc $image " + UNPACK),
    "lz4": (PACK + "lz4 -q > $image", "lz4 -dc $image " + UNPACK),
    "lzop": (PACK + "lzop > $image", "lzop -dc $image " + UNPACK),
    "lzip": (PACK + "lzip -2 > $image", "lzip -dc $image " + UNPACK),
    "zstd": (PACK + "zstd -q > $image", "zstd -dcq $image " + UNPACK),
    "compress": (PACK + "compress > $image", "gzip -dc $image " + UNPACK),
    "qcow2": (DISK[0].format("qcow2"), DISK[1].format("", "qcow2")),
    "qcow2-zlib": (DISK[0].format("'qcow2' -c"), DISK[1].format("", "qcow2")),
    "vmdk": (DISK[0].format("vmdk"), DISK[1].format("", "vmdk")),
    "vmdk-stream": (DISK[0].format("vmdk -o subformat=streamOptimized"), DISK[1].format("", "vmdk")),
    "vhd": (DISK[0].format("vpc -o force_size=on"), DISK[1].format("", "vpc")),
    "vhdx": (DISK[0].format("vhdx"), DISK[1].format("", "vhdx")),
    "vdi": (DISK[0].format("vdi"), DISK[1].format("", "vdi")),
    "android-sparse": ("img2simg $flat $image", "simg2img $image $to/raw"),
}
# Written in Python: one turn says enough.
SLOW = {"jffs2", "ubifs-lzo", "ubifs-zstd"}


def programs(cache, megabytes):
    """The first programs and libraries of this machine, by name; none above 15 MB, since cramfs ends at 16."""

    def make(part):
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        left = megabytes << 20
        for folder in ("/usr/bin", "/usr/lib"):
            for at, folders, names in os.walk(folder):
                folders.sort()
                for path in sorted(os.path.join(at, name) for name in names):
                    if left < 0 or os.path.islink(path) or not 4096 < os.path.getsize(path) < 15 << 20:
                        continue
                    with open(path, "rb") as file:
                        if file.read(4) != b"\x7fELF":
                            continue
                    name = f"{part}/{path[len('/usr/'):]}"
                    os.makedirs(os.path.dirname(name), exist_ok=True)
                    shutil.copyfile(path, name)
                    left -= os.path.getsize(path)

    return build(f"{cache}/programs-{megabytes}", make)


def flat(cache, tree):
    def make(part):
        sh(f"{{ head -c 1M /dev/zero; find $tree -type f | sort | xargs cat; head -c 1M /dev/zero; }} > $part && truncate -s %4096 $part", tree=tree, part=part)

    return build(cache + "/flat", make)


def measure(cache, rounds, only, listing, out):
    """A row for every reader: name, MB of the image, our CPU, the tool's, that of the digests, and the resident set."""
    tree = programs(cache, 160)
    for name, (maker, native) in READERS.items():
        if only and name not in only:
            continue
        paths = {"tree": tree, "flat": flat(cache, tree)}
        try:
            image = build(f"{cache}/{name}.img", lambda part: sh(maker, image=part, **paths))
        except subprocess.CalledProcessError as error:
            print(f"{name}: cannot be made: exit code {error.returncode}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
            to = work + "/to"
            env = {**os.environ, "image": image, "to": to}

            def tool():
                shutil.rmtree(to, ignore_errors=True)
                os.mkdir(to)
                return Run(native, env=env, answers=(0, 1, 2))

            def digests():
                return Run("openssl dgst -sha256 $image; find $to -type f -print0 | xargs -0 openssl dgst -sha256", env=env)

            count = 1 if name in SLOW else rounds
            sides = turns(count, lambda: listing(image, out), tool, digests) if name not in SLOW else [[side()] for side in (lambda: listing(image, out), tool, digests)]
            ours, theirs, hashed = sides
            files = sum(len(names) for _, _, names in os.walk(to))
        listed = int(subprocess.run(["grep", "-c", '"kind": "file"', out], stdout=subprocess.PIPE, check=False).stdout)
        yield name, os.path.getsize(image) / 1e6, median(ours, "cpu"), median(theirs, "cpu"), median(hashed, "cpu"), max(run.rss for run in ours), files, listed


def table(rows, target):
    """Prints the readers, the slowest of its kind first; returns how many miss their targets."""
    print(f"{'':8}{'reader':16}{'image MB':>9}{'ours s':>8}{'tool s':>8}{'digests':>8}{'a':>7}{'b':>7}{'reader/tool':>12}{'MB resident':>12}{'files':>7}")
    missed = 0
    for name, megabytes, ours, tool, hashed, rss, files, listed in sorted(rows, key=lambda row: -row[2] / (row[3] + row[4])):
        same, alone = ours / (tool + hashed), max(ours - hashed, 0) / tool
        good = (alone <= target or same <= 1) and rss <= 256 and listed >= files - 2
        missed += not good
        print(
            f"{'ok' if good else 'MISSED':8}{name:16}{megabytes:9.0f}{ours:8.2f}{tool:8.2f}{hashed:8.2f}{ours / tool:7.2f}{same:7.2f}{alone:12.2f}{rss:12.0f}{listed:7}"
        )
    print("a: CPU of `list` to that of the tool; b: to that of the tool and `openssl dgst -sha256` of the same bytes; reader/tool: `list` without the digests")
    return missed
