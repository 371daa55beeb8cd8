#!/bin/sh
# A bot without a socket speaks piece by piece: sh bot.sh http://127.0.0.1:5000 TOKEN SESSION_ID (needs curl and jq)
set -eu
token=$2
ask() { curl -sSf "$1" -H "Authorization: Bearer $token" -H "Content-Type: application/json" -d "$2"; }
client_id=$(cat /proc/sys/kernel/random/uuid)
id=$(ask "$1/api/v1/sessions/$3/streams" "{\"clientId\": \"$client_id\"}" | jq .message.id)
ask "$1/api/v1/streams/$id/chunks" '{"gen": 1, "offset": 0, "text": "Hello "}'
ask "$1/api/v1/streams/$id/chunks" '{"gen": 1, "offset": 6, "text": "from curl"}'
ask "$1/api/v1/streams/$id/chunks" '{"gen": 1, "offset": 6, "text": "from curl"}' # what is sent twice counts once
ask "$1/api/v1/streams/$id/complete" '{"gen": 1}'
