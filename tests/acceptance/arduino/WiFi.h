// What the sketch of docs/devices.md needs of an Arduino's core, on Linux: time, waiting, and a WiFi that is there.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <ctime>

struct WiFiClient {};

inline void configTime(long, int, const char *) {}

// A minute or more is the pause to the next reading: the test has seen one.
inline void delay(unsigned long milliseconds) {
  if (milliseconds >= 60000) exit(0);
  exit(1);
}

void setup();
void loop();
