"""The processors, and the C libraries that Debian has for them: glibc for all, musl from its packages, uClibc from its source package."""
import concurrent.futures, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import foreign


class Target:
    def __init__(self, name, prefix, flags=(), debian=None, musl=None, uclibc=None):
        self.name, self.prefix, self.flags, self.debian, self.musl, self.uclibc = name, prefix, list(flags), debian, musl, uclibc
        self.gcc = prefix + "-gcc"
        self.wide_pages = name in ("aarch64", "mips", "mipsel", "powerpc")  # 64 KiB, if the linker is not told otherwise


TARGETS = [
    Target("arm", "arm-linux-gnueabi", ["-marm"], "armel", ("arm-linux-musleabi", "ld-musl-arm.so.1"),
           ("arm", "CONFIG_ARM_EABI=y CONFIG_ARM_OABI=n ARCH_WANTS_LITTLE_ENDIAN=y")),
    Target("armv7", "arm-linux-gnueabihf", ["-marm"], "armhf", ("arm-linux-musleabihf", "ld-musl-armhf.so.1")),
    Target("thumb", "arm-linux-gnueabihf", ["-mthumb"], "armhf", ("arm-linux-musleabihf", "ld-musl-armhf.so.1")),
    Target("aarch64", "aarch64-linux-gnu", [], "arm64", ("aarch64-linux-musl", "ld-musl-aarch64.so.1")),
    Target("mips", "mips-linux-gnu", [], None, None,
           ("mips", "ARCH_WANTS_BIG_ENDIAN=y ARCH_WANTS_LITTLE_ENDIAN=n ARCH_BIG_ENDIAN=y CONFIG_MIPS_O32_ABI=y CONFIG_MIPS_ISA_MIPS32R2=y")),
    Target("mipsel", "mipsel-linux-gnu", [], "mipsel", ("mipsel-linux-musl", "ld-musl-mipsel.so.1")),
    Target("powerpc", "powerpc-linux-gnu", uclibc=("powerpc", "")),
    Target("i686", "i686-linux-gnu", [], "i386", ("i386-linux-musl", "ld-musl-i386.so.1")),
    Target("x86_64", "x86_64-linux-gnu", [], "amd64", ("x86_64-linux-musl", "ld-musl-x86_64.so.1")),
]
SPECS = """%rename cpp_options old_cpp_options

*cpp_options:
-nostdinc -isystem {include} -isystem include%s %(old_cpp_options)

*cc1:
%(cc1_cpu) -nostdinc -isystem {include} -isystem include%s

*link_libgcc:
-L{lib} -L .%s

*libgcc:
libgcc.a%s %:if-exists(libgcc_eh.a%s)

*startfile:
%{{!shared: {lib}/crt1.o}} {lib}/crti.o %{{shared:crtbeginS.o%s;:crtbegin.o%s}}

*endfile:
%{{shared:crtendS.o%s;:crtend.o%s}} {lib}/crtn.o

*link:
-dynamic-linker {loader} -nostdlib %{{shared:-shared}} %{{static:-static}} %{{rdynamic:-export-dynamic}}

"""


