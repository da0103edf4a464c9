"""The template deployed as far as moto can, and the functions' real binaries run in that home.

moto supports tables, functions, roles, log groups and buckets, but not URLs, the CDN and alarms, and it forgets a table's TTL
(rules.py checks that). It does not run functions: the emulated Runtime API does, with the variables of the deployed function,
against the deployed table. The operations that each function calls are those that its role must allow (rules.py).
"""

import io
import json
import logging
import os
import re
import socket
import subprocess
import threading
import zipfile

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

import rules
from template import CODE_BUCKET, REGION

KNOWN = {
    "AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::S3::Bucket",
}
# The secret in the events, which the functions must be given.
SECRET = "0123456789abcdef0123456789abcdef"

# Function, event, expected status, and texts that must be in the response's body.
SCRIPT = [
    ("api", "create-endpoint", 200, ['"hook_url":"https://hooks.example.org/hook/b7nihh2yefj2lxoxyqgcjpq6pi"']),
    ("receiver", "webhook", 200, ['{"ok":true,"id":1652008511}']),
    ("receiver", "webhook-bare", 200, ['{"ok":true}']),
    ("receiver", "past-the-cdn", 403, []),
    ("api", "set-reply", 200, ['"times_left":1']),
    ("receiver", "webhook", 503, ["busy, 1652008511"]),
    ("receiver", "webhook", 200, ['{"ok":true,"id":1652008511}']),
    ("api", "show-endpoint", 200, ['"last_seq":4']),
    ("api", "read-log", 200, ["ParticleBot/1.1", '"path":"/a%2Fb"', '"source":"203.0.113.7"', '"source":"2001:db8::7"', '"query":"n=1&n=2"', "a=1; b=2", '"missing":[]']),
    ("api", "restore-reply", 204, []),
    ("api", "clear-log", 204, []),
    ("api", "read-log", 200, ['"deliveries":[]']),
    ("api", "forget-endpoint", 204, []),
    ("api", "read-log", 404, []),
    ("receiver", "webhook", 404, []),
]


class Recorder:
    """A WSGI application around moto's that records which function called which operation of DynamoDB."""

    def __init__(self, application):
        self.application = application
        self.calls = {}

    def __call__(self, environ, start_response):
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        # Each function signs with a key id of its own.
        who = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition("/")[0]
        if service.startswith("DynamoDB_"):
            self.calls.setdefault(who, set()).add(operation)
        return self.application(environ, start_response)


def reduced(template):
    """The part of the template that moto supports."""
    resources = {n: r for n, r in template["Resources"].items() if r["Type"] in KNOWN}
    kept = {key: template[key] for key in ("AWSTemplateFormatVersion", "Parameters", "Conditions")}
    return {**kept, "Resources": resources}


def logged(stderr):
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]


def counted(template, line):
    """Whether a filter of the template counts this line."""
    filters = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Logs::MetricFilter"]
    return any(rules.counts(each["FilterPattern"], line) for each in filters)


