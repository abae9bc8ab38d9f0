"""House rules that a machine can check, and what no commit may carry."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 400
FILE_LINES_MEDIAN = 140
FUNCTION_LINES_MAX = 70
SCREEN_COLUMNS_MAX = 120
LONG_FILES: dict[str, str] = {}
"""Files over that length, each with its reason."""
CATCH_ALL = {
    "ioc/api/http/headers.py": "the outermost layer: an unforeseen error still gets its headers and is logged",
    "ioc/api/stream/hub.py": "a fault in one batch must not silence every screen; it is logged",
    "ioc/ingest/bridge/link.py": "the thread keeps what ended it: the event loop raises it and ends the role",
    "ioc/rules/fold/levels.py": "a rule that breaks ends alone, with a reason (ADR 0016)",
    "ioc/rules/fold/observe.py": "the same: it ends in its turn",
    "ioc/rules/fold/select.py": "the same: it ends in its turn",
    "ioc/rules/fold/step.py": "the same, of a rule that is edited",
    "ioc/rules/state/faults.py": "a rule that breaks ends alone, with a reason (ADR 0016)",
}
SLEEPERS = {
    "ioc/api/stream/hub.py": "the poller of the change feed and its clock",
    "ioc/backtests/host.py": "watches a backtest that is another process",
    "ioc/assembly/role_beat.py": "carries a beat about once a second",
    "ioc/backtests/job.py": "a pause before its end is noted again",
    "ioc/edge/http_guard.py": "the sweep of connections",
    "ioc/assembly/context.py": "a role waits for PostgreSQL",
    "ioc/store/audit/anchors.py": "anchors once in a period",
    "ioc/store/indicators/late_reports.py": "looks every half minute who is late",
    "ioc/edge/tls.py": "looks whether the certificate files have changed",
    "ioc/drills/host.py": "watches a drill that is another process",
    "ioc/drills/tour_host.py": "watches a tour that is another process",
    "ioc/bootstrap/up.py": "watches embedded PostgreSQL",
    "ioc/bootstrap/health_watch.py": "looks at database and disk",
    "ioc/bootstrap/web.py": "uvicorn has no event for `started`",
    "ioc/ingest/pipeline/backlog.py": "polls the pace that another process publishes",
    "ioc/ingest/bridge/uplink.py": "a worker; commits run between two chunks",
    "ioc/ingest/mqtt/sessions/worker.py": "a worker",
    "ioc/ingest/mqtt/server.py": "the sweep of connections",
    "ioc/ingest/mqtt/refusals.py": "writes what waits for people to read, every two seconds",
    "ioc/ingest/mqtt/gate.py": "reads the registry at most once a second",
    "ioc/ingest/mqtt/read_scheduler.py": "lets the event loop turn between two readers",
    "ioc/ingest/pipeline/batcher.py": "the batch's time, and a retry",
    "ioc/drills/conductor.py": "a drill's pace, and a wait for other processes",
    "ioc/replay/door.py": "patience with a full door",
    "ioc/replay/engine.py": "waits for a reading's turn",
    "ioc/replay/publisher.py": "a pause before it connects again",
    "ioc/rollup/worker.py": "a worker",
    "ioc/rules/engine.py": "a worker",
    "ioc/store/rules/backtest_log.py": "a pause before a stretch is read again",
    "ioc/store/embedded/server.py": "waits for another process, in a thread",
    "ioc/store/embedded/process.py": "waits for another process, in a thread",
    "ioc/store/log/event_log.py": "a pause before a transaction is tried again",
    "ioc/store/operations/keeper.py": "a worker",
    "ioc/store/sessions/doors.py": "a worker",
    "ioc/store/postgres/wakeup.py": "a pause before it listens again",
    "ioc/runtime/due_work.py": "looks every second what is due",
    "ioc/runtime/supervisor.py": "backoff and ready files",
}
SQL_CLOCKS = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|"
    r"\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def modules(*roots: str) -> list[Path]:
    found = [path for root in roots for path in sorted((ROOT / root).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


HOUSE = modules("ioc", "mqtt_client", "simulators")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_short():
    sizes = {name_of(path): lines_of(path) for path in HOUSE}
    assert statistics.median(size for name, size in sizes.items() if "__init__" not in name) <= FILE_LINES_MEDIAN
    assert {name for name, size in sizes.items() if size > FILE_LINES_MAX} == set(LONG_FILES)


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_a_module_says_what_it_promises_and_its_functions_are_short(path: Path):
    tree = parsed(path)
    assert ast.get_docstring(tree), "no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name}: {length} lines"


def literals(tree: ast.AST) -> Iterator[str]:
    """Yield every text of a module that is no docstring or lone string; of f-strings their fixed parts."""
    lone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone:
            yield node.value


@pytest.mark.parametrize("path", sorted((ROOT / "ioc" / "store").rglob("*.py")), ids=name_of)
def test_sql_never_asks_postgresql_for_the_time(path: Path):
    """Migrations too: a default of now() would date rows by another clock than the log's (ADR 0003)."""
    assert [text for text in literals(parsed(path)) if SQL_CLOCKS.search(text)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("X = 'SELECT now()'", True),
        ("X = f'UPDATE {t} SET at = CURRENT_TIMESTAMP'", True),
        ("def f():\n    'Never calls now().'\n    return clock.now()", False),
        ("X = 'SELECT known FROM event'", False),
    ],
)
def test_the_rule_on_sql_clocks_sees_sql_only(source: str, *, found: bool):
    assert any(SQL_CLOCKS.search(text) for text in literals(ast.parse(source))) is found


