"""`deploy` and `destroy` themselves, run against moto: twice, and then taken down.

moto replaces AWS, with three corrections. The SAM transform, which it lacks, is applied before a template reaches it.
Resources that it can't create (distributions, URLs, alarms) are left out, and outputs that name them get fixed values. And
the page URL is that of a small front, which serves the page's files from the deployed bucket with the headers of the
template and passes events to the functions' real binaries, so that the last step of the script, `smoke`, can run.
"""

import io
import json
import logging
import mimetypes
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import boto3
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.responses import CloudFormationResponse
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

import home
import template

STACK, REGION = "check-deploy", "eu-central-1"
# moto's account, and the table's name as CloudFormation makes one.
ACCOUNT, TABLE = "123456789012", f"{STACK}-Table-1CHECK"
CODE = 'let "me" in\\, please'
# A replacement for cargo: the two calls that `deploy` makes, answered with what is built already.
CARGO = """#!/usr/bin/env bash
set -euo pipefail
case "$*" in
  "lambda --version") echo "cargo-lambda 0.0.0" ;;
  "lambda build --locked --profile function --arm64 --output-format zip -p receiver -p api")
    for name in receiver api; do
      mkdir -p "target/lambda/$name"
      python3 - "$BINARIES/$name" "target/lambda/$name/bootstrap.zip" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w") as file:
    file.writestr(zipfile.ZipInfo("bootstrap"), open(sys.argv[1], "rb").read()[:4096])
PY
    done ;;
  "run --locked --quiet -p site -- "*) shift 6; exec "$BINARIES/site" "$@" ;;
  *) echo "not supported by the check: cargo $*" >&2; exit 1 ;;
esac
"""
# AWS reports a change set without changes in its status; moto refuses to create one.
CloudFormationResponse._validate_different_update = lambda *_: None
FIXED_OUTPUTS = {"PageUrl", "DistributionId", "DistributionName", "HookDistributionName"}