class Libraries:
    """C libraries other than glibc, made once below `folder`: `specs[target, libc]` is what gcc reads to use one."""

    def __init__(self, folder):
        self.folder, self.specs, self.missing = os.path.abspath(folder), {}, []
        os.makedirs(self.folder, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            made = [pool.submit(self.uclibc, target) for target in TARGETS if target.uclibc]
            self.musl()
            for one in made:
                one.result()

    def musl(self):
        names = sorted({target.debian for target in TARGETS if target.musl})
        apt = None
        for name in names:
            root = os.path.join(self.folder, "musl", name)
            if not os.path.isdir(root):
                apt = apt or foreign.Foreign(os.path.join(self.folder, "apt"), names)
                for deb in apt.fetch([f"musl-dev:{name}", f"musl:{name}"]):
                    if deb.endswith(f"_{name}.deb"):
                        foreign.unpack(deb, root)
        for target in TARGETS:
            if not target.musl:
                continue
            triple, loader = target.musl
            root = os.path.join(self.folder, "musl", target.debian)
            lib = os.path.join(root, "usr/lib", triple)
            if not os.path.exists(os.path.join(lib, "libc.a")):
                self.missing.append(f"musl for {target.name}: its packages could not be fetched")
                continue
            shared = os.path.join(lib, "libc.so")
            if not os.path.exists(shared):
                if os.path.lexists(shared):
                    os.remove(shared)
                os.symlink(os.path.join(root, "lib", loader), shared)
            self.write(target, "musl", os.path.join(root, "usr/include", triple), lib, "/lib/" + loader)

    def uclibc(self, target):
        name, options = target.uclibc
        root = os.path.join(self.folder, "uclibc", target.name)
        if not os.path.exists(os.path.join(root, "usr/lib/libc.a")):
            try:
                self.build_uclibc(target, name, options, root)
            except (subprocess.CalledProcessError, OSError) as error:
                self.missing.append(f"uClibc for {target.name}: {error}")
                return
        for kernel in ("asm", "asm-generic", "linux"):
            link = os.path.join(root, "usr/include", kernel)
            if not os.path.lexists(link):
                os.symlink(f"/usr/{target.prefix}/include/{kernel}", link)
        # The stored script names places of the device.
        with open(os.path.join(root, "usr/lib/libc.so"), "w") as script:
            script.write(f"GROUP ( {root}/lib/libc.so.1 {root}/usr/lib/uclibc_nonshared.a AS_NEEDED ( {root}/lib/ld-uClibc.so.1 ) )\n")
        self.write(target, "uclibc", os.path.join(root, "usr/include"), os.path.join(root, "usr/lib"), "/lib/ld-uClibc.so.0")

    def build_uclibc(self, target, name, options, root):
        work = os.path.join(self.folder, "uclibc-" + target.name)
        os.makedirs(work, exist_ok=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["apt-get", "-qq", "download", "uclibc-source"], cwd=work, check=True, **quiet)
        deb = next(os.path.join(work, file) for file in os.listdir(work) if file.endswith(".deb"))
        foreign.unpack(deb, work)
        source = os.path.join(work, "usr/src")
        archive = next(file for file in os.listdir(source) if file.startswith("uClibc-ng") and ".tar" in file)
        subprocess.run(["tar", "-xf", archive], cwd=source, check=True)
        tree = os.path.join(source, archive.split(".tar")[0])
        subprocess.run(["make", f"ARCH={name}", "defconfig"], cwd=tree, check=True, **quiet)
        config = os.path.join(tree, ".config")
        with open(config) as file:
            text = file.read()
        wanted = {"KERNEL_HEADERS": f'"/usr/{target.prefix}/include"', "CROSS_COMPILER_PREFIX": f'"{target.prefix}-"', "RUNTIME_PREFIX": '"/"', "DEVEL_PREFIX": '"/usr/"'}
        wanted.update(option.split("=") for option in options.split())
        for key, value in wanted.items():
            text = re.sub(rf"^(# )?{key}(=| is not set).*\n", "", text, flags=re.M) + f"{key}={value}\n"
        with open(config, "w") as file:
            file.write(text)
        subprocess.run(f"yes '' | make ARCH={name} oldconfig", cwd=tree, shell=True, check=True, **quiet)
        make = ["make", f"CROSS={target.prefix}-"]
        subprocess.run(make, cwd=tree, check=True, **quiet)
        subprocess.run(make + [f"PREFIX={root}", "install"], cwd=tree, check=True, **quiet)
        subprocess.run(["rm", "-rf", work], check=True)

    def write(self, target, libc, include, lib, loader):
        path = os.path.join(self.folder, f"{target.name}-{libc}.specs")
        with open(path, "w") as file:
            file.write(SPECS.format(include=include, lib=lib, loader=loader))
        self.specs[target.name, libc] = path
