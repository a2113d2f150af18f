#!/bin/sh
# Decides about one image, and fails unless it may pass: sh gate.sh registry.example.com/your/repository@sha256:…
# Reports go to the folder policyengine-reports. Logins are those of `docker login`.
set -eu
image=${1:?name an image: registry/repository@digest}
cd "$(dirname "$0")"
if ! command -v policyengine >/dev/null; then
  tools=$(mktemp -d)
  python3 -I -m venv "$tools"
  "$tools/bin/pip" install --quiet --only-binary :all: "policyengine-gate==@VERSION@"
  PATH=$tools/bin:$PATH
fi
mkdir -p policyengine-reports
policyengine eval --config policyengine.toml -o table -o junit=policyengine-reports/junit.xml \
  -o json=policyengine-reports/decision.json -- "$image"
