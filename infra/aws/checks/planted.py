"""Faults planted in the template, one at a time: a rule that notices none of its own would notice nothing."""

import copy

import rules
import template
import wiring

# The rule, a text of the template or else of the certificate's, and what it becomes where it occurs first.
FAULTS = [
    ("plain_yaml", "Architectures: [", "Architectures: &anchor ["),
    ("variables", "LOG_LEVEL: !Ref LogLevel", "LOG_LEVEL: !Ref LogLevel\n        CREATION_CODE: !Ref CreationCode"),
    ("defaults", "Default: 10000\n", "Default: 20000\n"),
    ("defaults", 'DeletionProtection:\n    Type: String\n    Default: "true"', 'DeletionProtection:\n    Type: String\n    Default: "false"'),
    ("table", "AttributeName: seq, KeyType: RANGE", "AttributeName: at, KeyType: RANGE"),
    ("table", "AttributeName: expires_at", "AttributeName: expires"),
    ("table", "        MaxWriteRequestUnits: !Ref MaxWriteUnits\n", ""),
    ("table", "DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete"),
    ("least_privilege", "dynamodb:PutItem, dynamodb:UpdateItem", "dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem"),
    ("least_privilege", "dynamodb:Query, ", ""),
    ("certificate_names", 'SubjectAlternativeNames: [!Sub "*.hook.${DomainName}"]', 'SubjectAlternativeNames: [!Sub "*.${DomainName}"]'),
    ("certificate_names", '        - { DomainName: !Sub "*.hook.${DomainName}", HostedZoneId: !Ref HostedZoneId }\n', ""),
    ("certificate_names", "Value: !Ref Certificate", "Value: !Ref DomainName"),
    ("certificate_names", 'Aliases: [!Sub "*.hook.${DomainName}"]', 'Aliases: [!Sub "*.${DomainName}"]'),
    ("no_open_policy", "Action: [s3:GetObject, s3:ListBucket]", 'Action: "s3:*"'),
    ("no_open_policy", "Principal: { Service: cloudfront.amazonaws.com }", 'Principal: "*"'),
    ("no_open_policy", "      InvokedViaFunctionUrl: true\n", ""),
    ("url_permissions", "Action: lambda:InvokeFunction\n", "Action: lambda:InvokeFunctionUrl\n"),
    ("url_permissions", "AuthType: NONE\n      InvokeMode", "AuthType: AWS_IAM\n      InvokeMode"),
    ("private_bucket", "            OriginAccessControlId: !Ref SiteAccess\n", ""),
    ("private_bucket", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false"),
    ("origin_secret", "HeaderName: x-origin-secret", "HeaderName: x-secret"),
    ("origin_secret", "MinLength: 32", "MinLength: 8"),
    ("origin_secret", "AllowedPattern: ^[!-~]{32,}$", "AllowedPattern: ^[ -~]{32,}$"),
    ("origin_secret", "  SecondOriginSecret:\n    Type: String\n    NoEcho: true\n", "  SecondOriginSecret:\n    Type: String\n"),
    ("origin_secret", "    NoEcho: true\n    Default", "    Default"),
    ("creation_code", "{6,126}", "{0,126}"),
    ("behaviours", "AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", "AllowedMethods: [GET, HEAD]"),
    ("behaviours", "CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachePolicyId: !Ref SiteCache"),
    ("behaviours", "ViewerProtocolPolicy: https-only", "ViewerProtocolPolicy: redirect-to-https"),
    ("behaviours", "Compress: false", "Compress: true"),
    ("hook_hosts", 'Items: [!Sub "https://${DomainName}"]', 'Items: ["*"]'),
    ("hook_hosts", "OriginOverride: false", "OriginOverride: true"),
    ("hook_hosts", "AuthType: NONE\n      InvokeMode", "AuthType: NONE\n      Cors: { AllowOrigins: ['*'] }\n      InvokeMode"),
    ("host_is_not_forwarded", "HeaderBehavior: allExcept\n          Headers: [host]", "HeaderBehavior: allViewer"),
    ("host_is_not_forwarded", "CookieBehavior: all ", "CookieBehavior: none "),
    ("host_is_not_forwarded", "QueryStringBehavior: all ", "QueryStringBehavior: none "),
    ("error_caching", "          - { ErrorCode: 502, ErrorCachingMinTTL: 0 }\n", ""),
    ("error_caching", "ErrorCode: 404, ErrorCachingMinTTL: 0", "ErrorCode: 404, ErrorCachingMinTTL: 10"),
    ("error_caching", "ErrorCode: 404, ", "ErrorCode: 404, ResponseCode: 200, ResponsePagePath: /index.html, "),
    ("waits", "    Timeout: 40", "    Timeout: 30"),
    ("waits", "OriginReadTimeout: 60", "OriginReadTimeout: 30"),
    ("logs", "RetentionInDays: !Ref LogRetentionDays", "LogGroupClass: STANDARD"),
    ("logs", "SystemLogLevel: !Ref SystemLogLevel", "SystemLogLevel: INFO"),
    ("alarms", "$.status >= 500", "$.status >= 400"),
    ("alarms", "MetricName: Errors", "MetricName: Url5xxCount"),
    ("alarms", "$.status = 403", "$.status >= 403"),
    ("dashboard", '"region": "us-east-1"', '"region": "${AWS::Region}"'),
    ("dashboard", '["AWS/Lambda", "Duration"', '["AWS/lambda", "Duration"'),
    ("site_headers", "form-action 'none'", "form-action *"),
    ("site_headers", "default-src 'none'; base-uri", "default-src 'none'; style-src *; connect-src *; base-uri"),
    ("site_headers", "AccessControlMaxAgeSec: 63072000", "AccessControlMaxAgeSec: 0"),
    ("edge_functions", "          request.headers['x-viewer-address'] = { value: event.viewer.ip };\n", ""),
    ("edge_functions", "origin.value === 'https://${DomainName}'", "origin.value"),
    ("edge_functions", "          request.headers['x-viewer-host'] = { value: host };\n", ""),
    ("edge_functions", "request.headers['x-viewer-host'] = { value: request", "request.headers['x-forwarded-host'] = { value: request"),
    ("page_files", "'/log', ", ""),
    ("page_files", "FILES.includes(request.uri)", "request.uri.includes('.')"),
    ("page_files", "response.statusCode = 404;", ""),
    ("page_files", " && response.statusCode >= 200 && response.statusCode < 300", ""),
    ("page_files", "response.statusCode < 300", "response.statusCode < 206"),
    ("page_files", "FILES.includes(request.uri)", "(FILES.includes(request.uri) || request.uri.endsWith('.json'))"),
    ("edge_syntax", "const response = event.response;", "const { response } = event;"),
    ("edge_syntax", "const response = event.response;", "const response = event?.response;"),
    ("edge_syntax", "FILES.includes(request.uri);", "[...FILES].includes(request.uri);"),
    ("edge_syntax", "function handler(event) {", "function handler(event = {}) {"),
    ("edge_syntax", "title: 'Gone', ", "title: 'Gone', path, "),
    ("edge_syntax", "/^[a-z2-7]{26}$/", "/^[a-z2-7]{26}$/u"),
    ("edge_syntax", "Runtime: cloudfront-js-2.0", "Runtime: cloudfront-js-1.0"),
    ("edge_functions", "'application/problem+json'", "'text/html'"),
    ("edge_functions", "              'x-content-type-options': { value: 'nosniff' },\n", ""),
    ("edge_functions", "'access-control-allow-headers': { value: 'content-type' }", "'access-control-allow-headers': { value: '*' }"),
    ("edge_functions", "                vary: { value: 'origin' },\n", ""),
    ("edge_functions", "vary: {", "'access-control-allow-credentials': { value: 'true' },\n                vary: {"),
    ("edge_functions", "event.viewer.ip };\n", "event.viewer.ip };\n          delete request.headers['authorization'];\n"),
    ("edge_functions", "event.viewer.ip };\n", "event.viewer.ip };\n          request.cookies = {};\n"),
    ("edge_functions", "const host = request.headers.host.value;", "if (request.method === 'GET') request.querystring = {};\n          const host = request.headers.host.value;"),
    ("edge_functions", "+ request.uri;", "+ request.uri.replace('/index.html', '/');"),
    ("edge_functions", "(query.length > 0 ? '?' : '') + query.join('&')", "''"),
    ("one_name_an_account", "${AWS::StackName}-${AWS::Region}-site", "${AWS::StackName}-site"),
]

# What leads elsewhere. Each row is noticed by `wiring`.
EDGES = [
    ("lambda/receiver/bootstrap.zip", "lambda/api/bootstrap.zip"),
    ("lambda/api/bootstrap.zip", "lambda/receiver/bootstrap.zip"),
    ("PathPattern: /hook*\n            TargetOriginId: receiver", "PathPattern: /hook*\n            TargetOriginId: api"),
    ("PathPattern: /api*\n            TargetOriginId: api", "PathPattern: /api*\n            TargetOriginId: receiver"),
    ("PathPattern: /hook*", "PathPattern: /webhook*"),
    ("PathPattern: /static/*", "PathPattern: /*"),
    ("TargetOriginId: site", "TargetOriginId: api"),
    ("!If [HasDomain, !GetAtt HookMoved.FunctionARN, !GetAtt ThroughTheFront.FunctionARN]", "!GetAtt ThroughTheFront.FunctionARN"),
    ("!If [HasDomain, !GetAtt HookMoved", "!If [HasZone, !GetAtt HookMoved"),
    ("FunctionARN: !GetAtt HookByHost.FunctionARN", "FunctionARN: !GetAtt ThroughTheFront.FunctionARN"),
    ("FunctionARN: !GetAtt ThroughTheFront.FunctionARN", "FunctionARN: !GetAtt HookByHost.FunctionARN"),
    ("            - { EventType: viewer-response, FunctionARN: !GetAtt PageFiles.FunctionARN }\n", ""),
    ("EventType: viewer-request, FunctionARN: !GetAtt HookByHost", "EventType: viewer-response, FunctionARN: !GetAtt HookByHost"),
    ("        DefaultRootObject: index.html\n", ""),
    ("DefaultRootObject: index.html", "DefaultRootObject: 404.html"),
    ('Aliases: [!Sub "*.hook.${DomainName}"]', 'Aliases: [!Sub "*.${DomainName}"]'),
    ("Aliases: !If [HasDomain, [!Ref DomainName]", "Aliases: !If [HasZone, [!Ref DomainName]"),
    ("AcmCertificateArn: !Ref CertificateArn", "AcmCertificateArn: !Ref HostedZoneId"),
    ("MinimumProtocolVersion: TLSv1.2_2021", "MinimumProtocolVersion: TLSv1"),
    ("DomainName: !GetAtt Site.RegionalDomainName", "DomainName: !GetAtt Site.DomainName"),
    ('!GetAtt ReceiverUrl.FunctionUrl]]', '!GetAtt ApiUrl.FunctionUrl]]'),
    ('!GetAtt ApiUrl.FunctionUrl]]', '!GetAtt ReceiverUrl.FunctionUrl]]'),
    ("OriginProtocolPolicy: https-only", "OriginProtocolPolicy: http-only"),
    ("TargetFunctionArn: !GetAtt Receiver.Arn", "TargetFunctionArn: !GetAtt Api.Arn"),
    ("TargetFunctionArn: !GetAtt Api.Arn", "TargetFunctionArn: !GetAtt Receiver.Arn"),
    ("FunctionName: !GetAtt Receiver.Arn", "FunctionName: !GetAtt Api.Arn"),
    ("Type: A\n          AliasTarget: { DNSName: !GetAtt Distribution", "Type: A\n          AliasTarget: { DNSName: !GetAtt HookDistribution"),
    ("DNSName: !GetAtt HookDistribution.DomainName", "DNSName: !GetAtt Distribution.DomainName"),
    ("HostedZoneId: Z2FDTNDATAQYW2", "HostedZoneId: !Ref HostedZoneId"),
    ('- Name: !Sub "*.hook.${DomainName}"', '- Name: !Sub "*.${DomainName}"'),
    ("      HostedZoneId: !Ref HostedZoneId\n      RecordSets", "      HostedZoneId: !Ref DomainName\n      RecordSets"),
    ("Condition: HasZone", "Condition: HasDomain"),
    ("Role: !GetAtt ReceiverRole.Arn", "Role: !GetAtt ApiRole.Arn"),
    ("LogGroup: !Ref ReceiverLog", "LogGroup: !Ref ApiLog"),
    ("Principal: { Service: lambda.amazonaws.com }", "Principal: { Service: events.amazonaws.com }"),
    ("TABLE_NAME: !Ref Table", "TABLE_NAME: !GetAtt Table.Arn"),
    ("ORIGIN_SECRET: !If [IsRotating", "ORIGIN_SECRET: !If [HasDomain"),
    ("MAX_DELIVERIES: !Ref MaxDeliveries", "MAX_DELIVERIES: !Ref DeliveryTtlSeconds"),
    ("DELIVERY_TTL_S: !Ref DeliveryTtlSeconds", "DELIVERY_TTL_S: !Ref EndpointTtlSeconds"),
    ("ENDPOINT_TTL_S: !Ref EndpointTtlSeconds", "ENDPOINT_TTL_S: !Ref DeliveryTtlSeconds"),
    ("ENDPOINT_UNITS_PER_S: !Ref EndpointWriteUnits", "ENDPOINT_UNITS_PER_S: !Ref MaxWriteUnits"),
    ("CREATION_CODE: !Ref CreationCode", "CREATION_CODE: !Ref OriginSecret"),
    ("LOG_LEVEL: !Ref LogLevel", "LOG_LEVEL: !Ref SystemLogLevel"),
    ('!Sub "https://{endpoint}.hook.${DomainName}"', '"https://{host}/hook/{endpoint}"'),
    ('"https://{host}/hook/{endpoint}"', '"https://{host}/{endpoint}"'),
    ("MaxWriteRequestUnits: !Ref MaxWriteUnits", "MaxWriteRequestUnits: !Ref MaxReadUnits"),
    ("MaxReadRequestUnits: !Ref MaxReadUnits", "MaxReadRequestUnits: !Ref MaxWriteUnits"),
    ("!If [HasReservation, !Ref ReservedConcurrency", "!If [HasEmail, !Ref ReservedConcurrency"),
    ("!If [IsRecoverable, true, false]", "!If [IsProtected, true, false]"),
    ("!If [IsProtected, true, false]", "false"),
    ("IsProtected: !And [!Condition HasPageOrigin, ", "IsProtected: !And [!Condition HasDomain, "),
    ("RetentionInDays: !Ref LogRetentionDays", "RetentionInDays: 1"),
    ("Architectures: [!Ref Architecture]", "Architectures: [x86_64]"),
    ("MemorySize: 256", "MemorySize: 1024"),
    ("Runtime: provided.al2023", "Runtime: provided.al2"),
    ("PriceClass: !Ref PriceClass", "PriceClass: PriceClass_All"),
    ("Default: PriceClass_100", "Default: PriceClass_All"),
    ("!If [HasWebAcl, !Ref WebAclArn", "!If [HasDomain, !Ref WebAclArn"),
    ("Bucket: !GetAtt AccessLogs.RegionalDomainName", "Bucket: !GetAtt Site.RegionalDomainName"),
    ("ExpirationInDays: !If [HasAccessLogs, !Ref AccessLogDays", "ExpirationInDays: !If [HasAccessLogs, !Ref LogRetentionDays"),
    ("DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n    Properties:\n      PublicAccess",
     "DeletionPolicy: Delete\n    UpdateReplacePolicy: Retain\n    Properties:\n      PublicAccess"),
    ("Bucket: !Ref AccessLogs", "Bucket: !Ref Site"),
    ("distribution/${Distribution}", "distribution/${HookDistribution}"),
    ('aws:SecureTransport: "false"', 'aws:SecureTransport: "true"'),
    ("OriginAccessControlId: !Ref SiteAccess", "OriginAccessControlId: !Ref SiteCache"),
    ("ResponseHeadersPolicyId: !Ref HookHeaders", "ResponseHeadersPolicyId: !Ref SiteHeaders"),
    ("!Sub \"https://${Distribution.DomainName}\"]", "!GetAtt Distribution.DomainName]"),
    ("Value: !Ref Site\n", "Value: !Ref Table\n"),
    ("Value: !Ref Distribution\n", "Value: !Ref Site\n"),
    ("Value: !GetAtt HookDistribution.DomainName", "Value: !GetAtt Distribution.DomainName"),
    ("Value: !Ref Receiver\n", "Value: !Ref Api\n"),
    ("Value: !Ref Table\n", "Value: !Ref Receiver\n"),
    ("Protocol: email, Endpoint: !Ref AlarmEmail", "Protocol: email, Endpoint: !Ref DomainName"),
    ("LogGroupName: !Ref ReceiverLog", "LogGroupName: !Ref ApiLog"),
    ("MetricName: ReceiverFails, MetricValue", "MetricName: ApiFails, MetricValue"),
    ('MetricName: ReceiverFails, MetricValue: "1"', 'MetricName: ReceiverFails, MetricValue: "0"'),
    ("MetricName: Throttles\n      Dimensions: [{ Name: FunctionName, Value: !Ref Receiver", "MetricName: Throttles\n      Dimensions: [{ Name: FunctionName, Value: !Ref Api"),
    ("MetricName: Throttles", "MetricName: ConcurrentExecutions"),
    ("MetricName: ReadThrottleEvents", "MetricName: WriteThrottleEvents"),
    ("Dimensions: [{ Name: TableName, Value: !Ref Table }]", "Dimensions: [{ Name: TableName, Value: !Ref Receiver }]"),
    ("Namespace: AWS/DynamoDB", "Namespace: AWS/Lambda"),
    ("Statistic: Sum", "Statistic: Average"),
    ("Period: 300", "Period: 3600"),
    ("EvaluationPeriods: 1", "EvaluationPeriods: 12"),
    ("Threshold: 1\n", "Threshold: 1000\n"),
    ("Threshold: !Ref BusyHour", "Threshold: !Ref MaxDeliveries"),
    ("GreaterThanOrEqualToThreshold", "LessThanThreshold"),
    ("TreatMissingData: notBreaching", "TreatMissingData: ignore"),
    ("      AlarmActions: [!Ref Alarms]\n", ""),
    ("AlarmActions: [!Ref Alarms]", "OKActions: [!Ref Alarms]"),
    ("Type: AWS::CloudWatch::Alarm\n    Condition: HasEmail", "Type: AWS::CloudWatch::Alarm\n    Condition: HasDomain"),
    ('["AWS/Lambda", "Throttles", "FunctionName", "${Receiver}"]', '["AWS/Lambda", "Throttles", "FunctionName", "${Api}"]'),
    ("HasEmail: !Not [!Equals [!Ref AlarmEmail", "HasEmail: !Not [!Equals [!Ref DomainName"),
    ("Ref HostedZoneId, \"\"]]]", "Ref DomainName, \"\"]]]"),
    ("Default: 50000", "Default: 5000000"),
    ('RuleCondition: !Not [!Equals [!Ref DomainName, ""]]', 'RuleCondition: !Equals [!Ref DomainName, ""]'),
    ("Assert: !Not [!Equals [!Ref CertificateArn", "Assert: !Not [!Equals [!Ref DomainName"),
    ("ignore_checks: [W1030]", "ignore_checks: [W1030, E3001]"),
    ('!Select [2, !Split ["/", !GetAtt ApiUrl.FunctionUrl]]', "!GetAtt ApiUrl.FunctionUrl"),
    ("ValidationMethod: DNS", "ValidationMethod: EMAIL"),
]


def references(value, path=()):
    """The path of each reference below a value, where the graph draws it."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        if name not in wiring.ELSEWHERE:
            yield from references(inner, (*path, name))


def forgotten(translated, certificate):
    """The references that can lose their !Ref, !GetAtt or !Sub without a change of the graph."""
    before = list(wiring.drawn(translated, certificate))
    for number, source in enumerate((translated, certificate)):
        for path in (path for section in ("Resources", "Outputs") for path in references(source[section], (section,))):
            both = [translated, certificate]
            both[number] = place = copy.deepcopy(source)
            for name in path[:-1]:
                place = place[name]
            (_, operand), = place[path[-1]].items()
            if isinstance(operand, list):
                operand = operand[0] if isinstance(operand[1], dict) else ".".join(operand)
            place[path[-1]] = operand
            try:
                if list(wiring.drawn(*both)) == before:
                    yield f"wiring does not notice that {'.'.join(map(str, path))} is no reference"
            except (KeyError, TypeError, ValueError, AttributeError):
                pass  # The rule says that it can't be evaluated.


def unnoticed(text, certificate_text, code):
    """The faults that their rule does not notice, and the rules that have none."""
    named = {rule.__name__: rule for rule in rules.RULES}
    found = [f"no fault is planted for {name}" for name in sorted(named.keys() - {name for name, _, _ in FAULTS} - {"wiring"})]
    for name, before, after in [*FAULTS, *(("wiring", *edge) for edge in EDGES)]:
        planted = text.replace(before, after, 1)
        certificate = certificate_text if planted != text else certificate_text.replace(before, after, 1)
        if (planted, certificate) == (text, certificate_text):
            found.append(f"{before!r} is in no template")
        elif not list(named[name](rules.Case(planted, template.translate(planted), template.read(certificate), code))):
            found.append(f"{name} does not notice that {before!r} became {after!r}")
    return [*found, *forgotten(template.translate(text), template.read(certificate_text))]
