"""Planted faults: each is one edit of the template, with the name of what must catch it.

`lint` is cfn-lint on the translation, `transform` the translation itself, all else a rule of rules.py.
An edit must fit exactly once or, where it says so, everywhere.
"""

TWICE = "everywhere"

MUTANTS = [
    # what, old text, new text, caught by
    ("a wrong GetAtt", "!GetAtt ReceiverUrl.FunctionUrl]]", "!GetAtt ReceiverUrl.Address]]", "lint", TWICE),
    ("an unknown runtime", "Runtime: provided.al2023", "Runtime: provided.al2029", "lint"),
    ("a misspelt IAM action", "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]",
     "[dynamodb:GetItem, dynamodb:PutItme, dynamodb:UpdateItem]", "lint"),
    ("a reference to nothing in Globals", "TABLE_NAME: !Ref Table", "TABLE_NAME: !Ref Tabel", "lint"),
    ("a key that is no attribute", "{ AttributeName: seq, KeyType: RANGE }", "{ AttributeName: sqe, KeyType: RANGE }", "lint"),
    ("too little memory", "MemorySize: 256", "MemorySize: 64", "lint"),
    ("a misspelt property", "OriginReadTimeout: 60", "OriginReadTimeuot: 60", "lint", TWICE),
    ("an auth type that is none", "InvokeMode: BUFFERED", "InvokeMode: BUFFERT", "lint", TWICE),
    ("keys that are not the code's", "AttributeName: seq,", "AttributeName: number,", "table", TWICE),
    ("no TTL", "        Enabled: true\n      PointInTime", "        Enabled: false\n      PointInTime", "table"),
    ("TTL on another attribute", "AttributeName: expires_at", "AttributeName: received_at", "table"),
    ("no ceiling", "        MaxWriteRequestUnits: !Ref MaxWriteUnits\n", "", "table"),
    ("a table that goes with the stack", "    DeletionPolicy: RetainExceptOnCreate\n", "    DeletionPolicy: Delete\n", "table"),
    ("an action too many", "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]",
     "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:Scan, dynamodb:UpdateItem]", "least_privilege"),
    ("an action too few", "dynamodb:Query, ", "", "least_privilege"),
    ("an open action", "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]", '["dynamodb:*"]', "no_open_policy"),
    ("an open resource", "                Resource: !GetAtt ReceiverLog.Arn", '                Resource: "*"', "no_open_policy"),
    ("an invocation open to everybody", "      InvokedViaFunctionUrl: true\n", "", "no_open_policy", TWICE),
    ("a bucket open to every distribution", "            Condition:\n              StringEquals:\n                aws:SourceArn: "
     '!Sub "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"\n', "", "no_open_policy"),
    ("the first URL permission gone", "Action: lambda:InvokeFunctionUrl", "Action: lambda:GetFunction", "url_permissions", TWICE),
    ("the second URL permission gone", "FunctionName: !GetAtt Receiver.Arn\n      Action: lambda:InvokeFunction\n",
     "FunctionName: !GetAtt Api.Arn\n      Action: lambda:InvokeFunction\n", "url_permissions"),
    ("origin access control on a function URL", "          - Id: api\n",
     "          - Id: api\n            OriginAccessControlId: !Ref SiteAccess\n", "private_bucket"),
    ("a bucket that can be public", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false", "private_bucket"),
    ("no origin secret", "              - { HeaderName: x-origin-secret, HeaderValue: !Ref OriginSecret }\n",
     "              - { HeaderName: x-origin, HeaderValue: !Ref OriginSecret }\n", "origin_secret", TWICE),
    ("a secret that is shown", "    NoEcho: true\n    MinLength: 32\n", "    MinLength: 32\n", "origin_secret"),
    ("a code that is shown", "    NoEcho: true\n    Default:", "    Default:", "origin_secret"),
    ("a code by default", '    NoEcho: true\n    Default: ""', "    NoEcho: true\n    Default: open sesame", "defaults"),
    ("a method too few", "[GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", "[GET, HEAD, OPTIONS]", "behaviours", TWICE),
    ("a cache before the functions", "CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachePolicyId: !Ref SiteCache",
     "behaviours", TWICE),
    ("webhooks over plain HTTP", "ViewerProtocolPolicy: https-only", "ViewerProtocolPolicy: allow-all", "behaviours", TWICE),
    ("no way to the api", "PathPattern: /api*", "PathPattern: /apis/*", "behaviours"),
    ("Host forwarded", "HeaderBehavior: allExcept\n          Headers: [host]",
     "HeaderBehavior: allViewer", "host_is_not_forwarded"),
    ("only Host let through", "Headers: [host]", "Headers: [user-agent]", "host_is_not_forwarded"),
    ("an error cached", "{ ErrorCode: 503, ErrorCachingMinTTL: 0 }", "{ ErrorCode: 503, ErrorCachingMinTTL: 10 }",
     "error_caching", TWICE),
    ("an error left to the default", "          - { ErrorCode: 404, ErrorCachingMinTTL: 0 }\n", "", "error_caching", TWICE),
    ("an error page over all paths", "{ ErrorCode: 404, ErrorCachingMinTTL: 0 }",
     "{ ErrorCode: 404, ErrorCachingMinTTL: 0, ResponseCode: 404, ResponsePagePath: /404.html }", "error_caching", TWICE),
    ("a CDN that gives up first", "    Timeout: 40\n", "    Timeout: 70\n", "waits"),
    ("a CDN that gives up on a start", "    Timeout: 40\n", "    Timeout: 55\n", "waits"),
    ("a function that is stopped while it holds an answer", "    Timeout: 40\n", "    Timeout: 30\n", "waits"),
    ("an alarm for what a learner has set", "MetricName: Errors\n", "MetricName: Url5xxCount\n", "alarms", TWICE),
    ("a filter that counts every 503", '{ ($.error = "*") && ($.status >= 500) }', "{ ($.status >= 500) }", "alarms", TWICE),
    ("a filter on the other's log", "      LogGroupName: !Ref ApiLog\n", "      LogGroupName: !Ref ReceiverLog\n", "alarms"),
    ("an alarm for nobody", "    Condition: HasEmail\n    Properties:\n      LogGroupName: !Ref ApiLog\n",
     "    Properties:\n      LogGroupName: !Ref ApiLog\n", "alarms"),
    ("a code that begins with a blank", "^([!-~][ -~]{6,126}[!-~])?$", "^([ -~]{8,128})?$", "creation_code"),
    ("a name that another region has too", "${AWS::StackName}-${AWS::Region}-through", "${AWS::StackName}-through", "one_name_an_account"),
    ("a log that is kept for ever", "      RetentionInDays: !Ref LogRetentionDays\n", "      Tags: []\n", "logs", TWICE),
    ("a line for every poll", "SystemLogLevel: WARN", "SystemLogLevel: INFO", "logs", TWICE),
    ("a looser script policy", "script-src ${PageOrigin}/static/;", "script-src 'self';", "site_headers"),
    ("a variable that is not read", "        LOG_LEVEL: !Ref LogLevel\n", "        LOGLEVEL: !Ref LogLevel\n", "variables"),
    ("a secret for who does not need it", "        ORIGIN_SECRET: !Ref OriginSecret\n",
     "        ORIGIN_SECRET: !Ref OriginSecret\n        CREATION_CODE: !Ref CreationCode\n", "variables"),
    ("a reservation by default", "    Default: -1\n", "    Default: 5\n", "defaults"),
    ("an edge function that believes the sender", "{ value: event.viewer.ip }",
     "request.headers['x-viewer-address'] || { value: event.viewer.ip }", "edge_functions", TWICE),
    ("an edge function that tells nobody the address", "request.headers['x-viewer-address']", "request.headers['x-viewer']",
     "edge_functions", TWICE),
    ("an edge function that loses the path", ".toLowerCase() + request.uri", ".toLowerCase() + '/'", "edge_functions"),
    ("an alias that only laptops read", "AllowedMethods: [GET, HEAD]\n", "AllowedMethods: &methods [GET, HEAD]\n", "plain_yaml"),
]


def planted():
    """What is wrong, the edit, and what must catch it, of each mutant."""
    for what, old, new, caught_by, *times in MUTANTS:
        yield what, caught_by, old, new, bool(times)


def edited(text, old, new, everywhere):
    """The template with the fault in it."""
    count = text.count(old)
    if count == 0 or (count > 1) != everywhere:
        raise ValueError(f"the edit of {old!r} fits {count} times")
    return text.replace(old, new)
