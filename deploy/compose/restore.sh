#!/bin/sh
# Puts what backup.sh wrote into a deployment that holds nothing yet, made with the same .env; then start it. From the
# folder of docker-compose.yaml:
#
#   deploy/compose/restore.sh /srv/backup/2026-11-29 && docker compose up -d
#
# COMPOSE='docker-compose' for the program of its own that older distributions have.
set -eu

dir=${1:?usage: restore.sh FOLDER}
compose() { ${COMPOSE:-docker compose} "$@"; }
stop() { echo "$1" >&2; exit 1; }

if compose ps --services --filter status=running | grep -qxE 'gateway|mlflow'; then
  stop 'The gateway or MLflow runs: docker compose down first.'
fi
[ -s "$dir/artifacts.tar" ] || stop "$dir holds no backup."

# once SERVICE COMMAND: in a container of its own, which gets standard input and has the volumes of the service.
once() {
  service=$1
  shift
  compose run --rm --no-deps -T "$service" "$@"
}

# In the database named as the superuser.
psql_of() {
  compose exec -T postgres sh -c 'PGPASSWORD=$POSTGRES_PASSWORD exec "$@"' - "$@"
}

if compose config --services | grep -qx postgres; then
  [ -s "$dir/gateway.dump" ] || stop "$dir is a backup of SQLite: restore it without postgresql.yaml."
  compose up -d postgres
  tries=0
  until psql_of pg_isready -q -h 127.0.0.1 -U postgres </dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || stop 'PostgreSQL does not start.'
    sleep 2
  done
  for database in gateway mlflow; do
    tables=$(psql_of psql -h 127.0.0.1 -U postgres -d "$database" -Atc \
      "select count(*) from information_schema.tables where table_schema = 'public'" </dev/null)
    [ "$tables" = 0 ] || stop "The database $database holds something already."
  done
  for database in gateway mlflow; do
    psql_of pg_restore -h 127.0.0.1 -U postgres -d "$database" --no-owner "--role=$database" --exit-on-error \
      <"$dir/$database.dump"
  done
else
  [ -s "$dir/gateway.db" ] || stop "$dir is a backup of PostgreSQL: restore it with postgresql.yaml."
  once gateway sh -c '[ ! -e /data/gateway.db ]' </dev/null || stop 'The gateway has a store already.'
  once gateway sh -c 'umask 077; cat >/data/gateway.db' <"$dir/gateway.db"
fi
once mlflow-volume sh -c '[ "$(stat -c %u /mlflow)" = 10001 ] || chown -R 10001:10001 /mlflow' </dev/null
[ ! -s "$dir/mlflow.db" ] || once mlflow sh -c 'cat >/mlflow/mlflow.db' <"$dir/mlflow.db"
once mlflow tar -C /mlflow -x <"$dir/artifacts.tar"
echo "Restored $dir."
