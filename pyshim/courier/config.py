"""Courier's configuration, and the filters' own settings.

Filters call these functions; each reads the files again, so a change counts at once (but for the names that me(),
defaultdomain() and dsnfrom() remember). The paths are plain attributes of this module that may be assigned, and are
looked up at each call. Nothing in here writes a file. In the examples the server is mail.example.com, its own domain
example.com, and it hosts example.org.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from courier import _dbm, _domains, _installation, _settings, _tables
from courier._settings import SettingError as SettingError

__all__ = [
    "DNS", "SettingError", "applyModuleConfig", "apply_module_config", "bindir", "datadir", "defaultdomain",
    "dsnfrom", "esmtphelo", "exec_prefix", "getAlias", "getBlockVal", "getModuleConfig", "getSmtpaccessVal",
    "get_alias", "get_block_val", "get_module_config", "get_smtpaccess_val", "isHosteddomain", "isLocal",
    "isMinVersion", "isRelayed", "isWhiteblocked", "is_hosteddomain", "is_local", "is_min_version", "is_relayed",
    "is_whiteblocked", "libexecdir", "locallowercase", "localstatedir", "mailgid", "mailgroup", "mailuid", "mailuser",
    "me", "prefix", "read1line", "sbindir", "smtpaccess", "sysconfdir", "version",
]

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

version: str  # such as "1.0.16", or "unknown"
DNS: Any  # the module of py3dns, or None

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

    >>> is_min_version("1.0.9"), version
    (True, '1.0.16')
    """
    installed = str(getattr(sys.modules[__name__], "version"))
    if installed == "unknown":
        return False
    return [_number(part) for part in installed.split(".")] >= [_number(part) for part in min_version.split(".")]


