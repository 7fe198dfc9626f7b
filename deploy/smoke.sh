#!/bin/sh
# Tries a gateway that runs, as an administrator: that it lets in who may enter and nobody else, and that MLflow works
# through it. It makes an experiment and a user of its own and takes both away again.
#
#   MLFLOW_TRACKING_USERNAME=admin MLFLOW_TRACKING_PASSWORD=… deploy/smoke.sh http://127.0.0.1:5000
#
# CURL_CA_BUNDLE=ca.pem for an https gateway with an authority of your own. Needs curl alone.
set -eu

url=${1:?usage: smoke.sh URL}
: "${MLFLOW_TRACKING_USERNAME:?set it to an administrator}" "${MLFLOW_TRACKING_PASSWORD:?set it to the password}"
work=$(mktemp -d)
name=smoke-$$-$(date +%s)
secret=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')
failed=0

# Passwords are handed to curl in files: the arguments of a process can be read by every user of the machine.
umask 077
printf 'user = "%s:%s"\n' "$MLFLOW_TRACKING_USERNAME" "$MLFLOW_TRACKING_PASSWORD" >"$work/admin"
printf 'user = "%s:%s"\n' "$name" "$secret" >"$work/user"
printf 'user = "%s:%s"\n' "$MLFLOW_TRACKING_USERNAME" "wrong-$secret" >"$work/wrong"
: >"$work/nobody"

# ask WHO METHOD PATH [JSON]: the status; the body is in $work/body.
ask() {
  set -- "$1" "$2" "$3" "${4-}"
  [ -z "$4" ] || printf '%s' "$4" >"$work/json"
  curl -sS -m 60 -K "$work/$1" -X "$2" ${4:+-H 'Content-Type: application/json' --data-binary "@$work/json"} \
    -o "$work/body" -w '%{http_code}' "$url$3" || echo 000
}

# expect WHAT STATUS WHO METHOD PATH [JSON]
expect() {
  what=$1 wanted=$2
  shift 2
  got=$(ask "$@")
  if [ "$got" = "$wanted" ]; then
    echo "ok      $what"
  else
    failed=1
    echo "FAILED  $what: $got in place of $wanted: $(head -c 200 "$work/body" 2>/dev/null)"
  fi
}

field() {
  sed -n "s/.*\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" "$work/body" | head -1
}

api=/api/2.0/mlflow
expect 'the gateway lives' 200 nobody GET /health
expect 'its store and MLflow answer' 200 nobody GET /ready
expect 'nobody enters without a password' 401 nobody GET $api/experiments/search?max_results=1
expect 'nobody enters with a wrong one' 401 wrong GET $api/experiments/search?max_results=1
expect 'the administrator enters' 200 admin GET $api/users/current
expect 'nothing of MLflow needs mending' 200 admin GET $api/status
if grep -q '"problems":\["' "$work/body"; then
  failed=1
  echo "FAILED  the gateway found: $(sed 's/.*"problems":\[\([^]]*\).*/\1/' "$work/body")"
fi
expect 'an experiment is made' 200 admin POST $api/experiments/create "{\"name\": \"$name\"}"
experiment=$(field experiment_id)
expect 'a run is started' 200 admin POST $api/runs/create "{\"experiment_id\": \"$experiment\"}"
run=$(field run_id)
expect 'a metric is logged' 200 admin POST $api/runs/log-metric "{\"run_id\": \"$run\", \"key\": \"loss\", \"value\": 0.5, \"timestamp\": 1}"
expect 'the run is found' 200 admin POST $api/runs/search "{\"experiment_ids\": [\"$experiment\"]}"
grep -q "$run" "$work/body" || { failed=1; echo 'FAILED  the search does not show the run'; }
artifact=/api/2.0/mlflow-artifacts/artifacts/$experiment/$run/artifacts/smoke.txt
expect 'an artifact is stored' 200 admin PUT "$artifact" '"smoke"'
expect 'and read again' 200 admin GET "$artifact"
[ "$(cat "$work/body")" = '"smoke"' ] || { failed=1; echo 'FAILED  the artifact is another'; }
expect 'a user is made' 200 admin POST $api/users/create "{\"username\": \"$name\", \"password\": \"$secret\"}"
expect 'who holds no grant does not see the run' 403 user GET "$api/runs/get?run_id=$run"
expect 'nor the artifact' 403 user GET "$artifact"
expect 'READ is granted' 200 admin POST $api/experiments/permissions/create "{\"experiment_id\": \"$experiment\", \"username\": \"$name\", \"permission\": \"READ\"}"
expect 'the run is seen with the next request' 200 user GET "$api/runs/get?run_id=$run"
expect 'but not changed' 403 user POST $api/runs/delete "{\"run_id\": \"$run\"}"
expect 'the user is taken away' 200 admin DELETE $api/users/delete "{\"username\": \"$name\"}"
expect 'and does not enter any more' 401 user GET "$api/runs/get?run_id=$run"
expect 'the experiment is taken away' 200 admin POST $api/experiments/delete "{\"experiment_id\": \"$experiment\"}"

rm -rf "$work"
[ "$failed" = 0 ] && echo 'All is well.' || { echo 'Not all is well.'; exit 1; }
