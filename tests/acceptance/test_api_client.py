"""A client that openapi-python-client makes of docs/openapi.json compiles, and reads a running instance."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from proof.fuzzing.api import PROGRAM
from tests.acceptance.instance import ROOT, items, wait_until

pytestmark = pytest.mark.timeout(240)
FOLDER = PROGRAM.parent
CONFIG = "project_name_override: ioc-client\npackage_name_override: ioc_client\npost_hooks: []\n"
NOT_MADE = {
    *(f"POST /api/v1/{path}" for path in ("feeds/{feed}/events", "cloudevents", "adapters/{adapter}")),
    "POST /api/v1/indicators/import", "GET /api/v1/indicators/template", "GET /api/v1/indicators/export",
    "POST /api/v1/devices/imports", "GET /api/v1/devices/template", "GET /api/v1/devices/export",
    "POST /api/v1/limits/imports", "GET /api/v1/limits/template", "GET /api/v1/limits/export",
    "POST /api/v1/lookups/imports", "GET /api/v1/lookups/template", "GET /api/v1/lookups/export",
    "POST /api/v1/media", "GET /api/v1/media/{medium}", "GET /api/v1/media/{medium}/thumbnail",
}  # fmt: skip
"""Bodies of NDJSON, CloudEvents, foreign formats, sheets (xlsx) and pictures are beyond this maker of clients."""
READER = """
import compileall, json, sys
url, key, folder, device = sys.argv[1:]
assert compileall.compile_dir(folder, quiet=1)
sys.path.insert(0, folder)
from ioc_client import AuthenticatedClient
from ioc_client.api.alerts import list_alerts_api_v1_alerts_get as alerts
from ioc_client.api.rules import list_rules_api_v1_rules_get as rules
from ioc_client.api.series import get_series_api_v1_series_get as series
from ioc_client.models import GetSeriesApiV1SeriesGetStep as Step
with AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True) as client:
    listed = alerts.sync(client=client, open_=True, device=[device])
    kept = rules.sync(client=client)
    line = series.sync(client=client, field="rain_24h_mm", device=device, step=Step.RAW)
print(json.dumps({
    "alerts": [(each.rule, each.severity.value, each.now.text.vi, each.device) for each in listed.items],
    "rules": [each.id for each in kept.items],
    "points": [point.v for point in line.items],
}))
"""


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory):
    """The client, made anew from the file."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    done = subprocess.run(
        [FOLDER / "openapi-python-client", "generate", "--path", ROOT / "docs" / "openapi.json", "--meta", "none",
         "--config", folder / "config.yaml", "--output-path", folder / "ioc_client"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    left_out = set(re.findall(r"^WARNING parsing (.+) within", done.stdout + done.stderr, re.MULTILINE))
    assert left_out <= NOT_MADE, done.stdout + done.stderr
    return folder


def test_the_made_client_reads_alerts_series_and_rules(instance, operator, client_folder):
    device = instance.device("client-rain", "rainfall", "04795")
    assert device.publish({"rain_24h_mm": 187.5}).returncode == 0
    wait_until(lambda: items(operator, "/api/v1/alerts", device="client-rain", open="true"), what="its alert")
    key = instance.key("district", area="04795")
    done = subprocess.run(
        [FOLDER / "python", "-c", READER, instance.url, key, client_folder, "client-rain"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert ("rain.24h", "187,5 mm", "client-rain") in {(rule, now, name) for rule, _, now, name in read["alerts"]}, read
    assert "rain.24h" in read["rules"]
    assert read["points"] == [187.5]
