"""Every bound of the engine, each with its reason. Sizes are bytes, times are seconds."""

MANIFEST_BYTES = 4 * 1024 * 1024
"""A manifest or index. The distribution specification asks registries to accept at least 4 MiB."""

ENVELOPE_BYTES = 32 * 1024 * 1024
"""A signature envelope; the bound that the Notary Project's own implementation uses."""

DOCUMENT_BYTES = 256 * 1024 * 1024
"""An evidence document. The largest real SBOMs seen are near 200 MB."""

CONFIG_BYTES = 8 * 1024 * 1024
"""An image configuration."""

TRUST_FILE_BYTES = 1024 * 1024
"""A trust policy, or one file of a trust store."""

POLICY_FILE_BYTES = 4 * 1024 * 1024
"""One policy file; a set of 100,000 vulnerability ids takes about 2 MB."""

JSON_DEPTH = 512
"""Levels of nesting in any JSON text. Real documents stay below 60; decoders recurse at most so far."""

LICENSES_PER_PACKAGE = 1_000
"""Licences of one package. A base image's largest copyright file gives about sixty."""

STATEMENTS = 1_000
"""In-toto statements in one document; real ones hold a handful."""

VEX_PAIRS = 1_000_000
"""Products times subcomponents of one VEX statement in the oldest form, where each holds for each."""

PURLS_PER_PRODUCT = 100
"""Package URLs of one product in a CSAF document; real ones have one."""

SPDX_YAML_BYTES = 8 * 1024 * 1024
"""An SBOM as YAML, whose parser takes a second for each megabyte or two; who has more packages has JSON."""

XML_DEPTH = 128
"""Levels of nesting in any XML text. Real documents stay below 20."""

JSON_NUMBER_CHARS = 1_000
"""Characters of one JSON number; an IEEE double written out in full takes fewer than 800."""

JSON_EXPONENT = 400
"""Powers of ten that a JSON number may reach; an IEEE double ends at 308."""

REFERRERS = 10_000
"""Referrers listed for one subject, over all pages."""

REFERRER_DEPTH = 8
"""Referrers of referrers of …, where all of them are looked for: a timestamped signature of a scan needs three."""

REFERRER_PAGES = 200
"""Pages of one referrers list, so that a page that links to itself ends."""

PLATFORMS = 64
"""Platform manifests evaluated of one index."""

PLATFORMS_AT_ONCE = 16
"""Platforms whose evidence is fetched together and held in memory; real indexes have up to twelve."""

SIGNATURES_PER_SUBJECT = 100
"""Signatures tried for one artifact: `notation verify --max-signatures` has the same default."""

SIGNATURES_AT_MOST = 1000
"""The most that `--max-signatures` takes: each costs two requests and two public-key operations or more."""

CHAIN_LENGTH = 10
"""Certificates in one chain."""

CLOCK_SKEW_SECONDS = 300
"""How far in the future a time may lie and still count as now (language reference, section 5)."""

EXPRESSION_DEPTH = 100
"""Nesting of a licence expression or of an expression in a policy, and of the calls of its functions."""

NAMED_DEPTH = 150
"""Nesting of an expression of a policy together with that of the constants that it names, one within another."""

FUNCTION_CALLS = 10_000
"""Calls that one call of a policy's function may come to: functions that call two each are 2^n after n of them."""

CERTIFICATE_BYTES = 64 * 1024
"""One X.509 certificate; real ones stay below 4 KiB."""

CBOR_DEPTH = 16
"""Levels of nesting in a COSE envelope; real ones have four."""

CBOR_ITEMS = 10_000
"""Data items in one COSE envelope; real ones have about forty."""

ENVELOPE_JSON_DEPTH = 32
"""Levels of nesting in a JWS envelope, its protected header and its payload; real ones have three."""

TIMESTAMP_BYTES = 256 * 1024
"""One RFC 3161 token; real ones take 5 to 10 KiB."""

TIMESTAMP_CERTIFICATES = 16
"""Certificates that one RFC 3161 token may carry; real ones have up to four."""

ATTESTATIONS = 32
"""Attestation manifests that indexes may hold about one platform; BuildKit writes one."""

INDEX_DEPTH = 4
"""Indexes within indexes: real images need two."""

LAYOUT_FILE_BYTES = 4096
"""The file `oci-layout`, which holds a version and nothing else."""

ARCHIVE_MEMBERS = 100_000
"""Members of a tar archive that holds a layout; each image needs about ten."""

