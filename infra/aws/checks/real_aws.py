"""Reads command lines with the real aws command, in one process and without a network: `real_aws.py CALLS.json`.

Every request is answered before it is sent: uploads succeed, and everything else fails with the stack not being there, so that
only what a command says of its arguments counts. The last `cloudformation deploy` takes its parameters from standard input;
they are printed.
"""

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from urllib.parse import parse_qs

from awscli.clidriver import create_clidriver
from botocore.awsrequest import AWSResponse, HeadersDict

# What it returns for a command line that it can't read.
NOT_READ = 252
ERROR = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id check does not exist, "
    b"Stack with id check-certificate does not exist</Message></Error></ErrorResponse>"
)


class Body(io.BytesIO):
    """What botocore reads a response from."""

    def stream(self, **_):
        yield self.read()


def main():
    os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_MAX_ATTEMPTS="1")
    sent, refused = {}, []

    def answer(request, **_):
        body = request.body.decode(errors="replace") if isinstance(request.body, bytes) else str(request.body)
        if "Action=CreateChangeSet" in body:
            sent.clear()
            sent.update(parse_qs(body, keep_blank_values=True))
        is_upload = request.method == "PUT" and ".s3." in request.url
        return AWSResponse(request.url, 200 if is_upload else 400, HeadersDict(), Body(b"" if is_upload else ERROR))

    calls = json.loads(Path(sys.argv[1]).read_text())
    is_told = [call for call in calls if "file:///dev/stdin" in call]
    driver = create_clidriver()
    driver.session.register("before-send", answer)
    for call in [*(call for call in calls if call not in is_told), *is_told[-1:]]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = driver.main(call)
            except SystemExit as ended:
                status = ended.code
        if status in (2, NOT_READ) or "Unknown options" in said.getvalue():
            refused.append(f"the aws command does not read {call}: {said.getvalue()}")
    members = [name.removesuffix(".ParameterKey") for name in sent if name.endswith(".ParameterKey")]
    parameters = {sent[f"{member}.ParameterKey"][0]: sent[f"{member}.ParameterValue"][0] for member in members if f"{member}.ParameterValue" in sent}
    print(json.dumps({"refused": refused, "parameters": parameters}))


if __name__ == "__main__":
    main()
