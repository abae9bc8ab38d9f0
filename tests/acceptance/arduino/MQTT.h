// The calls of the Arduino library "MQTT" (J. Gaehwiler) that docs/devices.md uses, over a socket of Linux: MQTT 3.1.1.
#pragma once
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "WiFi.h"

class MQTTClient {
 public:
  explicit MQTTClient(int) {}

  void begin(const char *host, int port, WiFiClient &) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    inet_pton(AF_INET, host, &address_.sin_addr);
  }

  bool connect(const char *id, const char *username, const char *password) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(socket_, reinterpret_cast<sockaddr *>(&address_), sizeof address_)) return false;
    send(0x10, text("MQTT") + std::string("\x04\xc2\x00\x3c", 4) + text(id) + text(username) + text(password));
    return answer(0x20) && body_[1] == 0;
  }

  // True only after the PUBACK, as in the library.
  bool publish(const char *topic, const char *payload, bool, int qos) {
    if (socket_ < 0 || qos != 1) return false;
    send(0x32, text(topic) + std::string("\x00\x01", 2) + payload);
    return answer(0x40);
  }

 private:
  static std::string text(const std::string &value) {
    return std::string{char(value.size() >> 8), char(value.size() & 0xff)} + value;
  }

  void send(int first, const std::string &body) {
    std::string packet(1, char(first));
    for (size_t left = body.size();; left >>= 7) {
      packet += char((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      if (left <= 0x7f) break;
    }
    packet += body;
    if (write(socket_, packet.data(), packet.size()) < 0) exit(2);
  }

  bool answer(int first) {
    uint8_t head[2];
    if (recv(socket_, head, 2, MSG_WAITALL) != 2 || head[1] > sizeof body_) return false;
    return recv(socket_, body_, head[1], MSG_WAITALL) == head[1] && head[0] == first;
  }

  sockaddr_in address_{};
  int socket_ = -1;
  uint8_t body_[64];
};
