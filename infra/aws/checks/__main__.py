"""infra/aws/check, after its tools are installed: `python checks CODE.json BINARIES`.

CODE.json is what the code needs (`cargo run -p aws`), BINARIES a folder with the functions' binaries, the Runtime API's, the
site's and the local home's. Ends with 1 if anything is wrong; UPDATE_EXPECT=1 writes wiring.txt.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import deployment
import home
import planted
import policy
import rules
import template
import wiring

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
WORK = ROOT / "target/aws-check"


def sheets():
    """The certificate's template is plain CloudFormation, the scripts are plain bash, and the deployer's policy allows what
    deploying takes."""
    resources = [r for name in ("template", "certificate") for r in template.read((HERE / f"{name}.yaml").read_text())["Resources"].values()]
    deployer = json.loads((HERE / "deployer-policy.json").read_text())
    yield from policy.problems(deployer, resources)
    yield from policy.unnoticed(deployer, resources)
    yield from template.lint(template.read((HERE / "certificate.yaml").read_text()))
    scripts = [HERE / name for name in ("deploy", "destroy", "smoke", "check", "venv")]
    command = [Path(sys.executable).parent / "shellcheck", "--external-sources", "--format", "gcc", *scripts]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    yield from (ran.stdout + ran.stderr).splitlines()


def deployed(binaries):
    return [*deployment.problems(ROOT, binaries, WORK / "deployment"), *deployment.smoke(ROOT, binaries, WORK)]


def main():
    code, binaries = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    text, certificate_text = ((HERE / f"{name}.yaml").read_text() for name in ("template", "certificate"))
    failed = False

    def report(what, sentences):
        nonlocal failed
        failed |= bool(sentences)
        print(f"{'FAIL' if sentences else 'ok  '} {what}", *(f"       {s}" for s in sentences), sep="\n", flush=True)

    with ProcessPoolExecutor(max_workers=2) as pool:
        began = time.monotonic()
        scripts = pool.submit(deployed, binaries)
        translated, certificate = template.translate(text), template.read(certificate_text)
        if os.environ.get("UPDATE_EXPECT"):
            wiring.SNAPSHOT.write_text("\n".join(wiring.drawn(translated, certificate)) + "\n")
        problems, code["calls"] = home.problems(translated, code, binaries, ROOT)
        report("the real binaries in the deployed home", problems)
        faults = pool.submit(planted.unnoticed, text, certificate_text, code)
        report("lint", template.lint(translated))
        for name, sentences in rules.broken(rules.Case(text, translated, certificate, code)):
            report(name, sentences)
        report("planted faults", faults.result())
        report("certificate and scripts", list(sheets()))
        report("deploy, destroy and smoke", scripts.result())
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
