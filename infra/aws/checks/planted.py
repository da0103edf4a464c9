"""Faults planted in the template, one at a time: a rule that notices none of its own would notice nothing."""

import rules
import template

# The rule, a text of the template, and what it becomes where it occurs first.
FAULTS = [
    ("plain_yaml", "Architectures: [", "Architectures: &anchor ["),
    ("variables", "LOG_LEVEL: !Ref LogLevel", "LOG_LEVEL: !Ref LogLevel\n        CREATION_CODE: !Ref CreationCode"),
    ("defaults", "Default: 10000\n", "Default: 20000\n"),
    ("table", "AttributeName: seq, KeyType: RANGE", "AttributeName: at, KeyType: RANGE"),
    ("table", "AttributeName: expires_at", "AttributeName: expires"),
    ("table", "        MaxWriteRequestUnits: !Ref MaxWriteUnits\n", ""),
    ("table", "DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete"),
    ("least_privilege", "dynamodb:PutItem, dynamodb:UpdateItem", "dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem"),
    ("least_privilege", "dynamodb:Query, ", ""),
    ("no_open_policy", "Action: [s3:GetObject, s3:ListBucket]", 'Action: "s3:*"'),
    ("no_open_policy", "Principal: { Service: cloudfront.amazonaws.com }", 'Principal: "*"'),
    ("no_open_policy", "      InvokedViaFunctionUrl: true\n", ""),
    ("url_permissions", "Action: lambda:InvokeFunction\n", "Action: lambda:InvokeFunctionUrl\n"),
    ("url_permissions", "AuthType: NONE\n      InvokeMode", "AuthType: AWS_IAM\n      InvokeMode"),
    ("private_bucket", "            OriginAccessControlId: !Ref SiteAccess\n", ""),
    ("private_bucket", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false"),
    ("origin_secret", "HeaderName: x-origin-secret", "HeaderName: x-secret"),
    ("origin_secret", "MinLength: 32", "MinLength: 8"),
    ("origin_secret", "    NoEcho: true\n    Default", "    Default"),
    ("creation_code", "{6,126}", "{0,126}"),
    ("behaviours", "PathPattern: /hook*", "PathPattern: /webhook*"),
    ("behaviours", "AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", "AllowedMethods: [GET, HEAD]"),
    ("behaviours", "CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachePolicyId: !Ref SiteCache"),
    ("behaviours", "ViewerProtocolPolicy: https-only", "ViewerProtocolPolicy: redirect-to-https"),
    ("behaviours", "Compress: false", "Compress: true"),
    ("hook_hosts", "!If [HasDomain, !GetAtt HookMoved.FunctionARN, !GetAtt ThroughTheFront.FunctionARN]", "!GetAtt ThroughTheFront.FunctionARN"),
    ("hook_hosts", 'Items: [!Sub "https://${DomainName}"]', 'Items: ["*"]'),
    ("hook_hosts", "OriginOverride: false", "OriginOverride: true"),
    ("hook_hosts", "AuthType: NONE\n      InvokeMode", "AuthType: NONE\n      Cors: { AllowOrigins: ['*'] }\n      InvokeMode"),
    ("hook_hosts", '!Sub "https://{endpoint}.hook.${DomainName}"', '"https://{host}/hook/{endpoint}"'),
    ("host_is_not_forwarded", "HeaderBehavior: allExcept\n          Headers: [host]", "HeaderBehavior: allViewer"),
    ("host_is_not_forwarded", "CookieBehavior: all ", "CookieBehavior: none "),
    ("host_is_not_forwarded", "QueryStringBehavior: all ", "QueryStringBehavior: none "),
    ("error_caching", "          - { ErrorCode: 502, ErrorCachingMinTTL: 0 }\n", ""),
    ("error_caching", "ErrorCode: 404, ErrorCachingMinTTL: 0", "ErrorCode: 404, ErrorCachingMinTTL: 10"),
    ("error_caching", "ErrorCode: 404, ", "ErrorCode: 404, ResponseCode: 200, ResponsePagePath: /index.html, "),
    ("waits", "    Timeout: 40", "    Timeout: 30"),
    ("waits", "OriginReadTimeout: 60", "OriginReadTimeout: 30"),
    ("logs", "RetentionInDays: !Ref LogRetentionDays", "LogGroupClass: STANDARD"),
    ("logs", "SystemLogLevel: WARN", "SystemLogLevel: INFO"),
    ("logs", "LogGroup: !Ref ApiLog", "LogGroup: !Ref ReceiverLog"),
    ("alarms", "$.status >= 500", "$.status >= 400"),
    ("alarms", "MetricName: Errors", "MetricName: Url5xxCount"),
    ("alarms", "      AlarmActions: [!Ref Alarms]\n", ""),
    ("site_headers", "form-action 'none'", "form-action *"),
    ("site_headers", "AccessControlMaxAgeSec: 63072000", "AccessControlMaxAgeSec: 0"),
    ("edge_functions", "          request.headers['x-viewer-address'] = { value: event.viewer.ip };\n", ""),
    ("edge_functions", "origin.value === 'https://${DomainName}'", "origin.value"),
    ("edge_functions", "AutoPublish: true", "AutoPublish: false"),
    ("one_name_an_account", "${AWS::StackName}-${AWS::Region}-site", "${AWS::StackName}-site"),
]


def unnoticed(text, code):
    """The faults that their rule does not notice, and the rules that have none."""
    named = {rule.__name__: rule for rule in rules.RULES}
    found = [f"no fault is planted for {name}" for name in sorted(named.keys() - {name for name, _, _ in FAULTS})]
    for name, before, after in FAULTS:
        planted = text.replace(before, after, 1)
        if planted == text:
            found.append(f"{before!r} is not in the template")
        elif not list(named[name](rules.Case(planted, template.translate(planted), code))):
            found.append(f"{name} does not notice that {before!r} became {after!r}")
    return found
