"""What must be true of the translated template, one function a rule.

A rule takes a `Case` and yields a sentence for everything that is wrong. What the code needs is read from the code
(`Case.code`): from what it reports about itself, and from the calls that its binaries were seen to make.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import esprima
import wiring as graph

METHODS = {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
# Codes from 400 to 504 whose responses CloudFront caches by default
# (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html).
CACHED_CODES = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
LOG_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}
FUNCTIONS = {"Receiver": "receiver", "Api": "api"}


@dataclass
class Case:
    """The template as its text and translated, the certificate's, and what the code says it needs."""

    text: str
    template: dict
    certificate: dict
    code: dict

    def of(self, kind):
        """Name and properties of each resource of a type."""
        found = self.template["Resources"].items()
        return {name: r.get("Properties", {}) for name, r in found if r["Type"] == kind}

    def behaviours(self):
        """Distribution, path pattern and behaviour of everything that leads to a function."""
        for name, properties in self.of("AWS::CloudFront::Distribution").items():
            config = properties["DistributionConfig"]
            for behaviour in [config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])]:
                if behaviour["TargetOriginId"] != "site":
                    yield f"{name} {behaviour.get('PathPattern', '(default)')}", behaviour

    def origins(self):
        """Each origin, with the name of its distribution."""
        for name, properties in self.of("AWS::CloudFront::Distribution").items():
            for origin in properties["DistributionConfig"]["Origins"]:
                yield name, origin


def listed(value):
    return value if isinstance(value, list) else [value]


def sides(value):
    """Both sides of an Fn::If, or the value alone."""
    return value["Fn::If"][1:] if isinstance(value, dict) and "Fn::If" in value else [value]


def wiring(case):
    """What leads where is what was reviewed, see wiring.py."""
    yield from graph.differences(case.template, case.certificate, graph.SNAPSHOT.read_text())


def plain_yaml(case):
    """CloudFormation supports no anchors, aliases and merge keys, although the usual YAML parsers do."""
    for number, line in enumerate(case.text.splitlines(), 1):
        if re.search(r"(^|[:\-\[{,] *)[&*][A-Za-z]", line.split(" #")[0]) or "<<:" in line:
            yield f"line {number} uses an anchor, an alias or a merge key"


def variables(case):
    """Each function gets exactly the variables that its code reads, so no function holds another's secret."""
    for name, properties in case.of("AWS::Lambda::Function").items():
        given = set(properties["Environment"]["Variables"])
        read = set(case.code["variables"][name])
        if given != read:
            yield f"{name}: variables differ: {sorted(given ^ read)}"


def defaults(case):
    """Limits have the same defaults as in the code; the table is protected; what costs or is optional is off."""
    parameters = case.template["Parameters"]
    limits = case.code["limits"]
    for name, value in {
        "MaxDeliveries": limits["max_deliveries"],
        "DeliveryTtlSeconds": limits["delivery_ttl_s"],
        "EndpointTtlSeconds": limits["endpoint_ttl_s"],
        "MaxDelayMilliseconds": limits["max_delay_ms"],
        "ReservedConcurrency": -1,
        "CreationCode": "",
        "DomainName": "",
        "AlarmEmail": "",
        "PointInTimeRecovery": "true",
        "DeletionProtection": "true",
        "SystemLogLevel": "WARN",
        "AccessLogDays": 0,
        "WebAclArn": "",
    }.items():
        if parameters[name].get("Default") != value:
            yield f"{name} is {parameters[name].get('Default')!r} by default, not {value!r}"


