"""The extensions, unbound; `create_app` binds them. The only place where they are made."""

from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import DeclarativeBase

from .fair_pool import FairPool
from .postgres_link import PostgresLink
from .redis_link import RedisLink
from .replica_link import Replicas


class Base(DeclarativeBase):
    """The base of every table."""


# A row stays readable after the commit that wrote it: what is told afterwards must not cost another query.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False}, engine_options={"poolclass": FairPool})
migrate = Migrate()
redis = RedisLink()
postgres = PostgresLink()
replicas = Replicas()
cache = Cache()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, headers_enabled=False)
socketio = SocketIO()
