#!/bin/sh
# Makes the stack's credentials on its first start: one for the entry, one for the clients; later starts keep them.
set -eu
sallyport() { node /app/apps/cli/bin/sallyport.js "$@"; }
as_line='const c = JSON.parse(require("node:fs").readFileSync(0, "utf8")); console.log(`${c.id}:${c.secret}`)'

make() { # file name for sessions
  if [ ! -s "/secrets/$1" ]; then
    sallyport creds add "$2" --for "$3" --sessions "$4" --store /secrets/sallyport-credentials.json --json |
      node -e "$as_line" >"/secrets/$1.tmp"
    chmod 600 "/secrets/$1.tmp"
    mv "/secrets/$1.tmp" "/secrets/$1"
  fi
}

make entry.secret compose-entry entry '*'
make client.secret compose-client client 'demo,httpbin'