def failure(template, binaries, events, given):
    """The line that a function logs when there is no table is counted."""
    nowhere = socket.create_server(("127.0.0.1", 0))
    environment = {f"FN_{name}": str(value) for name, value in given.items()}
    environment["FN_AWS_ENDPOINT_URL_DYNAMODB"] = f"http://127.0.0.1:{nowhere.getsockname()[1]}"
    nowhere.close()
    command = [binaries / "runtime-api", binaries / "receiver", events / "webhook.json"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    lines = logged(ran.stderr)
    if json.loads(ran.stdout)["statusCode"] != 503 or [counted(template, line) for line in lines] != [True]:
        yield f"without a table: {ran.stdout}; counted of the log {lines}: {[counted(template, line) for line in lines]}"


def problems(template, code, binaries, root):
    """A sentence for everything that is wrong, and the operations of DynamoDB that each function called."""
    os.environ.update(AWS_ACCESS_KEY_ID="deployer", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION=REGION)
    recorder = Recorder(DomainDispatcherApplication(create_backend_app))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, recorder, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        found = list(walk(template, code, binaries, root / "infra/aws/events", f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
    calls = {name: recorder.calls.get(name, set()) for name in rules.FUNCTIONS.values()}
    return [*found, *untried(root / "functions/store/src", calls)], calls


def untried(store, calls):
    """Operations that the store can call and no step made it call: then the recorded calls say too little about what a role must
    allow. table.rs and sweep.rs run only where no template creates the table."""
    named = boto3.client("dynamodb", region_name=REGION).meta.method_to_api_mapping
    source = "".join(file.read_text() for file in store.rglob("*.rs") if file.name not in ("table.rs", "sweep.rs"))
    operations = {operation for method, operation in named.items() if re.search(rf"\.{method}\(\)", source)}
    if missing := operations - set.union(*calls.values()):
        yield f"no step of the script makes a function call {sorted(missing)}"


def deployed(template, url):
    """The functions' variables by the name of their binary, and the table, after the stack is created."""
    client = {name: boto3.client(name, endpoint_url=url, region_name=REGION) for name in ("s3", "cloudformation", "lambda", "dynamodb")}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", "moto does not run it")
    client["s3"].create_bucket(Bucket=CODE_BUCKET)
    for function in (r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Function"):
        client["s3"].put_object(Bucket=CODE_BUCKET, Key=function["Code"]["S3Key"], Body=archive.getvalue())
    client["cloudformation"].create_stack(
        StackName="check",
        TemplateBody=json.dumps(reduced(template)),
        Parameters=[{"ParameterKey": "OriginSecret", "ParameterValue": SECRET}],
        Capabilities=["CAPABILITY_IAM"],
    )
    resources = client["cloudformation"].describe_stack_resources(StackName="check")["StackResources"]
    physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
    variables = {}
    for logical, binary in {"Receiver": "receiver", "Api": "api"}.items():
        configuration = client["lambda"].get_function_configuration(FunctionName=physical[logical])
        variables[binary] = configuration["Environment"]["Variables"]
    table = client["dynamodb"].describe_table(TableName=physical["Table"])["Table"]
    return variables, table


def size(item):
    """Bytes that an item counts as, from its JSON
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html)."""
    def value(of):
        (kind, inner), = of.items()
        if kind == "L":
            return 3 + sum(1 + value(each) for each in inner)
        return {"S": lambda: len(inner.encode()), "N": lambda: len(inner.lstrip("-")) // 2 + 1, "B": lambda: len(inner)}.get(kind, lambda: 1)()

    return sum(len(name) + value(of) for name, of in item.items())


def costs(items, folder):
    """The sizes in README.md and SCALING.md are those of a webhook's items. A random number may have some digits less."""
    head, record = (next(size(i) for i in items if has in i) for has in ("last_seq", "body"))
    for what, file, pattern, found in [
        ("head", "README.md", r"the head has ([\d,]+) bytes", head),
        ("record", "README.md", r"an item of ([\d,]+) bytes", record),
        ("record", "SCALING.md", r"A record of ([\d,]+) bytes", record),
    ]:
        said = re.search(pattern, (folder / file).read_text())
        if not said or abs(int(said[1].replace(",", "")) - found) > 12:
            yield f"the {what} has {found} bytes, and {file} says {said and said[1]}"
    if max(head, record) > 1024:
        yield f"a webhook is no longer two write units, with a head of {head} bytes and a record of {record}"


def walk(template, code, binaries, events, url):
    variables, table = deployed(template, url)
    keys = [[key["AttributeName"], key["KeyType"]] for key in table["KeySchema"]]
    if keys != [key[:2] for key in code["table"]["keys"]]:
        yield f"the deployed table has the keys {keys}"
    for binary, given in variables.items():
        if given["TABLE_NAME"] != table["TableName"]:
            yield f"{binary} was given the table {given['TABLE_NAME']!r}, and it is {table['TableName']!r}"
    for number, (binary, event, status, texts) in enumerate(SCRIPT, 1):
        environment = {f"FN_{name}": str(value) for name, value in variables[binary].items()}
        environment.update(
            FN_AWS_ENDPOINT_URL_DYNAMODB=url,
            FN_AWS_ACCESS_KEY_ID=binary,
            FN_AWS_SECRET_ACCESS_KEY="none",
            PATH=os.environ["PATH"],
        )
        command = [binaries / "runtime-api", binaries / binary, events / f"{event}.json"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        where = f"step {number}, {binary} with {event}"
        if ran.returncode != 0:
            yield f"{where}: {ran.stdout}{ran.stderr}"
            return
        answer = json.loads(ran.stdout)
        body = answer.get("body") or ""
        if answer["statusCode"] != status:
            yield f"{where}: {answer['statusCode']}, not {status}: {body} {ran.stderr}"
            return
        for text in texts:
            if text not in body:
                yield f"{where}: no {text!r} in {body}"
        # A response that the owner has set is not a failure, and a request past the CDN is counted.
        for line in logged(ran.stderr):
            if counted(template, line) != (event == "past-the-cdn"):
                yield f"{where}: an alarm counts, or does not count: {line}"
        if event == "webhook" and number == 2:
            items = boto3.client("dynamodb", endpoint_url=url, region_name=REGION).scan(TableName=table["TableName"])["Items"]
            yield from costs(items, events.parent)
    yield from failure(template, binaries, events, variables["receiver"])
