#!/bin/sh
# Prints the images of a deployment by their digests, for .env: a tag can be moved to other contents, a digest cannot.
# It takes those that .env names, else the tags below.
#
#   deploy/compose/pin.sh >> .env
set -eu

# pin VARIABLE IMAGE
pin() {
  image=$(sed -n "s/^$1=//p" .env 2>/dev/null | tail -1)
  image=${image:-$2}
  docker pull -q "$image" >&2
  digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$image")
  echo "$1=$digest"
}

pin NODE_IMAGE node:24-slim
pin MLFLOW_IMAGE ghcr.io/mlflow/mlflow:v3.17.2
pin POSTGRES_IMAGE postgres:17
