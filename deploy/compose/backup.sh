#!/bin/sh
# Copies all that a deployment keeps into a new folder, while it runs. From the folder of docker-compose.yaml:
#
#   deploy/compose/backup.sh /srv/backup/2026-11-29
#
# It holds the hashes of passwords and all of MLflow's data: keep it as closely as the machine itself. Not in it: .env.
# COMPOSE='docker-compose' for the program of its own that older distributions have.
set -eu

dir=${1:?usage: backup.sh NEW_FOLDER}
compose() { ${COMPOSE:-docker compose} "$@"; }

umask 077
mkdir "$dir"
failed() { echo 'The backup is not complete: do not keep it.' >&2; }
trap failed EXIT

# The gateway's store first: what is created in the meantime then belongs to nobody after a restore, in place of to the
# holders of a grant on something else of that id.
if compose config --services | grep -qx postgres; then
  for database in gateway mlflow; do
    # shellcheck disable=SC2016 # The variable is the container's.
    compose exec -T postgres sh -c \
      'PGPASSWORD=$POSTGRES_PASSWORD exec pg_dump -h 127.0.0.1 -U postgres -Fc '"$database" >"$dir/$database.dump"
  done
else
  compose exec -T gateway sh -c \
    'mlflow-auth-gateway backup /data/backup.db >&2 && cat /data/backup.db; rm -f /data/backup.db' >"$dir/gateway.db"
  compose exec -T mlflow sh -c '
    python -c "import sqlite3; sqlite3.connect(\"/mlflow/mlflow.db\").backup(sqlite3.connect(\"/mlflow/backup.db\"))" &&
      cat /mlflow/backup.db; rm -f /mlflow/backup.db' >"$dir/mlflow.db"
fi
compose exec -T mlflow sh -c 'mkdir -p /mlflow/artifacts && exec tar -C /mlflow -c artifacts' >"$dir/artifacts.tar"

for file in "$dir"/*; do
  [ -s "$file" ] || { echo "$file is empty." >&2; exit 1; }
done
trap - EXIT
echo "Backed up to $dir."
