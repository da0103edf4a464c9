"""Which DynamoDB operations each function can come to call, read off the store's source.

The store is the only crate that names the SDK. A function of the store calls what stands in its body and what the store's
functions that it names call; a deployed function calls what the store's functions that it names call. Names are looked up
without their types, so this can only find too much, and then the policy rule asks for an action that is not needed: safe
to notice, and what the real binaries call (home.py) shows the other side.
"""

import re
from pathlib import Path

# The SDK's own calls, and what they are called in a policy.
OPERATIONS = {
    "batch_get_item": "BatchGetItem",
    "batch_write_item": "BatchWriteItem",
    "create_table": "CreateTable",
    "delete_item": "DeleteItem",
    "delete_table": "DeleteTable",
    "describe_table": "DescribeTable",
    "describe_time_to_live": "DescribeTimeToLive",
    "execute_statement": "PartiQLSelect",
    "get_item": "GetItem",
    "list_tables": "ListTables",
    "put_item": "PutItem",
    "query": "Query",
    "scan": "Scan",
    "transact_get_items": "GetItem",
    "transact_write_items": "PutItem",
    "update_item": "UpdateItem",
    "update_table": "UpdateTable",
    "update_time_to_live": "UpdateTimeToLive",
}
FUNCTION = re.compile(r"\bfn\s+(\w+)[^;{]*\{")


def without_tests(text):
    """The source without comments and without its test module."""
    text = re.sub(r"//[^\n]*", "", text)
    return text.split("#[cfg(test)]")[0]


def bodies(text):
    """Name and body of each function."""
    for found in FUNCTION.finditer(text):
        depth, at = 1, found.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield found.group(1), text[found.end():at]


def of_store(source):
    """For each function of the store: the operations that it can come to call."""
    direct, names = {}, {}
    files = sorted(Path(source).rglob("*.rs"))
    found = [pair for file in files for pair in bodies(without_tests(file.read_text()))]
    known = {name for name, _ in found}
    for name, body in found:
        for call, operation in OPERATIONS.items():
            if re.search(rf"\.{call}\(\)", body):
                direct.setdefault(name, set()).add(operation)
        # A call, or a name handed on.
        mentioned = {n for n in known if n != name and re.search(rf"\b{n}\s*\(", body)}
        names.setdefault(name, set()).update(mentioned)
    reach = {name: set(direct.get(name, ())) for name in known}
    changed = True
    while changed:
        changed = False
        for name in known:
            more = set().union(*(reach[n] for n in names[name])) - reach[name]
            reach[name] |= more
            changed |= bool(more)
    return reach


def of_function(source, reach):
    """The operations that a deployed function can come to call."""
    text = "".join(without_tests(file.read_text()) for file in sorted(Path(source).rglob("*.rs")))
    named = set(re.findall(r"\bstore\s*\.\s*(\w+)\s*\(", text)) | set(re.findall(r"\bStore::(\w+)\s*\(", text))
    return sorted(set().union(*(reach.get(name, set()) for name in named)))


def read(root):
    """For each deployed function: its operations."""
    reach = of_store(root / "functions/store/src")
    return {name: of_function(root / "functions" / name / "src", reach) for name in ("receiver", "api")}
