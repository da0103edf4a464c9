"""The template as AWS would see it: SAM translated to CloudFormation, and that linted.

A linter that reads the SAM file itself accepts an unknown runtime, a misspelt action and a reference to nothing, so the
translation is checked.
"""

import json
import logging
import os

import cfnlint.api
from cfnlint.config import ManualArgs
import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import intrinsics_multi_constructor

# It logs that it sends no usage statistics.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

# The translation needs a region, which has no effect on this template.
REGION = "us-east-1"
os.environ["AWS_DEFAULT_REGION"] = REGION
# In place of the bucket to which `aws cloudformation package` uploads the zips.
CODE_BUCKET = "code-of-this-stack"


class Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms (`!Ref`) as SAM does, seven times as fast."""


Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def read(text):
    """A template's text as it stands."""
    return yaml.load(text, Loader)


class NoManagedPolicies:
    """The template uses none, because a managed policy allows more than is called."""

    def load(self):
        return {}


def translate(text):
    """A SAM template's text as a CloudFormation template. Each function's code has its path in the repository for its key."""
    source = read(text)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            path = resource["Properties"]["CodeUri"].removeprefix("../../")
            resource["Properties"]["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": path}
    return transform(source, {}, NoManagedPolicies())


def lint(template):
    """What cfn-lint finds in a translated template, a line each."""
    matches = cfnlint.api.lint(json.dumps(template), config=ManualArgs(regions=[REGION]))
    return [f"{match.rule.id} {match.message} (at {'/'.join(map(str, match.path or []))})" for match in matches]
