"""An `aws` command whose account is a JSON file: `fake_aws.py ACCOUNT.json SERVICE OPERATION ...`, see deployment.py."""

import json
import os
import re
import shutil
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)
ACCOUNT, REGION = "123456789012", "eu-central-1"
OUTPUTS = {
    "PageUrl": "https://page.example", "SiteBucket": "check-site-1check", "DistributionId": "E0CHECK", "DistributionName": "d1.cloudfront.net",
    "HookDistributionName": "d2.cloudfront.net", "ReceiverName": "check-Receiver-1CHECK", "Arn": "arn:certificate",
}

file, *words = sys.argv[1:]
with open(file, encoding="utf-8") as opened:
    state = json.load(opened)
state["calls"].append(words)
state.setdefault("deployed", [])
service, operation = words[:2]


def option(name):
    """The values of an option."""
    at = words.index(name) + 1
    rest = words[at:]
    end = next((i for i, word in enumerate(rest) if word.startswith("--")), len(rest))
    return rest[:end]


def end(said="", status=0):
    with open(file, "w", encoding="utf-8") as saved:
        json.dump(state, saved)
    print(said, file=sys.stderr if status else sys.stdout)
    if state["interrupt"] == f"{service} {operation}":
        os.killpg(os.getpgrp(), signal.SIGINT)
        signal.pause()
    sys.exit(status)


def fail(code, said):
    end(f"An error occurred ({code}) when calling the {operation} operation: {said}", 254)


if state["refused"] == operation:
    fail("AccessDenied", "planted: not you")
key = f"{option('--region')[0]}/{option('--stack-name')[0]}" if "--stack-name" in words else None
match service, operation:
    case "sts", "get-caller-identity":
        end(f"{ACCOUNT}\tarn:aws:iam::{ACCOUNT}:user/deployer")
    case "cloudformation", "describe-stacks":
        if key not in state["stacks"]:
            fail("ValidationError", f"Stack with id {key} does not exist")
        queried = option("--query")[0]
        if "StackStatus" in queried:
            end(state["stacks"][key]["status"])
        if "Tags" in queried:
            end("\t".join(state["stacks"][key].get("tags", [])) or "None")
        asked, name = re.search(r"(Output|Parameter)Key=='(\w+)'", queried).groups()
        parameters = state["stacks"][key]["parameters"]
        end(parameters.get(name, "") if asked == "Parameter" else OUTPUTS.get(name, "") if parameters else "None")
    case "cloudformation", "package":
        shutil.copy(option("--template-file")[0], option("--output-template-file")[0])
        end()
    case "cloudformation", "deploy":
        given = option("--parameter-overrides")
        given = json.load(sys.stdin) if given == ["file:///dev/stdin"] else given
        parameters = dict(text.split("=", 1) for text in given)
        tags = option("--tags") if "--tags" in words else []
        stack = state["stacks"].setdefault(key, {"parameters": {}})
        stack["status"] = "CREATE_COMPLETE"
        # Without --tags the real command passes an empty list, which removes them.
        stack["tags"] = tags
        stack["parameters"].update(parameters)
        if not key.endswith("-certificate"):
            state["deployed"].append(parameters)
            state["tables"] = ["check-Table-1CHECK"]
            state["buckets"] = list({*state["buckets"], OUTPUTS["SiteBucket"], "check-accesslogs-1check"})
        end()
    case "cloudformation", "delete-stack" if state["stuck"]:
        state["stacks"][key]["status"] = "DELETE_FAILED"
        end()
    case "cloudformation", "wait" if state["stuck"]:
        end("Waiter StackDeleteComplete failed: Waiter encountered a terminal failure state", 255)
    case "cloudformation", "delete-stack":
        state["stacks"].pop(key)
        if not key.endswith("-certificate"):
            state["buckets"] = [name for name in state["buckets"] if name != OUTPUTS["SiteBucket"]]
        end()
    case "s3api", "head-bucket":
        bucket, owner = option("--bucket")[0], option("--expected-bucket-owner")[0]
        if bucket == state["foreign"]:
            fail("403", "Forbidden")
        if bucket not in state["buckets"] or owner != ACCOUNT:
            fail("404", "Not Found")
        end()
    case "s3api", "create-bucket":
        state["buckets"].append(option("--bucket")[0])
        end()
    case "s3api", "put-bucket-lifecycle-configuration" | "put-bucket-policy":
        json.loads(option("--policy" if "--policy" in words else "--lifecycle-configuration")[0])
        end()
    case "s3", "cp":
        included = [words[at + 1] for at, word in enumerate(words) if word == "--include"]
        for path in included:
            if not os.path.isfile(os.path.join(words[2], path)):
                fail("404", f"no file {path}")
            state["objects"][path] = [option("--content-type")[0], option("--cache-control")[0]]
        end()
    case "s3api", "list-buckets":
        end("\t".join(name for name in state["buckets"] if name.startswith(option("--prefix")[0])))
    case "s3", "rm":
        state["objects"] = {}
        end()
    case "s3", "rb":
        if "accesslogs" in words[2] and f"{REGION}/check" in state["stacks"]:
            fail("BucketNotEmpty", "CloudFront still writes there")
        state["buckets"].remove(words[2].removeprefix("s3://"))
        end()
    case "cloudfront", "create-invalidation":
        state["invalidated"] = option("--paths")
        end()
    case "lambda", "get-function-configuration":
        known = state["stacks"][f"{REGION}/check"]["parameters"]
        end(" ".join(known[name] for name in ("OriginSecret", "SecondOriginSecret") if known.get(name)))
    case "dynamodb", "list-tables":
        end("\t".join(state["tables"]) or "None")
    case "dynamodb", "update-table":
        state["unprotected"] = option("--table-name")[0]
        end("False")
    case "dynamodb", "delete-table":
        if state.get("unprotected") != option("--table-name")[0]:
            fail("ValidationException", "it is protected")
        state["tables"].remove(option("--table-name")[0])
        end()
    case _, "wait":
        end()
    case _:
        end(f"not supported by the check: aws {words}", 252)
