"""The firmwares of the hospital: five models in nine versions, each a flash of 32 MiB with real programs of Debian armhf.

A flash of the first kinds is 64 KiB of U-Boot environment, the root, and 5 MiB of data; that of the last is one UBI with a volume for each."""
import os, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.normpath(HERE + "/../../../fixtures")
sys.path.insert(0, HERE + "/..")
import foreign

COMMON = "libc6 busybox zlib1g libgcc-s1 libssl3 openssl dropbear-bin"
# model: how its root and its data are stored, its packages, and for each version what comes to them.
MODELS = {
    "VSM-9100": ("squashfs-xz", "jffs2", "libglib2.0-0 libsqlite3-0 sqlite3 wpasupplicant iw", {"4.1.0": "", "4.2.0": "libpng16-16 libfreetype6"}),
    "BM-200": ("squashfs-gzip", "ext4", "curl libcurl4 libnghttp2-14 iproute2 libmnl0", {"1.0.3": "", "1.1.0": "isc-dhcp-client"}),
    "CCU-5": ("ext4", "ext4", "lighttpd libpcre2-8-0 tcpdump libpcap0.8", {"7.2.0": "", "7.3.0": "chrony"}),
    "PM-3": ("ubi", "ubifs", "lua5.3 liblua5.3-0 socat rsync", {"2.0.0": "", "2.1.0": "nftables libnftables1"}),
    "TR-1": ("jffs2", "jffs2", "picocom minicom", {"3.3.0": ""}),
}
MIB = 1 << 20
FLASH, ENVIRONMENT, ROOT, DATA = 32 * MIB, 64 << 10, 27 * MIB - (64 << 10), 5 * MIB
PARTS = "mtdparts=spi0:64k(env),27584k(rootfs),5120k(data)"
BUILT = "1715644800"  # 2024-05-14
STATED = f"{FIXTURES}/implants/files/opt/bin"


def versions():
    return [(model, version) for model, (_, _, _, versions) in MODELS.items() for version in versions]


def sh(text, **variables):
    done = subprocess.run(["sh", "-euc", text], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C", **variables})
    if done.returncode:
        sys.exit(f"{text}\n{done.stderr}")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)


