"""Which Redis is used, if any, and what is kept in it of the cache."""

from urllib.parse import parse_qsl

from redis import ConnectionPool, RedisError

from .reading import HIGHEST_PORT, SettingError, address, integer, listed

# What may follow `?` in REDIS_URL. The client knows more, which would undo the short patience that it is used with.
OPTIONS = ("db", "protocol", "client_name", "ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
WAYS = ("REDIS_URL", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES")


def load(given):
    """REDIS_URL, REDIS_SENTINELS (host, port pairs) or REDIS_CLUSTER_NODES (likewise); None or [] when not in use."""
    ways = [n for n in ("REDIS_URL", "REDIS_HOST", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES") if n in given]
    if len(ways) > 1:
        raise SettingError(ways[1], f"cannot stand beside {ways[0]}; name Redis in one way")
    port = integer(given, "REDIS_PORT", 6379, lowest=1, highest=HIGHEST_PORT)
    url = given.get("REDIS_URL")
    if "REDIS_HOST" in given:
        url = f"redis://{given['REDIS_HOST']}:{port}"
    if url:
        check_url(ways[0], url)
    if ("REDIS_SENTINELS" in given) != ("REDIS_SENTINEL_SERVICE" in given):
        raise SettingError("REDIS_SENTINEL_SERVICE", "required together with REDIS_SENTINELS")
    return {
        "REDIS_URL": url,
        "REDIS_PASSWORD": given.get("REDIS_PASSWORD"),
        "REDIS_SENTINELS": nodes(given, "REDIS_SENTINELS", 26379),
        "REDIS_SENTINEL_SERVICE": given.get("REDIS_SENTINEL_SERVICE"),
        "REDIS_CLUSTER_NODES": nodes(given, "REDIS_CLUSTER_NODES", 6379),
    }


def check_url(name, url):
    parts = address(name, url, ("redis", "rediss"), "redis://host:6379")
    for option, _ in parse_qsl(parts.query, keep_blank_values=True):
        if option not in OPTIONS:
            raise SettingError(name, f"after ? may stand only {', '.join(OPTIONS)}")
    number = parts.path.strip("/")
    try:
        if number and not number.isdecimal():
            raise ValueError
        ConnectionPool.from_url(url).make_connection()
    except (ValueError, TypeError, RedisError):
        raise SettingError(name, "has a database number or an option that cannot be") from None


def cache(given, redis):
    """In Redis where one is in use, as JSON; else in this process."""
    cache_ttl = integer(given, "CACHE_TTL", 3600, lowest=1)
    return {
        "CACHE_TTL": cache_ttl,
        "CACHE_TYPE": "chatapp.json_cache.JsonCache" if any(redis[name] for name in WAYS) else "SimpleCache",
        "CACHE_DEFAULT_TIMEOUT": cache_ttl,
        "CACHE_KEY_PREFIX": "",
    }


def nodes(given, name, default_port):
    found = [address(name, f"tcp://{text}", ("tcp",), "host:port") for text in listed(given, name)]
    return [(node.hostname, node.port or default_port) for node in found]
