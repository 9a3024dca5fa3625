"""Ordinary programs that look like the implants: nothing of high severity is to be called proven in them."""
import base64

import network
from source import Source, quoted


def nfs_from_settings(words):
    """The administrator's server, and logs that go there."""
    return Source("", f"""    char server[64] = "", share[64] = "/logs", text[256];
    if (!read_setting("nfs_server", server, sizeof server) || !*server)
        return 0;
    read_setting("nfs_share", share, sizeof share);
    snprintf(text, sizeof text, "mount -t nfs -o nolock,soft %s:%s {words.mount}", server, share);
    if (system(text) == 0) {{
        system("cp /var/log/{words.program}.log {words.mount}/");
        system("umount {words.mount}");
    }}""")


def nfs_by_call(words):
    return Source("", f"""    char server[64] = "", what[160], options[96];
    if (!read_setting("archive_server", server, sizeof server))
        return 0;
    snprintf(what, sizeof what, "%s:/archive", server);
    snprintf(options, sizeof options, "nolock,addr=%s", server);
    if (mount(what, "/var/archive", "nfs", MS_NOATIME, options) != 0)
        perror("archive");""")


def nfs_private(words):
    return Source("", f"""    if (system("mount -t nfs -o nolock {words.private}:/logs /var/archive") == 0) {{
        system("cp -f /var/log/*.log /var/archive/");
        system("umount /var/archive");
    }}""")


def usb_update_signed(words):
    return Source("", f"""    if (system("mount -o ro /dev/sda1 /mnt/usb") != 0)
        return 0;
    if (system("openssl dgst -sha256 -verify /etc/keys/update.pub -signature /mnt/usb/update.sig /mnt/usb/update.tar") == 0) {{
        system("tar -xf /mnt/usb/update.tar -C {words.folder}");
        system("sync; reboot");
    }}
    system("umount /mnt/usb");""")


def usb_update_summed(words):
    return Source("", """    char line[128] = "";
    FILE *pipe;
    if (system("mount -o ro,noexec /dev/sda1 /mnt/usb") != 0)
        return 0;
    pipe = popen("rauc info --no-verify=false /mnt/usb/update.raucb", "r");
    while (pipe && fgets(line, sizeof line, pipe))
        printf("%s", line);
    if (pipe && pclose(pipe) == 0)
        system("rauc install /mnt/usb/update.raucb");
    system("umount /mnt/usb");""")


def settings_copied(words):
    return Source("", f"""    system("mkdir -p /var/lib/backup");
    system("cp -f /etc/{words.program}.conf /var/lib/backup/");
    if (access("/etc/{words.program}.conf", R_OK) != 0)
        system("cp -f /var/lib/backup/{words.program}.conf /etc/");
    system("sync");""")


def own_helper(words):
    return Source("", """    char *arguments[] = {"ntpd", "-q", "-p", "pool.ntp.org", 0};
    pid_t child = fork();
    if (child == 0) {
        execv("/usr/sbin/ntpd", arguments);
        _exit(127);
    }
    waitpid(child, 0, 0);
    execl("/sbin/reboot", "reboot", (char *)0);""")


def login_line(words):
    """A serial login: descriptors are duplicated and a login is run, which asks for a password."""
    return Source("", """    int line = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    if (line < 0 || fork() != 0)
        return 0;
    setsid();
    dup2(line, 0);
    dup2(line, 1);
    dup2(line, 2);
    execl("/bin/login", "login", (char *)0);""")


def secure_shell(words):
    return Source("", '    if (access("/etc/dropbear/dropbear_ecdsa_host_key", R_OK) != 0)\n        system("dropbearkey -t ecdsa -f /etc/dropbear/dropbear_ecdsa_host_key");\n    system("/usr/sbin/dropbear -p 22 -s -g");')


def plugin(words):
    return Source("", f"""    void *library = dlopen("/usr/lib/{words.program}/plugin-ecg.so", RTLD_NOW);
    int (*start)(int);
    if (!library)
        return 0;
    start = (int (*)(int))dlsym(library, "plugin_start");
    if (start)
        start(250);""", links=["-ldl"])


