"""The template as AWS would see it: SAM translated to CloudFormation, and that linted.

A linter that reads the SAM file itself accepts an unknown runtime, a misspelt action and a reference to nothing, so the
translation is checked.
"""

import json
import logging
import os

import cfnlint.api
from cfnlint.config import ManualArgs
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# It logs that it sends no usage statistics.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

# The translation needs a region, which has no effect on this template.
REGION = "us-east-1"
os.environ["AWS_DEFAULT_REGION"] = REGION
# In place of the zips' location, which `aws cloudformation package` inserts.
CODE = {"Bucket": "code-of-this-stack", "Key": "bootstrap.zip"}


class NoManagedPolicies:
    """The template uses none, because a managed policy allows more than is called."""

    def load(self):
        return {}


def translate(text, packaged=False):
    """A SAM template's text as a CloudFormation template; `packaged` if the location of the zips is in it."""
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function" and not packaged:
            resource["Properties"]["CodeUri"] = dict(CODE)
    return transform(source, {}, NoManagedPolicies())


def lint(template):
    """What cfn-lint finds in a translated template, a line each."""
    matches = cfnlint.api.lint(json.dumps(template), config=ManualArgs(regions=[REGION]))
    return [f"{match.rule.id} {match.message} (at {'/'.join(map(str, match.path or []))})" for match in matches]
