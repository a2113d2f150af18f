#!/bin/sh
# The pipeline of order-api from the image to the verdict, on a registry of its own on 127.0.0.1:
#
#   sh examples/order-api/pipeline.sh [oras|own] [clean|vulnerable] [REPORTS]
#
# `oras` attaches with oras and signs with Notation, `own` with policyengine; the verdict is the same. The reports go
# to the folder REPORTS. Exits as the gate does: 0 the image may pass, 1 it may not.
#
# `make test` builds oras, notation and olareg (a registry) into .tools/bin. The image is the example's, already built,
# and so are the documents, which Trivy wrote; in your pipeline the first two steps are `docker build` and `trivy image`.
set -eu

variant=${1:-own}
tag=${2:-clean}
here=$(cd "$(dirname "$0")" && pwd)
export PATH="$here/../../.venv/bin:$here/../../.tools/bin:$PATH"
case $variant in oras | own) ;; *) echo "pipeline: choose oras or own, not $variant" >&2 && exit 2 ;; esac
for tool in olareg oras $([ "$variant" = own ] || echo notation) python policyengine; do
    command -v "$tool" >/dev/null || { echo "pipeline: $tool is not installed; \`make test\` builds what is missing" >&2; exit 2; }
done

work=$(mktemp -d)
registry=
# shellcheck disable=SC2064 # the folder's name is known now
trap "[ -z \"\$registry\" ] || kill \"\$registry\"; rm -rf '$work'" EXIT
trap "exit 130" INT TERM
reports=$(cd "${3:-$work}" && pwd)
step() { printf '\n== %s\n' "$*"; }
field() { python -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

step "registry"
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
olareg serve --addr 127.0.0.1 --port "$port" --dir "$work/registry" >"$work/registry.log" 2>&1 &
registry=$!
repository=127.0.0.1:$port/prod/order-api
python - "$port" <<'END'
import socket, sys, time
for _ in range(200):
    try:
        sys.exit(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close())
    except OSError:
        time.sleep(0.05)
sys.exit("pipeline: the registry does not answer")
END
python "$here/rehearsal.py" "$tag" "$repository" "$work"
export XDG_CONFIG_HOME="$work" # where notation finds its keys, and both find who is trusted
cd "$work"

step "build and push"
oras cp --no-tty --from-oci-layout "$here/layout:$tag" --to-plain-http "$repository:$tag"
image=$repository@$(oras resolve --plain-http "$repository:$tag")
echo "$image"

step "scan, and list what is inside"
policyengine read trivy.sarif.json
policyengine read sbom.spdx.json

step "attach"
attach() { # attach FILE TYPE: prints the digest of the artifact
    case $variant in
        oras) oras attach --plain-http --format json --artifact-type "$2" "$image" "$1:$2" | field digest ;;
        own) policyengine attach -o json --artifact-type "$2" "$image" "$1:$2" | field digest ;;
    esac
}
scan=$(attach trivy.sarif.json application/sarif+json)
sbom=$(attach sbom.spdx.json application/spdx+json)
[ -n "$scan" ] && [ -n "$sbom" ]
printf '%s\n' "$scan" "$sbom"

step "sign"
sign() { # sign KEY REFERENCE
    case $variant in
        oras) notation sign --insecure-registry --signature-format cose --key "$1" "$2" ;;
        own) policyengine sign --format cose --key "notation/$1.key" --cert "notation/$1.crt" "$2" ;;
    esac
}
sign release "$image"
sign ci "$repository@$scan"
sign ci "$repository@$sbom"

step "gate"
policyengine eval "$image" policies -o table -o json="$reports/decision.json" -o vsa="$reports/vsa.json"
