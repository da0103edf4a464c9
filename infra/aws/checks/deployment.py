"""`deploy` and `destroy` themselves, with an `aws` and a `cargo` of the check's own in their PATH.

fake_aws.py plays the account: it keeps stacks, buckets and tables in a file, and each command line that it was given. Each row
of `steps` is one run of a script, in the account that the rows before have left. At the end the real aws command reads the
command lines (real_aws.py), so that an option that it lacks, or parameters that it reads otherwise, are noticed.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import policy

HERE = Path(__file__).resolve().parent
STACK, REGION, ACCOUNT = "check", "eu-central-1", "123456789012"
TABLE, CODE_BUCKET, PAGE = f"{STACK}-Table-1CHECK", f"{STACK}-code-{ACCOUNT}-{REGION}", "https://page.example"
CODE = 'let "me" in\\, please'
OURS = ("deploy", "destroy", "shared.sh", "pack", "template.yaml", "certificate.yaml")
CARGO = """#!/usr/bin/env bash
set -euo pipefail
case "$*" in
  "lambda --version") ;;
  "lambda build --locked --profile function --"*" --lambda-dir target/lambda -p receiver -p api")
    case $6 in --arm64) machine=b7 ;; --x86-64) machine=3e ;; *) exit 1 ;; esac
    for name in receiver api; do
      mkdir -p "target/lambda/$name"
      printf "ELF-and-14-bytes..\\x$machine\\0 %s" "$name ${SOURCE_COMMIT-}" >"target/lambda/$name/bootstrap"
    done ;;
  "run --locked --quiet -p site -- "*) shift 6; exec "$BINARIES/site" "$@" ;;
  *) echo "not supported by the check: cargo $*" >&2; exit 1 ;;