def table(case):
    """One table with the code's keys and TTL, billed per request up to a ceiling, and kept when the stack is deleted."""
    tables = case.of("AWS::DynamoDB::Table")
    if len(tables) != 1:
        yield f"{len(tables)} tables"
    for name, properties in tables.items():
        need = case.code["table"]
        types = {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
        keys = [[k["AttributeName"], k["KeyType"], types.get(k["AttributeName"])] for k in properties["KeySchema"]]
        if keys != need["keys"]:
            yield f"{name}: keys are {keys}"
        ttl = properties.get("TimeToLiveSpecification", {})
        if ttl != {"AttributeName": need["ttl"], "Enabled": True}:
            yield f"{name}: nothing is ever deleted (TTL is {ttl})"
        ceiling = properties.get("OnDemandThroughput", {})
        if properties.get("BillingMode") != "PAY_PER_REQUEST" or len(ceiling) != 2:
            yield f"{name}: no cost ceiling"
        resource = case.template["Resources"][name]
        kept = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if kept != ("RetainExceptOnCreate", "Retain"):
            yield f"{name} is deleted with the stack, or remains after a failed first deployment: {kept}"


def least_privilege(case):
    """Each role allows the table operations that its function calls and writing to its own log, and nothing else."""
    for name, crate in FUNCTIONS.items():
        role = case.of("AWS::Lambda::Function")[name]["Role"]["Fn::GetAtt"][0]
        properties = case.of("AWS::IAM::Role")[role]
        if properties.get("ManagedPolicyArns"):
            yield f"{role}: a managed policy allows more than is called"
        log = case.of("AWS::Lambda::Function")[name]["LoggingConfig"]["LogGroup"]["Ref"]
        may = {}
        for policy in properties["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for resource in listed(statement["Resource"]):
                    may.setdefault(json.dumps(resource), set()).update(listed(statement["Action"]))
        called = {f"dynamodb:{operation}" for operation in case.code["calls"][crate]}
        should = {json.dumps({"Fn::GetAtt": ["Table", "Arn"]}): called}
        should[json.dumps({"Fn::GetAtt": [log, "Arn"]})] = LOG_ACTIONS
        for resource in sorted(may.keys() | should.keys()):
            allowed, needed = may.get(resource, set()), should.get(resource, set())
            if allowed - needed:
                yield f"{role}: {sorted(allowed - needed)} on {resource} is never called"
            if needed - allowed:
                yield f"{role}: {sorted(needed - allowed)} on {resource} is called but not allowed"


def certificate_names(case):
    """The certificate has the name of each alias, the DNS zone proves each name, and the product's stack gets the certificate."""
    properties = case.certificate["Resources"]["Certificate"]["Properties"]
    names = [json.dumps(name) for name in (properties["DomainName"], *properties["SubjectAlternativeNames"])]
    for name, distribution in case.of("AWS::CloudFront::Distribution").items():
        for alias in listed(sides(distribution["DistributionConfig"]["Aliases"])[0]):
            if json.dumps(alias) not in names:
                yield f"{name}: the certificate has no {alias}"
    proved = {json.dumps(each["DomainName"]) for each in properties["DomainValidationOptions"] if each["HostedZoneId"] == {"Ref": "HostedZoneId"}}
    if proved != set(names) or properties["ValidationMethod"] != "DNS":
        yield f"the certificate waits for ever for a proof of {sorted(set(names) - proved)}"
    if case.certificate["Outputs"]["Arn"]["Value"] != {"Ref": "Certificate"}:
        yield "the output Arn is not the certificate"


def no_open_policy(case):
    """No policy has a wildcard, and only the two permissions of each function URL are for everyone."""

    def statements(value):
        if isinstance(value, dict):
            if "Effect" in value:
                yield value
            else:
                for inner in value.values():
                    yield from statements(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from statements(inner)

    for name, resource in case.template["Resources"].items():
        for statement in statements(resource.get("Properties", {})):
            if statement["Effect"] != "Allow":
                continue
            if statement.get("Principal") in ("*", {"AWS": "*"}):
                yield f"{name}: allows everyone"
            texts = [*listed(statement["Action"]), *listed(statement.get("Resource", []))]
            if any(isinstance(text, str) and "*" in text for text in texts):
                yield f"{name}: a wildcard in {texts}"
            if "NotAction" in statement or "NotResource" in statement or "NotPrincipal" in statement:
                yield f"{name}: allows everything except what it lists"
            if statement.get("Principal") == {"Service": "cloudfront.amazonaws.com"} and "Condition" not in statement:
                yield f"{name}: allows the distributions of every account"
    for name, permission in case.of("AWS::Lambda::Permission").items():
        through_url = permission.get("FunctionUrlAuthType") == "NONE" or permission.get("InvokedViaFunctionUrl") is True
        if permission["Principal"] == "*" and not through_url:
            yield f"{name}: everyone may invoke the function without its URL"


def url_permissions(case):
    """A public function URL needs two permissions since October 2025 and answers 403 with only one."""
    permissions = case.of("AWS::Lambda::Permission").values()
    for name, url in case.of("AWS::Lambda::Url").items():
        target = json.dumps(url["TargetFunctionArn"])
        given = {p["Action"] for p in permissions if json.dumps(p["FunctionName"]) == target and p["Principal"] == "*"}
        if given != {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}:
            yield f"{name}: permissions for everyone are {sorted(given)}"
        if url["AuthType"] != "NONE" or url.get("InvokeMode") != "BUFFERED":
            yield f"{name}: must be open, because webhook senders can't sign, and buffered"


def private_bucket(case):
    """Only the CDN reads the bucket, with signed requests; its requests to function URLs are not signed."""
    for name, origin in case.origins():
        where = f"{name} origin {origin['Id']}"
        signs = bool(origin.get("OriginAccessControlId"))
        if origin["Id"] == "site" and not signs:
            yield f"{where}: the bucket would have to be public"
        if origin["Id"] != "site" and signs:
            yield f"{where}: for a signed POST the sender must send a hash of the body"
    for name, control in case.of("AWS::CloudFront::OriginAccessControl").items():
        if control["OriginAccessControlConfig"]["OriginAccessControlOriginType"] != "s3":
            yield f"{name} is not for a bucket"
    for name, bucket in case.of("AWS::S3::Bucket").items():
        blocked = bucket.get("PublicAccessBlockConfiguration", {})
        if len(blocked) != 4 or set(blocked.values()) != {True}:
            yield f"{name} could be made public"


def origin_secret(case):
    """Requests to a function carry the secret that proves that they came through the CDN, and the secret is never shown."""
    header = case.code["origin_secret_header"]
    for name, origin in case.origins():
        sent = {(h["HeaderName"], json.dumps(h["HeaderValue"])) for h in origin.get("OriginCustomHeaders", [])}
        should = set() if origin["Id"] == "site" else {(header, json.dumps({"Ref": "OriginSecret"}))}
        if sent != should:
            yield f"{name} origin {origin['Id']}: sends {sorted(sent)}"
    secret = case.template["Parameters"]["OriginSecret"]
    if secret.get("NoEcho") is not True or secret.get("MinLength", 0) < 32 or "Default" in secret:
        yield "OriginSecret can be shown, guessed or omitted"
    for name in ("OriginSecret", "SecondOriginSecret"):
        for text in (31 * "x", f"{32 * 'x'} {32 * 'x'}"):
            if re.fullmatch(case.template["Parameters"][name]["AllowedPattern"], text):
                yield f"{name} may be {text!r}: the functions split it at blanks"
    for name in ("SecondOriginSecret", "CreationCode"):
        if case.template["Parameters"][name].get("NoEcho") is not True:
            yield f"{name} can be shown"


def behaviours(case):
    """Each behaviour that leads to a function allows all seven methods, caches nothing and changes nothing."""
    for path, behaviour in case.behaviours():
        if set(behaviour["AllowedMethods"]) != METHODS:
            yield f"{path}: methods are {behaviour['AllowedMethods']}"
        if behaviour.get("CachePolicyId") != CACHING_DISABLED:
            yield f"{path}: responses are cached"
        if behaviour["ViewerProtocolPolicy"] != "https-only":
            yield f"{path}: a redirect loses the body, and plain HTTP shows it"
        policy = {"Ref": "HookHeaders"} if path.startswith("HookDistribution") else None
        if behaviour.get("Compress") is not False or behaviour.get("ResponseHeadersPolicyId") != policy:
            yield f"{path}: the response is changed on its way"


def hook_hosts(case):
    """Replies have hosts of their own with a domain, and no page but the product's may read them unless the receiver says so."""
    policies = case.of("AWS::CloudFront::ResponseHeadersPolicy")
    cors = policies["HookHeaders"]["ResponseHeadersPolicyConfig"]["CorsConfig"]
    if cors["AccessControlAllowOrigins"] != {"Items": [{"Fn::Sub": "https://${DomainName}"}]} or cors["AccessControlAllowCredentials"]:
        yield f"pages of other origins may read replies: {cors}"
    if cors["OriginOverride"] is not False:
        yield "an owner can't let other pages read replies"
    for name, properties in case.of("AWS::Lambda::Url").items():
        if "Cors" in properties:
            yield f"{name}: Lambda answers preflights, and adds CORS headers to those of the receiver"


def host_is_not_forwarded(case):
    """Everything that the sender sent is forwarded except Host, which a function URL refuses."""
    policies = case.of("AWS::CloudFront::OriginRequestPolicy")
    for path, behaviour in case.behaviours():
        reference = behaviour.get("OriginRequestPolicyId")
        name = reference.get("Ref") if isinstance(reference, dict) else None
        if name not in policies:
            yield f"{path}: no policy of the template says what is forwarded"
            continue
        config = policies[name]["OriginRequestPolicyConfig"]
        headers = config["HeadersConfig"]
        if headers["HeaderBehavior"] != "allExcept" or [h.lower() for h in headers["Headers"]] != ["host"]:
            yield f"{path}: Host is forwarded, or another header is not"
        if config["CookiesConfig"] != {"CookieBehavior": "all"}:
            yield f"{path}: cookies are not forwarded"
        if config["QueryStringsConfig"] != {"QueryStringBehavior": "all"}:
            yield f"{path}: the query is not forwarded"


def error_caching(case):
    """CloudFront neither caches errors nor replaces their bodies."""
    for name, properties in case.of("AWS::CloudFront::Distribution").items():
        said = {e["ErrorCode"]: e for e in properties["DistributionConfig"].get("CustomErrorResponses", [])}
        if CACHED_CODES - said.keys():
            yield f"{name}: {sorted(CACHED_CODES - said.keys())} are cached for 10 s"
        for code, response in said.items():
            if response.get("ErrorCachingMinTTL") != 0:
                yield f"{name}: {code} is cached"
            if "ResponsePagePath" in response or "ResponseCode" in response:
                yield f"{name}: {code} is replaced by a page"


# How long Lambda lets a function start before it is stopped
# (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
STARTS_WITHIN_S = 10


def waits(case):
    """Longest delay and longest wait for the table < the function's timeout; that and a start < the CDN's timeout. Otherwise a
    recorded webhook gets no response, or the CDN repeats a GET and it is recorded twice. The api waits as long for the table,
    and has no delay."""
    longest = case.template["Parameters"]["MaxDelayMilliseconds"]["MaxValue"] / 1000 + case.code["answered_within_s"]
    for name, properties in case.of("AWS::Lambda::Function").items():
        timeout = properties["Timeout"]
        if not longest + 1 < timeout:
            yield f"{name} has a timeout of {timeout} s, and the table and a delay may take {longest} s"
        for where, origin in case.origins():
            if origin["Id"] != "site":
                waits_for = origin["CustomOriginConfig"]["OriginReadTimeout"]
                if not STARTS_WITHIN_S + timeout < waits_for:
                    yield f"{where} {origin['Id']} waits {waits_for} s, and {name} may take {timeout} s after its start"


def creation_code(case):
    """The pattern allows what the page can send: a header's value is printable ASCII without a blank at either end."""
    pattern = case.template["Parameters"]["CreationCode"]["AllowedPattern"]
    for code, should in {
        "": True, "12345678": True, "let me in, please": True, "x" * 128: True, "!\"#~~~~~": True,
        "1234567": False, "x" * 129: False, " let me in": False, "let me in ": False, "        ": False, "let\tme in": False, "lët me in": False,
    }.items():
        if bool(re.fullmatch(pattern, code)) != should:
            yield f"{code!r} is {'refused' if should else 'accepted'}"


def one_name_an_account(case):
    """Names of CloudFront resources are unique in an account, so they contain the stack and the region."""
    for name, resource in case.template["Resources"].items():
        if resource["Type"].startswith("AWS::CloudFront::"):
            for given in names(resource["Properties"]):
                if not {"${AWS::StackName}", "${AWS::Region}"} <= set(re.findall(r"\$\{[^}]+\}", json.dumps(given))):
                    yield f"{name} is named {given}"


def names(value):
    """Each `Name` in some properties, one level deep or at the top."""
    for inner in (value, *(v for v in value.values() if isinstance(v, dict))):
        if "Name" in inner:
            yield inner["Name"]


def alarms(case):
    """What the metric filters count: failures on this side and requests past the CDN, and no response that a learner has set."""
    for name, alarm in case.of("AWS::CloudWatch::Alarm").items():
        if "5xx" in alarm["MetricName"] or "4xx" in alarm["MetricName"]:
            yield f"{name} counts responses that a learner has set"
    for name, each in case.of("AWS::Logs::MetricFilter").items():
        metric = each["MetricTransformations"][0]["MetricName"]
        for line, counted_as in LOG_LINES:
            should = counted_as is not None and metric.endswith(counted_as)
            if counts(each["FilterPattern"], line) != should:
                yield f"{name}: {line} is {'not ' if should else ''}counted"


# Lines as the functions write them, with the metric that counts them; home.py checks real ones.
LOG_LINES = [
    ({"function": "receiver", "status": 503, "error": "the table is throttled"}, "Fails"),
    ({"function": "receiver", "status": 503}, None),
    ({"function": "receiver", "status": 403, "error": "the origin secret is missing or wrong"}, "Refusals"),
    ({"function": "receiver", "status": 403}, None),
    ({"function": "api", "status": 404, "error": "planted"}, None),
    ({"function": "api", "status": 200}, None),
]


def counts(pattern, line):
    """Whether CloudWatch would count a line, for the patterns that are used here
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html)."""
    whole = re.fullmatch(r"\{ (.*) \}", pattern)
    parts = [re.fullmatch(r'\(\$\.(\w+) (=|>=) ("\*"|\d+)\)', part) for part in whole[1].split(" && ")] if whole else [None]
    if None in parts:
        raise ValueError(f"the pattern {pattern} is not supported here")

    def holds(name, operator, value):
        if name not in line or value == '"*"':
            return name in line
        return line[name] >= int(value) if operator == ">=" else line[name] == int(value)

    return all(holds(*part.groups()) for part in parts)


def dashboard(case):
    """Each widget is JSON and shows metrics of a namespace that exists, those of CloudFront in the one region that has them."""
    for name, properties in case.of("AWS::CloudWatch::Dashboard").items():
        text, parts = properties["DashboardBody"]["Fn::Sub"]
        for of_hooks in (part["Fn::Sub"] if isinstance(part, dict) else part for part in sides(parts["OfHooks"])):
            for widget in json.loads(text.replace("${OfHooks}", of_hooks))["widgets"]:
                shown = widget["properties"]
                for metric in shown["metrics"]:
                    is_cdn = metric[0] == "AWS/CloudFront"
                    if metric[0] not in ("AWS/Lambda", "AWS/DynamoDB", "AWS/CloudFront", "${AWS::StackName}"):
                        yield f"{name}: no metric has the namespace {metric[0]}"
                    if shown["region"] != ("us-east-1" if is_cdn else "${AWS::Region}"):
                        yield f"{name}: {metric} is not in {shown['region']}"


def logs(case):
    """The lines of each function's log expire, and Lambda adds no lines to them by default."""
    groups = case.of("AWS::Logs::LogGroup")
    for name, properties in case.of("AWS::Lambda::Function").items():
        config = properties.get("LoggingConfig", {})
        group = config.get("LogGroup", {}).get("Ref")
        if "RetentionInDays" not in groups.get(group, {}):
            yield f"{name}: its log never expires"
        # With another format the level has no effect.
        if config.get("SystemLogLevel") != {"Ref": "SystemLogLevel"} or config.get("LogFormat") != "JSON":
            yield f"{name}: Lambda logs three lines for every empty poll"


def site_headers(case):
    """The page is served with the headers that the site's own code says it needs."""
    config = case.of("AWS::CloudFront::ResponseHeadersPolicy")["SiteHeaders"]["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    given = {item["Header"]: item["Value"] for item in config["CustomHeadersConfig"]["Items"]}
    given["referrer-policy"] = security["ReferrerPolicy"]["ReferrerPolicy"]
    given["x-content-type-options"] = "nosniff" if "ContentTypeOptions" in security else ""
    policy, closed = sides(security["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    text, parts = policy["Fn::Sub"]
    with_domain, without = sides(parts["HookHosts"])
    domain = case.code["site"]["origin"].removeprefix("https://")
    for hosts, headers in [(without, "headers"), (with_domain["Fn::Sub"].replace("${DomainName}", domain), "headers_with_domain")]:
        given["content-security-policy"] = text.replace("${PageOrigin}", case.code["site"]["origin"]).replace("${HookHosts}", hosts)
        should = dict(case.code["site"][headers])
        for header in sorted(given.keys() | should.keys()):
            if given.get(header) != should.get(header):
                yield f"{header} is {given.get(header)!r}, and the site's code says {should.get(header)!r}"
    if closed != "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'":
        yield f"the policy until the origin is known is {closed}"
    if security.get("StrictTransportSecurity", {}).get("AccessControlMaxAgeSec", 0) < 31536000:
        yield "no HSTS"


DOMAIN = "example.org"
ENDPOINT = "b7nihh2yefj2lxoxyqgcjpq6pi"
PREFLIGHT = {"origin": {"value": f"https://{DOMAIN}"}, "access-control-request-method": {"value": "POST"}}
ELSEWHERE = {**PREFLIGHT, "origin": {"value": "https://evil.example"}}
# What comes with every request that an edge function is given.
QUERY = {"a": {"value": "1", "multiValue": [{"value": "1"}, {"value": "%20"}]}, "b": {"value": ""}}
HEADERS = {
    "x-forwarded-host": {"value": "proxy.example"},
    "user-agent": {"value": "ParticleBot/1.1 (https://docs.particle.io/webhooks)"},
    "authorization": {"value": "Bearer own_planted"},
    "cookie": {"value": "session=planted"},
}
COOKIES = {"session": {"value": "planted"}}


def gone(url):
    """The response to an old hook URL."""
    problem = {"type": "about:blank", "title": "Gone", "status": 410, "detail": f"hook URLs have moved; send to {url}"}
    headers = {"content-type": "application/problem+json", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return response(410, "Gone", headers, body={"encoding": "text", "data": json.dumps(problem, separators=(",", ":"))})


def response(status, description, headers, **more):
    """A response as an edge function returns it."""
    return {"statusCode": status, "statusDescription": description, "headers": {name: {"value": value} for name, value in headers.items()}, **more}


ALLOWED = response(204, "No Content", {
    "access-control-allow-origin": f"https://{DOMAIN}",
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "content-type",
    "vary": "origin",
})
# For each function: host, path and further headers; then the path that is passed on, or the whole response. A case is tried
# with each method, and one with the headers of a preflight with OPTIONS.
EDGE_CASES = {
    "ThroughTheFront": [
        ("d1.cloudfront.net", "/hook/abc/%2F//x", {}, "/hook/abc/%2F//x"),
        ("d1.cloudfront.net", "/api/log", {}, "/api/log"),
        ("d1.cloudfront.net", "/hook/abc/index.html", PREFLIGHT, "/hook/abc/index.html"),
    ],
    "HookMoved": [
        (DOMAIN, f"/hook/{ENDPOINT.upper()}/a%2Fb//c", {}, gone(f"https://{ENDPOINT}.hook.{DOMAIN}/a%2Fb//c?a=1&a=%20&b=")),
        (DOMAIN, f"/hook/{ENDPOINT}", {}, gone(f"https://{ENDPOINT}.hook.{DOMAIN}/?a=1&a=%20&b=")),
        (DOMAIN, "/hooks/<script>", {}, gone(f"https://ENDPOINT.hook.{DOMAIN}/")),
    ],
    "HookByHost": [
        ("ABC.hook.example.org", "/", {}, "/hook/abc/"),
        ("abc.hook.example.org", "/a%2Fb//c", {}, "/hook/abc/a%2Fb//c"),
        ("abc.hook.example.org", "/index.html", {}, "/hook/abc/index.html"),
        ("abc.hook.example.org", "/", PREFLIGHT, ALLOWED),
        ("abc.hook.example.org", "/", ELSEWHERE, "/hook/abc/"),
    ],
}
RUN_EDGE = """
const [code, events] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const handler = new Function('"use strict";' + code + '; return handler;')();
console.log(JSON.stringify(events.map((event) => handler(event))));
"""
# What the documentation of cloudfront-js-2.0 lists, in the names of a syntax tree.
EDGE_SYNTAX = set("""
  Script Program FunctionDeclaration FunctionExpression ExpressionStatement BlockStatement EmptyStatement ReturnStatement
  LabeledStatement BreakStatement ContinueStatement IfStatement SwitchStatement SwitchCase ThrowStatement TryStatement CatchClause
  WhileStatement DoWhileStatement ForStatement ForInStatement VariableDeclaration VariableDeclarator ThisExpression ArrayExpression
  ObjectExpression Property UnaryExpression UpdateExpression BinaryExpression AssignmentExpression LogicalExpression
  StaticMemberExpression ComputedMemberExpression MemberExpression ConditionalExpression CallExpression NewExpression SequenceExpression Identifier
  Literal RegexLiteral TemplateLiteral TemplateElement ArrowFunctionExpression AsyncFunctionDeclaration AsyncFunctionExpression
  AsyncArrowFunctionExpression AwaitExpression RestElement Directive""".split())


def node(script, given):
    """What a script of Node makes of some JSON."""
    done = subprocess.run(["node", "-e", script], input=json.dumps(given), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"node fails: {[line for line in done.stderr.splitlines() if 'Error' in line][:1]}")
    return json.loads(done.stdout)


def programs(case):
    """The code of each edge function."""
    for name, properties in case.of("AWS::CloudFront::Function").items():
        code = properties["FunctionCode"]
        yield name, code["Fn::Sub"].replace("${DomainName}", DOMAIN) if isinstance(code, dict) else code


def ran(case, name, events):
    """What an edge function returns for each event."""
    if case.of("AWS::CloudFront::Function")[name].get("AutoPublish") is not True:
        raise ValueError(f"{name} is never published")
    return node(RUN_EDGE, [dict(programs(case))[name], events])


def nodes(node):
    """A node of a syntax tree and everything under it."""
    yield node
    for value in vars(node).values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, esprima.nodes.Node):
                yield from nodes(child)


def unlisted(code):
    """What of a program the runtime does not list."""
    try:
        tree = esprima.parseScript(code)
    except esprima.Error as error:
        yield str(error)
        return
    for node in nodes(tree):
        # A pattern may be of the class of an expression, and an async function is of the type of any.
        yield from {type(node).__name__, node.type} - EDGE_SYNTAX
        if node.type == "Property" and (node.shorthand or node.method or node.computed):
            yield "a shorthand, method or computed property"
        if getattr(node, "generator", False):
            yield "a generator"
        if type(node).__name__ == "RegexLiteral" and set(node.regex.flags) - set("gim"):
            yield f"a regular expression's flags {node.regex.flags}"


def edge_syntax(case):
    """The edge functions are written in what the documentation of cloudfront-js-2.0 lists, ES 5.1 and a few features more
    (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html)."""
    for name, properties in case.of("AWS::CloudFront::Function").items():
        if properties["FunctionConfig"]["Runtime"] != "cloudfront-js-2.0":
            yield f"{name} has another runtime"
    for name, code in programs(case):
        yield from (f"{name} has what the runtime does not list: {what}" for what in sorted(set(unlisted(code))))


def edge_functions(case):
    """The edge functions of hooks and API put the host and the viewer's address in the headers that the code reads, replacing
    what a sender claims, and change nothing else. A response of their own is exactly the one that is expected."""
    told = {case.code["viewer_host_header"]: "claimed.example", case.code["viewer_address_header"]: "192.0.2.1"}
    for name, cases in EDGE_CASES.items():
        events, answers = [], []
        for host, uri, more, expected in cases:
            for method in ["OPTIONS"] if more else sorted(METHODS):
                headers = {**HEADERS, **more, **{header: {"value": claimed} for header, claimed in told.items()}, "host": {"value": host}}
                request = {"method": method, "uri": uri, "querystring": QUERY, "headers": headers, "cookies": COOKIES}
                events.append({"version": "1.0", "viewer": {"ip": "2001:db8::7"}, "request": request})
                seen = {header: {"value": value} for header, value in zip(told, (host, "2001:db8::7"), strict=True)}
                answers.append(expected if isinstance(expected, dict) else {**request, "uri": expected, "headers": {**headers, **seen}})
        for event, should, answer in zip(events, answers, ran(case, name, events), strict=True):
            if answer != should:
                yield f"{name}: {event['request']['method']} {event['request']['uri']} became {answer}"


def page_files(case):
    """Each file of the page outside of static/ is answered as it is, and everything else with 404.html and that status."""
    files = {f"/{path}" for path in case.code["site"]["files"] if not path.startswith("static/")} - {"/404.html"}
    found = {*files, "/", "/config.json"}
    near = {other for path in found for other in (f"{path}x", f"/x{path}", f"/nothing{Path(path).suffix}")}
    asked = [*sorted(found), *sorted(near - found), "/404.html", "/hook.html", "/log/", "/static"]
    requests = [{"context": {"eventType": "viewer-request"}, "request": {"uri": uri, "headers": {}}} for uri in asked]
    for uri, request in zip(asked, ran(case, "PageFiles", requests), strict=True):
        if request != {"uri": uri if uri in found else "/404.html", "headers": {}}:
            yield f"{uri} became {request}"
    # After the request was changed or not: which of the two this function sees then is not documented.
    answered = [(uri, status) for uri in asked for status in (200, 206, 304, 404)]
    events = [
        {"context": {"eventType": "viewer-response"}, "request": {"uri": uri}, "response": {"statusCode": status, "headers": {"etag": {"value": "x"}}}}
        for uri, status in answered
    ]
    for (uri, status), response in zip(answered, ran(case, "PageFiles", events), strict=True):
        should = 404 if status in (200, 206) and uri not in found else status
        if (response["statusCode"], response["headers"]) != (should, {"etag": {"value": "x"}}):
            yield f"{uri} with {status} is answered with {response}"


RULES = [
    wiring, plain_yaml, variables, defaults, table, least_privilege, certificate_names, no_open_policy, url_permissions, private_bucket,
    origin_secret, creation_code, behaviours, hook_hosts, host_is_not_forwarded, error_caching, waits, logs, alarms, dashboard, site_headers,
    edge_syntax, edge_functions, page_files, one_name_an_account,
]


def broken(case):
    """The name of each rule, with what is wrong."""
    for rule in RULES:
        try:
            sentences = list(rule(case))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            sentences = [f"can't be evaluated: {type(error).__name__} {error}"]
        yield rule.__name__, sentences
