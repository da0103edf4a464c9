#!/bin/sh
# Makes the next webhook get an error, to see what its sender does: set-reply.sh http://127.0.0.1:8787 <key-file
read -r key
printf 'header = "Authorization: Bearer %s"\n' "$key" |
    curl --fail --silent --show-error --config - --request PUT --data '{"status":503,"times":1}' "$1/api/reply"
