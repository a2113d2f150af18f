#!/bin/sh
# Decides about the two images of this example: `sh demo.sh POLICYENGINE`. Exit 0 if both
# decisions are as they should be.
set -eu

engine=$1
here=$(dirname "$0")

decide() { # decide TAG EXPECTED-EXIT-CODE
    echo
    echo "== order-api:$1"
    code=0
    "$engine" eval --oci-layout "$here/layout:$1" --repository registry.example.com/prod/order-api "$here/policies" \
        --trust-policy "$here/notation/trustpolicy.json" --trust-store "$here/notation/truststore" \
        --at 2026-11-22T20:00:00Z || code=$?
    if [ "$code" -ne "$2" ]; then
        echo "demo: exit code $code for order-api:$1, expected $2" >&2
        exit 1
    fi
}

decide clean 0
decide vulnerable 1
echo
echo "As expected: order-api:clean is allowed, order-api:vulnerable is denied."
