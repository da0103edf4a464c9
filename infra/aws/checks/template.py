"""The template as AWS would see it: SAM translated to CloudFormation, and that linted.

A linter that reads the SAM file itself lets an unknown runtime, a misspelt action and a reference to nothing pass, so only
the translation counts.
"""

import json
import logging
import os

import cfnlint.api
from cfnlint.config import ManualArgs
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# It reports each translation to nobody, and says so.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

# Where the translation pretends to be; it must be given a region and uses it for nothing that we use.
REGION = "us-east-1"
os.environ["AWS_DEFAULT_REGION"] = REGION
# Where the zips would be; `aws cloudformation package` puts the true place in.
CODE = {"Bucket": "code-of-this-stack", "Key": "bootstrap.zip"}


class NoManagedPolicies:
    """None are used: a managed policy allows more than is called."""

    def load(self):
        return {}


def translate(text, packaged=False):
    """The CloudFormation template, as a plain dict, that a SAM template's text means; `packaged` if it says where the zips are."""
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function" and not packaged:
            resource["Properties"]["CodeUri"] = dict(CODE)
    return transform(source, {}, NoManagedPolicies())


def lint(template):
    """What cfn-lint finds in a translated template, a line each."""
    matches = cfnlint.api.lint(json.dumps(template), config=ManualArgs(regions=[REGION]))
    return [f"{match.rule.id} {match.message} (at {'/'.join(map(str, match.path or []))})" for match in matches]
