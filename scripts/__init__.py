"""kokoro-spark's map.

    facts -> candidates -> plan -> environment -> observations -> verdict -> report

Each arrow is one direction; each value is a frozen dataclass of `model`. Gathering never decides, deciding never
acts, acting never guesses.

    errors.py       the error tree and every exit code
    model/          the values: target, facts, wheels, plan, environment, evidence, forecast, recipes, builds, ...
    serial.py       values to JSON and back
    redaction.py    credentials out of everything printed or stored
    home.py         the data root and the places below it
    disk.py         files written whole or not at all; what the system says when it cannot
    shell/          run(argv), stream(argv): the one door to subprocesses
    web/            the one door to HTTP; partfile.py: a download in the making; reaching.py: is a host there at all
    place.py        where an environment's programs run and its files are read: a Protocol; here, or in a container
    probing.py      ask(): one question to a provisioned interpreter, as one process, answered in a file
    progress.py     bars, tables, colour, on stderr
    facts/          what is this machine
    wheels/         what wheels exist and hold: index pages, candidates, metadata, device code, passports, lanes, the
                    tables of what was measured; reading from afar, bounded; wheels we write
    strategies/     blockers and plans, one module each, behind one Protocol; the ladder and the way down it; locks as
                    text
    environments/   the store: make, record, reuse, switch, remove; venvs by uv, images by docker or podman; what is
                    not ours: read, backed up, put back
    builds/         wheels built here: recipes, preflight, the build and its watchers, what is done to a wheel after it,
                    the wheelhouse
    weights/        Kokoro's weights and voices: hub, registry, synthetic, path; ONNX models; checked by key and hash
    verification/   the host half of verify: probes in order, the verdict, reports; predictions, with an environment or
                    from a wheel alone
    operations/     what a task does, end to end: setup, verify, say, predict, inspect, timeline, drift, lock, ...
    inside/         the other half: run by the provisioned interpreter; stdlib, torch, kokoro only; never imported by us
    runtime/        what applications import, installed into each environment as `kokoro_spark`: the bridge (hook.py:
                    without an import, by a .pth file), tuned, batched, stream

tests/simulated_gpu is a GPU that is not there: nothing here knows it, only demo.* of tasks.py starts it.

Who may import whom, downwards only (tests/unit/test_imports.py holds it):

    tasks -> everything but inside and runtime
    operations -> every stage below
    verification, environments, weights, builds -> strategies, wheels, and all that stands above facts/ in this map;
        builds -> facts, to read what a build has to itself
    strategies -> wheels, and what wheels may; facts, wheels -> model, errors, redaction, home, serial, and disk to
        write what they make or remember (runners and fetchers arrive as arguments)
    inside -> runtime; runtime -> nothing of ours
"""
