"""Twins that have addresses, or what looks like one, and talk to the network."""
from source import Source, quoted


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


def address_listed(words):
    """Addresses that mean no peer: a mask, a test network, a default of a form, a log line."""
    return Source("", f"""    printf("example: %s\\n", "192.0.2.{words.lot.randrange(1, 250)}");
    printf("netmask %s broadcast %s\\n", "255.255.255.0", "{words.private.rsplit('.', 1)[0]}.255");
    system("ifconfig lo 127.0.0.1 up");
    system("route add -net 224.0.0.0 netmask 240.0.0.0 dev {words.interface}");""")
