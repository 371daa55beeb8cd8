/* SHA-1 and Base64, for the one thing a WebSocket handshake needs them for. Texts of up to 119 bytes. */
#include "sha1.h"

#include <stdint.h>
#include <string.h>

static uint32_t turned(uint32_t word, int by) { return word << by | word >> (32 - by); }

static void block(uint32_t state[5], const uint8_t *at) {
  uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 | (uint32_t)at[4 * i + 2] << 8 | at[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t f, k;
    if (i < 20) f = (b & c) | (~b & d), k = 0x5a827999;
    else if (i < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
    else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    else f = b ^ c ^ d, k = 0xca62c1d6;
    uint32_t next = turned(a, 5) + f + e + k + w[i];
    e = d, d = c, c = turned(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static void sha1(const uint8_t *text, size_t length, uint8_t out[20]) {
  uint8_t padded[128] = {0};
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  size_t whole = length + 9 <= 64 ? 64 : 128;
  memcpy(padded, text, length);
  padded[length] = 0x80;
  padded[whole - 2] = (uint8_t)(length * 8 >> 8), padded[whole - 1] = (uint8_t)(length * 8);
  for (size_t at = 0; at < whole; at += 64) block(state, padded + at);
  for (int i = 0; i < 20; i++) out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void accept_key(const char *key, size_t length, char *into) {
  static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t text[119], digest[21] = {0};
  if (length > sizeof text - (sizeof GUID - 1)) length = sizeof text - (sizeof GUID - 1);
  memcpy(text, key, length);
  memcpy(text + length, GUID, sizeof GUID - 1);
  sha1(text, length + sizeof GUID - 1, digest);
  for (int i = 0; i < 7; i++) {
    uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
    for (int j = 0; j < 4; j++) into[4 * i + j] = LETTERS[three >> (18 - 6 * j) & 63];
  }
  into[27] = '=', into[28] = 0;
}
