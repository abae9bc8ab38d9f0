"""Devices of a small made-up city for the simulators' tests, and a door on HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from simulators.roster import Device

HOA_BINH = (20.8172, 105.3375)
LAM_SON = (20.8790, 105.4870)
DOC_CUN = (20.7980, 105.3452)


def _device(name, feed, point):
    return Device(id=name, feed=feed, key="key", lat=point[0], lon=point[1])


@pytest.fixture
def devices():
    """One or two devices of each feed, in Hòa Bình unless the id says otherwise."""
    return [
        _device("rain-core", "rainfall", HOA_BINH),
        _device("rain-far", "rainfall", (20.8900, 105.5600)),
        _device("river-da", "river_level", (20.8190, 105.3370)),
        _device("river-bui", "river_level", LAM_SON),
        _device("lake", "reservoir", (20.8083, 105.3239)),
        _device("air", "air_quality", HOA_BINH),
        _device("road-flooded", "traffic_flow", DOC_CUN),
        _device("road-near", "traffic_flow", (20.8010, 105.3440)),
        _device("road-far", "traffic_flow", (20.8970, 105.5770)),
        _device("camera", "camera_detection", DOC_CUN),
        _device("wifi-cut", "public_wifi", (20.8200, 105.3400)),
        _device("wifi-cut-2", "public_wifi", (20.8204, 105.3396)),
        _device("weather", "weather", HOA_BINH),
        _device("river-water", "surface_water", (20.8243, 105.3377)),
        _device("noise", "noise", HOA_BINH),
        _device("noise-benh-vien", "noise", HOA_BINH),
        _device("landfill", "landfill", DOC_CUN),
        _device("bin", "waste_bin", HOA_BINH),
        _device("light", "street_light", (20.8284, 105.3381)),
        _device("power", "power_grid", (20.8190, 105.3395)),
        _device("tap", "tap_water", HOA_BINH),
        _device("wifi-far", "public_wifi", (20.8790, 105.5300)),
    ]


@pytest.fixture
def served():
    """A local door: answers from `answers`, remembers requests in `heard`."""
    answers: list[tuple[int, dict[str, str], object]] = []
    heard: list[tuple[str, str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((self.path, self.headers["Authorization"], body))
            status, headers, answer = answers.pop(0)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_arguments):
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", answers, heard
    server.shutdown()
    thread.join()
    server.server_close()
