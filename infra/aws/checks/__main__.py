"""infra/aws/check, after the tools are there: `python checks CODE.json BINARIES`.

CODE.json is what the code says it needs (`cargo run -p aws`), BINARIES a folder with the functions' binaries and the
Runtime API's. Ends with 1 if anything is wrong, or if a planted fault is not caught.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import deployment
import home
import mutants
import rules
import template

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


def examined(text, code, catcher=None):
    """What is wrong with a template: sentences by rule. With a `catcher`, only that one is asked."""
    try:
        translated = template.translate(text)
    except template.Refused as error:
        return {"transform": [str(error)]}
    if catcher == "lint":
        return {"lint": found} if (found := template.lint(translated)) else {}
    found = rules.broken(rules.Case(text, translated, code))
    if catcher is None and (linted := template.lint(translated)):
        found["lint"] = linted
    return found


def survivor(planted, text, code):
    """The mutant that nothing caught, or nothing."""
    what, catcher, old, new, everywhere = planted
    found = examined(mutants.edited(text, old, new, everywhere), code, catcher)
    return None if catcher in found else f"{what}: not caught by {catcher}, but by {sorted(found) or 'nothing'}"


def sheets():
    """The certificate's template is plain CloudFormation; the scripts are plain bash."""
    for stack in [HERE / "certificate.yaml"]:
        ran = subprocess.run([Path(sys.executable).parent / "cfn-lint", "-t", stack], capture_output=True, text=True, check=False)
        yield from ran.stdout.splitlines()
    scripts = [HERE / name for name in ("deploy", "destroy", "smoke", "check", "venv")]
    command = [Path(sys.executable).parent / "shellcheck", "--external-sources", "--format", "gcc", *scripts]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    yield from (ran.stdout + ran.stderr).splitlines()


def dry_runs():
    """The dry runs name every step in its order, need no account, and show no secret."""
    steps = [
        "cargo lambda build", "--stack-name dry-certificate", "s3api create-bucket", "cloudformation package", "cloudformation deploy",
        "cargo run", "s3 cp", "cloudfront create-invalidation", "infra/aws/smoke",
    ]
    arguments = ["--stack", "dry", "--region", "eu-central-1", "--domain", "hooks.example.org", "--zone", "Z0EXAMPLE"]
    arguments += ["--set", "MaxWriteUnits=7"]
    secret = "planted-and-not-to-be-shown"
    for name, parameter in template.yaml_parse((HERE / "template.yaml").read_text())["Parameters"].items():
        if parameter.get("NoEcho"):
            arguments += ["--set", f"{name}={secret}"]
    ran = subprocess.run([HERE / "deploy", *arguments, "--dry-run"], capture_output=True, text=True, check=False, cwd=ROOT)
    at = 0
    for step in steps:
        if (at := ran.stdout.find(step, max(at, 0))) < 0:
            yield f"deploy --dry-run does not come to: {step}\n{ran.stdout}{ran.stderr}"
            return
    if secret in ran.stdout + ran.stderr or "MaxWriteUnits=7" not in ran.stdout:
        yield "deploy --dry-run shows a secret, or not what is none"
    for wrong in ("MaxWriteUnit=7", "MaxWriteUnits", "=7", "Table=x", 'HostedZoneId="'):
        ran = subprocess.run([HERE / "deploy", *arguments, "--dry-run", "--set", wrong], capture_output=True, text=True, check=False, cwd=ROOT)
        if ran.returncode != 1 or not ran.stderr.startswith("deploy: "):
            yield f"deploy --set {wrong} is taken\n{ran.stdout}{ran.stderr}"
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
        # In a process of its own, because moto keeps all that it has in its process.
        scripts = pool.submit(deployed, text, binaries)
        problems, code["calls"] = home.problems(template.translate(text), code, binaries, ROOT)
        report("the real binaries in the deployed home", problems)
        survivors = [pool.submit(survivor, planted, text, code) for planted in mutants.planted()]
        found = examined(text, code)
        for name in ["transform", "lint", *(rule.__name__ for rule in rules.RULES)]:
            report(name, found.pop(name, []))
        report("certificate and scripts", list(sheets()))
        report("dry runs", list(dry_runs()))
        report("deploy, deploy again and destroy", scripts.result())
        report(f"{len(survivors)} planted faults are caught", [s for f in survivors if (s := f.result())])
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
