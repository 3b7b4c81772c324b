#!/bin/sh
# Makes the stack's credentials on its first start, each in a volume that only those who use it mount; later starts keep
# them. The store that they are checked against has their hashes alone.
set -eu
umask 077
store=/var/lib/sallyport/sallyport-credentials.json

make() { # file, owner, use, sessions: a line id:secret
  [ ! -s "$1" ] || return 0
  sallyport creds add "$2" --for "$3" --sessions "$4" --store "$store" --json |
    node -p 'const made = JSON.parse(require("node:fs").readFileSync(0, "utf8")); `${made.id}:${made.secret}`' >"$1.new"
  mv "$1.new" "$1"
}

# Without the store they open nothing any more.
[ -s "$store" ] || rm -f /secrets/*/*

make /secrets/entry/entry.secret compose-entry entry '*'
make /secrets/client/client.secret compose-client client 'demo,httpbin'
make /secrets/admin/admin.secret compose-admin admin '*'
# The second as it stands in "Authorization: Bearer …", for Prometheus. Its image, and a load test, have users of their own.
chmod 644 /secrets/admin/admin.secret
(umask 022 && sed '1s/:/./' /secrets/admin/admin.secret | tr -d '\n' >/secrets/admin/sallyport-admin)
