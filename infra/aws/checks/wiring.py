"""The template as a graph: what leads where, a line for each edge, compared with the reviewed `wiring.txt`.

A rule (rules.py) says what must be true whatever the template looks like; this notices that something leads elsewhere, or that
an alarm or anything else that is deployed has changed. The graph is drawn with the conditions of the template evaluated, once
for the defaults and once with everything optional. `UPDATE_EXPECT=1 infra/aws/check` rewrites the file; its diff is the review.
"""

import difflib
import json
import re
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("wiring.txt")
# Values for the parameters that switch something on. All others have their defaults.
EVERYTHING = {
    "PageOrigin": "https://page.example", "DomainName": "page.example", "CertificateArn": "arn:certificate", "HostedZoneId": "Z0EXAMPLE",
    "AlarmEmail": "operator@page.example", "ReservedConcurrency": 5, "AccessLogDays": 30, "WebAclArn": "arn:web-acl",
}
# What names an element of a list, so that an inserted element changes no other line.
NAMES = ("PathPattern", "Id", "HeaderName", "Header", "EventType", "PolicyName", "AttributeName", "Key", "Name", "Sid")
# Programs and texts that rules.py runs or compares itself.
ELSEWHERE = {"FunctionCode", "ContentSecurityPolicy"}


class Graph:
    """A translated template whose conditions are evaluated for some values of its parameters."""

    def __init__(self, template, given):
        self.template = template
        self.given = {name: p.get("Default", "") for name, p in template["Parameters"].items()} | given
        self.resources = {
            name: {**resource, "Properties": self.chosen(resource.get("Properties", {}))}
            for name, resource in template["Resources"].items()
            if self.holds(resource.get("Condition"))
        }

    def holds(self, condition):
        """Whether a condition, by its name or as an expression, is true."""
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        (operator, operands), = condition.items()
        if operator == "Condition":
            return self.holds(operands)
        if operator == "Fn::Equals":
            first, second = ((self.given[o["Ref"]] if isinstance(o, dict) else o) for o in operands)
            return str(first) == str(second)
        parts = [self.holds(operand) for operand in operands]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[operator]

    def chosen(self, value):
        """A value with the side of each Fn::If that applies, and without what is AWS::NoValue."""
        if isinstance(value, dict):
            if "Fn::If" in value:
                condition, yes, no = value["Fn::If"]
                return self.chosen(yes if self.holds(condition) else no)
            kept = ((name, self.chosen(inner)) for name, inner in value.items())
            return {name: inner for name, inner in kept if inner != {"Ref": "AWS::NoValue"}}
        if isinstance(value, list):
            return [inner for inner in map(self.chosen, value) if inner != {"Ref": "AWS::NoValue"}]
        return value

    def of(self, kind):
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == kind}

    def requests(self):
        """Each URL that is answered, from its host to the code or the file."""
        for name, properties in self.of("AWS::CloudFront::Distribution").items():
            config = properties["DistributionConfig"]
            hosts = config.get("Aliases") or [{"Fn::GetAtt": [name, "DomainName"]}]
            behaviours = [*config.get("CacheBehaviors", []), {**config["DefaultCacheBehavior"], "PathPattern": "*"}]
            for host in hosts:
                where = f"https://{text(host)}"
                yield f"{where} is {name}, with {leaves(config['ViewerCertificate'])}"
                yield f"{where}/ is {text(config.get('DefaultRootObject', 'nothing'))}"
                # CloudFront takes the first that matches, and the default last.
                for number, behaviour in enumerate(behaviours, 1):
                    url = f"{where}/{behaviour['PathPattern'].lstrip('/')}"
                    yield f"{url} is tried as number {number}: {behaviour['ViewerProtocolPolicy']}, {' '.join(behaviour['AllowedMethods'])}"
                    for edge in behaviour.get("FunctionAssociations", []):
                        yield f"{url} passes {text(edge['FunctionARN'])} as {edge['EventType']}"
                    origin = next((o for o in config["Origins"] if o["Id"] == behaviour["TargetOriginId"]), None)
                    yield f"{url} goes to {self.origin(origin)}"

    def origin(self, origin):
        """An origin, and what is behind it."""
        if origin is None:
            return "no origin"
        domain = origin["DomainName"]
        name, attribute = attribute_of(url_of(domain) or domain)
        resource = self.resources.get(name, {"Type": None})
        if (resource["Type"], url_of(domain)) == ("AWS::S3::Bucket", None):
            return f"the bucket {name}, read by {text(origin.get('OriginAccessControlId', 'everyone'))}"
        if (resource["Type"], attribute) != ("AWS::Lambda::Url", "FunctionUrl") or not url_of(domain):
            return text(domain)
        function, _ = attribute_of(resource["Properties"]["TargetFunctionArn"])
        return f"{name}, the URL of {function}, whose code is {text(self.of('AWS::Lambda::Function')[function]['Code']['S3Key'])}"

    def records(self):
        for name, properties in self.of("AWS::Route53::RecordSetGroup").items():
            for record in properties["RecordSets"]:
                target = record["AliasTarget"]
                yield f"{name}: {record['Type']} of {text(record['Name'])} is {text(target['DNSName'])} in zone {text(target['HostedZoneId'])}"

    def outputs(self):
        for name, output in self.template["Outputs"].items():
            if self.holds(output.get("Condition")):
                yield f"output {name} is {text(self.chosen(output['Value']))}"

    def properties(self):
        """Everything that a resource says, with the parameters and resources that it refers to; a line for each group."""
        for name, resource in self.resources.items():
            groups = {}
            for path, value in walk(resource["Properties"], [name]):
                if path[-1] not in ELSEWHERE:
                    groups.setdefault(".".join(path[:-1]), []).append(f"{path[-1]}: {text(value)}")
            rest = {key: value for key, value in resource.items() if key not in ("Type", "Properties", "Condition")}
            yield ", ".join([f"{name} is {resource['Type']}", *([leaves(rest)] if rest else [])])
            yield from (f"{path}: {', '.join(values)}" for path, values in groups.items())

    def lines(self):
        yield from self.requests()
        yield from self.records()
        yield from self.outputs()
        yield from self.properties()