ARCHIVE_NAME_BYTES = 1024
"""A member's name in an archive; those of a layout have 71 to 200."""

CACHE_BYTES = 512 * 1024 * 1024
"""All that is kept of registries between runs: the evidence of some thousand images."""

CACHED_BYTES = 64 * 1024 * 1024
"""One manifest or blob that is kept between runs; larger SBOMs are rare, and would drive out everything else."""

RECORD_BYTES = 256 * 1024 * 1024
"""What a record says of itself: the lists of a few hundred images with many referrers."""

UNPACKED_BYTES = 4 * 1024 * 1024 * 1024
"""A layout's archive that gzip packed, when unpacked to a temporary file."""

UNPACKED_RATIO = 100
"""How many times larger than its packed form an archive may be; JSON reaches about thirty."""

UNPACKED_FREE_BYTES = 1024 * 1024
"""Bytes that an archive may unpack to whatever the ratio: a small one of zeros is no bomb."""

REDIRECTS = 5
"""Redirects of one request: registries need one, to where they store blobs."""

RETRIES = 40
"""Requests that are made again for one image, so that a failing server is not asked four times for everything."""

TOKEN_BYTES = 128 * 1024
"""A token server's answer (containerd and oras take as much)."""

ERROR_BYTES = 64 * 1024
"""The body of an error answer, read for its code and message."""

LOGIN_FILE_BYTES = 1024 * 1024
"""A file of registry logins."""

HELPER_BYTES = 64 * 1024
"""What a credential helper prints."""

RUN_BYTES = 1024 * 1024 * 1024
"""All bytes read from a registry for one image: a few documents of the largest size."""

COPY_BYTES = 1024 * 1024 * 1024 * 1024
"""All bytes read from a registry to copy one image; the largest, of machine learning, have some hundred gigabytes."""

LICENSE_CHARACTERS = 16_384
"""One licence expression. The longest seen, of a Linux kernel package, has about 2,000 characters."""

PURL_CHARACTERS = 4_096
"""One package URL; those of npm and Go stay below 400 even with qualifiers."""

VERSION_CHARACTERS = 1_024
"""One version. Python refuses to read more than 4,300 digits, and no package has a version near that."""

GLOB_CHARACTERS = 4_096
"""One glob of a policy. Matching takes at most the product of the lengths of glob and text, by the word size."""

EARLY_BYTES = 8 * 1024 * 1024
"""A document fetched together with the signatures that may vouch for it; larger ones wait for those."""

ENVELOPES_BYTES = 64 * 1024 * 1024
"""All envelopes fetched for one artifact. Real ones have 3 to 12 KB."""

REFERRERS_BYTES = 64 * 1024 * 1024
"""All manifests that refer to one artifact; ten thousand ordinary ones have about 8 MB."""

TOTAL_BYTES = 1024 * 1024 * 1024
"""All documents read for one image, so that many large ones cannot fill the memory of the gate."""

LAYERS = 32
"""Layers read of one artifact; `oras attach` writes one per file."""

MESSAGE_CHARACTERS = 1_000
"""One value in a message. Ten thousand violations, each with a title of megabytes, would fill the memory."""

OCSP_BYTES = 20 * 1024
"""An OCSP response; the bound that the Notary Project's own implementation uses."""

CRL_BYTES = 32 * 1024 * 1024
"""A certificate revocation list; the bound that the Notary Project's own implementation uses."""

LISTS_BYTES = 64 * 1024 * 1024
"""All revocation lists kept in memory. One with 50,000 entries has 2.6 MB."""

OCSP_SECONDS = 2.0
"""The time for one OCSP request (trust policy specification, "OCSP")."""

CRL_SECONDS = 5.0
"""The time to fetch one revocation list (trust policy specification, "CRL")."""

REVOCATION_SECONDS = 20.0
"""All requests about one chain, whose certificates are asked about at the same time."""

REVOCATION_ADDRESSES = 8
"""Addresses of one kind that are asked about one certificate; real ones name one or two."""

SOURCE_BYTES = 32 * 1024 * 1024
"""A list of references, or a file of manifests; all workloads of a large cluster take about ten."""

SOURCE_IMAGES = 10_000
"""Images of one run; whoever audits more splits them, so that a failure costs less."""

YAML_NODES = 2_000_000
"""Values in one file of manifests, so that a small text cannot fill the memory."""

YAML_DEPTH = 100
"""Levels of nesting in a file of manifests; real ones stay below 25."""
