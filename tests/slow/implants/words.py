"""What varies from case to case: addresses, shares, mount points, folders, interfaces, ports. All of it is drawn by lot and means nobody."""
import ipaddress

PUBLISHED = (202, 114, 4, 119)  # the address of ICSMA-25-030-01; one case has it


class Words:
    """The words of one case."""

    def __init__(self, lot, published=False):
        self.lot = lot
        self.octets = PUBLISHED if published else public(lot)
        self.address = ".".join(map(str, self.octets))
        self.private = private(lot)
        self.port = lot.choice((515, 9600, 4001, 6666, 8088, 3200, 10515, lot.randrange(2000, 60000)))
        self.share = lot.choice(("/pm", "/export/mon", "/srv/fw", "/nfs/ward", "/update", "/home/dist", "/data/" + token(lot)))
        self.mount = lot.choice(("/mnt", "/mnt/nfs", "/mnt/" + token(lot), "/media/net", "/tmp/" + token(lot), "/var/run/upd"))
        self.folder = lot.choice(("/opt/bin", "/opt/monitor/bin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/" + token(lot) + "/bin", "/bin", "/sbin"))
        self.program = lot.choice(("monitor", "ecgd", "wardlink", "mainui", "centrald", "bedside", "pm" + token(lot)))
        self.target = f"{self.folder}/{self.program}"
        self.interface = lot.choice(("eth0", "eth1", "wlan0", "usb0", "mlan0"))
        self.options = lot.choice(("nolock", "nolock,soft", "ro,nolock", "nolock,vers=3", "tcp,nolock"))
        self.temporary = lot.choice(("/tmp/", "/var/tmp/", "/dev/shm/")) + token(lot)
        self.action = lot.choice(("net_update", "sync_programs", "check_release", "service_start", "refresh_all", "key_pressed", "menu_item_7"))
        self.key = lot.randrange(0x80, 0x100), lot.randrange(0x21, 0x7F)

    @property
    def number(self):
        """The address as a number, first octet highest."""
        return int.from_bytes(bytes(self.octets), "big")


def token(lot):
    return "".join(lot.choice("abcdefghikmnoprstuvw") for _ in range(lot.randrange(3, 7)))


def public(lot):
    while True:
        octets = lot.randrange(11, 224), lot.randrange(1, 255), lot.randrange(1, 255), lot.randrange(1, 255)
        address = ipaddress.ip_address(bytes(octets))
        if address.is_global and not address.is_multicast and max(octets) >= 100:
            return octets


def private(lot):
    last = lot.randrange(1, 255), lot.randrange(2, 255)
    first = lot.choice(((10, lot.randrange(0, 255)), (192, 168), (172, lot.randrange(16, 32))))
    return ".".join(map(str, first + last))
