"""Debian packages of other architectures, fetched without a change to this machine's own list of architectures.

`Foreign(folder, ["armhf", "arm64"])` keeps an apt state of its own below `folder`: the sources and keys are those of this machine, nothing
is installed, and dpkg is not asked. Needs apt-get and dpkg-deb (Debian)."""
import os, subprocess


class Foreign:
    def __init__(self, folder, architectures):
        self.folder, self.debs = os.path.abspath(folder), os.path.join(os.path.abspath(folder), "debs")
        for name in ("state/lists/partial", "cache/archives/partial", "parts", "debs"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        status = os.path.join(self.folder, "state/status")
        open(status, "a").close()
        self.options = []
        for key, value in {
            "Dir::State": os.path.join(self.folder, "state"),
            "Dir::State::status": status,
            "Dir::Cache": os.path.join(self.folder, "cache"),
            "Dir::Etc::sourceparts": self.sources(),
            "Dir::Etc::sourcelist": "/dev/null",
            "APT::Architecture": architectures[0],
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }.items():
            self.options += ["-o", f"{key}={value}"]
        for architecture in architectures:
            self.options += ["-o", f"APT::Architectures::={architecture}"]
        done = os.path.join(self.folder, "updated")
        if not os.path.exists(done):
            subprocess.run(["apt-get", *self.options, "-qq", "update"], check=False)  # a list that cannot be read is left out
            open(done, "w").close()

    def sources(self):
        """A folder with this machine's lists of Debian itself: others may not have the architectures."""
        parts = os.path.join(self.folder, "parts")
        for folder, _, files in os.walk("/etc/apt"):
            for name in files:
                path = os.path.join(folder, name)
                if name.endswith((".list", ".sources")) and "debian.org" in open(path).read():
                    with open(path) as old, open(os.path.join(parts, name), "w") as new:
                        new.writelines(line for line in old if not line.startswith("Architectures:"))
        return parts

    def fetch(self, packages):
        """Downloads `name:architecture` each; what does not exist is left out. Returns the paths of the .deb files."""
        shown = subprocess.run(["apt-cache", *self.options, "show", "--no-all-versions", *packages], capture_output=True, text=True, check=False)
        known = set()
        for record in shown.stdout.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in record.splitlines() if line.startswith(("Package: ", "Architecture: ")))
            known.add(":".join((fields.get("Package", ""), fields.get("Architecture", ""))))
        wanted = [package for package in packages if package in known]
        # All at once, as each call reads the lists again.
        subprocess.run(["apt-get", *self.options, "-qq", "download", *wanted], cwd=self.debs, check=False)
        return sorted(os.path.join(self.debs, name) for name in os.listdir(self.debs) if name.endswith(".deb"))


def unpack(deb, folder):
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