def choices(template):
    """What exists or is chosen by a condition."""
    resources = {name: (r.get("Condition"), r.get("Properties", {})) for name, r in template["Resources"].items()}
    outputs = {f"output {name}": (o.get("Condition"), o) for name, o in template["Outputs"].items()}
    for name, (condition, properties) in {**resources, **outputs}.items():
        if condition:
            yield f"{name} exists if {condition}"
        for path, value in walk(properties, [name]):
            if path[-1] not in ELSEWHERE and "Fn::If" in str(value):
                yield f"{'.'.join(path)}: {json.dumps(value)}"


def url_of(value):
    """The URL of whose host a value is made, if it is: CloudFront wants the host alone."""
    match value:
        case {"Fn::Select": [2, {"Fn::Split": ["/", url]}]}:
            return url
    return None


def attribute_of(value):
    """The resource and the attribute that a value refers to, if it does."""
    match value:
        case {"Fn::GetAtt": [name, attribute]}:
            return name, attribute
    return None, None


def text(value):
    """A value as one text. A reference has an arrow, so that it differs from the same letters without one."""
    match value:
        case list():
            return f"[{', '.join(map(text, value))}]"
        case {"Ref": name}:
            return f"→{name}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"→{name}.{attribute}"
        case {"Fn::Sub": [str(template), dict(parts)]}:
            return f"{text({'Fn::Sub': template})} ({'; '.join(f'{name} = {text(part)}' for name, part in parts.items())})"
        case {"Fn::Sub": str(template)}:
            return re.sub(r"\s+", " ", template).replace("${", "→{")
        case dict() if url := url_of(value):
            return f"the host of {text(url)}"
        case dict():
            return json.dumps(value)
    return re.sub(r"\s+", " ", str(value))


def is_function(value):
    return isinstance(value, dict) and len(value) == 1 and ("Ref" in value or next(iter(value)).startswith("Fn::"))


def walk(value, path):
    """Each leaf below a value: its path, and what is there. A function of CloudFormation is a leaf."""
    if isinstance(value, dict) and not is_function(value):
        for name, inner in value.items():
            yield from walk(inner, [*path, name])
    elif isinstance(value, list) and all(is_function(inner) or not isinstance(inner, (dict, list)) for inner in value):
        yield path, text(value)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            named = [inner[name] for name in NAMES if name in inner] if isinstance(inner, dict) else []
            yield from walk(inner, [*path[:-1], f"{path[-1]}[{text(named[0]) if named else number}]"])
    else:
        yield path, value


def leaves(value):
    return ", ".join(f"{'.'.join(path)}: {text(leaf)}" for path, leaf in walk(value, []))


def parameters(template):
    for name, parameter in template["Parameters"].items():
        yield f"{name}: {leaves({key: value for key, value in parameter.items() if key != 'Description'})}"


def drawn(template, certificate):
    """The graph of a translated template and of the certificate's, as text."""
    sections = []
    for what, given in {"by default": {}, "with everything optional": EVERYTHING}.items():
        sections.append((what, list(dict.fromkeys(Graph(template, given).lines()))))
    (_, first), (_, second) = sections
    yield "# Written by UPDATE_EXPECT=1 infra/aws/check, and reviewed by people; wiring.py says how it is drawn."
    parts = {
        "only by default": [line for line in first if line not in second],
        "only with everything optional": [line for line in second if line not in first],
        "always": [line for line in first if line in second],
        "parameters": list(parameters(template)),
        "choices": list(choices(template)),
        "conditions": [f"{name}: {json.dumps(c)}" for name, c in template["Conditions"].items()],
        "rules": [f"{name}: {json.dumps(rule)}" for name, rule in template["Rules"].items()],
        "the certificate's stack": [*parameters(certificate), *Graph(certificate, {}).lines()],
    }
    for what, lines in parts.items():
        yield f"\n# {what}\n"
        yield from lines


def differences(template, certificate, expected):
    """The lines that the reviewed file and the templates do not share: `-` the file's, `+` the templates'."""
    found = "\n".join(drawn(template, certificate)).splitlines()
    changed = difflib.unified_diff(expected.splitlines(), found, lineterm="", n=0)
    return [line for line in changed if not line.startswith(("---", "+++", "@@"))]
