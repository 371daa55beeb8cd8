"""What is counted, for Prometheus (`/metrics`). Anybody may count; names and labels never hold what people wrote."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("chatapp_connections", "Open Socket.IO connections of this process")
COMMAND_SECONDS = Histogram("chatapp_command_seconds", "Time to answer a socket command", ["event"])
REFUSALS = Counter("chatapp_refusals", "Socket commands refused", ["event", "code"])
REQUEST_SECONDS = Histogram("chatapp_request_seconds", "Time to answer an HTTP request", ["route", "method", "status"])
MESSAGES = Counter("chatapp_messages", "Messages said")
REDIS_UP = Gauge("chatapp_redis_up", "Whether this process can use Redis (1 also where it is not in use)")
REDIS_UP.set(1)
RELAY_LISTENING = Gauge("chatapp_relay_listening", "Whether this process hears the events of the others")
RELAY_SENT = Counter("chatapp_relay_sent", "Events given to Redis for the other processes")
RELAY_DROPPED = Counter("chatapp_relay_dropped", "Events not given to Redis, which was away, or too slow")
RELAY_UNREADABLE = Counter("chatapp_relay_unreadable", "What came by Redis and was no event of ours")
REPAIRED = Counter("chatapp_changes_repaired", "Changes told late, because no other process's event had come")
DATABASE_UP = Gauge("chatapp_database_up", "Whether this process can use the database")
DATABASE_UP.set(1)