esac
"""
SMOKE = """#!/usr/bin/env bash
echo "smoke $* ${CREATION_CODE:+with a code}"
"""


class Account:
    """The folder in which the scripts run, and what they have told AWS."""

    def __init__(self, root, binaries, place):
        shutil.rmtree(place, ignore_errors=True)
        self.place, self.scripts, self.state_file = place, place / "infra/aws", place / "account.json"
        tools = place / "tools"
        tools.mkdir(parents=True)
        self.scripts.mkdir(parents=True)
        for name in OURS:
            shutil.copy(root / "infra/aws" / name, self.scripts)
        for file, content in {
            tools / "aws": f"#!/usr/bin/env bash\nexec {sys.executable} -I -S {HERE / 'fake_aws.py'} {self.state_file} \"$@\"\n",
            tools / "cargo": CARGO,
            self.scripts / "smoke": SMOKE,
        }.items():
            file.write_text(content)
            file.chmod(0o755)
        path = os.pathsep.join([str(tools), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "BINARIES": str(Path(binaries).resolve()), "CARGO_TARGET_DIR": str(place / "elsewhere")}
        self.environment.pop("CREATION_CODE", None)
        self.change(stacks={}, buckets=[], tables=[], objects={}, invalidated=[], calls=[], refused=None, foreign=None, interrupt=None, stuck=False)

    @property
    def state(self):
        return json.loads(self.state_file.read_text())

    def change(self, **changed):
        known = self.state if self.state_file.exists() else {}
        self.state_file.write_text(json.dumps({**known, **changed}))

    def run(self, script, *arguments, standard_input="", **more):
        command = [self.scripts / script, "--stack", STACK, "--region", REGION, *arguments]
        # In a group of its own, like that of a terminal, so that an interrupt of the group ends the script alone.
        return subprocess.run(
            command, env={**self.environment, **more}, cwd=self.place, capture_output=True, text=True, timeout=300, check=False,
            input=standard_input, process_group=0,
        )

    def parameters(self):
        return self.state["stacks"][f"{REGION}/{STACK}"]["parameters"]


def steps(account):
    """Script and arguments; how the account is changed before; status, and texts that must be in what is said."""
    complete = {f"{REGION}/{STACK}": {"status": "CREATE_COMPLETE", "parameters": {}}}
    code = {"standard_input": CODE}
    with_code = ["deploy", "--set", "LogLevel=debug", "--creation-code-file", "-"]
    return [
        # Nothing there, no right to look, a bucket of somebody else, what an earlier attempt left.
        (["destroy", "--with-data"], {}, 1, ["there is nothing to take down"]),
        (["deploy"], {"refused": "describe-stacks"}, 1, ["planted: not you"]),
        (["deploy"], {"refused": None, "foreign": CODE_BUCKET}, 1, ["is not of the account"]),
        (["destroy"], {}, 1, ["is not of the account"]),
        (["deploy"], {"foreign": None, "stacks": {f"{REGION}/{STACK}": {"status": "ROLLBACK_COMPLETE", "parameters": {}}}, "refused": "deploy"},
         254, ["it is deleted and created again", "planted: not you"]),
        (["deploy"], {"refused": None, "stacks": {f"{REGION}/{STACK}": {"status": "UPDATE_IN_PROGRESS", "parameters": {}}}},
         1, ["try again when that has finished"]),
        (["deploy"], {"stacks": {f"{REGION}/{STACK}": {"status": "UPDATE_ROLLBACK_FAILED", "parameters": {}}}}, 1, ["from which nothing can be deployed"]),
        # Interrupted while the stack is created, and continued.
        (["deploy"], {"stacks": {}, "interrupt": "cloudformation deploy"}, 130, ["run the same command again"]),
        (["deploy"], {"interrupt": None}, 0, [f"The page: {PAGE}", f"smoke {PAGE}"]),
        (["deploy", "--no-build"], {"interrupt": "s3 cp"}, 130, ["run the same command again"]),
        (with_code, {"interrupt": None}, 0, [f"smoke {PAGE} with a code"], code),
        (["deploy", "--rotate-secret", "--tag", "team=a b", "--domain", "page.example", "--zone", "Z0EXAMPLE"], {}, 0, ["SecondOriginSecret=\\(not\\ shown\\)"]),
        # What is not given again stays: tags, which would be removed, and the architecture, which the zips must have.
        (["deploy", "--no-build", "--architecture", "x86_64"], {}, 1, ["was not built for x86_64"]),
        (["deploy", "--architecture", "x86_64", "--no-creation-code"], {}, 0, ["--x86-64", "--tags team=a\\ b", "CreationCode="]),
        (["deploy", "--no-build", "--domain", "page.example", "--certificate", "arn:certificate"], {}, 0,
         ["Architecture=x86_64", f"smoke {PAGE} d1.cloudfront.net d2.cloudfront.net"]),
        (["deploy"], {"refused": "describe-stacks"}, 1, ["planted: not you"]),
        (["destroy"], {}, 1, ["planted: not you"]),
        # What can't be deleted is told, and what does not depend on it is deleted.
        (["destroy"], {"refused": None, "stuck": True}, 1, ["DELETE_FAILED", "bucket of the code:                  none\n", "not everything was deleted"]),
        (["destroy"], {"stuck": False}, 0, [TABLE, "--no-deletion-protection-enabled", "Nothing else is left"]),
        (["destroy"], {}, 1, ["there is nothing to take down", "--with-data"]),
        (["destroy", "--with-data"], {}, 0, ["Nothing else is left"]),
        (["destroy", "--with-data"], {}, 1, ["there is nothing to take down"]),
        # A stack that was created by an older version, by hand: no access logs, no outputs.
        (["destroy"], {"stacks": complete}, 0, ["Nothing else is left"]),
        (["destroy", "--with-data"], {"stacks": complete, "buckets": [CODE_BUCKET], "tables": [TABLE], "refused": "rb"},
         1, [CODE_BUCKET, "tables:                              none\n", "not everything was deleted"]),
        (["destroy"], {"refused": None}, 0, ["Nothing else is left"]),
    ]


def problems(root, binaries, work):
    """What went wrong, a sentence each."""
    # In the background the signal is ignored, and a process that is started here would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    account = Account(root, binaries, Path(work).resolve())
    secrets, zips, uploaded, tags = [CODE], [], {}, []
    for arguments, before, status, texts, *more in steps(account):
        account.change(**before)
        ran = account.run(*arguments, **(more[0] if more else {}))
        said = ran.stdout + ran.stderr
        if ran.returncode != status or not all(text in said for text in texts):
            yield f"{' '.join(arguments)} with {before} should have ended with {status} and {texts}: {ran.returncode} {said}"
            return
        state = account.state
        known = state["stacks"].get(f"{REGION}/{STACK}", {}).get("parameters", {})
        secrets += [value for name, value in known.items() if name.endswith("Secret") and value]
        yield from (f"{arguments}: a secret is shown" for secret in secrets if secret in said)
        yield from (f"{arguments}: a secret is an argument: {call}" for call in state["calls"] for secret in secrets if secret in " ".join(call))
        if arguments[0] == "deploy" and status == 0:
            uploaded = state["objects"]
            if known["Architecture"] == "arm64":
                zips.append({name: (account.place / f"target/lambda/{name}/bootstrap.zip").read_bytes() for name in ("receiver", "api")})
            tags = [given for option, given in zip(arguments, arguments[1:]) if option == "--tag"] or tags
            if any(stack["tags"] != tags for stack in state["stacks"].values()):
                yield f"{arguments}: the stacks do not have the tags {tags}"
            if known["PageOrigin"] != PAGE or known.get("SecondOriginSecret"):
                yield f"{arguments}: the last parameters are {sorted(known)}"
    yield from after(account, binaries, secrets, zips, uploaded)
    yield from dry_runs(account)
    yield from read_by_the_real_one(account)


def after(account, binaries, secrets, zips, uploaded):
    """What all the runs together must have left."""
    distinct = list(dict.fromkeys(secrets))
    called = {" ".join(call[:2]) for call in account.state["calls"]}
    if called != set(policy.CALLS):
        yield f"policy.py and the scripts do not have the same calls: {sorted(called ^ set(policy.CALLS))}"
    # The code, the first origin secret, and the one that replaced it, while the functions took both.
    if len(distinct) != 3:
        yield f"{len(distinct) - 1} origin secrets were used, and only --rotate-secret makes a new one"
    given = account.state["deployed"]
    rotated = [p for p in given if p.get("SecondOriginSecret")]
    # Before the CDN sends the new one, and until it has stopped to send the old one.
    if [(p["OriginSecret"], p["SecondOriginSecret"]) for p in rotated] != [(distinct[1], distinct[2]), (distinct[2], distinct[1])]:
        yield "while the secret is replaced, the functions do not take both"
    if [p["CreationCode"] for p in given if "CreationCode" in p] != [CODE, ""]:
        yield "the creation code is not set once and removed once"
    if not any(p.get("CreationCode") == CODE and p.get("LogLevel") == "debug" for p in given):
        yield f"the creation code or --set has no effect: {[sorted(p) for p in given]}"
    if any(zips[0] != each for each in zips):
        yield "building the same code again changes the zips"
    for file in account.place.rglob("*"):
        if file.is_file() and file != account.state_file and any(secret in file.read_text(errors="replace") for secret in distinct):
            yield f"a secret is in the file {file.name}"
    listed = subprocess.run([binaries / "site", "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    should = {path: [kind, cache] for path, kind, cache in (line.split("\t") for line in listed)}
    should.setdefault("config.json", ["application/json", "no-cache"])
    for path in sorted(should.keys() | uploaded.keys()):
        if should.get(path) != uploaded.get(path):
            yield f"{path} was uploaded as {uploaded.get(path)}, and should be {should.get(path)}"
    stale = {"/"} | {f"/{path}" for path, (_, cache) in should.items() if "immutable" not in cache}
    if set(account.state["invalidated"]) != stale:
        yield f"invalidated too much or too little: {sorted(stale ^ set(account.state['invalidated']))}"
    card = re.search(r'<meta property="og:url" content="([^"]*)"', (account.place / f"target/deploy/{STACK}/site/index.html").read_text())
    if not card or not card[1].startswith(PAGE):
        yield f"the social card does not say where the page is: {card and card[1]}"


def dry_runs(account):
    """The dry runs name every step in order, call nothing, and show no secret; wrong arguments are refused."""
    calls = len(account.state["calls"])
    secret = 'planted "and\\ not to be shown'
    steps_shown = [
        "cargo lambda build", "pack", "--stack-name check-certificate", "s3api create-bucket", "cloudformation package", "cloudformation deploy",
        "PageOrigin=", "cargo run", "s3 cp", "cloudfront create-invalidation", "infra/aws/smoke",
    ]

    def dry(*more, code="", **options):
        domain = ["--domain", "hooks.example.org", "--zone", "Z0EXAMPLE", "--set", "MaxWriteUnits=7"]
        return account.run("deploy", *domain, "--dry-run", *more, CREATION_CODE=code, **options)

    account.environment["BINARIES"] = "/nothing/is/run"
    made, kept = account.place / "target", account.place / "made"
    made.rename(kept)
    ran = dry(code=secret)
    if made.exists():
        yield "deploy --dry-run makes a folder"
        return
    kept.rename(made)
    at = 0
    for step in steps_shown:
        if (at := ran.stdout.find(step, max(at, 0))) < 0:
            yield f"deploy --dry-run lacks, or has too early: {step}\n{ran.stdout}{ran.stderr}"
            return
    if secret in ran.stdout + ran.stderr or "MaxWriteUnits=7" not in ran.stdout:
        yield "deploy --dry-run shows a secret, or hides a parameter that is not secret"
    wrong_sets = [
        "MaxWriteUnit=7", "MaxWriteUnits", "=7", "Table=x", "CreationCod[e]=x", "AlarmEmail=a\tb", "AlarmEmail=a\nb", "AlarmEmail=\u00eb", "OriginSecret=x",
        "Architecture=arm64", "PageOrigin=https://x.example", "DomainName=x.example", "CertificateArn=arn:x", "HostedZoneId=Z0",
    ]
    for arguments in [*(["--set", wrong] for wrong in wrong_sets), ["--tag", "team"], ["--tag", "=x"], ["--creation-code-file", "/dev/null", "--no-creation-code"]]:
        ran = dry(*arguments)
        if ran.returncode != 1 or ran.stdout or not ran.stderr.startswith("deploy: "):
            yield f"deploy accepts {arguments}\n{ran.stdout}{ran.stderr}"
    # A command line can be seen by every user of the machine.
    ran = dry("--set", f"CreationCode={secret}")
    if ran.returncode != 1 or secret in ran.stderr or "--creation-code-file" not in ran.stderr:
        yield f"deploy accepts a secret as an argument\n{ran.stdout}{ran.stderr}"
    for wrong in ("a\ttab is in it", "two\nlines in it", "Unicode \u00eb in it", "short"):
        for ran in dry(code=wrong), dry("--creation-code-file", "-", standard_input=wrong):
            if ran.returncode != 1 or ran.stdout or wrong in ran.stderr or "8 to 128 printable" not in ran.stderr:
                yield f"deploy accepts the creation code {wrong!r}\n{ran.stdout}{ran.stderr}"
    ran = account.run("destroy", "--dry-run")
    if "cloudformation delete-stack --stack-name check" not in ran.stdout or "keeps" not in ran.stdout:
        yield f"destroy --dry-run does not say what it does\n{ran.stdout}{ran.stderr}"
    if len(account.state["calls"]) != calls:
        yield "a dry run calls AWS"


def read_by_the_real_one(account):
    """The real aws command accepts every command line, and reads the parameters as they were meant."""
    given = ["LogLevel=debug", f"CreationCode={CODE}", "SecondOriginSecret="]
    calls = {" ".join(word for word in call if not word.startswith("/")): call for call in account.state["calls"]}
    distinct = {tuple(word for word in call if word.startswith("--") or word in call[:3]): call for call in calls.values()}
    file = account.place / "calls.json"
    file.write_text(json.dumps(list(distinct.values())))
    ran = subprocess.run(
        [sys.executable, HERE / "real_aws.py", file], input=json.dumps(given), capture_output=True, text=True, check=False, cwd=account.place
    )
    if ran.returncode != 0:
        yield f"real_aws.py: {ran.stderr}"
        return
    found = json.loads(ran.stdout)
    yield from found["refused"]
    if found["parameters"] != dict(text.split("=", 1) for text in given):
        yield f"the aws command reads the parameters as {found['parameters']}"


def smoke(root, binaries, work):
    """What is wrong with `smoke` against the local home, which needs a code for a new endpoint."""
    data = Path(work) / "home"
    shutil.rmtree(data, ignore_errors=True)
    command = [binaries / "webhook-tutorial", "--port", "0", "--particle-port", "0", "--no-device", "--data", data]
    environment = {**os.environ, "CREATION_CODE": CODE}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as home:
        try:
            page = home.stdout.readline().split()[-1]
            for code, status, end, at in [
                (CODE, 0, "ok   it is forgotten", []),
                ("", 0, "CREATION_CODE is not set, so the rest is not tried", []),
                (CODE, 0, "ok   it is forgotten", ["localhost", "localhost"]),
                # Other hosts are asked, although the page's name leads to the home.
                (CODE, 1, "", ["page.invalid", "localhost"]),
            ]:
                environment = {**os.environ, "CREATION_CODE": code, "SMOKE_PATIENCE_S": "30" if status == 0 else "0"}
                command = [root / "infra/aws/smoke", page, *at]
                ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
                if ran.returncode != status or not ran.stdout.strip().endswith(end) or CODE in ran.stdout + ran.stderr:
                    yield f"smoke {at} {'with' if code else 'without'} the code: {ran.stdout}{ran.stderr}"
        finally:
            home.terminate()
