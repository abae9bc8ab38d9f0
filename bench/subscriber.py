"""`python -m bench.subscriber`: a bare paho subscriber that throws away what it gets, and says how fast that was.

3.1.1, QoS 1, acknowledged by paho itself, an empty callback but for the count: what a Python service behind a broker
costs before it does anything. Told as JSON on standard input, like bench.publisher.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Do as told: {port, count, timeout_seconds}; answer with {received, ended, cpu_seconds}."""
    job = json.loads(sys.stdin.readline())
    done, subscribed = threading.Event(), threading.Event()
    received = 0
    ended = 0.0

    def on_message(_client: mqtt.Client, _userdata: object, _message: mqtt.MQTTMessage) -> None:
        nonlocal received, ended
        received += 1
        if received == job["count"]:
            ended = time.monotonic()
            done.set()

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe("ioc/v1/#", qos=1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, "bench-subscriber", protocol=mqtt.MQTTv311)
    client.on_message = on_message
    client.on_connect = on_connect
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", job["port"])
    client.loop_start()
    if not subscribed.wait(10):
        raise SystemExit("the broker did not take the subscription")
    cpu = time.process_time()
    print("ready", flush=True)
    done.wait(job["timeout_seconds"])
    print(json.dumps({"received": received, "ended": ended, "cpu_seconds": time.process_time() - cpu}), flush=True)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