class Amazon:
    """moto's services; templates are adapted to it on their way in."""

    def __init__(self, page, distribution):
        self.inner = DomainDispatcherApplication(create_backend_app)
        self.outputs = {"PageUrl": page, "DistributionId": distribution, "DistributionName": "d1.cloudfront.net"}
        # What it refuses: an operation of CloudFormation, and a bucket that belongs to somebody else.
        self.refused = None
        self.bucket_of_another = None
        # Called with the parameters of every change set before it is created.
        self.on_parameters = lambda parameters: None
        # Called after each call with an operation of CloudFormation, or a method and a path.
        self.on_done = lambda call: None

    def fit(self, text):
        """A template that moto accepts."""
        fitted = home.reduced(template.translate(text, packaged=True))
        said = template.yaml_parse(text)["Outputs"]
        fitted["Outputs"] = {
            name: {"Value": self.outputs[name]} if name in FIXED_OUTPUTS else output
            for name, output in said.items()
            if name not in FIXED_OUTPUTS or name in self.outputs
        }
        # moto creates functions before the table, when the table has no name yet.
        fitted["Resources"]["Table"]["Properties"]["TableName"] = TABLE
        # moto only knows the older value.
        fitted["Resources"]["Table"]["DeletionPolicy"] = "Retain"
        return json.dumps(fitted).replace('{"Ref": "Table"}', json.dumps(TABLE))

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "HEAD" and environ["PATH_INFO"].strip("/") == self.bucket_of_another:
            # Without an expected owner the call succeeds, because a bucket can be open to everyone.
            is_told = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER") == ACCOUNT
            start_response("403 Forbidden" if is_told else "200 OK", [("content-length", "0")])
            return []
        if environ.get("HTTP_AUTHORIZATION", "").find("/cloudformation/") > 0:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            form = {name: values[0] for name, values in parse_qs(environ["wsgi.input"].read(length).decode(), keep_blank_values=True).items()}
            if form.get("Action") == self.refused:
                start_response("403 Forbidden", [("content-type", "text/xml")])
                return [b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>planted: not you</Message></Error></ErrorResponse>"]
            self.on_parameters(parameters_of(form))
            if "TemplateURL" in form:
                bucket, key = re.search(r"//[^/]+/([^/]+)/([^?]+)", form.pop("TemplateURL")).groups()
                form["TemplateBody"] = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            if "AWS::Serverless" in form.get("TemplateBody", ""):
                form["TemplateBody"] = self.fit(form["TemplateBody"])
            if form.get("ChangeSetType") == "CREATE":
                # AWS continues with the stack that an earlier change set left; moto would create a second one with that name.
                for account in cloudformation_backends.values():
                    waiting = [i for i, s in account[REGION].stacks.items() if (s.name, s.status) == (form["StackName"], "REVIEW_IN_PROGRESS")]
                    for stack_id in waiting:
                        del account[REGION].stacks[stack_id]
            body = urlencode(form).encode()
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
            call = form.get("Action")
        else:
            call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        answer = self.inner(environ, start_response)
        if call == "ExecuteChangeSet":
            # It carries out the change set, and forgets the outputs.
            for account in cloudformation_backends.values():
                for stack in account[REGION].stacks.values():
                    stack._parse_template()
                    stack.output_map = stack._create_output_map()
        self.on_done(call)
        return answer


def parameters_of(form):
    """The parameters to which a call of CloudFormation gives a value."""
    values = {key: value for key, value in form.items() if key.endswith(".ParameterValue")}
    return {form[key.removesuffix("Value") + "Key"]: value for key, value in values.items()}


def client(name):
    return boto3.client(name, region_name=REGION, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


class Front(BaseHTTPRequestHandler):
    """What `smoke` needs of the CDN."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if path.startswith(("/hook/", "/api/")):
            self.function("receiver" if path.startswith("/hook/") else "api", path, query, body)
            return
        objects = client("s3")
        bucket = output("SiteBucket")
        try:
            found = objects.get_object(Bucket=bucket, Key="index.html" if path == "/" else path[1:])
        except objects.exceptions.NoSuchKey:
            self.send(404, {}, b"")
            return
        headers = {"content-type": found["ContentType"], "cache-control": found["CacheControl"]}
        headers["content-security-policy"] = self.server.policy.replace("${PageOrigin}", output("PageUrl"))
        self.send(200, headers, found["Body"].read())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def function(self, name, path, query, body):
        given = variables(name)
        headers = {key.lower(): value for key, value in self.headers.items()}
        headers.update({"x-origin-secret": given["ORIGIN_SECRET"], "x-viewer-address": "203.0.113.7", "x-forwarded-host": headers["host"]})
        event = {
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "isBase64Encoded": False,
            "requestContext": {"http": {"method": self.command, "path": path, "sourceIp": "198.51.100.20"}},
            "body": body.decode(),
        }
        file = Path(self.server.work) / f"event-{uuid.uuid4()}.json"
        file.write_text(json.dumps(event))
        environment = {f"FN_{key}": str(value) for key, value in given.items()}
        environment.update(FN_AWS_ENDPOINT_URL_DYNAMODB=os.environ["AWS_ENDPOINT_URL"], FN_AWS_REGION=REGION, PATH=os.environ["PATH"])
        command = [self.server.binaries / "runtime-api", self.server.binaries / name, file]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        if ran.returncode != 0:
            self.send(502, {}, (ran.stdout + ran.stderr).encode())
            return
        answer = json.loads(ran.stdout)
        self.send(answer["statusCode"], answer["headers"], (answer.get("body") or "").encode())

    def send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)


def output(name):
    stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return next(o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == name)


def variables(binary):
    functions = client("lambda")
    name = output("ReceiverName" if binary == "receiver" else "ApiName")
    return functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]


def tools(binaries, work):
    """The environment in which `deploy` uses what is built already."""
    place = Path(work).resolve() / "tools"
    place.mkdir(parents=True, exist_ok=True)
    (place / "cargo").write_text(CARGO)
    (place / "cargo").chmod(0o755)
    path = os.pathsep.join([str(place), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "BINARIES": str(Path(binaries).resolve())}


def tree(root, work):
    """The repository with a target folder of its own, so that a build of the check is not used as one of the repository."""
    place = work / "tree"
    shutil.rmtree(place, ignore_errors=True)
    (place / "target").mkdir(parents=True)
    for entry in root.iterdir():
        if entry.name not in ("target", ".git"):
            (place / entry.name).symlink_to(entry)
    return place


def problems(root, text, binaries, work):
    """What went wrong, a sentence each."""
    work = Path(work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("event-*.json"):
        old.unlink()
    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    front.work, front.binaries = work, Path(binaries).resolve()
    security = template.translate(text)["Resources"]["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    front.policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::If"][1]["Fn::Sub"][0]
    front.policy = front.policy.replace("${HookHosts}", "").replace("\n", " ")
    certificate, key = work / "front.pem", work / "front.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    front.socket = context.wrap_socket(front.socket, server_side=True)
    page = f"https://127.0.0.1:{front.server_port}"
    amazon = Amazon(page, "E0CHECK")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, amazon, threaded=True)
    for each in (front, server):
        threading.Thread(target=each.serve_forever, daemon=True).start()
    environment = {
        **tools(binaries, work),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "deployer", "AWS_SECRET_ACCESS_KEY": "none", "AWS_PAGER": "",
        "CURL_CA_BUNDLE": str(certificate), "SMOKE_PATIENCE_S": "30", "PYTHONWARNINGS": "ignore",
    }
    os.environ.update({name: environment[name] for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")})
    # In the background the signal is ignored, and a process that is started here would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield from walk(tree(root, work), environment, amazon)
    finally:
        front.shutdown()
        server.shutdown()


def stacks():
    """The state of each existing stack."""
    found = client("cloudformation").list_stacks()["StackSummaries"]
    return {s["StackName"]: s["StackStatus"] for s in found if s["StackStatus"] != "DELETE_COMPLETE"}


def left():
    """What exists of the deployment, except its table."""
    return [*stacks(), *(bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"])]


def walk(place, environment, amazon):
    def run(script, *arguments):
        command = [place / "infra/aws" / script, "--stack", STACK, "--region", REGION, *arguments]
        return subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=1200, check=False, input=CODE)

    def interrupted(call, *texts):
        """What is wrong with a deployment that is interrupted after a call; like a terminal, this signals its whole process group."""
        command = [place / "infra/aws/deploy", "--stack", STACK, "--region", REGION]
        process = subprocess.Popen(
            command, env=environment, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

        def strike(done):
            if re.fullmatch(call, done):
                amazon.on_done = lambda _: None
                os.killpg(process.pid, signal.SIGINT)

        amazon.on_done = strike
        said, _ = process.communicate(timeout=1200)
        if process.returncode != 130 or not all(text in said for text in ("run the same command again", *texts)):
            yield f"deploy, interrupted after {call}, should have said {texts}: {process.returncode} {said}"

    def failing(ran, *texts):
        """What is wrong with a run that should have failed and said why."""
        if ran.returncode != 1 or not all(text in ran.stderr for text in texts):
            yield f"{ran.args[0].name} {ran.args[5:]} should have failed with {texts}: {ran.returncode} {ran.stdout}{ran.stderr}"

    yield from without_a_stack(run, failing, amazon)
    amazon.outputs["DistributionId"] = distribution = client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "check", "Comment": "in place of that of the stack", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "site", "DomainName": "site.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
            "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
                                     "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
        }
    )["Distribution"]["Id"]
    files_with_a_secret = set()

    def look_for_secrets(parameters):
        for name in ("OriginSecret", "CreationCode"):
            value = parameters.get(name)
            files = (place / "target").rglob("*") if value else []
            files_with_a_secret.update(f.name for f in files if f.is_file() and value.encode() in f.read_bytes())

    amazon.on_parameters = look_for_secrets
    # Before and while the change set is carried out.
    yield from interrupted("CreateChangeSet")
    yield from interrupted("ExecuteChangeSet", "continues from there")
    secret = variables("api")["ORIGIN_SECRET"]
    first = run("deploy")
    if first.returncode != 0:
        yield f"deploy: {first.stdout}{first.stderr}"
        return
    if variables("api")["ORIGIN_SECRET"] != secret:
        yield "continuing an interrupted deployment changes the secret"
    if secret in first.stdout + first.stderr:
        yield "deploy shows the origin secret"
    if f"The page: {output('PageUrl')}" not in first.stdout or "ok   it is forgotten" not in first.stdout:
        yield f"deploy does not end with a page that was tried: {first.stdout}"
    uploaded = objects()
    yield from as_listed(place, environment, uploaded)
    index = uploaded["index.html"][2].decode()
    card = re.search(r'<meta property="og:url" content="([^"]*)"', index)
    if not card or not card[1].startswith(output("PageUrl")):
        yield f"the social card does not say where the page is: {card and card[1]}"
    invalidated = [
        path
        for summary in client("cloudfront").list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
        for path in client("cloudfront").get_invalidation(DistributionId=distribution, Id=summary["Id"])["Invalidation"]["InvalidationBatch"]["Paths"]["Items"]
    ]
    should = {"/"} | {f"/{path}" for path, (_, cache, _) in uploaded.items() if "immutable" not in cache}
    if set(invalidated) != should:
        yield f"invalidated too much or too little: {sorted(set(invalidated) ^ should)}"

    amazon.refused = "DescribeStacks"
    yield from failing(run("deploy", "--no-build"), "planted: not you")
    yield from failing(run("destroy"), "planted: not you")
    amazon.refused = None
    state(STACK, "UPDATE_IN_PROGRESS")
    yield from failing(run("deploy", "--no-build"), "try again when that has finished")
    state(STACK, "CREATE_COMPLETE")
    if variables("api")["ORIGIN_SECRET"] != secret:
        yield "a failed deployment changes the secret"

    yield from interrupted(r"PUT /[^/]+-site-[^/]+/index\.html")
    second = run("deploy", "--set", "LogLevel=debug", "--creation-code-file", "-")
    if second.returncode != 0 or "ok   it is forgotten" not in second.stdout:
        yield f"deploy, a second time: {second.stdout}{second.stderr}"
        return
    if CODE in second.stdout + second.stderr:
        yield "deploy shows the creation code"
    if variables("api")["ORIGIN_SECRET"] != secret:
        yield "a second deployment changes the secret, and the CDN's old one is refused for minutes"
    if (variables("api")["LOG_LEVEL"], variables("api")["CREATION_CODE"]) != ("debug", CODE):
        yield "--set has no effect"
    if files_with_a_secret:
        yield f"a secret is in {sorted(files_with_a_secret)}"
    again = objects()
    changed = [path for path in uploaded.keys() | again.keys() if uploaded.get(path) != again.get(path)]
    if changed:
        yield f"a second deployment changes {changed}"
    # The code is kept; who deploys later needs not know it.
    smoke = subprocess.run([place / "infra/aws/smoke", output("PageUrl")], env=environment, capture_output=True, text=True, check=False)
    if smoke.returncode != 0 or "the rest is not tried" not in smoke.stdout:
        yield f"smoke without the code: {smoke.stdout}{smoke.stderr}"

    gone = run("destroy")
    if gone.returncode != 0 or TABLE not in gone.stdout:
        yield f"destroy: {gone.stdout}{gone.stderr}"
        return
    if left() or not tables():
        yield f"destroy leaves {left()} and the tables {tables()}"
    yield from failing(run("destroy"), "there is nothing to take down", "--with-data")
    data = run("destroy", "--with-data")
    if data.returncode != 0 or tables():
        yield f"destroy --with-data leaves {tables()}: {data.stdout}{data.stderr}"
    yield from failing(run("destroy", "--with-data"), "there is nothing to take down")


def without_a_stack(run, failing, amazon):
    """What prevents a first deployment, and what an earlier attempt may have left."""
    yield from failing(run("destroy", "--with-data"), "there is nothing to take down")
    amazon.refused = "DescribeStacks"
    yield from failing(run("deploy"), "planted: not you")
    amazon.refused, amazon.bucket_of_another = None, f"{STACK}-code-{ACCOUNT}-{REGION}"
    yield from failing(run("deploy"), "is not of the account")
    yield from failing(run("destroy"), "is not of the account")
    amazon.bucket_of_another = None
    if left():
        yield f"a deployment that was refused leaves {left()}"
    begun()
    state(STACK, "ROLLBACK_COMPLETE")
    # It has no change sets, so the deployment ends there, after it has deleted the stack.
    amazon.refused = "CreateChangeSet"
    ran = run("deploy")
    if "it is deleted and created again" not in ran.stdout or "planted: not you" not in ran.stderr or ran.returncode == 0 or stacks():
        yield f"deploy after a first deployment that failed: {ran.stdout}{ran.stderr} {stacks()}"
    amazon.refused = None


def begun():
    """Creates a stack by a change set that is not carried out."""
    template = {"Resources": {"Site": {"Type": "AWS::S3::Bucket"}}}
    client("cloudformation").create_change_set(StackName=STACK, ChangeSetName="begun", ChangeSetType="CREATE", TemplateBody=json.dumps(template))


def state(name, status):
    """Sets the state of a stack, for states that moto never reaches by itself."""
    for account in cloudformation_backends.values():
        for stack in account[REGION].stacks.values():
            if stack.name == name:
                stack.status = status


def tables():
    return client("dynamodb").list_tables()["TableNames"]


def objects():
    """The objects in the site's bucket: type, cache policy and bytes, by path."""
    s3 = client("s3")
    bucket = output("SiteBucket")
    found = {}
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        each = s3.get_object(Bucket=bucket, Key=entry["Key"])
        found[entry["Key"]] = (each.get("ContentType"), each.get("CacheControl"), each["Body"].read())
    return found


def as_listed(place, environment, uploaded):
    """Every file of the site is uploaded, with the type and the cache policy that the site's code gives it."""
    listed = subprocess.run(
        [Path(environment["BINARIES"]) / "site", "--list"], capture_output=True, text=True, check=True, cwd=place
    ).stdout.splitlines()
    should = {path: (kind, cache) for path, kind, cache in (line.split("\t") for line in listed)}
    should.setdefault("config.json", ("application/json", "no-cache"))
    for path in sorted(should.keys() | uploaded.keys()):
        if path not in uploaded:
            yield f"{path} was not uploaded"
        elif path not in should:
            yield f"{path} was uploaded but is not a file of the site"
        elif uploaded[path][:2] != should[path]:
            yield f"{path} is {uploaded[path][:2]}, and should be {should[path]}"
    for path, (kind, cache, content) in uploaded.items():
        guess = mimetypes.guess_type(path)[0]
        if guess in ("text/css", "text/html", "image/svg+xml") and not kind.startswith(guess):
            yield f"{path} has the type {kind}"
        if cache == "no-cache" and path.startswith("static/"):
            yield f"{path} is not cached"
        if not content:
            yield f"{path} is empty"