def host_name(words):
    return Source("", f"""    char name[64] = "monitor";
    FILE *file;
    read_setting("name", name, sizeof name);
    file = fopen("/etc/hostname", "w");
    if (!file)
        return 0;
    fprintf(file, "%s\\n", name);
    fclose(file);
    file = fopen("/etc/network/interfaces", "w");
    if (file) {{
        fprintf(file, "auto {words.interface}\\niface {words.interface} inet dhcp\\n");
        fclose(file);
    }}
    system("hostname -F /etc/hostname");""")


def menu(words):
    return Source("", """    char line[64] = "";
    printf("> ");
    if (!fgets(line, sizeof line, stdin))
        return 0;
    line[strcspn(line, "\\r\\n")] = 0;
    if (strcmp(line, "reboot") == 0)
        system("reboot");
    else if (strcmp(line, "clock") == 0)
        system("hwclock -s");
    else if (strcmp(line, "network") == 0)
        system("ifconfig -a");""")


def filter_set(words):
    return Source("", """    system("iptables -P INPUT DROP");
    system("iptables -A INPUT -i lo -j ACCEPT");
    system("iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT");
    system("iptables -A INPUT -p tcp --dport 2575 -j ACCEPT");""")


def watchdog_fed(words):
    return Source("", """    int i, dog = open("/dev/watchdog", O_WRONLY);
    if (dog < 0)
        return 0;
    for (i = 0; i < 1000000; i++) {
        write(dog, "", 1);
        sleep(5);
    }
    write(dog, "V", 1);
    close(dog);""")


def table_unpacked(words):
    """A harmless text that is XORed, and a decoder as the implants have it."""
    key = words.key[0]
    texts = ["waveform colours: green, yellow, cyan", "alarm tone 2", "lead II gain 10 mm/mV"]
    codes = ", ".join(str(byte ^ key) for byte in "|".join(texts).encode() + b"\0")
    image = base64.b64encode(bytes(range(40, 120))).decode()
    parts = f"static const unsigned char table[] = {{{codes}}};\nstatic const char icon[] = {quoted(image)};"
    return Source(parts, f"""    char text[160];
    unsigned i;
    for (i = 0; i < sizeof table; i++)
        text[i] = table[i] ^ {key};
    puts(text);
    puts(icon);
    system("/usr/bin/redraw");""")


def update_verified(words):
    """A download that is checked against the maker's key before it replaces anything."""
    return Source("", f"""    char server[64] = "", text[256];
    if (!read_setting("update_server", server, sizeof server))
        return 0;
    snprintf(text, sizeof text, "wget -q -O /var/tmp/update.tar https://%s/update.tar", server);
    if (system(text) != 0)
        return 0;
    snprintf(text, sizeof text, "wget -q -O /var/tmp/update.sig https://%s/update.sig", server);
    if (system(text) != 0)
        return 0;
    if (system("openssl dgst -sha256 -verify /etc/keys/update.pub -signature /var/tmp/update.sig /var/tmp/update.tar") == 0)
        system("tar -xf /var/tmp/update.tar -C {words.folder}");
    unlink("/var/tmp/update.tar");""")


def share_tidied(words):
    return Source("", """    mkdir("/var/lib/trends", 0755);
    chmod("/var/lib/trends", 0750);
    chown("/var/lib/trends", 1000, 1000);
    system("find /var/lib/trends -mtime +30 -delete");""")


# Those that read a setting need `read_setting`.
TWINS = {
    "nfs-from-settings": nfs_from_settings, "nfs-by-call": nfs_by_call, "nfs-private": nfs_private, "network-by-dhcp": network.network_by_dhcp,
    "usb-update-signed": usb_update_signed, "usb-update-bundle": usb_update_summed, "settings-copied": settings_copied,
    "versions": network.versions, "object-ids": network.object_ids, "ssdp": network.ssdp, "private-peer": network.private_peer, "service-port": network.service_port,
    "log-upload": network.log_upload, "own-helper": own_helper, "login-line": login_line, "secure-shell": secure_shell, "plugin": plugin,
    "host-name": host_name, "menu": menu, "filter-set": filter_set, "watchdog-fed": watchdog_fed, "table-unpacked": table_unpacked,
    "messages-to-setting": network.messages_to_setting, "commands-by-name": network.commands_by_name, "update-verified": update_verified,
    "folder-tidied": share_tidied, "addresses-listed": network.address_listed,
}
