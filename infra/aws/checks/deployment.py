"""`deploy` and `destroy` themselves, run against moto: twice, and then taken down.

moto stands where Amazon is, with three things put right on the way. The transform of SAM, which it lacks, is made before a
template reaches it. What it can't make (distributions, URLs, alarms) is left out, and the outputs that name such things say
what they would. And a page URL that answers: a small front that takes the page's files from the deployed bucket, with the
headers of the template, and hands events to the functions' real binaries, so that the script's own last step, `smoke`, can
go through all of it.
"""

import io
import json
import logging
import mimetypes
import os
import re
import shutil
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
# What stands for cargo: the two things that `deploy` asks of it, with what is built already.
CARGO = """#!/usr/bin/env bash
set -euo pipefail
case "$*" in
  "lambda --version") echo "cargo-lambda, as it were" ;;
  "lambda build --profile function --arm64 --output-format zip -p receiver -p api")
    for name in receiver api; do
      mkdir -p "target/lambda/$name"
      python3 - "$BINARIES/$name" "target/lambda/$name/bootstrap.zip" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w") as file:
    file.writestr(zipfile.ZipInfo("bootstrap"), open(sys.argv[1], "rb").read()[:4096])
PY
    done ;;
  "run --quiet -p site -- "*) shift 5; exec "$BINARIES/site" "$@" ;;
  *) echo "nobody foresaw: cargo $*" >&2; exit 1 ;;
esac
"""
# Of a change set that changes nothing Amazon says so in its status; moto refuses to make it.
CloudFormationResponse._validate_different_update = lambda *_: None
OUTPUTS_OF_THEIR_OWN = {"PageUrl", "DistributionId", "DistributionName", "HookDistributionName"}


class Amazon:
    """moto's services, with templates made fit on their way in."""

    def __init__(self, page, distribution):
        self.inner = DomainDispatcherApplication(create_backend_app)
        self.outputs = {"PageUrl": page, "DistributionId": distribution, "DistributionName": "d1.cloudfront.net"}

    def fit(self, text):
        """A template as moto can take it."""
        fitted = home.reduced(template.translate(text, packaged=True))
        said = template.yaml_parse(text)["Outputs"]
        fitted["Outputs"] = {
            name: {"Value": self.outputs[name]} if name in OUTPUTS_OF_THEIR_OWN else output
            for name, output in said.items()
            if name not in OUTPUTS_OF_THEIR_OWN or name in self.outputs
        }
        # A change set makes functions before the table, and then knows no name for it yet.
        fitted["Resources"]["Table"]["Properties"]["TableName"] = f"{STACK}-table"
        return json.dumps(fitted).replace('{"Ref": "Table"}', json.dumps(f"{STACK}-table"))

    def __call__(self, environ, start_response):
        if environ.get("HTTP_AUTHORIZATION", "").find("/cloudformation/") > 0:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            form = {name: values[0] for name, values in parse_qs(environ["wsgi.input"].read(length).decode(), keep_blank_values=True).items()}
            if "TemplateURL" in form:
                bucket, key = re.search(r"//[^/]+/([^/]+)/([^?]+)", form.pop("TemplateURL")).groups()
                form["TemplateBody"] = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            if "TemplateBody" in form:
                form["TemplateBody"] = self.fit(form["TemplateBody"])
            body = urlencode(form).encode()
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
            executed = form.get("Action") == "ExecuteChangeSet"
        else:
            executed = False
        answer = self.inner(environ, start_response)
        if executed:
            # It makes what a change set says, and forgets the outputs.
            for account in cloudformation_backends.values():
                for stack in account[REGION].stacks.values():
                    stack._parse_template()
                    stack.output_map = stack._create_output_map()
        return answer


