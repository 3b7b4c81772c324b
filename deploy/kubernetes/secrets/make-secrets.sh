#!/bin/sh
# make-secrets.sh [SESSIONS]: makes the credentials of the parts in this folder; those that are there are kept. SESSIONS: what
# the clients may serve, for example 'web,team-*'; default: demo. SALLYPORT: the command, if it is not "npx sallyport" in
# the checkout that this belongs to.
set -eu
umask 077
folder=$(cd "$(dirname "$0")" && pwd)
cd "$folder/../../.."
print='const c = JSON.parse(require("node:fs").readFileSync(0, "utf8")); console.log(c.id + process.argv[1] + c.secret)'

make() { # file, separator, name, role, sessions, store
  [ -s "$folder/$1" ] && return
  ${SALLYPORT:-npx sallyport} creds add "$3" --for "$4" --sessions "$5" --store "$folder/$6.json" --json |
    node -e "$print" "$2" >"$folder/$1.tmp"
  mv "$folder/$1.tmp" "$folder/$1"
}

make entry.secret : kubernetes-entry entry '*' sallyport-credentials
make client.secret : kubernetes-client client "${1:-demo}" sallyport-credentials
# A bearer token for Prometheus, good at the admin ports alone.
make scrape.token . kubernetes-prometheus admin '*' admin-credentials
