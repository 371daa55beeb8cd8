#ifndef SHA1_H
#define SHA1_H
#include <stddef.h>
/* The value of Sec-WebSocket-Accept for a key; `into` takes 29 bytes. */
void accept_key(const char *key, size_t length, char *into);
#endif