def packages(folder, names):
    """Unpacks packages and leaves out what a device would not have."""
    apt = foreign.Foreign(os.path.join(folder, "../apt"), ["armhf"])
    for deb in apt.fetch([f"{name}:armhf" for name in names]):
        if os.path.basename(deb).split("_")[0] in names:
            foreign.unpack(deb, folder)
    for name in ("usr/share", "usr/include", "usr/lib/debug", "usr/lib/systemd", "lib/systemd"):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def root(folder, model, version):
    """The root of one firmware."""
    _, _, names, more = MODELS[model]
    packages(folder, set(f"{COMMON} {names} {more[version]}".split()))
    for name in ("dev", "proc", "sys", "tmp", "mnt", "data", "var", "root", "sbin", "etc"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    for name in ("sh", "mount", "cat", "ifconfig", "login", "getty", "tar", "wget"):
        if not os.path.lexists(f"{folder}/bin/{name}"):
            os.symlink("busybox", f"{folder}/bin/{name}")
    write(f"{folder}/etc/release", f"MODEL={model}\nVERSION={version}\n")
    write(f"{folder}/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nservice:x:100:100:service:/data:/bin/false\n")
    write(f"{folder}/etc/shadow", "root:*:19000:0:99999:7:::\nservice:!:19000:0:99999:7:::\n", 0o600)
    write(f"{folder}/etc/inittab", "::sysinit:/etc/init.d/rcS\n::respawn:/data/opt/bin/monitor\n")
    start = "#!/bin/sh\nmount -t proc proc /proc\nmount -t sysfs sysfs /sys\nmount /dev/mtdblock2 /data\nifconfig lo 127.0.0.1 up\n"
    write(f"{folder}/etc/init.d/rcS", start, 0o755)
    write(f"{folder}/sbin/check-update", "#!/bin/sh\nopenssl dgst -sha256 -verify /etc/update.pem -signature \"$1.sig\" \"$1\"\n", 0o755)


def data(folder, version, serial="000000", log=""):
    """The writable area: the program, what is set for one unit, and what that wrote down."""
    program = "original_armv7_glibc_dynamic_O2_stripped" if version < "3" else "original_thumb_glibc_dynamic_O0_stripped"
    os.makedirs(f"{folder}/opt/bin", exist_ok=True)
    shutil.copy(f"{STATED}/{program}", f"{folder}/opt/bin/monitor")
    os.chmod(f"{folder}/opt/bin/monitor", 0o755)
    write(f"{folder}/opt/etc/limits.conf", "hr_low=50\nhr_high=120\nspo2_low=90\n")
    write(f"{folder}/etc/unit/ward.conf", f"serial={serial}\nward={serial[-2:]}\nlanguage=en\n")
    write(f"{folder}/etc/unit/network.conf", f"address=10.20.{int(serial[-4:-2])}.{int(serial[-2:]) + 1}\n")
    write(f"{folder}/var/log/monitor.log", log or "started\n")
    write(f"{folder}/var/lib/trends.db", b"trend" + serial.encode() * 40)


def environment(path, serial, more=""):
    mac = ":".join(f"{byte:02x}" for byte in (2, 0, 0, *int(serial).to_bytes(3, "big")))
    text = f"bootargs=console=ttyS0,115200 {PARTS} root=/dev/mtdblock1 ro{more}\nbootcmd=sf probe; bootm 0\nethaddr={mac}\nserial#={serial}\n"
    write(path + ".txt", text)
    sh("mkenvimage -s 0x10000 -o $to $to.txt", to=path)


def file_system(kind, tree, path, size, seed="0"):
    """Packs a tree. The same `seed` gives the same bytes where the format has anything that units do not share."""
    by = {"tree": tree, "to": path, "size": str(size), "seed": seed, "SOURCE_DATE_EPOCH": BUILT}
    if kind.startswith("squashfs") or kind == "ubi":
        codec = "gzip" if kind == "ubi" else kind.split("-")[1]
        del by["SOURCE_DATE_EPOCH"]
        sh(f"mksquashfs $tree $to -comp {codec} -noappend -quiet -no-progress -all-root -mkfs-time {BUILT} -all-time {BUILT}", **by)
    elif kind == "jffs2":
        sh("mkfs.jffs2 --root=$tree --little-endian --eraseblock=64KiB --squash --output=$to", **by)
    elif kind == "ubifs":
        sh("mkfs.ubifs -r $tree -m 2048 -e 126976 -c 45 -x zlib --squash-uids -o $to", **by)
    else:
        identity = f"00000000-0000-4000-8000-{int(seed):012}"
        sh(f"truncate -s $size $to; mkfs.ext4 -q -F -d $tree -E hash_seed={identity},root_owner=0:0 -U {identity} $to", **by)
    assert os.path.getsize(path) <= size, (path, os.path.getsize(path), size)


def flash(path, model, parts, counter="0"):
    """Puts the parts of one unit together: `parts` holds the paths of its environment, root and data."""
    if MODELS[model][0] == "ubi":
        volume = "[{0}]\nmode=ubi\nimage={1}\nvol_id={2}\nvol_type={3}\nvol_name={0}\n{4}"
        rows = [("rootfs", parts[1], 0, "static", ""), ("data", parts[2], 1, "dynamic", "vol_size=5MiB\nvol_flags=autoresize\n")]
        write(path + ".ini", "\n".join(volume.format(*row) for row in rows))
        sh("ubinize -o $to -p 128KiB -m 2048 -e $counter -Q $counter $to.ini; rm $to.ini", to=path, counter=counter)
        image = open(path, "rb").read()
    else:
        image = b""
        for part, room in zip(parts, (ENVIRONMENT, ROOT, DATA)):
            stored = open(part, "rb").read()
            image += stored + b"\xff" * (room - len(stored))
    with open(path, "wb") as file:
        file.write(image + b"\xff" * (FLASH - len(image)))