def catches_everything(tree: ast.AST) -> bool:
    """Tell whether something catches Exception or more without raising again."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "BaseException"
            swallowed = not any(isinstance(inner, ast.Raise) for inner in node.body)
            if re.search(r"\b(?:Base)?Exception\b", caught) and swallowed:
                return True
    return False


def test_nothing_swallows_every_error():
    assert {name_of(path) for path in HOUSE if catches_everything(parsed(path))} == set(CATCH_ALL)


def sleeps(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep"
        for node in ast.walk(tree)
    )


def test_only_workers_and_waits_for_other_processes_sleep():
    assert {name_of(path) for path in modules("ioc") if sleeps(parsed(path))} == set(SLEEPERS)


def test_only_who_puts_processes_together_makes_clocks():
    made = {"AnchoredLogClock", "MonotonicIOClock"}
    makers = {
        name_of(path)
        for path in modules("ioc")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in made
    }
    assert makers
    where = ("ioc/assembly/", "ioc/bootstrap/", "ioc/drills/instance.py")
    assert {maker for maker in makers if not maker.startswith(where)} == set()


def test_sql_is_written_in_the_store_only():
    statement = re.compile(r"^\s*(?:SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM)\s", re.DOTALL)
    outside = [path for path in HOUSE if "store" not in path.parts]
    assert [name_of(path) for path in outside if any(statement.match(text) for text in literals(parsed(path)))] == []


def test_advisory_locks_have_their_numbers_in_one_place():
    """Two that shared a number would wait for each other, or for each other in turn."""
    taken = [path for path in modules("ioc") if any("pg_advisory" in text for text in literals(parsed(path)))]
    assert {name_of(path) for path in taken} == {"ioc/store/postgres/locks.py", "ioc/store/postgres/migrate.py"}


def test_lock_files_pin_by_hash_and_name_no_address():
    locks = sorted(ROOT.glob("requirements*.lock"))
    assert len(locks) == 4
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9._-]+(?:\[[^\]]+\])?==[^\s;]+", text, re.MULTILINE | re.IGNORECASE)
        assert pins
        assert len(re.findall(r"^\S", re.sub(r"^#.*$", "", text, flags=re.MULTILINE), re.MULTILINE)) == len(pins)
        assert text.count("--hash=sha256:") >= len(pins)


def test_each_exception_from_a_lint_rule_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = text.split("ignore = [\n", 1)[1].split("\n]", 1)[0].splitlines()
    assert [line for line in ignored if not re.search(r'",\s+# \S', line)] == []
    assert tomllib.loads(text)["tool"]["mypy"]["strict"] is True


def test_no_file_of_the_repository_carries_a_machine_s_path_or_a_secret():
    """Also in code, scripts and data. Keys are found by their published form."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    forbidden = re.compile(r"(?<![\w.])/(?:work|home/\w+)/(?=\w)|-----BEGIN [A-Z ]*PRIVATE KEY-----")
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix in {".png", ".woff2", ".ico"} or not path.is_file() or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {match}" for match in forbidden.findall(text)]
    assert found == []


def test_no_file_of_the_screens_is_too_long_and_no_line_of_it():
    """Prettier breaks code, but neither comments nor texts; the dictionaries are lists of texts.

    What is written from the API's description is as long as that.
    """
    folders = (ROOT / "ui" / "src", ROOT / "ui" / "tests")
    paths = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".ts", ".svelte", ".css"}]
    assert len(paths) > 100
    for path in paths:
        if path == ROOT / "ui" / "src" / "api" / "types.ts":
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= FILE_LINES_MAX, path
        assert [line for line in lines if len(line) > SCREEN_COLUMNS_MAX] == [], path
