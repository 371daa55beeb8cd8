"""What is counted, for Prometheus (`/metrics`). Anybody may count; names and labels never hold what people wrote."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONNECTIONS = Gauge("chatapp_connections", "Open Socket.IO connections", multiprocess_mode="livesum")
COMMAND_SECONDS = Histogram("chatapp_command_seconds", "Time to answer a socket command", ["event"])
REFUSALS = Counter("chatapp_refusals", "Socket commands refused", ["event", "code"])
REQUEST_SECONDS = Histogram("chatapp_request_seconds", "Time to answer an HTTP request", ["route", "method", "status"])
MESSAGES = Counter("chatapp_messages", "Messages said")
CACHE_ANSWERS = Counter("chatapp_cache_answers", "Readers of a cached page", ["family", "outcome"])  # hit | miss
REPLICA_READS = Counter("chatapp_replica_reads", "Reads meant for a replica", ["outcome"])  # answered | behind | …
REDIS_UP = Gauge(
    "chatapp_redis_up",
    "Whether every process can use Redis (1 also where it is not in use)",
    multiprocess_mode="livemin",
)
REDIS_UP.set(1)
RELAY_LISTENING = Gauge(
    "chatapp_relay_listening", "Whether every process hears the events of the others", multiprocess_mode="livemin"
)
RELAY_SENT = Counter("chatapp_relay_sent", "Events given to Redis for the other processes")
RELAY_DROPPED = Counter("chatapp_relay_dropped", "Events not given to Redis, which was away, or too slow")
RELAY_UNREADABLE = Counter("chatapp_relay_unreadable", "What came by Redis and was no event of ours")
REPAIRED = Counter("chatapp_changes_repaired", "Changes told late, because no other process's event had come")
DATABASE_UP = Gauge("chatapp_database_up", "Whether every process can use the database", multiprocess_mode="livemin")
DATABASE_UP.set(1)
JOBS = Gauge(
    "chatapp_jobs", "Jobs by state; done and failed (given up): how many ever", ["state"], multiprocess_mode="livemax"
)


def collected(of_several: bool) -> bytes:
    """Everything as Prometheus reads it: of this process or, `of_several`, of all that one supervisor started."""
    if not of_several:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # they count in files, in the folder that the supervisor names
    return generate_latest(registry)
