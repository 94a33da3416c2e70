"""What the scripts here share that judge answers: the rows that engram writes."""
import json, subprocess


def engram_rows(engram, *arguments, **options):
    """What it says with --json; where it fails, its message ends the script."""
    out = subprocess.run([engram, *arguments, "--json"], capture_output=True, **options)
    if out.returncode:
        raise SystemExit(out.stderr.decode())
    return [json.loads(line) for line in out.stdout.splitlines()]
