"""Ordinary programs that look like the implants: nothing of high severity is to be called proven in them."""
import base64

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


def network_by_dhcp(words):
    interface = words.interface
    return Source("", f"""    system("ifconfig {interface} up");
    if (system("udhcpc -i {interface} -n -q -t 5") != 0) {{
        char address[32] = "", text[128];
        if (read_setting("address", address, sizeof address)) {{
            snprintf(text, sizeof text, "ifconfig {interface} %s netmask 255.255.255.0 up", address);
            system(text);
        }}
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


def versions(words):
    lot = words.lot
    version = lambda: f"{lot.randrange(1, 20)}.{lot.randrange(100, 250)}.{lot.randrange(1, 30)}.{lot.randrange(1, 9)}"
    return Source("", f"""    const char *own = {quoted('firmware version ' + version())};
    FILE *pipe = popen("uname -r", "r");
    char kernel[64] = "";
    if (pipe && fgets(kernel, sizeof kernel, pipe))
        printf("%s, kernel %s, protocol version {version()}, release {version()}\\n", own, kernel);
    if (pipe)
        pclose(pipe);
    if (strcmp(kernel, "3.0.35.{lot.randrange(2, 250)}") < 0)
        system("/usr/bin/show-notice --old-kernel");""")


def object_ids(words):
    lot = words.lot
    oid = f"1.3.6.1.4.1.{lot.randrange(1000, 50000)}.2.{lot.randrange(1, 9)}"
    return Source(f'static const char *const objects[] = {{"{oid}.1", "{oid}.2", "1.3.6.1.2.1.1.5.0", "2.16.840.1", "1.2.840.113549"}};', """    struct sockaddr_in own;
    unsigned i;
    int line = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&own, 0, sizeof own);
    own.sin_family = AF_INET;
    own.sin_port = htons(161);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(line, (struct sockaddr *)&own, sizeof own) != 0)
        return 0;
    for (i = 0; i < sizeof objects / sizeof *objects; i++)
        send(line, objects[i], strlen(objects[i]), 0);
    system("/usr/bin/snmp-reload");""")


def ssdp(words):
    return Source("", f"""    struct sockaddr_in group;
    const char *search = "M-SEARCH * HTTP/1.1\\r\\nHOST: 239.255.255.250:1900\\r\\nMAN: \\"ssdp:discover\\"\\r\\nMX: 2\\r\\nST: urn:{words.program}\\r\\n\\r\\n";
    int line = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&group, 0, sizeof group);
    group.sin_family = AF_INET;
    group.sin_port = htons(1900);
    group.sin_addr.s_addr = htonl(0xeffffffa);
    sendto(line, search, strlen(search), 0, (struct sockaddr *)&group, sizeof group);
    system("ifconfig {words.interface} up");""")


def private_peer(words):
    return Source("", f"""    struct sockaddr_in peer;
    char text[128];
    int size, line = socket(AF_INET, SOCK_STREAM, 0);
    memset(&peer, 0, sizeof peer);
    peer.sin_family = AF_INET;
    peer.sin_port = htons({words.port});
    peer.sin_addr.s_addr = inet_addr("{words.private}");
    if (connect(line, (struct sockaddr *)&peer, sizeof peer) != 0)
        return 0;
    size = snprintf(text, sizeof text, "bed=%d;rate=%d\\n", 7, 62);
    send(line, text, size, 0);
    close(line);
    system("/usr/bin/led green");""")


def service_port(words):
    return Source("", """    struct sockaddr_in own;
    char text[64];
    int line, size, door = socket(AF_INET, SOCK_STREAM, 0);
    memset(&own, 0, sizeof own);
    own.sin_family = AF_INET;
    own.sin_port = htons(2575);
    if (bind(door, (struct sockaddr *)&own, sizeof own) != 0 || listen(door, 4) != 0)
        return 0;
    while ((line = accept(door, 0, 0)) >= 0) {
        size = recv(line, text, sizeof text - 1, 0);
        if (size > 0 && memcmp(text, "STATUS", 6) == 0)
            send(line, "OK READY\\n", 9, 0);
        close(line);
    }
    system("/usr/bin/led red");""")


def log_upload(words):
    url = f"{words.private}"
    return Source("", "    system(" + quoted(words.lot.choice((
        f"wget -q -O /dev/null --post-file=/var/log/{words.program}.log http://{url}/logs",
        f"curl -s -T /var/log/{words.program}.log http://{url}/logs/",
        f"tftp -p -l /var/log/{words.program}.log {url}",
    ))) + ");")


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


def messages_to_setting(words):
    return Source("", """    char text[512], server[64] = "";
    struct sockaddr_in peer;
    int size, line = socket(AF_INET, SOCK_STREAM, 0);
    memset(&peer, 0, sizeof peer);
    if (!read_setting("hl7_server", server, sizeof server))
        return 0;
    peer.sin_family = AF_INET;
    peer.sin_port = htons(2575);
    peer.sin_addr.s_addr = inet_addr(server);
    if (connect(line, (struct sockaddr *)&peer, sizeof peer) != 0)
        return 0;
    size = snprintf(text, sizeof text, "\\vMSH|^~\\\\&|MON|ICU|CMS|HOSP|||ORU^R01|%d|P|2.3\\rPID|1||%s\\rOBX|1|NM|HR||%d\\r\\x1c\\r", 7, "bed", 62);
    send(line, text, size, 0);
    close(line);""")


def commands_by_name(words):
    """What is received chooses between fixed commands, and is never run itself."""
    return Source("", f"""    struct sockaddr_in own;
    char text[64];
    int size, line = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&own, 0, sizeof own);
    own.sin_family = AF_INET;
    own.sin_port = htons({words.port});
    bind(line, (struct sockaddr *)&own, sizeof own);
    while ((size = recvfrom(line, text, sizeof text, 0, 0, 0)) > 0) {{
        if (text[0] == 'd')
            system("/usr/bin/dim-screen");
        else if (text[0] == 'b')
            system("/usr/bin/beep");
    }}""")


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


def address_listed(words):
    """Addresses that mean no peer: a mask, a test network, a default of a form, a log line."""
    return Source("", f"""    printf("example: %s\\n", "192.0.2.{words.lot.randrange(1, 250)}");
    printf("netmask %s broadcast %s\\n", "255.255.255.0", "{words.private.rsplit('.', 1)[0]}.255");
    system("ifconfig lo 127.0.0.1 up");
    system("route add -net 224.0.0.0 netmask 240.0.0.0 dev {words.interface}");""")


# Those that read a setting need `read_setting`.
TWINS = {
    "nfs-from-settings": nfs_from_settings, "nfs-by-call": nfs_by_call, "nfs-private": nfs_private, "network-by-dhcp": network_by_dhcp,
    "usb-update-signed": usb_update_signed, "usb-update-bundle": usb_update_summed, "settings-copied": settings_copied,
    "versions": versions, "object-ids": object_ids, "ssdp": ssdp, "private-peer": private_peer, "service-port": service_port,
    "log-upload": log_upload, "own-helper": own_helper, "login-line": login_line, "secure-shell": secure_shell, "plugin": plugin,
    "host-name": host_name, "menu": menu, "filter-set": filter_set, "watchdog-fed": watchdog_fed, "table-unpacked": table_unpacked,
    "messages-to-setting": messages_to_setting, "commands-by-name": commands_by_name, "update-verified": update_verified,
    "folder-tidied": share_tidied, "addresses-listed": address_listed,
}
