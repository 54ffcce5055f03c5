"""Settings of filters: typed values of the server's own file reach the filter, and win over the modules file per key.

Shown with real filters that use apply_module_config(globals()), as filters have always done.
"""
from __future__ import annotations

import signal
import subprocess

from support.server import Server

LIMIT = 30.0
# Replies with what its settings are. The modules file is written by the test: MODULES is its path.
LIMITS = """
    import courier.config
    courier.config._standard_config_paths = ["{modules}"]
    most, least, name, extra = 1, 1, "none", None
    courier.config.apply_module_config("limits.py", globals())

    def do_filter(body, controls):
        return "550 " + repr((most, least, name, extra))
"""
LIBRARY = """
    import courier.config

    def do_filter(body, controls):
        first = courier.config.get_module_config("ttldb")
        first["list"].append("spoilt")
        return "550 " + repr((courier.config.get_module_config("ttldb"), courier.config.get_module_config("other")))
"""


def write_modules(server: Server, text: str) -> None:
    (server.base / "modules.conf").write_text(text)


def limits_server(config: str, modules: str = "") -> Server:
    server = Server(config=config)
    server.write_filter("limits", LIMITS.replace("{modules}", str(server.base / "modules.conf")))
    write_modules(server, modules)
    return server


def test_settings_win_key_by_key_over_the_modules_file_and_are_typed() -> None:
    config = "filters: [{filter: limits, settings: {most: 5, name: '7', extra: {a: [1.5, null, true], 25: x}}}]\n"
    modules = "[limits.py]\nmost = undefined_name\nleast = 2 * 3\n"
    with limits_server(config, modules) as server:
        assert server.ask() == b"550 (5, 6, '7', {'a': [1.5, None, True], 25: 'x'})\n"


def test_without_settings_the_modules_file_alone_counts() -> None:
    with limits_server("filters: [limits]\n", "[limits.py]\nmost = 60 * 60\n") as server:
        assert server.ask() == b"550 (3600, 1, 'none', None)\n"


def test_values_are_never_evaluated() -> None:
    config = "filters: [{filter: limits, settings: {name: '__import__(\"os\")._exit(1)', extra: 1 + 1}}]\n"
    with limits_server(config) as server:
        assert server.ask() == b"""550 (1, 1, '__import__("os")._exit(1)', '1 + 1')\n"""


def test_a_name_that_the_module_does_not_define_is_a_warning_with_its_place() -> None:
    config = "filters:\n  - filter: limits\n    settings:\n      mst: 5\n"
    with limits_server(config, "[limits.py]\nleats = 2\n") as server:
        assert server.ask() == b"550 (1, 1, 'none', None)\n"
        place = f"{server.config_path}:6"  # courier and filter_path are before it
        server.wait_for_log(rf"WARN: {place}: \[limits\.py\] mst: .*did you mean most\?")
        server.wait_for_log(rf"WARN: {server.base}/modules\.conf: \[limits\.py\] leats: .*did you mean least\?")


def test_the_same_filter_in_two_pools_has_the_settings_of_each() -> None:
    config = """
        pools: {other: {workers: 1, preload: no}}
        filters:
          - {filter: decide, settings: {answer: ''}}
          - {filter: decide, pool: other, settings: {answer: 550 the other}}
    """
    source = """
        import courier.config
        answer = "550 not set"
        courier.config.apply_module_config("decide.py", globals())

        def do_filter(body, controls):
            return answer
    """
    with Server(config=config) as server:
        server.write_filter("decide", source)
        server.signal(signal.SIGHUP)
        server.wait_for_log("generation 2 serves", timeout=LIMIT)
        assert server.ask() == b"550 the other\n"


def test_library_modules_have_sections_and_each_caller_gets_values_of_its_own() -> None:
    config = "modules: {ttldb: {type: sqlite, list: [1]}}\nfilters: [library]\n"
    with Server(filters={"library": LIBRARY}, config=config) as server:
        for _ in range(2):
            assert server.ask() == b"550 ({'list': [1], 'type': 'sqlite'}, {})\n"


def test_a_reload_takes_changed_settings() -> None:
    with limits_server("filters: [{filter: limits, settings: {most: 2}}]\n") as server:
        assert server.ask() == b"550 (2, 1, 'none', None)\n"
        server.write_config("filters: [{filter: limits, settings: {least: 3}}]\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log("generation 2 serves", timeout=LIMIT)
        assert server.ask() == b"550 (1, 3, 'none', None)\n"


def test_the_longest_settings_that_are_allowed_reach_the_filter() -> None:
    long = 65_000
    config = f"filters: [{{filter: limits, settings: {{name: {'x' * long}}}}}]\n"
    server = limits_server(config)
    server.write_filter("limits", LIMITS.replace("repr((most, least, name, extra))", "str(len(name))"))
    with server:
        assert server.ask() == b"550 %d\n" % long


def check(server: Server) -> subprocess.CompletedProcess[str]:
    return subprocess.run([server.program, "check", "--config", server.config_path], capture_output=True, text=True,
                          timeout=LIMIT)


def test_check_shows_the_settings_and_refuses_what_cannot_be_told() -> None:
    config = ("modules: {ttldb: {type: sqlite, password: hunter2}}\npools: {other: {workers: 1}}\n"
              "filters: [{filter: limits, pool: other, settings: {most: 5, name: '5'}}]\n")
    server = Server(config=config)
    try:
        done = check(server)
        assert done.returncode == 0 and done.stderr == ""
        assert [line for line in done.stdout.splitlines() if line.startswith("setting: ")] == [
            'setting: ttldb: password = "(not shown)"',
            'setting: ttldb: type = "sqlite"',
            "setting: limits.py (pool other): most = 5",
            'setting: limits.py (pool other): name = "5"',
        ]
        for bad, column in (("no", 45), ("!!int 5", 45)):
            server.write_config(f"filters: [{{filter: limits, settings: {{most: {bad}}}}}]\n")
            done = check(server)
            assert done.returncode == 78 and f"{server.config_path}:3:{column}: " in done.stderr, done.stderr
        server.write_config(f"filters: [{{filter: limits, settings: {{name: {'x' * 70_000}}}}}]\n")
        done = check(server)
        assert done.returncode == 78 and f"{server.config_path}:3:" in done.stderr and "65536" in done.stderr
    finally:
        server.close()


def test_settings_that_do_not_fit_leave_the_old_configuration_in_force() -> None:
    with limits_server("filters: [{filter: limits, settings: {most: 2}}]\n") as server:
        server.write_config(f"filters: [{{filter: limits, settings: {{name: {'x' * 70_000}}}}}]\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log(rf"ERR: reload: .*{server.config_path}:3:\d+: .*65536", timeout=LIMIT)
        assert server.ask() == b"550 (2, 1, 'none', None)\n"