def read1line(config_path: str) -> str | None:
    """Returns the first line of a file in Courier's configuration directory, without white space around it.

    Args:
        config_path: the file's name in sysconfdir.

    Returns:
        None when the file cannot be opened, '' when it is empty.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.

    >>> read1line("me")
    'mail.example.com'
    >>> read1line("no such file") is None
    True
    """
    try:
        with open(os.path.join(sysconfdir, config_path), encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return None


def me(_cached: list[str | None] = [None]) -> str:
    """Returns the name of this mail server: the file `me`, or the host's name. Remembered for good.

    Args:
        _cached: what is remembered; a list of one None asks anew.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.

    >>> me()
    'mail.example.com'
    """
    name = _cached[0] or read1line("me") or socket.gethostname()
    _cached[0] = name
    return name


def esmtphelo(connection: Any = None) -> str | None:
    """Returns the name that Courier says in EHLO.

    Args:
        connection: a connected socket. When the file says `*`, the name of its local address is looked up.

    Returns:
        The file `esmtphelo`, or me(). None when the name of the address is not known.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
        Exception: whatever py3dns raises when it cannot ask.
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
    """Returns the domain of addresses without one: the file `defaultdomain` (remembered), or me().

    Args:
        _cached: what is remembered; a list of one None asks anew.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    if not _cached[0]:
        _cached[0] = read1line("defaultdomain")
    return _cached[0] or me()


def dsnfrom(_cached: list[str | None] = [None]) -> str:
    """Returns the From header of delivery notices: the file `dsnfrom` (remembered), or Courier's default.

    Args:
        _cached: what is remembered; a list of one None asks anew.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.

    >>> dsnfrom()
    '"Courier mail server at mail.example.com" <@>'
    """
    if not _cached[0]:
        _cached[0] = read1line("dsnfrom")
    return _cached[0] or f'"Courier mail server at {me()}" <@>'


def locallowercase() -> bool:
    """Tells whether local parts are case-insensitive here: whether the file `locallowercase` exists."""
    return os.path.exists(os.path.join(sysconfdir, "locallowercase"))


def is_local(domain: str) -> bool:
    """Tells whether a domain is in the file `locals`; without the file, whether it is me().

    Args:
        domain: compared without regard to case, xn-- labels as what they stand for. The first line decides that names
            it, or with `.name` a domain above it; a line with `!` before it says that it is not local. In a line, `*`
            stands for the host's name, and `#` begins a comment.

    >>> is_local("Example.COM"), is_local("example.net")
    (True, False)
    """
    domain = _domains.folded(domain)
    try:
        with open(os.path.join(sysconfdir, "locals"), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.readlines()
    except OSError:
        return domain == _domains.folded(me())
    return _domains.is_in_lines(domain, lines)


def is_hosteddomain(domain: str) -> bool:
    """Tells whether a domain, or `.name` of a domain above it, is in hosteddomains.dat.

    Args:
        domain: looked up as Courier does, in lower case and with xn-- labels as what they stand for, and as it is.

    >>> is_hosteddomain("Example.ORG"), is_hosteddomain("example.com")
    (True, False)
    """
    with _dbm.opened(os.path.join(sysconfdir, "hosteddomains.dat")) as database:
        if database is None:
            return False
        spellings = dict.fromkeys((_domains.folded(domain), domain.lower(), domain))
        names = dict.fromkeys(name for spelling in spellings for name in _domains.with_parents(spelling))
        return any(_tables.lookup(database, name) is not None for name in names)


def _alias_keys(address: str) -> Iterator[str]:
    """The spellings under which aliases.dat may have an address, in the order in which they are tried."""
    name, at, domain = address.partition("@")
    is_ours = not at or is_local(domain)
    domains = [me(), defaultdomain()] if is_ours else [domain, _domains.folded(domain)]
    for spelling in [name, name.lower()] if locallowercase() else [name]:
        yield from (f"{spelling}@{domain}" for domain in domains)


def get_alias(address: str) -> list[str] | None:
    """Returns what an alias stands for, one level deep.

    Args:
        address: a local domain, or none, is replaced by me(), and then by defaultdomain().

    Returns:
        The addresses, also of a long alias; None when there is no such alias.

    Raises:
        UnicodeDecodeError: the alias is not UTF-8.

    >>> get_alias("postmaster@example.com")
    ['alice@example.com', 'bob@example.com']
    """
    with _dbm.opened(os.path.join(sysconfdir, "aliases.dat")) as database:
        if database is None:
            return None
        found = (_tables.whole_record(database, key) for key in dict.fromkeys(_alias_keys(address)))
        members = next((value for value in found if value is not None), None)
    return None if members is None else members.decode("utf-8").strip().split("\n")


def smtpaccess(ip: str) -> str | None:
    """Returns the entry of smtpaccess.dat for an address or the nearest network around it, such as "allow,RELAYCLIENT".

    Args:
        ip: IPv4 or IPv6; a mapped IPv4 address is looked up as IPv4.

    Returns:
        None when no entry fits or `ip` is no address. The entry `*`, which fits all, is not looked at. Bytes that are
        not UTF-8 come as \\x and two digits.

    >>> smtpaccess("192.0.2.1"), smtpaccess("::ffff:192.0.2.1"), smtpaccess("nonsense")
    ('allow,RELAYCLIENT', 'allow,RELAYCLIENT', None)
    """
    with _dbm.opened(os.path.join(sysconfdir, "smtpaccess.dat")) as database:
        for key in [] if database is None else _tables.smtpaccess_keys(ip):
            value = _tables.lookup(database, key)
            if value is not None:
                return value.decode("utf-8", "backslashreplace")
    return None


def get_smtpaccess_val(key: str, ip: str) -> str | None:
    """Returns one setting of the entry for an address.

    Args:
        key: the setting's name, such as "BLOCK" or "RELAYCLIENT".
        ip: as for smtpaccess().

    Returns:
        What stands after `key=` (up to the next comma), '' for a key alone, None without it.

    >>> get_smtpaccess_val("RELAYCLIENT", "192.0.2.1"), get_smtpaccess_val("BLOCK", "192.0.2.1")
    ('', None)
    """
    entry = smtpaccess(ip)
    for item in [] if entry is None else entry.split(","):
        name, _, value = item.partition("=")
        if key in (name, name.strip()):
            return value
    return None


def is_relayed(ip: str) -> bool:
    """Tells whether this address may relay (RELAYCLIENT).

    >>> is_relayed("192.0.2.1"), is_relayed("203.0.113.1")
    (True, False)
    """
    return get_smtpaccess_val("RELAYCLIENT", ip) is not None


def is_whiteblocked(ip: str) -> bool:
    """Tells whether this address is exempt from block lists (an empty BLOCK).

    >>> is_whiteblocked("192.0.2.1")
    False
    """
    return get_smtpaccess_val("BLOCK", ip) == ""


def get_block_val(ip: str) -> str | None:
    """Returns the text with which this address is refused (BLOCK): '' when it is exempt, None when it is not listed.

    >>> get_block_val("198.51.100.1")
    '550 Go away'
    """
    return get_smtpaccess_val("BLOCK", ip)


def _settings_paths() -> list[str]:
    paths: Any = _standard_config_paths
    return [os.fsdecode(path) for path in ([paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths)]


def get_module_config(module_name: str) -> dict[str, Any]:
    """Returns the settings of a filter: those of the modules files, evaluated, and over them those of the server.

    Args:
        module_name: the section: the filter's file name with .py, or ttldb or quarantine.

    Returns:
        {} when there are none.

    Raises:
        SettingError: a value cannot be evaluated; the text names file, section and key.

    >>> get_module_config("greylist.py")
    {'greylist_time': 300}
    """
    return _settings.read_section(_settings_paths(), module_name)


def apply_module_config(module_name: str, module_namespace: dict[str, Any]) -> None:
    """Assigns a filter's settings to the variables of its module. A key that it does not define is a warning.

    Args:
        module_name: as for get_module_config().
        module_namespace: the module's globals().

    Raises:
        SettingError: a value cannot be evaluated.

    >>> names = {"greylist_time": 60}
    >>> apply_module_config("greylist.py", names)
    >>> names
    {'greylist_time': 300}
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
