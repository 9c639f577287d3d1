"""What the words of docker and podman mean when they fail."""

from __future__ import annotations

import re

from scripts.disk import SPACE_HINT
from scripts.errors import BuildError, DiskError, EngineError, NetworkError, NoCandidateError, SparkError
from scripts.redaction import redact

UNKNOWN = "engine-failed"
"""The reference of words that mean nothing to us."""

_TOOLKIT = (
    "install NVIDIA's container toolkit: `sudo apt-get install nvidia-container-toolkit`, then for docker `sudo "
    "nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker`, for podman `sudo nvidia-ctk cdi "
    "generate --output=/etc/cdi/nvidia.yaml`"
)
_LOGIN = (
    "nvcr.io takes `docker login nvcr.io` with the user name $oauthtoken and an NGC API key as the password (podman: "
    "`podman login`); an image's name that does not exist is refused in the same way, so look at it too"
)
_MEMLOCK = (
    "give the engine that right (CAP_SYS_RESOURCE; inside another container: start that one with it), or raise the "
    "limit before it starts: `ulimit -l unlimited`"
)
_NETWORK = (
    "check the network and the proxy (docker's daemon has settings of its own: `systemctl edit docker`); an image "
    "that is already here is used without asking the registry"
)
_HERE = (
    "the engine must run on this machine and see its folders: one behind DOCKER_HOST elsewhere, or docker as a snap, "
    "which sees no /tmp, cannot (name a folder in your home with TMPDIR)"
)

_DOWN = (
    r"cannot connect to the docker daemon|failed to connect to the docker API|cannot connect to podman"
    r"|is the docker daemon running|dial unix \S+: connect: (?:no such file|connection refused)"
)
_NO_RUNTIME = (
    r"could not select device driver|unknown (?:or invalid )?runtime (?:name|specified)[: ]*\"?nvidia"
    r"|unresolvable CDI devices|CDI device injection failed|failed to inject CDI devices|nvidia-container-cli: \S"
    r"|stat nvidia\.com/gpu=all|nvidia\.com/gpu=all is not an absolute path|runtime \"?nvidia\"? not found"
)
_OTHER_PROCESSOR = (
    r"exec format error|no matching manifest for|no image found in (?:manifest list|image index) for architecture"
    r"|was found but does not match the specified platform|does not match the detected host platform"
)
_REFUSED = (
    r"unauthorized|authentication required|pull access denied|requested access to the resource is denied"
    r"|\b(?:401|403) \w+|(?<!permission )denied(?:: |\s*$)|invalid username/password"
)
_UNREACHABLE = (
    r"dial tcp|no such host|i/o timeout|TLS handshake timeout|connection refused|connection reset"
    r"|network is unreachable|proxyconnect tcp|temporary failure in name resolution|client\.timeout exceeded"
    r"|context deadline exceeded|toomanyrequests|unexpected eof|received unexpected HTTP status"
)

# The first that matches is what is meant: causes before what they lead to.
_KINDS: tuple[tuple[str, type[SparkError], str, str, str], ...] = (
    (
        r"no space left on device|disk quota exceeded|not enough space",
        DiskError,
        "disk-full",
        "there is no space left where {engine} keeps its images",
        f"{SPACE_HINT}; `{{engine}} system df` says what its images take, `{{engine}} image prune` frees some",
    ),
    (
        r"permission denied while trying to connect to the docker|dial unix \S+: connect: permission denied",
        EngineError,
        "engine-not-permitted",
        "this user may not talk to the docker daemon",
        "`sudo usermod -aG docker $USER`, then log in again (members of that group are as good as root)",
    ),
    (
        _DOWN,
        EngineError,
        "engine-down",
        "{engine} is not running",
        "start it: `sudo systemctl start {engine}` (and `enable` to keep it so)",
    ),
    (
        _NO_RUNTIME,
        EngineError,
        "no-nvidia-runtime",
        "{engine} cannot give a container the GPU",
        _TOOLKIT,
    ),
    (
        r"error setting rlimit type 8: operation not permitted|setrlimit\D*MEMLOCK\S*: operation not permitted",
        EngineError,
        "memlock-not-permitted",
        "{engine} may not lift the limit on locked memory, which NVIDIA's images need for the GPU",
        _MEMLOCK,
    ),
    (
        r"error setting rlimit[^:]*: operation not permitted|setrlimit \S+: operation not permitted",
        EngineError,
        "limit-not-permitted",
        "{engine} may not give its containers the limits that it is configured with",
        "lower `default-ulimits` of /etc/docker/daemon.json, or `default_ulimits` of podman's containers.conf",
    ),
    (
        _OTHER_PROCESSOR,
        NoCandidateError,
        "wrong-architecture",
        "the image was built for another kind of processor",
        "name an image that has a build for this machine's (--image)",
    ),
    (
        r"manifest unknown|manifest for \S+ not found|reading manifest \S+ in \S+: (?:manifest unknown|name unknown)",
        NoCandidateError,
        "no-such-tag",
        "the registry has no such tag",
        "look at the registry's list of tags, and name one with --image",
    ),
    (
        _REFUSED,
        EngineError,
        "pull-refused",
        "the registry refuses the image without a login",
        _LOGIN,
    ),
    (
        r"x509: |certificate signed by unknown authority|tls: failed to verify",
        NetworkError,
        "tls-failed",
        "the registry's certificate is not trusted",
        "put your organisation's CA bundle where the engine looks for it: /etc/docker/certs.d/REGISTRY/ca.crt",
    ),
    (
        _UNREACHABLE,
        NetworkError,
        "registry-unreachable",
        "the registry cannot be reached",
        _NETWORK,
    ),
    (
        r"no such image|image not known|unable to find image|reference does not exist",
        NoCandidateError,
        "image-gone",
        "the image is gone",
        "run `invoke setup` again with the options that the environment was set up with",
    ),
    (
        r"bind source path does not exist|error mounting|statfs [^\n]+: no such file or directory",
        EngineError,
        "mount-missing",
        "{engine} does not see a folder of this machine",
        _HERE,
    ),
    (
        r"returned a non-zero code|while running runtime: exit status|did not complete successfully|building at STEP",
        BuildError,
        "image-build-failed",
        "a step of the image's recipe failed",
        "the lines above are that step's own",
    ),
)


def engine_failure(words: str, *, doing: str, engine: str) -> SparkError:
    """Turn an engine's words into the error that they mean, with the words beside it, credentials taken out."""
    told = redact(words).strip()
    for pattern, kind, reference, message, hint in _KINDS:
        if re.search(pattern, told, re.IGNORECASE | re.MULTILINE):
            return kind(
                f"{doing}: {message.format(engine=engine)}",
                context=_tail(told),
                reference=reference,
                hint=hint.format(engine=engine) if "{engine}" in hint else hint,
            )
    return EngineError(
        f"{doing}: {engine} failed",
        context=_tail(told) or f"{engine} said nothing",
        reference=UNKNOWN,
        hint=f"the lines above are {engine}'s own; run it again with --verbose to see its command",
    )


def engine_missing(engine: str, *, doing: str) -> EngineError:
    """Say that the engine that is needed is not installed, or not on the path."""
    return EngineError(
        f"{doing}: {engine} was not found",
        reference="engine-missing",
        hint=f"install {engine} or put it on PATH; an environment in a container needs the engine that built it",
    )


def _tail(words: str, lines: int = 15) -> str:
    """Keep the last lines as a terminal would show them, without the client's advice to look at its manual."""
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in words.split("\n") if line.strip()]
    return "\n".join([line for line in shown if not line.startswith(("See 'docker", "Run 'docker"))][-lines:])
