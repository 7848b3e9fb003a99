#!/bin/sh
# A client of the hosted coal roller: rolls coal for so many credits. Prints the headers that say
# what was paid, and the answer.
#
#     SERVER=http://127.0.0.1:8070 ACCOUNT_TOKEN=… sh client.sh 0.05
set -eu

curl --silent --show-error --include "$SERVER/services/coalroller/roll" \
    --header 'Content-Type: application/json' \
    --data @- <<REQUEST
{"jsonrpc": "2.0", "method": "call", "id": 1,
 "params": {"account_token": "$ACCOUNT_TOKEN", "credits": ${1:-0.05}}}
REQUEST