def client(name):
    return boto3.client(name, region_name=REGION, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


class Front(BaseHTTPRequestHandler):
    """The CDN, as far as `smoke` can tell."""

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


def tree(root, work):
    """The repository with a target folder of its own, so that nothing that is built here is taken for a build."""
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
    tools = work / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "cargo").write_text(CARGO)
    (tools / "cargo").chmod(0o755)
    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    front.work, front.binaries = work, Path(binaries).resolve()
    security = template.translate(text)["Resources"]["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    front.policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::If"][1]["Fn::Sub"].replace("\n", " ")
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
        **os.environ,
        "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "deployer", "AWS_SECRET_ACCESS_KEY": "none", "AWS_PAGER": "",
        "BINARIES": str(front.binaries), "CURL_CA_BUNDLE": str(certificate), "SMOKE_PATIENCE_S": "30", "PYTHONWARNINGS": "ignore",
    }
    os.environ.update({name: environment[name] for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")})
    try:
        yield from walk(tree(root, work), environment, amazon)
    finally:
        front.shutdown()
        server.shutdown()


def walk(place, environment, amazon):
    def run(script, *arguments):
        command = [place / "infra/aws" / script, "--stack", STACK, "--region", REGION, *arguments]
        return subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=1200, check=False)

    amazon.outputs["DistributionId"] = distribution = client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "check", "Comment": "stands for the stack's own", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "site", "DomainName": "site.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
            "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
                                     "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
        }
    )["Distribution"]["Id"]
    first = run("deploy")
    if first.returncode != 0:
        yield f"deploy: {first.stdout}{first.stderr}"
        return
    secret = variables("api")["ORIGIN_SECRET"]
    if secret in first.stdout + first.stderr:
        yield "deploy shows the origin secret"
    if f"The page: {output('PageUrl')}" not in first.stdout:
        yield "deploy does not end with the page's address"
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
        yield f"invalidated is {sorted(set(invalidated) ^ should)} too much or too little"

    second = run("deploy", "--set", "LogLevel=debug")
    if second.returncode != 0:
        yield f"deploy, a second time: {second.stdout}{second.stderr}"
        return
    if variables("api")["ORIGIN_SECRET"] != secret:
        yield "a second deployment changes the secret, and the CDN's old one is refused for minutes"
    if variables("api")["LOG_LEVEL"] != "debug":
        yield "--set has no effect"
    again = objects()
    changed = [path for path in uploaded.keys() | again.keys() if uploaded.get(path) != again.get(path)]
    if changed:
        yield f"a second deployment changes {changed}"

    table = output("TableName")
    gone = run("destroy")
    if gone.returncode != 0 or table not in gone.stdout:
        yield f"destroy: {gone.stdout}{gone.stderr}"
        return
    left = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    if left:
        yield f"destroy leaves the buckets {left}"
    stacks = [s["StackName"] for s in client("cloudformation").list_stacks()["StackSummaries"] if s["StackStatus"] != "DELETE_COMPLETE"]
    if stacks:
        yield f"destroy leaves the stacks {stacks}"
    twice = run("destroy")
    if twice.returncode != 0 or "there is no stack" not in twice.stdout:
        yield f"destroy, a second time: {twice.stdout}{twice.stderr}"


def objects():
    """What lies in the site's bucket: type, cache policy and bytes, by path."""
    s3 = client("s3")
    bucket = output("SiteBucket")
    found = {}
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        each = s3.get_object(Bucket=bucket, Key=entry["Key"])
        found[entry["Key"]] = (each.get("ContentType"), each.get("CacheControl"), each["Body"].read())
    return found


def as_listed(place, environment, uploaded):
    """Every file of the site is there, with the type and the cache policy that the site's code gives it."""
    listed = subprocess.run(
        [Path(environment["BINARIES"]) / "site", "--list"], capture_output=True, text=True, check=True, cwd=place
    ).stdout.splitlines()
    should = {path: (kind, cache) for path, kind, cache in (line.split("\t") for line in listed)}
    should.setdefault("config.json", ("application/json", "no-cache"))
    for path in sorted(should.keys() | uploaded.keys()):
        if path not in uploaded:
            yield f"{path} was not uploaded"
        elif path not in should:
            yield f"{path} was uploaded and is no file of the site"
        elif uploaded[path][:2] != should[path]:
            yield f"{path} is {uploaded[path][:2]}, and should be {should[path]}"
    for path, (kind, cache, content) in uploaded.items():
        guess = mimetypes.guess_type(path)[0]
        if guess in ("text/css", "text/html", "image/svg+xml") and not kind.startswith(guess):
            yield f"{path} is called {kind}"
        if cache == "no-cache" and not path.endswith((".html", ".json", ".cpp", ".txt", ".svg", ".png", ".ico")):
            yield f"{path} is asked for anew each time"
        if not content:
            yield f"{path} is empty"
