"""infra/aws/check, after its tools are installed: `python checks CODE.json BINARIES`.

CODE.json is what the code needs (`cargo run -p aws`), BINARIES a folder with the functions' binaries and the
Runtime API's. Ends with 1 if anything is wrong.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import deployment
import home
import planted
import rules
import template

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


def sheets():
    """The certificate's template is plain CloudFormation; the scripts are plain bash."""
    for stack in [HERE / "certificate.yaml"]:
        ran = subprocess.run([Path(sys.executable).parent / "cfn-lint", "-t", stack], capture_output=True, text=True, check=False)
        yield from ran.stdout.splitlines()
    scripts = [HERE / name for name in ("deploy", "destroy", "smoke", "check", "venv")]
    command = [Path(sys.executable).parent / "shellcheck", "--external-sources", "--format", "gcc", *scripts]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    yield from (ran.stdout + ran.stderr).splitlines()


def dry_runs(environment):
    """The dry runs name every step in order, need no account, and show no secret."""
    steps = [
        "cargo lambda build", "--stack-name dry-certificate", "s3api create-bucket", "cloudformation package", "cloudformation deploy",
        "cargo run", "s3 cp", "cloudfront create-invalidation", "infra/aws/smoke",
    ]
    arguments = ["--stack", "dry", "--region", "eu-central-1", "--domain", "hooks.example.org", "--zone", "Z0EXAMPLE"]
    arguments += ["--set", "MaxWriteUnits=7"]
    secret = 'planted "and\\ not to be shown'

    def dry(*more, code=""):
        command = [HERE / "deploy", *arguments, "--dry-run", *more]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=ROOT, input=code, env={**environment, "CREATION_CODE": code}
        )

    ran = dry(code=secret)
    at = 0
    for step in steps:
        if (at := ran.stdout.find(step, max(at, 0))) < 0:
            yield f"deploy --dry-run lacks, or has too early: {step}\n{ran.stdout}{ran.stderr}"
            return
    if secret in ran.stdout + ran.stderr or "MaxWriteUnits=7" not in ran.stdout:
        yield "deploy --dry-run shows a secret, or hides a parameter that is not secret"
    for wrong in ("MaxWriteUnit=7", "MaxWriteUnits", "=7", "Table=x", "CreationCod[e]=x", "AlarmEmail=a\tb", "AlarmEmail=a\nb", "AlarmEmail=\u00eb", "OriginSecret=x"):
        ran = dry("--set", wrong)
        if ran.returncode != 1 or ran.stdout or not ran.stderr.startswith("deploy: "):
            yield f"deploy accepts --set {wrong}\n{ran.stdout}{ran.stderr}"
    # A command line can be seen by every user of the machine.
    ran = dry("--set", f"CreationCode={secret}")
    if ran.returncode != 1 or secret in ran.stderr or "--creation-code-file" not in ran.stderr:
        yield f"deploy accepts a secret as an argument\n{ran.stdout}{ran.stderr}"
    for wrong in ("a\ttab is in it", "two\nlines in it", "Unicode \u00eb in it", "short"):
        for ran in dry(code=wrong), dry("--creation-code-file", "-", code=wrong):
            if ran.returncode != 1 or ran.stdout or wrong in ran.stderr or "8 to 128 printable" not in ran.stderr:
                yield f"deploy accepts the creation code {wrong!r}\n{ran.stdout}{ran.stderr}"
    ran = subprocess.run(
        [HERE / "destroy", "--stack", "dry", "--region", "eu-central-1", "--dry-run"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )
    if "cloudformation delete-stack --stack-name dry" not in ran.stdout or "keeps" not in ran.stdout:
        yield f"destroy --dry-run does not say what it does\n{ran.stdout}{ran.stderr}"


def deployed(text, binaries):
    return list(deployment.problems(ROOT, text, binaries, ROOT / "target/aws-check/deployment"))


def main():
    code, binaries = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    text = (HERE / "template.yaml").read_text()
    failed = False

    def report(what, sentences):
        nonlocal failed
        failed |= bool(sentences)
        print(f"{'FAIL' if sentences else 'ok  '} {what}", *(f"       {s}" for s in sentences), sep="\n", flush=True)

    with ProcessPoolExecutor(max_workers=2) as pool:
        began = time.monotonic()
        # In a process of its own, because moto keeps its data in the process.
        scripts = pool.submit(deployed, text, binaries)
        problems, code["calls"] = home.problems(template.translate(text), code, binaries, ROOT)
        report("the real binaries in the deployed home", problems)
        faults = pool.submit(planted.unnoticed, text, code)
        translated = template.translate(text)
        report("lint", template.lint(translated))
        for name, sentences in rules.broken(rules.Case(text, translated, code)):
            report(name, sentences)
        report("planted faults", faults.result())
        report("certificate and scripts", list(sheets()))
        report("dry runs", list(dry_runs(deployment.tools(binaries, ROOT / "target/aws-check"))))
        report("deploy, deploy again and destroy", scripts.result())
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
