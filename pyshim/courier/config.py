"""Courier's configuration, and the filters' own settings.

Filters call these functions; each reads the files again, so a change counts at once. The paths are plain attributes of
this module that may be assigned, and are looked up at each call. Nothing in here writes a file.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from courier import _dbm, _installation, _settings
from courier._settings import SettingError as SettingError

prefix = "/usr/lib/courier"
exec_prefix = "/usr/lib/courier"
bindir = "/usr/lib/courier/bin"
sbindir = "/usr/lib/courier/sbin"
libexecdir = "/usr/lib/courier/libexec"
sysconfdir = "/etc/courier"
datadir = "/usr/lib/courier/share"
localstatedir = "/var/spool/courier"
mailuser = "daemon"
mailgroup = "daemon"
mailuid = "2"
mailgid = "2"

version: str
DNS: Any

_standard_config_paths: list[str] | str = [
    "/etc/pythonfilter-modules.conf",
    "/usr/local/etc/pythonfilter-modules.conf",
]

# At import, because filters read these attributes without calling anything; it takes about a millisecond.
globals().update(_installation.directories())


def __getattr__(name: str) -> Any:
    # `version` runs a program and `DNS` reads name servers: few filters want either, so the first use pays for it.
    if name == "version":
        value: Any = _installation.courier_version(sbindir)
    elif name == "DNS":
        value = _import_dns()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _import_dns() -> Any:
    try:
        import DNS as found  # type: ignore[import]
    except ImportError:
        return None
    found.DiscoverNameServers()
    return found


def _number(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isascii() and part.isdigit() else (-1, part)


def is_min_version(min_version: str) -> bool:
    """Tells whether the installed Courier is at least this version.

    Args:
        min_version: numbers with dots; they are compared as numbers, other parts as text.

    Returns:
        False also when the version is unknown.
    """
    installed = str(getattr(sys.modules[__name__], "version"))
    if installed == "unknown":
        return False
    return [_number(part) for part in installed.split(".")] >= [_number(part) for part in min_version.split(".")]


def read1line(config_path: str) -> str | None:
    """Returns the first line of a file in Courier's configuration directory, without white space around it.

    Returns:
        None when the file cannot be opened, '' when it is empty.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    try:
        with open(os.path.join(sysconfdir, config_path), encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return None


def me(_cached: list[str | None] = [None]) -> str:
    """Returns the name of this mail server: the file `me`, or the host's name. Remembered for good."""
    name = _cached[0] or read1line("me") or socket.gethostname()
    _cached[0] = name
    return name


def esmtphelo(connection: Any = None) -> str | None:
    """Returns the name that Courier says in EHLO.

    Args:
        connection: a connected socket. When the file says `*`, the name of its local address is looked up.

    Returns:
        The file `esmtphelo`, or me(). None when the name of the address is not known.
    """
    value = read1line("esmtphelo") or me()
    if value != "*":
        return value
    dns = getattr(sys.modules[__name__], "DNS")
    if connection is None or dns is None:
        return me()
    name: str | None = dns.revlookup(connection.getsockname()[0])
    return name


def defaultdomain(_cached: list[str | None] = [None]) -> str:
    """Returns the domain of addresses without one: the file `defaultdomain` (remembered), or me()."""
    if not _cached[0]:
        _cached[0] = read1line("defaultdomain")
    return _cached[0] or me()


def dsnfrom(_cached: list[str | None] = [None]) -> str:
    """Returns the From header of delivery notices: the file `dsnfrom` (remembered), or Courier's default."""
    if not _cached[0]:
        _cached[0] = read1line("dsnfrom")
    return _cached[0] or f'"Courier mail server at {me()}" <@>'


def locallowercase() -> bool:
    """Tells whether local parts are case-insensitive here: whether the file `locallowercase` exists."""
    return os.path.exists(os.path.join(sysconfdir, "locallowercase"))


def is_local(domain: str) -> bool:
    """Tells whether a domain is in the file `locals`; without the file, whether it is me().

    Args:
        domain: compared without regard to case. The first line decides that names it, or with `.name` a domain above
            it; a line with `!` before it says that it is not local.
    """
    domain = domain.lower()
    try:
        with open(os.path.join(sysconfdir, "locals"), encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.strip().lower() for line in file]
    except OSError:
        return domain == me().lower()
    for line in lines:
        entry = line.removeprefix("!")
        if not entry or line.startswith("#"):
            continue
        if domain == entry or (entry.startswith(".") and domain.endswith(entry)):
            return entry == line
    return False


def _with_parents(domain: str) -> Iterator[str]:
    yield domain
    for position, letter in enumerate(domain):
        if letter == "." and position > 0:
            yield domain[position:]


def is_hosteddomain(domain: str) -> bool:
    """Tells whether a domain, or `.name` of a domain above it, is in hosteddomains.dat.

    Args:
        domain: looked up in lower case, as Courier does, and as it is given.
    """
    with _dbm.opened(os.path.join(sysconfdir, "hosteddomains.dat")) as database:
        if database is None:
            return False
        names = {name: None for spelling in (domain.lower(), domain) for name in _with_parents(spelling)}
        return any(database.get(_key(name)) is not None for name in names)


def _key(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _record_number(number: int) -> str:
    """Courier's hexadecimal digits, the lowest first."""
    return f"{number:X}"[::-1]


def get_alias(address: str) -> list[str] | None:
    """Returns what an alias stands for, one level deep.

    Args:
        address: a local domain, or none, is replaced by me().

    Returns:
        The addresses; None when there is no such alias.

    Raises:
        UnicodeDecodeError: the alias is not UTF-8.
    """
    name, at, domain = address.partition("@")
    if not at or is_local(domain):
        address = f"{name}@{me()}"
    with _dbm.opened(os.path.join(sysconfdir, "aliases.dat")) as database:
        block = None if database is None else database.get(_key(address))
        if block is None:
            return None
        blocks = []
        while block is not None:  # a long alias goes on in records of its own
            blocks.append(block)
            block = database.get(_key(f"{address}\n{_record_number(len(blocks))}"))
    text: str = b"".join(blocks).decode("utf-8")
    return text.strip().split("\n")


def _smtpaccess_key(ip: str) -> str | None:
    """The whole address as smtpaccess.dat spells it; None for what is no address."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except (ValueError, AttributeError):
        # The first numbers of an IPv4 address are good enough: that is what most entries are.
        is_network = isinstance(ip, str) and "." in ip and not set(ip) - set("0123456789.")
        return ip if is_network else None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped) if address.ipv4_mapped else ":" + address.exploded


def smtpaccess(ip: str) -> str | None:
    """Returns the entry of smtpaccess.dat for an address or the nearest network around it, such as "allow,RELAYCLIENT".

    Args:
        ip: IPv4 or IPv6; a mapped IPv4 address is looked up as IPv4.

    Returns:
        None when no entry fits or `ip` is no address.
    """
    key = _smtpaccess_key(ip)
    if key is None:
        return None
    separator = ":" if ":" in key else "."
    with _dbm.opened(os.path.join(sysconfdir, "smtpaccess.dat")) as database:
        while database is not None and key:
            value = database.get(_key(key))
            if value is not None:
                return str(value, "utf-8")
            key = key.rpartition(separator)[0]
    return None


def get_smtpaccess_val(key: str, ip: str) -> str | None:
    """Returns one setting of the entry for an address.

    Returns:
        What stands after `key=` (up to the next comma), '' for a key alone, None without it.
    """
    entry = smtpaccess(ip)
    for item in [] if entry is None else entry.split(","):
        name, _, value = item.partition("=")
        if name == key:
            return value
    return None


def is_relayed(ip: str) -> bool:
    """Tells whether this address may relay (RELAYCLIENT)."""
    return get_smtpaccess_val("RELAYCLIENT", ip) is not None


def is_whiteblocked(ip: str) -> bool:
    """Tells whether this address is exempt from block lists (an empty BLOCK)."""
    return get_smtpaccess_val("BLOCK", ip) == ""


def get_block_val(ip: str) -> str | None:
    """Returns the text with which this address is refused: '' when it is exempt, None when it is not listed."""
    return get_smtpaccess_val("BLOCK", ip)


def _settings_paths() -> list[str]:
    return [_standard_config_paths] if isinstance(_standard_config_paths, str) else _standard_config_paths


def get_module_config(module_name: str) -> dict[str, Any]:
    """Returns the settings of a filter: those of the modules files, evaluated, and over them those of the server.

    Args:
        module_name: the section: the filter's file name with .py, or ttldb or quarantine.

    Returns:
        {} when there are none.

    Raises:
        SettingError: a value cannot be evaluated; the text names file, section and key.
    """
    return _settings.read_section(_settings_paths(), module_name)


def apply_module_config(module_name: str, module_namespace: dict[str, Any]) -> None:
    """Assigns a filter's settings to the variables of its module. A key that it does not define is a warning.

    Args:
        module_name: as for get_module_config().
        module_namespace: the module's globals().

    Raises:
        SettingError: a value cannot be evaluated.
    """
    _settings.apply(_settings_paths(), module_name, module_namespace)


# Names of older filters.
isMinVersion = is_min_version
isLocal = is_local
isHosteddomain = is_hosteddomain
getAlias = get_alias
getSmtpaccessVal = get_smtpaccess_val
isRelayed = is_relayed
isWhiteblocked = is_whiteblocked
getBlockVal = get_block_val
getModuleConfig = get_module_config
applyModuleConfig = apply_module_config
