"""Clients of Redis as the settings name it, none of which waits for long. For redis_link.py and realtime/channel.py."""

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError, MaxConnectionsError
from redis.retry import Retry
from redis.sentinel import Sentinel

ANSWER_S = 0.15  # of patience with one answer, or with one attempt to connect
QUEUE_S = 0.05  # of patience until another request gives its connection back
CONNECTIONS_MAX = 256  # of one process


class PatientPool(redis.BlockingConnectionPool):
    """When all connections are in use a request waits for one a moment, and its failure is not taken for Redis's."""

    def get_connection(self, *arguments, **named):
        try:
            return super().get_connection(*arguments, **named)
        except ConnectionError as error:
            if len(self._connections) >= self.max_connections and self.pool.empty():
                raise MaxConnectionsError(str(error)) from None
            raise


def client_for(settings: dict, patience: float | None = ANSWER_S):
    """A new client as the settings name it. `patience` None: one that waits for answers for ever (a listener's)."""
    options = {
        "socket_timeout": patience,
        "socket_connect_timeout": ANSWER_S,
        "socket_keepalive": True,
        "password": settings.get("REDIS_PASSWORD"),
        "retry": Retry(NoBackoff(), 0),
    }
    if settings.get("REDIS_CLUSTER_NODES"):
        nodes = [ClusterNode(host, port) for host, port in settings["REDIS_CLUSTER_NODES"]]
        return RedisCluster(startup_nodes=nodes, max_connections=CONNECTIONS_MAX, **options)
    if settings.get("REDIS_SENTINELS"):
        short = {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S, "retry": Retry(NoBackoff(), 0)}
        sentinel = Sentinel(settings["REDIS_SENTINELS"], sentinel_kwargs=short)
        return sentinel.master_for(settings["REDIS_SENTINEL_SERVICE"], max_connections=CONNECTIONS_MAX, **options)
    given = {name: value for name, value in options.items() if value is not None or name == "socket_timeout"}
    pool = PatientPool.from_url(settings["REDIS_URL"], max_connections=CONNECTIONS_MAX, timeout=QUEUE_S, **given)
    return redis.Redis(connection_pool=pool)
