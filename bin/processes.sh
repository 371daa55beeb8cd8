# Heroku-style hosts run this before the server starts (bin/post_compile puts it under .profile.d/, where it comes before
# the host's own). They set WEB_CONCURRENCY to what the machine could bear, where nobody has set it: several processes
# work only on PostgreSQL and Redis.
case "${REDIS_URL:+redis} ${DATABASE_URL:-}" in
  "redis postgres://"* | "redis postgresql://"*) ;;
  *) export WEB_CONCURRENCY="${WEB_CONCURRENCY:-1}" ;;
esac
