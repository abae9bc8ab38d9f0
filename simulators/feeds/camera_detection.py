"""AI cameras: what passes, how sure the camera is, and now and then a traffic violation with a made-up plate."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import bell, clamp
from simulators.world import Moment, World

LABELS = ("motorcycle", "car", "truck", "bus", "person", "bicycle")
LABEL_WEIGHTS = (46, 26, 12, 4, 9, 3)
WALKING = frozenset({"person", "bicycle"})
VIOLATIONS = ("no_helmet", "red_light", "wrong_lane", "illegal_parking")
VIOLATION_SHARE = 0.012
"""About one passage in eighty at night's rate; a calm day has few, as the city's cameras do."""
QUIET_SHARE = 0.5
PAUSE_MEAN_SECONDS = 4.0
PAUSE_MAX_SECONDS = 40.0
JAM_SPEED_KMH = 6.0
SPEED_LIMIT_KMH = 60
CLASSES = {"motorcycle": "motorcycle", "car": "car", "truck": "truck", "bus": "bus"}


class CameraDetection:
    """One camera; its passages come at random, more by day than by night."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._lane = self._random.randint(1, 3)
        self._zone = f"lane-{self._lane}"
        self._sight = world.random_for(f"{device.id} sight")
        self._id = device.id
        self._nearness = world.nearness("flooded_road", device)
        self._free_kmh = self._random.uniform(36, 50)

    def _plate(self) -> str:
        """Return a plate of the province's form; the digits are made up."""
        letter = self._random.choice("ABCDEFGHKLM")
        return f"28{letter}-{self._random.randint(100, 999)}.{self._random.randint(10, 99)}"

    def reading(self, moment: Moment) -> dict[str, object] | None:
        """Return one detection; at night the camera often has nothing to say."""
        random = self._random
        busy = max(bell(moment.hour, peak=7.5, width=2.5), bell(moment.hour, peak=17.5, width=3.0))
        if random.random() > QUIET_SHARE + (1 - QUIET_SHARE) * busy:
            return None
        jam = self._nearness * self._world.blend("road_flooding", 0.0, moment.seconds)
        label = random.choices(LABELS, weights=LABEL_WEIGHTS)[0]
        detection: dict[str, object] = {
            "label": label,
            "confidence": round(clamp(random.gauss(0.86, 0.07), 0.51, 0.99), 2),
            "camera_zone": self._zone,
            "lane": str(self._lane),
            "image": "ok",
        }
        if label in WALKING:
            return detection
        speed_kmh = random.gauss(self._free_kmh, 4.5) * (1 - jam) + JAM_SPEED_KMH * jam
        detection["speed_kmh"] = round(clamp(speed_kmh, 2.0, 68.0), 1)
        detection["speed_limit_kmh"] = SPEED_LIMIT_KMH
        detection["vehicle_class"] = CLASSES[label]
        if random.random() < VIOLATION_SHARE:
            detection["violation"] = random.choice(VIOLATIONS)
            detection["plate"] = self._plate()
            detection["plate_confidence"] = round(clamp(self._sight.gauss(0.92, 0.04), 0.7, 0.99), 2)
            detection["snapshot"] = f"{self._id}/{moment.now:%Y%m%d-%H%M%S}.jpg"
        return detection

    def pause_seconds(self) -> float:
        """Return a random pause of about four seconds."""
        return clamp(self._random.expovariate(1 / PAUSE_MEAN_SECONDS), 0.5, PAUSE_MAX_SECONDS)
