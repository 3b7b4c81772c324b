#!/bin/bash
# ready.sh PORT PATH: whether GET http://127.0.0.1:PORT/PATH answers 200. The images' health check, by what bash has of
# itself: there is no curl in them, and a Node for each look would cost more than the look.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
