"""Whether deployer-policy.json allows what deploying takes, by the lists that cfn-lint brings along: the permissions that
CloudFormation says it needs for each type of resource, and the actions of IAM that can be limited to a resource."""

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import cfnlint
import template
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

# What the handlers of the types may call for properties that no resource here has.
NOT_USED = (
    "acm-pca:*", "ec2:*", "elasticfilesystem:*", "firehose:*", "kinesis:*", "kms:*", "s3files:*", "s3tables:*", "iam:AttachRolePolicy",
    "iam:CreateServiceLinkedRole", "iam:DetachRolePolicy", "iam:*PermissionsBoundary", "lambda:*CodeSigning*", "lambda:*CapacityProvider",
    "lambda:AssociateRuntimeAlias", "logs:CreateLogDelivery", "logs:*ResourcePolic*", "logs:PutIndexPolicy", "logs:DeleteIndexPolicy",
    "cloudfront:*ConnectionGroup", "cloudfront:GetVpcOrigin",
)
# The actions of what the scripts call themselves; the rest they do with CloudFormation.
CALLS = {
    "cloudformation deploy": ["cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet"],
    "cloudformation delete-stack": ["cloudformation:DeleteStack"],
    "cloudformation describe-stacks": ["cloudformation:DescribeStacks"],
    "cloudformation package": ["s3:PutObject"],
    "cloudformation wait": ["cloudformation:DescribeStacks"],
    "cloudfront create-invalidation": ["cloudfront:CreateInvalidation"],
    "dynamodb delete-table": ["dynamodb:DeleteTable"],
    "dynamodb list-tables": ["dynamodb:ListTables"],
    "dynamodb update-table": ["dynamodb:UpdateTable"],
    "dynamodb wait": ["dynamodb:DescribeTable"],
    "lambda get-function-configuration": ["lambda:GetFunctionConfiguration"],
    "s3 cp": ["s3:PutObject"],
    "s3 rb": ["s3:DeleteBucket", "s3:DeleteObject", "s3:ListBucket"],
    "s3 rm": ["s3:DeleteObject", "s3:ListBucket"],
    "s3api create-bucket": ["s3:CreateBucket"],
    "s3api head-bucket": ["s3:ListBucket"],
    "s3api list-buckets": ["s3:ListAllMyBuckets"],
    "s3api put-bucket-lifecycle-configuration": ["s3:PutLifecycleConfiguration"],
    "s3api put-bucket-policy": ["s3:PutBucketPolicy"],
    "sts get-caller-identity": ["sts:GetCallerIdentity"],
}
# What names no resource, because its name is not known before it exists, or because it is of somebody else.
ANY_RESOURCE = ("cloudfront:*", "acm:*Certificate*", "route53:*", "wafv2:GetWebACL", "sns:Unsubscribe", "sns:GetSubscriptionAttributes")


@cache
def can_be_limited(action):
    """Whether IAM can limit an action to a resource."""
    actions = json.loads((Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text())
    service, _, name = action.lower().partition(":")
    return bool(actions.get(service, {}).get("Actions", {}).get(name, {"Resources": ["not listed"]}).get("Resources"))


def needed(resources):
    """The actions that the scripts, and CloudFormation for some resources, call."""
    actions = {action for called in CALLS.values() for action in called}
    for kind in {resource["Type"].replace("Serverless", "Lambda") for resource in resources}:
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema(template.REGION, kind).schema.get("handlers", {})
        actions |= {action for name, handler in handlers.items() if name != "list" for action in handler["permissions"]}
    return sorted(action for action in actions if not any(fnmatchcase(action, pattern) for pattern in NOT_USED))


def listed(value):
    return value if isinstance(value, list) else [value]


def problems(policy, resources):
    """What deploying some resources needs and the policy lacks, and what it allows on every resource without need."""
    for action in needed(resources):
        service = action.partition(":")[0]
        allowed = [
            resource
            for statement in policy["Statement"]
            if any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
            for resource in listed(statement["Resource"])
            if resource == "*" or resource.split(":")[2] == service
        ]
        if not allowed:
            yield f"deployer-policy.json lacks {action}"
        elif "*" not in allowed and not can_be_limited(action):
            yield f"deployer-policy.json limits {action} to {allowed}, which IAM can't"
    for statement in policy["Statement"]:
        for action in listed(statement["Action"]) if "*" in listed(statement["Resource"]) else ():
            if can_be_limited(action) and not any(fnmatchcase(action, pattern) for pattern in ANY_RESOURCE):
                yield f"deployer-policy.json allows {action} on every resource"
        for action in listed(statement["Action"]):
            if fnmatchcase("iam:PassRole", action) and statement.get("Condition") != {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}:
                yield f"deployer-policy.json lets {action} pass roles to other services than Lambda"


def unnoticed(policy, resources):
    """The faults planted in the policy of which nothing is said."""
    text = json.dumps(policy)
    for before, after in [
        ('"iam:ListRolePolicies", ', ""), ('"iam:DeleteRole", ', ""), ('"s3:ListAllMyBuckets", ', ""),
        ('"dynamodb:ListTables"', '"dynamodb:*"'), ('"lambda.amazonaws.com"', '"*"'), ('"s3:*"', '"s3:Get*"'),
        ("arn:aws:iam::ACCOUNT:role/webhook-tutorial-*", "*"), ("arn:aws:lambda:*:ACCOUNT:function:webhook-tutorial-*", "*"),
        ("arn:aws:dynamodb:*:ACCOUNT:table/webhook-tutorial-*", "arn:aws:s3:::webhook-tutorial-*"),
    ]:
        planted = text.replace(before, after, 1)
        if planted == text:
            yield f"{before} is not in deployer-policy.json"
        elif not list(problems(json.loads(planted), resources)):
            yield f"nothing is said when {before} becomes {after} in deployer-policy.json"
