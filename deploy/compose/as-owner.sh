#!/bin/sh
# as-owner.sh FOLDER COMMAND …: runs the command as the owner of the folder, so that what it writes there belongs to
# whoever made the folder on the host. Started as anybody but root it runs the command as it is.
set -eu
folder=$1
shift
if [ "$(id -u)" = 0 ]; then
  set -- setpriv --reuid "$(stat -c %u "$folder")" --regid "$(stat -c %g "$folder")" --clear-groups "$@"
fi
exec "$@"
