"""How a case's C source is put together: the parts that a technique gives, ordinary functions around them, and a `main` that does nothing.

Every program is inert: `main` returns before anything acts, because `armed` is 0 and the compiler must not know that."""
import json


class Source:
    """Functions and data (`parts`), and the statements of the function that acts (`body`)."""

    def __init__(self, parts, body, library=False, links=()):
        self.parts, self.body, self.library, self.links = parts, body, library, tuple(links)


HEADERS = """#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile int armed;
"""

# Ordinary code that implants and twins have alike.
FILLERS = {
    "crc16": """
__attribute__((noinline)) unsigned crc16(const unsigned char *at, unsigned size)
{
    unsigned sum = 0xffff, i, bit;
    for (i = 0; i < size; i++)
        for (sum ^= at[i], bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ 0xa001 : sum >> 1;
    return sum;
}
""",
    "log_line": """
__attribute__((noinline)) void log_line(const char *text)
{
    time_t now = time(0);
    FILE *log = fopen("/var/log/%PROGRAM%.log", "a");
    if (log) {
        fprintf(log, "%ld %s\\n", (long)now, text);
        fclose(log);
    }
}
""",
    "read_setting": """
__attribute__((noinline)) int read_setting(const char *key, char *value, int size)
{
    char line[160];
    FILE *file = fopen("/etc/%PROGRAM%.conf", "r");
    int found = 0;
    while (file && fgets(line, sizeof line, file)) {
        char *equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = 0;
        if (strcmp(line, key) == 0) {
            snprintf(value, size, "%s", equals + 1);
            value[strcspn(value, "\\r\\n")] = 0;
            found = 1;
        }
    }
    if (file)
        fclose(file);
    return found;
}
""",
    "heart_rate": """
__attribute__((noinline)) int heart_rate(const short *samples, int count)
{
    int i, peaks = 0, high = 0;
    for (i = 1; i + 1 < count; i++) {
        if (samples[i] > 512 && samples[i] > samples[i - 1] && samples[i] >= samples[i + 1])
            peaks++;
        if (samples[i] > high)
            high = samples[i];
    }
    return high > 100 ? peaks * 60 / (count / 250 + 1) : 0;
}
""",
    "show_version": """
__attribute__((noinline)) void show_version(void)
{
    printf("%s %s (build %d)\\n", "%PROGRAM%", "2.0.11.5", 417);
}
""",
}
CALLS = {
    "crc16": 'total += crc16((const unsigned char *)argv[0], 8);',
    "log_line": 'log_line("started");',
    "read_setting": 'total += read_setting("bed", text, sizeof text);',
    "heart_rate": 'total += heart_rate((const short *)text, sizeof text / 2);',
    "show_version": "show_version();",
}


def quoted(text):
    """A C string."""
    return json.dumps(text)


def argv(words):
    """The inside of a list of arguments."""
    return ", ".join([quoted(word) for word in words] + ["(char *)0"])


def whole(source, words, settings=False):
    """The C text of one case. `settings`: `read_setting` is needed."""
    lot = words.lot
    names = [name for name in FILLERS if lot.random() < 0.6 or name == "read_setting" and settings]
    parts = [HEADERS] + [FILLERS[name].replace("%PROGRAM%", words.program) for name in names]
    keep = lot.choice(("__attribute__((noinline)) ", "static "))
    parts += [source.parts]
    if source.library:
        parts.append(f"int {words.action}(void)\n{{\n    if (!armed)\n        return 0;\n{source.body}\n    return 1;\n}}\n")
        return "\n".join(parts)
    parts.append(f"{keep}int {words.action}(void)\n{{\n{source.body}\n    return 1;\n}}\n")
    calls = "\n".join("    " + CALLS[name] for name in names)
    parts.append(f"""int main(int argc, char **argv)
{{
    char text[256] = "";
    int total = argc;
    if (!armed)
        return 0;
{calls}
    total += {words.action}();
    return total & 1;
}}
""")
    return "\n".join(parts)
